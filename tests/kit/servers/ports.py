"""Ports that are named before anybody listens there.

The kernel gives others from a range of its own to who asks for any, a dozen times a second while tests run: what is
chosen here lies below that, so that nobody takes it between the choice and the use. Of the processes of one run each
chooses among ports of its own, and none twice: a server that takes its time to start finds the port that it was given,
and where nobody is to listen nobody does.
"""

import os
import random
import socket
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

_MANY: Final = 10_000
_LEAST: Final = 1024  # below it, ports have a meaning
_chosen: Final = set[int]()


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens at, and that nobody is given."""
    with ExitStack() as stack:
        found: list[int] = []
        while len(found) < count:
            port = _any()
            with suppress(OSError):  # somebody is there
                stack.enter_context(socket.create_server(("127.0.0.1", port)))
                found.append(port)
            _chosen.add(port)
        return found


def _any() -> int:
    """A port of this process that was not chosen before."""
    given = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    own = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    others = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    ports = range(max(_LEAST, given - _MANY) + own, given, others)
    return random.SystemRandom().choice([port for port in ports if port not in _chosen])
