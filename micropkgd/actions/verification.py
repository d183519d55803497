"""The report on the files of a project that were verified."""

from micropkgd.model.tree import RelPath
from micropkgd.named_tuples import NamedTuple

_EXIT_DIFFERS = 6


class Verification(NamedTuple):
    """Which files are not what the lock says."""

    root: str
    checked: int
    differing: tuple[tuple[RelPath, str], ...] = ()  # path, and what is there instead
    accepted: tuple[RelPath, ...] = ()  # edited, as somebody accepted
    edited_more: frozenset[RelPath] = frozenset()  # those of `differing` that belong to an entry with accepted edits

    @property
    def exit_code(self) -> int:
        """6 where anything differs; 4 where that is an edit beside accepted ones."""
        if not self.differing:
            return 0
        from micropkgd.model.condition import EXIT_HELD, worst

        return worst(EXIT_HELD if path in self.edited_more else _EXIT_DIFFERS for path, _ in self.differing)

    def document(self) -> dict[str, object]:
        """For programs."""
        differing = [{"path": path, "found": what} for path, what in self.differing]
        accepted = list(self.accepted)
        return {"project": self.root, "checked": self.checked, "differing": differing, "accepted": accepted}
