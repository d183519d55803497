"""Argument lists by which a project could run its own code, and those that are sound."""

import pytest

from micropkgd.machine.hook_check import runs_the_project

SOUND = [
    "",
    "true",
    "/usr/local/bin/page-somebody now",
    "python -I -m compileall -q src",
    "python3.12 -IBm compileall -q src",
    "python3 -P -c 'print(1)'",
    "/opt/x/bin/python -W error -I -m compileall src",
    "python -I /usr/local/share/check.py src",
    "systemctl --user try-restart shop.service",
    "notify-send 'make tea' ./is-no-program",
    "env -i LANG=C PATH=/usr/bin:/bin timeout -k 5s 60 ruff check src",
    "sh -c 'ruff check src && echo make >> /tmp/log'",
    "sh -c 'unbalanced \" quote'",
    "sh /usr/local/bin/check.sh",
    "perl -e 'print 1' x",
    "env",
    "python",
    "bash -c",
    "python --version",
    "python -",
]
UNSOUND = {
    "./check.sh": "`./check.sh` is a program of the project",
    "bin/check src": "`bin/check` is a program of the project",
    "nice -n 10 ./check.sh": "`./check.sh` is a program of the project",
    "env PYTHONPATH=src python -I -m pytest": "`PYTHONPATH=src` makes programs look into the project",
    "env PATH=:/usr/bin ls": "`PATH=:/usr/bin` makes programs look into the project",
    "env LD_LIBRARY_PATH=/x:lib ls": "`LD_LIBRARY_PATH=/x:lib` makes programs look into the project",
    "python -m compileall -q src": "a Python older than 3.11 would look for modules in the project first: add `-I`",
    "python -c 'import json'": "a Python older than 3.11 would look for modules in the project first: add `-I`",
    "python -mcompileall src": "a Python older than 3.11 would look for modules in the project first: add `-I`",
    "python -I tools/check.py": "`tools/check.py` is a file of the project",
    "python -I -m pytest -q": "`pytest` runs what it finds in the project",
    "/usr/bin/pytest -q": "`pytest` runs what it finds in the project",
    "make lint": "`make` runs what it finds in the project",
    "timeout 60 make": "`make` runs what it finds in the project",
    "sudo -n env A=1 pre-commit run": "`pre-commit` runs what it finds in the project",
    "python -I -m pre_commit run": "`pre_commit` runs what it finds in the project",
    "sh check.sh": "`check.sh` is a file of the project",
    "bash -e check.sh": "`check.sh` is a file of the project",
    "bash -ec './check.sh'": "`./check.sh` is a program of the project",
    "sh -c 'cd src && make'": "`make` runs what it finds in the project",
    "sh -c 'ls; . env.sh'": "`env.sh` is a file of the project",
    "sh -c 'if ls\nthen make; fi'": "`make` runs what it finds in the project",
    "node check.js": "`check.js` is a file of the project",
    "perl -w check.pl": "`check.pl` is a file of the project",
}


@pytest.mark.parametrize("line", SOUND)
def test_sound_lists(line: str) -> None:
    """Programs of the machine, with files of the project as their data."""
    assert runs_the_project(words(line)) == ""


@pytest.mark.parametrize(("line", "reason"), UNSOUND.items())
def test_lists_that_run_the_project(line: str, reason: str) -> None:
    """What would be run is named."""
    assert runs_the_project(words(line)) == reason


def words(line: str) -> list[str]:
    """The words of a line, as TOML would list them."""
    import shlex

    try:
        return shlex.split(line)
    except ValueError:
        return ["sh", "-c", line]
