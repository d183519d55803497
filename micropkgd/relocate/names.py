"""The values of a relocation, and the one question of all rewriting: where a dotted name goes.

Rules: a name goes where `Relocation.modules` says a module is, and nowhere else. Where a moved top-level package has
the name of a standard library module, the standard library wins: only names *below* the package are ours.
"""

import sys
from collections.abc import Mapping
from functools import lru_cache

from micropkgd.annotations import TYPE_CHECKING, Literal
from micropkgd.named_tuples import NamedTuple

if TYPE_CHECKING:
    from micropkgd.relocate.at_top import Imports

Kind = Literal["leaves", "dynamic", "ambiguous", "mention", "unread"]
"""`leaves` names what stays behind, `dynamic` is a string that may name a module, `ambiguous` has two readings,
`mention` is text that names a module which moved, `unread` a file that could not be parsed."""

METADATA = frozenset({"importlib.metadata", "importlib_metadata", "pkg_resources"})
"""The modules that answer for installed packages."""

_LONGER_THAN_ANY = 4096  # characters: no file system has a path for such a module


class Move(NamedTuple):
    """One package and where it goes, as dotted names."""

    old: str
    new: str


class Relocation(NamedTuple):
    """What moves. Moves do not lie inside one another.

    `modules` holds every module and package that moves, dotted, under its old name; `homes` the top-level names whose
    other modules stay behind; `distribution` what the package was called where it was installed, which it will not be
    any more.
    """

    moves: tuple[Move, ...]
    modules: frozenset[str]
    homes: frozenset[str]
    distribution: str = ""


class Finding(NamedTuple):
    """Something the rewriter cannot mend and must tell: the 1-based line, the offending text, and why."""

    line: int
    text: str
    reason: str
    kind: Kind


class Relocated(NamedTuple):
    """The file after the move, and what is still wrong with it."""

    source: bytes
    findings: tuple[Finding, ...]
    imports: "Imports | None" = None  # what it imports at its top, where its tree says so


class Routes(NamedTuple):
    """A relocation made ready for questions."""

    renamed: Mapping[str, str]
    above: frozenset[str]
    homes: frozenset[str]
    roots: frozenset[str]
    arrivals: tuple[str, ...]
    doubtful: frozenset[str]
    words: frozenset[str]
    distribution: str

    def goes_to(self, name: str) -> str | None:
        """The new name of a module, if it moves and no standard library module answers to the name first."""
        return None if name in self.doubtful else self.renamed.get(name)

    def longest(self, dotted: str) -> str | None:
        """The longest leading part of a dotted name that is a module which moves."""
        if len(dotted) > _LONGER_THAN_ANY:  # as nobody writes it: each part of it would be tried
            dotted = dotted[:_LONGER_THAN_ANY].rpartition(".")[0]
        while dotted and self.goes_to(dotted) is None:
            dotted = dotted.rpartition(".")[0]
        return dotted or None

    def root_of(self, module: str) -> str:
        """The moved package a module belongs to, or nothing."""
        return next((root for root in self.roots if is_below(module, root)), "")

    def stays_behind(self, name: str) -> bool:
        """Whether an absolute name lies in a home and is no module that moves."""
        return name.partition(".")[0] in self.homes

    def meets_arrival(self, name: str) -> bool:
        """Whether a name that is not ours would be taken for the package once that has moved."""
        return any(is_below(name, arrival) for arrival in self.arrivals)


@lru_cache(maxsize=16)
def routes_of(relocation: Relocation) -> Routes:
    """Work out the new name of every module; the packages between a root and a module need not be listed."""
    renamed: dict[str, str] = {}
    for old, new in relocation.moves:
        for module in relocation.modules:
            if is_below(module, old):
                renamed.update((name, new + name[len(old) :]) for name in _from_root(module, old))
    roots = frozenset(renamed.keys() & {move.old for move in relocation.moves})
    above = frozenset(name for root in roots for name in _parents(root))
    installed = {relocation.distribution, *METADATA} if relocation.distribution else set()
    return Routes(
        renamed=renamed,
        above=above - renamed.keys(),
        homes=relocation.homes,
        roots=roots,
        arrivals=tuple(move.new for move in relocation.moves),
        doubtful=frozenset(root for root in roots if root in sys.stdlib_module_names),
        words=frozenset(top_of(name) for move in relocation.moves for name in move) | relocation.homes | installed,
        distribution=relocation.distribution,
    )


def is_below(name: str, root: str) -> bool:
    """Whether a dotted name is the root or lies below it."""
    return name == root or name.startswith(f"{root}.")


def top_of(name: str) -> str:
    """The first component: the name a plain import binds."""
    return name.partition(".")[0]


def _parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:size]) for size in range(1, len(parts))]


def _from_root(module: str, root: str) -> list[str]:
    return [name for name in (*_parents(module), module) if is_below(name, root)]
