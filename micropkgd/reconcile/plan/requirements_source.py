"""The requirements file as lines can be added to it, or why none can: encoding, kind of document, hash mode."""

import posixpath
from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import suppress

from micropkgd.annotations import Final
from micropkgd.errors import DocumentError, TreeError
from micropkgd.model.layout import Layout
from micropkgd.model.requirement_lines import encoding_of, included, oddity, text_of, wants_hashes
from micropkgd.model.tree import RelPath, rel_path
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.plan.whole_file import bytes_of
from micropkgd.workspace.fsops import FsOps

_AS_UTF8: Final = "save it as UTF-8: `iconv -f {0} -t UTF-8 {1} > utf8.txt && mv utf8.txt {1}`"


class RequirementsText(NamedTuple):
    """The text that requirements are added to."""

    path: RelPath  # where it was read: the requirements file, or what that is made from
    found: bytes | None  # the bytes of the requirements file; None where it is yet to be made
    text: str
    mark: bytes = b""  # what the file begins with
    hashed: tuple[str, ...] = ()  # where pip takes lines with hashes alone: this text, and those that it includes


def read_source(fs: FsOps, layout: Layout) -> RequirementsText:
    """Read the requirements file, or the one that it is to be made from; `TreeError` where no lines can be added."""
    path = layout.requirements
    try:
        found = bytes_of(fs, path)
        path = path if found is not None else layout.requirements_seed
        data = found if found is not None else bytes_of(fs, path) or b""
        text = _editable(data, path)
        texts = (text, *_included(fs, path, text))
    except DocumentError as error:
        raise TreeError(error.problem, where=path, hint=error.hint) from error
    except OSError as error:
        raise TreeError.unreadable(error, path) from error
    mark = BOM_UTF8 if data.startswith(BOM_UTF8) else b""
    return RequirementsText(path, found, text, mark, texts if any(map(wants_hashes, texts)) else ())


def _editable(data: bytes, path: RelPath) -> str:
    """The text of a file that lines can be added to; `DocumentError` says why they cannot."""
    encoding, text = encoding_of(data), text_of(data)
    if encoding != "UTF-8" and not data.isascii():
        raise DocumentError(f"it is written in {encoding}", hint=_AS_UTF8.format(encoding, path))
    if problem := oddity(text):
        raise DocumentError(problem, hint="mend it, or name another file by `requirements-file`")
    return text


def _included(fs: FsOps, path: RelPath, text: str) -> Iterator[str]:
    """The texts of the files that a file includes, and those include; what cannot be read is left out."""
    seen, left = {path}, [(path, text)]
    while left:
        path, text = left.pop()
        for name in included(text):
            with suppress(DocumentError, TreeError, OSError):
                other = rel_path(posixpath.normpath(posixpath.join(posixpath.dirname(path), name)))
                data = bytes_of(fs, other) if other not in seen else None
                seen.add(other)
                if data is not None:
                    left.append((other, text_of(data)))
                    yield left[-1][1]
