"""A body on its way from a server into the cache: the same for every network.

Promise: what enters the cache is within the cap, as long as was announced, and nothing a check found fault with.
Rule: a body is taken as it comes, while it comes fast enough to end one day.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple, Protocol

from micropkgd.model.tree import Digest
from micropkgd.sources.cache import ArchiveCache, TooLargeError
from micropkgd.sources.least_speed import BodyProgress
from micropkgd.sources.retry import FetchError, RetryPolicy
from micropkgd.sources.source import (
    Failed,
    FailureKind,
    Fetched,
    Progress,
    Request,
    Validator,
    not_expected,
    too_large,
)

_LEAST_PROGRESS = 1024
_MANY_CHUNKS, _LEAST_CHUNK = 10_000, 16  # bytes on average, once there are many

Check = Callable[[Digest, int], Failed | None]
"""What is wrong with a whole body of this digest and size, before anyone can see it."""


class Announced(NamedTuple):
    """What is known of a body before it comes."""

    size: int | None
    validator: Validator | None


class Content(Protocol):
    """A body as an HTTP client has it."""

    async def readchunk(self) -> tuple[bytes, bool]:
        """What came, and whether it is the end of a chunk."""


async def pieces(content: Content, host: str) -> AsyncIterator[bytes]:
    """A body as it comes; `FetchError` where it is cut so fine that taking it in is nearly all work."""
    chunks = size = 0
    while True:
        data, at_end = await content.readchunk()
        if not data and not at_end:
            return
        chunks += at_end
        size += len(data)
        if chunks > _MANY_CHUNKS and size < chunks * _LEAST_CHUNK:
            problem = f"{host} sends chunks of less than {_LEAST_CHUNK} bytes"
            raise FetchError(Failed(FailureKind.REFUSED, problem), again=False)
        if data:
            yield data


async def watched(chunks: AsyncIterator[bytes], host: str, patience: RetryPolicy) -> AsyncIterator[bytes]:
    """Pass a body on; `FetchError` where too little of it comes for too long, or the whole would never end."""
    now = asyncio.get_running_loop().time
    silence, waited = patience.silence, BodyProgress(patience.least_speed)
    deadline = now() + silence
    pending = 0
    while True:
        asked = now()
        watchdog = asyncio.timeout_at(min(deadline, asked + waited.left))
        try:
            async with watchdog:
                chunk = await anext(chunks, b"")
        except TimeoutError as error:
            if not watchdog.expired():
                raise
            waited.note(0, now() - asked)
            raise _too_slow(host, waited, silence) from error
        given = now()
        waited.note(len(chunk), given - asked)
        if not chunk:
            return
        if waited.fault:
            raise _too_slow(host, waited, silence)
        yield chunk
        deadline += now() - given  # what the reader takes is no silence of the server
        pending += len(chunk)
        if pending >= _LEAST_PROGRESS:
            pending = 0
            deadline = now() + silence


def _too_slow(host: str, waited: BodyProgress, silence: float) -> FetchError:
    """Silence may be an accident, and is tried again at once; whoever is slow all the time will be so again."""
    if waited.fault:
        hint = "whoever runs this machine may change `limits.download-time` and `limits.least-bytes-per-second`"
        return FetchError(Failed(FailureKind.UNREACHABLE, f"{host} {waited.fault}", hint), again=False)
    problem = f"{host} sent less than {_LEAST_PROGRESS} bytes in {silence:g} s"
    return FetchError(Failed(FailureKind.UNREACHABLE, problem), again=True)


async def take_in(
    chunks: AsyncIterator[bytes],
    announced: Announced,
    request: Request,
    cache: ArchiveCache,
    progress: Progress,
    check: Check,
) -> Fetched | Failed:
    """Take a body into the cache; `FetchError` where it is not whole."""
    if announced.size is not None and announced.size > request.max_bytes:
        return too_large(request, announced.size)
    with cache.writer(request.max_bytes) as writer:
        try:
            async for chunk in chunks:
                writer.write(chunk)
                progress(request.ref, writer.size, announced.size)
                if request.rate_limit is not None:
                    await request.rate_limit.keep(len(chunk))
        except TooLargeError:
            return too_large(request)
        if announced.size is not None and announced.size != writer.size:
            problem = f"{announced.size} bytes were announced for `{request.ref.text}`, and {writer.size} came"
            cut = writer.size < announced.size
            raise FetchError(Failed(FailureKind.UNREACHABLE if cut else FailureKind.CORRUPT, problem), again=True)
        if (fault := check(writer.digest, writer.size)) is not None:
            return fault
        return Fetched(*writer.commit(), announced.validator)


def only_expected(request: Request) -> Check:
    """Find fault with whatever is not the archive that was pinned or locked."""

    def check(digest: Digest, size: int) -> Failed | None:
        del size
        return None if request.expected in {None, digest} else not_expected(request, digest)

    return check
