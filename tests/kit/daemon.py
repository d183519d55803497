"""The real service as a process of its own: started, watched by its events, spoken to over its socket, ended."""

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from micropkgd.errors import MicropkgError
from micropkgd.service.client import Service, find_service
from tests.kit.world import World

PATIENCE = 90.0  # seconds, for a machine that does much else
SOON = 30  # seconds: what is planned for later than that is planned by a schedule

Event = Mapping[str, Any]


class PatientService(Service):
    """A service that is waited for as long as a busy machine takes, where nothing else is said."""

    def get(self, target: str, timeout: float = PATIENCE) -> Mapping[str, Any]:
        """Ask for something."""
        return super().get(target, timeout)

    def post(self, target: str, body: Mapping[str, object], timeout: float | None = PATIENCE) -> Mapping[str, Any]:
        """Ask for something to be done."""
        return super().post(target, body, timeout)

    def project(self, root: str, timeout: float = PATIENCE) -> Mapping[str, Any] | None:
        """How one project stands."""
        return super().project(root, timeout)


class Daemon:
    """Use it in a `with`. Everything it writes that is no project's stands below one folder.

    It trusts all that its globs find, for a test made it itself; `environ` may say otherwise.
    """

    def __init__(
        self,
        folder: Path,
        config: str = "",
        *arguments: str,
        environ: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.folder = folder
        self.cwd = cwd or folder
        folder.mkdir(parents=True, exist_ok=True)
        self.config = folder / "config.toml"
        self.config.write_text(config)
        self.socket = str(folder / "run" / "ctl.sock")
        self.log = folder / "log"
        own = {"MICROPKGD_SOCKET": self.socket, "MICROPKGD_CACHE_DIR": str(folder / "cache")}
        own["MICROPKGD_TRUST"] = "everything"
        self.environ = {**os.environ, **own, **(environ or {})}
        self._arguments = arguments
        self._news = threading.Condition()
        self._told: list[Event] = []  # of this run, as they came
        self._behind: dict[Path | None, int] = {}  # the last event that was waited for, of each project and of none
        self.begun = 0  # the number of the first event of this run
        self.process: subprocess.Popen[bytes]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait(PATIENCE)

    def start(self, wrapper: Sequence[str] = ()) -> None:
        """Start the process, and wait until it answers; `wrapper` is a command that runs it."""
        command = [*wrapper, sys.executable, "-m", "micropkgd", "reconcile", "--config", str(self.config)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *self._arguments], cwd=self.cwd, env=self.environ, stdout=log, stderr=log
            )
        deadline = time.monotonic() + PATIENCE
        while find_service(self.socket) is None:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)
        until(self._has_begun)
        self._told, self._behind = [], {}
        threading.Thread(target=self._listen, args=(self._told,), daemon=True).start()

    def ask(self) -> Service:
        """The way to speak to it."""
        return PatientService(self.socket)

    def until(self, kind: str, project: Path | None = None, **facts: str) -> Event:
        """Wait for an event; each fact must be part of what it says of it.

        It comes behind the last one that was waited for, of this project or of none in particular: nobody knows which
        of two projects is told of first. It may have come long ago: where only news will do, see `quiet`.
        """
        if project is None:
            after = max(self._behind.values(), default=0)
        else:
            after = max(self._behind.get(project, 0), self._behind.get(None, 0))

        def found() -> Event | None:
            of_it = (event for event in self._told if project in {None, Path(event["project"])})
            right = (event for event in of_it if event["kind"] == kind and event["id"] > after)
            return next((event for event in right if all(part in event[fact] for fact, part in facts.items())), None)

        with self._news:
            event = self._news.wait_for(found, PATIENCE)
            assert event is not None, f"no {kind} {facts} behind {after} in {self._told}\n{self.log.read_text()}"
        self._behind[project] = event["id"]
        return event

    def until_status(self, project: Path, wanted: Callable[[Mapping[str, Any]], bool]) -> Mapping[str, Any]:
        """Wait until a project stands as wanted."""
        deadline = time.monotonic() + PATIENCE
        while True:
            status = self.status(project)
            if status is not None and wanted(status):
                return status
            assert time.monotonic() < deadline, (status, self.log.read_text())
            time.sleep(0.02)

    def status(self, project: Path) -> Mapping[str, Any] | None:
        """How a project stands; None where it is not served."""
        return self.ask().project(str(project))

    def ready(self, *projects: Path, state: str = "Ready") -> None:
        """Wait for projects to be in sync, or to stand otherwise, and to rest.

        All that was written before was looked at then: the service has heard of it when it is asked, and says so.
        """
        for project in projects:
            self.until_status(project, lambda status: status["standing"]["state"] == state and rests(status))

    def quiet(self, *projects: Path, state: str = "Ready") -> None:
        """Wait for projects to be ready, and pass over what was told: what `until` gives afterwards is news."""
        self.ready(*projects, state=state)
        self._behind = {None: self.ask().get("/v1/events")["events"][-1]["id"]}

    @contextmanager
    def asleep(self) -> Iterator[None]:
        """Stop the process: all that is done meanwhile is seen at once, and no pass comes in between."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def command(self, *arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
        """Run another command of the program beside it."""
        command = [sys.executable, "-m", "micropkgd", *arguments]
        return subprocess.run(
            command, cwd=cwd, env=self.environ, capture_output=True, text=True, timeout=300, check=False
        )

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end: the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def _has_begun(self) -> bool:
        """Whether this run has told that it began; what is older was told by the runs before."""
        events = self.ask().get(f"/v1/events?since={self.begun}")["events"]
        begun = [event["id"] for event in events if event["kind"] == "Started"]
        self.begun = max((self.begun, *begun))
        return bool(begun)

    def _listen(self, told: list[Event]) -> None:
        last = self.begun - 1
        with suppress(MicropkgError, json.JSONDecodeError):
            while told is self._told:  # who falls behind is let go, and comes back
                for event in self.ask().follow(f"/v1/events?follow=1&since={last}"):
                    last = event["id"]
                    with self._news:
                        told.append(event)
                        self._news.notify_all()


def rests(status: Mapping[str, Any]) -> bool:
    """Whether a project had its pass, nothing is under way, and nothing is due, or about to be."""
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + SOON))
    return status["last_pass"] is not None and not status["running"] and (status["next_pass"] or "9999") > soon


def until(holds: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Wait for something that gives no event."""
    deadline = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def members_of(data: bytes) -> dict[str, bytes]:
    """The files of an archive."""
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {one.name: (tar.extractfile(one) or io.BytesIO()).read() for one in tar if one.isfile()}


def served(folder: Path, number: int = 0) -> World:
    """A project with one pull entry and one module that is packaged, both local."""
    world = World(folder / f"p{number}")
    world.publish({"nodes.py": "x = 1\n"})
    world.manifest('"dist/ds.tar.gz" = {}')
    with (world.root / "pyproject.toml").open("a") as manifest:
        manifest.write('\n[tool.micropkgd.package]\n"pipelines.features" = {}\n')
    world.write("src/shop/pipelines/__init__.py", "")
    world.write("src/shop/pipelines/features/__init__.py", '__version__ = "0.1"\n')
    world.write("src/shop/pipelines/features/nodes.py", "a = 1\n")
    return world
