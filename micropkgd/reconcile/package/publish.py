"""Reach the places where archives are published: look what stands there, and put an archive there.

Rules: what was put is read back by digest; what stands there stays, unless the entry says `overwrite`. Even then what
this machine did not put there itself is replaced only once a copy is kept, and only while it is what was looked at.
Whether anything is put is decided by `release`. A failure is the entry's own, its archive stays, and the next pass
tries again.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from micropkgd.annotations import TYPE_CHECKING, BinaryIO, Final
from micropkgd.errors import MicropkgError, TreeError
from micropkgd.model.condition import Failure
from micropkgd.model.hashing import digest_of_stream
from micropkgd.model.package_entry import PackageEntry
from micropkgd.model.packaged import Archived
from micropkgd.model.publish import PublishTarget
from micropkgd.model.ref import RefKind
from micropkgd.model.tree import Digest
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.package.record import PublishedState, SentArchive
from micropkgd.reconcile.package.replaced import keep_copy
from micropkgd.reconcile.package.same_release import is_same_release
from micropkgd.reconcile.resolve.fetcher import failure_of
from micropkgd.reconcile.resolve.full_check import FullCheck
from micropkgd.sources.cache import CachedArchive
from micropkgd.sources.gather import Sources
from micropkgd.sources.source import ARCHIVE_AT_MOST, Answer, Failed, FailureKind, Fetched, Lookup, Request, Validator
from micropkgd.sources.upload import Upload
from micropkgd.workspace.reading import open_regular

if TYPE_CHECKING:
    from micropkgd.sources.remote_cache import RemoteCache

_SENT_AGAIN: Final = 86_400.0  # seconds until an archive is sent once more that its place took and does not show
_TRIES: Final = 3  # where somebody else puts something there between look and upload


class Offer(NamedTuple):
    """An archive that is, or may be, published."""

    entry: PackageEntry
    target: PublishTarget
    archived: Archived
    stood: PublishedState | None = None  # at its place under its name, when that was last looked at
    sent: SentArchive | None = None  # what its place took, and did not show when it was last looked for

    @property
    def file(self) -> str:
        """Its name there."""
        return os.path.basename(self.archived.path)

    @property
    def stands(self) -> bool:
        """Whether its very bytes are known to be there."""
        return self.stood is not None and self.stood.holds(self.archived.digest)

    @property
    def ours(self) -> Digest | None:
        """What this machine last put there under its name."""
        return self.stood.ours if self.stood is not None else None


Looked = PublishedState | Failure | None
"""What stands at a place; None: nothing."""


class Put(NamedTuple):
    """What came of putting an archive at its place."""

    found: Looked  # there, afterwards
    notes: tuple[str, ...] = ()
    sent: SentArchive | None = None  # it was taken, and is not there


Sign = Callable[[BinaryIO, Digest], bytes]
"""Signs what a stream has, of which the digest is known."""


class Publisher(NamedTuple):
    """What is needed to publish the archives of one project."""

    root: str
    sources: Sources
    environ: Mapping[str, str]
    remote: "RemoteCache | None" = None  # the cache that this machine shares with others
    sign: "Sign | None" = None  # makes the signature of an archive, where somebody asks for one

    def look(self, offers: Sequence[Offer], full_check: FullCheck) -> list[Looked]:
        """Say what stands at the places of archives under their names; all are asked together."""
        found: dict[int, Looked] = {}
        requests: dict[int, Request] = {}
        for number, offer in enumerate(offers):
            try:
                requests[number] = self._request(offer, full_check)
            except MicropkgError as error:
                found[number] = Failure.of(error)
        answers = self.sources.answer(list(requests.values()), self.root, publishing=True) if requests else []
        for number, answer in zip(requests, answers, strict=True):
            found[number] = self._judged(offers[number], _looked(offers[number], answer, full_check.now))
        return [found[number] for number in range(len(offers))]

    def awaits(self, offer: Offer) -> bool:
        """Whether an archive was sent not long ago: an index that takes it and does not show it has enough of them."""
        sent = offer.sent
        return sent is not None and 0 <= time.time() - sent.at < _SENT_AGAIN

    def put(self, offer: Offer, found: PublishedState | None, full_check: FullCheck) -> Put:
        """Put an archive where nothing is, or in place of what was found there and may be replaced."""
        try:
            return self._put(self.upload_of(offer), offer, found, full_check)
        except MicropkgError as error:
            return Put(Failure.of(error))

    def _put(self, upload: Upload, offer: Offer, found: Looked, full_check: FullCheck) -> Put:
        """Keep what would be replaced, upload, and look what stands there then; again where others were faster."""
        notes: tuple[str, ...] = ()
        for _ in range(_TRIES):
            if isinstance(found, PublishedState) and found.digest not in {offer.ours, offer.archived.digest}:
                found = self._look_again(offer, full_check)  # with its bytes, of which a copy is kept
            if isinstance(found, Failure):
                return Put(found, notes)
            if found is not None and found.holds(offer.archived.digest):
                return Put(found, notes)
            if found is not None and found.digest != offer.ours:
                notes = (*notes, self._keep(upload, found.digest))
            replaces = Validator(found.validator) if found is not None else None
            if self.remote is not None:  # before anybody can hear of it
                self.remote.offer(upload.digest, upload.payload)
            stored = self.sources.put(upload._replace(replaces=replaces), self.root)
            if isinstance(stored, Failed):
                return Put(failure_of(stored), notes)
            found = self._look_again(offer, full_check)
            if stored.written or offer.target.kind is RefKind.INDEX or not upload.overwrite:
                return Put(found, notes, _taken(offer) if found is None else None)
        problem = f"`{upload.file}` at `{offer.target.text}` is replaced by others all the time"
        return Put(Failure(5, "Unreachable", problem, "give each machine a name of its own", transient=True), notes)

    def _judged(self, offer: Offer, found: Looked) -> Looked:
        """What stands there, compared with the archive made here where only a comparison tells; each pair once."""
        made, before = offer.archived.digest, offer.stood
        if not isinstance(found, PublishedState) or found.digest == made:
            return found
        if before is not None and (before.digest, before.judged) == (found.digest, made):
            return found._replace(judged=made, alike=before.alike)
        there = self.sources.find(found.digest)
        if there is None:
            return found
        try:
            with self._reading(offer.archived) as ours, there.reading() as theirs:
                alike = is_same_release(theirs, ours, self.sources.scratch)
        except TreeError:  # a dry run writes none
            return found
        return found._replace(judged=made, alike=alike)

    def _look_again(self, offer: Offer, full_check: FullCheck) -> Looked:
        (found,) = self.look([offer._replace(stood=None)], full_check)
        return found

    def _keep(self, upload: Upload, digest: Digest) -> str:
        """Keep a copy of what is there, and say where it is."""
        there = self.sources.find(digest)
        if there is None:
            raise TreeError("what it would replace cannot be kept", where=upload.file, hint="run again")
        with there.reading() as stream:
            where = keep_copy(self.root, upload.file, stream, digest)
        return f"replaced what somebody else had put there as `{upload.file}`; a copy is {where}"

    def _request(self, offer: Offer, full_check: FullCheck) -> Request:
        entry, archived = offer.entry, offer.archived
        ref = offer.target.ref(offer.file, archived.name, archived.version)
        stood = offer.stood
        known = stood is not None and not full_check.is_due(f"{entry.module} {ref.text}", stood.checked)
        validator = Validator(stood.validator) if known and stood is not None and stood.validator else None
        return Request(ref, self._options(entry), validator, lookup=self._lookup(offer.target))

    def upload_of(self, offer: Offer) -> Upload:
        """An archive on its way to its place."""
        entry, target, archived = offer.entry, offer.target, offer.archived
        return Upload(
            ref=target.ref(offer.file, archived.name, archived.version),
            url=target.upload_url,
            file=offer.file,
            name=archived.name,
            version=archived.version,
            payload=self._held(archived),
            digest=archived.digest,
            overwrite=entry.overwrite,
            options=self._options(entry),
            lookup=self._lookup(target),
        )

    def _options(self, entry: PackageEntry) -> Mapping[str, object]:
        if entry.fs_args is None:
            return {}
        from micropkgd.reconcile.resolve.fs_args_file import load_fs_args

        return load_fs_args(self.root, entry.fs_args, self.environ, self.sources.permits_for(self.root).variables)

    def _held(self, archived: Archived) -> CachedArchive:
        """An archive where it stays as it is while it is sent, whatever becomes of the project meanwhile."""
        with self._reading(archived) as stream:
            held = self.sources.hold(stream, archived.digest)
        if held is None:
            raise _changed(archived)
        return held

    @contextmanager
    def _reading(self, archived: Archived) -> Iterator[BinaryIO]:
        """Read an archive of the project that is still what was made."""
        try:
            stream = open_regular(os.path.join(self.root, archived.path))
        except OSError as error:
            raise TreeError.unreadable(error, archived.path) from error
        with stream:
            try:
                if os.fstat(stream.fileno()).st_size > ARCHIVE_AT_MOST:  # a hole of a tebibyte is soon made
                    raise _changed(archived)
                is_same = digest_of_stream(stream) == archived.digest
            except OSError as error:
                raise TreeError.unreadable(error, archived.path) from error
            if not is_same:
                raise _changed(archived)
            stream.seek(0)
            yield stream

    def _lookup(self, target: PublishTarget) -> Lookup | None:
        if target.kind is not RefKind.INDEX:
            return None
        from micropkgd.sources.index.login import index_for

        index = index_for(target.folder, self.environ)
        return Lookup(index.url, index.login)


def _changed(archived: Archived) -> TreeError:
    return TreeError("the archive changed before it could be published", where=archived.path, hint="run again")


def _taken(offer: Offer) -> SentArchive | None:
    """What to remember of an archive that is not there: an index may show it later, elsewhere it was lost."""
    if offer.target.kind is not RefKind.INDEX:
        return None
    return SentArchive(offer.target.text, offer.file, offer.archived.digest, time.time())


def _looked(offer: Offer, answer: Answer, now: float) -> Looked:
    if isinstance(answer, Fetched):
        return PublishedState(offer.target.text, offer.file, answer.digest, answer.validator or "", now)
    if isinstance(answer, Failed):
        return None if answer.kind in _nothing_there(offer) else failure_of(answer)
    if offer.stood is None:
        problem = f"`{offer.target.text}` says `unchanged` to a first question"
        return Failure(5, "Unreachable", problem, transient=True)
    return offer.stood if answer.validator is None else offer.stood._replace(validator=answer.validator)


def _nothing_there(offer: Offer) -> frozenset[FailureKind]:
    """The answers of a place that lacks an archive: some indexes then lead to another index, which is not asked."""
    refused = {FailureKind.REFUSED} if offer.target.kind is RefKind.INDEX else set[FailureKind]()
    return frozenset({FailureKind.GONE, *refused})
