"""An index, where the releases of a requirement are: the pages of a package index, or a folder of archives. Pure.

Every `NAME-VERSION.tar.gz` in a folder, a bucket's folder or a web server's listing is a release. The text says which
of these it is, as with refs; an `https://` address may be pages or a listing, and what its server sends tells.
"""

import re

from micropkgd.errors import DocumentError
from micropkgd.model.ref import Ref, RefKind, names_server

_PLACES = frozenset({RefKind.LOCAL, RefKind.S3, RefKind.GCS})
_FILE = r"(?i)\.(tar|t?gz|bz2|xz|zip|whl|tar\.[a-z0-9]+)/*$"
_WORD = r"[\w.-]+"
_PAGES = r"/\+?simple/*$"
_FORMS = (
    "write `https://host/simple/`, `https://host/files/`, `s3://bucket/folder/`, `gs://bucket/folder/` or `../share/`"
)


def parse_index(text: str) -> str:
    """Check what a requirement's `index` names: it is committed with manifest and lock, so it holds no credential."""
    if names_file(text):
        above = f"{text.rstrip('/').rpartition('/')[0] or '.'}/"
        hint = f"name the folder, `{above}`; a single archive is a ref of its own"
        raise DocumentError(
            f"`{text}` names a file, and an index is a folder of archives or the pages of an index", hint=hint
        )
    if not names_folder(text):
        hint = f"a folder of the project is written `{text}/`" if re.fullmatch(_WORD, text) else _FORMS
        raise DocumentError(f"`{text}` is neither the address of an index nor a folder", hint=hint)
    return text


def names_file(text: str) -> bool:
    """Whether a text that should name a folder names an archive."""
    return re.search(_FILE, text) is not None


def names_folder(text: str) -> bool:
    """Whether a text can be an index: a place with room for archives."""
    nowhere = folder_of(text).endswith(":/")  # a scheme and no more
    if nowhere or ("://" not in text and "/" not in text) or "?" in text or "#" in text:
        return False
    kind = index_kind(text)
    return names_server(text) if kind is RefKind.INDEX else kind in _PLACES


def index_kind(text: str) -> RefKind:
    """Which source answers a requirement that is looked up here: `INDEX` where web pages do."""
    kind = Ref.parse(f"{folder_of(text)}x.tar.gz").kind
    return RefKind.INDEX if kind is RefKind.HTTP else kind


def archive_in(text: str, file: str) -> Ref:
    """An archive that lies in a folder."""
    return Ref.parse(f"{folder_of(text)}{file}")


def newest_in(text: str) -> str:
    """What to do for whoever names a folder where one archive is asked for."""
    from shlex import quote

    return (
        f"name the `.tar.gz` itself; `micropkgd add NAME --index {quote(folder_of(text))}` takes the newest one there"
    )


def folder_of(text: str) -> str:
    """The address of a folder, with one slash at its end."""
    return f"{text.rstrip('/')}/"


def may_be_listing(text: str) -> bool:
    """Whether a web address can be a plain listing: one that ends in `/simple/` says that it is none."""
    return not re.search(_PAGES, text)
