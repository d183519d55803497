"""The state between passes: `.micropkgd/state.json`, never committed, never needed.

Nothing here proves anything. A validator may skip a download, a stat may skip a hash, and what was applied explains
what stands in the tree; without the file a pass does more work and comes to the same tree. So it is forgotten
where it was not written: a clone, a copy and a restored backup cannot bring what another folder remembers, or says
that it does. The process lock beside it, made once and never written to, has an inode and a time of change of its own
in each of them.
"""

from collections.abc import Mapping

from micropkgd.errors import DocumentError
from micropkgd.model.condition import Standing
from micropkgd.model.entry_key import EntryKey
from micropkgd.model.tree import Digest, Found, RelPath, parse_digest, parse_inventory, rel_path
from micropkgd.named_tuples import NamedTuple
from micropkgd.workspace.fsops import FsOps, refused_by_disk
from micropkgd.workspace.reading import DOCUMENT
from micropkgd.workspace.record import replace_record

STATE = RelPath(".micropkgd/state.json")
_PROCESS_LOCK = RelPath(".micropkgd/lock")
_SCHEMA = 1


class Signature(NamedTuple):
    """What `stat` says of a file; equal signatures that are not racily young mean equal bytes."""

    mtime_ns: int
    ctime_ns: int
    size: int  # bytes
    inode: int


class LastAnswer(NamedTuple):
    """What a source last said, and which archive that stood for."""

    validator: str
    archive: Digest
    checked: float = 0.0  # when the archive was last seen whole under it; seconds since the epoch


class Applied(NamedTuple):
    """What a pass last put into an entry's place on this machine; it explains, and never makes a file replaceable."""

    archive: Digest
    files: Mapping[RelPath, Digest]
    version: str = ""


class Hold(NamedTuple):
    """A version that waits for a person, as the last pass found that asked for it."""

    base: str  # digest of the archive that is installed; empty where none is
    archive: Digest  # of the version that waits
    version: str
    name: str
    url: str
    index_url: str
    label: str  # names the folder in which it is laid beside
    paths: tuple[RelPath, ...]  # the files that hold it
    step_back: str = ""  # a `StepBack`, where it is held for going backwards, and no file of anybody holds it
    signature: str = ""  # that it carries, as far as somebody asked for one


class Failing(NamedTuple):
    """How an entry failed when its source was last asked; nothing else says that it is well again."""

    exit_code: int
    reason: str
    problem: str
    hint: str
    transient: bool
    of_source: bool  # the source itself, not what became of its archive
    fs_args: str  # how the file that says how it is reached stood then; empty for none


class State(NamedTuple):
    """All of it."""

    hashes: Mapping[RelPath, tuple[Signature, Digest]] = {}
    applied: Mapping[EntryKey, Applied] = {}
    known: Mapping[str, LastAnswer] = {}  # by ref
    standing: Mapping[EntryKey, Standing] = {}
    packages: Mapping[str, Standing] = {}  # by module
    holds: Mapping[str, Hold] = {}  # by ref
    failing: Mapping[str, Failing] = {}  # by ref
    layouts: Mapping[
        Digest, tuple[Digest, bool]
    ] = {}  # of an edited text: what it was made of, and whether by formatting
    commits: frozenset[str] = frozenset()  # the ids of those that were kept when it was written

    def is_formatted(self, base: Digest | None, ours: Found) -> bool | None:
        """Whether a text is another only formatted; None where nobody has compared the two yet."""
        made_of, formatted = self.layouts.get(ours, (None, False)) if isinstance(ours, str) else (None, False)
        return formatted if made_of == base and base is not None else None


def read_state(fs: FsOps) -> State:
    """The state of the last pass; an empty one where there is none or it cannot be read."""
    import json

    try:
        return _parse(json.loads(fs.read(STATE, at_most=DOCUMENT)), _birthplace(fs))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, DocumentError):
        return State()


