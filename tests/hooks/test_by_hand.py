"""The machine's config holds for a pass by hand, too."""

import sys

from tests.kit.world import World


def config(world: World, code: str) -> str:
    """A config with a hook that runs this Python."""
    text = f"[hooks]\nbefore-commit = ['{sys.executable}', '-c', '''{code}''']\n"
    return str(world.write("machine.toml", text))


def test_a_veto_keeps_everything_as_it_was(world: World) -> None:
    """The entry stalls with the hook's last words; the next pass asks again."""
    world.publish({"a.py": "x = 1\n"})
    world.asks_for()
    veto = config(world, "print('not on a sunday'); raise SystemExit(1)")
    said = world.reconcile("--config", veto)

    assert said.code == 1
    assert "not on a sunday" in said.out
    assert not world.has("src/shop/ds")
    assert world.reconcile("--config", config(world, "pass")).code == 0
    assert world.has("src/shop/ds/a.py")


def test_the_hook_sees_the_tree_as_it_would_be(world: World) -> None:
    """The new files beside the project's own."""
    world.publish({"a.py": "x = 1\n"})
    world.asks_for()
    code = "import os; assert os.path.exists('src/shop/ds/a.py') and os.path.exists('src/shop/__init__.py')"

    assert world.reconcile("--config", config(world, code)).code == 0


def test_a_dry_run_asks_nobody(world: World) -> None:
    """There is no commit to object to."""
    world.publish({"a.py": "x = 1\n"})
    world.asks_for()

    assert world.reconcile("--check", "--config", config(world, "raise SystemExit(1)")).code == 3


def test_the_project_does_not_stand_in_for_the_hook(world: World) -> None:
    """A file of the project that is called like the module which the hook runs is data, also without `-I`."""
    world.publish({"a.py": "x = 1\n"})
    world.asks_for()
    world.write("compileall.py", "import pathlib\npathlib.Path(__file__).with_name('ran').touch()\n")
    argv = f"['{sys.executable}', '-m', 'compileall', '-q', 'src']"
    machine = world.write("machine.toml", f"[hooks]\nbefore-commit = {argv}\n")

    assert world.reconcile("--config", str(machine)).code == 0
    assert world.has("src/shop/ds/a.py")
    assert not world.has("ran")
