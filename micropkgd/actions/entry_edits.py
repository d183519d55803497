"""The edits of one entry as a whole: its files as the archive makes them here, beside what stands in the tree.

Edits are edited, new and deleted files and executable bits. Line ends, a byte order mark and the last line's end are
not edits (`model.text_form`); which new files count is what `micropkgd package` would take along. A file that was moved
is one edit at two places, and those of its imports that follow it belong to it.
"""

from collections.abc import Collection, Mapping, Sequence

from micropkgd.actions.naming import named_among
from micropkgd.annotations import Final
from micropkgd.errors import OutOfStepError, TreeError, UsageError
from micropkgd.model.condition import Failure
from micropkgd.model.contents import digests_of, held_in, size_of
from micropkgd.model.layout import Layout
from micropkgd.model.lock import Block, Release, Version
from micropkgd.model.pull_entry import PullEntry
from micropkgd.model.ref import Ref
from micropkgd.model.text_form import form_of, in_form
from micropkgd.model.tree import LEFT_OUT, Found, Obstacle, RelPath
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.package.inputs import REQUIREMENTS, Input, PackagedModule
from micropkgd.reconcile.package.jobs import rules_pulled
from micropkgd.reconcile.package.walk import look
from micropkgd.reconcile.plan.byte_store import ByteStore
from micropkgd.reconcile.plan.facts import as_it_stands
from micropkgd.reconcile.plan.render import MemberMapping, render
from micropkgd.reconcile.resolve.fetcher import Fetcher, WantedArchive
from micropkgd.sdist.metadata import package_name
from micropkgd.sdist.reader import Sdist, read_sdist
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.project import Project
from micropkgd.workspace.root import MANIFEST_NAME

_MANY: Final = 5  # names in one message


class ChosenPaths(NamedTuple):
    """Files and folders that a person names, from the project or from where they stand."""

    only: tuple[str, ...] = ()  # none: all
    without: tuple[str, ...] = ()
    root: str = ""
    below: str = ""  # where the person stands

    def takes(self, *paths: RelPath) -> bool:
        """Whether an edit is meant that is at these places."""
        return (not self.only or self._names(self.only, paths)) and not self._names(self.without, paths)

    def check(self, known: Collection[RelPath]) -> None:
        """`UsageError` where something is named that was not edited."""
        for name in (*self.only, *self.without):
            if not self._names([name], known):
                several = ", ".join(sorted(known)[:_MANY]) + (", ..." if len(known) > _MANY else "")
                raise UsageError(f"`{name}` is not among the edited files", hint=f"these are: {several or 'none'}")

    def _names(self, names: Sequence[str], paths: Collection[RelPath]) -> bool:
        return any(named_among(paths, name, self.root, self.below) for name in names)


ALL: Final = ChosenPaths()


class EditedFile(NamedTuple):
    """One file that differs from what the archive made here."""

    path: RelPath
    member: str  # its name in the archive
    before: bytes | None  # None: it is new
    after: bytes | None  # None: it was deleted
    was_executable: bool = False
    is_executable: bool = False


class EntryEdits(NamedTuple):
    """The edits of one entry, and what they started from."""

    entry: PullEntry  # with the alias and destination that its files really have
    version: Version
    sdist: Sdist
    module: PackagedModule  # as it would be packaged here, under its name in the archive
    layout: Layout
    files: tuple[Input, ...]  # those that the archive made, also where they were deleted, and new ones
    edited: tuple[EditedFile, ...]
    notes: tuple[str, ...] = ()


class _Standing(NamedTuple):
    """What stands in the tree in place of one version."""

    version: Version
    found: Mapping[RelPath, Found]
    entry: PullEntry
    module: PackagedModule
    new: tuple[Input, ...]
    notes: tuple[str, ...]


def is_edited(fs: FsOps, project: Project, entry: PullEntry, block: Block) -> bool:
    """Whether files of an entry were edited, deleted or added, told without its archive."""
    standing = _standing(fs, project, entry, block)
    files = standing.version.files
    return bool(standing.new or standing.version.moved) or any(
        standing.found[path] != digest for path, digest in files.items()
    )


def entry_edits(
    fs: FsOps, project: Project, entry: PullEntry, block: Block, fetcher: Fetcher, chosen: ChosenPaths = ALL
) -> EntryEdits | Failure:
    """The chosen edits of one entry; a failure where the archive that they started from cannot be had."""
    standing = _standing(fs, project, entry, block)
    version, placed = standing.version, standing.entry
    release = Release(block.name, version.version, version.url, version.index_url) if version.index_url else None
    source = entry._replace(ref=Ref.parse(block.ref))  # which may be another by now
    (archive,) = fetcher.materialise([WantedArchive(source, version.archive, release)])
    if isinstance(archive, Failure):
        problem = f"the archive that the edits started from is not at hand ({version.archive}): {archive.problem}"
        return archive._replace(problem=problem)
    store = ByteStore(fetcher.cache.scratch)
    with archive.reading() as stream:
        sdist = read_sdist(stream, keep=store.keep)
    rendering = render(sdist, placed, project.layout, store.keep, version.moved)
    if digests_of(rendering.files) != version.files:
        problem = f"the archive of {version.version} renders to other files than the lock lists"
        raise OutOfStepError(problem, where=entry.ref.text, hint="run `micropkgd reconcile --once`, then again")
    package = package_name(sdist)
    mapping = MemberMapping.of((one.path for one in sdist.members), package, placed, project.layout)
    members = {mapping.target(one.path): one.path for one in sdist.members if mapping.takes(one.path)}
    moves = {old: (mapping.target(old), mapping.target(new)) for old, new in version.moved.items()}
    if moves:  # which go home like any edit, a file that is gone and a new one, but for those that are left out
        left = {old: new for old, new in version.moved.items() if not chosen.takes(*moves[old])}
        members |= {moves[old][1]: old for old in left}
        rendering = render(sdist, placed, project.layout, store.keep, left)
        version = version._replace(files=digests_of(rendering.files), moved=left)
        as_made = block._replace(files=version.files, moved=left, superseded=None)
        standing = standing._replace(version=version, found=as_it_stands(fs, project.root, as_made, {})[1])
    standing = _named(fs, project, standing, package)
    files = [
        Input(path, members[path], path in rendering.executables, size_of(text))
        for path, text in held_in(rendering.files).items()
    ]
    edited = _chosen(_edited(fs, standing, files, rendering.files), tuple(moves.values()), chosen)
    return EntryEdits(
        placed, version, sdist, standing.module, project.layout, (*files, *standing.new), edited, standing.notes
    )


