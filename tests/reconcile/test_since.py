"""Since when an entry fails: what an outage's message says, from what this machine remembers."""

import json
import time
from collections.abc import Callable

import pytest

from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.world import World, archive

ONE = archive({"nodes.py": "A = 1\n"})
MORNING, NOON, NIGHT = "2026-01-02T06:00:00Z", "2026-01-02T12:00:00Z", "2026-01-02T23:00:00Z"

At = Callable[[str], None]


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> At:
    """Set the clock that records are stamped by."""

    def set_clock(moment: str) -> None:
        then = time.strptime(moment, "%Y-%m-%dT%H:%M:%SZ")
        monkeypatch.setattr(time, "gmtime", lambda *_: then)

    return set_clock


def test_a_lasting_outage_says_since_when(world: World, faults: FaultServer, at: At) -> None:
    """The first failed pass says what stays; later ones also since when, and write nothing for it."""
    world.asks_for(faults.script("/ds.tar.gz", Reply(body=ONE), Reply(404)))
    world.sync()
    at(MORNING)
    assert world.reconcile().out.splitlines()[-2].endswith("stays installed")
    before = world.stamps()
    at(NOON)
    said = world.reconcile()

    assert said.out.splitlines()[-2].endswith(f"stays installed; failing since {MORNING}")
    assert world.stamps() == before


def test_another_reason_does_not_begin_anew(world: World, faults: FaultServer, at: At) -> None:
    """First gone, then denied, then missing: it fails since the first time; `status` says the same."""
    world.asks_for(faults.script("/ds.tar.gz", Reply(body=ONE), Reply(410), Reply(403), Reply(404)))
    world.sync()
    for moment in (MORNING, NOON, NIGHT):
        at(moment)
        said = world.reconcile()

    assert f"failing since {MORNING}" in said.out
    assert "404" in world.run("status").out
    (entry,) = json.loads(world.run("status", "--json").out)["projects"][0]["entries"]
    assert entry["standing"]["since"] == MORNING


def test_a_success_ends_the_count(world: World, faults: FaultServer, at: At) -> None:
    """The entry stands well since the pass that succeeded; the next outage is a new one."""
    replies = (Reply(body=ONE), Reply(404), Reply(body=ONE), Reply(404))
    world.asks_for(faults.script("/ds.tar.gz", *replies))
    world.sync()
    at(MORNING)
    world.reconcile()
    at(NOON)
    world.sync()
    (entry,) = json.loads(world.run("status", "--json").out)["projects"][0]["entries"]
    assert entry["standing"]["since"] == NOON
    at(NIGHT)
    assert "failing since" not in world.reconcile().out

    assert f"failing since {NIGHT}" in world.reconcile().out


def test_programs_are_told_too(world: World, faults: FaultServer, at: At) -> None:
    """`failing_since` is null until a second pass fails."""
    world.asks_for(faults.script("/ds.tar.gz", Reply(404)))
    at(MORNING)
    told = [json.loads(world.reconcile("--json").out)["projects"][0]["entries"][0] for _ in range(2)]

    assert [entry["failing_since"] for entry in told] == [None, MORNING]
