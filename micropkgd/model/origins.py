"""Places on the network and on disk, as the machine's owner names them (`allowed-origins` and others).

Rules: an address is compared part by part once it is taken apart, never as text. A path is let in only if it stays
below the prefix in every way that servers are known to read one: as written, with its escapes undone, with empty
parts dropped. What cannot be read without doubt is not allowed. The parsers are imported where an address is read:
most passes have none to compare.
"""

from collections.abc import Callable, Iterable, Iterator

from micropkgd.errors import DocumentError
from micropkgd.named_tuples import NamedTuple

CONFIG_KEY = "allowed-origins"
PUBLISH_KEY = "publish-origins"

_FORMS = (
    "write `https://host/prefix`, `https://*.example.com`, `s3://bucket/prefix`, `gs://bucket`, `file` or `/folder`"
)
_PORTS = {"https": 443, "http": 80}
_BUCKETS = {"s3": "s3", "gs": "gs", "gcs": "gs"}
_FILE = "file"

Parts = tuple[str, ...]
Quantifier = Callable[[Iterable[bool]], bool]
"""`all` readings of an address, or `any`."""


class Origin(NamedTuple):
    """One place, and all below it. Build it with `parse`, which checks."""

    scheme: str
    place: str  # host or bucket; `.example.com` for all hosts below; empty for files
    port: int = 0
    prefix: Parts = ()  # parts of a path; none: all of it

    @classmethod
    def parse(cls, text: str) -> "Origin":
        """Read one line of the machine's config; `DocumentError` where it names no place."""
        if text == _FILE:
            return cls(_FILE, "")
        if not text.isprintable() or text != text.strip() or "\\" in text or {".", ".."} & set(text.split("/")):
            raise _no_origin(text)
        scheme, found, rest = text.partition("://")
        scheme = scheme.lower()
        if text.startswith("/") or (found and scheme == _FILE and rest.startswith("/")):
            return cls(_FILE, "", 0, _parts(rest if found else text))
        if found and scheme in _BUCKETS:
            bucket, _, key = rest.partition("/")
            if bucket and not set(bucket) & set("*@?#: "):
                return cls(_BUCKETS[scheme], bucket, 0, _parts(key))
        if found and scheme in _PORTS and not set(text) & set("@?#% ") and (server := _server(text)) is not None:
            from urllib.parse import urlsplit

            host, port = server
            below = host.startswith("*.")
            if "*" not in host[2 * below :]:
                return cls(scheme, host[below:], port, _parts(urlsplit(text).path))
        raise _no_origin(text)


class Origins(NamedTuple):
    """All places that are allowed. Build it with `parse`, which checks."""

    places: tuple[Origin, ...]
    key: str = CONFIG_KEY  # of the config, that names them

    @classmethod
    def parse(cls, texts: Iterable[str], key: str = CONFIG_KEY) -> "Origins":
        """Read the machine's list; an empty one allows nothing but the project's own files."""
        try:
            return cls(tuple(map(Origin.parse, texts)), key)
        except DocumentError as error:
            raise DocumentError(f"{key}: {error.problem}", hint=error.hint) from error

    def allows(self, address: str) -> bool:
        """Whether an address, or an absolute path, is at one of the places or below it, whoever reads it."""
        return self._judge(address, all)

    def touches(self, address: str) -> bool:
        """Whether an address, or an absolute path, may be taken for one at one of the places or below it."""
        return self._judge(address, any)

    def _judge(self, address: str, readings: "Quantifier") -> bool:
        if not address.isprintable() or "\\" in address or address != address.strip():
            return readings is any
        scheme, found, rest = address.partition("://")
        scheme = scheme.lower()
        if address.startswith("/"):
            return self._has(_FILE, "", 0, [_parts(address)], readings)
        from urllib.parse import unquote, urlsplit

        if found and scheme == _FILE:
            return rest.startswith("/") and self._has(_FILE, "", 0, [_parts(unquote(rest))], readings)
        if found and scheme in _BUCKETS:
            bucket, _, key = rest.partition("/")
            return bool(bucket) and self._has(_BUCKETS[scheme], bucket, 0, list(_readings(key)), readings)
        if found and scheme in _PORTS and (server := _server(address)) is not None:
            return self._has(scheme, *server, list(_readings(urlsplit(address).path.removeprefix("/"))), readings)
        return False

    def _has(self, scheme: str, place: str, port: int, ways: list[Parts], readings: "Quantifier") -> bool:
        return any(
            ((one.scheme, one.port) == (scheme, port) or (readings is any and {one.scheme, scheme} <= _PORTS.keys()))
            and _at(one.place, place)
            and readings(parts[: len(one.prefix)] == one.prefix for parts in ways)
            for one in self.places
        )


def _at(allowed: str, place: str) -> bool:
    if not allowed.startswith("."):
        return place == allowed
    return place.endswith(allowed) and place != allowed and not place.rpartition(".")[2].isdigit()


def _server(address: str) -> tuple[str, int] | None:
    """Host and port of an http address in their one form; None where it has none that is plain."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
        host = _plain(host.removesuffix("."))
    except (ValueError, UnicodeError):
        return None
    if not host or port == 0 or any(letter in host for letter in " /\\%?#@<>^|"):
        return None
    return host, port or _PORTS[parts.scheme]


def _plain(host: str) -> str:
    """A host's name in ASCII, a number in its shortest form; one that maps an IPv4 number is that number."""
    from ipaddress import IPv6Address, ip_address

    try:
        number = ip_address(host)
    except ValueError:
        return host if host.isascii() else host.encode("idna").decode("ascii").lower()
    mapped = number.ipv4_mapped if isinstance(number, IPv6Address) else None
    return str(mapped or number)


def _readings(path: str) -> Iterator[Parts]:
    """The ways in which servers and their proxies read one path."""
    from urllib.parse import unquote

    bare = path
    while (undone := unquote(bare)) != bare:
        bare = undone
    for text in dict.fromkeys((path, bare.replace("\\", "/"))):
        yield _parts(text, keep_empty=True)
        yield _parts(text)


def _parts(path: str, *, keep_empty: bool = False) -> Parts:
    """The parts of a path with its dots resolved; `..;x` counts as `..`, as some servers have it."""
    found: list[str] = []
    for part in path.split("/"):
        name = part.partition(";")[0] if part.startswith(".") else part
        if name == "..":
            del found[-1:]
        elif name != "." and (name or keep_empty):
            found.append(part)
    return tuple(found)


def _no_origin(text: str) -> DocumentError:
    shown = text.rpartition("@")[2] if "@" in text else text
    return DocumentError(f"{shown!a} names no place that archives come from", hint=_FORMS)
