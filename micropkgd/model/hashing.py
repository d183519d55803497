"""SHA-256, without OpenSSL as long as little is hashed: to load that takes longer than a small command needs to hash.

CPython has a SHA-256 of its own, which `hashlib` falls back to, and which reads a quarter of a gigabyte a second, a
sixth of what OpenSSL does (docs/decisions/0067-small-hashes.md).
"""

import sys
from functools import cache

from micropkgd.annotations import TYPE_CHECKING, BinaryIO, Final
from micropkgd.model.tree import Digest

if TYPE_CHECKING:
    from collections.abc import Callable
    from hashlib import _Hash

_LITTLE: Final = 256 << 10  # bytes, which CPython's own hashes in a third of the time that OpenSSL takes to load
_PIECE: Final = 1 << 20  # bytes
_BLOCK: Final = 64  # bytes, of SHA-256

_hashed = 0  # bytes of which this process asked the hash at once


def sha256(data: bytes | bytearray) -> "_Hash":
    """The hash of these bytes."""
    global _hashed  # noqa: PLW0603  of the process, as what it has loaded is
    _hashed += len(data)
    if _hashed <= _LITTLE and "hashlib" not in sys.modules and (own := _own()) is not None:
        return own(data)
    return _of_openssl(data)


def _of_openssl(data: bytes | bytearray) -> "_Hash":
    import hashlib

    return hashlib.sha256(data)


@cache
def _own() -> "Callable[[bytes | bytearray], _Hash] | None":
    """CPython's own, by its name before or since 3.12; None where it was built without."""
    module = "_sha2" if sys.version_info >= (3, 12) else "_sha256"
    try:
        found: Callable[[bytes | bytearray], _Hash] = __import__(module).sha256
    except ImportError:
        return None
    return found


class Hasher:
    """The digest of bytes that come in pieces."""

    __slots__ = ("_first", "_hash")

    def __init__(self) -> None:
        self._first = bytearray()  # kept until they are more than a little
        self._hash: _Hash | None = None

    def update(self, piece: bytes | bytearray) -> None:
        """Take more bytes."""
        if self._hash is not None:
            self._hash.update(piece)
        elif "hashlib" not in sys.modules and len(self._first) + len(piece) <= _LITTLE:
            self._first += piece
        else:
            self._hash = _of_openssl(self._first)
            self._hash.update(piece)
            self._first.clear()

    @property
    def digest(self) -> Digest:
        """Of all bytes so far."""
        return Digest(f"sha256:{(self._hash or sha256(self._first)).hexdigest()}")


def digest_of_stream(stream: BinaryIO) -> Digest:
    """The digest of what can be read from here on."""
    hasher = Hasher()
    while piece := stream.read(_PIECE):
        hasher.update(piece)
    return hasher.digest


def mark_of(key: bytes, text: bytes) -> bytes:
    """What only the holder of a key of at most 64 bytes can write below a text: its HMAC-SHA256 (RFC 2104), in hex.

    The standard library's `hmac` is for OpenSSL, too.
    """
    block = key.ljust(_BLOCK, b"\0")
    inner = sha256(bytes(byte ^ 0x36 for byte in block) + text).digest()
    return sha256(bytes(byte ^ 0x5C for byte in block) + inner).hexdigest().encode()
