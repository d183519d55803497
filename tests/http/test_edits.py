"""Edits and versions over HTTP: seen as a diff, accepted, taken back; each only as somebody saw it."""

from pathlib import Path

import pytest

from tests.kit.daemon import Daemon
from tests.kit.held import CODE, Held, hold, in_service, installed, ready
from tests.kit.site import config, listening
from tests.kit.world import ROW


@pytest.fixture
def edited(daemon: Daemon, tmp_path: Path) -> Held:
    """A project of its own for each test, with one edit."""
    world = in_service(daemon, tmp_path.name)
    world.write(CODE, "X = 'mine'\n")
    return Held(world, listening(daemon, "http.listen"))


def test_an_edit_is_shown_and_accepted(edited: Held, daemon: Daemon) -> None:
    """As a diff against what is installed; the lock then says so, and `verify` is content."""
    shown = edited.get("diff", entry=ROW).json()
    assert (shown["paths"], shown["lines"][-2:]) == ([CODE], ["-X = 1", "+X = 'mine'"])
    body = {"project": edited.root, "entry": ROW, "seen": shown["seen"]}
    assert edited.site.post("/v1/accept", body).json()["entries"][0]["accepted"] == [CODE]
    assert "edited" in edited.world.read("micropkg.lock")
    assert daemon.command("verify", cwd=edited.world.root).returncode == 0


def test_an_edit_that_nobody_saw_is_not_accepted(edited: Held) -> None:
    """It came after the look."""
    seen = edited.get("diff", entry=ROW).json()["seen"]
    edited.world.write(CODE, "X = 'newer'\n")
    answer = edited.site.post("/v1/accept", {"project": edited.root, "entry": ROW, "seen": seen})
    assert answer.status == 409
    assert "not what you saw" in answer.json()["error"]["problem"]
    assert "edited" not in edited.world.read("micropkg.lock")


def test_a_version_is_taken_back_once(daemon: Daemon, edited: Held) -> None:
    """By the commit that somebody saw last: who presses again, or later, takes nothing else back."""
    edited.world.write(CODE, "X = 1\n")
    edited.world.publish({"nodes.py": "X = 2\n"}, version="2.0")
    ready(daemon, edited.world, "2.0")
    newest, older = edited.get("history").json()["commits"][:2]
    assert [deed["version"] for deed in newest["deeds"]] == ["2.0"]
    assert newest["before"] == older["id"]
    body = {"project": edited.root, "entry": ROW, "to": newest["before"], "last": newest["id"]}
    assert edited.site.post("/v1/rollback", body).status == 200
    assert edited.world.read(CODE) == "X = 1\n"
    assert edited.site.post("/v1/rollback", body).status == 409
    assert edited.world.read(CODE) == "X = 1\n"
    daemon.ready(edited.world.root)
    assert edited.world.read(CODE) == "X = 1\n"  # the pass that looks at it asks no source


def test_an_edit_stops_a_rollback(daemon: Daemon, edited: Held) -> None:
    """It is newer than what would be taken back."""
    edited.world.write(CODE, "X = 1\n")
    edited.world.publish({"nodes.py": "X = 2\n"}, version="2.0")
    ready(daemon, edited.world, "2.0")
    newest = edited.get("history").json()["commits"][0]
    edited.world.write(CODE, "X = 'newer'\n")
    body = {"project": edited.root, "entry": ROW, "to": newest["before"], "last": newest["id"]}
    answer = edited.site.post("/v1/rollback", body)
    assert answer.status == 409
    assert CODE in answer.json()["error"]["problem"]
    assert edited.world.read(CODE) == "X = 'newer'\n"


def test_a_long_diff_is_cut(edited: Held) -> None:
    """What no page can show is counted."""
    edited.world.write(CODE, "".join(f"x{number} = {number}\n" for number in range(9000)) + f"y = '{'z' * 9000}'\n")
    answer = edited.get("diff", entry=ROW)
    assert answer.json()["more"] > 5000
    assert len(answer.body) < 400_000


@pytest.mark.parametrize(
    ("what", "asked", "code"),
    [
        ("held", {}, 400), ("held", {"entry": ROW, "path": "/etc/passwd"}, 400), ("diff", {"entry": "nothing"}, 400),
        ("held", {"entry": ROW, "path": "pyproject.toml"}, 400), ("diff", {"entry": ROW, "edits": "2"}, 400),
        ("history", {"project": "/"}, 404), ("held", {"entry": ROW, "more": "1"}, 400),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(edited: Held, what: str, asked: dict[str, str], code: int) -> None:
    """In words."""
    answer = edited.get(what, **asked)
    assert answer.status == code, answer
    assert answer.json()["error"]["problem"]


def test_the_gate_is_asked_before_a_decision_is_carried_out(tmp_path: Path) -> None:
    """The hook of the machine's config, as for every commit of the service; what it refuses stays as it was."""
    (tmp_path / "src").mkdir()
    gate = tmp_path / "gate"
    gate.write_text(f"#!/bin/sh\ntest ! -e {tmp_path}/shut || {{ echo not on a Friday; exit 1; }}\n")
    gate.chmod(0o755)
    with Daemon(tmp_path, config(tmp_path, f'[hooks]\nbefore-commit = ["{gate}"]\n')) as running:
        world = installed(tmp_path / "src" / "p", {"nodes.py": "X = 1\n"})
        ready(running, world)
        hold(running, world, {CODE: "X = 'mine'\n"}, {"nodes.py": "X = 2\n"})
        held = Held(world, listening(running, "http.listen"))
        (tmp_path / "shut").touch()
        answer = held.decide("take")
        assert answer.status == 409
        assert "not on a Friday" in str(answer.json())
        assert world.read(CODE) == "X = 'mine'\n"
        (tmp_path / "shut").unlink()
        assert held.decide("take").status == 200
        assert world.read(CODE) == "X = 2\n"


def test_what_a_pass_would_change_is_shown(tmp_path: Path) -> None:
    """Where one may not do it, or has not yet."""
    (tmp_path / "src").mkdir()
    gate = f'[hooks]\nbefore-commit = ["test", "!", "-e", "{tmp_path}/shut"]\n'
    with Daemon(tmp_path, config(tmp_path, gate)) as running:
        world = installed(tmp_path / "src" / "p", {"nodes.py": "X = 1\n"})
        ready(running, world)
        (tmp_path / "shut").touch()
        world.publish({"nodes.py": "X = 2\n"}, version="2.0")
        running.until_status(world.root, lambda status: status["standing"]["state"] == "Stalled")
        shown = Held(world, listening(running, "http.listen")).get("diff", entry=ROW, edits="0").json()
        assert (shown["version"], shown["paths"], shown["lines"][-2:]) == ("2.0", [CODE], ["-X = 1", "+X = 2"])
        assert world.read(CODE) == "X = 1\n"
