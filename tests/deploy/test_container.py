"""The image, built from the Dockerfile, and its real entry point as PID 1: read-only root, any user, no capability."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from micropkgd.sources.index.login import PYPI
from tests.kit.daemon import PATIENCE
from tests.kit.places import REPOSITORY
from tests.kit.servers import images
from tests.kit.servers.images import Container, Image
from tests.kit.world import KEDRO, archive

OWNER = 12345  # of no account, in group 0: as platforms choose users themselves
NODES = "src/shop/ds/nodes.py"

Run = Callable[..., Container]


@pytest.fixture(scope="session")
def image(server_cache: Path) -> Image:
    """The image of the repository as it is."""
    return images.built(server_cache)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project that belongs to the container's user."""
    files: dict[str, str | bytes] = {
        "pyproject.toml": f'{KEDRO}\n[tool.micropkgd.pull]\n"dist/ds.tar.gz" = {{}}\n',
        "src/shop/__init__.py": "",
        "dist/ds.tar.gz": archive({"nodes.py": "A = 1\n"}),
    }
    root = tmp_path / "volume"
    for path, data in files.items():
        whole = root / path
        whole.parent.mkdir(parents=True, exist_ok=True)
        whole.write_bytes(data if isinstance(data, bytes) else data.encode())
    give(root, OWNER)
    return root


@pytest.fixture
def run(image: Image, project: Path, tmp_path: Path) -> Iterator[Run]:
    """Run a container with some words after the entry point; without any, with those of the image."""
    running: list[Container] = []

    def start(*words: str, owner: int = OWNER) -> Container:
        give(project, owner)
        made = Container(image, tmp_path / "container", project, words or image.config["Cmd"], owner)
        running.append(made.__enter__())
        return made

    yield start
    for container in running:
        container.__exit__(None, None, None)


def give(root: Path, owner: int) -> None:
    """Let a folder and all in it belong to a user of group 0."""
    for folder, _, names in os.walk(root):
        for path in (folder, *(os.path.join(folder, name) for name in names)):
            os.chown(path, owner, 0)


def serves(container: Container) -> bool:
    """Whether its health check says so."""
    return container.execute("micropkgd", "health").returncode == 0


def test_the_dockerfile_has_no_fault_that_hadolint_knows() -> None:
    """Hadolint is silent."""
    program = Path(sys.executable).with_name("hadolint")
    ended = subprocess.run(
        [program, "--no-color", REPOSITORY / "Dockerfile"], capture_output=True, text=True, check=False
    )

    assert (ended.returncode, ended.stdout) == (0, "")


def test_the_image_says_what_it_is(image: Image) -> None:
    """User, volumes, entry point, health check and labels."""
    assert image.config["User"] == "65532:0"
    assert image.config["Entrypoint"] == ["micropkgd"]
    assert image.config["Cmd"] == ["reconcile", "/project"]
    assert set(image.config["Volumes"]) == {"/state"}
    assert image.config["Healthcheck"]["Test"] == ["CMD", "micropkgd", "health", "--quiet"]
    named = ("title", "description", "licenses", "version", "revision")
    assert {f"org.opencontainers.image.{name}" for name in named} <= image.config["Labels"].keys()


def test_the_image_has_nothing_of_its_building(image: Image) -> None:
    """No compiler, no pip of its own, no cache, no source, and no index that the build asked."""
    gone = ("build", "wheels", "tools", "root/.cache", "etc/pip.conf", "usr/bin/gcc", "usr/bin/cc", "usr/bin/make")
    assert [path for path in gone if (image.root / path).exists()] == []
    assert not list((image.root / "opt/micropkgd").rglob("site-packages/pip"))
    said = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    hosts = set(re.findall(r"https?://(?:[^/@\s']*@)?([^/:\s']+)", said)) - {urlsplit(PYPI).hostname}
    for path in (image.root / "opt/micropkgd").rglob("*.dist-info/direct_url.json"):
        assert not any(host in path.read_text() for host in hosts)
    assert not any(host in json.dumps(image.config) for host in hosts)


