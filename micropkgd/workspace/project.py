"""One project on disk: where it is, what its manifest and lock say, how it is laid out."""

import errno
import os
from collections.abc import Iterable, Mapping

from micropkgd import documents
from micropkgd.errors import DocumentError, TreeError
from micropkgd.model.fields import ManifestError
from micropkgd.model.layout import Layout
from micropkgd.model.lock import BY_HAND, LOCK_NAME, Lock, foreign_paths, refuse_too_many
from micropkgd.model.manifest import Manifest
from micropkgd.model.policy import Policy
from micropkgd.model.requirements_place import RequirementsPlace
from micropkgd.model.tree import RelPath
from micropkgd.named_tuples import NamedTuple
from micropkgd.workspace.layout import recognise
from micropkgd.workspace.reading import LOCK, TEXT, read_regular
from micropkgd.workspace.root import MANIFEST_NAME

_HEADINGS = {
    LOCK_NAME: f"{LOCK_NAME} - written by micropkgd, commit it, do not edit.",
    BY_HAND: "What `micropkgd pull` placed on this machine; written by micropkgd, do not edit.",
}


class Project(NamedTuple):
    """A project as its documents describe it."""

    root: str  # absolute path of the folder
    manifest: Manifest
    layout: Layout
    lock: Lock
    record: RelPath = LOCK_NAME  # where `lock` is kept
    in_conflict: bool = False  # the lock has git's markers: `lock` is what both sides say
    texts: Mapping[str, bytes | None] = {}  # of manifest and lock, as they were read; None where there is no lock


def read_project(root: str, *, merging: bool = False, manifest_text: bytes | None = None) -> Project:
    """Read manifest, layout and lock; `DocumentError` names file and line of what must be mended.

    With `merging` both sides of a lock that git left in conflict are read. `manifest_text` stands in for the manifest.
    """
    text = read_document(root, MANIFEST_NAME) if manifest_text is None else manifest_text
    manifest = read_manifest(root, text)
    layout = see_layout(root, manifest)
    in_conflict = merging and _has_markers(root)
    lock, lock_as_read = _lock_and_text(root, layout, LOCK_NAME, merging=merging)
    texts = {MANIFEST_NAME: text, LOCK_NAME: lock_as_read}
    return Project(root, manifest, layout, lock, in_conflict=in_conflict, texts=texts)


def texts_now(root: str) -> dict[str, bytes | None]:
    """Manifest and lock as they are by now, to be compared with what was read."""
    return {name: _text(root, name) for name in (MANIFEST_NAME, LOCK_NAME)}


def _text(root: str, name: str) -> bytes | None:
    try:
        return read_document(root, name)
    except FileNotFoundError:
        return None


def read_manifest(root: str, text: bytes | None = None) -> Manifest:
    """Read `pyproject.toml`, or a text in place of it. One that does not parse is an error, never an empty manifest."""
    data = read_document(root, MANIFEST_NAME) if text is None else text
    try:
        return Manifest.from_mapping(documents.read_toml(data))
    except ManifestError as error:
        raise located(error, documents.decode(data)) from error
    except DocumentError as error:
        raise error.at(MANIFEST_NAME) from error


_ONE_SIDE = "neither side can be read: `git checkout --ours micropkg.lock` takes yours, then run `micropkgd lock`"


def read_lock(root: str, layout: Layout, name: RelPath = LOCK_NAME, *, merging: bool = False) -> Lock:
    """Read the lock; an empty one where there is no file. It may be of another layout, and of no impossible one."""
    return _lock_and_text(root, layout, name, merging=merging)[0]


def _lock_and_text(root: str, layout: Layout, name: RelPath, *, merging: bool) -> tuple[Lock, bytes | None]:
    """The lock and the bytes that say it; `DocumentError` names what must be mended."""
    try:
        text = _text(root, name)
        lock = Lock() if text is None else _parse_lock(text, layout, merging=merging)
    except DocumentError as error:
        if name == LOCK_NAME and _has_markers(root):
            error.hint = _ONE_SIDE if merging else "run `micropkgd lock`, which reads both sides"
        raise error.at(name) from error
    for block in lock.blocks:
        if stray := foreign_paths(block, layout):
            raise DocumentError(
                f"the block of `{block.ref}` lists `{stray[0]}`, which no layout has as a place of {block.target}",
                where=name,
                hint="restore the lock that micropkgd wrote, or remove this block",
            )
    return lock, text


def _parse_lock(data: bytes, layout: Layout, *, merging: bool) -> Lock:
    """Read a lock; with `merging`, both sides of one that git left in conflict."""
    if not merging:
        return Lock.from_mapping(documents.read_toml(data))
    from micropkgd.documents.conflicts import sides

    both = sides(documents.decode(data))
    if both is None:
        return Lock.from_mapping(documents.read_toml(data))
    from micropkgd.model.lock_merge import both_sides

    ours, theirs = (_possible(Lock.side_of(document), layout) for document in _readable(both))
    return both_sides(ours, theirs, layout.requirements_place)


