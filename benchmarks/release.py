"""From a save in A to the file in B: two services, a bucket between them, and the queue that S3 tells.

Run `python -m benchmarks.release [ROUNDS]` (50 if not said); it needs the server of the tests for S3 and SQS (moto). A
saves a new version of its module, which is published as soon as it was saved; B has a requirement that is looked up in
the bucket, and is woken by the queue. Measured is the time from the end of the save until the version stands in B.
"""

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.kit.daemon import Daemon
from tests.kit.packages import CODE, module
from tests.kit.places import REPOSITORY
from tests.kit.servers import moto as moto_server
from tests.kit.servers import venvs
from tests.kit.servers.moto import LOGIN, REGION, Moto
from tests.kit.world import World

_LOOK_EVERY = 0.002  # seconds
_LONGEST = 60.0  # seconds


def main(rounds: int = 50) -> None:
    """Measure, and say median and 99th percentile."""
    cache = REPOSITORY / ".pytest_cache" / "d" / "servers"
    cache.mkdir(parents=True, exist_ok=True)
    program = venvs.environment(cache, moto_server.REQUIREMENT) / "bin" / "moto_server"
    with tempfile.TemporaryDirectory() as folder, moto_server.running(program, Path(folder)) as moto:
        seconds = sorted(_measure(Path(folder), moto, rounds))
    late = seconds[min(len(seconds) - 1, round(0.99 * (len(seconds) - 1)))]
    told = {"median": statistics.median(seconds), "p99": late, "worst": seconds[-1]}
    said = ", ".join(f"{word} {value * 1000:.0f} ms" for word, value in told.items())
    print(f"save in A to file in B over S3 and SQS, {rounds} rounds: {said}")


def _measure(folder: Path, moto: Moto, rounds: int) -> list[float]:
    url = moto.queue("releases")
    moto.notifying_bucket("releases", url)
    login = {"key": LOGIN["AWS_ACCESS_KEY_ID"], "secret": LOGIN["AWS_SECRET_ACCESS_KEY"]}
    options = json.dumps({**login, "endpoint_url": moto.url, "client_kwargs": {"region_name": REGION}})
    author, follower = World(folder / "src-a" / "a"), World(folder / "src-b" / "b")
    for world in (author, follower):
        world.write("conf/args.yml", options)
    module(author)
    place = 's3://releases/pkgs/", fs-args = "conf/args.yml'
    author.manifest(f'"pipelines.ds" = {{publish = "{place}", publish-when = "saved"}}', home="tool.micropkgd.package")
    follower.manifest(f'"ds>=1" = {{index = "{place}"}}')
    queue = f'[[queue]]\nname = "q"\nurl = "{url}"\nregion = "{REGION}"\nendpoint-url = "{moto.url}"\n'
    found = []
    with (
        Daemon(folder / "da", f'projects = ["{folder}/src-a/*"]\nevery = "1d"\n', environ=LOGIN),
        Daemon(folder / "db", f'projects = ["{folder}/src-b/*"]\nevery = "1d"\n{queue}', environ=LOGIN),
    ):
        _until(follower, "1.0", time.monotonic())
        for number in range(1, rounds + 1):
            time.sleep(0.5)  # so that rounds do not meet
            author.write(f"{CODE}/__init__.py", f'__version__ = "1.{number}"\n')
            found.append(_until(follower, f"1.{number}", time.monotonic()))
    return found


def _until(follower: World, version: str, begun: float) -> float:
    """Wait for a version in the tree: how long that took."""
    path = follower.root / "src/shop/ds/__init__.py"
    while not path.exists() or f'"{version}"' not in path.read_text():
        if time.monotonic() - begun > _LONGEST:
            raise RuntimeError(f"{version} never came")
        time.sleep(_LOOK_EVERY)
    return time.monotonic() - begun


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
