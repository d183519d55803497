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
