"""Promise P5, of whole commands: nothing of the tree or of an archive is imported, compiled, executed or spawned.

Every command line runs in a process with an audit hook (`tests/kit/audited.py`). Reading code is parsing it, which
raises the same `compile` event as compiling does; the two are told apart by the flags of the call.
"""

import json
import os
import subprocess
import sys
from typing import Any, NamedTuple

import pytest

from tests.kit.archives import project
from tests.kit.places import TESTS
from tests.kit.world import World

AUDITED = TESTS / "kit/audited.py"
TOKEN = "canary_of_the_audit"
RUNS = f"{TOKEN} = open(__import__('os').environ['MARKER'], 'a').write(__name__)\n"  # what all code below would do
SAMPLES = {
    "a01": "01-minimal/ds-0.1.tar.gz",
    "a04": "04-config/ds-0.3.tar.gz",
    "a07": "07-requirements/features-1.4.0rc1.tar.gz",
    "a09": "09-utility/utils-2.1.tar.gz",
    "a13": "13-upgrade-v1/ds-1.0.0.tar.gz",
    "a15": "15-kedro-0.18.14/ds-0.4.tar.gz",
}
NAMES = ["ds", "shop", "features", "utils", "setup", "backend", "conftest", "sitecustomize", "usercustomize", "config",
         *SAMPLES]  # fmt: skip


class Report(NamedTuple):
    """What the process said of itself."""

    codes: list[int]
    alarms: list[str]
    seen: dict[str, int]


