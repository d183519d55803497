"""Applies `--locked`, `--frozen`, `--offline`, the policy and git to a project before it is worked on. Pure.

Rule: what is newer at the sources is taken where somebody asked for it, or where it was time to look. A file that was
written is neither: `git checkout` writes files, and what it checks out has a lock of its own.
"""

from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase

from micropkgd.errors import OutOfStepError
from micropkgd.model.lock import RENDERER, Block, stray_paths
from micropkgd.model.manifest import Manifest
from micropkgd.model.policy import OnDowngrade, Policy, Update
from micropkgd.model.pull_entry import PullEntry
from micropkgd.model.ref import RefKind
from micropkgd.model.tree import Digest
from micropkgd.reconcile.options import Following, PassOptions
from micropkgd.reconcile.resolve.blocks import current_blocks, is_let_in
from micropkgd.reconcile.resolve.fetcher import Fetcher, Follow, Follows
from micropkgd.reconcile.resolve.full_check import FullCheck
from micropkgd.reconcile.resolve.rendering import requested
from micropkgd.workspace.git import CheckedOut
from micropkgd.workspace.project import Project


def check_lock(project: Project) -> None:
    """Manifest and lock must say the same; `OutOfStepError` names the first entry that differs."""
    blocks = current_blocks(project)
    for entry in project.manifest.pulls:
        block = blocks[entry.ref.text]
        if what := _why_not_locked(entry, block, requested(entry, project.layout)):
            raise OutOfStepError(f"`{entry.ref.text}` {what}", where="micropkg.lock", hint="run `micropkgd lock`")
    for extra in project.lock.blocks:
        if extra.ref not in blocks and extra.files and _would_go(extra, project):
            raise OutOfStepError(f"`{extra.ref}` is locked but not in the manifest", where="micropkg.lock")


def _would_go(block: Block, project: Project) -> bool:
    """Whether a pass takes away what left the manifest: what it leaves stays locked, and nothing is out of step."""
    return project.manifest.policy.prune and not stray_paths(block, project.layout)


def _why_not_locked(entry: PullEntry, block: Block | None, asked: Digest) -> str:
    """Why a block does not answer what is asked; empty where it does."""
    if block is None or not block.files:
        return "is not locked"
    if block.requested != asked:
        return "changed since it was locked"
    if not is_let_in(block, entry):
        return f"is locked at {block.version}, which it does not let in"
    return "" if block.renderer == RENDERER else "was locked by an older micropkgd, which rewrote code otherwise"


def frozen(project: Project) -> Project:
    """The project as if the manifest asked for what is locked and nothing else; nothing is pruned."""
    locked = {block.ref for block in project.lock.blocks if block.files}
    manifest = project.manifest._replace(
        pulls=tuple(entry for entry in project.manifest.pulls if entry.ref.text in locked),
        policy=project.manifest.policy._replace(prune=False),
    )
    return project._replace(manifest=manifest)


def as_wanted(fetcher: Fetcher, policy: Policy, options: PassOptions, now: float) -> Fetcher:
    """A fetcher for a pass that begins now (seconds since the epoch)."""
    downgrades = options.allow_downgrade or policy.on_downgrade is OnDowngrade.FOLLOW
    return fetcher._replace(allow_downgrade=downgrades, full_check=FullCheck(now, options.full_check))


def why_lock_holds(policy: Policy, options: PassOptions, head: CheckedOut | None, *, in_conflict: bool = False) -> str:
    """Why no source is followed in what is checked out; empty where nothing of git speaks against it.

    A commit that somebody looks at, or a history that is being made, is not to be changed by what is newest today.
    """
    asks_nothing = options.following is Following.NOTHING or _stays(policy, options)
    if head is None or asks_nothing or in_conflict:  # the lock is to be made anew then
        return ""
    if head.turning:
        return f"git is in the middle of {head.turning}"
    if head.detached:
        return "HEAD is detached"
    branches = policy.follow_branches
    if options.following is Following.ASKED or any(fnmatchcase(head.branch, pattern) for pattern in branches):
        return ""
    return f"`follow-branches` leaves out {f'`{head.branch}`' if head.branch else 'a branch that cannot be told'}"


def follow_of(
    manifest: Manifest,
    blocks: Mapping[str, Block | None],
    options: PassOptions,
    lock_holds: str = "",
    again: Collection[str] = (),
    away: Collection[str] = (),
) -> Follows:
    """What each entry follows, by ref.

    `again` are those whose source is asked although a file was written only; `away` those whose source did not answer:
    where the lock holds nothing newer is taken, and still it is to be found out when they are back.
    """
    stay = _stays(manifest.policy, options) or bool(lock_holds)
    looks = options.following is not Following.NOTHING and not (options.locked or options.frozen)
    follow = {}
    for entry in manifest.pulls:
        ref = entry.ref.text
        if ref in options.upgrade:
            follow[ref] = Follow.REFS
        elif options.offline and entry.kind is not RefKind.LOCAL:
            follow[ref] = Follow.LOCK
        elif (block := blocks[ref]) is not None and not (options.locked or options.frozen or is_let_in(block, entry)):
            follow[ref] = Follow.REFS
        elif stay:
            is_due = looks and ref in away and entry.sha256 is None
            follow[ref] = Follow.LOOK if is_due else Follow.LOCK
        elif options.following is Following.NOTHING and ref not in again and not _asks_anew(entry, blocks[ref]):
            follow[ref] = Follow.NEWS
        else:
            follow[ref] = Follow.REFS
    return follow


def _stays(policy: Policy, options: PassOptions) -> bool:
    """Whether somebody, or the policy, has asked to stay with the lock."""
    return options.locked or options.frozen or policy.update is Update.LOCKED


def _asks_anew(entry: PullEntry, block: Block | None) -> bool:
    """Whether the manifest names another archive for an entry than what is locked for it."""
    if block is None:
        return True
    moved = block.index_url and entry.index_url is not None and entry.index_url != block.index_url
    return bool(moved) or entry.sha256 not in {None, block.archive}
