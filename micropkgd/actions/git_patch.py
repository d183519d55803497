"""Changes of files as a patch that `git apply` and `git am` take, written as git's diff-format(7) has it. Pure.

Each file has an `index` line with git's full names of both contents, so that `git apply --3way` finds what the change
started from. What is no text is a binary patch. Lines end where git ends them: with LF, and CR is part of a line.
"""

import binascii
import zlib
from base64 import b85encode
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from micropkgd.actions.homeward import HomeChange
from micropkgd.annotations import Final
from micropkgd.machine.git_identity import GitIdentity
from micropkgd.model.module_origin import blob_name

_NO_BLOB: Final = "0" * 40
_CONTEXT: Final = 3  # lines
_LOOKED_AT: Final = 8000  # bytes, in which git looks for a NUL
_LARGEST: Final = 16 << 20  # bytes of a text
_BINARY_LINE: Final = 52  # bytes
_LONGEST_MAIL_LINE: Final = 998


def patch_of(changes: Sequence[HomeChange]) -> bytes:
    """All changes; nothing where there are none."""
    return b"".join(piece for change in changes for piece in _file(change))


def mail_of(patch: bytes, subject: str, body: str, author: GitIdentity) -> bytes:
    """A patch as a mail for `git am`."""
    plain = b"\r" not in patch and max(map(len, patch.split(b"\n")), default=0) <= _LONGEST_MAIL_LINE
    head = [
        f"From {_NO_BLOB} Mon Sep 17 00:00:00 2001",  # the form that git gives each mail, whenever it is written
        f"From: {_phrase(author.name)} <{author.mail}>",
        f"Subject: {_encoded(f'[PATCH] {subject}')}",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=UTF-8",
        f"Content-Transfer-Encoding: {'8bit' if plain else 'quoted-printable'}",
    ]
    text = f"{body}\n---\n\n".encode() + patch + b"-- \nmicropkgd\n"
    return "".join(f"{line}\n" for line in [*head, ""]).encode() + (text if plain else _quoted_printable(text))


def _file(change: HomeChange) -> Iterator[bytes]:
    old, new = _name(f"a/{change.path}"), _name(f"b/{change.path}")
    modes = _mode(executable=change.was_executable), _mode(executable=change.is_executable)
    yield f"diff --git {old} {new}\n".encode()
    if change.before is None:
        yield f"new file mode {modes[1]}\n".encode()
    elif change.after is None:
        yield f"deleted file mode {modes[0]}\n".encode()
    elif modes[0] != modes[1]:
        yield f"old mode {modes[0]}\nnew mode {modes[1]}\n".encode()
    if change.before == change.after:
        return
    blobs = change.blob or _blob(change.before), _blob(change.after)
    stays = change.before is not None and change.after is not None and modes[0] == modes[1]
    yield f"index {blobs[0]}..{blobs[1]}{f' {modes[0]}' if stays else ''}\n".encode()
    before, after = change.before or b"", change.after or b""
    if _is_binary(before) or _is_binary(after):
        yield b"GIT binary patch\n" + _literal(after) + _literal(before)
    elif before != after:
        yield f"--- {old if change.before is not None else '/dev/null'}{_tab(change.path)}\n".encode()
        yield f"+++ {new if change.after is not None else '/dev/null'}{_tab(change.path)}\n".encode()
        yield from _hunks(_lines(before), _lines(after))


def _hunks(old: list[bytes], new: list[bytes]) -> Iterator[bytes]:
    for group in SequenceMatcher(None, old, new).get_grouped_opcodes(_CONTEXT):
        (_, old_start, _, new_start, _), (_, _, old_end, _, new_end) = group[0], group[-1]
        yield f"@@ -{_range(old_start, old_end)} +{_range(new_start, new_end)} @@\n".encode()
        for kind, start, end, other_start, other_end in group:
            if kind == "equal":
                yield from (_line(b" ", line) for line in old[start:end])
                continue
            yield from (_line(b"-", line) for line in old[start:end])
            yield from (_line(b"+", line) for line in new[other_start:other_end])


def _range(start: int, end: int) -> str:
    count = end - start
    return f"{start + 1}" if count == 1 else f"{start + (count > 0)},{count}"


def _line(sign: bytes, line: bytes) -> bytes:
    return sign + line if line.endswith(b"\n") else sign + line + b"\n\\ No newline at end of file\n"


def _lines(data: bytes) -> list[bytes]:
    *whole, rest = data.split(b"\n")
    return [line + b"\n" for line in whole] + ([rest] if rest else [])


def _literal(data: bytes) -> bytes:
    """One side of a binary patch: how long each line is, and its bytes in base 85."""
    packed = zlib.compress(data)
    pieces = [packed[start : start + _BINARY_LINE] for start in range(0, len(packed), _BINARY_LINE)]
    lines = (_length(len(piece)) + b85encode(piece, pad=True) + b"\n" for piece in pieces)
    return b"literal %d\n" % len(data) + b"".join(lines) + b"\n"


def _length(count: int) -> bytes:
    return bytes([ord("A") + count - 1 if count <= 26 else ord("a") + count - 27])


def _is_binary(data: bytes) -> bool:
    return b"\0" in data[:_LOOKED_AT] or len(data) > _LARGEST


def _blob(data: bytes | None) -> str:
    return _NO_BLOB if data is None else blob_name(data)


def _mode(*, executable: bool) -> str:
    return "100755" if executable else "100644"


def _name(path: str) -> str:
    """A name as git writes it: in quotes where something in it has a meaning."""
    return '"' + path.replace('"', '\\"') + '"' if '"' in path else path


def _tab(path: str) -> str:
    """Behind a name with a blank git writes a tab, that tells where it ends."""
    return "\t" if " " in path else ""


def _encoded(text: str) -> str:
    """A header's text: as it is, or as RFC 2047 writes what is not ASCII."""
    from email.header import Header

    return text if text.isascii() else Header(text, "utf-8", maxlinelen=_LONGEST_MAIL_LINE).encode()


def _phrase(name: str) -> str:
    if not name.isascii():
        return _encoded(name)
    return name if name.replace(" ", "").isalnum() else '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _quoted_printable(text: bytes) -> bytes:
    """Line by line, for LF alone ends one: CR is written, so that no mail program takes it away."""
    lines = (binascii.b2a_qp(line, istext=False) for line in text.split(b"\n"))
    return b"\n".join(lines)
