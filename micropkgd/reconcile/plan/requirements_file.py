"""The change of the requirements file that follows where entries come to ask for other lines.

The lock is the base: what a block asks for was written when the block was installed. Where the lock moved on without
the tree, or nothing of an entry stands in it, the file itself tells which lines it has. What is wrong with the file
stops the entries whose lines would change in it, and nobody else; where nobody's lines change it is not even read.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from micropkgd.errors import TreeError
from micropkgd.model import requirements
from micropkgd.model.layout import Layout
from micropkgd.model.lock import Block, Version
from micropkgd.model.tree import Found, RelPath
from micropkgd.reconcile.plan.facts import started_from_old
from micropkgd.reconcile.plan.whole_file import Written, bytes_of, written
from micropkgd.workspace.fsops import FsOps

Lines = frozenset[str]

_MARK: Final = b"\xef\xbb\xbf"  # that editors on Windows begin UTF-8 with
_REASON: Final = "requirements of the entries"


class RequirementsFileError(TreeError):
    """The lines of the entries `refs` cannot be written to the requirements file."""

    def __init__(self, problem: str, *, where: str = "", hint: str = "", refs: Iterable[str] = ()) -> None:
        super().__init__(problem, where=where, hint=hint)
        self.refs = frozenset(refs)


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


def requirements_change(fs: FsOps, layout: Layout, asking: Sequence[Asking]) -> tuple[Written, ...]:
    """The change of the file; none where it says what it should."""
    stands = fs.status(layout.requirements) is not None
    moving = [one for one in asking if not _says_the_same(one, stands=stands)]
    if not moving:
        return ()
    try:
        found = bytes_of(fs, layout.requirements)
        where = layout.requirements if found is not None else layout.requirements_seed
        mark, text = _decoded(found if found is not None else bytes_of(fs, where) or b"", where)
    except TreeError as error:
        refs = [one.ref for one in moving]
        raise RequirementsFileError(error.problem, where=error.where, hint=error.hint, refs=refs) from error
    updated = _updated(text, moving, layout, stands=found is not None)
    return (written(layout.requirements, found, mark + updated.encode(), _REASON),) if updated != text else ()


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


def _updated(text: str, moving: Sequence[Asking], layout: Layout, *, stands: bool) -> str:
    blocks = requirements.blocks_of(text)
    before: defaultdict[str, Lines] = defaultdict(frozenset)
    after: defaultdict[str, Lines] = defaultdict(frozenset)
    moved: dict[str, str] = {}
    for one in moving:
        label = _label(one.after.target, blocks, layout) if one.after is not None else ""
        if stands and one.versions:
            old_label, lines = _written(one, blocks, layout)
            before[old_label] |= lines
            if label and label != old_label:
                moved[old_label] = label
        if label:
            after[label] |= _lines(one.after)
    return requirements.update(text, before, after, moved)


def _written(one: Asking, blocks: Mapping[str, Lines], layout: Layout) -> tuple[str, Lines]:
    """The label and the lines that an entry has in the file, told by the file where lock and tree do not."""
    said = [(_label(version.target, blocks, layout), _lines(version)) for version in one.versions]
    (label, new), (old_label, old) = said[0], said[-1]
    if one.is_absent and not {label, old_label} & blocks.keys():
        return label, frozenset()
    if label != old_label:
        return (label, new) if label in blocks and old_label not in blocks else (old_label, old)
    stands = blocks.get(label, frozenset())
    return label, new if stands & (new - old) and not stands & (old - new) else old


def _lines(version: Version | Block | None) -> Lines:
    return frozenset(version.requirements) if version is not None else frozenset()


def _label(target: RelPath, blocks: Mapping[str, Lines], layout: Layout) -> str:
    """The name of an entry in the file: `pipelines.forecast`; of one from another layout, the longest that is there."""
    inner = target.removeprefix(f"{layout.package_folder}/")
    if inner != target:
        return inner.replace("/", ".")
    parts = target.split("/")
    names = [".".join(parts[start:]) for start in range(len(parts))]
    return next((name for name in names if name in blocks), names[0])


def _decoded(data: bytes, where: RelPath) -> tuple[bytes, str]:
    """The mark that a file begins with, and its text."""
    mark = _MARK if data.startswith(_MARK) else b""
    try:
        return mark, data.removeprefix(_MARK).decode()
    except UnicodeDecodeError as error:
        raise TreeError("the requirements file is not UTF-8", where=where, hint="save it as UTF-8") from error
