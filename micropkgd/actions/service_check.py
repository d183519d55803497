"""The service's view of a project: whether it acts there at all, and how many of the folders it can watch."""

import os
from collections.abc import Iterator
from contextlib import suppress
from shlex import quote

from micropkgd.actions.finding import DoctorFinding
from micropkgd.errors import MicropkgError
from micropkgd.machine.config import load
from micropkgd.machine.places import find_config
from micropkgd.machine.projects import group_of, named_projects
from micropkgd.machine.trust import distrust
from micropkgd.machine.watches import most_watches
from micropkgd.model.settings import Trust
from micropkgd.reconcile.package.jobs import job_of
from micropkgd.workspace.project import Project, read_project

_TOPIC = "service"


def check_service(root: str) -> Iterator[DoctorFinding]:
    """Whether the config's service serves it, trusts it, and hears of what is saved in it."""
    root, path = os.path.realpath(root), find_config(None, os.environ)
    settings = load(path, os.environ)
    if group_of(settings.groups, root) is None:
        yield DoctorFinding(_TOPIC, f"{path} does not name it" if path else "there is no config of this machine's")
    elif settings.trust is Trust.EVERYTHING or root in named_projects(settings.groups):
        yield DoctorFinding(_TOPIC, f"{path} names it: it is trusted")
    elif (doubt := distrust(root)) is not None:
        yield DoctorFinding(_TOPIC, f"left alone: {doubt.problem}", trouble=True, hint=f"micropkgd trust {quote(root)}")
    else:
        yield DoctorFinding(_TOPIC, f"a glob of {path} finds it, and you trust it")
    with suppress(MicropkgError):  # other questions say what is wrong with it
        yield from _watched(read_project(root))


def _watched(project: Project) -> Iterator[DoctorFinding]:
    """Whether there are more folders to watch than one project may have watched."""
    most, folders = most_watches(), 0
    for entry in project.manifest.packages:
        try:
            place = job_of(project, entry).subject.place
        except MicropkgError:
            continue  # `manifest` and `releases` say what is wrong with it
        for tree in (place.code, place.tests, place.conf):
            for _ in os.walk(os.path.join(project.root, tree)):
                folders += 1
                if folders > most:
                    hint = "package a smaller folder, or raise fs.inotify.max_user_watches (sysctl)"
                    text = f"more than {most} folders are to be watched: the others are looked at every few seconds"
                    yield DoctorFinding(_TOPIC, text, trouble=True, hint=hint)
                    return
