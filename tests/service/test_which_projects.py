"""Which projects `reconcile` serves, with and without `--once`, and how one more comes to be served."""

import json
from pathlib import Path

import pytest

from tests.kit.daemon import Daemon, served
from tests.kit.world import World


@pytest.fixture
def src(tmp_path: Path) -> Path:
    """A folder of projects."""
    return tmp_path / "src"


def test_the_project_around_the_folder_counts_beside_the_config(tmp_path: Path, src: Path) -> None:
    """As the help says; a folder whose manifest does not speak of micro-packages does not."""
    one, here = served(src, 1), served(tmp_path / "elsewhere", 2)
    inside = here.root / "src" / "shop"
    with Daemon(tmp_path / "d", f'projects = ["{one.root}"]\nevery = "1d"\n', cwd=inside) as daemon:
        daemon.ready(one.root)
        daemon.ready(here.root)
        daemon.process.send_signal(1)
        daemon.until("ConfigReloaded")
        daemon.ready(here.root)
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "pyproject.toml").write_text("[project]\n")
    with Daemon(tmp_path / "e", f'projects = ["{one.root}"]\nevery = "1d"\n', cwd=plain) as daemon:
        daemon.ready(one.root)
        assert [row["project"] for row in daemon.ask().get("/v1/status")["projects"]] == [str(one.root)]


def test_a_second_service_says_how_to_add_its_project(tmp_path: Path, src: Path) -> None:
    """One serves all projects of a user; `service add` writes the config, and the service reads it again."""
    one, two = served(src, 1), served(src, 2)
    with Daemon(tmp_path / "d", f'# ours\nprojects = ["{one.root}"]  # one by one\nevery = "1d"\n') as daemon:
        daemon.environ["MICROPKGD_CONFIG"] = str(daemon.config)
        daemon.environ["MICROPKGD_TRUST"] = "ask"
        daemon.ready(one.root)
        said = daemon.command("reconcile", cwd=two.root)
        assert said.returncode == 7
        assert f"hint: `micropkgd service add {two.root}` lets it serve this project, too" in said.stderr
        assert "it serves this project" in daemon.command("reconcile", cwd=one.root).stderr

        said = daemon.command("service", "add", cwd=two.root)
        assert (said.returncode, said.stderr) == (0, ""), said
        assert said.stdout == f"added: {two.root} ({daemon.config})\nthe running service serves it now\n"
        assert daemon.config.read_text() == (
            f'# ours\nprojects = ["{one.root}", "{two.root}"]  # one by one\nevery = "1d"\n'
        )
        daemon.ready(two.root)
        assert "named already" in daemon.command("service", "add", str(two.root), cwd=tmp_path).stdout

        said = daemon.command("service", "remove", str(two.root), "--json", cwd=tmp_path)
        (row,) = json.loads(said.stdout)["projects"]
        assert row == {"project": str(two.root), "change": "removed", "served": False}
        assert daemon.status(two.root) is None
        assert daemon.config.read_text() == f'# ours\nprojects = ["{one.root}"]  # one by one\nevery = "1d"\n'


def test_a_config_that_became_wrong_is_not_edited(tmp_path: Path, src: Path) -> None:
    """Neither before nor after: the error names its line, and its bytes stay."""
    one = served(src, 1)
    config = tmp_path / "config.toml"
    for text in ('projects = ["x"]\nevry = "1d"\n', 'projects = "x"\n', "projects = [\n"):
        config.write_text(text)
        said = one.run("service", "add", "--config", str(config), str(one.root))
        assert said.code == 2, said
        assert f"{config}" in said.err
        assert config.read_text() == text


def test_a_config_is_made_where_there_is_none(tmp_path: Path, src: Path) -> None:
    """A dry run makes nothing; a link to a config stays one; what a wildcard finds is not taken out."""
    one = served(src, 1)
    real, link = tmp_path / "dotfiles" / "config.toml", tmp_path / "config.toml"
    assert one.run("service", "add", "--config", str(real), str(one.root), "--dry-run").code == 0
    assert not real.exists()
    said = one.run("service", "add", "--config", str(real), str(one.root))
    assert said.code == 0, said
    assert "no service runs: `micropkgd reconcile` starts one" in said.out
    assert real.read_text() == f'projects = ["{one.root}"]\n'
    link.symlink_to(real)
    two = served(src, 2)
    assert one.run("service", "add", "--config", str(link), str(two.root)).code == 0
    assert link.is_symlink()
    assert str(two.root) in real.read_text()

    real.write_text(f'projects = ["{src}/*"]\n[[project]]\npaths = ["{two.root}"]\n')
    for world, hint in ((one, "a wildcard finds it"), (two, "a [[project]] table names it")):
        said = one.run("service", "remove", "--config", str(link), str(world.root))
        assert said.code == 2
        assert hint in said.err


def test_a_path_with_a_wildcard_in_it_cannot_be_named(tmp_path: Path) -> None:
    """The config would read it as a glob, and the service would serve nothing."""
    world = served(tmp_path / "a[1]")
    said = world.run("service", "add", "--config", str(tmp_path / "c.toml"), str(world.root))

    assert said.code == 2
    assert "wildcard" in said.err


class TestOnce:
    """`reconcile --once` finds projects as the service does."""

    def test_a_glob_is_looked_for(self, world: World, src: Path) -> None:
        """In quotes; what it finds must be trusted, as in the service; a folder of that very name is meant first."""
        one, two = served(src, 1), served(src, 2)
        said = world.reconcile(f"{src}/*")
        assert said.code == 2
        assert f"micropkgd trust {one.root}" in said.err
        assert not one.has("micropkg.lock")
        assert world.run("trust", str(one.root), str(two.root)).code == 0
        assert world.reconcile(f"{src}/p[12]").code == 0
        assert one.has("src/shop/ds/nodes.py")
        assert two.has("micropkg.lock")
        said = world.reconcile(f"{src}/none*")
        assert said.code == 2
        assert f"no folder whose pyproject.toml speaks of micro-packages is at {src}/none*" in said.err
        three = served(src / "p[12]")
        assert world.reconcile(str(three.root)).code == 0
        assert three.has("micropkg.lock")

    def test_the_config_counts_outside_a_project(
        self, world: World, src: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """All that it names; inside a project only that one."""
        one, two = served(src, 1), served(src, 2)
        config = tmp_path / "config.toml"
        config.write_text(f'projects = ["{one.root}", "{src}/*"]\n')
        assert world.reconcile("--config", str(config)).code == 0
        assert not one.has("micropkg.lock")
        outside = tmp_path / "outside"
        outside.mkdir()
        monkeypatch.chdir(outside)
        said = world.reconcile("--config", str(config))
        assert said.code == 2
        assert one.has("micropkg.lock")
        assert not two.has("micropkg.lock")
        assert f"micropkgd trust {two.root}" in said.err
