"""What Prometheus is told, read with its own parser."""

import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from micropkgd.service.conditions import KINDS
from micropkgd.service.hooks.service_hooks import HOOKS
from tests.kit.daemon import Daemon, served, until
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.site import Site, config, listening
from tests.kit.world import World, archive

Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


def samples(site: Site) -> Samples:
    """Every sample, by name and labels."""
    answer = site.get("/metrics")
    assert answer.status == 200
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.body.decode())
        for sample in family.samples
    }


def value(site: Site, name: str, **labels: str) -> float | None:
    """One sample; None where there is none."""
    return samples(site).get((f"micropkgd_{name}", frozenset(labels.items())))


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """A service with one project that is in sync."""
    world = served(tmp_path / "src")
    with Daemon(tmp_path, config(tmp_path)) as running:
        running.ready(world.root)
        yield running


def test_a_pass_is_counted_by_what_came_of_it(tmp_path: Path) -> None:
    """With how long it took, and when it last went well. Nothing is watched: every pass is one that was asked for."""
    world = served(tmp_path / "src")
    with Daemon(tmp_path, f"watch = false\n{config(tmp_path)}") as daemon:
        daemon.ready(world.root)
        site, root = listening(daemon, "http.probes"), str(world.root)
        assert value(site, "reconcile_total", project=root, result="in_sync") == 1
        assert (value(site, "last_success_timestamp_seconds", project=root) or 0) > 1.7e9

        daemon.ask().post("/v1/reconcile", {}, timeout=None)
        daemon.ready(world.root)
        assert value(site, "reconcile_total", project=root, result="in_sync") == 2
        assert value(site, "reconcile_duration_seconds_count") == 2

        world.write("pyproject.toml", "[tool.micropkgd\n")
        daemon.ask().post("/v1/reconcile", {}, timeout=None)
        until(lambda: value(site, "reconcile_total", project=root, result="invalid") == 1)


def test_states_are_told_of_every_project(daemon: Daemon) -> None:
    """The one it is in has a row and no other has, so that an alert is raised and taken back."""
    site, root = listening(daemon, "http.probes"), str(daemon.folder / "src" / "p0")
    assert value(site, "project_state", project=root, state="Ready") == 1
    assert value(site, "entries", project=root, state="Ready") == 2
    rows = [(name, dict(labels).get("state")) for name, labels in samples(site) if ("project", root) in labels]
    told = {"micropkgd_project_state", "micropkgd_entries", "micropkgd_drift_files", "micropkgd_updates_waiting"}
    assert sorted(row for row in rows if row[0] in told) == [
        ("micropkgd_entries", "Ready"), ("micropkgd_project_state", "Ready"),
    ]  # fmt: skip

    (daemon.folder / "src/p0/src/shop/ds/nodes.py").write_text("mine = 1\n")
    daemon.ask().post("/v1/reconcile", {}, timeout=None)
    until(lambda: value(site, "drift_files", project=root) == 1)


def test_the_service_tells_of_itself(daemon: Daemon) -> None:
    """How it watches, what waits, whether the config is good."""
    site = listening(daemon, "http.probes")
    assert value(site, "watch_mode", mode="events") == 1
    assert value(site, "watch_mode", mode="scans") == 0
    assert value(site, "queue_depth") == 0
    assert value(site, "passes_running") == 0
    assert value(site, "watch_overflow_total") == 0
    assert value(site, "journal_recoveries_total") == 0
    assert value(site, "loop_lag_seconds") is not None
    assert value(site, "config_last_reload_successful") == 1

    good = daemon.config.read_text()
    daemon.config.write_text("nonsense = 1\n")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.until("ConfigRefused")
    assert value(site, "config_last_reload_successful") == 0
    assert value(site, "events_total", kind="ConfigRefused") == 1

    daemon.config.write_text(good)
    daemon.process.send_signal(signal.SIGHUP)
    daemon.until("ConfigReloaded")
    assert value(site, "config_last_reload_successful") == 1


def test_answers_are_counted_by_route(daemon: Daemon) -> None:
    """Never by the path that was asked: that would be a series for each."""
    whole, alone = listening(daemon, "http.listen"), listening(daemon, "http.probes")
    whole.get("/v1/status")
    whole.get("/v1/status", token="")
    for number in range(3):
        whole.ask("POST", f"/hooks/{number}")
        whole.ask("PROPFIND", f"/{number}")

    assert value(alone, "http_answers_total", method="GET", route="/v1/status", code="200") == 1
    assert value(alone, "http_answers_total", method="GET", route="/v1/status", code="401") == 1
    assert value(alone, "http_answers_total", method="POST", route="/hooks/{name}", code="403") == 3
    assert value(alone, "http_answers_total", method="other", route="unknown", code="404") == 3


def test_a_project_that_goes_is_told_of_no_more(daemon: Daemon) -> None:
    """A series of something that is no more would alarm for ever."""
    site, root = listening(daemon, "http.probes"), daemon.folder / "src" / "p0"
    root.rename(daemon.folder / "away")
    daemon.until("ProjectRemoved", root)

    assert not [labels for _, labels in samples(site) if ("project", str(root)) in labels]


