"""Hooks of the running service: real commands, a real address, a real crash."""

import json
import signal
import sys
from pathlib import Path

import pytest

from micropkgd.model.variables import TOLD_TO_HOOKS
from tests.kit.daemon import Daemon, served, until
from tests.kit.servers.hearer import Hearer
from tests.kit.world import World

COMPILE = json.dumps([sys.executable, "-I", "-m", "compileall", "-q", "src"])


@pytest.fixture
def shop(tmp_path: Path) -> World:
    """A project with one entry that is up to date from the first pass."""
    return served(tmp_path / "src", 1)


def config(world: World, hooks: str) -> str:
    """A config that serves one project and asks sources only when told."""
    return f'projects = ["{world.root}"]\nevery = "1d"\n[hooks]\n{hooks}\n'


def test_code_that_does_not_compile_is_vetoed_until_it_does(tmp_path: Path, shop: World) -> None:
    """The old version stays, status says why, and a better archive is installed at once."""
    with Daemon(tmp_path / "d", config(shop, f"before-commit = {COMPILE}")) as daemon:
        daemon.ready(shop.root)
        shop.publish({"nodes.py": "x = \n"}, "1.1")
        status = daemon.until_status(shop.root, lambda status: status["standing"]["state"] == "Stalled")
        (standing,) = [entry["standing"] for entry in status["entries"]]
        assert standing["reason"] == "Vetoed"
        assert "SyntaxError: invalid syntax" in standing["message"]
        assert shop.read("src/shop/ds/nodes.py") == "x = 1\n"
        shop.publish({"nodes.py": "x = 2\n"}, "1.2")
        daemon.until("Updated", shop.root, message="1.2")

    assert shop.read("src/shop/ds/nodes.py") == "x = 2\n"
    assert list((shop.root / ".micropkgd/txn").iterdir()) == []
    assert list(shop.root.rglob("*.pyc")) == []


def test_a_hook_at_work_does_not_hold_up_the_stop(tmp_path: Path, shop: World) -> None:
    """It ends with the service, nothing is committed, and nothing of it is left."""
    command = json.dumps(["sh", "-c", f"echo $$ > {tmp_path}/pid; sleep 600"])
    with Daemon(tmp_path / "d", config(shop, f'before-commit = {command}\ntimeout = "10m"')) as daemon:
        until(lambda: (tmp_path / "pid").exists())
        assert daemon.end(signal.SIGTERM) == 0

    assert not shop.has("src/shop/ds")
    assert not shop.has("micropkg.lock")
    until(lambda: not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists())


def test_what_happens_is_told_to_commands_and_to_the_web(tmp_path: Path, shop: World) -> None:
    """A commit, a local edit that holds a new version, and the events of both."""
    note = json.dumps(["sh", "-c", f'echo "$MICROPKGD_HOOK $MICROPKGD_ENTRIES" >> {tmp_path}/notes'])
    with Hearer() as hearer:
        hooks = (
            f'after-commit = {note}\non-held = {note}\nwebhook-url = "{hearer.url}"\nheartbeat-url = "{hearer.url}/ok"'
        )
        with Daemon(tmp_path / "d", config(shop, hooks)) as daemon:
            daemon.until("HookRan", shop.root, subject="after-commit")
            shop.write("src/shop/ds/nodes.py", "x = 'mine'\n")
            shop.publish({"nodes.py": "x = 2\n"}, "1.1")
            daemon.until("HookRan", shop.root, subject="on-held")
            until(lambda: {"Installed", "ConditionChanged", "HookRan"} <= kinds_told(hearer))
            until(lambda: any(one.target == "/ok" for one in hearer.told))

    assert (tmp_path / "notes").read_text().splitlines() == [
        "after-commit dist/ds.tar.gz",
        "pipelines.features",
        "on-held dist/ds.tar.gz",
    ]


def test_a_hook_may_run_micropkgd(tmp_path: Path, shop: World) -> None:
    """What it is told stands in variables of ours, which no command of ours takes for a slip in a setting."""
    said = tmp_path / "said"
    command = f"env | grep ^MICROPKGD_ >> {said}; {sys.executable} -m micropkgd status >> {said} 2>&1"
    look = json.dumps(["sh", "-c", command])
    hooks = f"before-commit = {look}\nafter-commit = {look}"
    with Daemon(tmp_path / "d", config(shop, hooks)) as daemon:
        daemon.until("HookRan", shop.root, subject="after-commit")

    lines = said.read_text().splitlines()
    told = {line.partition("=")[0] for line in lines if line.startswith("MICROPKGD_")}
    assert told == TOLD_TO_HOOKS
    assert any(line.startswith("Ready     dist/ds.tar.gz") for line in lines)
    assert not [line for line in lines if "means nothing" in line]


def test_a_crash_between_commit_and_hook_is_made_good(tmp_path: Path, shop: World) -> None:
    """The hook had begun when the service was killed; the next one runs it, for the commit that it finds untold."""
    command = ["sh", "-c", f"echo x >> {tmp_path}/runs; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done"]
    with Daemon(tmp_path / "d", config(shop, f"after-commit = {json.dumps(command)}")) as daemon:
        until(lambda: (tmp_path / "runs").exists())
        daemon.end(signal.SIGKILL)
        (tmp_path / "go").touch()
        daemon.start()
        daemon.until("HookRan", shop.root, subject="after-commit")
        assert (tmp_path / "runs").read_text() == "x\nx\n"
        daemon.end(signal.SIGTERM)
        daemon.start()
        daemon.ready(shop.root)
        assert daemon.end(signal.SIGTERM) == 0

    assert (tmp_path / "runs").read_text() == "x\nx\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_one_hold_is_told_once_over_restarts(tmp_path: Path, shop: World, number: int) -> None:
    """And the next one again; who was not told before the service was killed is told then."""
    note = json.dumps(["sh", "-c", f'echo "$MICROPKGD_ENTRIES" >> {tmp_path}/notes'])
    with Daemon(tmp_path / "d", config(shop, f"on-held = {note}")) as daemon:
        daemon.ready(shop.root)
        told = shop.root / ".micropkgd/told-on-held"
        for version in ("2", "3"):
            before = told.read_bytes() if told.exists() else b""
            shop.write("src/shop/ds/nodes.py", f"x = 'mine {version}'\n")
            shop.publish({"nodes.py": f"x = {version}\n"}, version)
            daemon.until("HookRan", shop.root, subject="on-held")
            until(lambda before=before: told.exists() and told.read_bytes() != before)  # type: ignore[misc]
            for _ in range(2):
                daemon.end(number)
                daemon.start()
                daemon.until_status(shop.root, lambda one: one["standing"]["state"] == "Held" and not one["running"])
            assert daemon.command("resolve", "ds", "--take", cwd=shop.root).returncode == 0
            daemon.ready(shop.root)

    assert (tmp_path / "notes").read_text().splitlines() == ["dist/ds.tar.gz"] * 2


def test_a_reload_changes_the_hooks(tmp_path: Path, shop: World) -> None:
    """What was refused by the old one is offered to the new one at once."""
    with Daemon(tmp_path / "d", config(shop, 'before-commit = ["false"]')) as daemon:
        daemon.until_status(shop.root, lambda status: status["standing"]["reason"] == "Vetoed")
        daemon.config.write_text(config(shop, 'before-commit = ["true"]'))
        daemon.process.send_signal(signal.SIGHUP)
        daemon.until("Installed", shop.root)


def kinds_told(hearer: Hearer) -> set[str]:
    """The kinds of the events that were posted."""
    return {json.loads(one.body)["kind"] for one in hearer.told if one.method == "POST"}
