"""Lists the kept commits of a project, newest first, each with the page that the pass or command left of it."""

from micropkgd.clock import utc
from micropkgd.named_tuples import NamedTuple
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory.pass_log import PassRecord, pages
from micropkgd.workspace.transaction import kept


class PastCommit(NamedTuple):
    """One of them."""

    commit: kept.Commit
    page: PassRecord | None  # None: nobody remembers who made it

    @property
    def time(self) -> str:
        """When it was made: ISO 8601, UTC."""
        return utc(self.commit.when_ns // 1_000_000_000)

    def document(self) -> dict[str, object]:
        """For programs."""
        deeds = [deed._asdict() for deed in self.page.deeds] if self.page is not None else []
        changes = [
            {"path": path, "before": before, "after": after} for path, _, before, after in self.commit.operations
        ]
        trigger = self.page.trigger if self.page is not None else None
        return {"id": self.commit.id, "time": self.time, "trigger": trigger, "deeds": deeds, "changes": changes}


def past_commits(root: str) -> list[PastCommit]:
    """What is kept of a project."""
    with FsOps(root) as fs:
        remembered = list(pages(fs))
        commits = kept.history(fs)
    by_commit = {commit: page for page in reversed(remembered) for commit in page.commits}
    return [PastCommit(commit, by_commit.get(commit.id)) for commit in commits]
