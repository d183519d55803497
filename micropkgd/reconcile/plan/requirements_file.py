"""The change of the requirements file that follows where entries come to ask for other lines.

The lock is the base: what a block asks for was written when the block was installed. Where the lock moved on without
the tree, or nothing of an entry stands in it, the file itself tells which lines it has. What is wrong with the file
stops the entries whose lines would change in it, and nobody else; where nobody's lines change it is not even read.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from micropkgd.annotations import TYPE_CHECKING, Final
from micropkgd.errors import TreeError
from micropkgd.model.condition import Failure
from micropkgd.model.layout import Layout
from micropkgd.model.lock import Block, Version
from micropkgd.model.tree import Found, RelPath
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.plan.facts import started_from_old
from micropkgd.reconcile.plan.whole_file import WrittenChange, written
from micropkgd.workspace.fsops import FsOps

if TYPE_CHECKING:
    from micropkgd.reconcile.plan.requirements_source import RequirementsText

Lines = frozenset[str]

NOT_WRITTEN: Final = "RequirementsFile"
"""The reason of an entry that asks for lines which cannot be written."""

REASON: Final = "requirements of the entries"
"""Why a place of requirements is written."""

_HASHED: Final = "add it with its version and hashes"
_OR_COMPILE: Final = ', or set `requirements-file = "requirements.in"` and compile this file from it'
_COMPILED: Final = "write {} with what the project itself asks for: this file is compiled from it"


class RequirementsFileError(TreeError):
    """Lines cannot be written to the requirements file; `lines` has them by the refs of their entries."""

    def __init__(self, error: TreeError, lines: Mapping[str, Sequence[str]]) -> None:
        super().__init__(error.problem, where=error.where, hint=error.hint)
        self.lines = lines

    def failure(self, ref: str) -> Failure:
        """What it means for one of them."""
        lines = ", ".join(f"`{line}`" for line in self.lines[ref]) or "its lines"
        return Failure(self.exit_code, NOT_WRITTEN, f"{self}; it was to get {lines}", self.hint)


class Asking(NamedTuple):
    """What one entry asks of the requirements file, before and after."""

    ref: str
    before: Block | None  # None: it is new
    after: Block | None  # None: it leaves
    found: Mapping[RelPath, Found] | None = None  # what stands in its places; None: nobody looked

    @property
    def stays(self) -> bool:
        """Whether it is left as it is, whatever the file has of it."""
        return self.found is None and self.before == self.after

    @property
    def versions(self) -> tuple[Version, ...]:
        """The version whose lines were written, as far as lock and tree tell: of several, the file tells which."""
        if self.before is None or self.before.superseded is None or self.found is None:
            return self.before.versions if self.before is not None else ()
        from_old = started_from_old(self.before, self.found)
        return self.before.versions[from_old : from_old + 1] if from_old is not None else self.before.versions

    @property
    def is_absent(self) -> bool:
        """Whether nothing of it stands in the tree, so that nothing of it may have been written."""
        found, block = self.found, self.before
        return found is not None and block is not None and not any(found.get(path) for path in block.paths)


def requirements_change(fs: FsOps, layout: Layout, asking: Sequence[Asking]) -> tuple[WrittenChange, ...]:
    """The change of the file; none where it says what it should."""
    stands = fs.status(layout.requirements) is not None
    moving = [one for one in asking if not _says_the_same(one, stands=stands)]
    if not moving:
        return ()
    from micropkgd.reconcile.plan.requirements_source import read_source

    try:
        source = read_source(fs, layout)
    except TreeError as error:
        raise RequirementsFileError(error, {one.ref: sorted(_lines(one.after)) for one in moving}) from error
    return change_of(as_one(fs, layout, source, asking), layout, moving)


def as_one(fs: FsOps, layout: Layout, source: "RequirementsText", asking: Iterable[Asking]) -> "RequirementsText":
    """The file with what is left of an entry under other names in the entry's own block."""
    from micropkgd.model import requirements

    if not requirements.blocks_of(source.text):
        return source
    from micropkgd.reconcile.plan.requirements_leftovers import with_leftovers

    entries = [block for one in asking if (block := one.before or one.after) is not None]
    return source._replace(text=with_leftovers(fs, layout, source.text, entries))


