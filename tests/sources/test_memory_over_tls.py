"""What crosses the network on TLS needs the same memory for a small archive and for a large one, in both directions."""

import random
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.kit.memory import MIB, ran
from tests.kit.packages import CODE, module
from tests.kit.servers.nginx import Nginx
from tests.kit.world import World, archive

LARGE = 64 * MIB
FLAT = 32  # MiB above what a small archive needs: what is kept whole, once, needs twice that


class Store(BaseHTTPRequestHandler):
    """A bucket that takes whatever is put there and has nothing."""

    protocol_version = "HTTP/1.1"
    took: list[int] = []  # noqa: RUF012 - of the class: each request has a handler of its own

    def do_PUT(self) -> None:
        """Take it, and forget it."""
        if self.headers.get("Expect") == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        if length := self.headers["Content-Length"]:
            self.took.append(self._forget(int(length)))
        else:
            sizes = iter(lambda: int(self.rfile.readline().strip() or b"0", 16), 0)
            self.took.append(sum(self._forget(size) + len(self.rfile.readline()) for size in sizes))
            self.rfile.readline()
        self._answer(200)

    def _forget(self, size: int) -> int:
        """Read so much, piece by piece."""
        left = size
        while left:
            left -= len(self.rfile.read(min(left, MIB)))
        return size

    def do_GET(self) -> None:
        """It is not there."""
        self._answer(404)

    def do_HEAD(self) -> None:
        """Nor is this."""
        self._answer(404)

    def _answer(self, code: int) -> None:
        self.send_response(code)
        self.send_header("ETag", '"1"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def store(nginx: Nginx, tmp_path: Path) -> Iterator[str]:
    """Its address."""
    folder = nginx.authority.parent
    (tmp_path / "both.pem").write_bytes((folder / "good.pem").read_bytes() + (folder / "good.key").read_bytes())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "both.pem")
    Store.took.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Store) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(autouse=True)
def trusted(nginx: Nginx, monkeypatch: pytest.MonkeyPatch) -> None:
    """The authority of the tests is everybody's."""
    for name in ("SSL_CERT_FILE", "AWS_CA_BUNDLE"):
        monkeypatch.setenv(name, str(nginx.authority))


def noise(size: int) -> bytes:
    """Bytes that cannot be packed any smaller."""
    return random.Random(size).randbytes(MIB) * (size // MIB)


def options(world: World, endpoint: str) -> str:
    """The fs-args of a bucket on TLS."""
    world.write("s3.yml", f"key: k\nsecret: s\nendpoint_url: {endpoint}\n")
    return 'fs-args = "s3.yml"'


@pytest.mark.parametrize("place", ["https", "s3"])
def test_a_pull(world: World, nginx: Nginx, place: str) -> None:
    """From a web server, and from a bucket."""
    peaks = []
    bucket = nginx.files / "bucket"
    bucket.mkdir(exist_ok=True)
    for name, size in (("small", 0), ("large", LARGE)):
        (bucket / f"{name}.tar.gz").write_bytes(archive({"data.bin": noise(size)}))
        ref = nginx.tls_url(f"bucket/{name}.tar.gz") if place == "https" else f"s3://bucket/{name}.tar.gz"
        more = f", {options(world, nginx.tls_url('').rstrip('/'))}" if place == "s3" else ""
        world.manifest(f'"{ref}" = {{alias = "{name}"{more}}}')
        done = ran(world.root, "reconcile", "--once")
        (bucket / f"{name}.tar.gz").unlink()
        assert done.code == 0, done.said
        assert (world.root / f"src/shop/{name}/data.bin").stat().st_size == size
        peaks.append(done.peak)
    assert peaks[1] < peaks[0] + FLAT


def test_a_publication(world: World, store: str) -> None:
    """To a bucket, which takes it all."""
    peaks = []
    more = options(world, store)
    for size in (0, LARGE):
        module(world, {"data.bin": noise(size)})
        world.manifest(f'"pipelines.ds" = {{publish = "s3://bucket/", {more}}}', home="tool.micropkgd.package")
        done = ran(world.root, "publish")
        assert done.code == 5, done.said  # it was sent; this store does not list it
        peaks.append(done.peak)
        (world.root / CODE / "data.bin").unlink()
        (world.root / "dist/ds-1.0.tar.gz").unlink()
    assert max(Store.took) > LARGE
    assert peaks[1] < peaks[0] + FLAT
