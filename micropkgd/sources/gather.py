"""Asks many sources at once and hands the answers back in the order of the questions.

Place: the one door from a pass to the sources. Rule: a pass over local refs pays for none of the others, so asyncio
and the remote sources are imported when first needed (`loop`, `kinds`).
"""

import time
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from types import TracebackType

from micropkgd.annotations import TYPE_CHECKING, BinaryIO, Final, Self
from micropkgd.errors import DocumentError
from micropkgd.model.ref import RefKind
from micropkgd.model.tree import Digest
from micropkgd.sources.cache import ArchiveCache, CachedArchive
from micropkgd.sources.loop import OwnLoop, SharedLoop
from micropkgd.sources.near import Near
from micropkgd.sources.source import (
    ARCHIVE_AT_MOST,
    Answer,
    Failed,
    FailureKind,
    Fetched,
    Progress,
    Request,
    Source,
    StrPath,
    Unchanged,
    no_progress,
)

if TYPE_CHECKING:
    import asyncio

    from micropkgd.model.permits import Bounds, Permits
    from micropkgd.model.signers import SignatureRule
    from micropkgd.sources.abilities import BatchSource
    from micropkgd.sources.hosts import Hosts
    from micropkgd.sources.late import Begin, DownloadSlot, LateDownloads
    from micropkgd.sources.least_speed import LeastSpeed
    from micropkgd.sources.rate_limit import RateLimit
    from micropkgd.sources.upload import Stored, Upload

_PLACES: Final = "docs/sources.md lists what can be: paths, https://, s3://, gs://, indexes, and what `protocols` names"


