"""Alerts and dashboard: each asks for metrics, labels and words that the program really has."""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from micropkgd.model.condition import Condition
from micropkgd.service.conditions import KINDS
from tests.http.test_metrics import samples, value
from tests.kit.daemon import Daemon, until
from tests.kit.places import REPOSITORY
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.site import config, listening
from tests.kit.world import World, archive

RULES = yaml.safe_load((REPOSITORY / "contrib/prometheus/micropkgd.rules.yaml").read_text())["groups"][0]["rules"]
DASHBOARD = json.loads((REPOSITORY / "contrib/grafana/micropkgd.json").read_text())
EXPRESSIONS = [
    *((rule["alert"], rule["expr"]) for rule in RULES),
    *((panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel["targets"]),
]
_METRIC = re.compile(r"\b((?:micropkgd|process)_[a-z_]+)(?:\{([^}]*(?:\{name\}[^}]*)?)\})?")
NOBODY = 9  # the port of a protocol that nothing speaks any more
_OF_PROMETHEUS = {"job", "instance", "le"}  # which adds them itself
_WORDS: Mapping[str, set[str]] = {
    "kind": set(KINDS),
    "state": {condition.value for condition in Condition},
    "mode": {"events", "scans", "off"},
    "code": {"4.."},
    "route": {"/hooks/{name}"},
    "job": {"micropkgd"},
}


def labelled() -> Mapping[str, set[str]]:
    """The labels of each metric, as docs/http.md has them; the process's own have none."""
    rows = re.findall(r"^\| (`micropkgd_[^|]*) \|([^|]*)\|", (REPOSITORY / "docs/http.md").read_text(), re.MULTILINE)
    return {
        name: set(re.findall(r"`([a-z]+)`", re.sub(r"\([^)]*\)", "", labels)))
        for names, labels in rows
        for name in re.findall(r"micropkgd_\w+", names)
    }


@pytest.mark.parametrize(("title", "expression"), EXPRESSIONS, ids=[title for title, _ in EXPRESSIONS])
def test_it_asks_for_what_there_is(title: str, expression: str) -> None:
    """A metric that is documented (and so exported), with labels that it has and words that they may be."""
    known = labelled()
    found = _METRIC.findall(expression)
    assert found or title == "MicropkgdDown"
    for name, matchers in found:
        base = name.removesuffix("_bucket")
        assert base in known or base.startswith("process_"), name
        for label, word in re.findall(r'(\w+)=~?"((?:[^"\\]|\\.)*)"', matchers):
            assert label in known.get(base, set()) | _OF_PROMETHEUS
            assert set(word.split("|")) <= _WORDS[label]
    assert expression.count("(") == expression.count(")")


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_a_summary_names_labels_that_the_alert_has(rule: Mapping[str, Mapping[str, str]]) -> None:
    """Else it would say nothing in their place."""
    (name, *_) = [*_METRIC.findall(str(rule["expr"])), ("up", "")]
    labels = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
    assert labels <= labelled().get(name[0], set()) | _OF_PROMETHEUS


def test_each_alert_has_a_page_to_turn_to() -> None:
    """Whoever is woken by it reads there what it asks of them."""
    text = (REPOSITORY / "docs/on-call.md").read_text()
    assert [rule["alert"] for rule in RULES if f"## {rule['alert']}\n" not in text] == []


@pytest.fixture
def troubled(tmp_path: Path, faults: FaultServer) -> Iterator[Daemon]:
    """A service with what alerts are for: an archive that is gone, a server and a queue that are away."""
    ill, waiting = World(tmp_path / "src" / "ill"), World(tmp_path / "src" / "waiting")
    ill.asks_for(faults.script("/ds.tar.gz", Reply(404)))
    waiting.asks_for(f"http://127.0.0.1:{NOBODY}/ds.tar.gz")
    nobody = f"http://127.0.0.1:{NOBODY}"
    queue = f'[[queue]]\nname = "news"\nurl = "{nobody}/queue"\nregion = "x"\nendpoint-url = "{nobody}"\n'
    login = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    with Daemon(tmp_path, config(tmp_path) + queue, environ=login) as running:
        yield running


def test_real_faults_give_the_rows_that_alerts_wait_for(troubled: Daemon) -> None:
    """Stalled with its reason, nothing in sync ever, a queue that is down; what has not happened counts nought."""
    site = listening(troubled, "http.probes")
    ill = str(troubled.folder / "src" / "ill")
    until(lambda: value(site, "unready_entries", project=ill, state="Stalled", reason="Gone") == 1)
    until(lambda: value(site, "queue_up", queue="news") == 0)
    waiting = str(troubled.folder / "src" / "waiting")
    until(lambda: value(site, "unready_entries", project=waiting, state="Retrying", reason="Unreachable") == 1)

    assert (value(site, "host_failures", host=f"http://127.0.0.1:{NOBODY}") or 0) >= 1  # it is tried again
    assert value(site, "last_success_timestamp_seconds", project=ill) == 0
    assert value(site, "events_total", kind="Bug") == 0
    assert value(site, "events_total", kind="QueueUnreachable") == 1
    assert (value(site, "watches") or 0) > 0
    assert (value(site, "watches_limit") or 0) > 0
    assert (samples(site).get(("process_open_fds", frozenset())) or 0) > 0


def test_downloads_are_counted(tmp_path: Path, faults: FaultServer) -> None:
    """With their bytes."""
    world, data = World(tmp_path / "src" / "p0"), archive({"nodes.py": "x = 1\n"})
    world.asks_for(faults.script("/ds.tar.gz", Reply(body=data)))
    with Daemon(tmp_path, config(tmp_path)) as daemon:
        daemon.ready(world.root)
        site = listening(daemon, "http.probes")
        assert value(site, "downloads_total") == 1
        assert value(site, "download_bytes_total") == len(data)
        assert value(site, "downloads_from_shared_cache_total") == 0


def test_every_kind_of_event_is_listed() -> None:
    """Else its counter would begin at one, and an alert on its increase would miss the first."""
    said = set()
    for path in (REPOSITORY / "micropkgd/service").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "News":
                said |= {node.args[0].value} if isinstance(node.args[0], ast.Constant) else set()
    assert said
    assert said <= KINDS
