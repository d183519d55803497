"""A move: an entry whose place changes is the same entry in another place, and its edits come along (decision 0012).

The facts are told as if the files stood in the new place already (`as_if_moved`), the three-way table decides, and the
plan is put into steps on the real tree (`landed`): the new place is filled, the old one emptied, all or nothing.
"""

from collections.abc import Container, Iterable, Mapping

from micropkgd.model.layout import Place
from micropkgd.model.lock import Version
from micropkgd.model.parameters import renamed
from micropkgd.model.plan import Change, ChangeKind, EntryPlan, MergeWay
from micropkgd.model.tree import Digest, Found, RelPath
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.plan.planner import EntryFacts
from micropkgd.relocate import Move, Relocation, is_importable, packages_among, relocate_or_keep

_USUAL_SOURCES = frozenset({"src", "lib", "source", "python"})


class EntryMove(NamedTuple):
    """Where an entry's files are and where they go."""

    old: Version  # that the tree has
    origins: Mapping[RelPath, RelPath]  # new path -> old path, also where both are the same
    brought: Mapping[RelPath, bytes] = {}  # edited files by new path, as the new place has them
    renames: bool = False  # the entry stays where it is: upstream moved single files in it

    @property
    def is_one(self) -> bool:
        """Whether anything goes anywhere."""
        return any(new != old for new, old in self.origins.items())


def move(old: Version, place: Place, files: Iterable[RelPath]) -> EntryMove:
    """Match the files of an entry's new place with those of its old one, by what they are in the archive."""
    origins = {}
    for path in files:
        origin = _origin(path, old, place)
        if origin is not None:
            origins[path] = origin
    return EntryMove(old, origins)


def source_of(new: RelPath, move: EntryMove, found: Mapping[RelPath, Found]) -> RelPath:
    """Where a file stands that is to come to a new path: at its old one, or where a person moved it already."""
    old = move.origins[new]
    return new if found.get(old) is None else old


def is_edited(new: RelPath, move: EntryMove, subject: EntryFacts) -> bool:
    """Whether a file that moves holds a person's bytes."""
    old = move.origins[new]
    ours = subject.found.get(source_of(new, move, subject.found))
    return isinstance(ours, str) and ours not in {subject.base.get(old), subject.other.get(old)}


def relocated(new: RelPath, data: bytes, old: Version, place: Place, move: EntryMove) -> bytes:
    """An edited file with the names that the new place has; `CodeError` where it cannot be parsed for that."""
    if not new.endswith((".py", ".pyi")):
        return data
    names = {path: _module(origin) for path, origin in move.origins.items() if origin.endswith((".py", ".pyi"))}
    tests = (_tests_move(move.origins[path], old, place) for path in names)
    code = Move(_dotted(old.target), place.module)
    moves = {move for move in (code, *tests) if move is not None and move.old != move.new}
    modules = set(names.values())
    folders = {name.rpartition(".")[0] for name in modules if "." in name}
    homes = frozenset(move.old.partition(".")[0] for move in moves)
    relocation = Relocation(tuple(sorted(moves)), frozenset(modules | folders), homes)
    is_package = new.endswith("/__init__.py")
    return relocate_or_keep(
        data,
        module=names[new],
        is_package=is_package,
        relocation=relocation,
        importable=_is_importable(new, place, move.origins),
    ).source


def _is_importable(new: RelPath, place: Place, paths: Iterable[RelPath]) -> bool:
    """Whether a file is a module of the package or of its tests, and no data."""
    root = place.code if new.startswith(f"{place.code}/") else place.tests
    above = root.removesuffix(root.rpartition("/")[2])
    packages = packages_among(path.removeprefix(above) for path in paths)
    return is_importable(new.removeprefix(above), packages)


def as_if_moved(
    subject: EntryFacts, move: EntryMove, bases: Mapping[RelPath, Digest], brought: Mapping[RelPath, Digest]
) -> EntryFacts:
    """The facts as they would be if every file stood at its new path, under its new names.

    `bases` are the files of the old version as the new place would have them, as far as they could be rendered.
    """
    base = {path: digest for path, digest in subject.base.items() if path not in move.origins.values()}
    other = {path: digest for path, digest in subject.other.items() if path not in move.origins.values()}
    found = dict(subject.found)
    for new, old in move.origins.items():
        if _is_taken(new, old, subject) or old not in {*subject.base, *subject.other}:
            continue
        base[new] = bases.get(new, subject.base.get(old, subject.other.get(old, subject.theirs[new])))
        ours = subject.found.get(source_of(new, move, subject.found))
        if isinstance(ours, str):
            found[new] = brought.get(new, base[new])
        elif ours is not None:
            found[new] = ours
    for old in move.origins.values():
        if old not in move.origins:
            found[old] = None
    return subject._replace(base=base, other=other, found=found)


