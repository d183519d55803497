"""Two boxes, one story: a commit on box A is in the project of box B, by S3, SQS and the cache that both share.

    python examples/two-boxes/two_boxes.py FOLDER [--rounds N] [--one-network]

The folder must be new. It gets two git repositories, `a` and `b`, each served by a process of its own, in a network of
its own where the machine allows it. Between them is `moto_server`, which speaks for S3 and SQS, and must be installed:
`pip install 'moto[s3,server,sqs]'`. `--rounds` measures how long it takes from a save in A to the file in B.
"""

import argparse
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import botocore.session
import network

_HERE = Path(__file__).resolve().parent
_REGION = "eu-central-1"
_LOGIN = {"AWS_ACCESS_KEY_ID": "AKIDBOXES", "AWS_SECRET_ACCESS_KEY": "not-checked-by-moto", "AWS_DEFAULT_REGION": _REGION}
_LONGEST = 60.0  # seconds, for anything
_CONFIG = """\
projects = ["{root}"]
every = "1d"  # nothing is waited for: the queue wakes this box
[cache]
remote = "s3://archives/cache/"
"""
_FOLLOWER = """\
[hooks]
after-commit = {hook}
[[queue]]
name = "releases"
url = "{queue}"
region = "{region}"
endpoint-url = "{endpoint}"
"""


class Box:
    """A project in git, and the service that looks after it."""

    def __init__(self, name: str, work: Path, project: str, net: network.Network) -> None:
        self.name, self.root, self._net, self._state = name, work / name, net, work / f"state-{name}"
        self.endpoint = f"http://{net.host}:{net.port}"
        shutil.copytree(_HERE / project, self.root)
        self._state.mkdir()
        self.config = _CONFIG.format(root=self.root)
        self._environ = {
            **os.environ,
            **_LOGIN,
            "AWS_ENDPOINT_URL": self.endpoint,
            "HOME": str(self._state),
            "XDG_RUNTIME_DIR": str(self._state),
            "MICROPKGD_SOCKET": str(self._state / "socket"),
            "MICROPKGD_CACHE_DIR": str(self._state / "cache"),
            "MICROPKGD_CONFIG": str(self._state / "config.toml"),
        }
        for who in ("AUTHOR", "COMMITTER"):
            self._environ |= {f"GIT_{who}_NAME": "A Person", f"GIT_{who}_EMAIL": "person@team.example"}
        self.run("git init -q", "git add -A", "git commit -qm Begin")

    def run(self, *lines: str) -> None:
        """Run commands in the project."""
        for line in lines:
            subprocess.run(line, shell=True, cwd=self.root, env=self._environ, check=True)  # noqa: S602

    def show(self, *lines: str) -> None:
        """The same, each printed first."""
        for line in lines:
            print(f"{self.name}$ {line}", flush=True)
            self.run(line)

    def edit(self, path: str, old: str, new: str) -> None:
        """Change a line of a file, as a person does."""
        file = self.root / path
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    def has_started(self) -> bool:
        """Whether its service has looked at the project."""
        ask = [sys.executable, "-m", "micropkgd", "health", "--started", "--quiet"]
        return subprocess.run(ask, env=self._environ, cwd=self.root, capture_output=True, check=False).returncode == 0

    @contextmanager
    def served(self) -> Iterator[None]:
        """Its service, until the end of the `with`."""
        (self._state / "config.toml").write_text(self.config)
        command = [*self._net.wrapper, sys.executable, "-m", "micropkgd", "reconcile"]
        with open(self._state / "log", "wb") as log, _running(command, log, self._environ, self.root):
            yield


class Between:
    """The server that both boxes reach, with two buckets and a queue: all that they have in common."""

    def __init__(self, work: Path, host: str, port: int) -> None:
        self._log = work / "server.log"
        login = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
        make = botocore.session.Session().create_client
        url = f"http://{host}:{port}"
        self._s3, self._sqs = (make(name, region_name=_REGION, endpoint_url=url, **login) for name in ("s3", "sqs"))

    def set_up(self) -> str:
        """Make the buckets, and the queue that hears of releases: its address."""
        queue = str(self._sqs.create_queue(QueueName="releases")["QueueUrl"])
        asked = {"QueueUrl": queue, "AttributeNames": ["QueueArn"]}
        arn = self._sqs.get_queue_attributes(**asked)["Attributes"]["QueueArn"]
        for bucket in ("releases", "archives"):
            self._s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": _REGION})
        told: Any = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]}
        self._s3.put_bucket_notification_configuration(Bucket="releases", NotificationConfiguration=told)
        return queue

    def requests(self, path: str) -> list[str]:
        """The methods of the requests for a path that were answered with success, sorted, as the server noted them."""
        found = re.findall(rf'"([A-Z]+) {path} HTTP/1\.1" 200', self._log.read_text())
        return sorted(found)

    def hosts(self) -> set[str]:
        """The addresses that asked it."""
        return set(re.findall(r"^(\d+\.\d+\.\d+\.\d+) - -", self._log.read_text(), re.MULTILINE))


