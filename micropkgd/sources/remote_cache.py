"""The second level of the archive cache, in a bucket that many machines share: `cache.remote` of the config.

Promises: nothing but the bytes of the digest that was asked for is taken from it, so it need not be trusted; without it
everything goes on as if there were none, and it is told. Rules: it is asked only for a digest that is known: locked or
pinned, and then before the ref itself, or told by the ref's own place (`announced`). An archive that came from
elsewhere, or is about to be published, is put there unless one is there already, which the bucket decides, so that any
number of machines may do it at once. It gets this machine's own login, and none of a project's fs-args. What is told is
told once, and again when it was well in between.
"""

from collections.abc import Callable, Iterable, Mapping

from micropkgd.annotations import Final
from micropkgd.errors import MicropkgError
from micropkgd.model.ref import Ref, RefKind
from micropkgd.model.tree import Digest
from micropkgd.sources.gather import Sources
from micropkgd.sources.source import Answer, Failed, FailureKind, Fetched, Request
from micropkgd.sources.upload import Upload, UploadBytes

_AWAY: Final = "{place} does not serve archives, so they come from their own places: {problem}"
_POISONED: Final = "{ref} is not the archive that it is called, and was not used: remove it"
_FULL: Final = "{place} takes no archives: {problem}"


class RemoteCache:
    """The archives below one folder of a bucket, named `sha256/ab/<62 more hex digits>`; `tell` says what is wrong."""

    def __init__(self, folder: str, sources: Sources, tell: Callable[[str], None]) -> None:
        self._folder = folder
        self.sources = sources
        self._tell = tell
        self._told: set[str] = set()

    def find(self, requests: Mapping[int, Request]) -> dict[int, Fetched]:
        """The requests, by their numbers, that it answers: their archives are in the cache of this machine now."""
        known = {number: request for number, request in requests.items() if _has_known_digest(request)}
        if not known:
            return {}
        asked = [self._at(request.expected or Digest(""), request.max_bytes) for request in known.values()]
        judged = zip(known, map(self._judge, asked, self.sources.answer(asked, "")), strict=True)
        return {number: found for number, found in judged if found is not None}

    async def bring(self, digest: Digest, max_bytes: int) -> Fetched | None:
        """The archive of a digest that its own place told, on the loop that asks that place."""
        request = self._at(digest, max_bytes)
        return self._judge(request, await self.sources.find_by_digest(request))

    def keep(self, digests: Iterable[Digest]) -> None:
        """Put archives of this machine's cache there, for the others."""
        for digest in digests:
            found = self.sources.find(digest)
            if found is not None and not self.offer(digest, found):
                return

    def offer(self, digest: Digest, payload: UploadBytes) -> bool:
        """Put an archive there, for the others; False where none is taken."""
        ref = self._ref(digest)
        stored = self._put(Upload(ref, "", ref.text.rpartition("/")[2], "", "", payload, digest))
        if isinstance(stored, Failed):
            self._say(_FULL.format(place=self._folder, problem=stored.problem))
        return not isinstance(stored, Failed)

    def _judge(self, request: Request, answer: Answer) -> Fetched | None:
        if isinstance(answer, Fetched):
            self._told.clear()
            return answer._replace(validator=None)
        if isinstance(answer, Failed) and answer.kind is FailureKind.CORRUPT:
            self._say(_POISONED.format(ref=request.ref.text))
        elif isinstance(answer, Failed) and answer.kind is not FailureKind.GONE:
            self._say(_AWAY.format(place=self._folder, problem=answer.problem))
        return None

    def _put(self, upload: Upload) -> object:
        try:
            return self.sources.offer(upload)
        except MicropkgError as error:
            return Failed(FailureKind.REFUSED, error.problem, error.hint)

    def _at(self, digest: Digest, max_bytes: int) -> Request:
        return Request(self._ref(digest), expected=digest, max_bytes=max_bytes)

    def _ref(self, digest: Digest) -> Ref:
        name = digest.removeprefix("sha256:")
        return Ref.parse(f"{self._folder}sha256/{name[:2]}/{name[2:]}")

    def _say(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._tell(text)


def _has_known_digest(request: Request) -> bool:
    """Whether its bytes are known before they come; a requirement must be known by release, for the lock tells it."""
    release = request.lookup is None or bool(request.lookup.version)
    return request.expected is not None and release and request.kind is not RefKind.LOCAL
