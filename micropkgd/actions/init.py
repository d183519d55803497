"""The beginning of a project with micropkgd: what its files are to say, shown before any of it is written.

Rules: nothing that somebody wrote is changed, but that Kedro's table moves (as `migrate` moves it); what is said
already is not said again, so that a second time there is nothing to do. All of it is one transaction.
"""

import os
from collections.abc import Iterator, Sequence

from micropkgd import documents
from micropkgd.actions.migrate import plan_migration
from micropkgd.actions.package_guess import PackageGuess, guess_packages
from micropkgd.annotations import Final
from micropkgd.documents.edits import add_values, edited
from micropkgd.documents.yaml_lists import add_to_list
from micropkgd.errors import DocumentError, ProjectBusyError, TreeError, UsageError
from micropkgd.model.fields import ManifestError, Table, table_at
from micropkgd.model.lock import LOCK_NAME
from micropkgd.model.manifest import Manifest
from micropkgd.model.plan import Change, ChangeKind
from micropkgd.model.policy import Update
from micropkgd.model.tree import RelPath, digest_of
from micropkgd.named_tuples import NamedTuple
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.git import git_folder
from micropkgd.workspace.process_lock import hold
from micropkgd.workspace.project import located, read_document, read_manifest
from micropkgd.workspace.root import MANIFEST_NAME
from micropkgd.workspace.transaction.commit import commit, recover

ATTRIBUTES: Final = RelPath(".gitattributes")
PRE_COMMIT: Final = RelPath(".pre-commit-config.yaml")
DRIVER: Final = "git config merge.micropkgd.driver 'micropkgd lock --merge-driver %O %A %B'"

_MANIFEST: Final = RelPath(MANIFEST_NAME)
_POLICY: Final = ("tool", "micropkgd")
_PROJECT: Final = (*_POLICY, "project")
_KEDRO: Final = ("tool", "kedro", "micropkg")
_REQUIREMENTS: Final = ("requirements-file", "requirements-group")
_MERGED: Final = f"{LOCK_NAME} merge=micropkgd"
_HOOK: Final = (
    "repo: local",
    "hooks:",
    "  - id: micropkgd",
    "    name: micropkgd",
    "    entry: micropkgd reconcile --once --locked --check --quiet",
    "    language: system",
    "    pass_filenames: false",
)


class InitWishes(NamedTuple):
    """What whoever begins has said."""

    package: str | None = None  # None: it is looked for
    update: Update = Update.FOLLOW
    group: str | None = None  # the dependency group for what pulled packages require; None: a requirements file
    beside: frozenset[RelPath] = frozenset((ATTRIBUTES, PRE_COMMIT))  # what may be written beside the manifest


class InitPlan(NamedTuple):
    """What is to be written, and why."""

    root: str
    package: str
    source_dir: str
    reason: str  # why this package
    files: tuple[tuple[RelPath, bytes | None, bytes], ...]  # as they are, and as they are to be
    rows: int = 0  # that a pass will look after
    notes: tuple[str, ...] = ()

    @property
    def changes(self) -> list[Change]:
        """One a file."""
        return [
            Change(ChangeKind.CREATE, path, None, digest_of(after), "written by init")
            if before is None
            else Change(ChangeKind.UPDATE, path, digest_of(before), digest_of(after), "written by init")
            for path, before, after in self.files
        ]

    def apply(self, lock_timeout: float) -> None:
        """Write all of it, or none; an interrupted pass comes first."""
        with hold(self.root, lock_timeout), FsOps(self.root) as fs:
            recover(fs)
            refusal = commit(fs, self.changes, {digest_of(after): after for _, _, after in self.files})
        if refusal is not None:
            kind = ProjectBusyError if refusal.raced else TreeError
            raise kind(refusal.problem, where=refusal.path, hint="look at the file, then run again")


def plan_init(root: str, wishes: InitWishes) -> InitPlan:
    """Say what is to be written. `UsageError` where the package is not known or several may be meant."""
    before = read_document(root, MANIFEST_NAME)
    document = _read(before)
    known = _known(document)
    if known is not None and wishes.package not in {None, known.package}:
        problem = f"the package is said already: `{known.package}` ({known.reason})"
        raise UsageError(problem, where=MANIFEST_NAME, hint="leave --package away, or edit the file")
    guess = known or _guess(root, document, wishes.package)
    after = _with_project(_without_kedro(root, document, before), None if known else guess)
    after = _with_policy(after, wishes)
    manifest = _checked(after, before)
    files: list[tuple[RelPath, bytes | None, bytes]] = [(_MANIFEST, before, after)] if after != before else []
    notes: list[str] = []
    for path, file in _beside(root, wishes.beside, notes):
        files.append((path, *file))
    rows = len(manifest.pulls) + len(manifest.packages)
    return InitPlan(root, guess.package, guess.source_dir, guess.reason, tuple(files), rows, tuple(notes))


def offers(root: str) -> list[RelPath]:
    """The files beside the manifest that have something to gain."""
    return [path for path, _ in _beside(root, InitWishes().beside, [])]


