"""The package entries of a pass, and `micropkgd package` and `publish` by hand.

For each entry: compare what its archive was made from with one `stat` a file, and only where that moved read, rewrite
and pack the module again. Then all that have a place are released together.
"""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from posixpath import isabs

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.errors import MicropkgError
from micropkgd.model.condition import Failure
from micropkgd.model.package_entry import PackageEntry
from micropkgd.model.packaged import PackageOutcome, Step
from micropkgd.reconcile.package.inputs import Seen, unmoved
from micropkgd.reconcile.package.jobs import Job, PackageRequest, entries_of, job_of, published_entries
from micropkgd.reconcile.package.offers import Made, has_place, released, seen_at_place
from micropkgd.reconcile.package.record import Build, Builds, read_builds, write_builds
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.new_folders import notes_on
from micropkgd.workspace.process_lock import hold
from micropkgd.workspace.project import Project, check_config, read_project
from micropkgd.workspace.transaction.journal import JOURNAL

if TYPE_CHECKING:
    from micropkgd.reconcile.package.publish import Publisher
    from micropkgd.reconcile.package.release import ReleaseOptions

    MakePublisher = Callable[[str], Publisher]


def run_package(
    root: str,
    wanted: PackageRequest,
    *,
    lock_timeout: float = 60.0,
    fsops: Callable[[str], FsOps] = FsOps,
    make_publisher: "MakePublisher | None" = None,
) -> tuple[PackageOutcome, ...]:
    """Package by hand; `MicropkgError` where the project as a whole, or the module's name, is at fault."""
    with fsops(root) as fs, hold(root, lock_timeout):
        _recover(fs)
        project = read_project(root)
        entries = entries_of(project, wanted)
        check_config(project.layout, (entry.env for entry in entries))
        return package_entries(fs, project, entries, make_publisher=make_publisher, outside=_anywhere)


def run_publish(
    root: str,
    modules: Sequence[str],
    make_publisher: "MakePublisher",
    *,
    apply: bool = True,
    lock_timeout: float = 60.0,
    fsops: Callable[[str], FsOps] = FsOps,
) -> tuple[PackageOutcome, ...]:
    """Package and publish modules by hand, all that have a place if none is named; `apply` false writes nothing."""
    from micropkgd.reconcile.package.release import ReleaseOptions

    with fsops(root) as fs, hold(root, lock_timeout):
        if apply:
            _recover(fs)
        project = read_project(root)
        entries = published_entries(project.manifest, modules)
        how = ReleaseOptions(by_hand=True)
        return package_entries(
            fs, project, entries, apply=apply, make_publisher=make_publisher, how=how, outside=_anywhere
        )


def package_entries(
    fs: FsOps,
    project: Project,
    entries: Sequence[PackageEntry],
    *,
    apply: bool = True,
    make_publisher: "MakePublisher | None" = None,
    how: "ReleaseOptions | None" = None,
    outside: "Callable[[str], bool] | None" = None,
) -> tuple[PackageOutcome, ...]:
    """Package what changed since its last build. `apply` false says what would be done, and writes nothing.

    `outside` says of an absolute folder whether archives may go there: whoever runs the command may say so, and a pass
    only what the machine's config names, for a manifest is read on other machines, too.

    Rows of the manifest are published, where there is a publisher; what the command line asks otherwise never is.

    The caller holds the project, and its lock is the one that this pass leaves.
    """
    builds = read_builds(fs)
    jobs = _refuse_overlaps([_job_or_failure(project, entry, outside) for entry in entries])
    made = [_made(fs, project, entry, job, builds, apply=apply) for entry, job in zip(entries, jobs, strict=True)]
    if any(has_place(project, one) for one in made):
        made = released(project, made, make_publisher, how, apply=apply)
    if apply:
        _keep(fs, builds, {one.job.label: one.build for one in made if one.job is not None and one.build is not None})
    return tuple(one.outcome for one in made)


def looked_at(fs: FsOps, project: Project) -> Seen | None:
    """The signatures of all that the manifest's archives depend on, and their own: while they stay, a pass may rest.

    None where an archive has to be made, or its place has to be asked.
    """
    builds = read_builds(fs)
    seen: Seen = {}
    for entry in project.manifest.packages:
        job = _job_or_failure(project, entry, _anywhere)
        known = builds.get(job.label) if isinstance(job, Job) else None
        if not isinstance(job, Job) or known is None or known.wish != job.wish:
            return None
        at_place = seen_at_place(entry, known)
        if at_place is None:
            return None
        seen = {**seen, **known.inputs, known.archived.path: known.stands, **at_place}
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


def _anywhere(folder: str) -> bool:
    """Where archives may go if the folder is named by a person who runs the command."""
    return bool(folder)


def _job_or_failure(project: Project, entry: PackageEntry, outside: "Callable[[str], bool] | None") -> Job | Failure:
    try:
        job = job_of(project, entry)
    except MicropkgError as error:
        return Failure.of(error)
    if os.path.isabs(job.folder) and (outside is None or not outside(job.folder)):
        problem = f"destination `{job.folder}` lies outside the project, and this machine's config does not name it"
        hint = "add it to `publish-origins` of the config, or run `micropkgd package --all` yourself"
        return Failure(2, "Usage", problem, hint)
    return job


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
    from micropkgd.reconcile.package.spool import Spool

    try:
        with Spool(fs) as spool:
            archived, seen, failure = make(fs, project, job, spool)
            if failure is not None:
                return PackageOutcome(module, Step.FAIL, last_good, failure, archived.notes), None
            told = tuple(notes_on(project.root, [] if isabs(job.folder) else [job.folder]))
            placed = place_archive(fs, archived.path, spool, apply=apply)
    except MicropkgError as error:
        return PackageOutcome(module, Step.FAIL, last_good, Failure.of(error)), None
    build = Build(job.wish, seen, placed.stands, archived) if placed.stands is not None and apply else None
    if placed.aside is not None:
        told += (f"set aside as {placed.aside}: what stood there was not made by micropkgd",)
    return PackageOutcome(module, placed.step, archived, notes=told), build


def _made(fs: FsOps, project: Project, entry: PackageEntry, job: Job | Failure, builds: Builds, *, apply: bool) -> Made:
    """Package one entry; of what stood at its place it is remembered what still may be true."""
    if isinstance(job, Failure):
        return Made(entry, None, PackageOutcome(entry.module, Step.FAIL, failure=job), None)
    known = builds.get(job.label)
    # A record that came with the folder from elsewhere says nothing of this machine.
    here = known is not None and _stands(project.root, known)
    stood, sent = (known.stood, known.sent) if known is not None and here else (None, None)
    outcome, build = _package(fs, project, entry.module, job, known, apply=apply)
    return Made(entry, job, outcome, build and build._replace(stood=stood, sent=sent))


def _stands(root: str, known: Build) -> bool:
    """Whether the archive is the very file that was put there. It is only ever replaced whole, so `stat` tells."""
    return unmoved(root, {known.archived.path: known.stands})


def _is_current(root: str, job: Job, known: Build) -> bool:
    return known.wish == job.wish and unmoved(root, known.inputs)
