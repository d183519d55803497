"""A question to an index, understood: what is wished, what is known, and what must not be taken.

Rule: what is known of the last answer travels as the validator, so that nothing but this folder need read it.
"""

import hashlib
import json

from packaging.version import Version

from micropkgd.errors import DocumentError
from micropkgd.model.lock import Release
from micropkgd.model.tree import Digest, parse_digest
from micropkgd.named_tuples import NamedTuple
from micropkgd.sources.index.select import Criteria, KnownRelease, step_back
from micropkgd.sources.source import Failed, Lookup, Request, Validator, not_expected


class PassedOver(NamedTuple):
    """An archive of a listing that was read, and that the project's Python cannot run."""

    name: str  # of the file
    mark: str  # what the listing said of its content then
    requires_python: str


class Memory(NamedTuple):
    """What a validator of this source remembers. Build it with `parse`; `text` is the validator."""

    version: str
    digest: Digest
    url: str  # of the file, as it may be shown
    page: Validator | None  # asks for the page on a condition; None where its files have no hash
    file: Validator | None  # the same for the file, where only asking for it says whether it changed
    mark: str  # of all that the choice depends on besides the page
    listed: bool = False  # in a plain listing, not on a page of its own
    passed: tuple[PassedOver, ...] = ()  # over

    @classmethod
    def parse(cls, text: str | None) -> "Memory | None":
        """Read a validator; nothing where it is none of ours."""
        try:
            version, digest, url, page, file, mark, *rest = json.loads(text or "")
            listed, passed = rest or (False, ())  # older ones end before them
            over = tuple(PassedOver(*map(str, row)) for row in passed)
            return cls(str(Version(version)), parse_digest(digest), url, page, file, mark, bool(listed), over)
        except (ValueError, TypeError, DocumentError):
            return None

    @property
    def text(self) -> Validator:
        """The validator."""
        return Validator(json.dumps(self))

    @property
    def had(self) -> KnownRelease:
        """The release it remembers."""
        return KnownRelease(Version(self.version), self.digest)


class Search(NamedTuple):
    """One request, understood. Build it with `of`, which checks."""

    request: Request
    lookup: Lookup
    criteria: Criteria
    version: Version | None  # nothing but this
    memory: Memory | None
    had: tuple[KnownRelease, ...]

    @classmethod
    def of(cls, request: Request) -> "Search":
        """Understand a request; `DocumentError` says what in it cannot be honoured."""
        lookup = request.lookup
        if lookup is None:
            raise DocumentError(f"no index was named for `{request.ref.text}`", hint="give its row an `index`")
        seen = Memory.parse(lookup.seen)
        locked = KnownRelease(_version(lookup.locked[0]), lookup.locked[1]) if lookup.locked else None
        return cls(
            request=request,
            lookup=lookup,
            criteria=Criteria.parse(request.ref.location, lookup.requires_python, lookup.index_url),
            version=_version(lookup.version) if lookup.version else None,
            memory=Memory.parse(request.validator),
            had=tuple(had for had in (locked, seen.had if seen else None) if had is not None),
        )

    @property
    def index_url(self) -> str:
        """The index, or the folder, that is asked."""
        return self.lookup.index_url

    @property
    def mark(self) -> str:
        """A name for all that the choice depends on besides the page."""
        facts = f"{self.index_url}\n{self.criteria.text}\n{self.criteria.oldest_python}"
        return hashlib.sha256(facts.encode()).hexdigest()[:16]

    def objection(self, version: Version, digest: Digest | None) -> Failed | None:
        """Why a release must not be taken; what is pinned or locked need only be the very bytes."""
        expected = self.request.expected
        if expected is not None:
            return None if digest is None or digest == expected else not_expected(self.request, digest)
        return step_back(self.criteria, version, digest, self.had)

    def release(self, version: Version, url: str) -> Release:
        """What the lock says of a release."""
        return Release(self.criteria.name, str(version), url, self.index_url)


def _version(text: str) -> Version:
    try:
        return Version(text)
    except ValueError as error:  # InvalidVersion is one; so is a number too long for `int`
        raise DocumentError(f"the locked version `{text}` is none", hint="restore the lock") from error
