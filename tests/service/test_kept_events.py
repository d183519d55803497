"""What happened is known after the service was ended, killed or started anew, and without a service, too."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from micropkgd.machine.memory.event_log import read_events
from micropkgd.machine.places import memory_place
from tests.kit.daemon import PATIENCE, Daemon, served, until
from tests.kit.site import Site, config, listening

Rows = Sequence[Mapping[str, Any]]


def keeper(folder: Path) -> Daemon:
    """A service, whose config is where every command of its user looks."""
    return Daemon(folder, config(folder), environ={"MICROPKGD_CONFIG": str(folder / "config.toml")})


def told(daemon: Daemon) -> Rows:
    """All that the service tells."""
    found: Rows = daemon.ask().get("/v1/events")["events"]
    return found


def kept(daemon: Daemon) -> Rows:
    """All that stands on disk."""
    place = memory_place(os.path.realpath(daemon.config), daemon.environ)
    return [event.document() for event in read_events(place)]


def follow(site: Site, last: int, wanted: str) -> list[int]:
    """The numbers of a stream that goes on behind an event, until it says a word."""
    with site.connect() as connection:
        head = "".join(f"{name}: {text}\r\n" for name, text in site.signed({"Last-Event-ID": str(last)}).items())
        connection.sendall(f"GET /v1/events?follow=1 HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}\r\n".encode())
        received = b""
        while wanted.encode() not in received:
            more = connection.recv(1 << 16)
            assert more, received
            received += more
    return [int(line[4:]) for line in received.decode().splitlines() if line.startswith("id: ")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_events_outlive_the_service(tmp_path: Path, number: int) -> None:
    """In their numbers, without a gap: for the API, a stream that goes on, the page, and `events` without a service."""
    world = served(tmp_path / "src")
    with keeper(tmp_path) as daemon:
        daemon.ready(world.root)
        daemon.end(number)
        before = kept(daemon)
        assert {"Started", "Installed", "Packaged"} <= {row["kind"] for row in before}
        said = daemon.command("events", "--json", cwd=world.root)
        assert (said.returncode, "no service listens" in said.stderr) == (0, True)
        rows = json.loads(said.stdout)["events"]
        assert rows == [row for row in before if row["project"] == str(world.root)] != []
        since = daemon.command("events", "--all", "--since", str(before[-1]["id"] - 1), cwd=world.root).stdout
        assert len(since.splitlines()) == 1

        daemon.start()
        site = listening(daemon, "http.listen")
        now = told(daemon)
        assert now[: len(before)] == before
        assert [row["id"] for row in now] == list(range(1, len(now) + 1))
        until(lambda: [row["id"] for row in kept(daemon)] == [row["id"] for row in told(daemon)])
        assert follow(site, before[-1]["id"], "Listening")[:2] == [len(before) + 1, len(before) + 2]
        assert before[0]["time"] in site.get("/").body.decode()
        assert site.get("/v1/events", {"Last-Event-ID": "999999"}).json()["events"][0]["id"] == 1


def test_follow_waits_for_a_service(tmp_path: Path) -> None:
    """`events -f` tells what is kept, and goes on when a service runs again."""
    world = served(tmp_path / "src")
    with keeper(tmp_path) as daemon:
        daemon.ready(world.root)
        daemon.end()
        command = [sys.executable, "-m", "micropkgd", "events", "-f", "--all", "--json", "--config", str(daemon.config)]
        with subprocess.Popen(
            command, cwd=world.root, env=daemon.environ, stdout=subprocess.PIPE, stderr=-1
        ) as follower:
            assert follower.stdout is not None
            assert json.loads(follower.stdout.readline())["id"] == 1
            daemon.start()
            lines = (json.loads(line) for line in follower.stdout)
            assert next(row for row in lines if row["id"] == daemon.begun)["kind"] == "Started"
            follower.send_signal(signal.SIGINT)
            follower.stdout.read()
            assert follower.wait(PATIENCE) == 0


def test_where_no_service_ever_ran_that_is_said(tmp_path: Path) -> None:
    """As before: there is nothing to tell."""
    world = served(tmp_path / "src")
    alone = keeper(tmp_path)
    for more in ((), ("-f",)):
        said = alone.command("events", *more, cwd=world.root)
        assert (said.returncode, "no service listens" in said.stderr, said.stdout) == (2, True, "")


def test_a_service_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    """What it wrote is there, with a note."""
    world = served(tmp_path / "src")
    with keeper(tmp_path) as daemon:
        daemon.ready(world.root)
        daemon.process.send_signal(signal.SIGSTOP)
        said = daemon.command("events", cwd=world.root)
        daemon.process.send_signal(signal.SIGCONT)
    assert said.returncode == 0
    assert "the service does not answer" in said.stderr
    assert "Installed" in said.stdout


def test_what_needs_somebody_alone(tmp_path: Path) -> None:
    """With `-q`: of the service, of what is kept, as lines and in JSON; what went well is passed over."""
    world = served(tmp_path / "src")
    with keeper(tmp_path) as daemon:
        daemon.ready(world.root)
        assert daemon.command("events", "-q", cwd=world.root).stdout == ""
        world.write("src/shop/ds/nodes.py", "x = 'mine'\n")
        world.publish({"nodes.py": "x = 2\n"}, "2.0")
        daemon.until("ConditionChanged", world.root, message="Held")
        said = [daemon.command("events", "-q", *more, cwd=world.root).stdout for more in ((), ("--json",))]
    said += [daemon.command("events", "-q", *more, cwd=world.root).stdout for more in ((), ("--json",))]
    assert said[:2] == said[2:]
    (line, hint) = said[0].splitlines()
    assert ("Held (LocalEdits)" in line, hint.split()[0]) == (True, "hint:")
    assert [event["kind"] for event in json.loads(said[1])["events"]] == ["ConditionChanged"]


def test_a_disk_that_refuses_stops_no_pass(tmp_path: Path) -> None:
    """It is said once, passes go on, and what waited is written when there is room."""
    world = served(tmp_path / "src")
    with keeper(tmp_path) as daemon:
        daemon.quiet(world.root)
        place = Path(memory_place(os.path.realpath(daemon.config), daemon.environ))
        place.rename(tmp_path / "aside")
        place.write_text("")  # as root everything can be written, but not below a file
        world.publish({"nodes.py": "x = 2\n"}, "2")
        event = daemon.until("Updated", world.root)
        refused = daemon.until("EventsNotKept")
        assert str(place) in refused["message"]
        assert kept(daemon) == []
        world.publish({"nodes.py": "x = 3\n"}, "3")
        daemon.until("Updated", world.root)
        place.unlink()
        world.publish({"nodes.py": "x = 4\n"}, "4")
        daemon.until("EventsKept")
        rows = kept(daemon)
        assert event["id"] in {row["id"] for row in rows}
        assert [row["id"] for row in rows] == list(range(rows[0]["id"], rows[0]["id"] + len(rows)))
        assert [row["kind"] for row in told(daemon)].count("EventsNotKept") == 1
        assert "EventsNotKept" in daemon.log.read_text()


def test_two_services_and_a_pass_by_hand_keep_apart(tmp_path: Path) -> None:
    """Each config has its own; `reconcile --once` beside them writes none of them."""
    one, other = served(tmp_path / "one/src"), served(tmp_path / "other/src")
    by_hand = served(tmp_path / "hand")
    with keeper(tmp_path / "one") as first:
        with keeper(tmp_path / "other") as second:
            first.ready(one.root)
            second.ready(other.root)
            until(lambda: [kept(first), kept(second)] == [told(first), told(second)])
            before = [kept(first), kept(second)]
            assert first.command("reconcile", "--once", cwd=by_hand.root).returncode == 0
            until(lambda: [kept(first), kept(second)] == [told(first), told(second)])
            assert [kept(first), kept(second)] == before
        seen = [{row["project"] for row in kept(daemon)} - {""} for daemon in (first, second)]
    assert seen == [{str(one.root)}, {str(other.root)}]


def test_a_service_that_is_not_sure_to_be_alone_writes_nothing(tmp_path: Path) -> None:
    """It tells what there was, and keeps its own to itself."""
    world = served(tmp_path / "src")
    with keeper(tmp_path) as daemon:
        daemon.ready(world.root)
        daemon.end()
        before = kept(daemon)
        place = Path(memory_place(os.path.realpath(daemon.config), daemon.environ))
        lock = place.with_suffix("")
        lock.unlink()
        lock.mkdir()
        daemon.start()
        daemon.until("NotAlone")
        daemon.ready(world.root)
        assert kept(daemon) == before
        assert told(daemon)[: len(before)] == before