def test_no_address_of_a_source_stands_in_a_label(tmp_path: Path, faults: FaultServer) -> None:
    """It may hold a credential; of a host no more is told than its name and port."""
    url = faults.script("/secret/ds.tar.gz", Reply(200, archive({})))
    world = World(tmp_path / "src" / "one")
    world.manifest(f'"{url}" = {{}}')
    with Daemon(tmp_path, config(tmp_path)) as daemon:
        daemon.ready(world.root)
        found = samples(listening(daemon, "http.probes"))

    told = {text for _, labels in found for _, text in labels if "://" in text or "secret" in text}
    assert told == {faults.url("").rstrip("/")}


def test_the_newer_form_is_given_to_who_asks_for_it(daemon: Daemon) -> None:
    """As OpenMetrics, whose parser is the stricter one."""
    answer = listening(daemon, "http.listen").get("/metrics", {"Accept": "application/openmetrics-text; version=1.0.0"})

    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    parsed = openmetrics.text_string_to_metric_families(answer.body.decode())  # type: ignore[no-untyped-call]
    families = {family.name for family in parsed}
    assert {"micropkgd_reconcile", "micropkgd_project_state", "micropkgd_reconcile_duration_seconds"} <= families


def test_hooks_are_measured(tmp_path: Path) -> None:
    """Each of a fixed list, from nought on: how long they took, and which failed."""
    world = served(tmp_path / "src")
    hooks = '[hooks]\nbefore-commit = ["sleep", "0.2"]\nafter-commit = ["false"]\ntouch-file = "/nowhere/at/all"\n'
    with Daemon(tmp_path, config(tmp_path) + hooks) as daemon:
        daemon.ready(world.root)
        site = listening(daemon, "http.probes")
        until(lambda: (value(site, "hook_failures_total", hook="touch-file") or 0) >= 1)
        until(lambda: (value(site, "hook_failures_total", hook="after-commit") or 0) >= 1)
        found = samples(site)

    def of(name: str) -> Mapping[str, float]:
        return {dict(labels)["hook"]: number for (row, labels), number in found.items() if row == f"micropkgd_{name}"}

    assert of("hook_duration_seconds_count").keys() == of("hook_failures_total").keys() == set(HOOKS)
    assert of("hook_duration_seconds_count")["before-commit"] == 1
    assert of("hook_duration_seconds_sum")["before-commit"] >= 0.2
    assert of("hook_failures_total")["before-commit"] == 0
    assert of("hook_duration_seconds_count")["webhook"] == 0


def test_publications_are_counted(tmp_path: Path) -> None:
    """Those that were made, those that could not be, and when one was last seen at its place."""
    world, shelf = served(tmp_path / "src"), tmp_path / "shelf"
    shelf.mkdir()
    row = f'"pipelines.features" = {{publish = "{shelf}/", publish-when = "saved"}}'
    manifest = world.read("pyproject.toml").replace('"pipelines.features" = {}', row)
    world.write("pyproject.toml", manifest)
    with Daemon(tmp_path, config(tmp_path)) as daemon:
        daemon.ready(world.root)
        site, root = listening(daemon, "http.probes"), str(world.root)
        assert value(site, "publications_total", project=root, result="done") == 1
        assert value(site, "publications_total", project=root, result="failed") is None
        seen = value(site, "publication_last_verified_timestamp_seconds", project=root) or 0
        assert seen > 1.7e9
        daemon.ask().post("/v1/reconcile", {}, timeout=None)
        until(lambda: (value(site, "publication_last_verified_timestamp_seconds", project=root) or 0) > seen)
        assert value(site, "publications_total", project=root, result="done") == 1

        (tmp_path / "file").write_text("")
        world.write("pyproject.toml", manifest.replace(f"{shelf}/", f"{tmp_path}/file/shelf/"))
        until(lambda: (value(site, "publications_total", project=root, result="failed") or 0) >= 1)


def test_what_lies_in_the_cache_is_counted(tmp_path: Path, faults: FaultServer) -> None:
    """A second project with the same archive fetches nothing; a host that answers is up."""
    url = faults.script("/ds.tar.gz", Reply(body=archive({"nodes.py": "x = 1\n"})))
    for name in ("p0", "p1"):
        World(tmp_path / "src" / name).asks_for(url)
    with Daemon(tmp_path, config(tmp_path)) as daemon:
        for name in ("p0", "p1"):
            daemon.ready(tmp_path / "src" / name)
        site = listening(daemon, "http.probes")
        before = value(site, "cache_hits_total") or 0
        (tmp_path / "src/p0/src/shop/ds/nodes.py").unlink()
        daemon.until("Repaired")
        until(lambda: (value(site, "cache_hits_total") or 0) > before)
        assert value(site, "host_up", host=faults.url("").rstrip("/")) == 1


def test_counters_that_alerts_look_at_begin_at_nought(daemon: Daemon) -> None:
    """The first of something is an increase, too."""
    site = listening(daemon, "http.probes")
    for kind in KINDS:
        assert value(site, "events_total", kind=kind) is not None
    assert value(site, "events_total", kind="Downgrade") == value(site, "events_total", kind="Rebuilt") == 0
    assert value(site, "http_answers_total", method="POST", route="/hooks/{name}", code="403") == 0
