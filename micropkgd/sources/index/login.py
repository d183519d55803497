"""Finds the index that answers for an entry, and the login for it.

Rules: one index an entry, never a second one to fall back to, since a name that only one of them should have could be
taken on the other by anyone. Passwords come from the machine - netrc, the environment, a keyring - and never from the
project; an address leaves here without any.
"""

from collections.abc import Mapping
from importlib import import_module
from urllib.parse import unquote, urlsplit

from micropkgd.errors import DocumentError
from micropkgd.named_tuples import NamedTuple

PYPI = "https://pypi.org/simple/"
_VARIABLES = ("PIP_INDEX_URL", "UV_INDEX_URL")
_USUAL_PORTS = {"https": 443, "http": 80}


class Index(NamedTuple):
    """An index and who we are to it."""

    url: str  # without user and password
    login: tuple[str, str] | None = None


def index_for(named: str | None, environ: Mapping[str, str]) -> Index:
    """The index that the project names, else the one that the machine does, else PyPI.

    A password that the machine has in an index's address is also used where the project names that index.
    """
    machine = [_of_variable(name, environ[name]) for name in _VARIABLES if environ.get(name)]
    if named is None:
        return machine[0] if machine else Index(PYPI)
    return next((Index(named, index.login) for index in machine if _origin(index.url) == _origin(named)), Index(named))


def is_same_server(one: str, other: str) -> bool:
    """Whether two addresses are of one server, asked in one way."""
    return _origin(one) == _origin(other)


def login_from_keyring(index: str) -> tuple[str, str] | None:
    """User and password that the user's keyring has for an index or its host; nothing where none is installed."""
    try:
        keyring = import_module("keyring")
        for service in (index, urlsplit(index).hostname):
            found = keyring.get_credential(service, None)
            if found is not None:
                return found.username or "", found.password
    except Exception:  # noqa: BLE001 - a keyring's backend is foreign code and may raise anything
        return None
    return None


def _of_variable(name: str, address: str) -> Index:
    """Take the login out of an address; it is never shown, for it may hold a password."""
    try:
        parts = urlsplit(address)
        valid = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise DocumentError("not the address of an index", where=name, hint="write it like https://host/simple/")
    login = None
    if parts.username is not None:
        login = unquote(parts.username), unquote(parts.password or "")
    return Index(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl(), login)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _USUAL_PORTS.get(parts.scheme)
