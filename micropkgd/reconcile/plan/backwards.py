"""Detects an update that goes backwards: to an older version, or to other bytes of the installed one. Pure.

Either is what happens when a server was set back or taken over (docs/threats.md, T7), and either happens in good faith.
So both are told, by an event and a metric of their own, and a ref that goes back is held until somebody says otherwise.
Nothing and nobody lets an archive with an empty package delete the modules of the one before.
"""

from collections.abc import Mapping

from micropkgd.annotations import Final
from micropkgd.model.condition import EXIT_HELD, Failure
from micropkgd.model.contents import held_in, pieces_of, size_of
from micropkgd.model.lock import Block
from micropkgd.model.outcome import StepBack
from micropkgd.model.policy import OnDowngrade
from micropkgd.model.tree import RelPath, digest_of, parents
from micropkgd.workspace.memory.state import Hold
from micropkgd.workspace.reading import TEXT

_HINT: Final = "`micropkgd resolve {ref} --take` installs it; `on-downgrade` of [tool.micropkgd] decides for all"
_NOTHING: Final = digest_of(b"")


def step_back(before: Block, after: Block) -> StepBack | None:
    """How an update of one ref goes backwards; None where it does not, or where nobody can say."""
    if before.archive == after.archive or before.name != after.name:
        return None
    if before.version == after.version:
        return StepBack.REBUILT
    from packaging.version import Version  # only where versions differ: it costs much of a small pass

    try:
        return StepBack.OLDER if Version(after.version) < Version(before.version) else None
    except ValueError:  # InvalidVersion is one; so is a number too long for `int`
        return None


def is_held(step: StepBack, policy: OnDowngrade | None) -> bool:
    """Whether an update that goes backwards waits for a person; without a word of the policy only an older version."""
    return policy is OnDowngrade.HOLD or (policy is None and step is StepBack.OLDER)


def hold_of(before: Block, after: Block, step: StepBack, label: str) -> Hold:
    """What to remember of an update that waits: every pass goes by it until one learns more of the source."""
    signature = after.signed.signature if after.signed is not None else ""
    return Hold(
        before.archive, after.archive, after.version, after.name, after.url, after.index_url, label, (), step, signature
    )


def why_held(before: Block, hold: Hold) -> Failure:
    """How an entry stands whose ref went backwards: what is installed stays."""
    hint = _HINT.format(ref=before.ref)
    step = StepBack(hold.step_back)
    if step is StepBack.OLDER:
        problem = f"it came to have {hold.version}, older than the {before.version} that is installed"
    else:
        problem = f"it came to have other bytes under the version that is installed, {hold.version}"
    return Failure(EXIT_HELD, step.reason, problem, hint)


def emptied(before: Block, after: Block, contents: Mapping[RelPath, bytes]) -> Failure | None:
    """Why an archive is not installed whose package has nothing in it, where the one before had modules."""
    had = [path for path, digest in before.files.items() if before.target in parents(path) and digest != _NOTHING]
    if not had or any(_has_text(contents, path) for path in contents if after.target in parents(path)):
        return None
    problem = f"its package is empty, and {len(had)} files of {before.version} would be deleted or emptied"
    return Failure(6, "EmptyPackage", problem, "what is installed stays; `micropkgd remove` takes the entry away")


def _has_text(contents: Mapping[RelPath, bytes], path: RelPath) -> bool:
    return size_of(held_in(contents)[path]) > TEXT or any(piece.strip() for piece in pieces_of(contents, path))
