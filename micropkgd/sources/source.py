"""The protocol of sources: what each is asked, and the words it may answer in (docs/sources.md).

A source never raises for what the world does to it: an outage, a refusal and a missing object are answers, so that
one broken ref cannot stop the others (promise P7) and each fact keeps its own name (promise P6).
"""

import os
from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum

from micropkgd.annotations import TYPE_CHECKING, BinaryIO, Final, NewType, Protocol
from micropkgd.model.index import index_kind
from micropkgd.model.lock import Release
from micropkgd.model.ref import Ref, RefKind
from micropkgd.model.tree import Digest
from micropkgd.named_tuples import NamedTuple

if TYPE_CHECKING:
    from micropkgd.sources.cache import ArchiveCache
    from micropkgd.sources.rate_limit import RateLimit
    from micropkgd.sources.together import Together

StrPath = str | os.PathLike[str]

Validator = NewType("Validator", str)
"""What a source said cheaply about the current content; opaque to everyone else. It may only skip work."""


class FailureKind(StrEnum):
    """Why there is no answer. The kinds ask different things of different people."""

    UNREACHABLE = "unreachable"  # no answer, half of one, or "not now": trying again may help
    THROTTLED = "throttled"  # 429, or 503 with Retry-After
    DOWNLOADING = "downloading"  # it comes, and the pass did not wait for its end
    DENIED = "denied"  # 401, 403, a wrong secret: someone must mend the credentials
    GONE = "gone"  # 404, 410: what is installed stays
    CORRUPT = "corrupt"  # whole, but not the bytes that were locked, pinned or announced
    REFUSED = "refused"  # we will not: redirect to plain http, too large, no driver for the protocol

    @property
    def transient(self) -> bool:
        """Whether the same request may succeed later without anyone changing anything."""
        return self in {FailureKind.UNREACHABLE, FailureKind.THROTTLED, FailureKind.DOWNLOADING}


ARCHIVE_AT_MOST: Final = 512 * 1024 * 1024  # bytes of one that is taken

PythonOf = Callable[[BinaryIO], str]
"""Reads the `requires-python` of an archive; empty where it says none."""


Bring = Callable[[Digest, int], Awaitable["Fetched | None"]]
"""Brings an archive of this digest, of so many bytes at the most, from the cache that machines share."""


class Lookup(NamedTuple):
    """Where and how a requirement is looked up."""

    index_url: str  # the address of the one index that is asked, without user and password; or a folder
    login: tuple[str, str] | None = None
    requires_python: str = ""  # of the project
    version: str = ""  # nothing but this release: it is locked, and only its bytes are missing
    locked: tuple[str, Digest] | None = None  # version and archive before: nothing older, no other bytes of the same
    seen: Validator | None = None  # what was known last, also where its archive is no longer at hand
    python_of: "PythonOf | None" = None  # reads what an archive requires, where no page tells
    together: "Together | None" = None  # what is asked once for all that are asked at a time


class Request(NamedTuple):
    """One question to a source."""

    ref: Ref
    options: Mapping[str, object] = {}  # fs-args, loaded and interpolated
    validator: Validator | None = None  # last known; None asks for the body
    expected: Digest | None = None  # fetch only this content (pinned, or locked): anything else is CORRUPT
    max_bytes: int = ARCHIVE_AT_MOST
    protocols: tuple[str, ...] = ()  # of other file systems, as far as the project's policy allows them
    lookup: Lookup | None = None  # for requirements only
    rate_limit: "RateLimit | None" = None  # what holds its body back
    bring: Bring | None = None  # where its place says the digest, and need not send the bytes

    @property
    def kind(self) -> RefKind:
        """Which source answers: that of the ref, and of a requirement that of its index."""
        return self.ref.kind if self.lookup is None else index_kind(self.lookup.index_url)


class Unchanged(NamedTuple):
    """What the validator stood for still holds; no body was fetched."""

    release: Release | None = None
    validator: Validator | None = None  # to be remembered in place of the one that was given


class Fetched(NamedTuple):
    """The archive's bytes are in the cache under this digest."""

    digest: Digest
    size: int  # bytes
    validator: Validator | None
    release: Release | None = None
    brought: bool = False  # from a cache, by the digest that its place announced


class Failed(NamedTuple):
    """There is no answer, and why."""

    kind: FailureKind
    problem: str  # one sentence, lower case, no credential in it
    hint: str = ""
    retry_after: float | None = None  # seconds, as the server asked
    reason: str = ""  # one word for programs, where the kind says too little


Answer = Unchanged | Fetched | Failed


def not_expected(request: Request, found: Digest) -> Failed:
    """Answer for bytes that are whole but not the ones that were pinned or locked."""
    return Failed(
        FailureKind.CORRUPT,
        f"`{request.ref.text}` is not the archive that was asked for: expected {request.expected}, found {found}",
        "if the new archive is meant, pin its sha256 in the manifest, or run `micropkgd lock` where nothing is pinned",
    )


def too_large(request: Request, size: int | None = None) -> Failed:
    """Answer for more bytes than the caller allows; `size` is what was announced, where it was."""
    hint = "look at what the ref names; an archive of code is small, and larger ones are not taken"
    found = "more" if size is None else f"{size} bytes"
    return Failed(FailureKind.REFUSED, f"`{request.ref.text}` may have {request.max_bytes} bytes and has {found}", hint)


class Progress(Protocol):
    """Told of every chunk of a download; `total` is None where the server does not say."""

    def __call__(self, ref: Ref, received: int, total: int | None) -> None:
        """Take note of `received` bytes so far."""


def no_progress(ref: Ref, received: int, total: int | None) -> None:
    """Ignore progress."""
    del ref, received, total


class Source(Protocol):
    """One kind of ref, reached over a network."""

    async def fetch(self, request: Request, cache: "ArchiveCache", progress: Progress) -> Answer:
        """Answer one request; a fetched body goes to the cache while its digest is taken."""

    async def close(self) -> None:
        """Let go of connections."""