def change_of(
    source: "RequirementsText", layout: Layout, moving: Sequence[Asking], *, as_moved: bool = False
) -> tuple[WrittenChange, ...]:
    """The change of a file that was read; `as_moved` has the blocks of entries in a file that is yet to be made."""
    if source.hashed:
        from micropkgd.model.requirement_lines import pins

        moving = [_without_pinned(one, pins(source.hashed)) for one in moving]
        _refuse_plain_lines(source, moving, layout)
    known = as_moved or source.found is not None
    data = source.mark + _updated(source, moving, layout, known=known).encode()
    return (written(layout.requirements, source.found, data, REASON),) if data != source.found else ()


def refs_in_need(asking: Iterable[Asking], *, stands: bool) -> frozenset[str]:
    """The refs of the entries for which the file must be changed, or made."""
    return frozenset(one.ref for one in asking if not _says_the_same(one, stands=stands))


def _without_pinned(one: Asking, versions: Mapping[str, str]) -> Asking:
    """What an entry asks of a file that pins every version: nothing where the version that is there will do."""
    if one.after is None:
        return one
    from micropkgd.model.requirement_lines import allows, name_in

    lines = (line for line in one.after.requirements if not allows(line, versions.get(name_in(line), "")))
    return one._replace(after=one.after._replace(requirements=tuple(lines)))


def _refuse_plain_lines(source: "RequirementsText", moving: Sequence[Asking], layout: Layout) -> None:
    """Pip refuses a file where one line has a hash and another has none."""
    stands = frozenset(source.text.splitlines())
    known = source.found is not None
    added = {one.ref: frozenset(_updated(source, [one], layout, known=known).splitlines()) - stands for one in moving}
    lacking = {one.ref: sorted(added[one.ref] & _lines(one.after)) for one in moving}
    if any(lacking.values()):
        problem = "it lists hashes, and pip refuses it as soon as one line has none"
        by_hand = _HASHED + (_OR_COMPILE if source.path.endswith(".txt") else "")
        hint = by_hand if source.found is not None else _COMPILED.format(layout.requirements)
        error = TreeError(problem, where=source.path, hint=hint)
        raise RequirementsFileError(error, {ref: lines for ref, lines in lacking.items() if lines})


def _says_the_same(one: Asking, *, stands: bool) -> bool:
    """Whether nothing need be changed in the file, as far as can be known without reading it."""
    if not stands or one.stays:
        return one.stays if stands else not _lines(one.after)
    versions = one.versions or (None,)
    if any(_lines(version) != _lines(one.after) for version in versions):
        return False
    if one.before is None or one.after is None or not one.after.requirements:
        return True
    return all(version.target == one.after.target for version in one.versions) and not one.is_absent


def _updated(source: "RequirementsText", moving: Sequence[Asking], layout: Layout, *, known: bool) -> str:
    """The text with the lines that entries come to ask for; `known` is what their blocks had."""
    from micropkgd.model import requirements

    blocks = requirements.blocks_of(source.text)
    before: defaultdict[str, Lines] = defaultdict(frozenset)
    after: defaultdict[str, Lines] = defaultdict(frozenset)
    moved: dict[str, str] = {}
    for one in moving:
        label = label_of(one.after.target, blocks, layout) if one.after is not None else ""
        if known and one.versions:
            old_label, lines = _written(one, blocks, layout)
            before[old_label] |= lines
            if label and label != old_label:
                moved[old_label] = label
        if label:
            after[label] |= _lines(one.after)
    return requirements.update(source.text, before, after, moved)


def _written(one: Asking, blocks: Mapping[str, Lines], layout: Layout) -> tuple[str, Lines]:
    """The label and the lines that an entry has in the file, told by the file where lock and tree do not."""
    said = [(label_of(version.target, blocks, layout), _lines(version)) for version in one.versions]
    (label, new), (old_label, old) = said[0], said[-1]
    if one.is_absent and not {label, old_label} & blocks.keys():
        return label, frozenset()
    if label != old_label:
        return (label, new) if label in blocks and old_label not in blocks else (old_label, old)
    stands = blocks.get(label, frozenset())
    return label, new if stands & (new - old) and not stands & (old - new) else old


def _lines(version: Version | Block | None) -> Lines:
    return frozenset(version.requirements) if version is not None else frozenset()


def label_of(target: RelPath, labels: Collection[str], layout: Layout) -> str:
    """The name of an entry in the file: `pipelines.forecast`; of one from another layout, the longest that is there."""
    inner = target.removeprefix(f"{layout.package_folder}/")
    if inner != target:
        return inner.replace("/", ".")
    parts = target.split("/")
    names = [".".join(parts[start:]) for start in range(len(parts))]
    return next((name for name in names if name in labels), names[0])
