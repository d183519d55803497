"""Package indexes: devpi (JSON), pypiserver (HTML), and files behind nginx that say whatever a test wants.

The first two run in environments of their own, see `venvs`.
"""

import base64
import hashlib
import itertools
import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.kit.archives import project
from tests.kit.canaries import CANARY
from tests.kit.servers.nginx import Nginx
from tests.kit.servers.ports import free_ports
from tests.kit.servers.starting import await_server, end, listens

DEVPI = ("devpi-server==6.20.3",)
PYPISERVER = ("pypiserver[passlib]==2.4.2",)
USER = "reader"
PASSWORD = f"pass-{CANARY}"

_SECONDS = itertools.count(1_700_000_000)  # ETag and Last-Modified know nothing finer


def sdist(name: str, version: str, note: str = "", *, python: str = "") -> bytes:
    """An archive of a package of this name, for this Python; `note` makes other bytes of it."""
    needs = f"requires-python = '{python}'\n" if python else ""
    metadata = f"[project]\nname = '{name}'\nversion = '{version}'\n{needs}dependencies = []\n"
    module = name.replace("-", "_")
    code = f"VERSION = '{version}'  # {note}\n"
    return project({"pyproject.toml": metadata, f"{module}/__init__.py": code}, root=f"{module}-{version}")


class StaticIndex(NamedTuple):
    """A folder of JSON pages and archives behind nginx: with hashes, sizes and ETags."""

    nginx: Nginx
    name: str

    @property
    def url(self) -> str:
        """The address of the index."""
        return self.nginx.url(f"{self.name}/")

    @property
    def private_url(self) -> str:
        """The same, for those who have a password."""
        return self.nginx.url(f"private/{self.name}/")

    def publish(self, name: str, version: str, data: bytes, **row: Any) -> dict[str, Any]:
        """Put an archive in place and list it with the others; a `row` overrides what its page says of it."""
        said = self._put(name, version, data) | row
        self.list(name, [*self.rows(name), said])
        return said

    def replace(self, name: str, version: str, data: bytes) -> None:
        """Put an archive in place and list it alone."""
        self.list(name, [self._put(name, version, data)])

    def folder(self, name: str) -> Path:
        """Where page and archives of a project are."""
        return self.nginx.files / self.name / name

    def rows(self, name: str) -> list[dict[str, Any]]:
        """What the page of a project lists."""
        page = self.folder(name) / "index.json"
        found: list[dict[str, Any]] = json.loads(page.read_bytes())["files"] if page.exists() else []
        return found

    def list(self, name: str, rows: list[dict[str, Any]]) -> None:
        """Replace the page of a project."""
        page = {"meta": {"api-version": "1.1"}, "name": name, "files": rows}
        self._write(f"{name}/index.json", json.dumps(page).encode())

    def remove(self, name: str) -> None:
        """Take a project away."""
        shutil.rmtree(self.folder(name))

    def _put(self, name: str, version: str, data: bytes) -> dict[str, Any]:
        file = f"{name.replace('-', '_')}-{version}.tar.gz"
        self._write(f"{name}/{file}", data)
        return {
            "filename": file,
            "url": file,
            "hashes": {"sha256": hashlib.sha256(data).hexdigest()},
            "size": len(data),
        }

    def _write(self, path: str, data: bytes) -> None:
        second = next(_SECONDS)
        whole = self.nginx.files / self.name / path
        whole.parent.mkdir(parents=True, exist_ok=True)
        beside = whole.with_name(f".{second}")
        beside.write_bytes(data)
        os.utime(beside, (second, second))
        beside.rename(whole)


class PypiServer(NamedTuple):
    """A running pypiserver: a folder of archives."""

    port: int
    folder: Path

    @property
    def url(self) -> str:
        """The address of the index."""
        return f"http://127.0.0.1:{self.port}/simple/"

    def publish(self, name: str, version: str, data: bytes) -> None:
        """Put an archive in place."""
        (self.folder / f"{name.replace('-', '_')}-{version}.tar.gz").write_bytes(data)


class Devpi(NamedTuple):
    """A running devpi with one index of its own."""

    port: int
    token: str

    @property
    def url(self) -> str:
        """The address of the index."""
        return f"http://127.0.0.1:{self.port}/tester/dev/+simple/"

    def publish(self, name: str, version: str, data: bytes) -> None:
        """Upload an archive, as twine does."""
        fields = {":action": "file_upload", "name": name, "version": version, "filetype": "sdist"}
        parts = [
            f'--B\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n' for key, value in fields.items()
        ]
        file = f"{name.replace('-', '_')}-{version}.tar.gz"
        parts.append(f'--B\r\nContent-Disposition: form-data; name="content"; filename="{file}"\r\n\r\n')
        body = "".join(parts).encode() + data + b"\r\n--B--\r\n"
        _call(
            self.port,
            "/tester/dev/",
            body,
            "POST",
            {**self._login(), "Content-Type": "multipart/form-data; boundary=B"},
        )

    def _login(self) -> dict[str, str]:
        return {"X-Devpi-Auth": base64.b64encode(f"tester:{self.token}".encode()).decode()}


@contextmanager
def pypiserver(environment: Path, folder: Path, *, private: bool = False) -> Iterator[PypiServer]:
    """Run pypiserver until the end of the `with`; a private one has `USER` and `PASSWORD`."""
    server = PypiServer(free_ports(1)[0], folder / "packages")
    server.folder.mkdir()
    digest = base64.b64encode(hashlib.sha1(PASSWORD.encode()).digest()).decode()
    (folder / "users").write_text(f"{USER}:{{SHA}}{digest}\n")
    who = ["-P", folder / "users", "-a", "list,download,update"] if private else ["-P", ".", "-a", "."]
    command = [environment / "bin" / "pypi-server", "run", "-p", str(server.port), "-i", "127.0.0.1", *who]
    with _running([*command, "--hash-algo", "sha256", server.folder], folder, server.port):
        yield server


@contextmanager
def devpi(environment: Path, folder: Path) -> Iterator[Devpi]:
    """Run devpi until the end of the `with`."""
    (port,) = free_ports(1)
    programs = environment / "bin"
    here: list[str | Path] = ["--serverdir", folder / "server"]
    subprocess.run(
        [programs / "devpi-init", *here, "--no-root-pypi"], check=True, capture_output=True, timeout=120, cwd=folder
    )
    with _running([programs / "devpi-server", *here, "--host", "127.0.0.1", "--port", str(port)], folder, port):
        plain = {"Content-Type": "application/json"}
        _call(port, "/tester", b'{"password": "pw"}', "PUT", plain)
        said = _call(port, "/+login", b'{"user": "tester", "password": "pw"}', "POST", plain)
        server = Devpi(port, json.loads(said)["result"]["password"])
        _call(port, "/tester/dev", b'{"bases": [], "type": "stage"}', "PUT", plain | server._login())
        yield server


@contextmanager
def _running(command: list[Any], folder: Path, port: int) -> Iterator[None]:
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        await_server(process, lambda: listens(port), folder / "log")
        yield
    finally:
        end(process)


def _call(port: int, path: str, body: bytes, method: str, headers: dict[str, str]) -> bytes:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=60) as answer:
            found: bytes = answer.read()
            return found
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"{path}: {error.code} {error.read()!r}") from error
