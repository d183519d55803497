"""The package entries of a pass, and `micropkgd package` by hand.

For each entry: compare what its archive was made from with one `stat` a file, and only where that moved read, rewrite
and pack the module again.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from micropkgd.errors import MicropkgError
from micropkgd.model.condition import Failure
from micropkgd.model.manifest import PackageEntry
from micropkgd.model.packaged import Archived, PackageOutcome, Published, Sent, Step
from micropkgd.reconcile.package.inputs import Seen, signatures
from micropkgd.reconcile.package.jobs import Job, Wanted, entries_of, job_of
from micropkgd.reconcile.package.record import Build, Builds, read_builds, write_builds
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.process_lock import hold
from micropkgd.workspace.project import Project, check_config, read_project
from micropkgd.workspace.transaction.journal import JOURNAL

if TYPE_CHECKING:
    from micropkgd.reconcile.package.publish import Publisher

    MakePublisher = Callable[[str], Publisher]


def run_package(
    root: str,
    wanted: Wanted,
    *,
    lock_timeout: float = 60.0,
    fsops: Callable[[str], FsOps] = FsOps,
    make_publisher: "MakePublisher | None" = None,
) -> tuple[PackageOutcome, ...]:
    """Package by hand; `MicropkgError` where the project as a whole, or the module's name, is at fault."""
    with fsops(root) as fs, hold(root, lock_timeout):
        _recover(fs)
        project = read_project(root)
        entries = entries_of(project.manifest, wanted)
        check_config(project.layout, (entry.env for entry in entries))
        return package_entries(fs, project, entries, make_publisher=make_publisher)


def package_entries(
    fs: FsOps,
    project: Project,
    entries: Sequence[PackageEntry],
    *,
    apply: bool = True,
    make_publisher: "MakePublisher | None" = None,
) -> tuple[PackageOutcome, ...]:
    """Package what changed since its last build. `apply` false says what would be done, and writes nothing.

    Rows of the manifest are published, where there is a publisher; what the command line asks otherwise never is.

    The caller holds the project, and its lock is the one that this pass leaves.
    """
    builds = read_builds(fs)
    jobs = _refuse_overlaps([_job_or_failure(project, entry) for entry in entries])
    outcomes, kept = [], dict[str, Build]()
    for entry, job in zip(entries, jobs, strict=True):
        if isinstance(job, Failure):
            outcomes.append(PackageOutcome(entry.module, Step.FAIL, failure=job))
            continue
        known = builds.get(job.label)
        ours = known.published if known is not None and _stands(project.root, known) else None
        outcome, build = _package(fs, project, entry.module, job, known, apply=apply)
        if build is not None and entry.publish is not None and entry in project.manifest.packages:
            before = known.published if known is not None else None
            found = _publish(project, entry, build.archived, before, ours, make_publisher if apply else None)
            outcome, build = _with(outcome, build._replace(published=before), found)
        outcomes.append(outcome)
        if build is not None:
            kept[job.label] = build
    _keep(fs, builds, kept)
    return tuple(outcomes)


def looked_at(fs: FsOps, project: Project) -> Seen | None:
    """The signatures of all that the manifest's archives depend on, and their own: while they stay, a pass may rest.

    None where an archive has to be made.
    """
    builds = read_builds(fs)
    seen: Seen = {}
    for job in (_job_or_failure(project, entry) for entry in project.manifest.packages):
        known = builds.get(job.label) if isinstance(job, Job) else None
        if not isinstance(job, Job) or known is None or known.wish != job.wish:
            return None
        seen = {**seen, **known.inputs, known.archived.path: known.stands}
    return seen


def _keep(fs: FsOps, before: Builds, kept: Builds) -> None:
    """Write the record, if it says something new. A disk that refuses it costs the next pass its short way, no more."""
    if any(before.get(label) != build for label, build in kept.items()):
        with suppress(OSError):
            write_builds(fs, {**before, **kept})


