"""What `--locked`, `--frozen`, `--offline` and the policy make of a project before it is worked on. Pure."""

from collections.abc import Collection

from micropkgd.errors import OutOfStepError
from micropkgd.model.lock import RENDERER, Block
from micropkgd.model.manifest import Update
from micropkgd.model.ref import RefKind
from micropkgd.model.tree import Digest
from micropkgd.reconcile.options import Options
from micropkgd.reconcile.resolve.blocks import current_blocks
from micropkgd.reconcile.resolve.fetcher import Follow
from micropkgd.reconcile.resolve.rendering import requested
from micropkgd.workspace.project import Project


def check_lock(project: Project) -> None:
    """Manifest and lock must say the same; `OutOfStepError` names the first entry that differs."""
    blocks = current_blocks(project)
    for entry in project.manifest.pulls:
        block = blocks[entry.ref.text]
        if what := _why_not_locked(block, requested(entry, project.layout)):
            raise OutOfStepError(f"`{entry.ref.text}` {what}", where="micropkg.lock", hint="run `micropkgd lock`")
    for extra in project.lock.blocks:
        if extra.ref not in blocks and extra.files:
            raise OutOfStepError(f"`{extra.ref}` is locked but not in the manifest", where="micropkg.lock")


def _why_not_locked(block: Block | None, asked: Digest) -> str:
    """Why a block does not answer what is asked; empty where it does."""
    if block is None or not block.files:
        return "is not locked"
    if block.requested != asked:
        return "changed since it was locked"
    return "" if block.renderer == RENDERER else "was locked by an older micropkgd, which rewrote code otherwise"


def frozen(project: Project) -> Project:
    """The project as if the manifest asked for what is locked and nothing else; nothing is pruned."""
    locked = {block.ref for block in project.lock.blocks if block.files}
    manifest = project.manifest._replace(
        pulls=tuple(entry for entry in project.manifest.pulls if entry.ref.text in locked),
        policy=project.manifest.policy._replace(prune=False),
    )
    return project._replace(manifest=manifest)


def follow_of(project: Project, options: Options, failing: Collection[str] = ()) -> dict[str, Follow]:
    """Whether each entry follows its ref or stays with the lock; what is `failing` is always asked again."""
    stay = options.locked or options.frozen or project.manifest.policy.update is Update.LOCKED
    follow = {}
    for entry in project.manifest.pulls:
        near = options.near and entry.ref.text not in failing
        out_of_reach = (options.offline or near) and entry.kind is not RefKind.LOCAL
        locked = (stay and entry.ref.text not in options.upgrade) or out_of_reach
        follow[entry.ref.text] = Follow.LOCK if locked else Follow.REFS
    return follow
