"""Each alert of `contrib/` is fired once by a real fault of a real service, by Prometheus' own rules."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import yaml

from tests.http.test_metrics import value
from tests.kit.daemon import Daemon, served, until
from tests.kit.prometheus import RULES, check, scrape, scrape_at_rest
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.site import config, listening
from tests.kit.world import World, archive

NOBODY = "http://127.0.0.1:9"  # the port of a protocol that nothing speaks any more
LOGIN = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "x", "AWS_MAX_ATTEMPTS": "1"}


def given(world: World, faults: FaultServer, version: str, path: str = "/ds.tar.gz") -> str:
    """Put a version at an address that a project pulls from."""
    url = faults.script(path, Reply(body=archive({"nodes.py": f"v = {version}\n"}, version=version)))
    world.asks_for(url)
    return url


def test_the_rules_are_rules() -> None:
    """As Prometheus reads them, and each of them is fired below."""
    text = Path(__file__).read_text()
    rules = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    assert [rule["alert"] for rule in rules if f'"{rule["alert"]}"' not in text] == []
    subprocess.run(["promtool", "check", "rules", RULES], check=True, capture_output=True, timeout=60)


def test_what_goes_wrong_once_fires_once(tmp_path: Path, faults: FaultServer) -> None:
    """A config, a hook, a webhook, a ref that goes back, a shared cache: the first of each is enough."""
    world = World(tmp_path / "src/p0")
    given(world, faults, "2.0")
    (tmp_path / "secret").write_text("a secret of webhooks that is long enough")
    more = f'[hooks]\non-held = ["false"]\n[[webhook]]\nname = "x"\nsecret-file = "{tmp_path}/secret"\nform = "token"\n'
    with Daemon(tmp_path, config(tmp_path, more)) as daemon:
        daemon.ready(world.root)
        site, whole = listening(daemon, "http.probes"), listening(daemon, "http.listen")
        before = scrape_at_rest(site)
        given(world, faults, "1.0")
        daemon.ask().post("/v1/trigger", {})
        daemon.until("Downgrade", world.root)
        daemon.until("HookFailed", world.root)
        for _ in range(12):
            assert whole.ask("POST", "/hooks/x", headers={"X-Gitlab-Token": "wrong"}, token="").status == 403
        daemon.config.write_text("nonsense = 1\n")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.until("ConfigRefused")
        after = scrape_at_rest(site)
    at_once = {"MicropkgdDowngrade", "MicropkgdHookFailed", "MicropkgdWebhooksRejected"}
    check(tmp_path, before, after, {1: at_once, 6: {*at_once, "MicropkgdConfigRefused"}})


def test_what_is_away_fires_while_it_is(tmp_path: Path) -> None:
    """A queue, a host, and the project that waits for it."""
    world = served(tmp_path / "src")
    queue = f'[[queue]]\nname = "news"\nurl = "{NOBODY}/queue"\nregion = "x"\nendpoint-url = "{NOBODY}"\n'
    head, _, rest = config(tmp_path, queue).partition("[http]")
    with Daemon(tmp_path, f'{head}max-staleness = "1s"\n[http]{rest}', environ=LOGIN) as daemon:
        daemon.ready(world.root)
        daemon.until("QueueUnreachable")
        site, root = listening(daemon, "http.probes"), str(world.root)
        world.manifest("".join(f'"{NOBODY}/{name}.tar.gz" = {{alias = "{name}"}}\n' for name in ("a", "b", "c")))
        until(lambda: value(site, "host_up", host=NOBODY) == 0)
        daemon.until("ConditionChanged", world.root, message="(Unreachable)")
        time.sleep(1.1)  # what fails for longer than `max-staleness` is stale
        daemon.ask().post("/v1/reconcile", {"projects": [root]}, timeout=None)
        until(lambda: value(site, "project_state", project=root, state="Stale") == 1)
        after = scrape_at_rest(site)
    away = {"MicropkgdQueueUnreachable", "MicropkgdStale"}
    check(tmp_path, None, after, {14: (), 16: away, 59: away, 61: {*away, "MicropkgdHostDown"}})


def test_a_shared_cache_that_is_away_fires(tmp_path: Path, faults: FaultServer) -> None:
    """The project is in sync all the same."""
    world = served(tmp_path / "src")
    more = '[cache]\nremote = "s3://team/cache/"\n'
    with Daemon(tmp_path, config(tmp_path, more), environ={**LOGIN, "AWS_ENDPOINT_URL": NOBODY}) as daemon:
        daemon.ready(world.root)
        site = listening(daemon, "http.probes")
        before = scrape_at_rest(site)
        given(world, faults, "1.0")
        daemon.until("CacheTrouble")
        daemon.ready(world.root)
        check(tmp_path, before, scrape_at_rest(site), {1: {"MicropkgdSharedCacheAils"}})


def test_what_waits_for_somebody_fires(tmp_path: Path, faults: FaultServer) -> None:
    """An archive that is gone, a hold of a day, and that neither is in sync any more."""
    ill, held = World(tmp_path / "src/ill"), World(tmp_path / "src/held")
    given(ill, faults, "1.0", "/ill.tar.gz")
    given(held, faults, "1.0", "/held.tar.gz")
    with Daemon(tmp_path, config(tmp_path)) as daemon:
        for world in (ill, held):
            daemon.ready(world.root)
        site = listening(daemon, "http.probes")
        before = scrape_at_rest(site)
        ill.asks_for(faults.script("/gone.tar.gz", Reply(404)))
        held.write("src/shop/ds/nodes.py", "v = 'mine'\n")
        given(held, faults, "2.0", "/held.tar.gz")
        daemon.ask().post("/v1/trigger", {})
        until(lambda: value(site, "unready_entries", project=str(ill.root), state="Stalled", reason="Gone") == 1)
        until(lambda: value(site, "project_state", project=str(held.root), state="Held") == 1)
        after = scrape_at_rest(site)
    soon = {"MicropkgdStalled"}
    late = {*soon, "MicropkgdNoSuccess"}
    check(tmp_path, before, after, {14: (), 16: soon, 76: late, 1439: late, 1441: {*late, "MicropkgdHeldForADay"}})


SCANS = 'echo {most} > /proc/sys/user/max_inotify_watches && exec "$@"'
"""How a machine has so few watches."""


def test_too_few_watches_fire(tmp_path: Path) -> None:
    """Soon too few, and too few."""
    world = served(tmp_path / "src")
    with Daemon(tmp_path, config(tmp_path)) as daemon:
        daemon.ready(world.root)
        before = scrape_at_rest(listening(daemon, "http.probes"))
        needed = int(value(listening(daemon, "http.probes"), "watches") or 0)
        daemon.end()
        daemon.start(["unshare", "-Ur", "sh", "-c", SCANS.format(most=needed + 1), "sh"])
        daemon.ready(world.root)
        check(tmp_path, before, scrape_at_rest(listening(daemon, "http.probes")), {1: {"MicropkgdWatchesShort"}})
        daemon.end()
        daemon.start(["unshare", "-Ur", "sh", "-c", SCANS.format(most=0), "sh"])
        daemon.ready(world.root)
        after = scrape_at_rest(listening(daemon, "http.probes"))
        check(tmp_path, before, after, {59: (), 61: {"MicropkgdScanning"}})


def test_a_pass_that_does_not_end_fires(tmp_path: Path) -> None:
    """Its age grows; and nothing was ever in sync."""
    world = served(tmp_path / "src")
    hook = json.dumps([sys.executable, "-c", "import time; time.sleep(600)"])
    hooks = f'[hooks]\nbefore-commit = {hook}\ntimeout = "600s"\n'
    with Daemon(tmp_path, config(tmp_path, hooks)) as daemon:
        site = listening(daemon, "http.probes")
        until(lambda: value(site, "pass_age_seconds", project=str(world.root)) is not None)
        after = scrape(site)
        daemon.end()  # and the program of the hook with it
    never = {"MicropkgdNoSuccess"}
    check(tmp_path, None, after, {14: (), 16: never, 32: {*never, "MicropkgdPassTooLong"}})


def test_a_service_that_lags_or_is_gone_fires(tmp_path: Path) -> None:
    """Stopped for a while, and killed."""
    world = served(tmp_path / "src")
    with Daemon(tmp_path, config(tmp_path)) as daemon:
        daemon.ready(world.root)
        site = listening(daemon, "http.probes")
        before = scrape_at_rest(site)
        daemon.process.send_signal(signal.SIGSTOP)
        time.sleep(11)
        daemon.process.send_signal(signal.SIGCONT)
        until(lambda: (value(site, "loop_lag_seconds") or 0) > 5)
        check(tmp_path, before, scrape_at_rest(site), {4: (), 6: {"MicropkgdLoopLags"}})
        daemon.end(signal.SIGKILL)
        check(tmp_path, before, scrape_at_rest(site), {4: (), 6: {"MicropkgdDown"}})


BROKEN = """
import os, runpy, sys
import micropkgd.service.passes as passes
run_pass = passes.run_pass
def broken(*arguments, **options):
    if os.path.exists({flag!r}):
        raise RuntimeError("nobody foresaw this")
    return run_pass(*arguments, **options)
passes.run_pass = broken
sys.argv = sys.argv[3:]
runpy.run_module("micropkgd", run_name="__main__")
"""


def test_a_bug_fires(tmp_path: Path) -> None:
    """An error that a pass was made to raise."""
    world, flag = served(tmp_path / "src"), tmp_path / "flag"
    with Daemon(tmp_path, config(tmp_path)) as daemon:
        daemon.end()
        daemon.start([sys.executable, "-c", BROKEN.format(flag=str(flag))])
        daemon.ready(world.root)
        site = listening(daemon, "http.probes")
        before = scrape_at_rest(site)
        flag.touch()
        world.write("src/shop/pipelines/features/nodes.py", "a = 2\n")
        daemon.until("Bug", world.root)
        check(tmp_path, before, scrape_at_rest(site), {1: {"MicropkgdBug"}})