class Sources:
    """All sources of one process, with their connections; `permits` says what a project may reach, by its folder.

    `hosts` knows which hosts are to be left alone; without it, those are that failed here. `rate_limit` holds
    downloads back; a thread is within `waiting` while it waits for another one's loop. `note` is told the bytes and
    seconds of each download.

    Without `loop`: used in a `with`, by one thread at a time, which runs no event loop itself. With the running `loop`
    of another thread: used by any number of threads, limits and connections being those of all; end with `aclose`.
    `beside`: on the loop of other sources, which ask these in the midst of their own work (`find_by_digest`); used in
    a `with` inside theirs.
    """

    def __init__(
        self,
        cache: ArchiveCache,
        *,
        offline: bool = False,
        progress: Progress = no_progress,
        at_once: int = 8,
        per_host: int = 4,
        loop: "asyncio.AbstractEventLoop | None" = None,
        permits: "Callable[[str], Permits] | None" = None,
        hosts: "Hosts | None" = None,
        rate_limit: "RateLimit | None" = None,
        least_speed: "LeastSpeed | None" = None,
        beside: "Sources | None" = None,
        wait: float | None = None,
        on_late: Callable[[str], None] | None = None,
        waiting: Callable[[], AbstractContextManager[None]] = nullcontext,
        note: Callable[[int, float], None] | None = None,
    ) -> None:
        self._cache = cache
        self._offline = offline
        self._progress = progress
        self._at_once = at_once
        self._per_host = per_host
        self._permits = permits
        self._own_hosts = hosts
        self._rate_limit = rate_limit
        self._open: dict[tuple[RefKind, Bounds], Source] = {}
        self._folders: dict[tuple[RefKind, Bounds], Source] = {}  # the same stores, as they answer requirements
        self._is_guest = beside is not None
        own = OwnLoop() if loop is None else SharedLoop(loop, waiting)
        self._run_on_loop: OwnLoop | SharedLoop = (
            own if beside is None else beside._run_on_loop  # noqa: SLF001 - of the same class
        )
        self._places: dict[str, asyncio.Semaphore] = {}
        self._least_speed, self._wait, self._on_late = least_speed, wait, on_late
        self._downloads: LateDownloads | None = None
        self._note = note

    def answer(self, requests: Sequence[Request], project_root: StrPath, *, publishing: bool = False) -> list[Answer]:
        """Answer every request; what the world does to one is an answer and leaves the others alone.

        `publishing`: what is asked is whether something was published, which is held to the places for that.
        """
        near = Near(project_root, self._cache)
        answers: list[Answer | None] = [
            self.objection(request, project_root, publishing=publishing) or self._without_network(request, near)
            for request in requests
        ]
        remote = [request for request, answer in zip(requests, answers, strict=True) if answer is None]
        if not remote:
            return [answer for answer in answers if answer is not None]
        bounds = self.permits_for(project_root).bounds(publishing=publishing)
        fetched = iter(self._run_on_loop(self._fetch_all(remote, bounds, str(project_root))))
        return [next(fetched) if answer is None else answer for answer in answers]

    async def find_by_digest(self, request: Request) -> Answer:
        """Answer one request of no project, on the loop itself."""
        return (await self._fetch_all([request], self.permits_for("").bounds(publishing=False), ""))[0]

    def permits_for(self, project_root: StrPath) -> "Permits":
        """What a project may reach."""
        from micropkgd.model.permits import ANYTHING

        return ANYTHING if self._permits is None else self._permits(str(project_root))

    def signature_rules(self, project_root: StrPath) -> "tuple[SignatureRule, ...]":
        """Whose signatures this machine asks for; without a config of its own for nobody's."""
        return () if self._permits is None else self.permits_for(project_root).signatures

    def read(self, digest: Digest) -> bytes | None:
        """The bytes of an archive that was fetched; nothing where they are no longer at hand."""
        return self._cache.read(digest)

    def find(self, digest: Digest) -> CachedArchive | None:
        """An archive that was fetched, to read; nothing where its bytes are no longer at hand."""
        return self._cache.find(digest)

    def hold(self, stream: BinaryIO, digest: Digest) -> CachedArchive | None:
        """An archive of this machine where nobody changes it while it is read; nothing where it is another one."""
        return self._cache.find(digest) or self._cache.take(stream, digest, ARCHIVE_AT_MOST)

    def scratch(self) -> BinaryIO:
        """A file without a name, gone when it is closed."""
        return self._cache.scratch()

    def put(self, upload: "Upload", project_root: StrPath) -> "Stored | Failed":
        """Put one archive where it is published; what the world does to it is an answer."""
        if (objection := self.objection(upload, project_root, publishing=True)) is not None:
            return objection
        if upload.ref.kind is RefKind.LOCAL:
            from micropkgd.sources.upload import put_local

            return put_local(upload, project_root)
        if self._offline:
            return Failed(FailureKind.UNREACHABLE, "offline, so nothing was published")
        return self._run_on_loop(self._put(upload, self.permits_for(project_root).bounds(publishing=True)))

    def offer(self, upload: "Upload") -> "Stored | Failed":
        """Put one archive of no project where it is welcome and not missed: no longer than a pass waits for sources."""
        return self._run_on_loop(self._put_in_time(upload))

    async def _put_in_time(self, upload: "Upload") -> "Stored | Failed":
        import asyncio

        from micropkgd.sources.upload import LEAST_RATE

        longest = None if self._wait is None else self._wait + upload.payload.size / LEAST_RATE
        try:
            async with asyncio.timeout(longest):
                return await self._put(upload, self.permits_for("").bounds(publishing=True))
        except TimeoutError:
            return Failed(FailureKind.UNREACHABLE, f"no answer within {longest:.0f} s")

    async def _put(self, upload: "Upload", bounds: "Bounds") -> "Stored | Failed":
        from micropkgd.sources.upload import Store

        source = self._store(upload.ref.kind, bounds)
        if isinstance(source, Store):
            return await source.put(upload)
        return Failed(FailureKind.REFUSED, f"nothing can be published at `{upload.ref.text}`", _PLACES)

    def objection(self, asked: "Request | Upload", project_root: StrPath, *, publishing: bool = False) -> Failed | None:
        """Why something is not asked for, or not put in place; it costs a local pass without a list nothing."""
        if asked.ref.kind is RefKind.LOCAL and self._permits is None:
            return None
        from micropkgd.sources.allowed import objection
        from micropkgd.sources.ambient import withheld

        bounds = self.permits_for(project_root).bounds(publishing=publishing)
        refused = objection(bounds.origins, asked, project_root) if bounds.origins is not None else None
        return refused or withheld(bounds.endpoints, asked, project_root)

    def _without_network(self, request: Request, near: Near) -> Answer | None:
        if request.kind is RefKind.LOCAL:
            return near.fetch(request)
        from micropkgd.sources.kinds import REMOTE

        if request.kind not in REMOTE:
            return _no_source(request)
        if self._offline:
            return Failed(FailureKind.UNREACHABLE, "offline, so its source was not asked")
        return None

    def stop(self) -> None:
        """End what is under way in other threads, and whatever they begin from now on."""
        self._run_on_loop.stop()
        if self._downloads is not None:
            self._downloads.give_up()

    async def aclose(self) -> None:
        """Let go of connections, on the loop that was given."""
        await self._close_all()

    async def _fetch_all(self, requests: Sequence[Request], bounds: "Bounds", project: str) -> list[Answer]:
        import asyncio

        left = await self._survey(requests, bounds)
        places = self._places.setdefault("", asyncio.Semaphore(self._at_once))
        names = _names(left, bounds)
        jobs: dict[Hashable, Begin] = {
            names[number]: partial(self._fetch, request, bounds)
            for number, request in enumerate(left)
            if isinstance(request, Request)
        }
        came = await self._late.gather(project, jobs, places)
        answers = {number: came[name] for number, name in names.items()}
        late = [number for number, one in answers.items() if one.late and _may_be_newer(requests[number], one.answer)]
        found = [
            request if isinstance(request, Unchanged) else answers[number].answer for number, request in enumerate(left)
        ]
        if late:
            again = await self._fetch_all([_since(requests[number], found[number]) for number in late], bounds, project)
            for number, answer in zip(late, again, strict=True):
                found[number] = answer if isinstance(answer, Fetched) else found[number]
        return found

    async def _fetch(self, request: Request, bounds: "Bounds", place: "DownloadSlot") -> Answer:
        import asyncio

        from micropkgd.sources.hosts import host_of

        host = host_of(request)
        # The host's turn comes first: whoever waits for a slow host must not hold a place others could use.
        async with self._places.setdefault(host, asyncio.Semaphore(self._per_host)), place:
            began = time.monotonic()
            answer = await self._ask(request._replace(rate_limit=self._rate_limit), host, bounds)
            if self._note is not None and isinstance(answer, Fetched) and not answer.brought:
                self._note(answer.size, time.monotonic() - began)
            return answer

    @property
    def _hosts(self) -> "Hosts":
        """What is known of hosts; made when the first one is asked."""
        from micropkgd.sources.hosts import hosts_of_a_process

        self._own_hosts = self._own_hosts or hosts_of_a_process()
        return self._own_hosts

    @property
    def _late(self) -> "LateDownloads":
        """The downloads that passes do not wait for; made on the loop."""
        from micropkgd.sources.late import LateDownloads

        self._downloads = self._downloads or LateDownloads(self._wait, self._at_once, self._on_late or _tell_nobody)
        return self._downloads

    def wait_for_late(self) -> bool:
        """Wait until a download that a pass went on without has come to an end; False where there is none."""
        return self._downloads is not None and self._run_on_loop(self._downloads.one_ends())

    async def _ask(self, request: Request, host: str, bounds: "Bounds") -> Answer:
        """Put a request to its source, unless its host is to be left alone."""
        import asyncio

        source = self._source(request, bounds)
        hosts, now = self._hosts, asyncio.get_running_loop().time
        if (objection := hosts.objection(host, now())) is not None:
            return _mistake(source, request) or objection
        try:
            answer = await source.fetch(request, self._cache, self._progress)
        except BaseException:
            hosts.give_up(host)
            raise
        hosts.note(host, answer, now())
        return answer

    async def _survey(self, requests: Sequence[Request], bounds: "Bounds") -> list[Request | Unchanged]:
        """Let sources answer together what they can; the rest is asked singly."""
        from micropkgd.sources.abilities import BatchSource
        from micropkgd.sources.hosts import host_of

        left: list[Request | Unchanged] = list(requests)
        sources = [self._source(request, bounds) for request in requests]
        for source in dict.fromkeys(sources):
            if isinstance(source, BatchSource):
                numbers = [
                    number
                    for number, request in enumerate(requests)
                    if sources[number] is source and not self._hosts.ails(host_of(request))
                ]
                found = await self._in_time(source, [requests[number] for number in numbers])
                for number, what in zip(numbers, found, strict=True):
                    left[number] = what
        return left

    async def _in_time(self, source: "BatchSource", requests: Sequence[Request]) -> list[Request | Unchanged]:
        """What a listing tells while a pass waits; what it does not tell by then is asked singly."""
        import asyncio

        try:
            async with asyncio.timeout(self._wait):
                return await source.survey(requests)
        except TimeoutError:
            return list(requests)

    def _source(self, request: Request, bounds: "Bounds") -> Source:
        """What answers a request; a requirement that is looked up in a bucket is answered by its folder."""
        store = self._store(request.kind, bounds)
        if request.ref.kind is not RefKind.INDEX or request.kind is RefKind.INDEX:
            return store
        if (request.kind, bounds) not in self._folders:
            from micropkgd.sources.index.places import BucketFolders

            self._folders[request.kind, bounds] = BucketFolders(store)
        return self._folders[request.kind, bounds]

    def _store(self, kind: RefKind, bounds: "Bounds") -> Source:
        """Each list has connections of its own, for redirects are held to it."""
        if (kind, bounds) not in self._open:
            from micropkgd.sources.kinds import REMOTE
            from micropkgd.sources.retry import RetryPolicy

            patience = RetryPolicy() if self._least_speed is None else RetryPolicy(least_speed=self._least_speed)
            self._open[kind, bounds] = REMOTE[kind](bounds, patience)
        return self._open[kind, bounds]

    async def _close_all(self) -> None:
        if self._downloads is not None:
            await self._downloads.close()
        for source in self._open.values():
            await source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(self._run_on_loop, OwnLoop):
            end = self._run_on_loop.leave if self._is_guest else self._run_on_loop.close
            end(self._close_all)
            self._open.clear()
            self._folders.clear()


