"""The service from its start to its end: config, control socket, signals, and what systemd is told."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

from aiohttp import web

from micropkgd import __version__
from micropkgd.annotations import Final
from micropkgd.clock import utc
from micropkgd.errors import MicropkgError
from micropkgd.machine.memory.event_log import EventLog, read_events
from micropkgd.machine.memory.standing_memory import StandingMemory
from micropkgd.machine.places import memory_place
from micropkgd.model.settings import Settings
from micropkgd.model.trigger import Trigger, TriggerKind
from micropkgd.named_tuples import NamedTuple
from micropkgd.service.board import Board
from micropkgd.service.conditions import News
from micropkgd.service.http.answers import answer, problem
from micropkgd.service.http.control import make_app
from micropkgd.service.http.edits import routes as edits_routes
from micropkgd.service.http.front import Front
from micropkgd.service.http.held import routes as held_routes
from micropkgd.service.http.own_socket import OwnSocket, OwnUser
from micropkgd.service.http.probes import STUCK, Probes
from micropkgd.service.http.unix_socket import open_unix_socket
from micropkgd.service.one_service import ServiceClaim, claim
from micropkgd.service.supervisor import Say, Supervisor
from micropkgd.service.systemd_notify import Notifier
from micropkgd.sources.foreign import EventLoop

_TOLD_EVERY: Final = 5.0  # seconds
_FORCED: Final = 143
_LAST_MOMENT: Final = 1.0  # seconds for threads to end that passes have left


class Machine(NamedTuple):
    """What the service needs of the world around it."""

    what: str  # names what is served: there is one service of it
    load: Callable[[], Settings]  # reads the config anew; raises `MicropkgError`
    say: Say  # is told of every event


def serve(machine: Machine) -> None:
    """Serve until SIGTERM or SIGINT; a second one ends the process at once."""
    settings = machine.load()
    held = claim(machine.what, os.environ)
    place = memory_place(machine.what, os.environ)
    log = EventLog(place) if held.is_sure else None  # two that wrote would give one number to two events
    memory = StandingMemory(place if held.is_sure else None)
    try:
        with asyncio.Runner(loop_factory=EventLoop) as runner:
            runner.run(_serve(machine, settings, held, Board(utc, read_events(place), log), memory))
    finally:
        if log is not None:
            log.close()
        held.let_go()


async def _serve(
    machine: Machine, settings: Settings, held: ServiceClaim, board: Board, memory: StandingMemory
) -> None:
    """Put the parts of the service together, open its socket, and serve until a signal."""
    threads = ThreadPoolExecutor(thread_name_prefix="beside")
    asyncio.get_running_loop().set_default_executor(threads)
    listening = open_unix_socket(settings.socket, os.environ)
    notifier = Notifier(os.environ)
    try:
        supervisor = Supervisor(settings, machine.say, board, memory)
        probes = Probes(supervisor)
        front = Front(supervisor, probes)
    except MicropkgError:
        listening.remove()
        raise
    reloads = Reloads(supervisor, machine, notifier, front)
    routes = [
        *probes.routes(),
        *held_routes(),
        *edits_routes(),
        web.post("/v1/reload", reloads.asked_for),
        web.post("/v1/code", front.give_code),
    ]
    inside = OwnSocket(listening, make_app(supervisor, OwnUser().let_through, routes=routes), supervisor.board)
    await inside.start()
    board.say(News("Started", "", f"micropkgd {__version__}, pid {os.getpid()}"))
    if held.problem:
        supervisor.board.say(News("NotAlone", "", held.problem))
    _obey_signals(supervisor, notifier, reloads)
    opening = asyncio.create_task(_open(supervisor, front, notifier))
    try:
        await supervisor.run()
    finally:
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)
        await asyncio.gather(front.stop(), inside.stop())
    if supervisor.unfinished or not await _have_ended(threads):
        os._exit(0)  # a thread that is still at work would keep the process: recovery covers it


async def _have_ended(threads: ThreadPoolExecutor) -> bool:
    """Whether these and all other threads end soon: one in foreign code, as of a keyring or a disk, may never do so."""
    threads.shutdown(wait=False, cancel_futures=True)
    until = time.monotonic() + _LAST_MOMENT
    while any(not one.daemon and one is not threading.main_thread() for one in threading.enumerate()):
        if time.monotonic() >= until:
            return False
        await asyncio.sleep(0.02)
    return True


def _obey_signals(supervisor: Supervisor, notifier: Notifier, reloads: "Reloads") -> None:
    """SIGTERM and SIGINT end it, a second one at once; SIGHUP reads the config again, SIGUSR1 asks for all passes."""
    loop = asyncio.get_running_loop()
    asked: list[int] = []

    def end(number: int) -> None:
        if asked:
            os._exit(_FORCED)
        asked.append(number)
        notifier.stopping()
        supervisor.board.say(News("Stopping", "", f"by {signal.Signals(number).name}"))
        supervisor.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end, number)
    loop.add_signal_handler(signal.SIGHUP, reloads.ask)
    loop.add_signal_handler(signal.SIGUSR1, supervisor.trigger, Trigger(TriggerKind.SIGNAL, "SIGUSR1"))


class Reloads:
    """Reads the config again, one time after the other; a bad one changes nothing, and is told."""

    def __init__(self, supervisor: Supervisor, machine: Machine, notifier: Notifier, front: Front) -> None:
        self._supervisor = supervisor
        self._machine = machine
        self._notifier = notifier
        self._front = front
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[MicropkgError | None]] = set()

    def ask(self) -> "asyncio.Task[MicropkgError | None]":
        """Read it again soon; the task says what is wrong with it."""
        task = asyncio.get_running_loop().create_task(self._reload())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def asked_for(self, request: web.Request) -> web.Response:
        """Read it again and say what is wrong with it: on the unix socket alone (docs/http.md, rule 8)."""
        del request
        refused = await asyncio.shield(self.ask())  # who asked may go away; half a reload must not stay
        return answer({}) if refused is None else problem(HTTPStatus.CONFLICT, str(refused), refused.hint)

    async def _reload(self) -> MicropkgError | None:
        async with self._turn:
            self._notifier.reloading()
            status = "reload failed"
            try:
                refused = await self._read_again()
                status = self._supervisor.board.summary() if refused is None else f"{status}: {refused}"
            finally:  # systemd ends a service that never says so
                self._notifier.ready(status)
            return refused

    async def _read_again(self) -> MicropkgError | None:
        try:
            settings = await asyncio.to_thread(self._machine.load)
        except MicropkgError as error:
            self._supervisor.board.say(News("ConfigRefused", "", f"the old config stays: {error}"))
            return error
        await self._supervisor.reload(settings)
        self._front.follow(settings.http)
        return None


async def _open(supervisor: Supervisor, front: Front, notifier: Notifier) -> None:
    """Open TCP and tell systemd how things are, once it is known which projects there are."""
    await supervisor.fleet.known.wait()
    await front.start()
    await _tell(supervisor, notifier)


async def _tell(supervisor: Supervisor, notifier: Notifier) -> None:
    """Tell systemd how things are, and that work goes on: from finished turns of the loop, not from a timer alone."""
    notifier.ready(supervisor.board.summary())
    said = ""
    while True:
        await asyncio.sleep(min(_TOLD_EVERY, notifier.watchdog_interval or _TOLD_EVERY))
        if supervisor.alive(STUCK):
            notifier.alive()
        if (summary := supervisor.board.summary()) != said:
            notifier.status(summary)
            said = summary
