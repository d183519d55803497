"""Lists what is newer than the lock: sources are asked as a pass would ask them, nothing of the project changes."""

import os
from collections.abc import Callable

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.errors import ArchiveError
from micropkgd.model.condition import EXIT_PENDING, Failure, worst
from micropkgd.model.lock import Block
from micropkgd.model.outcome import Installed
from micropkgd.model.outcome_json import failure_document
from micropkgd.model.ref import Ref, RefKind
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.resolve.blocks import current_blocks
from micropkgd.reconcile.resolve.fetcher import Fetcher, Follow, Resolution, WantedArchive, fetcher_for
from micropkgd.reconcile.resolve.rules import as_signed
from micropkgd.sources.cache import CachedArchive
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory.state import read_state
from micropkgd.workspace.project import read_project

if TYPE_CHECKING:
    from packaging.version import Version


class VersionComparison(NamedTuple):
    """One entry: what is locked, and what its source has now."""

    ref: str
    locked: Installed | None
    newest: Installed | None  # None: nobody could say
    failure: Failure | None = None
    beside: str = ""  # a newer archive in the folder of one that is named by its path

    @property
    def is_outdated(self) -> bool:
        """Whether its source has something else than the lock."""
        return self.newest is not None and (self.locked is None or self.newest.archive != self.locked.archive)

    @property
    def exit_code(self) -> int:
        """What this entry alone would end the command with."""
        if self.failure is not None:
            return self.failure.exit_code
        return EXIT_PENDING if self.is_outdated else 0

    def document(self) -> dict[str, object]:
        """For programs."""
        return {
            "ref": self.ref,
            "locked": self.locked._asdict() if self.locked is not None else None,
            "newest": self.newest._asdict() if self.newest is not None else None,
            "outdated": self.is_outdated,
            "failure": failure_document(self.failure),
            "beside": self.beside,
        }


def outdated(root: str, make_fetcher: Callable[[str], Fetcher]) -> tuple[VersionComparison, ...]:
    """Ask every source what it has; a pin (`sha256`) is asked for nothing else, so nothing is newer than it."""
    project = read_project(root)
    blocks = current_blocks(project)
    with FsOps(root) as fs:
        known = read_state(fs).known
    fetcher = fetcher_for(project.root, project.manifest, make_fetcher)
    entries = [(entry, blocks[entry.ref.text]) for entry in project.manifest.pulls]
    answers = fetcher.resolve(entries, known, {entry.ref.text: Follow.REFS for entry, _ in entries})
    answers = list(as_signed(project, fetcher, answers, {}))
    wanted = [
        WantedArchive(entry, answer.archive, answer.release)
        for (entry, block), answer in zip(entries, answers, strict=True)
        if _needs_reading(answer, block)
        if answer.archive is not None
    ]
    found = dict(zip((one.entry.ref.text for one in wanted), fetcher.materialise(wanted), strict=True))
    return tuple(
        _standpoint(entry.ref.text, block, answer, found.get(entry.ref.text))._replace(
            beside=newer_beside(root, entry.ref) if entry.sha256 is None else ""
        )
        for (entry, block), answer in zip(entries, answers, strict=True)
    )


def exit_code_of(found: tuple[VersionComparison, ...]) -> int:
    """What the command ends with: 3 where anything is newer."""
    return worst(one.exit_code for one in found)


def newer_beside(root: str, ref: Ref) -> str:
    """The newest `NAME-VERSION.tar.gz` beside one that a path names, which a row with `index` would have taken."""
    if ref.kind is not RefKind.LOCAL:
        return ""
    from packaging.utils import InvalidSdistFilename, parse_sdist_filename
    from packaging.version import InvalidVersion

    def release(file: str) -> "tuple[str, Version] | None":
        try:
            return parse_sdist_filename(file) if file.endswith(".tar.gz") else None
        except (InvalidSdistFilename, InvalidVersion):
            return None

    folder, named = os.path.split(os.path.join(root, ref.location))
    own = release(named)
    if own is None:
        return ""
    try:
        there = {file: release(file) for file in os.listdir(folder)}
    except OSError:
        return ""
    newer = {file: one[1] for file, one in there.items() if one and one[0] == own[0] and one[1] > own[1]}
    return max(newer, key=lambda file: (newer[file], file), default="")


def _needs_reading(answer: Resolution, block: Block | None) -> bool:
    """Whether only the archive says which version it is."""
    return answer.release is None and (block is None or block.archive != answer.archive)


def _standpoint(
    ref: str, block: Block | None, answer: Resolution, found: CachedArchive | Failure | None
) -> VersionComparison:
    """One entry's locked version beside the one that its source has."""
    locked = Installed.of(block)
    if answer.failure is not None or answer.archive is None:
        return VersionComparison(ref, locked, None, answer.failure)
    if answer.release is not None:
        return VersionComparison(ref, locked, Installed(answer.release.version, answer.archive))
    if found is None:
        return VersionComparison(ref, locked, locked)
    if isinstance(found, Failure):
        return VersionComparison(ref, locked, None, found)
    try:
        return VersionComparison(ref, locked, Installed(_version_in(found), answer.archive))
    except ArchiveError as error:
        return VersionComparison(ref, locked, None, Failure.of(error))


def _version_in(archive: CachedArchive) -> str:
    from micropkgd.sdist.metadata import read_metadata
    from micropkgd.sdist.reader import read_sdist

    with archive.reading() as stream:
        return read_metadata(read_sdist(stream)).version
