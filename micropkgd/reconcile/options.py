"""The options of one pass: what the command line or the service asks of the loop."""

from collections.abc import Mapping
from enum import StrEnum

from micropkgd.annotations import Final
from micropkgd.model.choice import Decision
from micropkgd.named_tuples import NamedTuple

TRAVELLING: Final = ("locked", "frozen", "allow_downgrade", "allow_empty", "offline")
"""The wishes of a command that a running service can be asked for in its place."""


class Following(StrEnum):
    """Whether a pass takes what is newer at the sources."""

    ASKED = "asked"  # somebody asked for it
    UNASKED = "unasked"  # nobody did: on the branches alone that the policy names
    NOTHING = "nothing"  # a file was written: what is locked is installed, and a local archive that is new


class PassOptions(NamedTuple):
    """The wishes for one pass."""

    apply: bool = True  # False: say what would be done, and write nothing
    locked: bool = False  # install exactly the lock, which must agree with the manifest
    frozen: bool = False  # install the lock, whatever the manifest says of it
    lock_only: bool = False  # write the lock and leave the tree
    upgrade: frozenset[str] = frozenset()  # refs that follow their source although the policy says `locked`
    allow_downgrade: bool = False  # an entry may go back to an older version, or to other bytes of the same one
    allow_empty: bool = False  # rows that left the manifest were meant to, also where it looks like a slip
    choices: Mapping[str, Decision] = {}  # by ref: what a person chose for a held entry
    requirements_file: str | None = None  # in place of the usual one, where the policy names none
    manifest: bytes | None = None  # in place of the manifest, to see what another one would do
    offline: bool = False  # what is locked answers for refs that could only be asked over the network
    lock_timeout: float = 60.0  # seconds
    full_check: float = 86_400.0  # seconds; how often a remote archive is fetched although it seems unchanged; 0: never

    joins: tuple[str, ...] = ()  # ids of commits that the same command made before the pass
    following: Following = Following.ASKED
    trigger: str = "command"  # why, for `micropkgd why`
    pass_id: str = ""  # names the pass in logs and accounts; empty: made up

    @property
    def is_plain(self) -> bool:
        """Whether it asks for nothing but what the manifest and the lock say: the everyday pass."""
        ways = ("apply", "allow_empty", "offline", "lock_timeout", "full_check", "following", "trigger", "pass_id")
        return self == PassOptions(**{way: getattr(self, way) for way in ways})

    @property
    def may_settle(self) -> bool:
        """Whether the record of a pass in sync answers it: the everyday pass, or its part that is about the lock."""
        return self._replace(lock_only=False).is_plain
