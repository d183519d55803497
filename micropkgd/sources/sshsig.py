"""Signatures as `ssh-keygen -Y sign` makes them, checked without it (PROTOCOL.sshsig of OpenSSH).

Rule: what is signed is the SHA-256 of the archive (`-O hashalg=sha256`), by which lock, pins, cache and mirrors know
it, too. So a signature is checked against a digest alone, wherever the bytes come from, and again on every machine.
The cryptography is that of `cryptography`; here is only the form, and nothing of it is passed over that is odd.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable

from micropkgd.annotations import TYPE_CHECKING, Final
from micropkgd.model.signers import NAMESPACE
from micropkgd.model.tree import Digest
from micropkgd.named_tuples import NamedTuple

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

AT_MOST: Final = 1 << 14  # bytes of a file with a signature

_MAGIC: Final = b"SSHSIG"
_BEGIN: Final = "-----BEGIN SSH SIGNATURE-----"
_END: Final = "-----END SSH SIGNATURE-----"
_LEAST_RSA: Final = 2048  # bits
_CURVES: Final = {f"ecdsa-sha2-nistp{bits}".encode(): bits for bits in (256, 384, 521)}


class SignatureFormatError(Exception):
    """A signature that is none for our purpose; the text says why, as part of a sentence. Never shown by itself."""


class SshSignature(NamedTuple):
    """A signature of the SHA-256 of something, by whoever has the key."""

    key: bytes  # as SSH writes it
    algorithm: bytes
    value: bytes
    whole: bytes  # all of it, as it is kept

    @classmethod
    def of_file(cls, data: bytes) -> "SshSignature":
        """Read a `.sig` file."""
        lines = data.decode("ascii", "replace").strip().splitlines()
        if len(data) > AT_MOST or len(lines) < 3 or (lines[0], lines[-1]) != (_BEGIN, _END):
            raise SignatureFormatError("it is not one file of `ssh-keygen -Y sign`")
        return cls.of_text("".join(lines[1:-1]))

    @classmethod
    def of_text(cls, text: str) -> "SshSignature":
        """Read it as it is kept in a lock."""
        try:
            whole = b64decode(text, validate=True)
        except ValueError as error:
            raise SignatureFormatError("it is not in base64") from error
        return cls._of_bytes(whole)

    @classmethod
    def _of_bytes(cls, whole: bytes) -> "SshSignature":
        if not whole.startswith(_MAGIC + (1).to_bytes(4)):
            raise SignatureFormatError("it is not an SSH signature of version 1")
        key, namespace, reserved, hashed, inner = _strings(whole[len(_MAGIC) + 4 :], 5)
        if namespace != NAMESPACE.encode():
            raise SignatureFormatError(
                f"it is for `{ascii(namespace.decode('ascii', 'replace'))[1:-1]}`, not `{NAMESPACE}`"
            )
        if reserved or hashed != b"sha256":
            raise SignatureFormatError("it does not sign the SHA-256: sign with `-O hashalg=sha256`")
        algorithm, value = _strings(inner, 2)
        return cls(key, algorithm, value, whole)

    @property
    def text(self) -> str:
        """As it is kept in a lock."""
        return b64encode(self.whole).decode()

    @property
    def fingerprint(self) -> str:
        """The key as `ssh-keygen -l` calls it."""
        from hashlib import sha256

        return f"SHA256:{b64encode(sha256(self.key).digest()).decode().rstrip('=')}"

    def signs(self, digest: Digest) -> bool:
        """Whether it is a signature of what has this digest; `SignatureFormatError` where its key is of no use."""
        from cryptography.exceptions import InvalidSignature

        hashed = bytes.fromhex(digest.removeprefix("sha256:"))
        message = _MAGIC + b"".join(map(_string, (NAMESPACE.encode(), b"", b"sha256", hashed)))
        check = self._check()
        try:
            check(message)
        except InvalidSignature:
            return False
        return True

    def _check(self) -> Callable[[bytes], None]:
        """What its key makes of a message; it raises where the signature does not fit."""
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
        from cryptography.hazmat.primitives.serialization import load_ssh_public_key

        (kind,) = _strings(self.key, 1, rest=True)
        try:
            public = load_ssh_public_key(kind + b" " + b64encode(self.key))
        except (ValueError, UnsupportedAlgorithm, NotImplementedError) as error:  # the last: a compressed point
            raise SignatureFormatError("its key cannot be read") from error
        if isinstance(public, ed25519.Ed25519PublicKey) and self.algorithm == kind == b"ssh-ed25519":
            return lambda message: public.verify(self.value, message)
        if isinstance(public, ec.EllipticCurvePublicKey) and self.algorithm == kind:
            return lambda message: public.verify(self._dss(), message, ec.ECDSA(_hash(_CURVES[kind])))
        if isinstance(public, rsa.RSAPublicKey) and self.algorithm in {b"rsa-sha2-256", b"rsa-sha2-512"}:
            if public.key_size < _LEAST_RSA:
                raise SignatureFormatError(f"its key has {public.key_size} bits, and {_LEAST_RSA} are the least")
            from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

            bits = int(self.algorithm[-3:])
            return lambda message: public.verify(self.value, message, PKCS1v15(), _hash(bits))
        raise SignatureFormatError(
            f"its algorithm `{ascii(self.algorithm.decode('ascii', 'replace'))[1:-1]}` is not known"
        )

    def _dss(self) -> bytes:
        from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

        r, s = _strings(self.value, 2)
        return encode_dss_signature(int.from_bytes(r), int.from_bytes(s))


def _hash(bits: int) -> "HashAlgorithm":
    """By the size of a curve or of the hash itself: RFC 5656, RFC 8332."""
    from cryptography.hazmat.primitives import hashes

    return hashes.SHA256() if bits <= 256 else hashes.SHA384() if bits <= 384 else hashes.SHA512()


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4) + data


def _strings(data: bytes, count: int, *, rest: bool = False) -> list[bytes]:
    """So many texts of SSH's form, and nothing behind them unless `rest` is another's."""
    found = []
    for _ in range(count):
        size = int.from_bytes(data[:4])
        if len(data) < 4 + size:
            raise SignatureFormatError("it is cut off")
        found.append(data[4 : 4 + size])
        data = data[4 + size :]
    if data and not rest:
        raise SignatureFormatError("it goes on behind its end")
    return found
