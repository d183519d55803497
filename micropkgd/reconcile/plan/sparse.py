"""Entries of which git leaves files out of this checkout (`git sparse-checkout`): they stay as they are locked. Pure.

What is written beside files that git does not look at would be half a version in the next commit. So nothing newer is
taken here, and what would move or take away such files is refused; `lock` says in the lock what a whole checkout does.
"""

from collections.abc import Mapping

from micropkgd.model.condition import Failure
from micropkgd.model.lock import Block
from micropkgd.model.tree import LEFT_OUT, Found, RelPath
from micropkgd.reconcile.plan.desired import Desired

_STAY = ("stays as it is: git leaves it out of this checkout", "stay as they are: git leaves them out of this checkout")
_IN_FULL = "`git sparse-checkout add {}`, then run again; or `micropkgd lock`, and another checkout does it"


def as_checked_out(desired: Desired, found: Mapping[RelPath, Found]) -> Desired:
    """The entry as far as this checkout can have it."""
    before, after = desired.before, desired.after
    out = [path for path in before.paths if found.get(path) == LEFT_OUT] if before is not None else []
    if before is None or not out or desired.failure is not None:
        return desired
    count = f"{len(out)} of its {len(before.paths)} files"
    note = f"{count} {_STAY[len(out) > 1]}"
    if desired.entry is None:
        return desired if after is not None else _refused(desired, before, note, f"it left the manifest, and {count}")
    if after is None or after.made == before.made:
        return desired._replace(notes=(*desired.notes, note))
    if after.requested != before.requested:
        return _refused(desired, before, note, f"its row or the layout changed, and {count}")
    waits = (
        f"{after.version} waits: `micropkgd lock --upgrade {desired.ref}` locks it for checkouts that have all files"
    )
    kept = desired._replace(after=before, rendering=None, step_back=None, remarks=())
    return kept._replace(notes=(*desired.notes, note, waits))


def _refused(desired: Desired, before: Block, note: str, what: str) -> Desired:
    """An entry of which more is asked than this checkout can have; a note where the lock says it to others already."""
    staying = Desired(desired.ref, None, before, before)
    if not before.files:
        return staying._replace(notes=(note,))
    problem = f"{what} are left out of this checkout by git"
    failure = Failure(1, "SparseCheckout", problem, _IN_FULL.format(before.target))
    return (staying if desired.entry is None else desired._replace(after=None, rendering=None))._replace(
        failure=failure
    )
