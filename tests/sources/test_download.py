import asyncio
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.streams import EMPTY_PAYLOAD

from micropkgd.model.ref import Ref
from micropkgd.model.tree import digest_of
from micropkgd.sources.cache import ArchiveCache, ArchiveWriter
from micropkgd.sources.download import Announced, only_expected, pieces, take_in
from micropkgd.sources.source import Fetched, Request, no_progress

MIB = 1 << 20
REQUEST = Request(Ref.parse("https://example.org/x.tar.gz"))
PATIENCE = 10.0


async def taken(cache: ArchiveCache, chunks: AsyncIterator[bytes]) -> Fetched:
    """What came of a body of any length."""
    found = await take_in(chunks, Announced(None, None), REQUEST, cache, no_progress, only_expected(REQUEST))
    assert isinstance(found, Fetched)
    return found


def test_a_block_is_written_while_the_next_is_received(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither waits for the other: a write that ends only once more has come does end."""
    body = os.urandom(4 * MIB)
    more, waits, write = threading.Event(), list[bool](), ArchiveWriter.write

    def slowly(writer: ArchiveWriter, chunk: bytes | bytearray) -> None:
        waits.append(more.wait(PATIENCE))
        write(writer, chunk)

    async def chunks() -> AsyncIterator[bytes]:
        yield body[:MIB]
        more.set()
        yield body[MIB:]

    monkeypatch.setattr(ArchiveWriter, "write", slowly)
    assert asyncio.run(taken(ArchiveCache(tmp_path), chunks())).digest == digest_of(body)
    assert all(waits)


def test_a_small_body_starts_no_thread(tmp_path: Path) -> None:
    """Most archives are small."""

    async def chunks() -> AsyncIterator[bytes]:
        yield b"small"
        yield b" body"

    async def story() -> None:
        assert (await taken(ArchiveCache(tmp_path), chunks())).digest == digest_of(b"small body")
        assert threading.active_count() == before

    before = threading.active_count()
    asyncio.run(story())


def test_who_gives_up_leaves_nothing(tmp_path: Path) -> None:
    """Also with a write under way: no bytes come to a file that is closed, and none stays."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield bytes(MIB)
        await asyncio.sleep(PATIENCE)

    async def story() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await taken(ArchiveCache(tmp_path), chunks())

    asyncio.run(story())
    assert list((tmp_path / "partial").iterdir()) == []


def test_an_empty_body_is_empty_each_time() -> None:
    """The library has one for all answers without a body, which says at each look but the first that a chunk ends."""

    async def read() -> list[bytes]:
        return [piece async for piece in pieces(EMPTY_PAYLOAD, "host")]

    assert [asyncio.run(read()) for _ in range(3)] == [[], [], []]
