"""The end of a command: at once where nothing waits for it, else in order; either way all was said."""

import subprocess
import sys

import pytest

from tests.kit.world import World

BEGIN = "import sys; sys.argv = ['micropkgd', *sys.argv[1:]]\n"
AT_EXIT = "import atexit; atexit.register(print, 'waited for')\n"
A_THREAD = (
    "from threading import Thread, main_thread\n"
    "Thread(target=lambda: (main_thread().join(), print('waited for', flush=True))).start()\n"
)
END = "from micropkgd.__main__ import program; program()\n"


def ended(world: World, before: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """One command line in a fresh interpreter, in which something was done before."""
    command = [sys.executable, "-c", BEGIN + before + END, *arguments]
    return subprocess.run(command, cwd=world.root, capture_output=True, text=True, timeout=60, check=False)


def test_nothing_is_taken_down_that_nobody_waits_for(world: World) -> None:
    """What the interpreter still holds is not destroyed piece by piece: the system takes all back at once."""
    held = "class Held:\n    def __del__(self):\n        print('taken down')\nheld = Held()\n"

    assert ended(world, held, "--version").stdout.split()[0] == "micropkgd"
    assert "taken down" not in ended(world, held, "--version").stdout
    assert "taken down" not in ended(world, held, "status").stdout


def test_nobody_looks_for_garbage_in_a_command(world: World) -> None:
    """Nor where the library of a store is loaded: what a start makes stays, and to look through it takes a tenth."""
    count = (
        "import atexit, gc, sys\n"
        "seen = []\n"
        "gc.callbacks.append(lambda phase, _: seen.append(gc.get_threshold()[0]))\n"
        "atexit.register(lambda: sys.stderr.write(repr(sum(one > 10_000 for one in seen) // 2)))\n"
    )
    world.write("args.yml", '{key: a, secret: b, endpoint_url: "http://127.0.0.1:9"}')
    world.asks_for("s3://bucket/ds.tar.gz", fs_args="args.yml")
    found = ended(world, count, "reconcile", "--once")

    assert "connection refused" in found.stdout
    assert int(found.stderr) <= 1  # where byte code must be made first


def test_a_service_looks_for_garbage_sooner(world: World) -> None:
    """It goes on, and its memory is to stay small."""
    told = "import gc, micropkgd.cli.commands.serve as way; way.serve = lambda _: print(gc.get_threshold()[0])\n"
    world.write("config.toml", "")

    assert ended(world, told, "reconcile", "--config", "config.toml").stdout == "50000\n"


@pytest.mark.parametrize(
    "waiting",
    [
        AT_EXIT,
        A_THREAD,
    ],
    ids=["a call at the end", "a thread"],
)
@pytest.mark.parametrize("command", ["--version", "status"])
def test_who_waits_for_the_end_has_it(world: World, waiting: str, command: str) -> None:
    """As the measure of coverage does, and a thread that still works."""
    assert ended(world, waiting, command).stdout.endswith("waited for\n")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--version"], 0),
        (["status"], 0),
        (["status", "--nothing"], 2),
        (["pull", "dist/none.tar.gz"], 1),
        (["explain", "MPK0"], 2),
    ],
)
def test_the_exit_code_is_the_commands(world: World, arguments: list[str], code: int) -> None:
    """Whichever way it ends."""
    found = ended(world, "", *arguments)
    assert (found.returncode, bool(found.stdout or found.stderr)) == (code, True)


def test_all_is_said_before_the_end(world: World) -> None:
    """Also to a pipe, which is written to in large pieces."""
    found = ended(world, "", "explain", "--json")
    assert found.stdout.endswith("}\n")
