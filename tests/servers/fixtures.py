"""Servers as fixtures; `tests/conftest.py` names this module as a plugin."""

import shutil
import socket
from collections.abc import Iterator

import pytest

from tests.servers.faults import FaultServer
from tests.servers.nginx import Nginx, running


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
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
