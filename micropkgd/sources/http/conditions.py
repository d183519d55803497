"""Validators of HTTP: ETag and Last-Modified of an answer, so that it need not be sent twice.

Rule: a validator is put only to the address it came from. A redirect may lead elsewhere by now, to something older
than what we know.
"""

import hashlib

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.sources.source import Validator

if TYPE_CHECKING:
    import aiohttp
    from yarl import URL


def validator_of(response: "aiohttp.ClientResponse") -> Validator | None:
    """What an answer says of its content; nothing where it says nothing."""
    etag, modified = (_plain(response.headers.get(name, "")) for name in ("ETag", "Last-Modified"))
    return Validator(f"{etag}\n{modified}\n{_mark(response.url)}") if etag or modified else None


def conditions(validator: Validator | None, url: "URL") -> dict[str, str]:
    """The headers that make a request conditional, if the validator is from where we ask."""
    known = (validator or "").split("\n")
    if known[-1] != _mark(url):
        return {}
    named = zip(("If-None-Match", "If-Modified-Since"), known, strict=False)
    return {name: value for name, value in named if value}


def _plain(text: str) -> str:
    return text if text.isascii() and text.isprintable() else ""


def _mark(url: "URL") -> str:
    """Name an address without telling it; signed addresses have another query each time."""
    return hashlib.sha256(str(url.with_query(None)).encode()).hexdigest()[:16]
