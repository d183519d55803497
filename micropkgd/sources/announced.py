"""The digest that an origin announces of its content, so that the bytes may come from the cache that machines share.

Promise: nobody but the origin says which archive stands there; the cache brings the bytes of that digest, and no
others. Rules: whoever may write an object may write what is said beside it, so the digest is believed as the bytes
would be, and a body that contradicts it is refused. What a cache, or another machine, says that an address has is not
asked for (decision 0056). An archive that was pinned or locked needs none of this: its digest is known.
"""

import asyncio
import re
from binascii import Error, a2b_base64
from collections.abc import Mapping

from micropkgd.annotations import Final
from micropkgd.errors import DocumentError
from micropkgd.model.tree import Digest, parse_digest
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.download import Check
from micropkgd.sources.source import Failed, FailureKind, Fetched, Request, Validator

NAME: Final = "micropkgd-sha256"
"""Of what `publish` writes beside an object of a bucket: 64 hex digits."""

_SHA256 = re.compile(r"sha-256=:?([A-Za-z0-9+/]{43}=):?", re.IGNORECASE)


async def had(
    request: Request, cache: ArchiveCache, digest: Digest | None, validator: Validator | None
) -> Fetched | None:
    """The archive that the origin announced, where this machine has it or the shared cache brings it."""
    if request.bring is None or request.expected is not None or digest is None:
        return None
    here = await asyncio.to_thread(cache.find, digest)
    if here is not None and here.size <= request.max_bytes:
        return Fetched(digest, here.size, validator, brought=True)
    found = await request.bring(digest, request.max_bytes)
    return None if found is None else found._replace(validator=validator, brought=True)


def as_announced(digest: Digest | None, request: Request, check: Check) -> Check:
    """Find fault with a body that is not what its place says of it, where others may be told the same."""

    def contradicts(found: Digest, size: int) -> Failed | None:
        if request.bring is None or digest in {None, found}:
            return check(found, size)
        problem = f"`{request.ref.text}` announces {digest}, and its bytes are {found}"
        hint = "the place, or a cache before it, is broken or was tampered with; publish the archive there again"
        return Failed(FailureKind.CORRUPT, problem, hint)

    return contradicts


def of_bucket(metadata: object) -> Digest | None:
    """What `publish` wrote beside an object."""
    said = {str(name).lower(): value for name, value in metadata.items()} if isinstance(metadata, Mapping) else {}
    return _of_hex(said.get(NAME))


def of_checksum(text: object) -> Digest | None:
    """A checksum of the whole object that S3 took; one of its parts ends in `-N`."""
    return _of_base64(text) if isinstance(text, str) and len(text) == 44 else None


def of_headers(headers: Mapping[str, str]) -> Digest | None:
    """What a web server says: `Repr-Digest` (RFC 9530), `Digest` (RFC 3230), or `X-Checksum-Sha256` (Artifactory)."""
    for name in ("Repr-Digest", "Digest"):
        found = _SHA256.search(headers.get(name, ""))
        if found is not None:
            return _of_base64(found[1])
    return _of_hex(headers.get("X-Checksum-Sha256"))


def _of_base64(text: str) -> Digest | None:
    try:
        return _of_hex(a2b_base64(text, strict_mode=True).hex())
    except Error:
        return None


def _of_hex(text: object) -> Digest | None:
    try:
        return parse_digest(f"sha256:{text.strip().lower()}") if isinstance(text, str) else None
    except DocumentError:
        return None
