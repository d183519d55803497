"""The diagnosis of a project and its machine, in plain words: what micropkgd sees, and what is wrong with it.

Each question is asked on its own: one that cannot be answered is a finding and does not stop the others, so a broken
project can be examined too. Of the environment only names are told, never values (promise P9). Nothing is changed but
two probe files in `.micropkgd`, which go again; the folder is made where it is missing.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial

from micropkgd import documents
from micropkgd.actions.finding import DoctorFinding
from micropkgd.actions.kedro_check import check_kedro
from micropkgd.actions.machine_check import MACHINE_CHECKS
from micropkgd.actions.requirements_check import check_requirements
from micropkgd.actions.service_check import check_service
from micropkgd.documents.statements import line_of
from micropkgd.errors import MicropkgError, ProjectBusyError, words_of
from micropkgd.model.fields import dotted
from micropkgd.model.layout import Layout
from micropkgd.model.lock import LOCK_NAME
from micropkgd.model.lookalikes import lookalikes
from micropkgd.model.manifest import Manifest
from micropkgd.model.project_tables import KEDRO_PACKAGE, KEDRO_PULL, OWN_PACKAGE, OWN_PULL
from micropkgd.model.tree import RelPath, short
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.package.jobs import job_of
from micropkgd.reconcile.package.record import Build, read_builds
from micropkgd.reconcile.resolve.modes import check_lock
from micropkgd.workspace.fsops import FsOps, refused_by_disk
from micropkgd.workspace.git import git_folder, git_operation, tracked_below
from micropkgd.workspace.layout import recognise
from micropkgd.workspace.lost_rows import refuse_slip
from micropkgd.workspace.process_lock import hold
from micropkgd.workspace.project import (
    Project,
    check_config,
    left_manifest,
    read_by_hand,
    read_document,
    read_manifest,
    read_project,
)
from micropkgd.workspace.root import MANIFEST_NAME, find_root
from micropkgd.workspace.transaction.foreign import found_aside
from micropkgd.workspace.transaction.journal import FOLDER, read_journal

_PROBES = (RelPath(".micropkgd/probe.one"), RelPath(".micropkgd/probe.two"))


class Diagnosis(NamedTuple):
    """All that was found."""

    root: str  # the project, or where one was looked for
    findings: tuple[DoctorFinding, ...]

    @property
    def exit_code(self) -> int:
        """1 where anything is wrong."""
        return int(any(finding.trouble for finding in self.findings))

    def document(self) -> dict[str, object]:
        """For programs."""
        return {"project": self.root, "findings": [finding._asdict() for finding in self.findings]}


def examine(start: str, environ: Mapping[str, str]) -> Diagnosis:
    """Look at the project around a folder, and at the machine."""
    root, found = start, list[DoctorFinding]()
    try:
        root = find_root(start)
    except MicropkgError as error:
        found.append(_trouble("project", error))
    else:
        found += examine_project(root).findings
    versions, *others = examine_machine(root, environ).findings
    return Diagnosis(root, (versions, *found, *others))


def examine_project(root: str) -> Diagnosis:
    """Look at a project alone."""
    return Diagnosis(
        root, tuple(one for topic, look in _OF_A_PROJECT.items() for one in _asked(topic, partial(look, root)))
    )


def examine_machine(root: str, environ: Mapping[str, str]) -> Diagnosis:
    """Look at the machine alone; `root` says where somebody asked."""
    questions = MACHINE_CHECKS.items()
    return Diagnosis(root, tuple(one for topic, look in questions for one in _asked(topic, partial(look, environ))))


def _asked(topic: str, look: Callable[[], Iterator[DoctorFinding]]) -> list[DoctorFinding]:
    """What one question gives; a failure on the way is the last thing found."""
    found: list[DoctorFinding] = []
    try:
        found.extend(look())
    except MicropkgError as error:
        found.append(_trouble(topic, error))
    except OSError as error:
        found.append(DoctorFinding(topic, f"cannot be looked at: {words_of(error)}", trouble=True))
    return found


def _trouble(topic: str, error: MicropkgError) -> DoctorFinding:
    return DoctorFinding(topic, str(error), trouble=True, hint=error.hint)


def _project(root: str) -> Iterator[DoctorFinding]:
    """Which project, and how it is laid out."""
    manifest = read_manifest(root)
    version = manifest.project.init_version
    kind = (
        f"Kedro {version} by its kedro_init_version" if version else "plain Python, for no kedro_init_version is said"
    )
    yield DoctorFinding("project", f"{root}: package `{manifest.project.package}`, {kind}")
    layout, reasons = recognise(root, manifest)
    if os.path.isdir(os.path.join(root, layout.package_folder)):
        yield DoctorFinding("layout", f"code in {layout.package_folder} ({reasons.source})")
    else:
        hint = "mend `package_name` or `source_dir` in [tool.kedro], or say `package` in [tool.micropkgd.project]"
        yield DoctorFinding("layout", f"code in {layout.package_folder}: {reasons.source}", trouble=True, hint=hint)
    yield DoctorFinding("layout", f"tests in {layout.tests_dir} ({reasons.tests})")
    yield DoctorFinding("layout", f"parameters in {layout.place((), 'x', None).conf} ({reasons.conf})")
    yield from _asked("layout", partial(_doubts, layout))
    yield DoctorFinding("layout", f"requirements in {layout.requirements} ({reasons.requirements})")


def _doubts(layout: Layout) -> Iterator[DoctorFinding]:
    """Whether `settings.py` says where parameters are in a way that can be read without running it."""
    check_config(layout, [None])
    yield from ()


def _manifest(root: str) -> Iterator[DoctorFinding]:
    """Which tables there are; silent where the manifest cannot be read, for that has been said."""
    try:
        manifest = read_manifest(root)
    except MicropkgError:
        return
    for what, entries, homes in (
        ("pull", [entry.home for entry in manifest.pulls], (KEDRO_PULL, OWN_PULL)),
        ("package", [entry.home for entry in manifest.packages], (KEDRO_PACKAGE, OWN_PACKAGE)),
    ):
        told = [f"{entries.count(home)} in [{'.'.join(home)}]" for home in homes if home in entries]
        yield DoctorFinding("manifest", f"{what} entries: {' and '.join(told) or 'none'}")
    yield from _refused_by_kedro(manifest)
    yield from _misspelt(root)


def _misspelt(root: str) -> Iterator[DoctorFinding]:
    """Tables that look like ours, and are read by nobody."""
    data = read_document(root, MANIFEST_NAME)
    for table, meant in lookalikes(documents.read_toml(data)):
        line = line_of(documents.decode(data), table)
        text = f"{MANIFEST_NAME}:{line}: [{dotted(table)}] is a table that nothing reads"
        yield DoctorFinding("manifest", text, trouble=True, hint=f"did you mean [{dotted(meant)}]?")


def _refused_by_kedro(manifest: Manifest) -> Iterator[DoctorFinding]:
    homes = {entry.home for entry in manifest.pulls} | {entry.home for entry in manifest.packages}
    major = manifest.project.init_version.partition(".")[0]
    if homes & {KEDRO_PULL, KEDRO_PACKAGE} and major.isdecimal() and int(major) >= 1:
        text = "Kedro 1.0 and newer refuse [tool.kedro.micropkg]"
        yield DoctorFinding("manifest", text, trouble=True, hint="run `micropkgd migrate`")


def _lock(root: str) -> Iterator[DoctorFinding]:
    """Whether the lock can be read and says what the manifest says."""
    try:
        manifest = read_manifest(root)
    except MicropkgError:
        return
    project = read_project(root)
    blocks = project.lock.blocks
    if not os.path.exists(os.path.join(root, LOCK_NAME)) and not manifest.pulls:
        yield DoctorFinding("lock", "none, and none is needed")
    else:
        refuse_slip(root, left_manifest(project))
        check_lock(project)
        yield DoctorFinding("lock", f"{len(blocks)} locked, as the manifest has it")
    by_hand = read_by_hand(root, project.layout).blocks
    if by_hand:
        yield DoctorFinding("lock", f"{len(by_hand)} pulled by hand: {', '.join(block.target for block in by_hand)}")


def _pass(root: str) -> Iterator[DoctorFinding]:
    """Whether a pass was interrupted."""
    with FsOps(root) as fs:
        for aside in found_aside(fs):
            text = f"{aside} is a journal that this user did not write here: nothing it says was done"
            yield DoctorFinding("pass", text, trouble=True, hint="look where it came from, then remove it")
        if read_journal(fs) is None:
            yield DoctorFinding("pass", "none was interrupted")
        else:
            text = "an interrupted pass waits to be finished or taken back"
            yield DoctorFinding("pass", text, trouble=True, hint="run `micropkgd reconcile --once`")


def _files(root: str) -> Iterator[DoctorFinding]:
    """Whether the file system can swap two files in one step."""
    try:
        with hold(root, 0), FsOps(root) as fs:
            at_once = _trade(fs)
    except ProjectBusyError as error:
        yield DoctorFinding("files", f"not probed: {error.problem}")
        return
    fallback = "replaced by link and rename, for this file system has no exchange"
    yield DoctorFinding("files", f"{'swapped in one step' if at_once else fallback} (probed in .micropkgd)")


def _trade(fs: FsOps) -> bool:
    """Try on two probe files whether two names can trade places; both go again."""
    try:
        for path in _PROBES:
            with suppress(FileNotFoundError):
                fs.remove_file(path)
            fs.write_file(path, b"", 0o600)
        return fs.trades_places(*_PROBES)
    except OSError as error:
        raise refused_by_disk(error) from error
    finally:
        for path in _PROBES:
            with suppress(OSError):
                fs.remove_file(path)


def _git(root: str) -> Iterator[DoctorFinding]:
    """Whether git is in the middle of something that a pass would wait for."""
    folder = git_folder(root)
    operation = git_operation(root)
    if operation is not None:
        text = f"git is in the middle of {operation}: a pass waits"
        yield DoctorFinding("git", text, trouble=True, hint="finish or abort it")
    elif folder is not None and os.path.exists(os.path.join(folder, "index.lock")):
        hint = "if no git command is running, remove that file"
        yield DoctorFinding("git", "git holds its index.lock: a pass waits", trouble=True, hint=hint)
    else:
        yield DoctorFinding("git", "nothing under way" if folder is not None else "no repository around the project")
    yield from _tracked(root)


def _tracked(root: str) -> Iterator[DoctorFinding]:
    """Whether somebody committed what belongs to one machine."""
    if tracked := tracked_below(root, FOLDER):
        text = f"git tracks {tracked[0]}, so that every clone gets it"
        yield DoctorFinding("git", text, trouble=True, hint=f"git rm -r --cached {FOLDER}")


def _releases(project: Project) -> Iterator[DoctorFinding]:
    """Whether what is published under a module's version is the code that is here; as far as passes have seen."""
    with FsOps(project.root) as fs:
        builds = read_builds(fs)
    for entry in project.manifest.packages:
        with suppress(MicropkgError):
            build = builds.get(job_of(project, entry).label)
            if build is not None and entry.publish is not None:
                yield _release(entry.module, entry.publish.text, build)


