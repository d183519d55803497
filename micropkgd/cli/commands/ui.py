"""`ui`: the status page in a browser, with a login that is good once."""

from types import SimpleNamespace as Namespace

from micropkgd.cli.machine import socket_of
from micropkgd.cli.say import say, say_aside, say_json
from micropkgd.service.client import require_service


def ui(options: Namespace) -> int:
    """Open the page, or print its address."""
    given = require_service(socket_of(options)).post("/v1/code", {})
    address = f"{given['address']}/#code={given['code']}"
    if options.json:
        say_json(options, {"projects": [], "address": address}, exit_code=0)
        return 0
    if options.print or not _opens(address):
        say([address])
        say_aside(["open it within a minute; it logs in once"])
    return 0


def _opens(address: str) -> bool:
    """Whether a browser of this user was told to open it."""
    import webbrowser

    return webbrowser.open(address)
