"""The fs-args of an `https://` ref, in the words of fsspec's own HTTP file system.

Rule: no option weakens the check of certificates; what else holds of fs-args is in `fs_args`.
"""

from collections.abc import Mapping

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.errors import DocumentError
from micropkgd.named_tuples import NamedTuple
from micropkgd.sources.fs_args import flag_at, refuse_unknown, table_at, text_at, text_of

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
        client = table_at(given, "client_kwargs")
        _refuse_unknown(client, _CLIENT_KEYS, "client_kwargs")
        # What stands outside of `client_kwargs` is given to the single request and wins, as in fsspec.
        merged = {**client, **{key: value for key, value in given.items() if key in _CLIENT_KEYS}}
        headers = {**_headers(client), **_headers(given)}
        return cls(
            headers=tuple(sorted(headers.items())),
            login=_login(merged.get("auth")),
            trust_env=flag_at(merged, "trust_env", default=True),
            proxy=text_at(merged, "proxy") or "",
            encoded=flag_at(given, "encoded", default=False),
            **_timeouts(merged),
        )

    @property
    def carry_credentials(self) -> bool:
        """Whether a request made with them may tell a secret: any header may be one."""
        return bool(self.headers or self.login)

    def with_login(self, login: tuple[str, str] | None, address: str) -> "HttpOptions":
        """The same with a login of this machine, unless it brings its own, or its proxy would read what is sent."""
        read_on_the_way = bool(self.proxy) and address.startswith("http://")
        return self if self.carry_credentials or read_on_the_way else self._replace(login=login)

    def at(self, url: "URL", *, home: "URL") -> "HttpOptions":
        """The same for another address: nothing that was meant for the origin of `home` leaves it."""
        return self if url.origin() == home.origin() else self._replace(headers=(), login=None)


def _refuse_unknown(given: Mapping[str, object], known: tuple[str, ...], place: str) -> None:
    for key in _VERIFICATION.intersection(given):
        raise DocumentError(
            f"{place} has the key `{key}`, and certificates are always verified",
            hint="name the certificate authority to trust by the environment variable SSL_CERT_FILE",
        )
    refuse_unknown(given, known, place, "no http source")


def _headers(given: Mapping[str, object]) -> dict[str, str]:
    headers = {name.title(): text_of(text, f"headers.{name}") for name, text in table_at(given, "headers").items()}
    for name in headers:
        if not (name.isascii() and name.replace("-", "").replace("_", "").isalnum()):
            raise DocumentError(f"fs-args header {name!a} has characters no header may have")
    return headers


def _login(value: object) -> tuple[str, str] | None:
    if value is None:
        return None
    if isinstance(value, list | tuple) and len(value) == 2:
        return text_of(value[0], "auth"), text_of(value[1], "auth")
    raise DocumentError("fs-args key `auth` must be a list of user and password")


def _timeouts(merged: Mapping[str, object]) -> dict[str, float | None]:
    value = merged.get("timeout")
    given = table_at(merged, "timeout") if isinstance(value, Mapping) else {"total": value}
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
