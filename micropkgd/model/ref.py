"""Refs: where a pull entry's archive is.

The text decides the kind, never the disk and never the network: a text that is no address, no path and no
requirement is an error, so that a typo cannot fall through to a package index (docs/kedro.md, defect 5).
"""

import re
from enum import StrEnum

from micropkgd.errors import DocumentError
from micropkgd.model.distribution_name import NAME
from micropkgd.named_tuples import NamedTuple

MIRRORED = "{sha256}"
"""Stands, in the address of a mirror, for the hexadecimal digits of an archive's digest."""


class RefKind(StrEnum):
    """Which source can probe and fetch a ref."""

    LOCAL = "local"
    HTTP = "http"
    S3 = "s3"
    GCS = "gcs"
    INDEX = "index"
    OTHER = "other"


_SCHEMES = {"http": RefKind.HTTP, "https": RefKind.HTTP, "s3": RefKind.S3, "gs": RefKind.GCS, "gcs": RefKind.GCS}
_SCHEME = r"([A-Za-z][A-Za-z0-9+.-]*)://"
_BARE_SCHEME = r"(?i)(https?|s3|gs|gcs|file):(?!//)"
_NUMBERED_HOST = r"(?i)https?://\[[0-9A-Fa-f:.]+\]"  # an IPv6 number has `::` of its own
_CLAUSE = r"(===|[<>=!~]=|[<>])\s*[A-Za-z0-9.*+!_-]+\s*"
_REQUIREMENT = rf"{NAME}(\s*\[[^\]]*\])?(\s*{_CLAUSE}(,\s*{_CLAUSE})*)?"
_DIRECT = r"([A-Za-z0-9][A-Za-z0-9._-]*)(\s*\[[^\]]*\])?\s*@\s*[A-Za-z][A-Za-z0-9+.-]*:"
_FILE_LIKE = r"(?i)\.(t[a-z]*gz|tar|tar\..*|zip|whl|py|egg)$|-\d+(\.\d+)+[^/]*$"
_CONFIDENTIAL = r"(?i)(^|[-_])(token|sig|signature|secret|password|passwd|credential|credentials|key|apikey|auth)$"


class Ref(NamedTuple):
    """Where one archive is, exactly as the manifest says it. Build it with `parse`, which checks."""

    text: str
    kind: RefKind
    location: str  # a path (relative to the project, or absolute), the address, or the requirement

    @classmethod
    def parse(cls, text: str) -> "Ref":
        """Say what a ref's text names; `DocumentError` where it names nothing that can be fetched."""
        _refuse_odd_text(text)
        if ":" in text:
            if match := re.match(_SCHEME, text):
                return cls._of_address(text, match.group(1).lower())
            _refuse_half_an_address(text)
        if text.endswith(".tar.gz") or "/" in text or text.startswith("."):
            return cls(text, RefKind.LOCAL, text)
        if ";" in text:
            raise DocumentError(
                f"ref `{text}` has an environment marker",
                hint="leave it away: a project's tree is the same on every machine",
            )
        if not re.fullmatch(_REQUIREMENT, text) or re.search(_FILE_LIKE, text):
            raise DocumentError(
                f"ref `{text}` is neither an address, nor a path to a `.tar.gz`, nor a requirement",
                hint="a path ends in `.tar.gz`; a package of an index is written like `name>=1,<2`",
            )
        return cls(text, RefKind.INDEX, text)

    @classmethod
    def _of_address(cls, text: str, scheme: str) -> "Ref":
        if scheme == "file":
            path = text[len("file://") :].removeprefix("localhost")
            if not path.startswith("/"):
                raise DocumentError(
                    f"ref `{text}` is not an absolute file address", hint="write `file:///folder/x.tar.gz`"
                )
            from urllib.parse import unquote

            location = unquote(path)
            if not location.isprintable():
                raise DocumentError(f"ref `{text}` has an escaped control character", hint="name the file another way")
            return cls(text, RefKind.LOCAL, location)
        _refuse_secrets(text)
        if scheme in {"http", "https"} and "#" in text:
            raise DocumentError(
                f"ref `{text.partition('#')[0].partition('?')[0]}` has a fragment (`#...`), which no server sees",
                hint='leave it away; a hash is pinned by `sha256 = "..."` in the entry',
            )
        return cls(text, _SCHEMES.get(scheme, RefKind.OTHER), text)


def names_server(address: str) -> bool:
    """Whether an http address has a host, and a port that there is."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def parse_mirror(text: str) -> str:
    """Check where a mirror keeps archives: a ref that names one of them once its digest is filled in."""
    hint = f"write it like `https://host/archives/{MIRRORED}.tar.gz`"
    if MIRRORED not in text:
        raise DocumentError(f"mirror `{text}` does not say where the digest goes", hint=hint)
    if Ref.parse(text.replace(MIRRORED, "0" * 64)).kind is RefKind.INDEX:
        raise DocumentError(f"mirror `{text}` is neither an address nor a path", hint=hint)
    return text


def _refuse_odd_text(text: str) -> None:
    if not text or text != text.strip() or not text.isprintable():
        problem = f"ref {text!a} is empty or has white space or control characters around or inside it"
        raise DocumentError(problem, hint="name an archive: a path, an address, or a requirement like `name>=1,<2`")
    if "\\" in text:
        raise DocumentError(f"ref `{text}` has a backslash", hint="write paths with forward slashes")
    if "::" in text and "::" in re.sub(_NUMBERED_HOST, "", text, count=1):
        raise DocumentError(f"ref `{text}` chains file systems with `::`", hint="name the archive itself")


def _refuse_half_an_address(text: str) -> None:
    if match := re.match(_DIRECT, text):
        raise DocumentError(f"ref `{match[1]} @ ...` names an address", hint="make the address itself the ref")
    if match := re.match(_BARE_SCHEME, text):
        hint = f"write `{match[1]}://{text[match.end() :].lstrip('/')}`"
        raise DocumentError(f"ref `{text}` begins like an address, and has no `://`", hint=hint)


def _refuse_secrets(text: str) -> None:
    """A ref is committed twice, in manifest and lock: it must not carry a credential (promise P9)."""
    address, _, query = text.partition("?")
    authority = address.partition("://")[2].partition("/")[0]
    if "@" in authority:
        bare = f"{address.partition('://')[0]}://{authority.rpartition('@')[2]}"
        raise DocumentError(
            f"ref `{bare}/...` carries a user name or password",
            hint='put credentials into netrc or a file named by fs-args, as "${VAR}"',
        )
    for key in (pair.partition("=")[0] for pair in re.split("[&;]", query.partition("#")[0])):
        if re.search(_CONFIDENTIAL, key):
            raise DocumentError(
                f"ref `{address}` carries a credential in its query (`{key}`)",
                hint='put it into a file named by fs-args, as "${VAR}"',
            )
