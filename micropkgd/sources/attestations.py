"""Attestations of indexes (PEP 740), checked by `pypi-attestations` and `sigstore` without any network.

What is signed is a statement that names the archive's SHA-256; the key is of some minutes, its certificate says who had
it, and a log of signatures saw both while it was good. All of that is in the attestation, so it is checked against the
digest alone, years later, too. What must be trusted for it, the root, is a file: that of the machine's config, or the
one of the public Sigstore that `sigstore` keeps.

Rules: the libraries are imported where an attestation is checked, for they take a while; whatever they raise at
foreign input means that it does not count.
"""

import json
import logging
import zlib
from base64 import b64decode, b64encode

from micropkgd.annotations import TYPE_CHECKING, Any, Final
from micropkgd.errors import UsageError
from micropkgd.model.publishers import CertificateClaims
from micropkgd.model.tree import Digest

if TYPE_CHECKING:
    from pypi_attestations import Attestation
    from sigstore.models import TrustedRoot

AT_MOST: Final = 1 << 19  # bytes of what an index serves beside a file

_MOST: Final = 16  # attestations of one file
_LARGEST: Final = 1 << 17  # bytes of one
_STATEMENT: Final = "application/vnd.in-toto+json"
_KINDS: Final = ("https://docs.pypi.org/attestations/publish/v1", "https://slsa.dev/provenance/v1")
_OID: Final = "1.3.6.1.4.1.57264.1."


class AttestationFormatError(Exception):
    """An attestation that is none for our purpose; the text says why, as part of a sentence. Never shown by itself."""


def texts_in(provenance: bytes) -> list[str]:
    """The attestations that an index serves beside a file, each as a lock keeps it."""
    try:
        bundles = json.loads(provenance)["attestation_bundles"]
        found = [one for bundle in bundles for one in bundle["attestations"]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise AttestationFormatError("it is not a provenance object of PEP 740") from error
    if len(found) > _MOST:
        raise AttestationFormatError(f"it has more than {_MOST} attestations")
    return [_kept(json.dumps(one, sort_keys=True, separators=(",", ":")).encode()) for one in found]


def is_attestation(text: str) -> bool:
    """Whether what a lock keeps is one, and not a signature of SSH."""
    return text.startswith(_kept(b"{}")[:2])


def claims_of(text: str, archive: Digest, trusted_root: str) -> CertificateClaims:
    """Whose attestation it is, of the archive with this digest; `AttestationFormatError` where it does not count."""
    data = _whole(text)
    attestation_class, verifier_class, root = _libraries(trusted_root)
    try:
        attestation = attestation_class.model_validate_json(data)
        seen = _Seen()
        kind, payload = verifier_class(trusted_root=root).verify_dsse(attestation.to_bundle(), seen)
        statement = json.loads(payload)
        subjects = [(one["name"], one["digest"].get("sha256")) for one in statement["subject"]]
        claims = _claims(attestation, seen.certificate)
    except Exception as error:
        raise AttestationFormatError(f"it cannot be verified ({type(error).__name__}: {_brief(error)})") from error
    if kind != _STATEMENT or statement.get("predicateType") not in _KINDS:
        raise AttestationFormatError("it does not attest that a file was published, or how it was built")
    if len(subjects) != 1 or f"sha256:{subjects[0][1]}" != archive:
        raise AttestationFormatError(f"it is of another archive than this one ({archive})")
    return claims


class _Seen:
    """Takes the certificate from who verifies all else of it: whose it is, rules say."""

    certificate: Any = None

    def verify(self, cert: Any) -> None:
        """Called by the verifier with the certificate whose chain it has checked."""
        self.certificate = cert


def _libraries(trusted_root: str) -> "tuple[type[Attestation], Any, TrustedRoot]":
    try:
        from pypi_attestations import Attestation
        from sigstore.models import ClientTrustConfig, TrustedRoot
        from sigstore.verify import Verifier
    except ImportError as error:
        hint = "install micropkgd with its extra `attestations`, as in `pip install '.[attestations]'` from a checkout"
        raise UsageError(f"attestations cannot be checked: {error}", hint=hint) from error
    logging.getLogger("sigstore").setLevel(logging.ERROR)  # it warns of being offline, which is what is wanted
    try:
        root = TrustedRoot.from_file(trusted_root) if trusted_root else None
        return Attestation, Verifier, root or ClientTrustConfig.production(offline=True).trusted_root
    except Exception as error:
        problem = f"the root that attestations are checked by cannot be read: {_brief(error)}"
        hint = "`trusted-root` names a trusted_root.json of Sigstore"
        raise UsageError(problem, where=trusted_root, hint=hint) from error


def _claims(attestation: "Attestation", certificate: Any) -> CertificateClaims:
    said = attestation.certificate_claims
    from cryptography.x509 import RFC822Name, SubjectAlternativeName, UniformResourceIdentifier

    names = certificate.extensions.get_extension_for_class(SubjectAlternativeName).value
    identities = (name.value for name in names if isinstance(name, RFC822Name | UniformResourceIdentifier))
    refs = tuple(said[f"{_OID}{number}"] for number in (13, 14) if said.get(f"{_OID}{number}"))
    issuer, repository, build = (said.get(f"{_OID}{number}", "") for number in (8, 12, 18))
    return CertificateClaims(issuer, tuple(identities), repository, build, refs)


def _kept(data: bytes) -> str:
    return b64encode(zlib.compress(data, 9)).decode()


def _whole(text: str) -> bytes:
    try:
        unpacked = zlib.decompressobj()
        data = unpacked.decompress(b64decode(text, validate=True), _LARGEST)
    except (ValueError, zlib.error) as error:
        raise AttestationFormatError("it is damaged") from error
    if not unpacked.eof or unpacked.unused_data:
        raise AttestationFormatError("it is damaged, or too large")
    return data


def _brief(error: Exception) -> str:
    words = " ".join(str(error).split())
    return ascii(words)[1:161] or type(error).__name__
