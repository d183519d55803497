"""Addresses as they may be shown: in an answer, a log, a status, an error (promise P9).

Rule: every value of a query goes, not only those that look secret, since a signed address has many names for its
secrets and a message loses nothing a person needs.
"""

import re
from urllib.parse import urlsplit

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s'\"<>]+")


def redacted(address: str) -> str:
    """Give an address back without user, password, query values and fragment."""
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 - raises where the port is no number, as `urlsplit` itself does for a bad host
    except ValueError:
        return "<no valid address>"
    host = parts.netloc.rpartition("@")[2]
    keys = [pair.partition("=")[0] for pair in parts.query.split("&") if pair]
    query = "?" + "&".join(f"{key}=***" for key in keys) if keys else ""
    return f"{parts.scheme}://{host}{parts.path}{query}"


def redacted_text(text: str) -> str:
    """Give back what somebody else wrote, with every address in it as it may be shown."""
    return _ADDRESS.sub(lambda match: redacted(match[0]), text)


def origin(address: str) -> str:
    """Give scheme, host and port of an address: all that is shown of one a server sent us to."""
    return "/".join(redacted(address).split("/", 3)[:3])
