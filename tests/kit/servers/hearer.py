"""A web server that notes what it is told, whole, and answers as a test wants."""

import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import NamedTuple, Self

from tests.kit.daemon import PATIENCE


class Told(NamedTuple):
    """One request."""

    method: str
    target: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes


class Hearer:
    """Use it in a `with`. `answers` are the statuses to come, the last one for ever."""

    def __init__(self, *answers: int, location: str = "") -> None:
        self.told: list[Told] = []
        self._answers = list(answers) or [204]
        self._location = location
        self._came = threading.Condition()
        hearer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                """Note and answer."""
                hearer._note(self)

            def do_POST(self) -> None:
                """Note and answer."""
                hearer._note(self)

            def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def until(self, count: int) -> list[Told]:
        """Wait for so many requests."""
        with self._came:
            assert self._came.wait_for(lambda: len(self.told) >= count, PATIENCE), self.told
            return list(self.told)

    def _note(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in request.headers.items()}
        with self._came:
            status = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
            self.told.append(Told(request.command, request.path, headers, body))
            self._came.notify_all()
        request.send_response(status)
        if self._location:
            request.send_header("Location", self._location)
        request.send_header("Content-Length", "0")
        request.end_headers()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
