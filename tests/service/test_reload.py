"""`service reload`, and the way from a service that listens nowhere to its page."""

from pathlib import Path

import pytest

from tests.kit.daemon import Daemon, served
from tests.kit.servers.ports import free_ports


def test_from_no_address_to_the_page(tmp_path: Path) -> None:
    """What `ui` says is wanting is enough; the listeners that a reload opens are waited for."""
    world = served(tmp_path / "src")
    with Daemon(tmp_path / "d", f'projects = ["{world.root}"]\n') as daemon:
        said = daemon.command("ui", "--print", cwd=world.root)
        assert said.returncode == 1
        assert "error: the service listens on no address [MPK604]\nhint: write `[http]`" in said.stderr
        assert "micropkgd service reload" in said.stderr

        (port,) = free_ports(1)
        with daemon.config.open("a") as config:
            config.write(f'[http]\nlisten = "127.0.0.1:{port}"\n')
        said = daemon.command("service", "reload", cwd=world.root)
        assert (said.returncode, said.stdout) == (0, "the service has read its config again\n"), said
        assert daemon.command("ui", "--print", cwd=world.root).stdout.startswith(f"http://127.0.0.1:{port}/#code=")


@pytest.mark.parametrize("bad", ['every = "soon"\n', "projects = [\n"])
def test_a_bad_config_is_said_and_changes_nothing(tmp_path: Path, bad: str) -> None:
    """The file, the line and what is wrong with it; the service goes on as before."""
    world = served(tmp_path / "src")
    with Daemon(tmp_path / "d", f'projects = ["{world.root}"]\n') as daemon:
        daemon.ready(world.root)
        daemon.config.write_text(bad)
        said = daemon.command("service", "reload", cwd=world.root)
        assert said.returncode != 0
        assert said.stderr.startswith(f"error: {daemon.config}:")
        assert daemon.ask().serves(str(world.root))


def test_projects_come_and_go(tmp_path: Path) -> None:
    """What the config names from now on is served, and what it no longer names is left alone."""
    one, other = served(tmp_path / "one"), served(tmp_path / "other")
    with Daemon(tmp_path / "d", f'projects = ["{one.root}"]\n') as daemon:
        daemon.ready(one.root)
        assert not daemon.ask().serves(str(other.root))
        daemon.config.write_text(f'projects = ["{other.root}"]\n')
        assert daemon.command("service", "reload", cwd=one.root).returncode == 0
        daemon.ready(other.root)
        assert not daemon.ask().serves(str(one.root))


def test_where_no_service_runs(tmp_path: Path) -> None:
    """There is nothing to tell, which is said with what starts one."""
    world = served(tmp_path / "src")
    daemon = Daemon(tmp_path / "d", f'projects = ["{world.root}"]\n')
    said = daemon.command("service", "reload", cwd=world.root)
    assert said.returncode == 2
    assert "no service listens" in said.stderr
