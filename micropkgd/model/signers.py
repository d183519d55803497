"""Signers: whose signature an archive must carry, by where it comes from. Pure.

A line names one as ssh's own `allowed_signers` does: who it is, then the public key. Rules: what is not understood of a
line is an error and never passed over, for it may bound the key (`valid-before`); a key that is for other namespaces
alone is no signer. Every rule that covers an archive must be met.
"""

import re
from base64 import b64decode
from collections.abc import Iterable

from micropkgd.annotations import Final
from micropkgd.errors import DocumentError
from micropkgd.model.origins import Origins
from micropkgd.model.publishers import CertificateClaims, TrustedPublisher
from micropkgd.model.ref import Ref, RefKind
from micropkgd.named_tuples import NamedTuple

NAMESPACE: Final = "micropkgd"
SUFFIX: Final = ".sig"
KINDS: Final = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")

_LINE: Final = re.compile(r'(\S+)\s+(?:namespaces="([^"]*)"\s+)?([a-z0-9@.-]+)\s+([A-Za-z0-9+/]+={0,2})(?:\s+.*)?')
_FORM: Final = "write it like `ana@example.com ssh-ed25519 AAAA...`: who it is, then the line of the public key"


class Signer(NamedTuple):
    """One who may sign, by one key; who changes keys has two for a while."""

    identity: str
    key: bytes  # as SSH writes it


class SignatureRule(NamedTuple):
    """Archives from these places carry a signature of one of these signers, or an attestation of these publishers."""

    signers: tuple[Signer, ...]
    origins: Origins | None = None  # None: from anywhere
    owner: str = "this machine"  # who asks for it
    publishers: tuple[TrustedPublisher, ...] = ()  # where there are any, no signature is asked for
    trusted_root: str = ""  # the file that attestations are checked by; empty: that of the public Sigstore

    @property
    def names(self) -> str:
        """All who may, for a message."""
        named = [one.text for one in self.publishers] or [signer.identity for signer in self.signers]
        return ", ".join(dict.fromkeys(named)) or "nobody"

    def covers(self, places: Iterable[str]) -> bool:
        """Whether an archive that is known by these addresses or absolute paths must be signed."""
        return self.origins is None or any(self.origins.touches(place) for place in places)

    def signer_of(self, key: bytes) -> Signer | None:
        """Who among them has this key."""
        return next((signer for signer in self.signers if signer.key == key), None)

    def publisher_of(self, claims: CertificateClaims) -> TrustedPublisher | None:
        """Whose certificate it is, among them."""
        return next((publisher for publisher in self.publishers if publisher.is_of(claims)), None)


def parse_signers(lines: Iterable[str]) -> tuple[Signer, ...]:
    """Read lines of `allowed_signers`, comments and empty ones left out; `DocumentError` shows the first odd one."""
    found = (_signer(line.strip()) for line in lines if line.strip() and not line.lstrip().startswith("#"))
    return tuple(signer for signer in found if signer is not None)


def _signer(line: str) -> Signer | None:
    match = _LINE.fullmatch(line)
    if match is None or not line.isprintable() or match[1].startswith('"'):
        raise DocumentError(f"`{ascii(line)[1:81]}` names no signer", hint=_FORM)
    identity, namespaces, kind, text = match.groups()
    if kind not in KINDS:
        raise DocumentError(f"the key of {identity} is of the kind `{kind}`", hint=f"known are {', '.join(KINDS)}")
    try:
        key = b64decode(text, validate=True)
    except ValueError:
        key = b""
    if not key.startswith(len(kind).to_bytes(4) + kind.encode()):
        raise DocumentError(f"the key of {identity} is not whole", hint=_FORM)
    others = namespaces is not None and not {NAMESPACE, "*"} & set(namespaces.split(","))
    return None if others else Signer(identity, key)


def beside(ref: Ref) -> Ref:
    """Where the signature of an archive is: `x.tar.gz?y` -> `x.tar.gz.sig?y`.

    In a bucket a pinned version is the archive's own; of its signature the newest is asked for.
    """
    if ref.kind is RefKind.LOCAL:
        return ref._replace(text=f"{ref.text}{SUFFIX}", location=f"{ref.location}{SUFFIX}")
    address, mark, query = ref.location.partition("?")
    rest = "" if ref.kind in {RefKind.S3, RefKind.GCS} else mark + query
    if ref.kind is RefKind.GCS:
        address = address.partition("#")[0]
    return ref._replace(text=f"{address}{SUFFIX}{rest}", location=f"{address}{SUFFIX}{rest}")
