"""The identity of a pull entry: its ref and the folder of its code, `ref -> target` where it is written as one text."""

from micropkgd.annotations import Final
from micropkgd.errors import DocumentError
from micropkgd.model.tree import RelPath, rel_path
from micropkgd.named_tuples import NamedTuple

MOST_ENTRIES: Final = 20_000
"""How many entries a manifest or a lock may have: a pass costs time for each, in every project of a service."""

NOWHERE = RelPath("")
"""The target of an entry whose archive could not be read yet."""

_ARROW = " -> "
_UNKNOWN = "?"


class EntryKey(NamedTuple):
    """Which entry: the same ref may come to stand in another folder, and another ref in the same one."""

    ref: str
    target: RelPath  # `NOWHERE` while nobody knows it

    @property
    def label(self) -> str:
        """One text for it, as in this machine's state."""
        return f"{self.ref}{_ARROW}{self.target or _UNKNOWN}"

    @classmethod
    def parse(cls, label: str) -> "EntryKey":
        """The key that has this label; `DocumentError` where none has it."""
        ref, arrow, target = label.rpartition(_ARROW)
        if not arrow:
            raise DocumentError(f"`{label}` names no entry: it is not of the form `ref{_ARROW}target`")
        return cls(ref, NOWHERE if target == _UNKNOWN else rel_path(target))

    @property
    def name(self) -> str:
        """The last part of its target, which people call it by."""
        return self.target.rpartition("/")[2]
