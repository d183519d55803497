"""The part of `doctor` for the requirements file: whether lines can be added, and which are asked for in vain."""

import re
from collections.abc import Iterator
from typing import Final

from micropkgd.actions.finding import DoctorFinding
from micropkgd.errors import MicropkgError, TreeError
from micropkgd.model.requirements import blocks_of, lacking
from micropkgd.reconcile.plan.requirements_file import label_of
from micropkgd.reconcile.plan.requirements_source import RequirementsText, read_source
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.project import Project, read_project

_TOPIC: Final = "requirements"
_MADE_BY: Final = re.compile(r"(?:auto-?generated|@generated) by (pip-compile|uv|PDM|Poetry)", re.IGNORECASE)


def check_requirements(root: str) -> Iterator[DoctorFinding]:
    """Whether entries can have their lines written, and have them; silent where the project cannot be read."""
    try:
        project = read_project(root)
    except MicropkgError:
        return
    if not project.manifest.pulls and not project.lock.blocks:
        return
    with FsOps(root) as fs:
        try:
            source = read_source(fs, project.layout)
        except TreeError as error:
            yield DoctorFinding(_TOPIC, f"no lines can be added: {error}", trouble=True, hint=error.hint)
            return
    yield from _of_source(project, source)
    yield from _asked_in_vain(project, source)


def _of_source(project: Project, source: RequirementsText) -> Iterator[DoctorFinding]:
    installed = len(project.lock.blocks) >= len(project.manifest.pulls)
    if source.hashed:
        text = f"{source.path} lists hashes: lines of entries, which have none, are not written to it"
        yield DoctorFinding(_TOPIC, text, trouble=not installed, hint="" if installed else "see `micropkgd status`")
    elif made := _MADE_BY.search(source.text[:1000]):
        text = f"{source.path} is made by {made[1]}, whose next run leaves out the lines of entries"
        hint = "name the file that it is made from by `requirements-file` in [tool.micropkgd]"
        yield DoctorFinding(
            _TOPIC, text, trouble=source.found is not None, hint=hint if source.found is not None else ""
        )


def _asked_in_vain(project: Project, source: RequirementsText) -> Iterator[DoctorFinding]:
    """The lines that the lock has and the file has not: somebody took them out, or wrote the file anew."""
    if source.found is None:
        return
    blocks = blocks_of(source.text)
    for block in project.lock.blocks:
        label = label_of(block.target, blocks, project.layout)
        for wanted in lacking(source.text, label, block.requirements if block.superseded is None else ()):
            text = f"`{wanted}`, which `{block.ref}` asks for, does not stand in {source.path}"
            yield DoctorFinding(_TOPIC, text, hint="left as it is, for somebody took it out or changed it")
