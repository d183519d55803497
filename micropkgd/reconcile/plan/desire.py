"""Works out what every entry should have: from its lock block where that still answers, else by rendering."""

from collections.abc import Collection, Mapping, Sequence

from micropkgd.model.layout import Layout
from micropkgd.model.lock import RENDERER, Block, SignedBy
from micropkgd.model.outcome import StepBack
from micropkgd.model.pull_entry import PullEntry
from micropkgd.model.tree import Digest, RelPath
from micropkgd.reconcile.plan.backwards import emptied, hold_of, is_held, step_back, why_held
from micropkgd.reconcile.plan.desired import Desired
from micropkgd.reconcile.plan.overlaps import refuse_overlaps
from micropkgd.reconcile.plan.rendered import RenderJob, render_all
from micropkgd.reconcile.resolve.blocks import current_blocks, is_let_in, is_of_row
from micropkgd.reconcile.resolve.fetcher import Fetcher, Resolution, WantedArchive
from micropkgd.workspace.memory.state import Hold
from micropkgd.workspace.project import Project


def desire(
    project: Project,
    fetcher: Fetcher,
    resolutions: Sequence[Resolution],
    *,
    frozen: bool = False,
    chosen: Collection[str] = (),
    holds: Mapping[str, Hold] = {},
    installs: bool = True,
) -> list[Desired]:
    """Say what each entry of the manifest, and each block that left it, comes to.

    `frozen` takes every block at its word, also where the manifest has come to say something else. The refs in `chosen`
    may go backwards: somebody takes what they have. `holds` are what earlier passes found, by ref. Where the pass
    `installs` nothing, larger files are not kept.
    """
    blocks = current_blocks(project)
    left = {block.target: block for block in project.lock.blocks if block.ref not in blocks}
    pairs = list(zip(project.manifest.pulls, resolutions, strict=True))
    wanted = [_from_lock(project, entry, blocks[entry.ref.text], found, frozen=frozen) for entry, found in pairs]
    stale = [number for number, (_, found) in enumerate(pairs) if wanted[number] is None and found.archive is not None]
    jobs = [_job_of(entry, found, blocks[entry.ref.text]) for entry, found in (pairs[number] for number in stale)]
    for number, rendered in zip(stale, render_all(project, fetcher, jobs, installs=installs), strict=True):
        identified = _as_identified(rendered, blocks[rendered.ref], left)
        may_go_back = fetcher.allow_downgrade or rendered.ref in chosen
        wanted[number] = _unless_backwards(project, identified, may_go_back=may_go_back)
    answered = zip(wanted, resolutions, strict=True)
    staying = refuse_overlaps([_as_answered(one, found, holds) for one, found in answered if one is not None])
    return staying + _leaving(project, staying)


def _job_of(entry: PullEntry, found: Resolution, block: Block | None) -> RenderJob:
    """What is rendered for an entry that the lock does not answer for: with the moves that the lock knows of."""
    archive = found.archive or Digest("")
    return RenderJob(WantedArchive(entry, archive, found.release), block.moved if block is not None else {})


def _as_answered(desired: Desired, found: Resolution, holds: Mapping[str, Hold]) -> Desired:
    """The entry with what else its source's answer says of it: whose signature, notes, and whether there was one."""
    signed = _with_signature(desired, found.signed)
    return _still_held(signed._replace(notes=(*found.notes, *signed.notes), asked=found.asked), holds)


def _leaving(project: Project, staying: Sequence[Desired]) -> list[Desired]:
    """The blocks that no entry answers to any more; mostly there are none."""
    kept = {desired.before.key for desired in staying if desired.before is not None}
    if all(block.key in kept for block in project.lock.blocks):
        return []
    from micropkgd.reconcile.plan.leaving import leaving

    return leaving(project, staying)


def _answers(block: Block, entry: PullEntry, layout: Layout) -> bool:
    """Whether a block was made for this very entry, layout and set of rules."""
    return block.renderer == RENDERER and is_of_row(block, entry, layout)


def _from_lock(
    project: Project, entry: PullEntry, block: Block | None, found: Resolution, *, frozen: bool
) -> Desired | None:
    """Take an entry's files from the lock where it still answers; None where they must be rendered."""
    ref, locked = entry.ref.text, None
    if block is not None and block.files and (frozen or _answers(block, entry, project.layout)):
        locked = block
    if found.failure is not None:
        # What is locked is still wanted: a missing file can come back from the cache while its source is away.
        return Desired(ref, entry, block, locked if found.is_trusted else None, failure=found.failure)
    return Desired(ref, entry, locked, locked) if locked is not None and locked.archive == found.archive else None


def _as_identified(rendered: Desired, block: Block | None, left: Mapping[RelPath, Block]) -> Desired:
    """Join a fresh rendering with the block that says what its entry has, wherever that is: a move is no first pull.

    A ref that is new in the manifest goes on from the block that stands in its place and whose ref `left`: a row that
    came to name `ds-0.2.tar.gz` in place of `ds-0.1.tar.gz` is an update, with the edits that there are.
    """
    if rendered.after is None:
        return rendered._replace(before=block)
    block = block or left.get(rendered.after.target)
    return rendered._replace(before=block, after=None if rendered.failure is not None else rendered.after)


def _unless_backwards(project: Project, desired: Desired, *, may_go_back: bool) -> Desired:
    """Hold an update that goes backwards, and refuse one to nothing at all; the entry keeps what it has."""
    before, after, entry, rendering = desired.before, desired.after, desired.entry, desired.rendering
    if before is None or after is None or entry is None or rendering is None:
        return desired
    kept = desired._replace(after=before if _answers(before, entry, project.layout) else None, rendering=None)
    if (failure := emptied(before, after, rendering.files)) is not None:
        return kept._replace(failure=failure)
    narrowed = before.ref != desired.ref or not is_let_in(before, entry)
    step = None if narrowed else step_back(before, after)  # another ref is a person's word
    free = may_go_back or entry.sha256 is not None or project.in_conflict  # so is a pin, and a merge
    if step is None or free or not is_held(step, project.manifest.policy.on_downgrade):
        return desired._replace(step_back=step)
    hold = hold_of(before, after, step, rendering.place.requirements_label)
    return kept._replace(failure=why_held(before, hold), step_back=step, held_back=hold, remarks=())


def _with_signature(desired: Desired, signed: SignedBy | None) -> Desired:
    """The entry with whose signature its archive carries."""
    after, held_back = desired.after, desired.held_back
    if signed is not None and held_back is not None and held_back.archive == signed.archive:
        return desired._replace(held_back=held_back._replace(signature=signed.signature))
    if signed is None or after is None or after.archive != signed.archive or after.signed == signed:
        return desired
    return desired._replace(after=after._replace(signed=signed))


def _still_held(desired: Desired, holds: Mapping[str, Hold]) -> Desired:
    """The entry with a step back that an earlier pass held, where this one learnt nothing of its source."""
    hold, before = holds.get(desired.ref), desired.before
    if hold is None or before is None or desired.asked or not hold.step_back or hold.base != before.archive:
        return desired
    failure = desired.failure or why_held(before, hold)
    return desired._replace(failure=failure, step_back=StepBack(hold.step_back), held_back=hold)
