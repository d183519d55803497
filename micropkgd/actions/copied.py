"""The code that was copied into a project: each package, as the tree has it now.

Told from the lock, the tree and this machine's memory; `with_archives` adds what only the archives say.
"""

from collections.abc import Callable, Iterator, Mapping

from micropkgd import documents
from micropkgd.errors import MicropkgError
from micropkgd.model.condition import Failure
from micropkgd.model.fields import table_at
from micropkgd.model.lock import Block, Release, Version
from micropkgd.model.module_origin import TABLE, read_module_origin
from micropkgd.model.pull_entry import PullEntry
from micropkgd.model.tree import LEFT_OUT, RelPath
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.plan.facts import as_it_stands
from micropkgd.reconcile.plan.holds import is_about
from micropkgd.reconcile.resolve.blocks import current_blocks
from micropkgd.reconcile.resolve.fetcher import Fetcher, WantedArchive, fetcher_for
from micropkgd.sources.cache import CachedArchive
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory.state import State, read_state
from micropkgd.workspace.project import Project, read_by_hand, read_document, read_project
from micropkgd.workspace.root import MANIFEST_NAME


class Stated(NamedTuple):
    """What an archive says of itself."""

    licenses: tuple[str, ...] = ()
    repository: str = ""  # where its module lives


class CopiedPackage(NamedTuple):
    """One package, where it was copied to, and what became of it there."""

    block: Block
    version: Version  # that the tree has
    edited: tuple[RelPath, ...] = ()
    missing: tuple[RelPath, ...] = ()
    waiting: str = ""  # the version that an edit holds back
    by_hand: bool = False  # in no manifest, and known to this machine alone
    stated: Stated | None = None  # None: its archive was not read

    @property
    def name(self) -> str:
        """As the archive states it."""
        return self.block.name

    @property
    def state(self) -> str:
        """One word for what the tree has of it."""
        if self.version.files and len(self.missing) == len(self.version.files):
            return "absent"
        return "edited" if self.edited else "incomplete" if self.missing else "unedited"

    def document(self) -> dict[str, object]:
        """For programs."""
        return {
            "name": self.name,
            "version": self.version.version,
            "archive": self.version.archive,
            "ref": self.block.ref,
            "target": self.version.target,
            "state": self.state,
            "edited": list(self.edited),
            "missing": list(self.missing),
            "waiting": self.waiting or None,
            "by_hand": self.by_hand,
            "licenses": list(self.stated.licenses) if self.stated is not None else None,
        }


class CopiedCode(NamedTuple):
    """All that was copied into one project."""

    root: str
    name: str  # of the project
    version: str  # empty where it is not written down
    requires_python: str
    packages: tuple[CopiedPackage, ...]
    notes: tuple[str, ...] = ()


def copied_code(root: str) -> CopiedCode:
    """Look at the lock and the tree; no source is asked."""
    project = read_project(root)
    answers, name, version = current_blocks(project), *_named(project)
    with FsOps(root) as fs:
        state = read_state(fs)
        locked = [_package(fs, project, block, state) for block in project.lock.blocks if block.files]
        pulled = [
            _package(fs, project, block, state)._replace(by_hand=True)
            for block in read_by_hand(root, project.layout).blocks
        ]
    notes = tuple(f"{ref} is in the manifest and not locked yet" for ref, block in answers.items() if block is None)
    python = project.manifest.project.requires_python
    return CopiedCode(root, name, version, python, (*locked, *pulled), notes)


def with_archives(code: CopiedCode, make_fetcher: Callable[[str], Fetcher]) -> CopiedCode:
    """With what the archives state; those that are not at hand are fetched again, by the digests of the lock."""
    project = read_project(code.root)
    fetcher = fetcher_for(project.root, project.manifest, make_fetcher)
    rows = {entry.ref.text: entry for entry in project.manifest.pulls}
    asked = {number: rows[one.block.ref] for number, one in enumerate(code.packages) if one.block.ref in rows}
    wanted = (_wanted(code.packages[number], entry) for number, entry in asked.items())
    found = dict(zip(asked, fetcher.materialise(list(wanted)), strict=True))
    packages, notes = [], list(code.notes)
    for number, one in enumerate(code.packages):
        archive = found.get(number) or fetcher.cache.find(one.version.archive)
        stated = _stated(archive) if isinstance(archive, CachedArchive) else archive
        if isinstance(stated, Stated):
            packages.append(one._replace(stated=stated))
            continue
        why = f": {stated.problem}" if stated is not None else ""
        notes.append(f"the archive of {one.block.ref} is not at hand, so its licence is not known{why}")
        packages.append(one)
    return code._replace(packages=tuple(packages), notes=tuple(notes))


def _named(project: Project) -> tuple[str, str]:
    """Name and version of a project as `[project]` writes them down; the package's name where it has none."""
    table: Mapping[str, object] = (
        table_at(documents.read_toml(read_document(project.root, MANIFEST_NAME)), ("project",)) or {}
    )
    name, version = table.get("name"), table.get("version")
    return (
        name if isinstance(name, str) and name else project.layout.package,
        version if isinstance(version, str) else "",
    )


def _package(fs: FsOps, project: Project, block: Block, state: State) -> CopiedPackage:
    version, found = as_it_stands(fs, project.root, block, state.hashes)
    hold = state.holds.get(block.ref)
    return CopiedPackage(
        block,
        version,
        tuple(sorted(path for path, digest in version.files.items() if found[path] not in {digest, None, LEFT_OUT})),
        tuple(sorted(path for path in version.files if found[path] in {None, LEFT_OUT})),
        hold.version if hold is not None and is_about(hold, block) else "",
    )


def _wanted(one: CopiedPackage, entry: PullEntry) -> WantedArchive:
    version = one.version
    release = Release(one.name, version.version, version.url, version.index_url) if version.index_url else None
    return WantedArchive(entry, version.archive, release)


def _stated(archive: CachedArchive) -> Stated | Failure:
    from micropkgd.sdist.license import stated_licenses
    from micropkgd.sdist.metadata import own_table
    from micropkgd.sdist.reader import read_sdist

    try:
        with archive.reading() as stream:
            sdist = read_sdist(stream)
        table = own_table(sdist, TABLE)
        repository = read_module_origin(table).repository if table is not None else ""
        return Stated(stated_licenses(sdist), repository)
    except MicropkgError as error:
        return Failure.of(error)


def in_order(code: CopiedCode) -> Iterator[CopiedPackage]:
    """By where they are, so that a document of them is the same on every machine."""
    return iter(sorted(code.packages, key=lambda one: (one.version.target, one.block.ref)))
