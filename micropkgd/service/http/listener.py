"""Listen at one place, TCP or unix: take connections within a number, speak TLS where there is a certificate.

Connections are counted before TLS begins, so that nobody can use up the process's descriptors with half a handshake.
Where one more comes than there may be, the oldest goes that has not shown yet that it may ask: however many are slow,
who sends a request at once has its answer. No turn of the loop takes more than one, so that no flood of them can push
out a request that is here already.
"""

import asyncio
import os
import socket
import ssl
from collections import Counter

from aiohttp import web

from micropkgd.annotations import Any, Final
from micropkgd.errors import TreeError, UsageError, words_of
from micropkgd.service.http.connection import HEAD_WITHIN, Connection

CONNECTIONS: Final = 32
_BACKLOG: Final = 1024  # connections that the kernel keeps until they are taken
_LINGER: Final = 1.0  # seconds for what is still sent after an answer, so that the answer is read
_AGAIN: Final = 1.0  # seconds until the next try where the process is out of descriptors


class Listener:
    """One address, from its opening to its end."""

    def __init__(
        self,
        key: str,
        bound: socket.socket,
        app: web.Application,
        headers: Any,
        certificate: "Certificate | None" = None,
        *,
        most: int = CONNECTIONS,
    ) -> None:
        """Take connections that come in at `bound`, `most` at once; `key` is the config's word for it."""
        self.key = key
        self._tls = certificate
        self._socket = bound
        self._socket.setblocking(False)
        self._most = most
        self._connections: dict[Connection, str] = {}  # in order of their coming, with who it is
        self._headers = headers
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, handler_cancellation=True)
        self._accepting: asyncio.Task[None] | None = None
        self._greeting: dict[Connection, asyncio.Task[None]] = {}

    @property
    def address(self) -> str:
        """Where it really listens, as an address of the web: port 0 is none."""
        host, port = self._socket.getsockname()[:2]
        bracketed = f"[{host}]" if ":" in host else host
        return f"{'https' if self._tls else 'http'}://{bracketed}:{port}"

    async def start(self) -> None:
        """Take connections from now on."""
        await self._runner.setup()
        self._accepting = asyncio.create_task(self._accept())

    async def stop(self) -> None:
        """Take no more; what is being answered has a second."""
        if self._accepting is not None:
            tasks = (self._accepting, *self._greeting.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self.unbind()
        await self._runner.cleanup()

    async def move_to(self, bound: socket.socket) -> None:
        """Take connections elsewhere from now on; those that there are stay."""
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.gather(self._accepting, return_exceptions=True)
        self._socket.close()
        bound.setblocking(False)
        self._socket = bound
        self._accepting = asyncio.create_task(self._accept())

    def unbind(self) -> None:
        """Give the address free."""
        self._socket.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, address = await loop.sock_accept(self._socket)
            except OSError:
                await asyncio.sleep(_AGAIN)
                continue
            if self._has_room():
                self._take(connection, address[0] if isinstance(address, tuple) else "")
            else:
                connection.close()
            await asyncio.sleep(0)  # `sock_accept` does not let others have their turn while more wait

    def _has_room(self) -> bool:
        """Whether one more can be taken, after somebody went for it where need be."""
        if len(self._connections) < self._most:
            return True
        waiting = [one for one in self._connections if not one.is_let_in]
        if not waiting:
            return False
        have = Counter(self._connections[one] for one in waiting)
        self._drop(max(waiting, key=lambda one: have[self._connections[one]]))  # the first of those with most
        return True

    def _drop(self, connection: Connection) -> None:
        self._release(connection)
        if connection in self._greeting:
            self._greeting[connection].cancel()
        connection.abort()

    def _take(self, accepted: socket.socket, address: str) -> None:
        made = Connection(
            self._runner.server,
            ended=self._release,
            headers=self._headers,
            loop=asyncio.get_running_loop(),
            access_log=None,
            max_headers=64,
            auto_decompress=False,  # a signature is of the bytes as they came, and so is a size
            lingering_time=_LINGER,
        )
        self._connections[made] = address
        task = self._greeting[made] = asyncio.create_task(self._greet(made, accepted))
        task.add_done_callback(lambda _: self._greeting.pop(made))

    async def _greet(self, made: Connection, accepted: socket.socket) -> None:
        """Hand a connection to aiohttp, after the TLS handshake where there is one."""
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: made,
                accepted,
                ssl=self._tls.context() if self._tls else None,
                ssl_handshake_timeout=HEAD_WITHIN if self._tls else None,
                ssl_shutdown_timeout=HEAD_WITHIN if self._tls else None,
            )
        except (OSError, asyncio.CancelledError):  # no TLS, or not in time, or another has its place
            accepted.close()
            self._release(made)

    def _release(self, connection: Connection) -> None:
        self._connections.pop(connection, None)


class Certificate:
    """A certificate with its key in one file, read again when the file changes; a bad one leaves the old in use."""

    def __init__(self, path: str) -> None:
        self._path = os.path.abspath(os.path.expanduser(path))
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            self._load()
        except OSError as error:  # an `ssl.SSLError` is one
            raise TreeError(
                f"the certificate cannot be used: {error.strerror or error}",
                where=self._path,
                hint="`http.certificate` is a PEM file with the certificate and its key",
            ) from error

    def context(self) -> ssl.SSLContext:
        """What the next connection is secured with."""
        try:
            if os.stat(self._path).st_mtime_ns != self._read:
                self._load()
        except OSError:
            return self._context
        return self._context

    def _load(self) -> None:
        self._read = os.stat(self._path).st_mtime_ns
        self._context.load_cert_chain(self._path, password=_no_password)


def bind(key: str, address: str) -> socket.socket:
    """Open one TCP address; `UsageError` where that cannot be."""
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    try:
        listener = socket.create_server((host.strip("[]"), int(port)), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise UsageError(
            f"cannot listen: {words_of(error)}",
            where=f"{key} = {address}",
            hint="name another address; port 0 takes a free one",
        ) from error
    return listener


def _no_password() -> str:
    """Refuse a key that asks for one: a service cannot type."""
    return ""
