"""A body on its way from a server into the cache: the same for every network.

Promise: what enters the cache is within the cap, as long as was announced, and nothing a check found fault with.
Rules: a body is taken as it comes, while it comes fast enough to end one day; while one block of it is hashed and
written the next is received, and no more than these two are in memory.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from threading import Lock

from micropkgd.annotations import Final, Protocol, Self
from micropkgd.model.tree import Digest
from micropkgd.named_tuples import NamedTuple
from micropkgd.sources.cache import ArchiveCache, ArchiveWriter
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
_MEND_SERVER: Final = "the server, or a proxy before it, is broken: ask whoever runs it"
_LEAST_PIECES = ((500_000, 256), (10_000, 16))  # once there are more than so many, so many bytes on average
_BLOCK = 1 << 20  # bytes that are worth a call to another thread

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

    def at_eof(self) -> bool:
        """Whether nothing more comes."""


class ChunkSizes:
    """How fine a body is cut, into chunks or packets: it may be so fine that taking it in is nearly all work."""

    def __init__(self) -> None:
        self._pieces = 0
        self._size = 0

    def note(self, size: int) -> None:
        """One more piece came."""
        self._pieces += 1
        self._size += size

    @property
    def fault(self) -> str:
        """What is wrong with it, to be said of its server; empty while it may go on."""
        for many, least in _LEAST_PIECES:
            if self._pieces > many and self._size < self._pieces * least:
                return f"sends chunks of less than {least} bytes"
        return ""


async def pieces(content: Content, host: str) -> AsyncIterator[bytes]:
    """A body as it comes; `FetchError` where it is cut too fine."""
    sizes = ChunkSizes()
    while True:
        data, at_end = await content.readchunk()
        if not data and (not at_end or content.at_eof()):  # an empty one may say that a chunk ends, again and again
            return
        sizes.note(len(data))
        if fault := sizes.fault:
            raise FetchError(Failed(FailureKind.REFUSED, f"{host} {fault}", _MEND_SERVER), again=False)
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
    received = 0
    with cache.writer(request.max_bytes) as writer, _BlockWriter(writer) as blocks:
        async for chunk in chunks:
            received += len(chunk)
            if received > request.max_bytes:
                return too_large(request)
            await blocks.take(chunk)
            progress(request.ref, received, announced.size)
            if request.rate_limit is not None:
                await request.rate_limit.keep(len(chunk))
        await blocks.end()
        if announced.size is not None and announced.size != writer.size:
            problem = f"{announced.size} bytes were announced for `{request.ref.text}`, and {writer.size} came"
            kind = FailureKind.UNREACHABLE if writer.size < announced.size else FailureKind.CORRUPT
            raise FetchError(Failed(kind, problem, _MEND_SERVER), again=True)
        if (fault := check(writer.digest, writer.size)) is not None:
            return fault
        return Fetched(*writer.commit(), announced.validator)


class _BlockWriter:
    """Hashes and writes a body in another thread, one block behind what comes; what is small waits for no thread."""

    def __init__(self, writer: ArchiveWriter) -> None:
        self._writer = writer
        self._block = bytearray()
        self._under_way: asyncio.Future[None] | None = None
        self._writing = Lock()
        self._left = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for the thread, so that nobody writes to a file that is closed then."""
        with self._writing:
            self._left = True
        if self._under_way is not None:
            self._under_way.add_done_callback(_be_done_with)

    async def take(self, chunk: bytes) -> None:
        """Take some bytes; what was wrong with the write before is raised here."""
        self._block += chunk
        if len(self._block) >= _BLOCK:
            await self._written()
            block, self._block = self._block, bytearray()
            self._under_way = asyncio.get_running_loop().run_in_executor(None, self._write, block)

    async def end(self) -> None:
        """Have everything written."""
        await self._written()
        self._write(self._block)

    async def _written(self) -> None:
        if self._under_way is not None:
            await self._under_way

    def _write(self, block: bytearray) -> None:
        with self._writing:
            if block and not self._left:
                self._writer.write(block)


def _be_done_with(write: asyncio.Future[None]) -> None:
    """Take notice of an error that nobody waits for any more."""
    if not write.cancelled():
        write.exception()


def only_expected(request: Request) -> Check:
    """Find fault with whatever is not the archive that was pinned or locked."""

    def check(digest: Digest, size: int) -> Failed | None:
        del size
        return None if request.expected in {None, digest} else not_expected(request, digest)

    return check
