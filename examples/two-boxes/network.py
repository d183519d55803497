"""Networks of their own for two boxes: each reaches the server between them, and not the other box.

Linux lets root make network namespaces, and most let everybody who is root in a user namespace of their own. The whole
example moves into such a namespace, in which each box gets one more, so nothing of the machine's network is touched, and
nothing is left when the processes have ended. Where it is not allowed, all share the network that there is.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

_INSIDE = "TWO_BOXES_NETWORK"  # set where the example has moved
_SERVER = "10.77.0.1"
_WAYS = (["unshare", "--net"], ["unshare", "--map-root-user", "--net"])
_TRIAL = "ip link set lo up; ip link add trial type veth peer name other; unshare --net true; ip link del trial"


class Network(NamedTuple):
    """What a box is run in, and where it finds the server."""

    host: str  # of the server
    port: int
    wrapper: tuple[str, ...] = ()  # a command that runs another one in the network of a box


def move(*, wanted: bool) -> str:
    """Go on in a network of our own, and say so; or say why not. It starts the program anew."""
    if os.environ.get(_INSIDE):
        return "each in a network of its own"
    why = "as was asked for"
    for way in _WAYS if wanted else ():
        why = _trouble(way)
        if not why:
            os.environ[_INSIDE] = "yes"
            os.execvp(way[0], [*way, sys.executable, *sys.argv])  # noqa: S606
    return f"on one network: {why}"


def _trouble(way: list[str]) -> str:
    """Why a network cannot be made in this way."""
    try:
        ended = subprocess.run([*way, "sh", "-euc", _TRIAL], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "the program `unshare` is not installed"
    if ended.returncode == 0:
        return ""
    return f"this machine makes none ({' '.join(ended.stderr.split()) or f'exit code {ended.returncode}'})"


@contextmanager
def network_of(number: int) -> Iterator[Network]:
    """The network of a box, until the end of the `with`."""
    if not os.environ.get(_INSIDE):
        yield Network("127.0.0.1", _PORT)
        return
    # It reads until we end, and keeps the namespace open as long.
    keeper = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", "echo; read -r _"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert keeper.stdout is not None
        keeper.stdout.readline()
        inside = ("nsenter", f"--net=/proc/{keeper.pid}/ns/net")
        here, there = f"10.77.{number}.1", f"10.77.{number}.2"
        _ip(f"link add box{number} type veth peer name eth0 netns {keeper.pid}")
        _ip(f"address add {here}/30 dev box{number}")
        _ip(f"link set box{number} up")
        for line in ("link set lo up", f"address add {there}/30 dev eth0", "link set eth0 up"):
            _ip(line, inside)
        _ip(f"route add {_SERVER} via {here}", inside)
        yield Network(_SERVER, _PORT, inside)
    finally:
        keeper.communicate()


def server_address() -> tuple[str, int]:
    """Where the server is to listen."""
    if os.environ.get(_INSIDE):
        _ip("link set lo up")
        _ip(f"address add {_SERVER}/32 dev lo")
        return _SERVER, _PORT
    return "127.0.0.1", _PORT


def _ip(line: str, inside: tuple[str, ...] = ()) -> None:
    subprocess.run([*inside, "ip", *line.split()], check=True)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


_PORT = 5000 if os.environ.get(_INSIDE) else _free_port()
