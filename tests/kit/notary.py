"""A Sigstore of a test's own: a certificate authority, its log of certificates, and a log of signatures.

What it issues is what Fulcio and Rekor issue, with real keys, so that the real libraries check it by its trusted root
and without any network. Only who asks for a certificate is believed.
"""

import json
import struct
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

GITHUB = "https://token.actions.githubusercontent.com"
PUBLISH = "https://docs.pypi.org/attestations/publish/v1"
_CLAIMS = "1.3.6.1.4.1.57264.1."
_SCTS = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_STATEMENT = "application/vnd.in-toto+json"


class Identity(NamedTuple):
    """Who asks for a certificate, and from where."""

    san: str
    issuer: str
    claims: Mapping[int, str] = {}  # by the last number of their OID

    @classmethod
    def of_github(cls, repository: str, workflow: str, ref: str = "refs/tags/v1") -> "Identity":
        """A workflow of a repository."""
        home = f"https://github.com/{repository}"
        where = f"{home}/.github/workflows/{workflow}@{ref}"
        return cls(where, GITHUB, {12: home, 13: "f" * 40, 14: ref, 18: where})


class Notary:
    """All three of them, and what a machine must trust to believe them."""

    def __init__(self) -> None:
        self._root, self._ct, self._log = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
        self._began = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "notary")])
        key = x509.SubjectKeyIdentifier.from_public_key(self._root.public_key())
        self._ca = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._root.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._began)
            .not_valid_after(self._began + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
            .add_extension(_usage(sign=False), critical=True)
            .add_extension(key, critical=False)
            .sign(self._root, hashes.SHA256())
        )

    def write_trusted_root(self, path: Path) -> Path:
        """The file that names them, as `sigstore` reads it."""
        valid = {"start": self._began.strftime("%Y-%m-%dT%H:%M:%SZ")}

        def log(key: ec.EllipticCurvePrivateKey, url: str) -> dict[str, Any]:
            public = {"rawBytes": _b64(_der(key)), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": valid}
            return {
                "baseUrl": url,
                "hashAlgorithm": "SHA2_256",
                "publicKey": public,
                "logId": {"keyId": _b64(_key_id(key))},
            }

        certificate = {"rawBytes": _b64(self._ca.public_bytes(Encoding.DER))}
        authority = {
            "subject": {"organization": "test", "commonName": "notary"},
            "uri": "https://fulcio.test",
            "certChain": {"certificates": [certificate]},
            "validFor": valid,
        }
        document = {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log(self._log, "https://rekor.test")],
            "certificateAuthorities": [authority],
            "ctlogs": [log(self._ct, "https://ct.test")],
            "timestampAuthorities": [],
        }
        path.write_text(json.dumps(document))
        return path

    def attest(self, archive: bytes, file: str, who: Identity, kind: str = PUBLISH) -> dict[str, Any]:
        """The attestation of an archive, as an index serves it."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._certificate(key, who)
        subject = {"name": file, "digest": {"sha256": sha256(archive).hexdigest()}}
        statement = json.dumps(
            {"_type": "https://in-toto.io/Statement/v1", "subject": [subject], "predicateType": kind, "predicate": None}
        ).encode()
        signed = f"DSSEv1 {len(_STATEMENT)} {_STATEMENT} {len(statement)} ".encode() + statement
        signature = key.sign(signed, ec.ECDSA(hashes.SHA256()))
        return {
            "version": 1,
            "verification_material": {
                "certificate": _b64(certificate.public_bytes(Encoding.DER)),
                "transparency_entries": [self._entry(statement, signature, certificate)],
            },
            "envelope": {"statement": _b64(statement), "signature": _b64(signature)},
        }

    def _certificate(self, key: ec.EllipticCurvePrivateKey, who: Identity) -> x509.Certificate:
        """One for ten minutes, seen by the log of certificates."""
        now = datetime.now(UTC).replace(microsecond=0)
        san = x509.UniformResourceIdentifier(who.san) if "://" in who.san else x509.RFC822Name(who.san)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self._ca.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(minutes=5))
            .add_extension(_usage(sign=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._root.public_key()), critical=False)
            .add_extension(x509.SubjectAlternativeName([san]), critical=True)
        )
        for number, text in {8: who.issuer, **who.claims}.items():
            oid = x509.ObjectIdentifier(f"{_CLAIMS}{number}")
            builder = builder.add_extension(x509.UnrecognizedExtension(oid, _utf8(text)), critical=False)
        before = builder.sign(self._root, hashes.SHA256()).tbs_certificate_bytes
        listed = x509.UnrecognizedExtension(_SCTS, self._seen(before, now))
        return builder.add_extension(listed, critical=False).sign(self._root, hashes.SHA256())

    def _seen(self, certificate: bytes, now: datetime) -> bytes:
        """The promise of the log of certificates (RFC 6962), as an extension of the certificate."""
        stamp = int(now.timestamp() * 1000)
        entry = _key_id(self._root) + len(certificate).to_bytes(3) + certificate
        signature = self._ct.sign(struct.pack("!BBQH", 0, 0, stamp, 1) + entry + b"\0\0", ec.ECDSA(hashes.SHA256()))
        one = b"\0" + _key_id(self._ct) + struct.pack("!QH", stamp, 0) + b"\4\3" + _short(signature)
        text = _short(_short(one))
        return b"\x04" + _length(text) + text

    def _entry(self, statement: bytes, signature: bytes, certificate: x509.Certificate) -> dict[str, Any]:
        """The only entry of a log of signatures: what is in it, when it came there, and that it is in it."""
        pem = _b64(certificate.public_bytes(Encoding.PEM))
        spec = {
            "envelopeHash": {"algorithm": "sha256", "value": sha256(statement + signature).hexdigest()},
            "payloadHash": {"algorithm": "sha256", "value": sha256(statement).hexdigest()},
            "signatures": [{"signature": _b64(signature), "verifier": pem}],
        }
        body = json.dumps({"apiVersion": "0.0.1", "kind": "dsse", "spec": spec}, sort_keys=True).encode()
        now = int(datetime.now(UTC).timestamp())
        promised = {"body": _b64(body), "integratedTime": now, "logID": _key_id(self._log).hex(), "logIndex": 0}
        canonical = json.dumps(promised, sort_keys=True, separators=(",", ":")).encode()
        top = sha256(b"\0" + body).digest()
        note = f"rekor.test - 1\n1\n{_b64(top)}\n"
        mark = _b64(_key_id(self._log)[:4] + self._sign(note.encode()))
        return {
            "logIndex": "0",
            "logId": {"keyId": _b64(_key_id(self._log))},
            "kindVersion": {"kind": "dsse", "version": "0.0.1"},
            "integratedTime": str(now),
            "inclusionPromise": {"signedEntryTimestamp": _b64(self._sign(canonical))},
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": _b64(top),
                "treeSize": "1",
                "hashes": [],
                "checkpoint": {"envelope": f"{note}\n\u2014 rekor.test {mark}\n"},
            },
            "canonicalizedBody": _b64(body),
        }

    def _sign(self, data: bytes) -> bytes:
        return self._log.sign(data, ec.ECDSA(hashes.SHA256()))


def provenance(*attestations: dict[str, Any], kind: str = "GitHub", **publisher: str) -> bytes:
    """What an index serves beside a file (PEP 740)."""
    bundle = {"publisher": {"kind": kind, "claims": None, **publisher}, "attestations": list(attestations)}
    return json.dumps({"version": 1, "attestation_bundles": [bundle]}).encode()


def _usage(*, sign: bool) -> x509.KeyUsage:
    words = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    others = dict.fromkeys((*words, "encipher_only", "decipher_only"), False)
    return x509.KeyUsage(digital_signature=sign, key_cert_sign=not sign, crl_sign=not sign, **others)


def _der(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _key_id(key: ec.EllipticCurvePrivateKey) -> bytes:
    return sha256(_der(key)).digest()


def _b64(data: bytes) -> str:
    return b64encode(data).decode()


def _short(data: bytes) -> bytes:
    return len(data).to_bytes(2) + data


def _length(data: bytes) -> bytes:
    """As DER says it."""
    size = len(data)
    return bytes([size]) if size < 128 else bytes([0x81, size]) if size < 256 else b"\x82" + size.to_bytes(2)


def _utf8(text: str) -> bytes:
    data = text.encode()
    return b"\x0c" + _length(data) + data
