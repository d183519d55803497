"""What a pass imports is most of what it costs: a local one, and one with nothing to do, pay for little."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import micropkgd
from micropkgd.model import variables
from tests.kit.world import World, archive

HEAVY = {"aiohttp", "s3fs", "gcsfs", "fsspec", "watchfiles", "rich", "yaml", "structlog",
         "packaging", "asyncio"}  # fmt: skip


ABOUT_EDITS = {
    "merge3", "micropkgd.merge", "micropkgd.reconcile.plan.accepted", "micropkgd.reconcile.plan.marked",
    "micropkgd.reconcile.record.gate",
}  # fmt: skip


UNASKED = {
    "argparse",
    "gettext",
    "typing",
    "shutil",
    "locale",
    "unicodedata",
    "micropkgd.workspace.memory.settled",
}  # of words as usual
OPENSSL = {"hashlib", "hmac"}  # which load it
PARSES = {"micropkgd.relocate.changes", "micropkgd.relocate.imports", "micropkgd.relocate.scopes"}


def loaded(world: World, *arguments: str) -> set[str]:
    """The modules that one command line imports in a fresh interpreter; it must end with 0."""
    program = (
        "import sys\n"
        "sys.argv = ['micropkgd', *sys.argv[1:]]\n"
        "import micropkgd.__main__\n"
        "code = micropkgd.__main__.main()\n"
        "sys.stderr.write('\\n'.join(sys.modules))\n"
        "sys.exit(code)\n"
    )
    return set(told(world, program, *arguments).split())


def told(world: World, program: str, *arguments: str) -> str:
    """What a program writes to its standard error in a fresh interpreter; it must end with 0."""
    command = [sys.executable, "-c", program, *arguments]
    ended = subprocess.run(command, cwd=world.root, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stderr


class Cost(NamedTuple):
    """What one command line costs, in things that can be counted on every machine."""

    ours: int  # modules of micropkgd
    others: int
    values: int  # classes of named tuples
    patterns: int  # that `re` compiles, anybody's
    syncs: int
    threads: int


def cost(world: World, *arguments: str) -> Cost:
    """The cost of one command line in a fresh interpreter; it must end with 0."""
    program = (
        "import os, sys, _thread\n"
        "sys.argv = ['micropkgd', *sys.argv[1:]]\n"
        "counts = {'patterns': 0, 'fsync': 0, 'start_new_thread': 0}\n"
        "def counted(name, call):\n"
        "    def wrapper(*arguments):\n"
        "        counts[name] += 1\n"
        "        return call(*arguments)\n"
        "    return wrapper\n"
        "import re._compiler\n"
        "re._compiler.compile = counted('patterns', re._compiler.compile)\n"
        "os.fsync = counted('fsync', os.fsync)\n"
        "_thread.start_new_thread = counted('start_new_thread', _thread.start_new_thread)\n"
        "import micropkgd.__main__\n"
        "code = micropkgd.__main__.main()\n"
        "ours = sum(name.partition('.')[0] == 'micropkgd' for name in sys.modules)\n"
        "below = lambda kind: [one for each in kind.__subclasses__() for one in (each, *below(each))]\n"
        "values = sum('_field_defaults' in vars(each) and 'pattern' not in each.__name__ for each in below(tuple))\n"
        "print('\\n', ours, len(sys.modules) - ours, values, *counts.values(), file=sys.stderr)\n"
        "sys.exit(code)\n"
    )
    return Cost(*map(int, told(world, program, *arguments).splitlines()[-1].split()))


def test_a_pull_by_hand(world: World) -> None:
    """One small archive of this machine: nothing of networks, edits or the loop, and a bounded number of everything."""
    world.copy_sample("01-minimal/ds-0.1.tar.gz", "dist/ds.tar.gz")
    modules = loaded(world, "pull", "dist/ds.tar.gz")

    assert not modules & (HEAVY | ABOUT_EDITS | UNASKED | {"micropkgd.reconcile.cycle", "micropkgd.sources.upload"})

    world.copy_sample("01-minimal/ds-0.1.tar.gz", "dist/other.tar.gz")
    found = cost(world, "pull", "dist/other.tar.gz", "--alias", "other")
    assert found.ours <= 137
    assert found.others <= 80
    assert found.values <= 101
    assert found.patterns <= 26
    assert found.syncs <= 22
    assert found.threads == 0


def test_one_module_packaged(world: World) -> None:
    """One small module: nothing of networks or of pulls, and a bounded number of everything."""
    world.write("src/shop/pipelines/features/__init__.py", '__version__ = "1.0"\n')
    world.write("src/shop/pipelines/features/nodes.py", "import shop.pipelines.features\n")
    modules = loaded(world, "package", "pipelines.features")

    assert not modules & (
        HEAVY | ABOUT_EDITS | UNASKED | {"datetime", "micropkgd.reconcile.cycle", "micropkgd.sources.gather"}
    )

    world.write("src/shop/pipelines/features/nodes.py", "import shop.pipelines.features as features\n")
    found = cost(world, "package", "pipelines.features")
    assert found.ours <= 123
    assert found.others <= 74
    assert found.values <= 101
    assert found.patterns <= 20
    assert found.syncs <= 2
    assert found.threads == 0


def test_code_that_names_nothing_that_moves_is_not_parsed(world: World) -> None:
    """Most packages import themselves by dots, and what parses is not imported for them."""
    code = {"nodes.py": "def scale(x):\n    return 2 * x\n", "pipeline.py": "from .nodes import scale\n"}
    world.write("dist/ds.tar.gz", archive(code))
    for name, text in {"__init__.py": '__version__ = "1.0"\n', **code}.items():
        world.write(f"src/shop/pipelines/fe/{name}", text)

    assert not loaded(world, "pull", "dist/ds.tar.gz") & {*PARSES, *OPENSSL, "ast", "tomli_w", "datetime"}
    assert not loaded(world, "package", "pipelines.fe") & (PARSES | OPENSSL)
    assert world.read("src/shop/ds/pipeline.py") == "from .nodes import scale\n"

    found = cost(world, "pull", "dist/ds.tar.gz", "--alias", "other")
    assert found.ours <= 132
    assert found.others <= 78
    assert found.values <= 100
    assert found.patterns <= 23


@pytest.mark.parametrize("mode", ["", "--check", "--locked", "--json"])
def test_a_local_pass_with_nothing_to_do(world: World, mode: str) -> None:
    """None of the libraries for networks, logs, editing or terminals, in whatever mode."""
    world.copy_sample("01-minimal/ds-0.1.tar.gz", "dist/ds.tar.gz")
    world.asks_for()
    world.sync()

    assert not HEAVY & loaded(world, "reconcile", "--once", *mode.split())


def test_the_everyday_pass_imports_next_to_nothing(world: World) -> None:
    """Where nothing moved: neither what parses command lines nor what defines values."""
    world.copy_sample("01-minimal/ds-0.1.tar.gz", "dist/ds.tar.gz")
    world.asks_for()
    world.sync()

    for command in (("reconcile", "--once"), ("lock", "--check")):
        modules = loaded(world, *command)
        assert not {"argparse", "typing", "json", "re", "collections", "array", "micropkgd.errors"} & modules
        assert len([name for name in modules if name.startswith("micropkgd")]) <= 11


def test_the_status_of_what_rests_needs_no_loop(world: World) -> None:
    """Nor documents: the record says it."""
    world.copy_sample("01-minimal/ds-0.1.tar.gz", "dist/ds.tar.gz")
    world.asks_for()
    world.sync()
    modules = loaded(world, "status")

    assert not {
        name for name in modules if name.startswith(("micropkgd.reconcile.plan", "micropkgd.documents", "tomllib"))
    }


def test_a_local_pass_after_a_touch(world: World) -> None:
    """Also the whole loop, where it finds nothing to do."""
    world.copy_sample("01-minimal/ds-0.1.tar.gz", "dist/ds.tar.gz")
    world.asks_for()
    world.sync()
    world.write("pyproject.toml", world.read("pyproject.toml"))
    modules = loaded(world, "reconcile", "--once")

    assert "micropkgd.reconcile.plan.planner" in modules
    assert not (HEAVY | ABOUT_EDITS) & modules


@pytest.mark.parametrize("command", ["status", "verify"])
def test_looking_is_cheap(world: World, command: str) -> None:
    """`status` and `verify` of a local project too."""
    world.copy_sample("01-minimal/ds-0.1.tar.gz", "dist/ds.tar.gz")
    world.asks_for()
    world.sync()

    assert not (HEAVY | {"argparse", "typing"}) & loaded(world, command)


def test_files_verified(world: World) -> None:
    """Of what the lock says; nothing of passes, and of documents only where no pass has read them as they are."""
    world.copy_sample("01-minimal/ds-0.1.tar.gz", "dist/ds.tar.gz")
    world.asks_for()
    world.sync()
    modules = loaded(world, "verify")

    unread = {"micropkgd.documents", "micropkgd.model.manifest", "micropkgd.model.lock", "micropkgd.workspace.project"}
    assert not modules & (UNASKED - {"micropkgd.workspace.memory.settled"} | OPENSSL | {"json"} | unread)
    assert cost(world, "verify").ours <= 36

    world.write("pyproject.toml", world.read("pyproject.toml"))
    modules = loaded(world, "verify")
    assert unread < modules
    assert not modules & (OPENSSL | {"json", "typing", "micropkgd.model.outcome", "micropkgd.reconcile.plan.planner"})
    assert cost(world, "verify").ours <= 63


def test_version_imports_nothing_of_the_house(world: World) -> None:
    """The front step alone."""
    modules = loaded(world, "--version")

    assert {name for name in modules if name.startswith("micropkgd")} == {"micropkgd", "micropkgd.__main__"}


def test_our_variables_are_named_in_one_place() -> None:
    """A name that is spelled twice is changed once."""
    home = Path(variables.__file__)
    for path in Path(micropkgd.__file__).parent.rglob("*.py"):
        tree = ast.parse(path.read_bytes())
        told = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in told]
        spelled = [node.lineno for node in texts if isinstance(node.value, str) and variables.PREFIX in node.value]
        assert path == home or not spelled, (path, spelled)
