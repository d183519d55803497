"""What the servers that misbehave have in common: each connection is served in a thread of its own."""

import socket
import threading
from abc import ABC, abstractmethod
from contextlib import suppress
from types import TracebackType
from typing import Self


class AcceptingServer(ABC):
    """Listens from the beginning, and takes connections within a `with`; at its end `over` is set."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._socket.getsockname()[1]

    @abstractmethod
    def serve(self, connection: socket.socket) -> None:
        """Answer one connection. An `OSError` ends it: most clients hang up."""

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _accept(self) -> None:
        with suppress(OSError):  # the socket is shut down at the end
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._served, args=(connection,), daemon=True).start()

    def _served(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            self.serve(connection)