def _recover(fs: FsOps) -> None:
    """Finish an interrupted pull first: a half-applied module is nobody's to pack."""
    if fs.status(JOURNAL) is not None:
        from micropkgd.workspace.transaction.commit import recover

        recover(fs)


def _job_or_failure(project: Project, entry: PackageEntry) -> Job | Failure:
    try:
        return job_of(project, entry)
    except MicropkgError as error:
        return Failure.of(error)


def _refuse_overlaps(jobs: Sequence[Job | Failure]) -> list[Job | Failure]:
    """Two entries that would write one archive take turns for ever: neither is packaged."""
    counts = Counter(job.output for job in jobs if isinstance(job, Job))
    return [_overlap(job) if isinstance(job, Job) and counts[job.output] > 1 else job for job in jobs]


def _overlap(job: Job) -> Failure:
    problem = f"another entry makes `{job.archive('*')}`, too"
    return Failure(2, "Overlap", problem, "give one of the two another `destination` or `alias`")


def _package(
    fs: FsOps, project: Project, module: str, job: Job, known: Build | None, *, apply: bool
) -> tuple[PackageOutcome, Build | None]:
    """Package one module, unless nothing moved since its last build."""
    stands = known is not None and _stands(project.root, known)
    if known is not None and stands and _is_current(project.root, job, known):
        return PackageOutcome(module, Step.NONE, known.archived), known
    last_good = known.archived if known is not None and stands else None
    from micropkgd.reconcile.package.make import make
    from micropkgd.reconcile.package.place import place_archive

    try:
        archived, data, seen, failure = make(fs, project, job)
        if failure is not None:
            return PackageOutcome(module, Step.FAIL, last_good, failure, archived.notes), None
        placed = place_archive(fs, archived.path, data, archived.digest, apply=apply)
    except MicropkgError as error:
        return PackageOutcome(module, Step.FAIL, last_good, Failure.of(error)), None
    build = Build(job.wish, seen, placed.stands, archived) if placed.stands is not None and apply else None
    notes = (
        () if placed.aside is None else (f"set aside as {placed.aside}: what stood there was not made by micropkgd",)
    )
    return PackageOutcome(module, placed.step, archived, notes=notes), build


def _publish(
    project: Project,
    entry: PackageEntry,
    archived: Archived,
    before: Published | None,
    ours: Published | None,
    make_publisher: "MakePublisher | None",
) -> Sent | None:
    """Publish what was made, unless it is known to be there; nobody is asked then.

    `ours` is what this machine put there: what the record says, where it is of the archive that stands in its place.
    """
    if entry.publish is None or before == Published(entry.publish.text, archived.digest):
        return Sent(before) if before is not None else None
    if make_publisher is None:
        return None
    return make_publisher(project.root).publish(entry, entry.publish, archived, ours)


def _with(outcome: PackageOutcome, build: Build, sent: Sent | None) -> tuple[PackageOutcome, Build]:
    """What to say and to remember of it. An archive that could not be published is made all the same."""
    if sent is None:
        return outcome, build
    outcome = outcome._replace(notes=(*outcome.notes, *sent.notes))
    if isinstance(sent.result, Failure):
        return outcome._replace(failure=sent.result), build
    return outcome._replace(published=sent.result), build._replace(published=sent.result)


def _stands(root: str, known: Build) -> bool:
    """Whether the archive is the very file that was put there. It is only ever replaced whole, so `stat` tells."""
    return _unmoved(root, {known.archived.path: known.stands})


def _is_current(root: str, job: Job, known: Build) -> bool:
    return known.wish == job.wish and _unmoved(root, known.inputs)


def _unmoved(root: str, before: Seen) -> bool:
    """Whether `stat` says what it said; where it may not look, whoever reads the files says what is wrong."""
    try:
        return signatures(root, before) == before
    except OSError:
        return False
