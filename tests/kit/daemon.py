"""The real service as a process of its own: started, watched by its events, spoken to over its socket, ended."""

import io
import json
import os
import queue
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from micropkgd.errors import MicropkgError
from micropkgd.service.client import Service, find_service
from tests.kit.world import World

PATIENCE = 40.0  # seconds, for a machine that does much else
QUIET = 1.0  # seconds in which the events of what a pass wrote have long come

Event = Mapping[str, Any]


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
        self._events: queue.Queue[Event] = queue.Queue()
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
        self._events = queue.Queue()
        threading.Thread(target=self._listen, args=(self._events,), daemon=True).start()

    def ask(self) -> Service:
        """The way to speak to it."""
        return Service(self.socket)

    def until(self, kind: str, project: Path | None = None, **facts: str) -> Event:
        """Wait for an event; each fact must be part of what the event says of it."""
        deadline = time.monotonic() + PATIENCE
        seen: list[Event] = []
        while True:
            try:
                event = self._events.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no {kind} {facts} in {seen}\n{self.log.read_text()}") from None
            seen.append(event)
            wanted = event["kind"] == kind and project in {None, Path(event["project"])}
            if wanted and all(part in event[fact] for fact, part in facts.items()):
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

    def ready(self, project: Path) -> None:
        """Wait for a project to be in sync, with nothing under way and nothing due."""

        def rests(status: Mapping[str, Any]) -> bool:
            soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 30))
            return status["standing"]["state"] == "Ready" and not status["running"] and status["next_pass"] > soon

        self.until_status(project, rests)

    def quiet(self, *projects: Path) -> None:
        """Wait for projects to be ready, and for the empty passes after them to be over.

        A pass sees what the one before it wrote as files that changed: who asks what the *last* pass was about must
        not ask before. Nothing can be waited for where there was no such event, so time has to pass.
        """
        deadline, before = time.monotonic() + PATIENCE, [""]
        while (now := [self._last_pass(project) for project in projects]) != before:
            assert time.monotonic() < deadline, self.log.read_text()
            before = now
            time.sleep(QUIET)

    def command(self, *arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
        """Run another command of the program beside it."""
        command = [sys.executable, "-m", "micropkgd", *arguments]
        return subprocess.run(
            command, cwd=cwd, env=self.environ, capture_output=True, text=True, timeout=60, check=False
        )

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end: the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def _last_pass(self, project: Path) -> str:
        """The last pass of a project that is ready."""
        self.ready(project)
        return str((self.status(project) or {})["last_pass"]["id"])

    def _has_begun(self) -> bool:
        """Whether this run has told that it began; what is older was told by the runs before."""
        events = self.ask().get(f"/v1/events?since={self.begun}")["events"]
        begun = [event["id"] for event in events if event["kind"] == "Started"]
        self.begun = max((self.begun, *begun))
        return bool(begun)

    def _listen(self, events: "queue.Queue[Event]") -> None:
        with suppress(MicropkgError, json.JSONDecodeError):
            for event in self.ask().follow(f"/v1/events?follow=1&since={self.begun - 1}"):
                events.put(event)


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
