"""The same text in another form: line ends, a byte order mark and the last line's end are not edits. Pure.

A checkout may write every text with CRLF (`eol=crlf`, `autocrlf`), and an editor may add a mark or drop the last line
end. What is written keeps the form that a file has here. A pointer of Git LFS stands for the file that it names: a
checkout has it where the content was not fetched, and nobody edited anything.
"""

import re
from codecs import BOM_UTF8
from collections.abc import Iterator

from micropkgd.model.tree import Digest, digest_of
from micropkgd.named_tuples import NamedTuple

LARGEST = 16 * 1024 * 1024  # bytes of a text that is worth another look, or a merge
_POINTER_BEGINS = b"version https://git-lfs.github.com/spec/v1\n"
_POINTER = re.escape(_POINTER_BEGINS) + rb"oid (sha256:[0-9a-f]{64})\nsize [0-9]+\n"


class Form(NamedTuple):
    """How a text is written."""

    crlf: bool  # every line ends with CR and LF
    mark: bool  # it begins with a byte order mark


def form_of(data: bytes) -> Form | None:
    """The form of a text; None for what is not one, or stands for another file, and where line ends are mixed."""
    ends = data.count(b"\n")
    crlf = data.count(b"\r\n")
    if b"\0" in data or len(data) > LARGEST or crlf not in {0, ends} or pointed_at(data) is not None:
        return None
    return Form(ends > 0 and crlf == ends, data.startswith(BOM_UTF8))


def pointed_at(data: bytes) -> Digest | None:
    """The digest of the file that a pointer of Git LFS stands for; None for what is no pointer, and nothing else."""
    pointer = re.fullmatch(_POINTER, data) if data.startswith(_POINTER_BEGINS) else None
    return Digest(pointer[1].decode()) if pointer is not None else None


def plain(data: bytes) -> bytes:
    """A text without a mark and with LF, for merging."""
    return data.removeprefix(BOM_UTF8).replace(b"\r\n", b"\n")


def in_form(data: bytes, form: Form) -> bytes:
    """A text in a form."""
    text = plain(data)
    return (BOM_UTF8 if form.mark else b"") + (text.replace(b"\n", b"\r\n") if form.crlf else text)


def same_texts(data: bytes) -> Iterator[Digest]:
    """The digests of the other forms of a text, or of what a pointer stands for."""
    if (digest := pointed_at(data)) is not None:
        yield digest
        return
    if form_of(data) is None:
        return
    bare = plain(data)
    for text in (bare, *_other_end(bare)):
        for crlf in (False, True):
            for mark in (False, True):
                yield digest_of(in_form(text, Form(crlf, mark)))


def _other_end(text: bytes) -> tuple[bytes, ...]:
    """The text with or without the end of its last line; an empty last line is a line, not a missing end."""
    cut = text.removesuffix(b"\n")
    if not cut or cut.endswith(b"\n"):
        return ()
    return (cut,) if cut != text else (text + b"\n",)
