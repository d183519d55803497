"""What those who keep machines running are told: `/livez`, `/readyz`, `/startupz`, and the listener for them alone."""

import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from micropkgd.model.condition import Condition, Standing
from micropkgd.model.status import EntryStatus, PassStatus, ProjectStatus
from micropkgd.service.http.probes import is_ready
from tests.kit.daemon import Daemon, served, until
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.site import Site, config, listening
from tests.kit.world import World, archive

PROBES = ("/livez", "/readyz", "/startupz")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A service with one project that is in sync."""
    folder = tmp_path_factory.mktemp("probes")
    world = served(folder / "src")
    with Daemon(folder, config(folder)) as running:
        running.ready(world.root)
        yield running


def project(
    entry: Condition, version: str = "1.0", whole: Condition | None = None, *, seen: bool = True
) -> ProjectStatus:
    """A project with one entry that stands so."""
    last = PassStatus("1", "start", "2026-01-01T00:00:00Z", 0.1, 0) if seen else None
    standing = Standing((whole or entry).value, "", "", "")
    one = EntryStatus("a", "b", version, "", Standing(entry.value, "", "", ""))
    return ProjectStatus("/p", standing, (one,), last_pass=last)


@pytest.mark.parametrize("state", [one for one in Condition if one not in {Condition.STALLED, Condition.PENDING}])
def test_what_is_installed_makes_ready(state: Condition) -> None:
    """Old content stays while a source does not answer, while somebody must choose, while it is left alone."""
    assert is_ready(project(state))


@pytest.mark.parametrize("state", [Condition.RETRYING, Condition.STALE, Condition.HELD, Condition.STALLED])
def test_what_was_never_installed_does_not(state: Condition) -> None:
    """A machine without it should not be given work."""
    assert not is_ready(project(state, version=""))


def test_a_project_is_not_ready_before_its_first_pass_or_while_somebody_must_act() -> None:
    """Also where an entry alone would be."""
    assert not is_ready(project(Condition.READY, whole=Condition.PENDING, seen=False))
    assert not is_ready(project(Condition.READY, whole=Condition.STALLED))
    assert is_ready(project(Condition.SUSPENDED, version="", whole=Condition.SUSPENDED))


@pytest.mark.parametrize("path", PROBES)
def test_probes_are_answered_everywhere_without_the_token(daemon: Daemon, path: str) -> None:
    """On both listeners and on the socket, in the same words."""
    whole, alone = listening(daemon, "http.listen"), listening(daemon, "http.probes")

    assert whole.get(path, token="").json() == alone.get(path, token="").json() == dict(daemon.ask().get(path))
    assert whole.ask("HEAD", path, token="").status == alone.ask("HEAD", path, token="").status == 200


def test_probes_name_no_project(daemon: Daemon) -> None:
    """Everybody may ask."""
    site = listening(daemon, "http.probes")

    assert not [path for path in PROBES if str(daemon.folder).encode() in site.get(path).body]
    assert site.get("/readyz").json() == {
        "schema": "micropkgd/1", "ok": True, "projects": 1, "ready": 1, "waits_for": []
    }  # fmt: skip
    assert site.get("/startupz").json() == {"schema": "micropkgd/1", "ok": True, "projects": 1, "looked_at": 1}


@pytest.mark.parametrize("path", ["/", "/v1/status", "/v1/events", "/page.js", "/hooks/a", "/livez/"])
def test_the_listener_for_probes_has_nothing_else(daemon: Daemon, path: str) -> None:
    """Not with the token either."""
    assert listening(daemon, "http.probes").get(path).status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_the_listener_for_probes_only_lets_ask(daemon: Daemon, method: str) -> None:
    """GET and HEAD, whatever the path."""
    site = listening(daemon, "http.probes")

    assert {site.ask(method, path, b"{}").status for path in (*PROBES, "/v1/trigger", "/metrics")} == {405}


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("10.1.2.3:8474", 200), ("[fe80::1]", 200), ("localhost", 200), ("evil.com", 403), ("10.1.2.3.evil.com", 403),
        ("2130706433", 403), ("localhost.", 403), ("[10.1.2.3]:x", 403), ("10.1.2", 403), ("", 403),
    ],
)  # fmt: skip
def test_a_probe_may_be_addressed_in_figures(daemon: Daemon, host: str, code: int) -> None:
    """As Kubernetes does, by the address of the pod; a name that leads here may be anybody's."""
    site = listening(daemon, "http.probes")
    answer = site.say(f"GET /metrics HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())

    assert int(answer.split(b" ", 2)[1]) == code


def test_metrics_can_be_switched_off(tmp_path: Path) -> None:
    """Then they are nowhere."""
    with Daemon(tmp_path, config(tmp_path, "metrics = false")) as daemon:
        assert listening(daemon, "http.listen").get("/metrics").status == 404
        assert listening(daemon, "http.probes").get("/metrics").status == 404
        assert listening(daemon, "http.probes").get("/readyz").status == 200


def test_nothing_listens_where_nothing_is_said(tmp_path: Path) -> None:
    """TCP is an option; the library for metrics is not even loaded."""
    told = {"PYTHONPROFILEIMPORTTIME": "1"}
    with Daemon(tmp_path, f'projects = ["{tmp_path}/src/*"]', environ=told) as daemon:
        assert [event for event in daemon.ask().get("/v1/events")["events"] if event["kind"] == "Listening"] == []
        assert " aiohttp.web\n" in daemon.log.read_text()
        assert "prometheus_client" not in daemon.log.read_text()


def test_ready_follows_what_is_installed(tmp_path: Path, faults: FaultServer) -> None:
    """Not before the first archive is there; then through an outage; not with a manifest that cannot be read."""
    url = faults.script("/ds.tar.gz", Reply(503), Reply(503), Reply(503), Reply(503))
    world = World(tmp_path / "src" / "one")
    world.manifest(f'"{url}" = {{}}')

    def code(path: str) -> int:
        return site.get(path).status

    with Daemon(tmp_path, config(tmp_path)) as daemon:
        site: Site = listening(daemon, "http.probes")
        daemon.until_status(world.root, lambda status: status["standing"]["state"] == "Retrying")
        assert (code("/livez"), code("/readyz"), code("/startupz")) == (200, 503, 200)

        faults.script("/ds.tar.gz", Reply(200, archive({})))
        daemon.ask().post("/v1/reconcile", {}, timeout=None)
        daemon.ready(world.root)
        assert (code("/readyz"), code("/startupz")) == (200, 200)

        faults.script("/ds.tar.gz", Reply(503))
        daemon.ask().post("/v1/reconcile", {}, timeout=None)
        daemon.until_status(world.root, lambda status: status["standing"]["state"] == "Retrying")
        assert code("/readyz") == 200

        world.write("pyproject.toml", "[tool.micropkgd\n")
        daemon.until_status(world.root, lambda status: status["standing"]["state"] == "Stalled")
        until(lambda: code("/readyz") == 503)
        assert (code("/livez"), code("/startupz")) == (200, 200)


def test_what_is_not_there_keeps_nobody_from_having_started(tmp_path: Path, faults: FaultServer) -> None:
    """One archive that is gone among many: the pod runs on, and readiness says what it waits for."""
    fine, gone = served(tmp_path / "src", 0), World(tmp_path / "src/gone")
    gone.manifest(f'"{faults.script("/gone.tar.gz", Reply(404))}" = {{}}')

    with Daemon(tmp_path, config(tmp_path)) as daemon:
        alone, whole = listening(daemon, "http.probes"), listening(daemon, "http.listen")
        daemon.ready(fine.root)
        daemon.until_status(gone.root, lambda status: status["standing"]["state"] == "Stalled")
        assert alone.get("/startupz").status == 200
        answer, row = alone.get("/readyz"), {"state": "Stalled", "reason": "Gone", "projects": 1}
        assert (answer.status, answer.json()["ready"], answer.json()["waits_for"]) == (503, 1, [row])
        assert whole.get("/readyz", token="").json()["waits_for"] == [row]
        assert daemon.ask().get("/readyz")["waits_for"] == [row | {"names": [str(gone.root)]}]
        said = daemon.command("health", "--ready", cwd=tmp_path)
        assert (said.returncode, said.stderr) == (1, f"the service is not ready: Stalled (Gone) {gone.root}\n")


def test_readiness_depends_on_what_the_config_names(tmp_path: Path, faults: FaultServer) -> None:
    """The others are looked after all the same; one that is named and not served is waited for."""
    fine, gone = served(tmp_path / "src", 0), World(tmp_path / "src/gone")
    gone.manifest(f'"{faults.script("/gone.tar.gz", Reply(404))}" = {{}}')
    lines = f'ready-projects = ["{tmp_path}/src/p*"]'

    with Daemon(tmp_path, config(tmp_path, lines)) as daemon:
        daemon.ready(fine.root)
        daemon.until_status(gone.root, lambda status: status["standing"]["state"] == "Stalled")
        until(lambda: daemon.ask().get("/readyz")["ok"])
        assert daemon.ask().get("/readyz")["projects"] == 1

        text = daemon.config.read_text()
        daemon.config.write_text(text.replace(lines, f'ready-projects = ["{tmp_path}/src/p*", "{tmp_path}/src/other"]'))
        daemon.process.send_signal(signal.SIGHUP)
        daemon.until("ConfigReloaded")
        until(lambda: not daemon.ask().get("/readyz")["ok"])
        row = {"state": "Pending", "reason": "NotServed", "projects": 1, "names": [f"{tmp_path}/src/other"]}
        assert daemon.ask().get("/readyz")["waits_for"] == [row]


def test_a_start_that_takes_long_says_how_far_it_is(tmp_path: Path, faults: FaultServer) -> None:
    """In the status, in the log, and to who asks whether it has started."""
    fine, slow = served(tmp_path / "src", 0), World(tmp_path / "src/slow")
    gate = threading.Event()
    slow.manifest(f'"{faults.script("/slow.tar.gz", Reply(200, archive({}), gate=gate))}" = {{}}')

    with Daemon(tmp_path, config(tmp_path, '[limits]\nsource-wait = "10m"')) as daemon:
        daemon.ready(fine.root)
        service = daemon.ask().get("/v1/status?limit=1")["service"]
        assert (service["projects"], service["looked_at"]) == (2, 1)
        assert service["summary"] == "1 of 2 projects looked at: 1 pending, 1 ready"
        assert daemon.ask().get("/startupz") == {"schema": "micropkgd/1", "ok": False, "projects": 2, "looked_at": 1}
        daemon.until("StartProgress", message="1 of 2 projects looked at")
        said = daemon.command("health", "--started", cwd=tmp_path).stderr
        assert said == "the service is not started: 1 of 2 projects looked at\n"
        gate.set()
        daemon.until("StartProgress", message="all 2 projects looked at")
        assert daemon.ask().get("/startupz")["ok"]
