"""The units as systemd reads them, and the service as a real systemd runs it, hardening and all.

A unit is started by systemd 252 in namespaces of its own (tests/servers/systemd.py), for PID 1 of a test machine is
mostly another program.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.places import REPOSITORY
from tests.kit.servers.systemd import Systemd
from tests.kit.world import KEDRO, archive

FOLDER = REPOSITORY / "systemd"
USER, SOCKET, TEMPLATE = "micropkgd.service", "micropkgd.socket", "micropkgd@.service"
ALICE = 12345
UNIT = "micropkgd@alice.service"
BOB = 12346
BOBS_SYSTEMD = f"""\
[Service]
Type=notify
User=bob
ExecStart=/lib/systemd/systemd --user
Delegate=yes
KillSignal=SIGKILL
RuntimeDirectory=user/{BOB}
RuntimeDirectoryMode=0700
Environment=HOME=/home/bob XDG_RUNTIME_DIR=/run/user/{BOB} PATH=/usr/local/bin:/usr/bin:/bin
Environment=SYSTEMD_UNIT_PATH=/home/bob/.config/systemd/user:/mnt/units
"""
PROJECT = "srv/micropkgd/alice/shop"
QUICK = "[Service]\nWatchdogSec=5s\nRestartSec=100ms\n"


def analyze(*words: str, home: Path) -> str:
    """What systemd-analyze says, on both streams."""
    environ = os.environ | {"HOME": str(home), "XDG_RUNTIME_DIR": str(home), "SYSTEMD_COLORS": "0", "LC_ALL": "C.UTF-8"}
    ended = subprocess.run(
        ["systemd-analyze", *words], capture_output=True, text=True, timeout=60, check=False, env=environ
    )
    return ended.stdout + ended.stderr


def verified(name: str, tmp_path: Path, more: str = "") -> str:
    """What `systemd-analyze verify` has to say of a unit whose program is there."""
    program = tmp_path / ".local" / "bin" / "micropkgd"
    program.parent.mkdir(parents=True)
    program.symlink_to(sys.executable)
    for unit in (USER, SOCKET, TEMPLATE):
        text = (FOLDER / unit).read_text().replace("/usr/local/bin/micropkgd", str(program))
        (tmp_path / unit).write_text(text + (more if unit == name else ""))
    where = "--system" if name == TEMPLATE else "--user"
    return analyze("verify", where, "--man=no", str(tmp_path / name), home=tmp_path)


def exposure(name: str, tmp_path: Path) -> float:
    """The figure of `systemd-analyze security`: 0 is best, 10 is worst."""
    said = analyze("security", "--offline=true", "--no-pager", str(FOLDER / name), home=tmp_path)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert found, said
    return float(found[1])


@pytest.mark.parametrize("name", [USER, SOCKET, TEMPLATE])
def test_systemd_has_nothing_to_say_against_a_unit(name: str, tmp_path: Path) -> None:
    """`systemd-analyze verify` is silent; its exit code is 0 for unknown keys too, and tells nothing."""
    assert verified(name, tmp_path) == ""


@pytest.mark.parametrize("name", [USER, SOCKET, TEMPLATE])
def test_systemd_would_say_something_against_a_wrong_unit(name: str, tmp_path: Path) -> None:
    """A key that does not exist is told: the silence above means something."""
    assert "Bogus" in verified(name, tmp_path, "\n[Service]\nBogus=1\n[Socket]\nBogus=1\n")


def test_the_template_unit_is_hardened(tmp_path: Path) -> None:
    """Its exposure is 2.0 or lower."""
    assert exposure(TEMPLATE, tmp_path) <= 2.0


def test_the_user_unit_is_hardened_as_far_as_an_unprivileged_systemd_can(tmp_path: Path) -> None:
    """Its exposure is what docs/deploy.md says and explains."""
    stated = re.search(r"exposure of the user unit is (\d\.\d)", (REPOSITORY / "docs" / "deploy.md").read_text())

    assert stated
    assert exposure(USER, tmp_path) == float(stated[1])


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Systemd]:
    """A manager with the template unit and a user."""
    units = {TEMPLATE: (FOLDER / TEMPLATE).read_text(), "bob.service": BOBS_SYSTEMD}
    with Systemd(tmp_path_factory.mktemp("systemd") / "manager", units, {"alice": ALICE, "bob": BOB}) as made:
        yield made


@pytest.fixture
def systemd(manager: Systemd) -> Iterator[Systemd]:
    """The same with a project and a config, and nothing running, before and after."""
    make_project(manager.root / PROJECT)
    configure(manager, '["/srv/micropkgd/alice/*"]')
    manager.inside("chown", "-R", f"{ALICE}:{ALICE}", "/srv/micropkgd/alice")
    yield manager
    manager.systemctl("stop", UNIT)
    manager.systemctl("reset-failed", UNIT)
    manager.inside("rm", "-rf", "/srv/micropkgd", "/mnt/units/micropkgd@alice.service.d")
    manager.systemctl("daemon-reload")


@pytest.fixture
def login(manager: Systemd) -> Iterator[Systemd]:
    """The same with a user who has logged in, has a project and a config, and a systemd of their own."""
    home = manager.root / "home" / "bob"
    make_project(home / "src" / "shop")
    (home / ".config" / "micropkgd").mkdir(parents=True)
    (home / ".config" / "micropkgd" / "config.toml").write_text('projects = ["~/src/*"]\ntrust = "everything"\n')
    manager.inside("chown", "-R", f"{BOB}:{BOB}", "/home/bob")
    assert manager.systemctl("start", "bob.service").returncode == 0, manager.said
    yield manager
    manager.systemctl("stop", "bob.service")
    manager.inside("rm", "-rf", "/home/bob")


def make_project(project: Path) -> None:
    """Lay out a project that has something to install."""
    files: dict[str, str | bytes] = {
        "pyproject.toml": f'{KEDRO}\n[tool.micropkgd.pull]\n"dist/ds.tar.gz" = {{}}\n',
        "src/shop/__init__.py": "",
        "dist/ds.tar.gz": archive({"nodes.py": "A = 1\n"}),
    }
    for path, data in files.items():
        whole = project / path
        whole.parent.mkdir(parents=True, exist_ok=True)
        whole.write_bytes(data if isinstance(data, bytes) else data.encode())


def configure(systemd: Systemd, projects: str) -> None:
    """Write the config of the instance."""
    folder = systemd.root / "etc" / "micropkgd"
    folder.mkdir(exist_ok=True)
    (folder / "alice.toml").write_text(f'projects = {projects}\ntrust = "everything"\n')


def started(systemd: Systemd) -> None:
    """Start the unit, which must succeed."""
    ended = systemd.systemctl("start", UNIT)
    assert ended.returncode == 0, ended.stderr + systemd.said


def test_the_hardened_unit_serves_a_project(systemd: Systemd) -> None:
    """Start means READY=1; the archive is installed under all that the unit forbids; the status line says so."""
    started(systemd)

    systemd.until(UNIT, ActiveState="active", StatusText="1 project: 1 ready")
    assert (systemd.root / PROJECT / "src/shop/ds/nodes.py").read_text() == "A = 1\n"
    status = (systemd.root / "proc" / systemd.show(UNIT, "MainPID") / "status").read_text()
    facts = dict(line.split(":\t", 1) for line in status.splitlines())
    assert facts["Uid"].split() == [str(ALICE)] * 4
    assert facts["CapEff"] == facts["CapBnd"] == "0" * 16
    assert (facts["NoNewPrivs"], facts["Seccomp"]) == ("1", "2")
    assert not list((systemd.root / "var/lib/micropkgd/alice").glob(".*.draft"))
    assert systemd.systemctl("stop", UNIT).returncode == 0
    assert systemd.show(UNIT, "Result") == "success"
    assert systemd.show(UNIT, "ExecMainStatus") == "0"


def test_state_cache_and_socket_have_places_of_their_own(systemd: Systemd) -> None:
    """Nothing lies elsewhere, and nobody else may look in."""
    started(systemd)
    systemd.until(UNIT, StatusText="1 project: 1 ready")

    places = {"run/micropkgd-alice/ctl.sock": 0o600, "run/micropkgd-alice": 0o700, "var/lib/micropkgd/alice": 0o700}
    for path, mode in places.items():
        assert (systemd.root / path).stat().st_mode & 0o777 == mode
    assert (systemd.root / "var/lib/micropkgd/alice/micropkgd/key").exists()
    assert list((systemd.root / "var/cache/micropkgd/alice").rglob("sha256"))


def test_what_the_unit_may_not_write_is_not_written(systemd: Systemd) -> None:
    """A project in another place stalls, with the reason, and its files stay."""
    systemd.inside("cp", "-a", f"/{PROJECT}", "/srv/elsewhere")
    configure(systemd, '["/srv/elsewhere"]')
    before = sorted(path.name for path in (systemd.root / "srv/elsewhere").iterdir())

    started(systemd)

    systemd.until(UNIT, StatusText="1 project: 1 stalled")
    assert "read-only file system" in systemd.said
    assert sorted(path.name for path in (systemd.root / "srv/elsewhere").iterdir()) == before


def test_reload_reads_the_config_again(systemd: Systemd) -> None:
    """`systemctl reload` sends SIGHUP; the status line tells of the new config."""
    started(systemd)
    systemd.until(UNIT, StatusText="1 project: 1 ready")
    pid = systemd.show(UNIT, "MainPID")
    configure(systemd, '["/srv/micropkgd/alice/nothing*"]')

    assert systemd.systemctl("reload", UNIT).returncode == 0

    systemd.until(UNIT, ActiveState="active", StatusText="0 projects")
    assert systemd.show(UNIT, "MainPID") == pid


def test_reload_with_a_bad_config_keeps_the_service(systemd: Systemd) -> None:
    """The unit stays active under the old config, and its status line names the trouble."""
    started(systemd)
    configure(systemd, '["/srv/micropkgd/alice/*"')

    systemd.systemctl("reload", UNIT)

    systemd.until_text(UNIT, "StatusText", "reload failed: /etc/micropkgd/alice.toml")
    systemd.until(UNIT, ActiveState="active")


def test_a_start_with_a_bad_config_is_not_tried_again(systemd: Systemd) -> None:
    """Exit code 2 ends it for good: nothing but a person mends a config."""
    configure(systemd, "7")

    assert systemd.systemctl("start", UNIT).returncode != 0

    systemd.until(UNIT, ActiveState="failed", ExecMainStatus="2", NRestarts="0")


def test_a_service_that_hangs_is_started_anew(systemd: Systemd) -> None:
    """No sign of life within the time of the watchdog: systemd kills it, and the next one serves."""
    drop_in = systemd.root / "mnt/units/micropkgd@alice.service.d"
    drop_in.mkdir()
    (drop_in / "quick.conf").write_text(QUICK)
    systemd.systemctl("daemon-reload")
    started(systemd)
    pid = systemd.show(UNIT, "MainPID")

    systemd.inside("kill", f"-{signal.SIGSTOP}", pid)

    systemd.until_holds(lambda: systemd.show(UNIT, "NRestarts") != "0")  # once, unless the machine hangs too
    systemd.until(UNIT, ActiveState="active", StatusText="1 project: 1 ready")
    assert systemd.show(UNIT, "MainPID") != pid


def said_commands(login: Systemd, action: str) -> list[str]:
    """Install or uninstall, and give the systemctl commands that are said to be left to do."""
    ended = login.as_user("bob", "micropkgd", "service", action, *(["--socket"] if action == "install" else []))
    assert ended.returncode == 0, ended.stderr
    rows = [line.partition("#")[0].strip() for line in ended.stdout.splitlines()]
    return [row for row in rows if row.startswith("systemctl")]


def state(login: Systemd, unit: str, name: str) -> str:
    """One property of a unit of the user's systemd."""
    return login.as_user("bob", "systemctl", "--user", "show", unit, "--value", "--property", name).stdout.strip()


