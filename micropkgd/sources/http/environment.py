"""The machine's settings for reaching a server: proxies, netrc, and whether a line keeps a secret.

Read at every request, so that a password that was changed meanwhile is used without a restart.
"""

import netrc
import os
from contextlib import suppress
from ipaddress import ip_address
from urllib.request import getproxies, proxy_bypass

from yarl import URL

from micropkgd.named_tuples import NamedTuple


class Proxy(NamedTuple):
    """A proxy and who we are to it."""

    url: URL  # without user and password
    login: tuple[str, str] | None


def is_loopback(url: URL) -> bool:
    """Whether an address never leaves this machine, judged by its text: a name could be resolved to anything."""
    host = url.host or ""
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


def keeps_secrets(url: URL) -> bool:
    """Whether credentials may be sent to an address."""
    return url.scheme == "https" or is_loopback(url)


def login_for(url: URL) -> tuple[str, str] | None:
    """User and password that netrc has for this very host; one that cannot be read has none.

    Its `default` is for whoever asks, so nobody gets it: a project may name any host.
    """
    with suppress(OSError, netrc.NetrcParseError, UnicodeDecodeError):
        known = netrc.netrc(os.environ.get("NETRC") or os.path.expanduser("~/.netrc")).hosts
        found = known.get(url.host or "") if url.host != "default" else None
        if found is not None:
            return found[0], found[2] or ""
    return None


def environment_proxy(url: URL) -> Proxy | None:
    """The proxy that the environment has for an address; loopback is never asked through one."""
    if is_loopback(url) or proxy_bypass(f"{url.host}:{url.port}"):
        return None
    proxies = getproxies()
    address = proxies.get(url.scheme) or proxies.get("all")
    return proxy_at(address) if address else None


def proxy_at(address: str) -> Proxy:
    """Take the login out of a proxy's address; `ValueError` where it is none."""
    url = URL(address if "://" in address else f"http://{address}")
    if url.scheme not in {"http", "https"}:
        raise ValueError("no proxy of a kind that can be used")
    login = (url.user, url.password or "") if url.user is not None else None
    return Proxy(url.with_user(None), login)
