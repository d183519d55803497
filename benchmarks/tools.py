"""The programs that people would use instead: those on the PATH, and those of the package index in environments."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.kit.servers import seaweed
from tests.kit.servers.venvs import environment

_INDEX: Final[Mapping[str, tuple[str, ...]]] = {
    "kedro": ("kedro==0.19.15", "pip"),
    "uv": ("uv",),
    "flit": ("flit",),
    "aws": ("awscli",),
    "rope": ("rope", "libcst"),
    "weed": (seaweed.REQUIREMENT,),
}


PROGRAM: Final = str(Path(sys.executable).parent / "micropkgd")
_SCRIPT: Final = "#!{}\nimport sys\nfrom micropkgd.__main__ import program\nsys.exit(program())\n"


def ours() -> str:
    """Ours, begun as by `uv tool install` or a newer pip; an older pip's script imports `re`, which not all need."""
    if "import re" not in Path(PROGRAM).read_text():
        return PROGRAM
    script = _cache() / "script" / "micropkgd"
    script.parent.mkdir(exist_ok=True)
    script.write_text(_SCRIPT.format(sys.executable))
    script.chmod(0o755)
    return str(script)


def on_path(name: str) -> str | None:
    """A program of this machine; None where it has none, and its rival stays out of the table."""
    return shutil.which(name)


def of_index(name: str) -> str:
    """A program of the package index, installed once below the user's cache folder."""
    return str(scratch(name) / "bin" / name)


def scratch(name: str) -> Path:
    """The environment of a program, or of libraries."""
    return environment(_cache(), *_INDEX[name])


def _cache() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "micropkgd-benchmarks"
    cache.mkdir(parents=True, exist_ok=True)
    return cache
