"""One search, as the pages of an index are asked, and what on such a page may be taken.

Rules: a file is taken from where the page says, but never over plain http where the index is not; what it is said to
be (hash, size) is what its bytes must be; what is known by version and hash is not fetched again.
"""

import hashlib

from packaging.version import Version
from yarl import URL

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.errors import DocumentError
from micropkgd.model.tree import Digest
from micropkgd.named_tuples import NamedTuple
from micropkgd.sources.cache import ArchiveCache, CachedArchive
from micropkgd.sources.http.client import address
from micropkgd.sources.http.environment import keeps_secrets
from micropkgd.sources.http.options import HttpOptions
from micropkgd.sources.http.redirects import next_hop
from micropkgd.sources.index.search import Memory, Search
from micropkgd.sources.index.select import choose
from micropkgd.sources.index.simple_api import File, PageError
from micropkgd.sources.redaction import origin
from micropkgd.sources.retry import FetchError
from micropkgd.sources.source import Answer, Failed, FailureKind, Fetched, Request, Unchanged, Validator

if TYPE_CHECKING:
    from aiohttp import ClientResponse

ALONE = "no other index is asked: anyone could have taken this name there; check the name and `index`"


class Asked(NamedTuple):
    """A search, and how its index is asked. Build it with `of`, which checks."""

    search: Search
    options: HttpOptions
    page: URL  # of the project

    @classmethod
    def of(cls, request: Request) -> "Asked":
        """Understand a request; `DocumentError` says what in it cannot be honoured."""
        search = Search.of(request)
        options = HttpOptions.parse(request.options).with_login(search.lookup.login, search.index_url)
        return cls(search, options, address(f"{search.index_url.rstrip('/')}/{search.criteria.name}/", options))

    @property
    def folder(self) -> URL:
        """The index itself."""
        return self.page.join(URL(".."))


class IndexPage(NamedTuple):
    """What an index has of one project."""

    files: tuple[File, ...]
    validator: Validator | None


class PickedFile(NamedTuple):
    """The file that is to be taken."""

    version: Version
    file: File
    url: URL
    page: Validator | None  # of the page that lists it

    @property
    def shown(self) -> str:
        """Its address as the lock may have it."""
        return str(self.url.with_query(None).with_fragment(None))


def picked(asked: Asked, page: IndexPage) -> PickedFile | Failed:
    """Choose a file, and see that it may be taken from where it is."""
    search = asked.search
    chosen = choose(search.criteria, page.files, version=search.version, digest=search.request.expected)
    if isinstance(chosen, Failed):
        return chosen
    version, file = chosen
    try:
        return search.objection(version, file.sha256) or PickedFile(
            version, file, address_of(asked, file), page.validator
        )
    except DocumentError as error:
        return Failed(FailureKind.REFUSED, error.problem, error.hint)


def may_ask_keyring(asked: Asked) -> bool:
    """Whether a password from the user's keyring could be used where none was given."""
    return not asked.options.carry_credentials and asked.options.trust_env and keeps_secrets(asked.page)


def hop_of_same_host(chain: list[URL], location: str) -> URL:
    """Some indexes send whoever asks for an unknown project to another index; that one was not named."""
    hop = next_hop(chain, location)
    if hop.host != chain[0].host:
        problem = f"the index at {origin(str(chain[0]))} leads to another one, at {origin(str(hop))}"
        raise FetchError(Failed(FailureKind.REFUSED, problem, ALONE), again=False)
    return hop


def refuse_unended(response: "ClientResponse", body: bytearray) -> None:
    """A page with neither length nor chunks may have been cut, and the newest release with it."""
    framed = response.content_length is not None or "Transfer-Encoding" in response.headers
    if not framed and not body.rstrip().lower().endswith((b"</html>", b"}")):
        raise PageError(FailureKind.CORRUPT, "it has no end")


def address_of(asked: Asked, file: File) -> URL:
    """Where a file is: never at plain http where the index is not, and without a password that a page put there."""
    url = address(file.url, HttpOptions())
    if url.scheme not in {"http", "https"} or (asked.page.scheme == "https" and url.scheme == "http"):
        problem = f"{origin(str(asked.page))} has `{file.name}` at {origin(str(url))}, where it is not fetched from"
        raise DocumentError(problem, hint="a file of an https index must be at an https address too")
    return url.with_user(None)


def as_remembered(asked: Asked) -> Answer:
    """The page, or the file, is as it was; what the entry has may have changed since."""
    search = asked.search
    if search.memory is None:
        return Failed(FailureKind.UNREACHABLE, f"{origin(str(asked.page))} says `not modified` to a first question")
    had, url = search.memory.had, search.memory.url
    return search.objection(had.version, had.digest) or Unchanged(search.release(had.version, url))


def known(search: Search, pick: PickedFile) -> Unchanged | None:
    """The answer where the index gives the hash of the archive that is remembered."""
    memory = search.memory
    if memory is None or pick.file.sha256 != memory.digest or pick.version != memory.had.version:
        return None
    renewed = memory._replace(page=pick.page, mark=search.mark, url=pick.shown)
    return Unchanged(search.release(pick.version, pick.shown), None if renewed == memory else renewed.text)


def file_validator(search: Search, pick: PickedFile) -> Validator | None:
    """Only where the index gives no hash must the file itself say whether it changed."""
    memory = search.memory
    same = memory is not None and pick.file.sha256 is None and pick.version == memory.had.version
    return memory.file if memory is not None and same else None


def contradiction(file: File, digest: Digest, size: int) -> Failed | None:
    """Where the bytes are not what the index says of them."""
    if file.sha256 not in {None, digest}:
        return _not_as_said(file, f"{file.sha256}, and its bytes are {digest}")
    if file.size not in {None, size}:
        return _not_as_said(file, f"{file.size} bytes, and it has {size}")
    return None


def weaker_hashes(file: File, digest: Digest, cache: ArchiveCache) -> Failed | None:
    """Check the other hashes of a file that the index gives no sha256 of."""
    names = sorted(hashlib.algorithms_guaranteed & set(file.hashes)) if file.sha256 is None else []
    names = [name for name in names if not name.startswith("shake")]
    found = cache.find(digest) if names else None
    if found is None:
        return None
    for name in names:
        if _hashed(found, name) != file.hashes[name]:
            return _not_as_said(file, f"{name} {file.hashes[name]}, which its bytes do not have")
    return None


def _hashed(archive: CachedArchive, name: str) -> str:
    with archive.reading() as stream:
        return hashlib.file_digest(stream, name).hexdigest()


def _not_as_said(file: File, what: str) -> Failed:
    problem = f"the index says of `{file.name}`: {what}"
    return Failed(FailureKind.CORRUPT, problem, "the index, or a cache before it, is broken or was tampered with")


def of_file(failed: Failed, file: File) -> Failed:
    """The failure of a file that is listed; that it is not there says something of the index."""
    if failed.kind is not FailureKind.GONE:
        return failed
    return failed._replace(problem=f"the index lists `{file.name}`, but {failed.problem}")


def remembering(search: Search, pick: PickedFile, fetched: Fetched) -> Fetched:
    """The answer with what is to be known next time."""
    hashed = pick.file.sha256 is not None
    memory = Memory(
        version=str(pick.version),
        digest=fetched.digest,
        url=pick.shown,
        page=pick.page if hashed else None,
        file=None if hashed else fetched.validator,
        mark=search.mark,
    )
    return fetched._replace(validator=memory.text, release=search.release(pick.version, pick.shown))