def test_the_installed_user_unit_is_run_by_the_users_systemd(login: Systemd) -> None:
    """What `service install` writes and says is all there is to do, and so is what `service uninstall` says."""
    for command in said_commands(login, "install"):
        ended = login.as_user("bob", *command.split())
        assert ended.returncode == 0, ended.stderr

    login.until_holds(lambda: state(login, USER, "StatusText") == "1 project: 1 ready")
    assert state(login, USER, "UnitFileState") == "enabled"
    assert (login.root / "home/bob/src/shop/src/shop/ds/nodes.py").read_text() == "A = 1\n"
    status = (login.root / "proc" / state(login, USER, "MainPID") / "status").read_text()
    facts = dict(line.split(":\t", 1) for line in status.splitlines())
    assert (facts["CapEff"], facts["NoNewPrivs"], facts["Seccomp"]) == ("0" * 16, "1", "2")
    for command in said_commands(login, "uninstall"):
        assert login.as_user("bob", *command.split()).returncode == 0
    assert state(login, USER, "ActiveState") == "inactive"
    assert state(login, USER, "LoadState") == state(login, SOCKET, "LoadState") == "not-found"


def test_the_first_question_starts_the_users_service(login: Systemd) -> None:
    """The socket unit alone is enough: systemd starts the service, and keeps the socket when the service ends."""
    said_commands(login, "install")
    login.as_user("bob", "systemctl", "--user", "daemon-reload")
    assert login.as_user("bob", "systemctl", "--user", "start", SOCKET).returncode == 0
    assert state(login, USER, "ActiveState") == "inactive"

    assert login.as_user("bob", "micropkgd", "health").stdout == "alive\n"

    login.until_holds(lambda: state(login, USER, "ActiveState") == "active")
    assert login.as_user("bob", "systemctl", "--user", "stop", USER).returncode == 0
    assert state(login, USER, "Result") == "success"
    assert login.as_user("bob", "micropkgd", "health").returncode == 0
    login.until_holds(lambda: state(login, USER, "ActiveState") == "active")