def write_state(fs: FsOps, state: State) -> None:
    """Replace the state file in one step; it is not synced, for it can be made again.

    It says which commits are kept: a later one that it does not name was never remembered. Raises `TreeError` where the
    disk refuses.
    """
    import json

    from micropkgd.workspace.transaction.kept import KEPT

    document = {
        "schema": _SCHEMA,
        "birthplace": _birthplace(fs),
        "hashes": {path: [*signature, digest] for path, (signature, digest) in state.hashes.items()},
        "applied": {key.label: one for key, one in state.applied.items()},
        "known": state.known,
        "standing": {key.label: [*standing[:4], standing.hint] for key, standing in state.standing.items()},
        "packages": {module: [*standing[:4], standing.hint] for module, standing in state.packages.items()},
        "holds": state.holds,
        "failing": state.failing,
        "layouts": state.layouts,
        "commits": fs.names(KEPT),
    }
    try:
        replace_record(fs, STATE, json.dumps(document, separators=(",", ":")).encode())
    except OSError as error:
        raise refused_by_disk(error) from error


def _birthplace(fs: FsOps) -> list[int] | None:
    """What no copy of the folder shares; None where no pass has held the project yet."""
    status = fs.status(_PROCESS_LOCK)
    return None if status is None else [status.st_ino, status.st_ctime_ns]


def _parse(document: dict[str, object], birthplace: list[int] | None) -> State:
    if document["schema"] != _SCHEMA or birthplace is None or document["birthplace"] != birthplace:
        return State()
    return State(
        hashes=_hashes(_table(document["hashes"])),
        applied={EntryKey.parse(label): _applied(row) for label, row in _table(document["applied"]).items()},
        known={ref: _known(row) for ref, row in _table(document["known"]).items()},
        standing={EntryKey.parse(label): _standing(row) for label, row in _table(document["standing"]).items()},
        packages={module: _standing(row) for module, row in _table(document.get("packages", {})).items()},
        holds={ref: _hold(row) for ref, row in _table(document.get("holds", {})).items()},
        failing={ref: _failing(row) for ref, row in _table(document.get("failing", {})).items()},
        layouts={parse_digest(ours): _layout(row) for ours, row in _table(document.get("layouts", {})).items()},
        commits=frozenset(map(str, _list(document.get("commits", [])))),
    )


def _table(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise TypeError(value)
    return value


def _standing(row: object) -> Standing:
    state, reason, message, since, *rest = map(str, _list(row))
    (hint,) = rest or [""]  # older rows end before it
    return Standing(state, reason, message, since, hint=hint)


def _list(row: object) -> list[object]:
    if not isinstance(row, list):
        raise TypeError(row)
    return row


def _hashes(table: dict[str, object]) -> dict[RelPath, tuple[Signature, Digest]]:
    signatures: dict[str, Signature] = {}
    digests: dict[str, object] = {}
    for path, row in table.items():
        *numbers, digests[path] = _list(row)
        signatures[path] = Signature(*[number for number in numbers if isinstance(number, int)])
    return {path: (signatures[path], digest) for path, digest in parse_inventory(digests).items()}


def _known(row: object) -> LastAnswer:
    validator, archive, *rest = _list(row)
    (checked,) = rest or [0.0]  # older rows end before it
    if not isinstance(checked, int | float):
        raise TypeError(row)
    return LastAnswer(str(validator), parse_digest(archive), float(checked))


def _hold(row: object) -> Hold:
    base, archive, version, name, url, index_url, label, paths, *rest = _list(row)
    step_back, signature = [*rest, "", ""][:2]  # older rows end before them
    return Hold(
        base=str(base),
        archive=parse_digest(archive),
        version=str(version),
        name=str(name),
        url=str(url),
        index_url=str(index_url),
        label=str(label),
        paths=tuple(rel_path(str(path)) for path in _list(paths)),
        step_back=str(step_back),
        signature=str(signature),
    )


def _layout(row: object) -> tuple[Digest, bool]:
    base, formatted = _list(row)
    return parse_digest(base), formatted is True


def _failing(row: object) -> Failing:
    code, reason, problem, hint, transient, of_source, fs_args = _list(row)
    if not isinstance(code, int):
        raise TypeError(row)
    return Failing(code, str(reason), str(problem), str(hint), transient is True, of_source is True, str(fs_args))


def _applied(row: object) -> Applied:
    archive, files, *rest = _list(row)
    (version,) = rest or [""]  # older rows end before it
    return Applied(parse_digest(archive), parse_inventory(_table(files)), str(version))
