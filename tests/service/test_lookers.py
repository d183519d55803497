"""What a person reads about the service: status, events, why, and the config as it holds."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from micropkgd.cli.output_status import status_lines
from micropkgd.model.condition import Standing
from micropkgd.model.status import EntryStatus, ProjectStatus
from tests.kit.daemon import PATIENCE, Daemon, served
from tests.kit.world import World

READY = Standing("Ready", "InSync", "", "")


def test_what_is_wrong_with_a_project_is_said_beside_its_entries(tmp_path: Path) -> None:
    """A manifest that broke later leaves the entries as they were, and no doubt about what is wrong."""
    world = served(tmp_path / "src")
    with Daemon(tmp_path / "d", f'projects = ["{tmp_path}/src/*"]\nevery = "1d"\n') as daemon:
        daemon.ready(world.root)
        world.write("pyproject.toml", "[tool.kedro\n")
        daemon.until("ConditionChanged", world.root, message="Stalled")
        one = daemon.command("status", cwd=world.root).stdout
        every = daemon.command("status", "--all", cwd=tmp_path).stdout

    assert one.startswith("Stalled   Document: pyproject.toml: invalid TOML")
    assert "\n  Stalled   Document: pyproject.toml: invalid TOML" in every
    assert "Ready     dist/ds.tar.gz" in one


def test_what_an_entry_says_is_not_said_twice() -> None:
    """The project stands as its worst entry does, which has the reason already."""
    gone = Standing("Stalled", "Gone", "it answered 404", "2026-01-01T00:00:00Z")
    entry = EntryStatus("https://h/x.tar.gz", "src/shop/x", "", "", gone)
    status = ProjectStatus("/p", gone._replace(since="2026-01-02T00:00:00Z"), (entry,))

    assert "\n".join(status_lines(status)).count("404") == 1


def test_a_project_that_could_not_be_read_is_not_said_to_be_empty() -> None:
    """Only who is in sync without entries has none."""
    stalled = Standing("Stalled", "ProjectMissing", "there is no pyproject.toml in this folder", "")

    assert list(status_lines(ProjectStatus("/p", stalled))) == [
        "Stalled   ProjectMissing: there is no pyproject.toml in this folder"
    ]
    assert list(status_lines(ProjectStatus("/p", READY))) == ["no entries"]


def test_an_archive_of_an_older_version_is_explained(tmp_path: Path) -> None:
    """It was made here, and stays where it is when the version moves on."""
    other = served(tmp_path)
    other.spawn("reconcile", "--once")
    other.write("src/shop/pipelines/features/__init__.py", '__version__ = "0.2"\n')
    other.spawn("reconcile", "--once")
    old = other.spawn("why", "dist/features-0.1.tar.gz")
    new = other.spawn("why", "dist/features-0.2.tar.gz")

    assert (old.returncode, new.returncode) == (0, 0), old.stderr
    assert "from:  0.1 " in old.stdout
    assert "from:  0.2 " in new.stdout


@pytest.mark.parametrize("command", [("status", "--watch"), ("events", "-f")])
def test_who_follows_ends_it_without_a_warning(tmp_path: Path, command: tuple[str, ...]) -> None:
    """Nothing was begun that could be interrupted."""
    world = served(tmp_path / "src")
    with Daemon(tmp_path / "d", f'projects = ["{tmp_path}/src/*"]\nevery = "1d"\n') as daemon:
        daemon.ready(world.root)
        arguments = [sys.executable, "-um", "micropkgd", *command]
        looker = subprocess.Popen(
            arguments, cwd=world.root, env=daemon.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )  # fmt: skip
        assert looker.stdout is not None
        assert looker.stdout.readline()
        looker.send_signal(signal.SIGINT)
        _, said = looker.communicate(timeout=PATIENCE)

    assert (looker.returncode, said) == (0, b"")


def test_the_config_that_is_shown_can_be_read_again(world: World) -> None:
    """Times and sizes as they are written, and rows of tables with where they are from."""
    text = 'projects = ["a b"]\nevery = "90s"\n[limits]\nbytes-per-second = "20MiB"\n'
    path = world.write("machine.toml", f'{text}[[project]]\npaths = ["/x"]\ncron = "0 6 * * *"\n')
    shown = world.run("config", "show", "--origin", "--config", str(path)).out

    assert f'projects = ["a b"]  # {path}' in shown
    assert f'every = "90s"  # {path}' in shown
    assert 'full-check = "1d"  # default' in shown
    assert f'limits.bytes-per-second = "20MiB"  # {path}' in shown
    assert f'project.0 = {{paths = ["/x"], jitter = "30s", cron = "0 6 * * *", watch = true}}  # {path}' in shown
    lines = [line for line in shown.splitlines() if " = " in line and "(not set)" not in line]
    top = [line for line in lines if "." not in line.partition(" ")[0]]
    again = world.write("again.toml", "\n".join(top))
    assert world.run("config", "check", "--config", str(again)).code == 0


def test_the_config_that_is_shown_lets_nobody_in(world: World) -> None:
    """The address of a chat's hook is all that it takes to write there."""
    urls = 'webhook-url = "https://me:mypass@chat.example/hooks/token1?k=token2"\nheartbeat-url = "https://beat.example/token3"'
    path = world.write("machine.toml", f"[hooks]\n{urls}\n")
    shown = world.run("config", "show", "--config", str(path)).out
    document = world.run("config", "show", "--json", "--config", str(path)).out

    assert 'hooks.webhook-url = "https://chat.example/..."' in shown
    assert 'hooks.heartbeat-url = "https://beat.example/..."' in shown
    assert not any(secret in shown + document for secret in ("mypass", "token1", "token2", "token3"))


def test_what_needs_somebody_stands_first(tmp_path: Path) -> None:
    """Of all projects, whatever their names; `-q` shows those alone, and of them what is not as it should be."""
    worlds = [served(tmp_path / "src", number) for number in range(4)]
    ill = worlds[2]
    ill.write("pyproject.toml", ill.read("pyproject.toml").replace("dist/ds.tar.gz", "dist/none.tar.gz"))
    with Daemon(tmp_path / "d", f'projects = ["{tmp_path}/src/*"]\nevery = "1d"\n') as daemon:
        for world in worlds:
            if world is not ill:
                daemon.ready(world.root)
        daemon.until("ConditionChanged", ill.root, message="Stalled")

        def heads(*options: str) -> list[str]:
            said = daemon.command("status", *options, cwd=ill.root)
            assert said.returncode == 0
            return [line.strip() for line in said.stdout.splitlines() if not line.startswith("   ")]

        every = [line.split()[:2] for line in heads("--all") if str(tmp_path) in line]
        assert every[0] == ["Stalled", str(ill.root)]
        assert every[1:] == [["Ready", str(world.root)] for world in worlds if world is not ill]
        assert [line.split()[0] for line in heads("--all", "-q")] == ["Stalled", "Stalled"]
        document = json.loads(daemon.command("status", "--all", "-q", "--json", cwd=tmp_path).stdout)
        (project,) = document["projects"]
        assert [entry["ref"] for entry in project["entries"]] == ["dist/none.tar.gz"]
        assert project["packages"] == []
        assert [line.split()[0] for line in heads("-q")][:1] == ["Stalled"]
        assert daemon.command("status", "-q", cwd=worlds[0].root).stdout == ""
