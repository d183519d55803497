"""Servers as fixtures; `tests/conftest.py` names this module as a plugin."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from socket import socket

import pytest

from tests.kit.servers import gcs as gcs_server
from tests.kit.servers import indexes, seaweed, venvs
from tests.kit.servers import moto as moto_server
from tests.kit.servers.faults import FaultServer
from tests.kit.servers.gcs import FakeGcs
from tests.kit.servers.indexes import Devpi, PypiServer, StaticIndex
from tests.kit.servers.moto import Moto
from tests.kit.servers.nginx import Nginx, running
from tests.kit.servers.ports import free_ports
from tests.kit.servers.seaweed import Seaweed


@pytest.fixture(scope="session")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """A real web server, one for all tests of a process."""
    if not (shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin") or shutil.which("nginx")):
        pytest.fail("nginx is not installed: `apt-get install nginx-light`, or run `.ci/run`, which does")
    with running(tmp_path_factory.mktemp("nginx")) as server:
        yield server


@pytest.fixture
def faults() -> Iterator[FaultServer]:
    """A server that misbehaves to order."""
    with FaultServer() as server:
        yield server


@pytest.fixture
def closed_port() -> int:
    """A port where nobody listens."""
    return free_ports(1)[0]


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Where loops connected to, in their order."""
    connect, seen = asyncio.SelectorEventLoop.sock_connect, list[object]()

    async def counted(loop: asyncio.SelectorEventLoop, ours: socket, address: object) -> None:
        seen.append(address)
        await connect(loop, ours, address)  # type: ignore[arg-type]

    monkeypatch.setattr(asyncio.SelectorEventLoop, "sock_connect", counted)
    return seen


@pytest.fixture(scope="session")
def server_cache(request: pytest.FixtureRequest) -> Path:
    """Where the environments of servers are kept from run to run."""
    folder = request.config.rootpath / ".pytest_cache" / "d" / "servers"  # as the cache has it, also where that is off
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def s3(server_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seaweed]:
    """A real store that speaks S3, one for all tests of a process."""
    program = venvs.environment(server_cache, seaweed.REQUIREMENT) / "bin" / "weed"
    with seaweed.running(program, tmp_path_factory.mktemp("seaweed")) as store:
        yield store


@pytest.fixture(scope="session")
def devpi(server_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devpi]:
    """A real index that speaks JSON, one for all tests of a process."""
    environment = venvs.environment(server_cache, *indexes.DEVPI)
    with indexes.devpi(environment, tmp_path_factory.mktemp("devpi")) as server:
        yield server


@pytest.fixture(scope="session")
def pypiserver(server_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PypiServer]:
    """A real index that speaks HTML, one for all tests of a process."""
    environment = venvs.environment(server_cache, *indexes.PYPISERVER)
    with indexes.pypiserver(environment, tmp_path_factory.mktemp("pypiserver")) as server:
        yield server


@pytest.fixture(scope="session")
def private_pypiserver(server_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PypiServer]:
    """The same, which wants to know who asks."""
    environment = venvs.environment(server_cache, *indexes.PYPISERVER)
    with indexes.pypiserver(environment, tmp_path_factory.mktemp("private"), private=True) as server:
        yield server


@pytest.fixture
def static_index(nginx: Nginx, tmp_path: Path) -> StaticIndex:
    """An index of files that say whatever a test wants, empty at first."""
    return StaticIndex(nginx, f"index-{tmp_path.name}")


@pytest.fixture(scope="session")
def gcs(server_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeGcs]:
    """A store that speaks Google's API, one for all tests of a process."""
    environment = venvs.environment(server_cache, gcs_server.REQUIREMENT)
    with gcs_server.running(
        venvs.site_packages(environment) / gcs_server.PROGRAM, tmp_path_factory.mktemp("gcs")
    ) as store:
        yield store


@pytest.fixture(scope="session")
def moto_program(server_cache: Path) -> Path:
    """The program of a server that speaks for SQS and S3."""
    return venvs.environment(server_cache, moto_server.REQUIREMENT) / "bin" / "moto_server"


@pytest.fixture(scope="session")
def moto(moto_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moto]:
    """That server, one for all tests of a process."""
    with moto_server.running(moto_program, tmp_path_factory.mktemp("moto")) as server:
        yield server
