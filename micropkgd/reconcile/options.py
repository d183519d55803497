"""How one pass is to be run: what the command line or the service asks of the loop."""

from collections.abc import Mapping
from typing import NamedTuple

from micropkgd.model.choice import Conflict


class Options(NamedTuple):
    """The wishes for one pass."""

    apply: bool = True  # False: say what would be done, and write nothing
    locked: bool = False  # install exactly the lock, which must agree with the manifest
    frozen: bool = False  # install the lock, whatever the manifest says of it
    lock_only: bool = False  # write the lock and leave the tree
    upgrade: frozenset[str] = frozenset()  # refs that follow their source although the policy says `locked`
    allow_downgrade: bool = False  # a requirement may be answered by an older release, or by other bytes of the same
    choices: Mapping[str, Conflict] = {}  # by ref: what a person chose for a held entry
    requirements_file: str | None = None  # in place of the usual one, where the policy names none
    offline: bool = False  # what is locked answers for refs that could only be asked over the network
    lock_timeout: float = 60.0  # seconds

    @property
    def is_plain(self) -> bool:
        """Whether it asks for nothing but what the manifest and the lock say: the everyday pass."""
        return self == Options(apply=self.apply, offline=self.offline, lock_timeout=self.lock_timeout)