def main() -> None:
    """Tell the story, and measure if asked to."""
    options = _options()
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):  # in a hook of git they name its repository
        os.environ.pop(name, None)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    networks = network.move(wanted=not options.one_network)
    work = options.folder.absolute()
    work.mkdir()
    print(f"# Two boxes, {networks}", file=sys.stderr, flush=True)
    with ExitStack() as stack:
        host, port = network.server_address()
        server = [shutil.which("moto_server") or sys.exit("`moto_server` is not installed"), "-H", host, "-p", str(port)]
        stack.enter_context(_running(server, stack.enter_context(open(work / "server.log", "wb")), dict(os.environ), work))
        between = Between(work, host, port)
        queue = _until(between.set_up)
        a, b = (
            Box(name, work, project, stack.enter_context(network.network_of(number)))
            for number, (name, project) in enumerate((("a", "author"), ("b", "follower")), 1)
        )
        hook = json.dumps([sys.executable, "-I", str(_HERE / "note.py"), str(work / "told")])
        b.config += _FOLLOWER.format(hook=hook, queue=queue, region=_REGION, endpoint=b.endpoint)
        for box in (b, a):
            stack.enter_context(box.served())
            _until_holds(box.has_started)
        _story(a, b, between, work)
        if options.rounds:
            _measure(a, b, options.rounds)
        print(f"# the server was asked from {', '.join(sorted(between.hosts()))}", file=sys.stderr)


def _story(a: Box, b: Box, between: Between, work: Path) -> None:
    nodes, code = b.root / "src/team/sales/nodes.py", "src/shop/pipelines/features"
    _say("A released 1.0 with its first commit: B has it, under a name of its own")
    _until_holds(lambda: (work / "told").exists())
    b.show("head -5 src/team/sales/nodes.py", "git add -A", "git commit -qm 'Pull features 1.0'")

    _say("Somebody in B mends a function")
    b.edit("src/team/sales/nodes.py", "sum(values) / len(values)", "sum(values) / len(values) if values else 0")
    b.show("git commit -qam 'Mend the mean of nothing'")

    _say("A changes another one, and commits it as 1.1")
    a.edit(f"{code}/nodes.py", '"sum": sum(amounts)', '"sum": sum(amounts), "best": max(amounts, default=0)')
    a.edit(f"{code}/__init__.py", "1.0", "1.1")
    a.show("git commit -qam 'Say which day was best, release 1.1'")

    _say("B heard of it from the queue, and has merged both")
    _until_holds(lambda: "best" in nodes.read_text() and len((work / "told").read_text().splitlines()) > 1)
    b.show("git diff -U0 src/team/sales/nodes.py | tail -2", "grep 'if values' src/team/sales/nodes.py", "cat ../told")

    _say("It is what A packaged; B asked its place for the digest alone (HEAD), and the cache for the bytes")
    a.show("sha256sum dist/features-1.1.tar.gz")
    b.show("grep '^sha256' micropkg.lock")
    digest = re.findall(r'^sha256 = "(.*)"', (b.root / "micropkg.lock").read_text(), re.MULTILINE)[0]
    # A reads back what it has put; B may have heard of it before that.
    paths = {"/releases/pkgs/features-1.1.tar.gz": 3, f"/archives/cache/sha256/{digest[:2]}/{digest[2:]}": 2}
    _until_holds(lambda: all(len(between.requests(path)) >= count for path, count in paths.items()))
    for path in paths:
        print(f"{path}: {' '.join(between.requests(path))}", flush=True)


def _measure(a: Box, b: Box, rounds: int) -> None:
    """From a save in A, with its commit, to the file in B."""
    path, version = b.root / "src/team/sales/__init__.py", a.root / "src/shop/pipelines/features/__init__.py"
    seconds = []
    for number in range(2, rounds + 2):
        time.sleep(0.5)  # so that rounds do not meet
        begun = time.monotonic()
        version.write_text(f'__version__ = "1.{number}"\n')
        a.run("git commit -qam Release")
        _until_holds(lambda number=number: f'"1.{number}"' in path.read_text())  # type: ignore[misc]
        seconds.append(time.monotonic() - begun)
    seconds.sort()
    late = seconds[round(0.99 * (rounds - 1))]
    told = (("median", statistics.median(seconds)), ("p99", late), ("worst", seconds[-1]))
    figures = ", ".join(f"{word} {value * 1000:.0f} ms" for word, value in told)
    print(f"\nfrom the save in A to the file in B, {rounds} rounds: {figures}", flush=True)


@contextmanager
def _running(command: list[str], log: Any, environ: dict[str, str], cwd: Path) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=log, stderr=log, env=environ, cwd=cwd)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _until(ask: Callable[[], str]) -> str:
    """Ask a server until it is there."""
    begun = time.monotonic()
    while True:
        try:
            return ask()
        except (OSError, botocore.exceptions.BotoCoreError):
            if time.monotonic() - begun > _LONGEST:
                raise
            time.sleep(0.1)


def _until_holds(holds: Callable[[], bool]) -> None:
    begun = time.monotonic()
    while not holds():
        if time.monotonic() - begun > _LONGEST:
            sys.exit("it never came: see the logs in the folder")
        time.sleep(0.002)


def _say(text: str) -> None:
    print(f"\n## {text}", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=0, metavar="N")
    parser.add_argument("--one-network", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