def _tell_nobody(project: str) -> None:
    del project


def _names(left: Sequence[Request | Unchanged], bounds: "Bounds") -> dict[int, Hashable]:
    """By its number, all that an answer depends on but the time, and how often it was asked for before."""
    from micropkgd.sources.fs_args import name_of

    names: dict[int, Hashable] = {}
    seen: Counter[Hashable] = Counter()
    for number, request in enumerate(left):
        if isinstance(request, Request):
            lookup = request.lookup._replace(python_of=None, together=None) if request.lookup is not None else None
            bare = request._replace(options={}, lookup=lookup, rate_limit=None)
            name = (
                *(value for key, value in bare._asdict().items() if key != "options"),
                name_of(request.options),
                bounds,
            )
            names[number] = name, seen[name]
            seen[name] += 1
    return names


def _may_be_newer(request: Request, answer: Answer) -> bool:
    """Whether a source may have something newer than what an earlier pass had begun to fetch."""
    return isinstance(answer, Fetched) and answer.validator is not None and request.expected is None


def _since(request: Request, answer: Answer) -> Request:
    return request._replace(validator=answer.validator if isinstance(answer, Fetched) else None)


def _mistake(source: Source, request: Request) -> Failed | None:
    """What is wrong with the request itself: that somebody must mend, and no host that answers again will."""
    from micropkgd.sources.abilities import Checker

    try:
        if isinstance(source, Checker):
            source.check(request)
    except DocumentError as error:
        return Failed(FailureKind.REFUSED, error.problem, error.hint)
    return None


def _no_source(request: Request) -> Failed:
    scheme, found, _ = request.ref.location.partition("://")
    what = f"`{scheme}://` refs" if found else "packages of an index"
    return Failed(FailureKind.REFUSED, f"this version of micropkgd has no source for {what}", _PLACES)
