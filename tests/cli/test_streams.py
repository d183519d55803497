"""Standard streams that are closed, full, or of a terminal that spells little: the work is done and nothing crashes."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.world import World

FULL = "standard output cannot be written to: no space left on device"


def shell(world: World, line: str, **environ: str) -> "subprocess.CompletedProcess[bytes]":
    """Run a shell line in which `m` is the program."""
    program = f'm() {{ {sys.executable} -m micropkgd "$@"; }}; {line}'
    clean = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(world.root),
        "MICROPKGD_CACHE_DIR": str(world.root / "cache"),
        **environ,
    }
    return subprocess.run(
        ["/bin/sh", "-c", program], cwd=world.root, env=clean, capture_output=True, timeout=60, check=False
    )


@pytest.fixture
def asking(world: World) -> World:
    """A project whose row and whose module have names that ASCII cannot spell."""
    world.publish({"ünï.py": "A = 1\n"}, to="dist/dé.tar.gz")
    world.manifest('"dist/dé.tar.gz" = {}')
    return world


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_stops_nothing(asking: World, closed: str) -> None:
    """As some supervisors and cron jobs start programs: all is done, and no file gets the number of a stream."""
    ended = shell(
        asking, f"m reconcile --once {closed} && m status {closed} && m --version {closed} && m --help {closed}"
    )

    assert ended.returncode == 0, ended
    assert ended.stderr == b""
    assert asking.has("src/shop/ds/ünï.py")


@pytest.mark.parametrize("command", ["status", "status --json", "--version", "--help", "reconcile --help", "doctor"])
def test_a_full_stdout_is_said(asking: World, command: str) -> None:
    """What was to be said could not be: exit 1, one line."""
    ended = shell(asking, f"m {command} > /dev/full")

    assert ended.returncode == 1
    assert ended.stderr.decode() == f"error: {FULL}\n"


def test_a_pass_is_done_although_nobody_can_be_told(asking: World) -> None:
    """The settled pass after it says the same by the short way."""
    for _ in range(2):
        assert shell(asking, "m reconcile --once > /dev/full").stderr.decode() == f"error: {FULL}\n"
        assert asking.has("src/shop/ds/ünï.py")


@pytest.mark.parametrize(
    ("command", "code"), [("status --all", 2), ("remove nothing", 2), ("reconcile --once -v", 0), ("nonsense", 2)]
)
def test_a_full_stderr_stops_nothing(asking: World, command: str, code: int) -> None:
    """The exit code is what it is with a good one."""
    assert shell(asking, f"m {command} 2> /dev/full").returncode == code == shell(asking, f"m {command}").returncode


LOCALES = [
    {"LC_ALL": "C"},
    {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    {"LC_ALL": "POSIX", "PYTHONUTF8": "0"},
    {"LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "ascii"},
    {"LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "latin-1"},
]


@pytest.mark.parametrize("environ", LOCALES, ids=lambda environ: " ".join(environ.values()))
def test_every_locale_is_one(asking: World, environ: dict[str, str]) -> None:
    """Names of files are UTF-8, and what a stream cannot spell is escaped: the same tree, whatever the locale."""
    said = shell(asking, "m reconcile --once && m status && m diff && m doctor && m verify", **environ)

    assert said.returncode == 0, said
    assert said.stderr == b""
    assert asking.has("src/shop/ds/ünï.py")
    assert b"d\xc3\xa9.tar.gz" in said.stdout or b"d\\xe9.tar.gz" in said.stdout or b"d\xe9.tar.gz" in said.stdout


def test_bytes_that_are_not_utf_8_are_refused(world: World) -> None:
    """No manifest could hold the name."""
    before = world.tree()
    for options in ("", '--alias "$X"', '-d "$X"', '-e "$X"'):
        ref = '"$X"' if not options else "dist/ds.tar.gz"
        ended = shell(world, f"X=$(printf 'd\\377'); m add {ref} {options}")
        assert ended.returncode == 2
        assert ended.stderr.startswith(b"error: `d\\udcff` has bytes that are not UTF-8 [MPK101]\nhint: ")
    assert world.tree() == before


def test_the_service_outlives_a_full_log(asking: World, tmp_path: Path) -> None:
    """Lines that cannot be written are lost, and it goes on."""
    config = tmp_path / "config.toml"
    config.write_text(f'projects = ["{asking.root}"]\nevery = "1d"\n')
    serve = f"timeout 20 {sys.executable} -m micropkgd reconcile --config {config} 2> /dev/full & "
    wait = "for i in $(seq 100); do [ -e src/shop/ds/ünï.py ] && break; sleep 0.1; done; kill %1; wait %1"
    ended = shell(asking, serve + wait)

    assert ended.returncode in {0, 143}, ended
    assert asking.has("src/shop/ds/ünï.py")
