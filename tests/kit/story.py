"""Pages that tell a story: their commands are run, one block after the other, in a project that a person has."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.kit.places import REPOSITORY

EXAMPLES = REPOSITORY / "examples"
BLOCK = re.compile(r"(<!-- run(?:: (.*?))? -->\n\n```console\n)(.*?)(```\n\n<!-- end -->)", re.DOTALL)
FEATURES = '"""Features."""\n\n__version__ = "1.0"\n'


def story(folder: Path) -> Path:
    """A Kedro project in git, beside a shelf with the first forecast."""
    shop = folder / "shop"
    shutil.copytree(EXAMPLES / "shop", shop, ignore=shutil.ignore_patterns("micropackages", "__pycache__"))
    manifest = shop / "pyproject.toml"
    manifest.write_text(manifest.read_text().partition("# What this project takes")[0].rstrip() + "\n")
    features = shop / "src/shop/pipelines/features"
    features.mkdir(parents=True, exist_ok=True)
    (features / "__init__.py").write_text(FEATURES)
    (folder / "share").mkdir()
    shutil.copy(EXAMPLES / "served/1/forecast.tar.gz", folder / "share/forecast-0.1.tar.gz")
    shell(shop, "git init -q . && git add -A && git commit -qm 'The shop'")
    return shop


def shell(shop: Path, line: str, *programs: Path) -> str:
    """What a line prints that is typed in the project, where these folders of programs are at hand, too."""
    path = ":".join(map(str, (Path(sys.executable).parent, os.defpath, *programs)))
    own = {"HOME": str(shop.parent), "EXAMPLES": str(EXAMPLES), "PATH": path,
           "MICROPKGD_CACHE_DIR": str(shop.parent / "cache"), "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C.UTF-8",
           "XDG_STATE_HOME": str(shop.parent / "state"), "XDG_RUNTIME_DIR": str(shop.parent)}  # fmt: skip
    for who in ("AUTHOR", "COMMITTER"):
        own |= {f"GIT_{who}_NAME": "Ana", f"GIT_{who}_EMAIL": "ana@example.com"}
    ended = subprocess.run(
        ["bash", "-c", line], cwd=shop, env=own, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=600, check=False,
    )  # fmt: skip
    assert ended.returncode in {0, 3, 4}, (line, ended.stdout)  # 3: something is newer; 4: held
    return ended.stdout.replace(str(shop.parent), "/home/ana")


def as_run(text: str, *programs: Path) -> str:
    """A text with its run blocks as they should be."""
    with tempfile.TemporaryDirectory() as folder:
        shop = story(Path(folder).resolve())

        def ran(block: re.Match[str]) -> str:
            if block[2]:
                shell(shop, block[2], *programs)
            commands = [line for line in block[3].splitlines() if line.startswith("$ ")]
            said = "".join(f"{line}\n{shell(shop, line[2:], *programs)}" for line in commands)
            return f"{block[1]}{said}{block[4]}"

        return BLOCK.sub(ran, text)