def landed(
    plan: EntryPlan, virtual: EntryFacts, real: Mapping[RelPath, Found], move: EntryMove, others: Container[RelPath]
) -> EntryPlan:
    """The steps of a plan that was made as if everything had moved, on the tree as it is.

    What stands at an old path that is the new one of `others` is theirs to replace.
    """
    steps = {change.path: change for change in plan.changes}
    changes = [change for change in plan.changes if change.path not in move.origins or change.kind is ChangeKind.HOLD]
    for new, old in move.origins.items():
        step = steps.get(new)
        if step is not None and step.kind is ChangeKind.HOLD:
            continue
        after = step.after if step is not None else virtual.found.get(new)
        before = real.get(new)
        if isinstance(after, str) and after != before and not _is_obstacle(before):
            reason = step.reason if step is not None and step.kind is ChangeKind.MERGE else f"moved from {old}"
            reason = f"renamed upstream from {old}, with your edit" if move.renames else reason
            way = MergeWay.RENAMED if move.renames else step.way if step is not None else None
            kind = ChangeKind.CREATE if before is None else ChangeKind.UPDATE
            changes.append(Change(kind, new, before if isinstance(before, str) else None, after, reason, way=way))
        ours = real.get(old)
        if old not in move.origins and old not in others and isinstance(ours, str):
            changes.append(Change(ChangeKind.DELETE, old, ours, None, f"moved to {new}"))
    return plan._replace(changes=tuple(sorted(changes, key=lambda change: change.path)))


def _is_taken(new: RelPath, old: RelPath, subject: EntryFacts) -> bool:
    """Whether something else stands at the new path than what another entry leaves behind there, or what is to come.

    What is to come stands there where git joined a branch on which the entry had moved: an edit comes along to it.
    """
    there = subject.found.get(new)
    known = {None, subject.base.get(new), subject.theirs.get(new)}
    return new != old and subject.found.get(old) is not None and there not in known


def _is_obstacle(found: Found) -> bool:
    return found is not None and not isinstance(found, str)


def _origin(path: RelPath, old: Version, place: Place) -> RelPath | None:
    """The old path of what is to stand at a new one: code below the target, tests and parameters by their ends."""
    leaf, was = place.code.rpartition("/")[2], old.target.rpartition("/")[2]
    if path.startswith(f"{place.code}/"):
        origin = RelPath(f"{old.target}{path.removeprefix(place.code)}")
        return origin if origin in old.files else None
    others = [one for one in old.files if not one.startswith(f"{old.target}/")]
    if path.startswith(f"{place.tests}/"):
        return _only(one for one in others if one.endswith(f"/{was}{path.removeprefix(place.tests)}"))
    config = renamed(path.removeprefix(f"{place.conf}/"), leaf, was)
    return path if path in others else _only(one for one in others if one.endswith(f"/{config}"))


def _only(paths: Iterable[RelPath]) -> RelPath | None:
    """The one path that there is; of several nothing says which is meant."""
    found = list(paths)
    return found[0] if len(found) == 1 else None


def _dotted(folder: RelPath) -> str:
    """The name that a folder of code has in imports, whatever the layout was: what is above the package is left out."""
    first, _, rest = folder.partition("/")
    return (rest if first in _USUAL_SOURCES and rest else folder).replace("/", ".")


def _module(path: RelPath) -> str:
    """The dotted name of a Python file in the old place."""
    dotted = _dotted(RelPath(path.rpartition(".")[0]))
    return dotted.removesuffix(".__init__")


def _tests_move(origin: RelPath, old: Version, place: Place) -> Move | None:
    """How the name of the tests changes, told by one of them."""
    was = old.target.rpartition("/")[2]
    if origin.startswith(f"{old.target}/"):
        return None
    root, found, _ = origin.rpartition(f"/{was}/")
    return Move(_dotted(RelPath(f"{root}/{was}")), place.tests_module) if found else None
