"""The service from its start to its end: config, control socket, signals, and what systemd is told."""

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Final, NamedTuple

from aiohttp import web

from micropkgd.errors import MicropkgError
from micropkgd.model.settings import Settings
from micropkgd.model.trigger import Trigger, TriggerKind
from micropkgd.service.conditions import News
from micropkgd.service.http.control import make_app, same_user
from micropkgd.service.http.front import Front
from micropkgd.service.http.probes import STUCK, Probes
from micropkgd.service.http.unix_socket import open_door
from micropkgd.service.supervisor import Say, Supervisor
from micropkgd.service.systemd_notify import Notifier

_TOLD_EVERY: Final = 5.0  # seconds
_FORCED: Final = 143


class Machine(NamedTuple):
    """What the service needs of the world around it."""

    load: Callable[[], Settings]  # reads the config anew; raises `MicropkgError`
    say: Say  # is told of every event


def serve(machine: Machine) -> None:
    """Serve until SIGTERM or SIGINT; a second one ends the process at once."""
    settings = machine.load()
    asyncio.run(_serve(machine, settings))


async def _serve(machine: Machine, settings: Settings) -> None:
    door = open_door(settings.socket, os.environ)
    notifier = Notifier(os.environ)
    supervisor = Supervisor(settings, machine.say)
    probes = Probes(supervisor)
    app = make_app(supervisor, same_user, routes=probes.routes())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, handler_cancellation=True)
    try:
        front = Front(supervisor, probes)
    except MicropkgError:
        door.remove()
        raise
    await runner.setup()
    await web.SockSite(runner, door.listener).start()
    _obey_signals(supervisor, machine, notifier, front)
    opening = asyncio.create_task(front.start())  # not before the supervisor has seen which projects there are
    telling = asyncio.create_task(_tell(supervisor, notifier))
    try:
        await supervisor.run()
    finally:
        telling.cancel()
        await opening
        await asyncio.gather(front.stop(), runner.cleanup())
        door.remove()
    if supervisor.unfinished:  # a thread that is still at work would keep the process: recovery covers it
        os._exit(0)


def _obey_signals(supervisor: Supervisor, machine: Machine, notifier: Notifier, front: Front) -> None:
    loop = asyncio.get_running_loop()
    asked: list[int] = []

    def end(number: int) -> None:
        if asked:
            os._exit(_FORCED)
        asked.append(number)
        notifier.stopping()
        supervisor.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end, number)
    loop.add_signal_handler(signal.SIGHUP, _reload, supervisor, machine, notifier, front)
    loop.add_signal_handler(signal.SIGUSR1, supervisor.trigger, Trigger(TriggerKind.SIGNAL, "SIGUSR1"))


def _reload(supervisor: Supervisor, machine: Machine, notifier: Notifier, front: Front) -> None:
    """Read the config again; a bad one changes nothing, and is told."""
    notifier.reloading()
    try:
        settings = machine.load()
    except MicropkgError as error:
        supervisor.tell(News("ConfigRefused", "", f"the old config stays: {error}"))
        notifier.ready(f"reload failed: {error}")
        return
    supervisor.reload(settings)
    front.follow(settings.http)
    notifier.ready(supervisor.summary())


async def _tell(supervisor: Supervisor, notifier: Notifier) -> None:
    """Tell systemd how things are, and that work goes on: from finished turns of the loop, not from a timer alone."""
    notifier.ready(supervisor.summary())
    said = ""
    while True:
        await asyncio.sleep(min(_TOLD_EVERY, notifier.watchdog_interval or _TOLD_EVERY))
        if supervisor.alive(STUCK):
            notifier.alive()
        if (summary := supervisor.summary()) != said:
            notifier.status(summary)
            said = summary
