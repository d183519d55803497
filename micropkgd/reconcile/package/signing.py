"""The signature of an archive on its way to where the archive is published: beside it, and there before it.

Rules: one by the same key that fits stays, so that signing again writes nothing. Whoever signs with another key means
to replace what lies there.
"""

from contextlib import suppress

from micropkgd.errors import MicropkgError, UsageError
from micropkgd.model.condition import Failure
from micropkgd.model.ref import RefKind
from micropkgd.model.signers import beside
from micropkgd.model.tree import digest_of
from micropkgd.reconcile.package.publish import Offer, Publisher, Sign
from micropkgd.reconcile.resolve.fetcher import failure_of
from micropkgd.sources.source import Failed, FailureKind, Fetched, Request
from micropkgd.sources.sshsig import AT_MOST, SignatureFormatError, SshSignature
from micropkgd.sources.upload import BytesInMemory, Upload


def put_signature(publisher: Publisher, offer: Offer, sign: Sign) -> Failure | tuple[str, ...]:
    """Sign an archive, and put that at its place; what is to be told of it."""
    try:
        if offer.target.kind is RefKind.INDEX:
            hint = "publish at a folder or in a bucket, which can be an index, too (docs/signatures.md)"
            raise UsageError(f"the index `{offer.target.text}` takes no signatures", hint=hint)
        upload = publisher.upload_of(offer)
        with upload.payload.open() as stream:
            signature = sign(stream, upload.digest)
        return _put(publisher, upload, signature)
    except MicropkgError as error:
        return Failure.of(error)


def _put(publisher: Publisher, upload: Upload, data: bytes) -> Failure | tuple[str, ...]:
    ref, made = beside(upload.ref), SshSignature.of_file(data)
    sources, root = publisher.sources, publisher.root
    (found,) = sources.answer([Request(ref, upload.options, max_bytes=AT_MOST)], root, publishing=True)
    if isinstance(found, Failed) and found.kind is not FailureKind.GONE:
        return failure_of(found)
    before = found if isinstance(found, Fetched) else None
    if before is not None and _is_by(made, sources.read(before.digest), upload):
        return ()
    stored = sources.put(
        upload._replace(
            ref=ref,
            file=ref.location.rpartition("/")[2],
            payload=BytesInMemory(data),
            digest=digest_of(data),
            overwrite=before is not None,
            replaces=before.validator if before is not None else None,
        ),
        root,
    )
    if isinstance(stored, Failed):
        return failure_of(stored)
    if not stored.written:
        problem = f"somebody else put something at `{ref.text}` at the same time"
        return Failure(5, "Unreachable", problem, "run again", transient=True)
    return (f"signed by {made.fingerprint}: {ref.text}",)


def _is_by(made: SshSignature, data: bytes | None, upload: Upload) -> bool:
    """Whether what lies there is a signature of the archive, by the same key."""
    with suppress(SignatureFormatError):
        there = SshSignature.of_file(data or b"")
        return there.key == made.key and there.signs(upload.digest)
    return False