def _readable(both: tuple[str, str]) -> list[Mapping[str, object]]:
    """The documents of both sides; where git's merge left one that is no TOML, the other stands for it."""
    documents_of: list[Mapping[str, object]] = []
    problem: DocumentError | None = None
    for side in both:
        try:
            documents_of.append(documents.read_toml(side.encode()))
        except DocumentError as error:
            problem = error
    if problem is not None and not documents_of:
        raise problem
    return documents_of if len(documents_of) == len(both) else documents_of * 2


def _possible(side: Lock, layout: Layout) -> Lock:
    """One side of a conflict without the blocks that nobody wrote: git may have put lines of two into one."""
    return side._replace(blocks=tuple(block for block in side.blocks if not foreign_paths(block, layout)))


def _has_markers(root: str) -> bool:
    from micropkgd.documents.conflicts import sides

    try:
        return sides(documents.decode(read_document(root, LOCK_NAME))) is not None
    except (FileNotFoundError, DocumentError, TreeError):
        return False


def left_manifest(project: Project) -> list[str]:
    """The refs of what is locked and asked for no more."""
    asked = {entry.ref.text for entry in project.manifest.pulls}
    return [block.ref for block in project.lock.blocks if block.ref not in asked]


def check_config(layout: Layout, envs: Iterable[str | None]) -> None:
    """`DocumentError` where entries with these environments have config at a place that is only guessed."""
    asked = list(envs)
    below = "below [tool.micropkgd.project] of pyproject.toml"
    if asked and layout.conf_doubt:
        raise DocumentError(layout.conf_doubt, hint=f'say it {below}: conf = "{layout.conf_dir}"')
    if None in asked and layout.env_doubt:
        raise DocumentError(layout.env_doubt, hint=f'say it {below}: base-env = "{layout.base_env}"')


def check_package(project: Project) -> None:
    """`DocumentError` where the package folder is missing, and one beside it is meant by what looks like a slip."""
    folder = project.layout.package_folder
    if os.path.isdir(os.path.join(project.root, folder)):
        return
    from micropkgd.workspace.new_folders import twin_of

    if twin := twin_of(project.root, folder):
        named = ".".join(twin[1].removeprefix(f"{project.layout.source_dir}/").split("/"))
        problem = f"there is no folder {twin[0]} for the package `{project.manifest.project.package}`"
        raise DocumentError(problem, where=MANIFEST_NAME, hint=f"did you mean `{named}`, which is in {twin[1]}?")


def read_by_hand(root: str, layout: Layout) -> Lock:
    """What pulls by hand placed. One that cannot be read is forgotten: its files are then foreign, and kept."""
    try:
        return read_lock(root, layout, BY_HAND)
    except (DocumentError, TreeError):
        return Lock()


def with_requirements_file(project: Project, name: str | None, *, by_hand: bool = False) -> Project:
    """The project with another requirements file, unless its policy names one of its own; None changes nothing.

    Lines of the lock that stand somewhere stay there; what is pulled by hand has lines of its own.
    """
    policy, place = project.manifest.policy, project.lock.place
    if name is None or policy.requirements_file != Policy().requirements_file:
        return project
    if not by_hand and project.lock.requires and os.path.lexists(os.path.join(project.root, place.path)):
        return placed(project, place)
    manifest = project.manifest._replace(policy=policy._replace(requirements_file=name))
    return project._replace(manifest=manifest, layout=see_layout(project.root, manifest))


def placed(project: Project, place: RequirementsPlace) -> Project:
    """The project with its requirements at a place."""
    layout = project.layout._replace(requirements=place.path, requirements_group=place.group)
    return project._replace(layout=layout)


def read_document(root: str, name: str) -> bytes:
    """The bytes of one of the project's documents; `TreeError` if unreadable, `DocumentError` if too large."""
    try:
        return read_regular(os.path.join(root, name), at_most=LOCK if name in _HEADINGS else TEXT)
    except FileNotFoundError:
        raise
    except OSError as error:
        kind = DocumentError if error.errno == errno.EFBIG else TreeError
        raise kind.unreadable(error, name) from error


def lock_text(lock: Lock, record: RelPath = LOCK_NAME) -> bytes:
    """The bytes of a lock file; `DocumentError` where they are more than the next pass would read."""
    heading = f"# {_HEADINGS[record]}\n"
    refuse_too_many(len(lock.blocks))
    data = (heading + documents.write_toml(lock.to_mapping())).encode()
    if len(data) > LOCK:
        problem = f"it would have {len(data):,} bytes, and no more than {LOCK:,} are read"
        raise DocumentError(problem, where=record, hint="pull in several projects: these are too many files for one")
    return data


def see_layout(root: str, manifest: Manifest) -> Layout:
    """Tell how a project is laid out."""
    return recognise(root, manifest).layout


def located(error: ManifestError, text: str) -> ManifestError:
    """Turn the addresses of a manifest error into lines."""
    from micropkgd.documents.statements import line_of

    line = line_of(text, error.path)
    error.where = f"{MANIFEST_NAME}:{line}" if line else MANIFEST_NAME
    if error.other and (other := line_of(text, error.other)):
        error.problem += f" (lines {other} and {line})"
    return error
