"""Paths below a project and the digests of what stands there."""

import re
from collections.abc import Collection, Mapping

from micropkgd.annotations import Final, NewType, cast
from micropkgd.errors import DocumentError
from micropkgd.named_tuples import NamedTuple

RelPath = NewType("RelPath", str)
"""A POSIX path below the project: no `.`, no `..`, no empty part, never absolute. Build it with `rel_path`."""

Digest = NewType("Digest", str)
"""`sha256:` and 64 lower-case hex digits. Build it with `digest_of` or `parse_digest`."""

_DEEPEST = 100  # folders; an archive may have fewer
_LONGEST = 1000  # characters, so that a project in a deep folder is still below the kernel's 4096 bytes
_LONGEST_NAME = 255  # bytes, as on nearly every file system

_LONGEST_PLAIN = 200  # characters: neither too deep nor too long, whatever it is made of
_PLAIN = re.compile(r"\w[\w.-]*(?:/\w[\w.-]*)*", re.ASCII)  # what nearly every path is, checked at once
_ALL_PLAIN = re.compile(r"\w[\w.-]*+(?:[/\n]\w[\w.-]*+)*+", re.ASCII)  # one a line
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_ALL_DIGESTS = re.compile(r"(?:sha256:[0-9a-f]{64})*+")
_DIGEST_LENGTH = len("sha256:") + 64


class Obstacle(NamedTuple):
    """Something that stands where a regular file should: it is never replaced nor followed."""

    what: str  # "a symbolic link", "a folder", ...


Found = Digest | Obstacle | None
"""What stands at a path: a regular file's digest, something else, or nothing."""

LEFT_OUT: Final = Obstacle("nothing, for git leaves it out of this checkout,")
"""At a path where nothing stands because git was asked for that, as by `git sparse-checkout`: nobody deleted it."""


def rel_path(text: str) -> RelPath:
    """Check that a text is a path that cannot leave the project; `DocumentError` where it could."""
    if len(text) <= _LONGEST_PLAIN and _PLAIN.fullmatch(text):
        return RelPath(text)
    if not text.isprintable() or (not text.isascii() and _has_odd_characters(text)):
        raise DocumentError(f"path {text!a} has control characters")
    if "\\" in text:
        raise DocumentError(f"path `{text}` has a backslash", hint="write paths with forward slashes")
    if text.startswith("/") or not text:
        raise DocumentError(f"path `{text}` is not relative to the project")
    if any(part in {"", ".", ".."} for part in text.split("/")):
        raise DocumentError(f"path `{text}` leaves the project or is not in its shortest form")
    if len(text) > _LONGEST_NAME // 4 and _is_too_long(text):
        raise DocumentError(f"path `{text[:100]}...` is longer than a file system takes", hint="use shorter names")
    if text.count("/") > _DEEPEST:
        raise DocumentError(f"path `{text[:100]}...` is more than {_DEEPEST} folders deep")
    return RelPath(text)


def managed_path(text: str) -> RelPath:
    """Check that a text is a path that a commit may change; hidden files and folders of the project are none.

    They are git's, an editor's or our own, and a journal that names one is never believed.
    """
    path = rel_path(text)
    if path.startswith("."):
        raise DocumentError(f"path `{path}` is hidden, and such are never written", hint="name one without the dot")
    return path


def parents(path: RelPath) -> tuple[RelPath, ...]:
    """All folders above a path, the nearest first, the project itself left out."""
    parts = path.split("/")
    return tuple(RelPath("/".join(parts[:end])) for end in range(len(parts) - 1, 0, -1))


def digest_of(data: bytes) -> Digest:
    """Name bytes by their sha256."""
    from micropkgd.model.hashing import sha256  # where bytes are hashed at all

    return Digest(f"sha256:{sha256(data).hexdigest()}")


def parse_digest(text: object) -> Digest:
    """Check the form of a digest; a bare 64-digit hex is taken as sha256."""
    if isinstance(text, str):
        full = text if ":" in text else f"sha256:{text}"
        if _DIGEST.fullmatch(full):
            return Digest(full)
    hint = "`sha256sum FILE` prints the digits; micropkg.lock has them, too"
    raise DocumentError(f"expected `sha256:` and 64 hex digits, found `{text}`", hint=hint)


def parse_inventory(table: Mapping[str, object]) -> dict[RelPath, Digest]:
    """Check the digests of files by their paths: a table of thousands at once where nothing in it is odd."""
    if _are_plain_paths(table) and _are_digests(table.values()):
        return cast("dict[RelPath, Digest]", dict(table))
    return {rel_path(path): parse_digest(digest) for path, digest in table.items()}


def suffix_of(path: RelPath) -> str:
    """What stands behind the last dot of a file's name, or the whole name."""
    return path.rpartition("/")[2].rpartition(".")[2]


def short(digest: Digest) -> str:
    """The first 12 hex digits, for people."""
    return digest.removeprefix("sha256:")[:12]


def _are_plain_paths(paths: Collection[str]) -> bool:
    lines = "\n".join(paths)
    one_each = lines.count("\n") + 1 == len(paths)
    return one_each and max(map(len, paths)) <= _LONGEST_PLAIN and _ALL_PLAIN.fullmatch(lines) is not None


def _are_digests(values: Collection[object]) -> bool:
    texts = cast("Collection[str]", values if set(map(type, values)) == {str} else ())
    return set(map(len, texts)) == {_DIGEST_LENGTH} and _ALL_DIGESTS.fullmatch("".join(texts)) is not None


def _is_too_long(text: str) -> bool:
    return len(text) > _LONGEST or any(len(part.encode()) > _LONGEST_NAME for part in text.split("/"))


def _has_odd_characters(text: str) -> bool:
    """Format and bidirectional characters make one name look like another."""
    import unicodedata

    return any(unicodedata.category(character).startswith("C") for character in text)