def audited(world: World, *commands: list[str] | str) -> Report:
    """Run commands under the hook."""
    order = {"root": str(world.root), "names": NAMES, "token": TOKEN, "commands": commands}
    environ = {**os.environ, "PYTHONPATH": str(AUDITED.parents[1]), "MARKER": str(world.root.with_name("marker"))}
    ended = subprocess.run(
        [sys.executable, AUDITED, json.dumps(order)], cwd=world.root, env=environ, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return Report(**found)


def has_run(world: World) -> bool:
    """Whether a canary sang."""
    return world.root.with_name("marker").exists()


LOOKS = [["status"], ["verify"], ["diff"], ["history"], ["doctor"], ["lock", "--check"]]


def test_of_every_sample(world: World) -> None:
    """Pull, look, edit, update with a merge, package, take back: of all the archives that Kedro made."""
    for name, sample in SAMPLES.items():
        world.copy_sample(sample, f"dist/{name}.tar.gz")
    rows = "".join(f'"dist/{name}.tar.gz" = {{alias = "{name}"}}\n' for name in SAMPLES)
    world.manifest(rows)
    pulled = audited(world, ["reconcile", "--once"], *LOOKS)
    assert (pulled.alarms, pulled.codes) == (
        [],
        [0, 0, 0, 0, 0, 1, 0],
    )  # doctor: parameters of the samples have the same keys
    assert pulled.seen["parse"] > 0

    nodes = "src/shop/a13/nodes.py"
    world.write(nodes, world.read(nodes) + "MINE = 1\n")
    world.copy_sample("14-upgrade-v2/ds-2.0.0.tar.gz", "dist/a13.tar.gz")
    packages = [["package", name, "-d", "out"] for name in SAMPLES]
    updated = audited(world, ["diff"], ["reconcile", "--once"], *packages, ["rollback"])
    assert updated.alarms == []
    assert set(updated.codes) <= {0, 4}
    assert len(list((world.root / "out").iterdir())) == len(SAMPLES)


CANARIES = {
    "PKG-INFO": "Metadata-Version: 2.2\nName: ds\nVersion: 1\n",
    "pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
                      "[project]\nname = 'ds'\nversion = '1'\n",
    "setup.py": RUNS, "backend.py": RUNS, "conftest.py": RUNS, "sitecustomize.py": RUNS, "usercustomize.py": RUNS,
    "ds.pth": f"import ds # {TOKEN}\n", "ds/__init__.py": f"{RUNS}__version__ = '1'\n", "ds/conftest.py": RUNS,
    "ds/nodes.py": f"import ds\nfrom ds import other\n{RUNS}", "ds/other.py": RUNS, "ds/__main__.py": RUNS,
    "tests/test_ds.py": f"from ds import nodes\n{RUNS}", "tests/conftest.py": RUNS,
}  # fmt: skip
HIDDEN = {".ropeproject/config.py": RUNS, "ds/.ropeproject/config.py": RUNS}


@pytest.mark.parametrize("hidden", [{}, HIDDEN], ids=["plain", "with-ropeproject"])
def test_of_canaries(world: World, hidden: dict[str, str]) -> None:
    """An archive, and a project around it, in which all that is ever run by something would leave a mark."""
    for name in ("conftest.py", "sitecustomize.py", "json.py", "tomllib.py", "setup.py", "src/shop/settings.py"):
        world.write(name, RUNS)
    world.write("src/shop/__init__.py", f"{RUNS}__version__ = '3'\n")
    world.write(".ropeproject/config.py", RUNS)
    world.write("dist/ds.tar.gz", project({**CANARIES, **hidden}, root="ds-1"))
    world.asks_for()
    first = audited(world, ["reconcile", "--once"], *LOOKS, ["package", "ds", "-d", "out"])
    assert (first.alarms, first.codes) == ([], [0] * 8)
    assert first.seen["parse"] > 0

    nodes = "src/shop/ds/nodes.py"
    newer = {**CANARIES, **hidden, "ds/nodes.py": f"A = 2\n{CANARIES['ds/nodes.py']}"}
    world.write("dist/ds.tar.gz", project(newer, root="ds-1"))
    world.write("dist/again.tar.gz", project(newer, root="ds-1"))
    world.write(nodes, world.read(nodes) + "MINE = 1\n")
    by_hand = ["pull", "dist/again.tar.gz", "--alias", "by_hand"]
    second = audited(world, ["reconcile", "--once"], ["package", "ds", "-d", "out"], by_hand, ["rollback"])
    assert (second.alarms, second.codes) == ([], [0] * 4)
    assert world.read(nodes).startswith("A = 2\n")
    assert world.read(nodes).endswith("MINE = 1\n")
    assert not has_run(world)


ALARMS = {
    "import": "import sys; sys.path.insert(0, 'src'); import shop.ds",
    "import-by-path": "import importlib.util as u; s = u.spec_from_file_location('q', 'src/shop/ds/nodes.py');"
                      " m = u.module_from_spec(s); s.loader.exec_module(m)",
    "compile": "compile(open('src/shop/ds/nodes.py').read(), '<x>', 'exec')",
    "compile-of-a-tree": "import ast; compile(ast.parse(open('src/shop/ds/nodes.py').read()), 'src/shop/ds/nodes.py',"
                         " 'exec')",
    "exec": "exec(open('src/shop/ds/nodes.py').read())",
    "runpy": "import runpy; runpy.run_path('src/shop/ds/nodes.py')",
    "popen": "import subprocess; subprocess.run(['true'])",
    "system": "import os; os.system('true')",
    "spawn": "import os; os.posix_spawn('/bin/true', ['true'], {})",
    "fork": "import os; os.fork() or os._exit(0); os.wait()",
    "exec-of-a-program": "import os, sys\ntry: os.execv('/nowhere/at/all', ['x'])\nexcept OSError: pass",
}  # fmt: skip


@pytest.mark.parametrize("act", ALARMS.values(), ids=ALARMS)
def test_the_alarm_rings(world: World, act: str) -> None:
    """Whatever runs code of the tree, or starts a process, is seen."""
    world.write("src/shop/ds/__init__.py", "")
    world.write("src/shop/ds/nodes.py", RUNS)

    assert audited(world, act).alarms != []


def test_parsing_rings_no_alarm(world: World) -> None:
    """Reading the code of the tree as a syntax tree runs nothing of it."""
    world.write("src/shop/ds/nodes.py", RUNS)
    found = audited(world, "import ast; ast.parse(open('src/shop/ds/nodes.py').read(), 'src/shop/ds/nodes.py')")

    assert found.alarms == []
    assert found.seen["parse"] == 1
