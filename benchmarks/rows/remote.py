"""Rows of what comes over the network: many refs of one bucket, and one large archive over HTTP."""

import json
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any, Final

from benchmarks.contest import OURS, Goal, Line, Place, Work, contest
from benchmarks.tools import of_index, on_path
from tests.kit.servers import seaweed
from tests.kit.world import World, archive

_MIB: Final = 1 << 20
_BUCKET: Final = "bench"


def bucket(folder: Path) -> Iterator[Line]:
    """A pass over refs below one prefix: nothing changed, and one of them."""
    with seaweed.running(Path(of_index("weed")), folder) as store:
        client = store.client()
        client.create_bucket(Bucket=_BUCKET)
        for refs in (1, 100, 1000):
            yield from _of_refs(folder / f"refs{refs}", store, client, refs)


def _of_refs(folder: Path, store: seaweed.Seaweed, client: Any, refs: int) -> Iterator[Line]:
    place, world = Place(folder), World(folder / "project")
    world.write("conf/args.yml", json.dumps(store.options()))
    numbers = count()

    def put(ref: int = 0) -> None:
        data = archive({"n.py": f"x = {next(numbers)}\n"})
        client.put_object(Bucket=_BUCKET, Key=f"p{refs}/d{ref}.tar.gz", Body=data)

    for ref in range(refs):
        put(ref)
    rows = (
        f'"s3://{_BUCKET}/p{refs}/d{ref}.tar.gz" = {{alias = "e{ref}", fs-args = "conf/args.yml"}}'
        for ref in range(refs)
    )
    world.manifest("\n".join(rows))
    works = {
        OURS: place.ours("reconcile", "--once", at=world.root),
        "aws s3 sync": _aws(place, store, "sync", f"s3://{_BUCKET}/p{refs}/", "mirror"),
    }
    for work in works.values():
        work()
    goal = (Goal("aws s3 sync", 1),)
    said = f"{refs:,} S3 ref{'' if refs == 1 else 's'} below one prefix"
    yield Line(f"{said}, nothing changed", contest(works, rounds=5), goal)
    yield Line(f"{said}, one changed", contest(works, before=put, rounds=5), goal)


def _aws(place: Place, store: seaweed.Seaweed, *words: str) -> Work:
    name, secret = seaweed.OWNER
    whole = (of_index("aws"), "s3", *words, "--endpoint-url", store.url)
    return place.command(*whole, AWS_ACCESS_KEY_ID=name, AWS_SECRET_ACCESS_KEY=secret, AWS_REGION="us-east-1")


def large_object(folder: Path) -> Iterator[Line]:
    """200 MiB from a bucket, hashed and read through (`lock`), beside a copy that is neither."""
    place, world = Place(folder), World(folder / "project")
    with seaweed.running(Path(of_index("weed")), folder) as store:
        client = store.client()
        client.create_bucket(Bucket=_BUCKET)
        client.put_object(Bucket=_BUCKET, Key="ds.tar.gz", Body=_large_archive())
        world.write("conf/args.yml", json.dumps(store.options()))
        world.manifest(f'"s3://{_BUCKET}/ds.tar.gz" = {{fs-args = "conf/args.yml"}}')
        works = {
            OURS: place.ours("lock", at=world.root),
            "aws s3 cp": _aws(place, store, "cp", f"s3://{_BUCKET}/ds.tar.gz", "large"),
        }
        seconds = contest(works, before=partial(_forget, folder, world), rounds=5)
        yield Line("200 MiB from S3, hashed and read", seconds, (Goal("aws s3 cp", 1),))


def _large_archive() -> bytes:
    return archive({f"d{one}.bin": os.urandom(50 * _MIB) for one in range(4)})


def _forget(folder: Path, world: World) -> None:
    shutil.rmtree(folder / "cache", ignore_errors=True)
    (world.root / "micropkg.lock").unlink(missing_ok=True)


def large(folder: Path) -> Iterator[Line]:
    """200 MiB over HTTP, hashed and read through (`lock`), beside a pipe of `curl`."""
    curl, place, world = on_path("curl"), Place(folder), World(folder / "project")
    (folder / "served").mkdir()
    (folder / "served/ds.tar.gz").write_bytes(_large_archive())
    with _serving(folder / "served") as url:
        world.manifest(f'"{url}/ds.tar.gz" = {{}}')
        works = {OURS: place.ours("lock", at=world.root)}
        if curl is not None:
            works["curl, tee, sha256sum"] = place.command(
                "sh", "-c", f"{curl} -s {url}/ds.tar.gz | tee large | sha256sum"
            )
        seconds = contest(works, before=partial(_forget, folder, world), rounds=5)
        yield Line("200 MiB over HTTP, hashed and read", seconds, (Goal("curl, tee, sha256sum", 1),))


class _Silent(SimpleHTTPRequestHandler):
    """Files of a folder, without a word on stderr."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""


@contextmanager
def _serving(folder: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Silent, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