def _release(module: str, place: str, build: Build) -> DoctorFinding:
    archived = build.archived
    what = f"{module} {archived.version}"
    if build.is_at(place):
        return DoctorFinding("releases", f"{what} is published at {place}")
    stood = build.stood_at(place, os.path.basename(archived.path))
    if stood is None:
        return DoctorFinding("releases", f"{what} is not published at {place}")
    text = f"{what} is at {place} with other bytes ({short(stood.digest)}) than the code here makes"
    return DoctorFinding("releases", text, trouble=True, hint="give it a new version, or see who published that")


def _if_readable(look: Callable[[Project], Iterator[DoctorFinding]], root: str) -> Iterator[DoctorFinding]:
    """What is found in a project that can be read; nothing else, for `manifest` or `lock` say what is wrong with it."""
    try:
        project = read_project(root)
    except MicropkgError:
        return
    yield from look(project)


_OF_A_PROJECT: Mapping[str, Callable[[str], Iterator[DoctorFinding]]] = {
    "project": _project,
    "manifest": _manifest,
    "lock": _lock,
    "requirements": partial(_if_readable, check_requirements),
    "kedro": partial(_if_readable, check_kedro),
    "pass": _pass,
    "files": _files,
    "git": _git,
    "releases": partial(_if_readable, _releases),
    "service": check_service,
}
