"""`micropkgd service install` and `uninstall`: what they write, what they say, and what they leave alone."""

import os
import sys
from pathlib import Path

import pytest

from micropkgd.machine import systemd_units as units
from tests.kit.world import World

SHIPPED = Path(units.__file__).parent / "unit_files"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this user's units are; nothing is there yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "systemd" / "user"


def test_install_writes_the_shipped_unit_with_this_program(world: World, folder: Path) -> None:
    """All but the first line and the command is as shipped; the commands that are left to do are said, none is run."""
    said = world.run("service", "install")

    assert said.code == 0
    written = (folder / "micropkgd.service").read_text().splitlines()
    shipped = (SHIPPED / "micropkgd.service").read_text().splitlines()
    different = [(old, new) for old, new in zip(shipped, written[1:], strict=True) if old != new]
    assert different == [
        ("ExecStart=%h/.local/bin/micropkgd reconcile", f"ExecStart={sys.executable} -m micropkgd reconcile")
    ]
    assert said.out.splitlines()[0] == f"wrote {folder}/micropkgd.service"
    assert "systemctl --user daemon-reload" in said.out
    assert "systemctl --user enable --now micropkgd.service" in said.out
    assert os.listdir(folder) == ["micropkgd.service"]


def test_install_asks_for_a_config_that_is_missing(world: World, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The unit would fail without a project, and would not be tried again."""
    monkeypatch.delenv("MICROPKGD_CONFIG", raising=False)
    config = folder.parents[1] / "micropkgd" / "config.toml"
    asked = f"there is no config yet: name your projects in {config} first\n"

    assert asked in world.run("service", "install").out
    assert asked not in world.run("service", "uninstall").out
    config.parent.mkdir(parents=True)
    config.write_text('projects = ["~/src/*"]\n')
    assert asked not in world.run("service", "install").out


def test_the_config_that_is_named_is_the_services(world: World, folder: Path) -> None:
    """A relative path is made whole: the service has another working folder."""
    world.run("service", "install", "--config", "my conf.toml")

    assert f'reconcile --config "{world.root}/my conf.toml"\n' in (folder / "micropkgd.service").read_text()


def test_the_socket_unit_is_written_when_asked_for(world: World, folder: Path) -> None:
    """It is as shipped, and is enabled with the service."""
    said = world.run("service", "install", "--socket")

    assert sorted(os.listdir(folder)) == ["micropkgd.service", "micropkgd.socket"]
    assert (folder / "micropkgd.socket").read_text().partition("\n")[2] == (SHIPPED / "micropkgd.socket").read_text()
    assert "enable --now micropkgd.socket micropkgd.service" in said.out


@pytest.mark.parametrize("action", ["install", "uninstall"])
def test_dry_run_touches_nothing(action: str, world: World, folder: Path) -> None:
    """It says what it would do."""
    if action == "uninstall":
        world.run("service", "install")
    before = sorted(folder.rglob("*"))

    said = world.run("service", action, "--dry-run")

    assert (
        said.out.splitlines()[0] == f"would {'write' if action == 'install' else 'remove'} {folder}/micropkgd.service"
    )
    assert sorted(folder.rglob("*")) == before


def test_install_again_changes_nothing(world: World, folder: Path) -> None:
    """The same unit is not written a second time."""
    world.run("service", "install")
    before = (folder / "micropkgd.service").stat()

    said = world.run("service", "install")

    assert said.out.splitlines()[0] == f"{folder}/micropkgd.service is already as it should be"
    assert (folder / "micropkgd.service").stat() == before


def test_a_unit_of_an_older_program_is_replaced(world: World, folder: Path) -> None:
    """What `install` has written and nobody has changed may be written anew."""
    units.install(str(folder), {units.SERVICE: "[Service]\nExecStart=/old\n"}, force=False, dry_run=False)

    assert world.run("service", "install").code == 0
    assert "/old" not in (folder / "micropkgd.service").read_text()


@pytest.mark.parametrize("action", ["install", "uninstall"])
@pytest.mark.parametrize("change", [b"# mine\n", b""])
def test_a_unit_that_somebody_changed_is_left_alone(action: str, change: bytes, world: World, folder: Path) -> None:
    """It is named, with two ways out; `--force` is one of them."""
    world.run("service", "install")
    unit = folder / "micropkgd.service"
    edited = unit.read_bytes() + change if change else b"[Service]\nExecStart=/my/own\n"
    unit.write_bytes(edited)

    said = world.run("service", action)

    assert said.code == 1
    assert str(unit) in said.err
    assert "hint: " in said.err
    assert "--force" in said.err
    assert unit.read_bytes() == edited
    assert world.run("service", action, "--force").code == 0
    assert not unit.exists() or unit.read_bytes() != edited


def test_none_is_written_where_one_is_refused(world: World, folder: Path) -> None:
    """The socket unit is not laid beside a service unit that is somebody's own."""
    folder.mkdir(parents=True)
    (folder / "micropkgd.service").write_text("mine")

    world.run("service", "install", "--socket")

    assert os.listdir(folder) == ["micropkgd.service"]


def test_uninstall_removes_units_and_what_enables_them(world: World, folder: Path) -> None:
    """Everything that install and `systemctl enable` have made is gone, and the rest is there."""
    world.run("service", "install", "--socket")
    wants = folder / "default.target.wants"
    wants.mkdir()
    (wants / "micropkgd.service").symlink_to(folder / "micropkgd.service")
    (wants / "other.service").symlink_to("/dev/null")

    said = world.run("service", "uninstall")

    assert said.code == 0
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*")) == [
        "default.target.wants",
        "default.target.wants/other.service",
    ]
    assert "systemctl --user stop micropkgd.socket micropkgd.service" in said.out


def test_uninstall_of_nothing_says_so(world: World, folder: Path) -> None:
    """Exit 0: it is as it was asked to be."""
    assert world.run("service", "uninstall").out == "nothing is installed\n"


def test_a_folder_that_cannot_be_written_is_an_error_with_its_name(world: World, folder: Path) -> None:
    """A file stands where the folder should be."""
    folder.parent.mkdir(parents=True)
    folder.write_text("")

    said = world.run("service", "install")

    assert said.code == 1
    assert str(folder) in said.err


@pytest.mark.parametrize(
    ("words", "command"),
    [
        pytest.param(["/usr/bin/micropkgd", "reconcile"], "/usr/bin/micropkgd reconcile", id="plain"),
        pytest.param(["/my tools/micropkgd"], '"/my tools/micropkgd"', id="space"),
        pytest.param(["/a%h/$HOME", "$HOME"], '"/a%%h/$HOME" "$$HOME"', id="what systemd would replace"),
        pytest.param(['/a"b\\c'], '"/a\\"b\\\\c"', id="quotes"),
    ],
)
def test_a_path_reaches_systemd_as_it_is(words: list[str], command: str) -> None:
    """Spaces, quotes, specifiers and variables are none of systemd's business."""
    assert f"\nExecStart={command}\n" in units.unit_text(units.SERVICE, words)


def test_the_program_is_the_one_that_was_called(tmp_path: Path) -> None:
    """A link is kept (it outlives an update); what was started as a module is started as one."""
    program = tmp_path / "micropkgd"
    program.symlink_to(sys.executable)

    assert units.program_words(str(program)) == [str(program)]
    assert units.program_words(f"{tmp_path}/__main__.py") == [sys.executable, "-m", "micropkgd"]
