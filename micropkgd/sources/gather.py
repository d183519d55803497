"""Ask many sources at once and hand the answers back in the order of the questions.

Place: the one door from the loop to the sources, and the one table of what fetches which kind of ref. Rule: a pass
over local refs pays for none of the others, so asyncio and the remote sources are imported when first needed.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from micropkgd.model.ref import RefKind
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.local import fetch_local
from micropkgd.sources.source import (
    Answer,
    Failed,
    FailureKind,
    Progress,
    Request,
    Source,
    Surveyor,
    Unchanged,
    no_progress,
)
from micropkgd.sources.upload import Store, Stored, Upload, put_local

if TYPE_CHECKING:
    import asyncio


def _http() -> Source:
    from micropkgd.sources.http.source import HttpSource

    return HttpSource()


def _s3() -> Source:
    if find_spec("s3fs") is None:
        return Driverless("s3")
    from micropkgd.sources.s3.source import S3Source

    return S3Source()


def _gcs() -> Source:
    if find_spec("gcsfs") is None:
        return Driverless("gcs")
    from micropkgd.sources.gcs.source import GcsSource

    return GcsSource()


def _index() -> Source:
    from micropkgd.sources.index.source import IndexSource

    return IndexSource()


def _other() -> Source:
    from micropkgd.sources.other import OtherSource

    return OtherSource()


_REMOTE: Mapping[RefKind, Callable[[], Source]] = {
    RefKind.HTTP: _http,
    RefKind.S3: _s3,
    RefKind.GCS: _gcs,
    RefKind.INDEX: _index,
    RefKind.OTHER: _other,
}


class Sources:
    """All sources of one process, with their connections. One thread at a time, which runs no event loop itself."""

    def __init__(
        self,
        cache: ArchiveCache,
        *,
        offline: bool = False,
        progress: Progress = no_progress,
        at_once: int = 8,
        per_host: int = 4,
    ) -> None:
        self._cache = cache
        self._offline = offline
        self._progress = progress
        self._at_once = at_once
        self._per_host = per_host
        self._open: dict[RefKind, Source] = {}
        self._runner: asyncio.Runner | None = None

    def answer(self, requests: Sequence[Request], project_root: Path) -> list[Answer]:
        """Answer every request; what the world does to one is an answer and leaves the others alone."""
        answers = [self._without_network(request, project_root) for request in requests]
        remote = [request for request, answer in zip(requests, answers, strict=True) if answer is None]
        fetched = iter(self._run(remote) if remote else ())
        return [next(fetched) if answer is None else answer for answer in answers]

    def put(self, upload: Upload, project_root: Path) -> Stored | Failed:
        """Put one archive where it is published; what the world does to it is an answer."""
        if upload.ref.kind is RefKind.LOCAL:
            return put_local(upload, project_root)
        if self._offline:
            return Failed(FailureKind.UNREACHABLE, "offline, so nothing was published")
        return self._loop().run(self._put(upload))

    async def _put(self, upload: Upload) -> Stored | Failed:
        source = self._source(upload.ref.kind)
        if isinstance(source, Store):
            return await source.put(upload)
        return Failed(FailureKind.REFUSED, f"nothing can be published at `{upload.ref.text}`")

    def _without_network(self, request: Request, project_root: Path) -> Answer | None:
        if request.ref.kind is RefKind.LOCAL:
            return fetch_local(request, project_root, self._cache)
        if request.ref.kind not in _REMOTE:
            return _no_source(request)
        if self._offline:
            return Failed(FailureKind.UNREACHABLE, "offline, so its source was not asked")
        return None

    def _run(self, requests: Sequence[Request]) -> list[Answer]:
        return self._loop().run(self._fetch_all(requests))

    def _loop(self) -> "asyncio.Runner":
        import asyncio

        if self._runner is None:
            self._runner = asyncio.Runner()
        return self._runner

    async def _fetch_all(self, requests: Sequence[Request]) -> list[Answer]:
        import asyncio

        left = await self._survey(requests)
        at_once = asyncio.Semaphore(self._at_once)
        hosts = {_host(request): asyncio.Semaphore(self._per_host) for request in requests}

        async def fetch(request: Request | Unchanged) -> Answer:
            if isinstance(request, Unchanged):
                return request
            # The host's turn comes first: whoever waits for a slow host must not hold a place others could use.
            async with hosts[_host(request)], at_once:
                return await self._source(request.ref.kind).fetch(request, self._cache, self._progress)

        tasks = [asyncio.create_task(fetch(request)) for request in left]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _survey(self, requests: Sequence[Request]) -> list[Request | Unchanged]:
        """Let sources answer together what they can; the rest is asked singly."""
        left: list[Request | Unchanged] = list(requests)
        for kind in dict.fromkeys(request.ref.kind for request in requests):
            source = self._source(kind)
            if isinstance(source, Surveyor):
                numbers = [number for number, request in enumerate(requests) if request.ref.kind is kind]
                found = await source.survey([requests[number] for number in numbers])
                for number, what in zip(numbers, found, strict=True):
                    left[number] = what
        return left

    def _source(self, kind: RefKind) -> Source:
        if kind not in self._open:
            self._open[kind] = _REMOTE[kind]()
        return self._open[kind]

    async def _close_all(self) -> None:
        for source in self._open.values():
            await source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            try:
                self._runner.run(self._close_all())
            finally:
                self._runner.close()
                self._runner = None
                self._open.clear()


class Driverless:
    """Stands for a source whose library is not installed."""

    def __init__(self, extra: str) -> None:
        self._extra = extra

    async def fetch(self, request: Request, cache: ArchiveCache, progress: Progress) -> Answer:
        """Say what to install."""
        del cache, progress
        scheme = request.ref.location.partition("://")[0]
        problem = f"the driver for `{scheme}://` refs is not installed"
        return Failed(FailureKind.REFUSED, problem, f"pip install 'micropkgd[{self._extra}]'")

    async def close(self) -> None:
        """Have nothing to close."""


def _host(request: Request) -> str:
    """What the limit per host counts by: the address up to its path."""
    address = request.lookup.index_url if request.lookup is not None else request.ref.location
    scheme, _, rest = address.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}".lower()


def _no_source(request: Request) -> Failed:
    scheme, found, _ = request.ref.location.partition("://")
    what = f"`{scheme}://` refs" if found else "packages of an index"
    return Failed(FailureKind.REFUSED, f"this version of micropkgd has no source for {what}")
