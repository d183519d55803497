"""Offers archives for release, and remembers what came of each.

What was made of an entry is offered where a row of the manifest names a place. Where nothing else is said it is
published as soon as it was made if it may be replaced (a moving channel), in a git work tree once it is committed, and
elsewhere when somebody asks: so no half-done work gets out by itself.
"""

from collections.abc import Callable, Sequence
from functools import partial

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.model.package_entry import PackageEntry, PublishWhen
from micropkgd.model.packaged import PackageOutcome, Step
from micropkgd.model.ref import RefKind
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.package.inputs import Seen, unmoved
from micropkgd.reconcile.package.jobs import Job
from micropkgd.reconcile.package.record import Build
from micropkgd.workspace.git import git_folder
from micropkgd.workspace.memory.state import Signature
from micropkgd.workspace.project import Project

if TYPE_CHECKING:
    from micropkgd.reconcile.package.publish import Offer, Publisher
    from micropkgd.reconcile.package.release import Released, ReleaseOptions


class Made(NamedTuple):
    """One entry and what packaging it came to."""

    entry: PackageEntry
    job: Job | None  # None: its names or places cannot be
    outcome: PackageOutcome
    build: Build | None  # None: there is no archive to go by


def has_place(project: Project, made: Made) -> bool:
    """Whether there is an archive, or would be, that a row of the manifest wants published."""
    wanted = made.entry.publish is not None and made.entry in project.manifest.packages
    return wanted and made.outcome.step is not Step.FAIL


def released(
    project: Project,
    made: Sequence[Made],
    make_publisher: "Callable[[str], Publisher] | None",
    how: "ReleaseOptions | None" = None,
    *,
    apply: bool = True,
) -> list[Made]:
    """Release all that have a place, together."""
    from micropkgd.reconcile.package.release import ReleaseOptions, release

    how = how or ReleaseOptions()
    asks = make_publisher is not None and (apply or how.by_hand)
    publisher = make_publisher(project.root) if make_publisher is not None and asks else None
    offered = {number: _offer(project, one) for number, one in enumerate(made) if has_place(project, one)}
    blockers = [partial(_why_not_committed, project.root, made[number]) for number in offered]
    results = release(list(offered.values()), blockers, publisher, how, apply=apply)
    found = list(made)
    for number, result in zip(offered, results, strict=True):
        found[number] = _told(project, made[number], offered[number], result, how)
    return found


def seen_at_place(entry: PackageEntry, build: Build) -> Seen | None:
    """The signature of what was published, where it is a file; None where only asking tells if it still is there."""
    target, stood = entry.publish, build.stood
    if target is None:
        return {}
    if target.kind is not RefKind.LOCAL or stood is None or not build.is_at(target.text):
        return None
    numbers = stood.validator.split("-")  # as `sources.local` says what `stat` does
    if len(numbers) != len(Signature._fields) or not all(map(str.isdigit, numbers)):
        return None
    path = target.ref(stood.file, build.archived.name, build.archived.version).location
    return {path: Signature(*map(int, numbers))}


def _offer(project: Project, made: Made) -> "Offer":
    from micropkgd.reconcile.package.publish import Offer

    target, archived = made.entry.publish, made.outcome.archived
    if target is None or archived is None:
        raise ValueError(made)
    offer = Offer(made.entry._replace(publish_when=publish_when(project, made.entry)), target, archived)
    if made.build is None:
        return offer
    sent, wanted = made.build.sent, (target.text, offer.file, archived.digest)
    known = sent if sent is not None and sent[:3] == wanted else None
    return offer._replace(stood=made.build.stood_at(target.text, offer.file), sent=known)


def publish_when(project: Project, entry: PackageEntry) -> PublishWhen | None:
    """When an entry is published by itself; None where it has no place."""
    if entry.publish is None:
        return None
    if entry.publish_when is not None:
        return entry.publish_when
    if entry.overwrite:
        return PublishWhen.SAVED
    return PublishWhen.COMMITTED if git_folder(project.root) is not None else PublishWhen.ASKED


def _why_not_committed(root: str, made: Made) -> str:
    """What keeps an archive from being that of a commit; empty where nothing does."""
    from micropkgd.reconcile.package.committed import why_not_committed

    if made.job is None or made.build is None:
        return ""
    why = why_not_committed(root, made.job, made.build.inputs)
    return why or ("" if unmoved(root, made.build.inputs) else "its files are being written")


def _told(project: Project, made: Made, offer: "Offer", result: "Released", how: "ReleaseOptions") -> Made:
    """What to say and to remember. An archive that could not be published is made all the same."""
    notes = (*made.outcome.notes, *result.notes)
    if how.by_hand and result.sent and offer.entry.publish_when is PublishWhen.COMMITTED:
        why = _why_not_committed(project.root, made)
        notes += (f"no commit has what was published: {why}",) if why else ()
    outcome = made.outcome._replace(
        published=result.published(offer),
        sent=result.sent,
        verified=result.verified,
        unreleased=result.unreleased,
        failure=result.failure,
        notes=notes,
    )
    return made._replace(
        outcome=outcome, build=made.build and made.build._replace(stood=result.stood, sent=result.awaited)
    )
