"""The executable bit: from the archive into the tree, through updates, moves, rollbacks, and back into an archive."""

import os
import stat

import pytest

from tests.kit import archives as a
from tests.kit.packages import packed
from tests.kit.world import ROW, World

RUN = "src/shop/ds/run.sh"
INFO = a.PKG_INFO.replace(b"demo", b"ds")


def publish(world: World, text: str, mode: int, version: str = "1.0") -> None:
    """An archive of `ds` with a script of this mode, beside a module of mode 0644."""
    root = f"ds-{version}"
    info = INFO.replace(b"1.0", version.encode())
    files = [a.file(f"{root}/PKG-INFO", info), a.file(f"{root}/ds/__init__.py", b""), a.folder(f"{root}/ds")]
    world.write(ROW, a.gz(a.tar(*files, a.file(f"{root}/ds/run.sh", text.encode(), mode=mode))))


def mode_of(world: World, path: str = RUN) -> int:
    """The permission bits of a file."""
    return stat.S_IMODE((world.root / path).stat().st_mode)


@pytest.mark.parametrize(
    ("umask", "script", "module"), [(0o022, 0o755, 0o644), (0o077, 0o700, 0o600), (0o002, 0o775, 0o664)]
)
def test_script_can_be_run_by_whoever_can_read_it(world: World, umask: int, script: int, module: int) -> None:
    """The umask says who that is; of the archive's mode nothing else counts."""
    publish(world, "one\n", 0o4511)
    world.asks_for()
    before = os.umask(umask)
    try:
        world.sync()
    finally:
        os.umask(before)

    assert (mode_of(world), mode_of(world, "src/shop/ds/__init__.py")) == (script, module)


def test_update_adds_the_bit_and_takes_none_away(world: World) -> None:
    """What a person allowed stays allowed, and so does what they forbade to others."""
    publish(world, "one\n", 0o644)
    world.asks_for()
    world.sync()
    (world.root / RUN).chmod(0o640)
    publish(world, "two\n", 0o755, "2.0")
    world.sync()
    assert (world.read(RUN), mode_of(world)) == ("two\n", 0o750)

    publish(world, "three\n", 0o644, "3.0")
    world.sync()
    assert (world.read(RUN), mode_of(world)) == ("three\n", 0o750)


def test_script_that_went_missing_comes_back_whole(world: World) -> None:
    """From the cache."""
    publish(world, "one\n", 0o755)
    world.asks_for()
    world.sync()
    (world.root / RUN).unlink()
    world.sync()

    assert mode_of(world) == 0o755


def test_script_moves_with_its_entry(world: World) -> None:
    """Also a file that a person made one, and edited."""
    publish(world, "one\n", 0o644)
    world.asks_for()
    world.sync()
    world.write(RUN, "mine\n")
    (world.root / RUN).chmod(0o755)
    world.asks_for(alias="fc")
    world.sync()

    assert (world.read("src/shop/fc/run.sh"), mode_of(world, "src/shop/fc/run.sh")) == ("mine\n", 0o755)


def test_script_comes_back_with_a_rollback(world: World) -> None:
    """What is kept is the file itself."""
    publish(world, "one\n", 0o755)
    world.asks_for()
    world.sync()
    world.manifest("")
    assert world.reconcile("--allow-empty").code == 0
    assert not world.has(RUN)
    assert world.run("rollback").code == 0

    assert mode_of(world) == 0o755


def test_script_goes_back_into_an_archive(world: World) -> None:
    """A module that was pulled is packaged as it came."""
    publish(world, "one\n", 0o755)
    world.asks_for(destination="pipelines")
    world.sync()
    assert world.run("package", "pipelines.ds").code == 0

    assert {member.path for member in packed(world).members if member.executable} == {"ds/run.sh"}


def test_hook_sees_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tree that `before-commit` looks at is the one that will be."""
    script = 'import os, sys; sys.exit(not os.access("src/shop/ds/run.sh", os.X_OK))'
    hook = f"hooks.before-commit = ['python3', '-I', '-c', '''{script}''']"
    monkeypatch.setenv("MICROPKGD_CONFIG", str(world.write("micropkgd.toml", hook)))
    publish(world, "one\n", 0o755)
    world.asks_for()
    world.sync()

    assert mode_of(world) == 0o755
