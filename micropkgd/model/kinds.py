"""The kinds of values that a config has: how each is read, from TOML and from a variable's text."""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum

from micropkgd.annotations import Final
from micropkgd.named_tuples import NamedTuple

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?(B|KiB|MiB|GiB|kB|MB|GB)")
_BYTES: Final = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BUCKET = re.compile(r"(?:s3|gs)://[^/?#\s]+(?:/[^?#]*)?")
_CRON = re.compile(r"\S+([ \t]+\S+){4}|@[a-z]+")


_SOME_TEXT: Final = {"type": "string", "minLength": 1}
_TEXT_LIST: Final = {"type": "array", "items": _SOME_TEXT}


class ValueKind(NamedTuple):
    """How the value of a key is read, from TOML and from a variable."""

    read: Callable[[object], object]  # raises `ValueError` with what was wanted, or a `DocumentError`
    split: bool = False  # whether a variable holds several, parted by commas
    convert: Callable[[str], object] = str  # of a variable's text into what TOML would have
    schema: Mapping[str, object] = {}  # what JSON Schema can say of it, for editors; `read` decides


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a text that is not empty")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise ValueError("a list of texts")
    return tuple(value)


def _origins(key: str) -> Callable[[object], tuple[str, ...]]:
    """Read the places that a key names."""

    def read(value: object) -> tuple[str, ...]:
        from micropkgd.model.origins import Origins  # only where a list is given: it costs as much as all the rest

        texts = _texts(value)
        Origins.parse(texts, key)
        return texts

    return read


def _signers(value: object) -> tuple[str, ...]:
    from micropkgd.model.signers import parse_signers

    lines = _texts(value)
    parse_signers(lines)
    return lines


def _publishers(value: object) -> tuple[str, ...]:
    from micropkgd.model.publishers import parse_publishers

    lines = _texts(value)
    parse_publishers(lines)
    return lines


def _names(value: object) -> tuple[str, ...]:
    names = _texts(value)
    if not all(_NAME.fullmatch(name) for name in names):
        raise ValueError("a list of names of variables")
    return names


def _argv(value: object) -> tuple[str, ...]:
    words = _texts(value)
    if not words:
        raise ValueError("a list with the program and its arguments")
    return words


def _bucket(value: object) -> str:
    text = _text(value)
    if not _BUCKET.fullmatch(text):
        raise ValueError("a folder of a bucket, such as s3://bucket/archives/ or gs://bucket/archives/")
    return text if text.endswith("/") else f"{text}/"


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")  # noqa: TRY004 - one family of errors for all kinds
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 1000:
        raise ValueError("a number from 1 to 1000")
    return value


def _duration(value: object) -> float:
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('a time such as "30s", "5m", "2h" or "1d"')
    return float(match[1]) * _SECONDS[match[2]]


def _some_time(value: object) -> float:
    seconds = _duration(value)
    if seconds < 1:
        raise ValueError("a time of at least a second")
    return seconds


def _size(value: object) -> int:
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    size = int(float(match[1]) * _BYTES[match[2]]) if match is not None else 0
    if size < 1:
        raise ValueError('a size such as "500KiB" or "20MiB"')
    return size


def _cron(value: object) -> str:
    if not isinstance(value, str) or not _CRON.fullmatch(value):
        raise ValueError('five fields of cron, such as "*/15 8-18 * * 1-5", or "@daily"')
    return value


def _listen(value: object) -> str:
    host, colon, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    if not host or not colon or not port.isdecimal() or int(port) > 65535:
        raise ValueError('an address such as "127.0.0.1:8473"')
    return f"{host}:{int(port)}"


def _path(value: object) -> str:
    if not isinstance(value, str) or not value.startswith(("/", "~/")):
        raise ValueError("an absolute path")
    return value


def _url(value: object) -> str:
    if not isinstance(value, str) or not value.startswith(("https://", "http://")):
        raise ValueError("an address that begins with https://")
    return value


def _matching(pattern: re.Pattern[str]) -> Mapping[str, object]:
    """The schema of a text that a pattern matches as a whole."""
    return {"type": "string", "pattern": f"^(?:{pattern.pattern})$"}


def choice(words: type[StrEnum]) -> ValueKind:
    """The kind of a key that takes one of the words of an enumeration."""

    def read(value: object) -> StrEnum:
        try:
            return words(str(value))
        except ValueError:
            raise ValueError(f"one of {', '.join(words)}") from None

    return ValueKind(read, schema={"enum": [word.value for word in words]})


def _truth(text: str) -> object:
    return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)


def _number(text: str) -> object:
    return int(text) if text.isdecimal() else text


def origins_of(key: str) -> ValueKind:
    """The kind of a key that names places."""
    return ValueKind(_origins(key), split=True, schema=_TEXT_LIST)


TEXT = ValueKind(_text, schema=_SOME_TEXT)
TEXTS, ARGV = (
    ValueKind(_texts, split=True, schema=_TEXT_LIST),
    ValueKind(_argv, split=True, schema={**_TEXT_LIST, "minItems": 1}),
)
PUBLISHERS = ValueKind(_publishers, split=True, schema=_TEXT_LIST)
SIGNERS = ValueKind(_signers, split=True, schema=_TEXT_LIST)
NAMES = ValueKind(_names, split=True, schema={"type": "array", "items": _matching(_NAME)})
FLAG = ValueKind(_flag, convert=_truth, schema={"type": "boolean"})
COUNT = ValueKind(_count, convert=_number, schema={"type": "integer", "minimum": 1, "maximum": 1000})
DURATION, TIME = (
    ValueKind(_duration, schema=_matching(_DURATION)),
    ValueKind(_some_time, schema=_matching(_DURATION)),
)
SIZE, CRON = ValueKind(_size, schema=_matching(_SIZE)), ValueKind(_cron, schema=_matching(_CRON))
LISTEN = ValueKind(_listen, schema={"type": "string", "pattern": "^.+:[0-9]{1,5}$"})
URL = ValueKind(_url, schema={"type": "string", "pattern": "^https?://"})
PATH = ValueKind(_path, schema={"type": "string", "pattern": "^(/|~/)"})
BUCKET = ValueKind(_bucket, schema=_matching(_BUCKET))
