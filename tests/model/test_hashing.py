"""SHA-256 by whichever hand: the same digests as hashlib's, and OpenSSL is loaded for much alone."""

import hashlib
import hmac
import io
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micropkgd.model import hashing
from micropkgd.model.hashing import Hasher, digest_of_stream, mark_of, sha256

LITTLE = hashing._LITTLE
MANY = 3 * LITTLE


@pytest.fixture(params=["own", "OpenSSL", "own is missing"], autouse=True)
def hand(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a process is that has hashed nothing, that has loaded OpenSSL, or whose Python lacks its own."""
    monkeypatch.setattr(hashing, "_hashed", 0)
    if request.param != "OpenSSL":
        monkeypatch.delitem(sys.modules, "hashlib")
    if request.param == "own is missing":
        monkeypatch.setattr(hashing, "_own", lambda: None)


SIZES = [0, 1, 63, 64, 65, LITTLE - 1, LITTLE, LITTLE + 1, MANY]


@pytest.mark.parametrize("size", SIZES)
def test_bytes_at_once_have_the_digest_of_hashlib(size: int) -> None:
    """On both sides of each bound."""
    data = bytes(range(256)) * (size // 256 + 1)
    assert sha256(data[:size]).hexdigest() == hashlib.sha256(data[:size]).hexdigest()


@given(sizes=st.lists(st.sampled_from([0, 1, 512, LITTLE // 2, LITTLE, LITTLE + 1]), max_size=6))
def test_pieces_have_the_digest_of_all_together(sizes: list[int]) -> None:
    """Asked after each piece, wherever the hash goes over from one hand to the other."""
    hasher, whole = Hasher(), b""
    for number, size in enumerate(sizes):
        whole += bytes([number]) * size
        hasher.update(bytes([number]) * size)
        assert hasher.digest == f"sha256:{hashlib.sha256(whole).hexdigest()}"


@pytest.mark.parametrize("size", SIZES)
def test_a_stream_has_the_digest_of_what_is_left_to_read(size: int) -> None:
    """From where it stands."""
    stream = io.BytesIO(b"read" + bytes(size))
    stream.seek(4)
    assert digest_of_stream(stream) == f"sha256:{hashlib.sha256(bytes(size)).hexdigest()}"


@given(key=st.binary(max_size=64), text=st.binary(max_size=300))
def test_mark_is_the_hmac_of_the_standard_library(key: bytes, text: bytes) -> None:
    """RFC 2104, for the keys that it is for."""
    assert mark_of(key, text) == hmac.digest(key, text, "sha256").hex().encode()


ASKS = """
import sys
from micropkgd.model.hashing import Hasher, sha256
little, much = b"x" * 1000, bytes(64 << 10)
{}
print("hashlib" in sys.modules)
"""


@pytest.mark.parametrize(
    ("does", "loads"),
    [
        ("for _ in range(20): sha256(little)", False),
        ("for _ in range(4): sha256(much)", False),
        ("for _ in range(5): sha256(much)", True),
        ("hasher = Hasher(); hasher.update(little); hasher.digest", False),
        ("hasher = Hasher(); [hasher.update(much) for _ in range(5)]", True),
        ("for _ in range(5): hasher = Hasher(); hasher.update(much); hasher.digest", True),
    ],
)
def test_openssl_is_loaded_where_much_is_hashed(does: str, loads: bool) -> None:
    """In one hash, or in all of a process together."""
    asked = subprocess.run([sys.executable, "-c", ASKS.format(does)], capture_output=True, text=True, check=True)
    assert asked.stdout.strip() == str(loads)
