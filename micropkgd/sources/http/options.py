"""The fs-args of an `https://` ref, in the words of fsspec's own HTTP file system.

Rule: what would change nothing for a whole download is let pass, what is not understood is refused by name, and no
value ever stands in a message, since most of them are secrets.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from micropkgd.errors import DocumentError

if TYPE_CHECKING:
    from yarl import URL

_CLIENT_KEYS = ("headers", "auth", "timeout", "trust_env", "proxy")
_KEYS = (*_CLIENT_KEYS, "client_kwargs", "encoded")
_WITHOUT_EFFECT = (
    "asynchronous",
    "block_size",
    "cache_options",
    "cache_type",
    "same_scheme",
    "simple_links",
    "size_policy",
    "skip_instance_cache",
    "use_listings_cache",
)
_TIMEOUT_KEYS = ("total", "connect", "sock_connect", "sock_read")
_VERIFICATION = frozenset({"ssl", "verify", "verify_ssl", "ssl_context", "fingerprint", "connector"})


class HttpOptions(NamedTuple):
    """How to ask one server. Build it with `parse`, which checks."""

    headers: tuple[tuple[str, str], ...] = ()
    login: tuple[str, str] | None = None
    total: float | None = None  # seconds, as the three below
    connect: float | None = None
    read: float | None = None
    trust_env: bool = True
    proxy: str = ""
    encoded: bool = False  # the address is sent as written

    @classmethod
    def parse(cls, given: Mapping[str, object]) -> "HttpOptions":
        """Read fs-args; `DocumentError` names the key that cannot be honoured."""
        _refuse_unknown(given, (*_KEYS, *_WITHOUT_EFFECT), "fs-args")
        client = _mapping(given.get("client_kwargs", {}), "client_kwargs")
        _refuse_unknown(client, _CLIENT_KEYS, "client_kwargs")
        # What stands outside of `client_kwargs` is given to the single request and wins, as in fsspec.
        merged = {**client, **{key: value for key, value in given.items() if key in _CLIENT_KEYS}}
        headers = {**_headers(client.get("headers", {})), **_headers(given.get("headers", {}))}
        return cls(
            headers=tuple(sorted(headers.items())),
            login=_login(merged.get("auth")),
            trust_env=_flag(merged.get("trust_env", True), "trust_env"),
            proxy=_text(merged.get("proxy", ""), "proxy"),
            encoded=_flag(given.get("encoded", False), "encoded"),
            **_timeouts(merged.get("timeout")),
        )

    @property
    def carry_credentials(self) -> bool:
        """Whether a request made with them may tell a secret: any header may be one."""
        return bool(self.headers or self.login)

    def at(self, url: "URL", *, home: "URL") -> "HttpOptions":
        """The same for another address: nothing that was meant for the origin of `home` leaves it."""
        return self if url.origin() == home.origin() else self._replace(headers=(), login=None)


def _refuse_unknown(given: Mapping[str, object], known: tuple[str, ...], place: str) -> None:
    for key in given:
        if key in _VERIFICATION:
            raise DocumentError(
                f"{place} has the key `{key}`, and certificates are always verified",
                hint="name the certificate authority to trust by the environment variable SSL_CERT_FILE",
            )
        if key not in known:
            raise DocumentError(f"{place} has the key `{key}`, which no http source knows", hint=_nearest(key, known))


def _nearest(key: str, known: tuple[str, ...]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(key, known, n=1)
    return f"did you mean `{near[0]}`?" if near else f"known keys are {', '.join(known)}"


def _mapping(value: object, key: str) -> dict[str, object]:
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        return dict(value)
    raise DocumentError(f"fs-args key `{key}` must be a table")


def _headers(value: object) -> dict[str, str]:
    headers = {name.title(): _text(text, f"headers.{name}") for name, text in _mapping(value, "headers").items()}
    for name, text in headers.items():
        if not (name.isascii() and name.replace("-", "").replace("_", "").isalnum()) or not text.isprintable():
            raise DocumentError(f"fs-args header {name!a} has characters no header may have")
    return headers


def _login(value: object) -> tuple[str, str] | None:
    if value is None:
        return None
    if isinstance(value, list | tuple) and len(value) == 2:
        return _text(value[0], "auth"), _text(value[1], "auth")
    raise DocumentError("fs-args key `auth` must be a list of user and password")


def _timeouts(value: object) -> dict[str, float | None]:
    given = _mapping(value, "timeout") if isinstance(value, Mapping) else {"total": value}
    _refuse_unknown(given, _TIMEOUT_KEYS, "fs-args key `timeout`")
    seconds = {key: _seconds(given.get(key)) for key in _TIMEOUT_KEYS}
    return {
        "total": seconds["total"],
        "connect": seconds["sock_connect"] or seconds["connect"],
        "read": seconds["sock_read"],
    }


def _seconds(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < float("inf"):
        return float(value)
    raise DocumentError("fs-args key `timeout` must be a number of seconds above zero")


def _flag(value: object, key: str) -> bool:
    if isinstance(value, bool):
        return value
    raise DocumentError(f"fs-args key `{key}` must be true or false")


def _text(value: object, key: str) -> str:
    if isinstance(value, str):
        return value
    raise DocumentError(f"fs-args key `{key}` must be a text")
