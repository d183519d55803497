"""What a machine remembers is never needed: whatever stands in the file, a pass can begin."""

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from micropkgd.errors import TreeError
from micropkgd.model.condition import Standing
from micropkgd.model.entry_key import EntryKey
from micropkgd.model.tree import RelPath, digest_of
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory.settled import RECORD
from micropkgd.workspace.memory.state import STATE, Applied, LastAnswer, Signature, State, read_state, write_state
from tests.kit.faults import Hooked, Recorder, Scene, fail_at

PATH, DIGEST = RelPath("src/shop/ds/nodes.py"), digest_of(b"x")
FULL = State(
    hashes={PATH: (Signature(1, 2, 3, 4), DIGEST)},
    applied={EntryKey("ds", RelPath("src/shop/ds")): Applied(DIGEST, {PATH: DIGEST}, "0.1")},
    known={"ds.tar.gz": LastAnswer("1-2-3-4", DIGEST)},
    standing={EntryKey("ds", RelPath("src/shop/ds")): Standing("Ready", "InSync", "", "2026-01-01T00:00:00Z")},
    packages={"pipelines.ds": Standing("Stalled", "Usage", "no module", "2026-01-01T00:00:00Z")},
)


@pytest.fixture
def fs(tmp_path: Path) -> Iterator[FsOps]:
    """A project."""
    (tmp_path / ".micropkgd").mkdir()
    (tmp_path / ".micropkgd/lock").touch()
    with FsOps(str(tmp_path)) as fs:
        yield fs


def document(fs: FsOps) -> dict[str, object]:
    """The full state as it is written."""
    write_state(fs, FULL)
    found = json.loads(fs.read(STATE))
    assert isinstance(found, dict)
    return found


def test_what_was_written_is_read(fs: FsOps) -> None:
    """Every part of the state survives, and a second writing replaces the first."""
    write_state(fs, State())
    write_state(fs, FULL)
    assert read_state(fs) == FULL
    assert fs.names(RelPath(".micropkgd")) == ["lock", "state.json"]


def test_debris_of_a_killed_writer_does_not_stop_the_next(fs: FsOps) -> None:
    """A half-written draft is replaced."""
    fs.write_file(RelPath(f"{STATE}.tmp"), b"{")
    write_state(fs, FULL)
    assert read_state(fs) == FULL


def test_without_a_file_the_state_is_empty(fs: FsOps) -> None:
    """A first pass begins with nothing."""
    assert read_state(fs) == State()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff\xfe\x00", id="no-text"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b"9" * 10_000, id="huge-number"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="list"),
        pytest.param(b'{"schema": 1}', id="no-keys"),
    ],
)
def test_a_broken_file_is_an_empty_state(fs: FsOps, data: bytes) -> None:
    """Anything that is not a state is none."""
    fs.write_file(STATE, data)
    assert read_state(fs) == State()


def test_the_schema_of_another_version_is_an_empty_state(fs: FsOps) -> None:
    """What a newer version wrote is not guessed at."""
    found = {**document(fs), "schema": 2}
    fs.remove_file(STATE)
    fs.write_file(STATE, json.dumps(found).encode())
    assert read_state(fs) == State()


@pytest.mark.parametrize("special", ["folder", "link", "pipe"])
def test_what_is_no_file_is_an_empty_state(fs: FsOps, tmp_path: Path, special: str) -> None:
    """A folder, a link or a pipe in its place is neither followed nor waited for."""
    path = tmp_path / STATE
    write_state(fs, FULL)
    path.rename(tmp_path / "real.json")
    if special == "link":
        path.symlink_to(tmp_path / "real.json")
    else:
        {"folder": os.mkdir, "pipe": os.mkfifo}[special](path)
    assert read_state(fs) == State()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(str(DIGEST)) | st.just("../x"),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text() | st.just(str(PATH)), inner, max_size=5),
    max_leaves=12,
)


@given(key=st.sampled_from(["hashes", "applied", "known", "standing"]), value=json_values)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300, deadline=None)
def test_no_json_is_a_traceback(fs: FsOps, key: str, value: object) -> None:
    """Whatever JSON a part of the file holds, reading gives a state; one that can be written again."""
    found = {**document(fs), key: value}
    fs.remove_file(STATE)
    fs.write_file(STATE, json.dumps(found).encode())
    write_state(fs, read_state(fs))


@pytest.mark.parametrize("number", [1, 2])
def test_a_full_disk_is_a_message(tmp_path: Path, number: int) -> None:
    """A state that cannot be written is an error for people, and the old one is still there."""
    (tmp_path / ".micropkgd").mkdir()
    (tmp_path / ".micropkgd/lock").touch()
    with FsOps(str(tmp_path)) as fs:
        write_state(fs, FULL)
    with Hooked(str(tmp_path), before=fail_at(number, errno.ENOSPC)) as fs:
        with pytest.raises(TreeError, match="no space left"):
            write_state(fs, State())
        assert read_state(fs) == FULL


@pytest.mark.parametrize("data", [None, b"{"])
def test_a_pass_without_state_comes_to_the_same_tree(tmp_path: Path, data: bytes | None) -> None:
    """Losing the state costs work and nothing else: no write to the tree, and quiet again after it."""
    scene = Scene(tmp_path)
    scene.ask_for("ds")
    scene.publish("ds", {"ds/nodes.py": "x = 1\n"}, requires="pandas")
    scene.run()
    before = scene.tree()
    (tmp_path / "shop" / STATE).unlink()
    if data is not None:
        (tmp_path / "shop" / STATE).write_bytes(data)
    calls = Recorder()
    scene.run(calls)
    assert scene.tree() == before
    assert {call.arguments[0] for call in calls.calls} <= {STATE, f"{STATE}.tmp", RECORD, f"{RECORD}.tmp"}
