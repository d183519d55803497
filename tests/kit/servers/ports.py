"""Ports that are named before anybody listens there.

The kernel gives others from a range of its own to who asks for any, a dozen times a second while tests run: what is
chosen here lies below that, so that nobody takes it between the choice and the use.
"""

import random
import socket
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

_MANY: Final = 10_000
_LEAST: Final = 1024  # below it, ports have a meaning


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens at, and that nobody is given."""
    with ExitStack() as stack:
        found: list[int] = []
        while len(found) < count:
            with suppress(OSError):  # somebody is there
                found.append(stack.enter_context(socket.create_server(("127.0.0.1", _any()))).getsockname()[1])
        return found


def _any() -> int:
    given = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    return random.SystemRandom().randrange(max(_LEAST, given - _MANY), given)
