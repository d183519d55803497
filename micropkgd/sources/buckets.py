"""Objects in buckets, and what one listing says of many of them: the same for S3 and Google's storage.

Rule: a listing only ever saves requests. What it does not name, or where it is refused, is asked singly, so that
absence and refusal are told by the object itself.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from micropkgd.annotations import Protocol
from micropkgd.errors import DocumentError
from micropkgd.model.index import newest_in
from micropkgd.named_tuples import NamedTuple
from micropkgd.sources.retry import FetchError
from micropkgd.sources.source import Failed, FailureKind, Request, Unchanged

_WORTH_LISTING = 4
_MOST_LISTED = 100_000  # objects of one folder
_MOST_PAGES = 1000  # of one listing: a store sends a thousand objects a page, and need not


class BucketObject(NamedTuple):
    """One object. Build it with `parse`, which checks."""

    bucket: str
    key: str
    version: str  # as the ref pins it; empty for the current one

    @classmethod
    def parse(cls, location: str, pin: str) -> "BucketObject":
        """Read `scheme://bucket/key`; `pin` stands between key and version, where a ref names one."""
        bucket, _, rest = location.partition("://")[2].partition("/")
        key, pinned, version = rest.partition(pin)
        if not bucket or not key or key.endswith("/"):
            hint = newest_in(location) if bucket else "name bucket and key of the `.tar.gz` itself"
            raise DocumentError(f"`{location}` names no object", hint=hint)
        if pinned and not version:
            raise DocumentError(f"`{location}` pins no version", hint=f"leave `{pin}` away for the current one")
        return cls(bucket, key, version)

    @property
    def folder(self) -> str:
        """The key up to its last slash."""
        return self.key[: self.key.rfind("/") + 1]

    @classmethod
    def in_folder(cls, folder: str) -> "BucketObject":
        """Any object of a folder: its address with a slash at its end."""
        return cls.parse(f"{folder}*", "?")


class ListingOptions(Protocol):
    """What a listing needs to know of fs-args."""

    @property
    def name(self) -> str:
        """Equal for equal fs-args, and tells none of them."""


O = TypeVar("O", bound=ListingOptions)  # noqa: E741 - the letter for options

Listing = Callable[[O, str, str, Sequence[str]], Awaitable[Mapping[str, str]]]
"""Says for keys (sorted) of a bucket's folder what each validator's first line is now, as far as it can."""


Page = Callable[[str], Awaitable[tuple[Mapping[str, str], str]]]
"""Gives the objects of one page from a token on, and the token of the next."""


async def whole(folder: str, page: Page, longest: float) -> Mapping[str, str]:
    """A folder's objects by name, page by page, within so many seconds; a store need not come to an end by itself."""
    try:
        async with asyncio.timeout(longest) as deadline:
            return await _whole(folder, page)
    except TimeoutError as error:
        if not deadline.expired():
            raise
        problem = f"the listing of `{folder}` was not at its end after {longest:g} s"
        raise FetchError(Failed(FailureKind.UNREACHABLE, problem), again=False) from error


async def _whole(folder: str, page: Page) -> Mapping[str, str]:
    found: dict[str, str] = {}
    tokens = {""}
    token = ""
    while True:
        rows, token = await page(token)
        found |= {key.rpartition("/")[2]: mark for key, mark in rows.items()}
        if not token:
            return found
        if len(found) > _MOST_LISTED:
            raise _refused(f"`{folder}` has more than {_MOST_LISTED} objects")
        if token in tokens or len(tokens) > _MOST_PAGES:
            raise _refused(f"the listing of `{folder}` has no end")
        tokens.add(token)


def _refused(problem: str) -> FetchError:
    return FetchError(Failed(FailureKind.REFUSED, problem, "keep archives in a folder of their own"), again=False)


async def survey(
    requests: Sequence[Request], read: Callable[[Mapping[str, object]], O], pin: str, listing: Listing[O]
) -> list[Request | Unchanged]:
    """Say of each request what is left to ask, where one listing can answer many.

    `read` makes options of fs-args, which are mostly the same for all: of these it is asked once.
    """
    shared: defaultdict[tuple[str, str, str], list[tuple[int, O, str]]] = defaultdict(list)
    known: dict[int, O] = {}  # by the identity of fs-args
    for number, request in enumerate(requests):
        same = id(request.options)
        try:
            known[same] = options = known[same] if same in known else read(request.options)
            where = BucketObject.parse(request.ref.location, pin)
        except DocumentError:
            continue  # `fetch` will say so
        if request.validator is not None and not where.version:
            shared[options.name, where.bucket, where.folder].append((number, options, where.key))
    worth = {place: rows for place, rows in shared.items() if len(rows) >= _WORTH_LISTING}
    found = await asyncio.gather(
        *(
            listing(rows[0][1], bucket, folder, sorted({key for _, _, key in rows}))
            for (_, bucket, folder), rows in worth.items()
        )
    )
    left: list[Request | Unchanged] = list(requests)
    for rows, marks in zip(worth.values(), found, strict=True):
        for number, _, key in rows:
            if key in marks:
                left[number] = _judged(requests[number], marks[key])
    return left


def _judged(request: Request, mark: str) -> Request | Unchanged:
    """What changed is asked for without a condition: it is known that there is something to send."""
    if (request.validator or "").partition("\n")[0] == mark:
        return Unchanged()
    return request._replace(validator=None)
