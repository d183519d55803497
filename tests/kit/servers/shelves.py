"""Shelves: folders of archives that are an index, in every kind of place."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from tests.kit.servers.gcs import FakeGcs
from tests.kit.servers.nginx import Nginx
from tests.kit.servers.seaweed import Seaweed


class Shelf(Protocol):
    """One folder."""

    index: str  # as a manifest names it
    options: dict[str, object]  # fs-args

    def put(self, file: str, data: bytes) -> None:
        """Put a file in place, at once."""

    def remove(self, file: str) -> None:
        """Take it away."""


class OnDisk:
    """A folder beside the projects of a test."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.options: dict[str, object] = {}
        self.folder = folder
        self.index = f"../{folder.name}/"

    def put(self, file: str, data: bytes) -> None:
        """Write beside, then rename."""
        beside = self.folder / f".{file}.beside"
        beside.write_bytes(data)
        beside.rename(self.folder / file)

    def remove(self, file: str) -> None:
        """Unlink."""
        (self.folder / file).unlink()


class Listed:
    """A folder that nginx lists."""

    def __init__(self, nginx: Nginx) -> None:
        self._name = f"shelf-{os.urandom(4).hex()}"
        (nginx.files / self._name).mkdir()
        self.options: dict[str, object] = {}
        self.nginx = nginx
        self.index = nginx.url(f"listed/{self._name}/")

    def put(self, file: str, data: bytes) -> None:
        """Put it into the served folder, with a time of its own."""
        self.nginx.publish(file, data)
        (self.nginx.files / file).rename(self.nginx.files / self._name / file)

    def remove(self, file: str) -> None:
        """Unlink."""
        (self.nginx.files / self._name / file).unlink()

    def asked(self) -> int:
        """How often the listing was sent."""
        lines = (self.nginx.files.parent / "access.log").read_text().splitlines()
        return sum(f'"GET /listed/{self._name}/ HTTP' in line for line in lines)


class InS3:
    """A folder of a bucket."""

    def __init__(self, store: Seaweed, port: int | None = None) -> None:
        self.options = store.options(port)
        self._client = store.client()
        self._bucket = f"shelf-{os.urandom(4).hex()}"
        self._client.create_bucket(Bucket=self._bucket)
        self.index = f"s3://{self._bucket}/pkgs/"

    def put(self, file: str, data: bytes) -> None:
        """Put an object."""
        self._client.put_object(Bucket=self._bucket, Key=f"pkgs/{file}", Body=data)

    def remove(self, file: str) -> None:
        """Delete it."""
        self._client.delete_object(Bucket=self._bucket, Key=f"pkgs/{file}")


class InGcs:
    """A folder of a bucket of Google's."""

    def __init__(self, store: FakeGcs, port: int | None = None) -> None:
        self.options = store.options(port)
        self._store = store
        self._bucket = f"shelf-{os.urandom(4).hex()}"
        store.create(self._bucket)
        self.index = f"gs://{self._bucket}/pkgs/"

    def put(self, file: str, data: bytes) -> None:
        """Put an object."""
        self._store.put(self._bucket, f"pkgs/{file}", data)

    def remove(self, file: str) -> None:
        """Delete it."""
        self._store.delete(self._bucket, quote(f"pkgs/{file}"))


def shelf(kind: str, folder: Path, fixture: Callable[[str], object]) -> Shelf:
    """A shelf of a kind: `folder`, `listing`, `s3` or `gcs`; `fixture` gives the servers by name."""
    if kind == "folder":
        return OnDisk(folder / "shelf")
    server = fixture({"listing": "nginx"}.get(kind, kind))
    if isinstance(server, Nginx):
        return Listed(server)
    return InS3(server) if isinstance(server, Seaweed) else InGcs(server)  # type: ignore[arg-type]


KINDS = ("folder", "listing", "s3", "gcs")
