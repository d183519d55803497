"""Logins by a code that is good once, for a minute: how a browser gets the token without anybody typing it.

The code is made for whoever may use the unix socket, who may read the token's file too, and goes through the address's
fragment, which no server sees. The page exchanges it for the token; nothing else can be done with it.
"""

import hmac
import os
import time

from aiohttp import web

from micropkgd.annotations import Final
from micropkgd.machine.token import read_token, token_file
from micropkgd.service.http.answers import SUPERVISOR, answer
from micropkgd.service.http.control import json_body

GOOD_FOR: Final = 60.0  # seconds
_BYTES: Final = 16
_MOST: Final = 16  # codes at once: an older one goes


class Codes:
    """The codes that nobody has used yet, with the time until which each is good, on a clock that never jumps."""

    def __init__(self) -> None:
        self._codes: dict[str, float] = {}

    def make(self, now: float) -> str:
        """A code that is good from now on."""
        self._codes = dict([(code, until) for code, until in self._codes.items() if until > now][-_MOST + 1 :])
        code = os.urandom(_BYTES).hex()
        self._codes[code] = now + GOOD_FOR
        return code

    def take(self, given: str, now: float) -> bool:
        """Whether a code is good; it is not any more then."""
        sent = given.encode(errors="surrogatepass")  # JSON may hold what is no text
        found = [code for code in self._codes if hmac.compare_digest(code.encode(), sent)]
        return any(self._codes.pop(code) > now for code in found)

    async def redeem(self, request: web.Request) -> web.Response:
        """On TCP: the token for a code."""
        code = (await json_body(request, "code")).get("code")
        if not isinstance(code, str) or not self.take(code, time.monotonic()):
            raise web.HTTPUnauthorized(
                reason="this code was used, or is older than a minute: `micropkgd ui` gives another"
            )
        http = request.app[SUPERVISOR].settings.http
        return answer({"token": read_token(token_file(http.token_file, os.environ))})
