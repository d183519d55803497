"""The question that the source of one entry is asked, as far as it depends on the project.

Equal questions of one pass have one answer: what was heard before the whole project was read is not asked again.
"""

from collections.abc import Sequence

from micropkgd.model.lock import Block
from micropkgd.model.pull_entry import PullEntry
from micropkgd.model.ref import Ref
from micropkgd.model.tree import Digest, RelPath, parse_digest
from micropkgd.named_tuples import NamedTuple
from micropkgd.workspace.memory.state import LastAnswer

_NOTHING = Digest("")


class EntryQuestion(NamedTuple):
    """An entry, what is locked for it and what is known of its source: as far as the source is asked by them."""

    ref: str
    fs_args: str | None
    index_url: str | None  # as the manifest has it
    pin: Digest | None
    name: str
    version: str
    url: str
    archive: Digest  # that is locked; empty where none is, as the rest
    locked_index: str
    known: LastAnswer | None

    @classmethod
    def of(cls, entry: PullEntry, block: Block | None, known: LastAnswer | None) -> "EntryQuestion":
        """What is asked for an entry."""
        row = (entry.ref.text, entry.fs_args, entry.index_url, entry.sha256)
        if block is None:
            return cls(*row, "", "", "", _NOTHING, "", known)
        return cls(*row, block.name, block.version, block.url, block.archive, block.index_url, known)

    @classmethod
    def parse(cls, row: Sequence[object]) -> "EntryQuestion":
        """Read one that was written as JSON; `ValueError`, `TypeError` or `DocumentError` where it is none."""
        ref, fs_args, index_url, pin, name, version, url, archive, locked_index, known = row
        return cls(
            str(ref),
            _text(fs_args),
            _text(index_url),
            None if pin is None else parse_digest(pin),
            str(name),
            str(version),
            str(url),
            parse_digest(archive),
            str(locked_index),
            None if known is None else _answer(known),
        )

    @property
    def entry(self) -> PullEntry:
        """As much of the entry as its source is asked by."""
        return PullEntry(Ref.parse(self.ref), fs_args=self.fs_args, index_url=self.index_url, sha256=self.pin)

    @property
    def block(self) -> Block:
        """As much of what is locked."""
        what = (self.name, self.version, self.url, 0, self.archive, self.ref)
        return Block(*what, _NOTHING, RelPath(""), 0, (), {}, self.locked_index)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _answer(row: object) -> LastAnswer:
    if not isinstance(row, list):
        raise TypeError(row)
    validator, archive, checked = row
    return LastAnswer(str(validator), parse_digest(archive), float(checked))
