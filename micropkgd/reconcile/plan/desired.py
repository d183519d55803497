"""One entry on its way through a pass: what it had, what it should have, and what is said of it meanwhile."""

from collections.abc import Mapping

from micropkgd.model.condition import Failure
from micropkgd.model.entry_key import NOWHERE, EntryKey
from micropkgd.model.lock import Block, Version
from micropkgd.model.outcome import StepBack
from micropkgd.model.pull_entry import PullEntry
from micropkgd.model.tree import Digest, RelPath
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.resolve.rendering import Rendering
from micropkgd.workspace.memory.state import Hold


class Arranged(NamedTuple):
    """The version that an entry has in the tree, as if its archive had the files where a person moved them."""

    version: Version
    old: Mapping[RelPath, Digest]  # what stood where they are now, before any import followed


class Desired(NamedTuple):
    """One entry on its way through a pass."""

    ref: str
    entry: PullEntry | None  # None: it left the manifest
    before: Block | None  # its block in the lock as found; of a ref that is new, the one that stood in its place
    after: Block | None  # its block once applied; None: it is leaving, or nothing is known of it
    rendering: Rendering | None = None  # only where bytes are, or may be, needed
    failure: Failure | None = None
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()  # on the code that was rendered: told by the pass that renders it, and not again
    asked: bool = True  # False: its source was not asked, or did not answer
    step_back: StepBack | None = None  # an update that goes backwards, made or held
    held_back: Hold | None = None  # the version that it would go back to, and does not
    waits: Block | None = None  # the version that waits for a checkout that has all files
    arranged: Arranged | None = None  # where a person moved files of it since the last pass
    elsewhere: frozenset[RelPath] = frozenset()  # files that are moved, and must not come back, while the lock stays

    @property
    def target(self) -> RelPath | None:
        """Where its code stands, as far as that is known."""
        block = self.after or self.before
        return block.target if block else None

    @property
    def key(self) -> EntryKey:
        """The entry's identity."""
        return EntryKey(self.ref, self.target or NOWHERE)

    @property
    def files(self) -> Mapping[RelPath, Digest]:
        """What it should have."""
        return self.after.files if self.after else {}
