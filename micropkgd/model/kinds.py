"""The kinds of values that a config has: how each is read, from TOML and from a variable's text."""

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Final, NamedTuple

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?(B|KiB|MiB|GiB|kB|MB|GB)")
_BYTES: Final = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BUCKET = re.compile(r"(?:s3|gs)://[^/?#\s]+(?:/[^?#]*)?")
_CRON = re.compile(r"\S+([ \t]+\S+){4}|@[a-z]+")


class ValueKind(NamedTuple):
    """How the value of a key is read, from TOML and from a variable."""

    read: Callable[[object], object]  # raises `ValueError` with what was wanted, or a `DocumentError`
    split: bool = False  # whether a variable holds several, parted by commas
    convert: Callable[[str], object] = str  # of a variable's text into what TOML would have


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


def choice(words: type[StrEnum]) -> Callable[[object], StrEnum]:
    """Read one of the words of an enumeration."""

    def read(value: object) -> StrEnum:
        try:
            return words(str(value))
        except ValueError:
            raise ValueError(f"one of {', '.join(words)}") from None

    return read


def _truth(text: str) -> object:
    return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)


def _number(text: str) -> object:
    return int(text) if text.isdecimal() else text


def origins_of(key: str) -> ValueKind:
    """The kind of a key that names places."""
    return ValueKind(_origins(key), split=True)


TEXT, TEXTS, ARGV = ValueKind(_text), ValueKind(_texts, split=True), ValueKind(_argv, split=True)
NAMES = ValueKind(_names, split=True)
FLAG, COUNT = ValueKind(_flag, convert=_truth), ValueKind(_count, convert=_number)
DURATION, TIME, SIZE = ValueKind(_duration), ValueKind(_some_time), ValueKind(_size)
CRON, LISTEN, URL, PATH = ValueKind(_cron), ValueKind(_listen), ValueKind(_url), ValueKind(_path)
BUCKET = ValueKind(_bucket)
