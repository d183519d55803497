"""The part of `doctor` for the requirements file: whether lines can be added, and which are asked for in vain."""

import re
from collections.abc import Iterator

from micropkgd.actions.finding import DoctorFinding
from micropkgd.annotations import Final
from micropkgd.errors import TreeError
from micropkgd.model.requirement_conflicts import at_odds
from micropkgd.model.requirement_lines import name_in
from micropkgd.model.requirements import blocks_of, lacking
from micropkgd.model.tree import RelPath
from micropkgd.reconcile.plan.requirements_file import Asking, RequirementsFileError, label_of
from micropkgd.reconcile.plan.requirements_leftovers import ownerless, with_leftovers
from micropkgd.reconcile.plan.requirements_source import RequirementsText, read_source
from micropkgd.reconcile.plan.whole_file import bytes_of
from micropkgd.reconcile.record.install_command import install_command
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.project import Project

_TOPIC: Final = "requirements"
_READERS: Final = tuple(map(RelPath, ("pyproject.toml", "Makefile", "Dockerfile", "noxfile.py", "tox.ini", "justfile")))
_MADE_BY: Final = re.compile(r"(?:auto-?generated|@generated) by (pip-compile|uv|PDM|Poetry)", re.IGNORECASE)


def check_requirements(project: Project) -> Iterator[DoctorFinding]:
    """Whether entries can have their lines written, and have them."""
    if not project.manifest.pulls and not project.lock.blocks:
        return
    yield from _at_odds(project)
    with FsOps(project.root) as fs:
        if project.layout.requirements_group:
            yield from _of_group(fs, project)
            return
        try:
            source = read_source(fs, project.layout)
        except TreeError as error:
            yield DoctorFinding(_TOPIC, f"no lines can be added: {error}", trouble=True, hint=error.hint)
            return
        yield from _unread(fs, project, source)
        yield from _ownerless(fs, project, source)
        source = source._replace(text=with_leftovers(fs, project.layout, source.text, project.lock.blocks))
    yield from _of_source(project, source)
    yield from _asked_in_vain(project, source)


def _at_odds(project: Project) -> Iterator[DoctorFinding]:
    """Lines of different entries that no version satisfies together, each pair of lines once."""
    asked: dict[str, dict[str, str]] = {}  # by name, each line and the first entry that asks for it
    for block in project.lock.blocks:
        for line in block.requirements:
            known = asked.get(name_in(line), {})
            for _, theirs in at_odds([line], known) if line not in known else ():
                text = (
                    f"`{line}`, which `{block.ref}` asks for, and `{theirs}` of `{known[theirs]}` cannot hold together"
                )
                yield DoctorFinding(_TOPIC, text, hint="pin another version of one of the two")
        for line in block.requirements:
            asked.setdefault(name_in(line), {}).setdefault(line, block.ref)


def _of_group(fs: FsOps, project: Project) -> Iterator[DoctorFinding]:
    """Whether the dependency group can be written."""
    from micropkgd.reconcile.plan.requirements_group import group_change

    try:
        group_change(fs, project.layout, project.lock, [Asking(one.ref, None, one) for one in project.lock.blocks])
    except RequirementsFileError as error:
        yield DoctorFinding(_TOPIC, f"no lines can be added: {error}", trouble=True, hint=error.hint)


def _unread(fs: FsOps, project: Project, source: RequirementsText) -> Iterator[DoctorFinding]:
    """Whether anything beside it names the file, as a compiled one does, a `-r`, or a dynamic list of dependencies."""
    path = project.layout.requirements
    if source.found is None or path == project.layout.requirements_seed:
        return
    name = path.rpartition("/")[2].encode()
    texts = (bytes_of(fs, other) or b"" for other in (project.layout.requirements_seed, *_READERS))
    if not any(name in text for text in texts):
        command = install_command(fs, project.layout)
        text = f"nothing here names {path}, so nobody may install what entries ask for"
        yield DoctorFinding(_TOPIC, text, hint=f"`{command}`, or compile {project.layout.requirements_seed} from it")


def _ownerless(fs: FsOps, project: Project, source: RequirementsText) -> Iterator[DoctorFinding]:
    """The blocks of which nobody can tell what asks for them."""
    for label in ownerless(fs, project.layout, source.text, project.lock.blocks):
        text = f"{source.path} has lines of `{label}`, and neither an entry nor a package here is called so"
        yield DoctorFinding(
            _TOPIC, text, hint="git may have kept them in a merge: take out what nothing needs any more"
        )


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
