"""Tell web addresses of the machine's config: events as JSON with a signature, and a heartbeat.

Promise: an address is shown without its path, which may be the secret in it, and the secret never; nobody is followed
elsewhere.
"""

import hashlib
import hmac
import json
import os
from collections.abc import Mapping

import aiohttp
from yarl import URL

from micropkgd import __version__
from micropkgd.annotations import Final
from micropkgd.service.hooks.command import CommandResult
from micropkgd.sources.http.environment import environment_proxy
from micropkgd.sources.redaction import origin

_LONGEST: Final = 30.0  # seconds for one request, whatever a command may take
_SECRET_AT_MOST: Final = 4096  # bytes
SIGNATURE: Final = "X-Micropkgd-Signature-256"


async def post(url: str, document: Mapping[str, object], secret_file: str | None, seconds: float) -> CommandResult:
    """Send a document, signed where there is a secret; the secret is read anew each time."""
    body = json.dumps(document).encode()
    headers = {"Content-Type": "application/json"}
    if secret_file is not None:
        try:
            headers[SIGNATURE] = f"sha256={hmac.digest(_secret(secret_file), body, hashlib.sha256).hex()}"
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            return CommandResult(f"`webhook-secret-file` {secret_file} cannot be used: {reason.lower()}", "")
    return await _ask("POST", url, seconds, headers, body)


async def beat(url: str, seconds: float) -> CommandResult:
    """Ask an address, to say that all is well."""
    return await _ask("GET", url, seconds, {}, None)


async def _ask(method: str, url: str, seconds: float, headers: Mapping[str, str], body: bytes | None) -> CommandResult:
    shown = origin(url)
    try:
        proxy = environment_proxy(URL(url))
        async with (
            aiohttp.ClientSession(
                headers={"User-Agent": f"micropkgd/{__version__}"},
                timeout=aiohttp.ClientTimeout(total=min(seconds, _LONGEST)),
                cookie_jar=aiohttp.DummyCookieJar(),
            ) as session,
            session.request(
                method, url, headers=headers, data=body, allow_redirects=False,
                proxy=proxy.url if proxy else None,
                proxy_headers={"Proxy-Authorization": aiohttp.encode_basic_auth(*proxy.login)}
                if proxy and proxy.login
                else None,
            ) as response,
        ):  # fmt: skip
            status = response.status
    except TimeoutError:
        return CommandResult(f"{shown} did not answer in {min(seconds, _LONGEST):g} s", "")
    except (aiohttp.ClientError, OSError, ValueError) as error:  # the text of a library quotes the address
        return CommandResult(f"{shown} cannot be reached ({type(error).__name__})", "")
    if 300 <= status < 400:
        return CommandResult(f"{shown} answered {status}, and leads elsewhere, where nothing is sent", "")
    return CommandResult("" if status < 300 else f"{shown} answered {status}", "")


def _secret(path: str) -> bytes:
    with open(os.path.expanduser(path), "rb") as stream:
        secret = stream.read(_SECRET_AT_MOST).strip()
    if not secret:
        raise ValueError("it is empty")
    return secret
