"""Two files that collide, and the programs with which a person joins them."""

import subprocess
from pathlib import Path

import pytest

from tests.kit.world import World

A, B = "src/shop/ds/a.py", "src/shop/ds/b.py"
MERGED = ".micropkgd/conflicts/ds/merged"
BASE, OURS, THEIRS = "X = 1\n", "X = 'mine'\n", "X = 2\n"
BOTH = "X = ('mine', 2)\n"


def hold_two(world: World, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Two files that collide, and a machine without an editor or a merge tool."""
    for name in ("VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    world.publish({"a.py": BASE, "b.py": BASE})
    world.asks_for()
    world.sync()
    world.write(A, OURS)
    world.write(B, OURS)
    world.publish({"a.py": THEIRS, "b.py": THEIRS}, version="2.0")
    assert world.reconcile().code == 4


def script(folder: Path, text: str) -> str:
    """A program of the person's, outside the project."""
    path = folder / "my tool"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def use_tool(name: str, **options: str) -> None:
    """Configure git's merge tool as a person does."""
    for key, value in {
        "merge.tool": name,
        **{f"mergetool.{name}.{key}": each for key, each in options.items()},
    }.items():
        subprocess.run(["git", "config", "--global", key, value], check=True)
