"""Requests of one new release, by how many boxes take it: `python -m benchmarks.boxes [BOXES ...]` (1 10 100).

The release is published to a bucket that moto serves, and then every box makes one pass: with the lock that a colleague
committed, or following the newest; with `cache.remote`, and without. A box is a clone with a cache and a memory of its
own. What is counted are the lines of the server's own log. The table is that of docs/scale.md.
"""

import os
import re
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Final, NamedTuple

from tests.kit.packages import module
from tests.kit.places import REPOSITORY
from tests.kit.servers import moto as moto_server
from tests.kit.servers import venvs
from tests.kit.servers.moto import LOGIN, REGION, Moto
from tests.kit.world import World

_BOXES: Final = (1, 10, 100)
_WAYS: Final = ("locked", "following")
_LINE: Final = re.compile(r'"([A-Z]+) /(\w+)(\S*) HTTP/1\.1" 200')


class Row(NamedTuple):
    """One line of the table."""

    boxes: int
    way: str
    cache: bool
    origin: Counter[str]
    shared: Counter[str]

    def line(self) -> str:
        """As Markdown."""
        told = [", ".join(f"{count} {what}" for what, count in sorted(found.items())) or "-" for found in self[3:]]
        return f"| {self.boxes} | {self.way} | {'yes' if self.cache else 'no'} | {' | '.join(told)} |"


def main(sizes: tuple[int, ...]) -> None:
    """Measure, and print the table line by line."""
    servers = REPOSITORY / ".pytest_cache" / "d" / "servers"
    servers.mkdir(parents=True, exist_ok=True)
    program = venvs.environment(servers, moto_server.REQUIREMENT) / "bin" / "moto_server"
    print(
        "| boxes | how | `cache.remote` | requests to the origin | to the cache |\n|---:|---|---|---|---|", flush=True
    )
    for boxes in sizes:
        for way in _WAYS:
            for cache in (True, False):
                with tempfile.TemporaryDirectory() as name, moto_server.running(program, Path(name)) as moto:
                    print(_measure(Path(name), moto, boxes, way, cache=cache).line(), flush=True)


def _measure(folder: Path, moto: Moto, boxes: int, way: str, *, cache: bool) -> Row:
    os.environ |= {**LOGIN, "AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL": moto.url}
    os.environ["MICROPKGD_CONFIG"] = str(folder / "config.toml")
    (folder / "config.toml").write_text('[cache]\nremote = "s3://shared/cache/"\n' if cache else "")
    for bucket in ("origin", "shared"):
        moto.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    author, first = World(folder / "author"), World(folder / "first")
    module(author)
    place = "s3://origin/pkgs/"
    author.manifest(f'"pipelines.ds" = {{publish = "{place}", publish-when = "saved"}}', home="tool.micropkgd.package")
    _pass(author, folder / "cache-author")
    first.manifest(f'"ds>=1" = {{index = "{place}"}}')
    if way == "locked":
        _pass(first, folder / "cache-first")
        shutil.rmtree(first.root / ".micropkgd")
        shutil.rmtree(first.root / "src/shop/ds")
    log = folder / "log"
    before = log.stat().st_size
    for number in range(boxes):
        box = World.__new__(World)
        box.root = folder / f"box{number}"
        shutil.copytree(first.root, box.root)
        _pass(box, folder / f"cache{number}", *(["--locked"] if way == "locked" else []))
        shutil.rmtree(box.root)
    found = _LINE.findall(log.read_bytes()[before:].decode())
    counts = {
        name: Counter(_named(method, rest) for method, bucket, rest in found if bucket == name)
        for name in ("origin", "shared")
    }
    return Row(boxes, way, cache, counts["origin"], counts["shared"])


def _pass(world: World, cache: Path, *options: str) -> None:
    os.environ["MICROPKGD_CACHE_DIR"] = str(cache)
    said = world.run("reconcile", "--once", "--quiet", *options, str(world.root))
    if said.code:
        raise RuntimeError(said)


def _named(method: str, rest: str) -> str:
    return "LIST" if method == "GET" and "list-type" in rest else method


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or _BOXES)
