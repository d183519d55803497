"""The second level of the archive cache, in a bucket that many machines share: `cache.remote` of the config.

Promises: nothing but the bytes of the digest that was asked for is taken from it, so it need not be trusted; without it
everything goes on as if there were none, and it is told. Rules: it is asked only for a digest that is known (locked or
pinned), and before the ref itself; an archive that came from elsewhere is put there unless one is there already, which
the bucket decides, so that any number of machines may do it at once. It gets this machine's own login, and none of a
project's fs-args. What is told is told once, and again when it was well in between.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from micropkgd.errors import MicropkgError
from micropkgd.model.ref import Ref, RefKind
from micropkgd.model.tree import Digest
from micropkgd.sources.gather import Sources
from micropkgd.sources.source import Failed, FailureKind, Fetched, Request
from micropkgd.sources.upload import Upload

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
        answers = self.sources.answer([self._at(request) for request in known.values()], "")
        found: dict[int, Fetched] = {}
        for number, answer in zip(known, answers, strict=True):
            if isinstance(answer, Fetched):
                found[number] = answer._replace(validator=None)
            elif isinstance(answer, Failed) and answer.kind is FailureKind.CORRUPT:
                self._say(_POISONED.format(ref=self._ref(known[number].expected or Digest("")).text))
            elif isinstance(answer, Failed) and answer.kind is not FailureKind.GONE:
                self._say(_AWAY.format(place=self._folder, problem=answer.problem))
        if found:
            self._told.clear()
        return found

    def keep(self, digests: Iterable[Digest]) -> None:
        """Put archives of this machine's cache there, for the others."""
        for digest in digests:
            data = self.sources.read(digest)
            if data is None:
                continue
            ref = self._ref(digest)
            stored = self._put(Upload(ref, "", ref.text.rpartition("/")[2], "", "", data, digest))
            if isinstance(stored, Failed):
                self._say(_FULL.format(place=self._folder, problem=stored.problem))
                return

    def _put(self, upload: Upload) -> object:
        try:
            return self.sources.put(upload, "")
        except MicropkgError as error:
            return Failed(FailureKind.REFUSED, error.problem)

    def _at(self, request: Request) -> Request:
        return Request(
            self._ref(request.expected or Digest("")), expected=request.expected, max_bytes=request.max_bytes
        )

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