def may_have_group(root: str) -> bool:
    """Whether the project's dependencies are in groups, or uv's, and nobody said where those of micropkgd go."""
    document = _read(read_document(root, MANIFEST_NAME))
    grouped = "dependency-groups" in document or table_at(document, ("tool", "uv")) is not None
    return grouped and (table_at(document, _POLICY) or {}).keys().isdisjoint(_REQUIREMENTS)


def candidates(root: str) -> Sequence[PackageGuess]:
    """The packages between which somebody must choose; one at most where it is clear."""
    document = _read(read_document(root, MANIFEST_NAME))
    known = _known(document)
    return [known] if known is not None else guess_packages(root, document)


def _read(data: bytes) -> Table:
    try:
        return documents.read_toml(data)
    except DocumentError as error:
        raise error.at(MANIFEST_NAME) from error


def _checked(after: bytes, before: bytes) -> Manifest:
    """The manifest as it is to be; what is wrong with it was so before, and is told with the line that it has now."""
    try:
        return Manifest.from_mapping(documents.read_toml(after))
    except ManifestError as error:
        raise located(error, documents.decode(before)) from error


def _known(document: Table) -> PackageGuess | None:
    """The package that the manifest names already."""
    for table, key in ((_PROJECT, "package"), (("tool", "kedro"), "package_name")):
        if key in (table_at(document, table) or {}):
            project = Manifest.from_mapping(document).project
            return PackageGuess(project.package, project.source_dir, f"[{'.'.join(table)}]")
    return None


def _guess(root: str, document: Table, named: str | None) -> PackageGuess:
    """The one package that is meant; `UsageError` where there is none, or several."""
    found = guess_packages(root, document)
    if named is not None:
        return next((one for one in found if one.package == named), PackageGuess(named, "src", "--package"))
    if not found:
        hint = "say `--package NAME`, or make its folder first: src/NAME/__init__.py"
        raise UsageError("no package of this project was found", where=root, hint=hint)
    if len(found) > 1:
        names = ", ".join(guess.package for guess in found)
        hint = "say which one shall hold what is pulled: `--package NAME`"
        raise UsageError(f"several packages may be meant: {names}", where=root, hint=hint)
    return found[0]


def _without_kedro(root: str, document: Table, before: bytes) -> bytes:
    """The manifest with the rows of Kedro's table where they can stay."""
    migration = plan_migration(root) if table_at(document, _KEDRO) is not None else None
    return migration.after if migration is not None else before


def _with_project(text: bytes, guess: PackageGuess | None) -> bytes:
    if guess is None:
        return text
    said = {"package": guess.package}
    if guess.source_dir not in {"src", "."}:
        said["source-dir"] = guess.source_dir
    return edited(text, lambda old: add_values(old, _PROJECT, said))


def _with_policy(text: bytes, wishes: InitWishes) -> bytes:
    """Say the policy, so that who reads the file sees that there is a choice."""
    said = table_at(documents.read_toml(text), _POLICY) or {}
    wanted = {} if "update" in said else {"update": wishes.update.value}
    if wishes.group is not None and said.keys().isdisjoint(_REQUIREMENTS):
        wanted["requirements-group"] = wishes.group
    return edited(text, lambda old: add_values(old, _POLICY, wanted)) if wanted else text


def _beside(
    root: str, wanted: frozenset[RelPath], notes: list[str]
) -> Iterator[tuple[RelPath, tuple[bytes | None, bytes]]]:
    """The files beside the manifest as they are and as they are to be, where that is not the same."""
    for path, change in _CHANGES.items():
        if path not in wanted:
            continue
        try:
            old = _bytes(root, path)
            if (new := change(root, old)) is not None and new != old:
                yield path, (old, new)
        except (DocumentError, TreeError) as error:
            notes.append(f"{path} stays as it is: {error.problem}")


def _attributes(root: str, old: bytes | None) -> bytes | None:
    """Git is told how the lock is merged, unless somebody said something of it."""
    if git_folder(root) is None or LOCK_NAME.encode() in (old or b""):
        return old
    return _with_line(old or b"", _MERGED)


def _hooks(_: str, old: bytes | None) -> bytes | None:
    """A hook more, where there are any and none is ours."""
    if old is None or b"micropkgd" in old:
        return old
    return edited(old, lambda text: add_to_list(text, "repos", _HOOK))


_CHANGES: Final = {ATTRIBUTES: _attributes, PRE_COMMIT: _hooks}


def _with_line(old: bytes, line: str) -> bytes:
    end = b"\r\n" if b"\r\n" in old else b"\n"
    return (old + end if old and not old.endswith(b"\n") else old) + line.encode() + end


def _bytes(root: str, path: RelPath) -> bytes | None:
    """A file as it is; what is reached by a link is somebody else's."""
    whole = os.path.join(root, path)
    if os.path.islink(whole):
        raise TreeError("it is a symbolic link", where=path)
    return read_document(root, path) if os.path.lexists(whole) else None


def is_set_up(root: str) -> bool:
    """Whether a pass can be run there."""
    try:
        read_manifest(root)
    except DocumentError:
        return False
    return True
