"""Entries of which git leaves files out of this checkout (`git sparse-checkout`): they stay as they are locked. Pure.

What is written beside files that git does not look at would be half a version in the next commit. So nothing newer is
taken here, and what would move or take away such files is refused; `lock` says in the lock what a whole checkout does.
"""

from collections.abc import Iterable, Mapping
from posixpath import dirname

from micropkgd.model.condition import Failure
from micropkgd.model.lock import Block
from micropkgd.model.tree import LEFT_OUT, Found, RelPath
from micropkgd.reconcile.plan.desired import Desired

_STAY = ("stays as it is: git leaves it out of this checkout", "stay as they are: git leaves them out of this checkout")
_AWAY = "are left out of this checkout by git"
_IN_FULL = "`git sparse-checkout add {}`, then run again; or `micropkgd lock`, and another checkout does it"


def as_checked_out(desired: Desired, found: Mapping[RelPath, Found]) -> Desired:
    """The entry as far as this checkout can have it."""
    before, after = desired.before, desired.after
    old = before.paths if before is not None else frozenset[RelPath]()
    out = sorted(path for path in old.union(desired.files) if found.get(path) == LEFT_OUT)
    if not out or desired.failure is not None:
        return desired
    places = (old, desired.files.keys(), old | desired.files.keys())
    count = f"{len(out)} of its {next(len(paths) for paths in places if paths >= set(out))} files"
    if before is None:
        return _not_there(desired, f"it is new in the lock, and {count}", out)
    note = f"{count} {_STAY[len(out) > 1]}"
    if desired.entry is None:
        return (
            desired if after is not None else _refused(desired, before, note, f"it left the manifest, and {count}", out)
        )
    if after is None or after.made == before.made:
        return desired._replace(notes=(*desired.notes, note))
    if after.requested != before.requested:
        return _refused(desired, before, note, f"its row or the layout changed, and {count}", out)
    waits = (
        f"{after.version} waits: `micropkgd lock --upgrade {desired.ref}` locks it for checkouts that have all files"
    )
    kept = desired._replace(after=before, waits=after, rendering=None, step_back=None, remarks=())
    return kept._replace(notes=(*desired.notes, note, waits))


def _refused(desired: Desired, before: Block, note: str, what: str, out: Iterable[RelPath]) -> Desired:
    """An entry of which more is asked than this checkout can have; a note where the lock says it to others already."""
    staying = Desired(desired.ref, None, before, before)
    if not before.files:
        return staying._replace(notes=(note,))
    return _not_there(staying if desired.entry is None else desired, what, out)


def _not_there(desired: Desired, what: str, out: Iterable[RelPath]) -> Desired:
    """The entry as one that failed, with the folders to add."""
    targets = [block.target for block in (desired.before, desired.after) if block is not None]
    folders = dict.fromkeys(
        next((target for target in targets if path.startswith(f"{target}/")), dirname(path)) for path in out
    )
    failure = Failure(1, "SparseCheckout", f"{what} {_AWAY}", _IN_FULL.format(" ".join(folders)))
    kept = desired if desired.entry is None else desired._replace(after=None, rendering=None)
    return kept._replace(failure=failure)
