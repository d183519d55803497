"""One pass as a value: what it works on, how it is to be run, and what was found when it began."""

from micropkgd.clock import utc
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.options import PassOptions
from micropkgd.reconcile.resolve.fetcher import Fetcher, Follows
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory.state import State
from micropkgd.workspace.memory.suspension import Suspension
from micropkgd.workspace.project import Project


class Pass(NamedTuple):
    """What every step of a pass needs. Made once, by `run_pass`; nothing in it changes while the pass runs."""

    fs: FsOps
    project: Project  # as read at the start: manifest, lock and layout
    options: PassOptions
    fetcher: Fetcher
    suspension: Suspension
    state: State  # what the pass before left
    now: float  # seconds since the epoch: when it began
    follow: Follows  # by ref
    kept: frozenset[str] = frozenset()  # the ids of the commits that were kept then
    at_work: frozenset[str] = frozenset()  # the refs of held entries that somebody has begun to settle

    @property
    def stamp(self) -> str:
        """When it began: ISO 8601, UTC."""
        return utc(self.now)

    @property
    def by_lock(self) -> bool:
        """Whether it goes by the lock alone, so that nothing can be learnt of what waits for a person."""
        return self.options.locked or self.options.frozen or self.options.lock_only
