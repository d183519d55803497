"""Events on disk: bounded, whole, numbered on, and no trouble to anybody where the disk refuses."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micropkgd.machine.memory.event_log import LARGEST, SHOWN, EventLog, read_events
from micropkgd.model.event import LARGEST_ID, Event, read_event


def event(number: int, message: str = "") -> Event:
    """One that happened."""
    return Event(number, "2026-11-30T06:00:00Z", "Updated", "/p", "ds", message, hint="look there")


def kept(folder: Path, count: int, message: str = "") -> list[Event]:
    """Keep so many events, as one service."""
    log, events = EventLog(str(folder)), [event(number, message) for number in range(1, count + 1)]
    for one in events:
        log.keep(one)
    assert log.problem == ""
    log.close()
    return events


def test_what_was_kept_is_read_again(tmp_path: Path) -> None:
    """Every word of it, in order, whatever letters stand in it; nobody else may read it."""
    log, said = EventLog(str(tmp_path / "d")), event(7, "a\nb \u2028 \udcff \x00 end")
    log.keep(said)
    log.keep(event(8))
    assert read_events(str(tmp_path / "d")) == [said, event(8)]
    assert (tmp_path / "d").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "d/events.jsonl").stat().st_mode & 0o777 == 0o600


def test_nothing_is_kept_where_nothing_was(tmp_path: Path) -> None:
    """No folder, and no error."""
    assert read_events(str(tmp_path / "none")) == []
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(("count", "message"), [(2 * SHOWN + 7, ""), (400, "x" * 7000), (300, "x" * 100_000)])
def test_it_is_bounded_by_count_and_by_bytes(tmp_path: Path, count: int, message: str) -> None:
    """The newest stay, without a gap; a message without end is cut."""
    kept(tmp_path, count, message)
    found = [one.id for one in read_events(str(tmp_path))]
    assert found == list(range(count - len(found) + 1, count + 1))
    assert len(found) >= 100
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 2 * LARGEST
    assert sum(path.read_bytes().count(b"\n") for path in tmp_path.iterdir()) <= 2 * SHOWN
    assert len(list(tmp_path.iterdir())) <= 2


@given(cut=st.integers(0, 600), more=st.binary(max_size=40), again=st.integers(1, 3))
def test_a_torn_end_is_never_shown(cut: int, more: bytes, again: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Wherever it was cut, and whatever was left there: whole events are shown, and the next is whole too."""
    folder = tmp_path_factory.mktemp("torn")
    events = kept(folder, 3)
    path = folder / "events.jsonl"
    data = path.read_bytes()
    path.write_bytes(data[: max(0, len(data) - cut)] + more)
    left = read_events(str(folder))
    assert left == events[: len(left)]
    log, newer = EventLog(str(folder)), [event(10 + number) for number in range(again)]
    for one in newer:
        log.keep(one)
    log.close()
    assert read_events(str(folder)) == [*left, *newer]


WRONG = ({"id": True}, {"id": 0}, {"id": LARGEST_ID + 1}, {"id": "1"}, {"message": 3})
ROWS: list[object] = [
    {}, [], 1, None, {"id": 1},
    *({**event(1).document(), **wrong} for wrong in WRONG),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=map(str, range(len(ROWS))))
def test_what_is_not_an_event_is_passed_over(tmp_path: Path, row: object) -> None:
    """And what a newer micropkgd says besides."""
    events = kept(tmp_path, 2)
    with (tmp_path / "events.jsonl").open("a") as stream:
        stream.write(
            json.dumps(row) + "\n" + json.dumps({**event(9).document(), "mood": "good"}) + "\n" + "[" * 9999 + "\n"
        )
    assert read_event(row) is None
    assert read_events(str(tmp_path)) == [*events, event(9)]


def test_a_file_that_is_taken_away_is_made_anew(tmp_path: Path) -> None:
    """By whoever cleans up: events go on."""
    log = EventLog(str(tmp_path / "d"))
    log.keep(event(1))
    (tmp_path / "d/events.jsonl").unlink()
    log.keep(event(2))
    os.rename(tmp_path / "d", tmp_path / "away")
    log.keep(event(3))
    assert (log.problem, read_events(str(tmp_path / "d"))) == ("", [event(3)])


@pytest.mark.parametrize("inode", ["folder", "link", "pipe", "file in place of the folder"])
def test_what_stands_in_its_place_is_left_alone(tmp_path: Path, inode: str) -> None:
    """That is said, nothing hangs, and nothing is written elsewhere."""
    folder, elsewhere = tmp_path / "d", tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    if inode == "file in place of the folder":
        folder.write_text("")
    else:
        folder.mkdir()
        path = folder / "events.jsonl"
        if inode == "folder":
            path.mkdir()
        elif inode == "link":
            path.symlink_to(elsewhere)
        else:
            os.mkfifo(path)
    log = EventLog(str(folder))
    log.keep(event(1))
    assert str(folder) in log.problem
    assert read_events(str(folder)) == []
    assert elsewhere.read_text() == "mine"


def test_a_full_disk_keeps_nobody_from_anything(tmp_path: Path) -> None:
    """What it does not take waits, and is written, whole and in order, as soon as it does."""
    script = f"""
import resource, signal
from tests.machine.test_event_log import event
from micropkgd.machine.memory.event_log import EventLog
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
log = EventLog({str(tmp_path)!r})
log.keep(event(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (400, resource.RLIM_INFINITY))
for number in (2, 3, 4):
    log.keep(event(number, "long " * 20))
    assert log.problem, number
assert open({str(tmp_path / "events.jsonl")!r}).read().count("\\n") == 1
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.keep(event(5))
assert log.problem == ""
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[2], timeout=60)
    assert [one.id for one in read_events(str(tmp_path))] == [1, 2, 3, 4, 5]
    assert all(json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines())


WRITER = """
import sys
from tests.machine.test_event_log import event
from micropkgd.machine.memory.event_log import EventLog, read_events
log, before = EventLog(sys.argv[1]), read_events(sys.argv[1])
number = before[-1].id if before else 0
while True:
    number += 1
    log.keep(event(number, "x" * (number % 3000)))
    print(number, flush=True)
"""


def test_kill_nine_loses_nothing_that_was_told(tmp_path: Path) -> None:
    """Again and again in the middle of it, while somebody reads: whole events, rising without a gap."""
    told = 0
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], cwd=Path(__file__).parents[2], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        first = int(process.stdout.readline())
        assert first > told
        reads = 0
        while reads < 15:
            found = [one.id for one in read_events(str(tmp_path))]
            assert found == list(range(found[0], found[0] + len(found)))
            reads += 1
        process.kill()
        numbers = process.stdout.read().split(b"\n")[:-1]
        told = int(numbers[-1]) if numbers else first
        process.wait(10)
        assert read_events(str(tmp_path))[-1].id >= told