def _chosen(
    edited: Sequence[EditedFile], moves: Sequence[tuple[RelPath, RelPath]], chosen: ChosenPaths
) -> tuple[EditedFile, ...]:
    """The edits that are meant, both halves of a move or none."""
    both = {path: move for move in moves for path in move}
    chosen.check({*both, *(one.path for one in edited)})
    return tuple(one for one in edited if chosen.takes(*both.get(one.path, (one.path,))))


def _standing(fs: FsOps, project: Project, entry: PullEntry, block: Block) -> _Standing:
    """The entry as it stands here, seen as a module that could be packaged: so its files have names in an archive."""
    version, found = as_it_stands(fs, project.root, block, {})
    placed = _placed(entry, version.target, project.layout)
    place = project.layout.place(placed.destination, placed.alias or "", placed.env)
    module = PackagedModule(
        place=place,
        leaf=placed.alias or "",
        name=placed.alias or "",
        pulled_config=frozenset(str(path) for path in version.files if path.startswith(f"{place.conf}/")),
        pulled_rules=rules_pulled(project.lock),
        rewrite_parameters=entry.rewrite_parameters,
    )
    return _named(fs, project, _Standing(version, found, placed, module, (), ()), module.name)


def _placed(entry: PullEntry, target: RelPath, layout: Layout) -> PullEntry:
    """The entry with the alias and destination that its target shows: the manifest may have come to say others."""
    inner = target.removeprefix(f"{layout.package_folder}/")
    if inner == target:
        hint = "run `micropkgd reconcile --once`, which moves it"
        raise UsageError(f"{target} is a place of another layout", where=entry.ref.text, hint=hint)
    *destination, leaf = inner.split("/")
    return entry._replace(destination=tuple(destination), alias=leaf)


def _named(fs: FsOps, project: Project, standing: _Standing, name: str) -> _Standing:
    """With the new files, under the names that they have in an archive of this package."""
    module = standing.module._replace(name=name)
    files = standing.version.files
    if fs.status(module.place.code) is None:
        return standing._replace(module=module)
    inputs = look(fs, project.root, module)
    new = tuple(file for file in inputs.files if file.path not in files)
    notes = [f"{out.path} is not in the patch: {out.reason}" for out in inputs.left_out if out.path not in files]
    requirements = RelPath(f"{module.place.code}/{REQUIREMENTS}")
    if requirements not in files and fs.status(requirements) is not None:
        notes.append(f"{requirements} is not in the patch: an archive has requirements as metadata")
    return standing._replace(module=module, new=new, notes=tuple(notes))


def _edited(fs: FsOps, standing: _Standing, files: list[Input], texts: Mapping[RelPath, bytes]) -> list[EditedFile]:
    """The files that differ from the archive's, those that are new and those that went, sorted by path."""
    knows_bits = not fs.is_executable(RelPath(MANIFEST_NAME))  # where every file is executable, none says anything
    edited = []
    for file in files:
        found, before = standing.found[file.path], texts[file.path]
        if found == LEFT_OUT:
            problem = "git leaves it out of this checkout, so that its edits cannot be seen"
            raise TreeError(problem, where=file.path, hint="add it to the sparse checkout and run again")
        if isinstance(found, Obstacle):
            raise TreeError(f"{found.what} stands where a file was", where=file.path, hint="move it away and run again")
        if found is None:
            edited.append(EditedFile(file.path, file.member, before, None, file.executable))
            continue
        after = before if found == standing.version.files[file.path] else _in_form_of(before, _read(fs, file.path))
        one = EditedFile(file.path, file.member, before, after, file.executable, file.executable)
        if knows_bits and not file.path.startswith(f"{standing.module.place.conf}/"):
            one = one._replace(is_executable=fs.is_executable(file.path))
        if (one.before, one.was_executable) != (one.after, one.is_executable):
            edited.append(one)
    new = [
        EditedFile(file.path, file.member, None, _read(fs, file.path), is_executable=file.executable)
        for file in standing.new
    ]
    return sorted([*edited, *new], key=lambda one: one.path)


def _in_form_of(before: bytes, after: bytes) -> bytes:
    """An edited text with the line ends and the mark of the one that it was made of, where both have one form."""
    form = form_of(before)
    return after if form is None or form_of(after) is None else in_form(after, form)


def _read(fs: FsOps, path: RelPath) -> bytes:
    try:
        return fs.read(path)
    except OSError as error:
        raise TreeError.unreadable(error, path) from error
