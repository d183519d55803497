"""The files that a lock lists, where a pass has read this very lock and found it right.

Then its inventories are taken from their lines, and nothing is checked again: that is a tenth of reading the documents
as a whole. Rule: only a lock in the very form that we write is read so, line by line; of any other nothing is said.
"""

import os
import re

from micropkgd.annotations import Final
from micropkgd.errors import DocumentError
from micropkgd.model.tree import Digest, RelPath, parse_inventory
from micropkgd.workspace.memory.settled import documents_stand
from micropkgd.workspace.reading import LOCK, read_regular

_TEXT: Final = r'"[^"\\\n]*+"'
_VALUE: Final = rf"(?:{_TEXT}|[0-9]++|\[(?:\n(?:    {_TEXT},\n)++)?+\])"
_TABLE: Final = r"\[packages\.(?:(?:archive|sdist)(?:\.hashes)?+|tool\.micropkgd)\]"
_OTHER: Final = rf"(?:(?:#[^\n]*+|[a-z0-9-]++ = {_VALUE}|\[\[packages\]\]|{_TABLE})?+\n)*+"
_FILES: Final = rf"\[packages\.tool\.micropkgd\.files\]\n((?:{_TEXT} = {_TEXT}\n)*+)"
_END: Final = r"\Z"


def listed_files(root: str) -> dict[RelPath, Digest] | None:
    """The inventories of all entries as one; None where somebody must read the documents as a whole.

    It knows no accepted edits, and no entry whose tree may still have another version.
    """
    if not documents_stand(root):
        return None
    try:
        return _inventories(read_regular(os.path.join(root, "micropkg.lock"), at_most=LOCK).decode())
    except (OSError, UnicodeDecodeError, DocumentError):
        return None


def _inventories(text: str) -> dict[RelPath, Digest] | None:
    block, at = re.compile(_OTHER + _FILES), 0
    found: dict[str, object] = {}
    while inventory := block.match(text, at):
        words = inventory[1].split('"')
        found.update(zip(words[1::4], words[3::4], strict=True))
        at = inventory.end()
    return parse_inventory(found) if found and re.compile(_OTHER + _END).match(text, at) else None
