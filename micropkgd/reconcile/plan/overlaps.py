"""The rule that two entries have no place in common. Pure."""

from collections.abc import Mapping, Sequence

from micropkgd.model.condition import Failure
from micropkgd.model.tree import RelPath, parents
from micropkgd.reconcile.plan.desired import Desired


def refuse_overlaps(staying: Sequence[Desired]) -> list[Desired]:
    """Two entries may not have the same folder, one inside the other, or one file: neither is applied."""
    targets = {desired.target: desired.ref for desired in staying if desired.target is not None}
    owners: dict[RelPath, str] = {}
    overlapping: dict[str, str] = {}
    for desired in staying:
        paths = (desired.target, *desired.files) if desired.target is not None else ()
        folders = {RelPath(path.rpartition("/")[0]) for path in paths}
        others = {owners.setdefault(path, desired.ref) for path in paths}
        others.update(targets.get(above, "") for folder in folders for above in (folder, *parents(folder)))
        for other in sorted(others - {desired.ref, ""}):
            overlapping |= {desired.ref: other, other: desired.ref}
    return [_overlapping(desired, overlapping) for desired in staying]


def _overlapping(desired: Desired, overlapping: Mapping[str, str]) -> Desired:
    other = overlapping.get(desired.ref)
    if other is None:
        return desired
    problem = f"its files and those of `{other}` overlap at {desired.target}"
    hint = "give one of the two another `destination` or `alias`; where one is to replace the other, change its row"
    failure = Failure(2, "Overlap", problem, hint)
    return desired._replace(failure=failure, after=None)