@pytest.mark.parametrize("owner", [OWNER, 65532])
def test_an_init_container_installs_what_the_project_asks_for(owner: int, run: Run, project: Path) -> None:
    """`reconcile --once` ends with 0, with the read-only root of a user that has no account, no HOME and no rights."""
    container = run("reconcile", "--once", "/project", owner=owner)

    assert container.wait() == 0, container.said
    assert (project / NODES).read_text() == "A = 1\n"
    assert (project / NODES).stat().st_uid == owner
    assert (container.state / "cache" / "micropkgd").is_dir()


def test_the_sidecar_has_no_rights_and_serves(run: Run, project: Path) -> None:
    """As PID 1, with nothing writable but two volumes, it installs, and installs what changes."""
    container = run()
    container.until(lambda: (project / NODES).exists() and serves(container))

    facts = dict(line.split(":\t", 1) for line in Path(f"/proc/{container.pid}/status").read_text().splitlines())
    assert facts["NSpid"].split()[-1] == "1"
    assert facts["Uid"].split() == [str(OWNER)] * 4
    assert {facts[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert facts["NoNewPrivs"] == "1"
    refused = container.execute(
        "sh", "-c", "for place in / /tmp /opt /var /etc; do touch $place/x && echo $place; done"
    )
    assert refused.stdout == ""
    fresh = project / "dist" / "new"
    fresh.write_bytes(archive({"nodes.py": "A = 2\n"}, "2.0"))
    os.chown(fresh, OWNER, 0)
    fresh.rename(project / "dist" / "ds.tar.gz")
    container.until(lambda: (project / NODES).read_text() == "A = 2\n")


def test_health_is_no_where_nothing_answers(run: Run) -> None:
    """Exit 1 while the service is stopped, 0 when it goes on."""
    container = run()
    container.until(lambda: serves(container))
    (child,) = container.children()

    container.execute("sh", "-c", f"kill -STOP {child}")

    assert container.execute("micropkgd", "health", "--quiet").returncode == 1
    container.execute("sh", "-c", f"kill -CONT {child}")
    container.until(lambda: container.execute("micropkgd", "health", "--started").returncode == 0)


def test_sigterm_ends_it_with_0(run: Run, project: Path) -> None:
    """The socket is gone, and no process is killed for being slow: the time a platform gives is ten seconds or more."""
    container = run()
    container.until(lambda: serves(container) and (project / NODES).exists())

    container.signal(signal.SIGTERM)

    assert container.wait() == 0, container.said
    assert not (container.state / "run" / "ctl.sock").exists()


def test_orphans_are_reaped(run: Run) -> None:
    """A process whose parent has ended becomes a child of PID 1, and leaves no zombie when it ends itself."""
    container = run()
    container.until(lambda: serves(container))
    (service,) = container.children()

    orphan = container.execute("sh", "-c", "sleep 600 > /dev/null 2>&1 & echo $!").stdout.strip()
    container.until(lambda: container.children().keys() == {service, int(orphan)})

    container.execute("sh", "-c", f"kill {orphan}; (true &)")

    container.until(lambda: container.children().keys() == {service})


def test_hooks_are_run_and_waited_for(run: Run, project: Path) -> None:
    """A hook's exit code reaches the service although another process reaps orphans: a veto is one."""
    run("--version").wait()
    config = project.parent / "container" / "state" / "config" / "micropkgd"
    config.mkdir(parents=True)
    (config / "config.toml").write_text('[hooks]\nbefore-commit = ["sh", "-c", "(sleep 0.1 &); exit 3"]\n')
    give(project.parent / "container" / "state", OWNER)

    container = run()

    container.until(
        lambda: "Vetoed" in container.execute("micropkgd", "status", "--json", "--project", "/project").stdout
    )
    assert not (project / NODES).exists()
    container.until(lambda: "Z" not in container.children().values())


def test_its_exit_code_is_that_of_the_service(run: Run) -> None:
    """2 for a config that cannot be read, and 128 and the number of the signal that killed it."""
    wrong = run("reconcile", "--config", "/nowhere.toml", "/project")
    assert wrong.wait() == 2
    killed = run()
    killed.until(lambda: serves(killed))
    (child,) = killed.children()

    killed.execute("sh", "-c", f"kill -KILL {child}")

    assert killed.process.wait(PATIENCE) == 128 + signal.SIGKILL
