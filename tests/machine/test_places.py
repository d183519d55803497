"""Where a service keeps what is its own."""

from pathlib import Path

from micropkgd.machine.places import memory_place, served_by


def test_a_config_that_is_written_later_belongs_to_the_same_service(tmp_path: Path) -> None:
    """What happened before is told after; a config or a socket of its own makes another service."""
    environ = {"XDG_CONFIG_HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    before = served_by(None, None, environ)
    apart = {served_by(None, "/run/own.sock", environ), served_by(str(tmp_path / "other.toml"), None, environ)}
    (tmp_path / "micropkgd").mkdir()
    (tmp_path / "micropkgd" / "config.toml").touch()

    assert memory_place(served_by(None, None, environ), environ) == memory_place(before, environ)
    assert served_by(None, "/run/own.sock", environ) == before
    assert len({before, *apart}) == 3
