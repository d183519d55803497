"""The part of `doctor` that looks with Kedro's eyes: doubled keys, pipelines not found, broken imports."""

from collections.abc import Iterator

from micropkgd.actions.finding import DoctorFinding
from micropkgd.annotations import Final
from micropkgd.model.layout import Layout, Place
from micropkgd.model.tree import RelPath
from micropkgd.reconcile.kedro.broken_imports import broken_in
from micropkgd.reconcile.kedro.config_keys import HINT, KINDS, environments, twice_in
from micropkgd.reconcile.kedro.discovery import why_not_found
from micropkgd.reconcile.kedro.tree_after import TreeAfter
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.project import Project

_TOPIC: Final = "kedro"


def check_kedro(project: Project) -> Iterator[DoctorFinding]:
    """Whether Kedro takes the project as it is; silent where it is no project of Kedro's."""
    if not project.manifest.project.init_version:
        return
    found = False
    with FsOps(project.root) as fs:
        for finding in _findings(TreeAfter(fs), project):
            found = True
            yield finding
    if not found:
        yield DoctorFinding(_TOPIC, "no key stands twice, no import of the pipelines is broken")


def _findings(tree: TreeAfter, project: Project) -> Iterator[DoctorFinding]:
    layout = project.layout
    for env in environments(tree, RelPath(layout.conf_dir)):
        for kind in KINDS:
            yield from (DoctorFinding(_TOPIC, str(one), trouble=True, hint=HINT) for one in twice_in(tree, env, kind))
    targets = [block.target for block in project.lock.blocks]
    reasons = (reason for target in targets for reason in why_not_found(tree, layout, _place(layout, target)))
    yield from (DoctorFinding(_TOPIC, reason, trouble=True) for reason in dict.fromkeys(reasons))
    folders = {RelPath(f"{layout.package_folder}/pipelines"), *targets}
    modules = sorted({path for folder in folders for path in tree.below(folder)})
    yield from (DoctorFinding(_TOPIC, str(one), trouble=True) for one in broken_in(tree, layout, modules))


def _place(layout: Layout, target: RelPath) -> Place:
    """The place of an entry whose code stands in a folder."""
    *destination, leaf = target.removeprefix(f"{layout.package_folder}/").split("/")
    return layout.place(tuple(destination), leaf, None)
