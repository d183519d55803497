"""As the first process of a container: what the kernel leaves to such a process, and nobody else would do.

It inherits every process whose parent has ended, and must take note of their ends, or they stay as zombies for ever;
and no signal ends it that it does not handle. So the service runs as a child, and this process only waits, hands
signals on, and ends as the child does. Whatever the child's libraries wait for is theirs alone.
"""

import os
import signal

from micropkgd.annotations import Final

_HANDED_ON: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)
_BY_SIGNAL: Final = 128  # added to the number of the signal that ended the child, as shells do


def step_aside() -> None:
    """Go on in a child where this process is the first one; it is to be called before there are threads."""
    if os.getpid() != 1:
        return
    awaited = {*_HANDED_ON, signal.SIGCHLD}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return
    while True:
        number = signal.sigwait(awaited)
        if number != signal.SIGCHLD:
            os.kill(child, number)
        elif (status := _reap(child)) is not None:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else _BY_SIGNAL - code)


def _reap(child: int) -> int | None:
    """Take note of every process that has ended; give the status of the child if it is among them."""
    while True:
        try:
            ended, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return None
        if ended == child:
            return status
        if ended == 0:
            return None
