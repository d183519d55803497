"""What to do about a failure is told wherever the failure is told; and one failure is one event."""

import json
import re
from pathlib import Path

import pytest

from micropkgd.model.condition import Failure, Standing
from micropkgd.model.entry_key import NOWHERE
from micropkgd.model.outcome import EntryOutcome, Installed, Outcome
from micropkgd.model.status import PassStatus, ProjectStatus
from micropkgd.model.tree import digest_of
from micropkgd.service.conditions import Moment, News, news_of, stands
from tests.kit.daemon import Daemon, served
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.site import config, listening
from tests.kit.world import World

REF = "dist/ds.tar.gz"
CHOOSE = f"`micropkgd diff {REF}` shows what collides, `micropkgd resolve {REF} --keep` or `--take` decides"


def failing(world: World, policy: str = "") -> str:
    """A project whose entry fails with a hint; the ref."""
    world.asks_for("dist/none.tar.gz", policy)
    failed = world.reconcile()
    assert failed.code == 1
    assert failed.err == ""
    return failed.out


def test_status_tells_the_hint_of_the_last_pass(world: World) -> None:
    """Without a service: it is remembered with the failure."""
    (hint,) = [line.strip() for line in failing(world).splitlines() if line.strip().startswith("hint: ")]
    said = world.run("status")
    assert f"  {hint}\n" in said.out
    (project,) = json.loads(world.run("status", "--json").out)["projects"]
    assert f"hint: {project['entries'][0]['standing']['hint']}" == hint
    assert f"hint: {project['standing']['hint']}" == hint


def test_status_tells_how_to_choose(world: World) -> None:
    """Of an entry that is held; one that was suspended says how it is looked after again."""
    world.publish({"nodes.py": "A = 1\n"})
    world.asks_for()
    world.sync()
    world.write("src/shop/ds/nodes.py", "A = 'mine'\n")
    world.publish({"nodes.py": "A = 2\n"}, "2.0")
    assert world.reconcile().code == 4
    (project,) = json.loads(world.run("status", "--json").out)["projects"]
    assert project["entries"][0]["standing"]["hint"] == CHOOSE
    assert "    micropkgd resolve ds --keep" in world.run("status").out
    world.run("suspend", "ds")
    assert "  hint: micropkgd resume\n" in world.run("status").out


def test_the_service_tells_hints_everywhere(tmp_path: Path) -> None:
    """In status, on the page, in its JSON, in events and in the log; once for one failure."""
    world = served(tmp_path / "src")
    with Daemon(tmp_path, config(tmp_path)) as daemon:
        daemon.ready(world.root)
        site = listening(daemon, "http.listen")
        world.write("src/shop/ds/nodes.py", "x = 'mine'\n")
        world.publish({"nodes.py": "x = 2\n"}, "2.0")
        event = daemon.until("ConditionChanged", world.root, message="Held")
        assert (event["subject"], event["hint"]) == ("dist/ds.tar.gz", CHOOSE)
        assert f"hint: {CHOOSE}\n" in daemon.command("events", cwd=world.root).stdout
        (row,) = site.get("/v1/status").json()["projects"]
        assert row["standing"]["hint"] == row["entries"][0]["standing"]["hint"] == CHOOSE
        shown = re.sub("</?code>", "`", site.get("/").body.decode())  # a command can be copied from there
        assert CHOOSE in shown
        assert CHOOSE in daemon.log.read_text()
        world.write("pyproject.toml", "nonsense")
        stalled = daemon.until("ConditionChanged", world.root, message="Stalled")
        assert stalled["subject"] == ""
        events = daemon.ask().get("/v1/events")["events"]
    changes = [event["message"].split()[0] for event in events if event["kind"] == "ConditionChanged"]
    assert changes == ["Ready", "Held", "Stalled"]


GONE = Failure(1, "Gone", "it answered 404", "look there")
MOMENT = Moment("2026-11-22T11:00:00Z", "2026-11-21T11:00:00Z")


def an_entry(ref: str, failure: Failure | None) -> EntryOutcome:
    """One that is installed, and may have failed."""
    installed = Installed("1.0", digest_of(b""))
    return EntryOutcome(ref, NOWHERE, ref, installed, installed, failure=failure)


WHOLE = Failure(2, "Manifest", "nonsense", "look there")
WELL, ILL = {"a": None}, {"a": GONE}


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        pytest.param([ILL], [["a Stalled"]], id="from the start"),
        pytest.param([WELL, ILL, WELL], [["- Ready"], ["a Stalled"], ["a Ready"]], id="there and back"),
        pytest.param([ILL | {"b": GONE}, WELL | {"b": GONE}], [["a Stalled", "b Stalled"], ["a Ready"]], id="two"),
        pytest.param([WELL, WHOLE, WELL], [["- Ready"], ["- Stalled"], ["- Ready"]], id="the whole project"),
        pytest.param([ILL, WHOLE, ILL], [["a Stalled"], ["- Stalled"], ["- Stalled"]], id="both"),
    ],
)
def test_one_failure_is_one_event(turns: list[dict[str, Failure | None] | Failure], expected: list[list[str]]) -> None:
    """The project as a whole is told of where none of its entries says the same."""
    before = ProjectStatus("/p", Standing("Pending", "NotSeen", "no pass has looked at it yet", ""))
    told = []
    for turn in turns:
        whole = turn if isinstance(turn, Failure) else None
        entries = () if isinstance(turn, Failure) else tuple(an_entry(ref, failure) for ref, failure in turn.items())
        outcome = Outcome("/p", entries, failure=whole)
        after = stands(before, outcome, MOMENT, PassStatus("p", "files", "", 0.0, 0))
        news = list(news_of(before, after, outcome))
        told.append([_said(one) for one in news])
        assert all(one.hint == ("look there" if "Stalled" in one.message else "") for one in news)
        before = after
    assert told == expected


def _said(news: News) -> str:
    return f"{news.subject or '-'} {news.message.split()[0]}"


def test_a_source_that_is_away_is_one_event(tmp_path: Path, faults: FaultServer) -> None:
    """And its return is one, too."""
    world = served(tmp_path / "src")
    url = faults.script("/ds.tar.gz", Reply(503, b""))
    world.write("pyproject.toml", world.read("pyproject.toml").replace("dist/ds.tar.gz", url))
    with Daemon(tmp_path / "d", f'projects = ["{world.root}"]\nevery = "1d"\n') as daemon:
        daemon.until("ConditionChanged", world.root, message="Retrying")
        faults.script("/ds.tar.gz", Reply(200, (world.root / "dist/ds.tar.gz").read_bytes()))
        daemon.ready(world.root)
        events = daemon.ask().get("/v1/events")["events"]
    changes = [
        (event["subject"], event["message"].split()[0]) for event in events if event["kind"] == "ConditionChanged"
    ]
    assert changes == [(url, "Retrying"), (url, "Ready")]
