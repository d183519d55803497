"""Several processes at work on one project: they take turns, and what they leave is what one would."""

import subprocess
import sys
from pathlib import Path

from tests.kit.canaries import look
from tests.kit.world import World, archive

AT_ONCE = 8
LINES = [f"LINE_{number} = {number}\n" for number in range(9)]


def at_once(world: World, *commands: tuple[str, ...]) -> list["subprocess.CompletedProcess[str]"]:
    """Run these command lines, each in a process of its own, all begun before any has ended."""
    pipe = subprocess.PIPE
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "micropkgd", *command], cwd=world.root, stdout=pipe, stderr=pipe, text=True
        )
        for command in commands
    ]
    ended = []
    for process in running:
        out, err = process.communicate(timeout=120)
        look(out + err, "what one of several printed")
        ended.append(subprocess.CompletedProcess(process.args, process.returncode, out, err))
    return ended


def prepared(root: Path) -> World:
    """A project with an edit of its own in what it pulled, and another version of that at the ref."""
    world = World(root)
    world.asks_for()
    world.publish({"text.py": "".join(LINES), "one.py": "ONE = 1\n"})
    world.spawn("reconcile", "--once")
    world.write("src/shop/ds/text.py", "".join([*LINES[:-1], "MINE = 8\n"]))
    world.publish({"text.py": "".join(["THEIRS = 0\n", *LINES[1:]]), "two.py": "TWO = 2\n"}, "2.0")
    return world


def test_passes_take_turns(tmp_path: Path) -> None:
    """One of eight does the work, the others find it done; the tree is that of a single pass."""
    alone = prepared(tmp_path / "alone")
    alone.spawn("reconcile", "--once")
    world = prepared(tmp_path / "shared")
    ended = at_once(world, *[("reconcile", "--once")] * AT_ONCE)

    assert [each.returncode for each in ended] == [0] * AT_ONCE, ended
    assert sorted(each.stdout.split()[0] for each in ended) == ["unchanged"] * (AT_ONCE - 1) + ["updated"]
    assert world.tree() == alone.tree()
    assert world.read("src/shop/ds/text.py").startswith("THEIRS = 0\n")
    assert world.read("src/shop/ds/text.py").endswith("MINE = 8\n")


def test_commands_of_every_kind_at_once(tmp_path: Path) -> None:
    """Each does its work before or after the others, or says why not; the edit stays, and passes come to rest."""
    world = prepared(tmp_path / "shared")
    world.write("extra.tar.gz", archive({"three.py": "THREE = 3\n"}))
    ended = at_once(
        world,
        ("reconcile", "--once"),
        ("rollback",),
        ("resolve", "ds", "--merge"),
        ("pull", "extra.tar.gz", "--alias", "extra"),
        ("package", "ds"),
        ("verify",),
        ("status",),
    )
    *others, verify, status = ended
    assert {each.returncode for each in (*others, status)} <= {0, 2, 4}, ended  # 4: taking back what is edited
    assert verify.returncode == 6  # there is the edit
    assert not [each.stderr for each in ended if "Traceback" in each.stderr]
    assert "MINE = 8\n" in world.read("src/shop/ds/text.py")

    for _ in range(2):
        assert world.spawn("reconcile", "--once").returncode == 0
    before = world.stamps()
    assert world.spawn("reconcile", "--once").returncode == 0
    assert world.stamps() == before
    assert world.read("src/shop/ds/text.py").startswith("THEIRS = 0\n")
    assert world.read("src/shop/ds/text.py").endswith("MINE = 8\n")
