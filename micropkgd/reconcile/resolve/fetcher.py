"""Resolves each entry to an archive: asks the source, or the lock, and fetches the bytes when they are needed.

Nothing of the project is touched here. A failure is an answer: the entry keeps what it has (promises P6, P7).
"""

import os
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import cache

from micropkgd.annotations import TYPE_CHECKING, BinaryIO
from micropkgd.errors import ArchiveError, MicropkgError
from micropkgd.model.condition import Failure
from micropkgd.model.lock import Block, Release, SignedBy
from micropkgd.model.manifest import Manifest
from micropkgd.model.pull_entry import PullEntry
from micropkgd.model.ref import Ref, RefKind
from micropkgd.model.tree import Digest, RelPath, rel_path
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.resolve.full_check import CHANGED, CHANGED_UNDER_PIN, NEVER, FullCheck
from micropkgd.sources.cache import ArchiveCache, CachedArchive
from micropkgd.sources.gather import Sources
from micropkgd.sources.source import Answer, Failed, FailureKind, Fetched, Lookup, Request, Validator
from micropkgd.workspace.memory.state import LastAnswer

if TYPE_CHECKING:
    from micropkgd.reconcile.resolve.question import EntryQuestion
    from micropkgd.sources.remote_cache import RemoteCache

_EXIT_CODES = {
    FailureKind.UNREACHABLE: 5,
    FailureKind.THROTTLED: 5,
    FailureKind.DOWNLOADING: 5,
    FailureKind.DENIED: 1,
    FailureKind.GONE: 1,
    FailureKind.REFUSED: 1,
    FailureKind.CORRUPT: 6,
}


class Follow(StrEnum):
    """What decides which archive an entry gets."""

    REFS = "refs"  # what stands at the ref now
    LOCK = "lock"  # what is locked; a ref that is not locked yet is asked
    LOOK = "look"  # what is locked; its source is asked whether it answers again
    NEWS = "news"  # what is locked, unless a place on this machine has another archive than when it was last asked


_Load = Callable[[str], Mapping[str, object]]
"""Gives the options that stand in a file of the project."""

Follows = Mapping[str, Follow]
"""By ref."""


class Resolution(NamedTuple):
    """The answer for one entry: an archive, or why there is none."""

    archive: Digest | None = None
    known: LastAnswer | None = None  # what to remember of the source
    release: Release | None = None  # where an index answered
    failure: Failure | None = None
    notes: tuple[str, ...] = ()
    asked: bool = False  # whether its source has answered: something newer may have been learnt
    unanswered: Failure | None = None  # how its source failed, where what is locked is the answer all the same
    answered: bool = False  # whether it was looked at, and has nothing new
    signed: SignedBy | None = None  # whose signature the archive carries, where somebody asks for one
    is_trusted: bool = True  # whether its locked archive, too, is signed as somebody asks


class WantedArchive(NamedTuple):
    """An archive whose bytes are needed."""

    entry: PullEntry
    archive: Digest
    release: Release | None  # of an index that it is


class Fetcher(NamedTuple):
    """What the loop needs to reach archives for one project."""

    root: str
    sources: Sources
    cache: ArchiveCache
    environ: Mapping[str, str]
    protocols: tuple[str, ...] = ()  # what the project's policy allows beyond the usual
    mirrors: tuple[str, ...] = ()  # where the project's policy finds archives by digest, too
    requires_python: str = ""  # of the project
    allow_downgrade: bool = False  # whether a requirement may be answered by less than before
    full_check: FullCheck = NEVER
    remote: "RemoteCache | None" = None  # the cache that this machine shares with others
    formatter: Callable[[RelPath, bytes], bytes | None] | None = None  # of this machine, for what is merged
    sign: Callable[[BinaryIO, Digest], bytes] | None = None  # signs what is published, where this machine asks for it
    on_cached: Callable[[int], None] | None = None  # is told how many archives that are needed lie in the cache
    heard: Mapping["tuple[EntryQuestion, Follow]", Resolution] = {}  # what the sources have said already

    def resolve(
        self,
        entries: Sequence[tuple[PullEntry, Block | None]],
        known: Mapping[str, LastAnswer],
        follow: Follows,
    ) -> list[Resolution]:
        """Answer each entry, in order; refs that must be asked are asked together."""
        load, answers = cache(self._load), dict[int, Resolution]()
        requests: dict[int, Request] = {}
        pinned: dict[int, Request] = {}
        for number, (entry, block) in enumerate(entries):
            ref = entry.ref.text
            if self.heard and (heard := self._heard(entry, block, known.get(ref), follow[ref])) is not None:
                answers[number] = heard
                continue
            settled = _without_asking(entry, block, follow[entry.ref.text])
            if settled is not None:
                answers[number] = settled
                if follow[entry.ref.text] is not Follow.REFS or not self._is_due(entry, known.get(entry.ref.text)):
                    continue
            try:
                asked = requests if settled is None else pinned
                asked[number] = self._question(entry, block, known.get(entry.ref.text), load)
            except MicropkgError as error:
                answers.setdefault(number, Resolution(failure=Failure.of(error)))
        replies = self._ask(list(requests.values()))
        for (number, request), reply in zip(requests.items(), replies, strict=True):
            found, (_, block) = known.get(request.ref.text), entries[number]
            answers[number] = self._resolution(request, reply, found)
            if follow[request.ref.text] is Follow.NEWS and block is not None:
                answers[number] = _news(answers[number], found, block)
            elif follow[request.ref.text] is Follow.LOOK and block is not None:
                answers[number] = _as_locked(answers[number], block)
        if pinned:
            self._check_pinned(pinned, answers, known)
        return [answers[number] for number in range(len(entries))]

    def _heard(
        self, entry: PullEntry, block: Block | None, known: LastAnswer | None, follow: Follow
    ) -> Resolution | None:
        from micropkgd.reconcile.resolve.question import EntryQuestion

        return self.heard.get((EntryQuestion.of(entry, block, known), follow))

    def materialise(self, wanted: Sequence[WantedArchive]) -> list[CachedArchive | Failure]:
        """Locked or resolved archives to read, from the cache or fetched again, and none with other bytes."""
        found: list[CachedArchive | Failure | None] = [self.cache.find(one.archive) for one in wanted]
        missing = [number for number, one in enumerate(found) if one is None]
        if self.on_cached is not None and len(missing) < len(found):
            self.on_cached(len(found) - len(missing))
        if missing:
            load, requests = cache(self._load), dict[int, Request]()
            for number in missing:
                try:
                    requests[number] = self._request_again(wanted[number], load)
                except MicropkgError as error:
                    found[number] = Failure.of(error)
            replies = self._ask(list(requests.values()))
            for number, reply in zip(requests, replies, strict=True):
                found[number] = self._found(reply, wanted[number].archive)
        return [one if one is not None else _lost() for one in found]

    def _ask(self, requests: Sequence[Request]) -> Sequence[Answer]:
        """What the sources answer, in order; other places that have archives by digest come in where there are any."""
        if self.remote is None and not self.mirrors:
            return self.sources.answer(requests, self.root)
        from micropkgd.reconcile.resolve.mirrors import ask

        return ask(self.sources, requests, self.mirrors, self.root, self.remote)

    def _found(self, reply: Answer, archive: Digest) -> CachedArchive | Failure | None:
        return failure_of(reply) if isinstance(reply, Failed) else self.cache.find(archive)

    def _is_due(self, entry: PullEntry, known: LastAnswer | None) -> bool:
        """Whether this source is to show its archive whole, though it may say that nothing changed."""
        remote = entry.kind is not RefKind.LOCAL
        return known is not None and remote and self.full_check.is_due(entry.ref.text, known.checked)

    def _resolution(self, request: Request, reply: Answer, known: LastAnswer | None) -> Resolution:
        """What a source's answer means for an entry: its archive, with what to remember, or a failure."""
        if isinstance(reply, Failed):
            return Resolution(failure=self._with_folder(request.ref, failure_of(reply)))
        if isinstance(reply, Fetched):
            seen = self._seen(request, reply, known)
            changed = known is not None and reply.validator == known.validator and reply.digest != known.archive
            return Resolution(reply.digest, seen, reply.release, notes=(CHANGED,) if changed else (), asked=True)
        if known is None or request.validator is None:
            return Resolution(failure=Failure(5, "Unreachable", "the source says `unchanged` to a first question"))
        seen = known if reply.validator is None else known._replace(validator=reply.validator)
        return Resolution(known.archive, seen, reply.release, asked=True)

    def _with_folder(self, ref: Ref, failure: Failure) -> Failure:
        """The failure of a requirement that may have meant a folder of the project."""
        if ref.kind is not RefKind.INDEX or not os.path.isdir(os.path.join(self.root, ref.text)):
            return failure
        hint = f"an archive in the folder `{ref.text}` is named like `{ref.text}/NAME.tar.gz`"
        return failure._replace(hint=f"{failure.hint}; {hint}" if failure.hint else hint)

    def _check_pinned(
        self, pinned: Mapping[int, Request], answers: dict[int, Resolution], known: Mapping[str, LastAnswer]
    ) -> None:
        """Look at the sources of entries that have their pin. Only other bytes count there: an outage takes nothing.

        No mirror is asked: what it has says nothing of the source.
        """
        replies = self.sources.answer(list(pinned.values()), self.root)
        for (number, request), reply in zip(pinned.items(), replies, strict=True):
            if isinstance(reply, Fetched):
                seen = self._seen(request, reply, known.get(request.ref.text))
                answers[number] = answers[number]._replace(known=seen)
            elif isinstance(reply, Failed) and reply.kind is FailureKind.CORRUPT:
                answers[number] = Resolution(failure=failure_of(reply), notes=(CHANGED_UNDER_PIN,))

    def _seen(self, request: Request, fetched: Fetched, known: LastAnswer | None) -> LastAnswer | None:
        """What to remember of a body that came whole; a server that sends it unasked costs no write each time."""
        if fetched.validator is None:
            return None
        seen = LastAnswer(fetched.validator, fetched.digest, self.full_check.now)
        unasked = known is not None and request.validator is not None and seen == known._replace(checked=seen.checked)
        return known if unasked else seen

    def _question(self, entry: PullEntry, block: Block | None, known: LastAnswer | None, load: _Load) -> Request:
        """Ask with the last validator only where its archive is at hand: a 304 must never leave us without bytes."""
        at_hand = known is not None and (
            (block is not None and block.archive == known.archive) or self.cache.has(known.archive)
        )
        whole = self._is_due(entry, known)
        conditional = at_hand and not whole
        validator = Validator(known.validator) if known is not None and conditional else None
        lookup = self._lookup(entry)
        if lookup is not None and not self.allow_downgrade:
            locked = (block.version, block.archive) if block is not None else None
            lookup = lookup._replace(locked=locked, seen=Validator(known.validator) if known is not None else None)
        return Request(
            entry.ref,
            self._options(entry, load),
            validator,
            entry.sha256,
            protocols=self.protocols,
            lookup=lookup,
            bring=self.remote.bring if self.remote is not None and not whole else None,
        )

    def _request_again(self, wanted: WantedArchive, load: _Load) -> Request:
        """Ask for the very archive that is locked, wherever it is listed by now."""
        entry = wanted.entry
        lookup = self._lookup(entry)
        if lookup is not None and wanted.release is not None:
            lookup = lookup._replace(version=wanted.release.version)
        return Request(
            entry.ref, self._options(entry, load), expected=wanted.archive, protocols=self.protocols, lookup=lookup
        )

    def index_of(self, entry: PullEntry) -> str:
        """The index that a requirement is looked up in; empty for all else."""
        lookup = self._lookup(entry)
        return lookup.index_url if lookup is not None else ""

    def beside(self, entry: PullEntry, ref: Ref, max_bytes: int) -> Request:
        """Ask for a file that lies beside an entry's archive."""
        return Request(ref, self._options(entry, self._load), max_bytes=max_bytes, protocols=self.protocols)

    def page_of(self, entry: PullEntry, address: str, max_bytes: int) -> Request:
        """Ask for a page of the index of an entry, with the login of this machine where it is that index's own."""
        from micropkgd.sources.index.login import is_same_server

        lookup, options = self._lookup(entry), self._options(entry, self._load)
        if lookup is None or not is_same_server(lookup.index_url, address):
            options = {}
        elif lookup.login is not None:
            options = {"auth": [*lookup.login], **options}
        return Request(Ref.parse(address), options, max_bytes=max_bytes)

    def _lookup(self, entry: PullEntry) -> Lookup | None:
        """Say which index a requirement is looked up in: the entry's, the project's, the machine's, or PyPI."""
        if entry.ref.kind is not RefKind.INDEX:
            return None
        from micropkgd.sources.index.login import index_for

        index = index_for(entry.index_url, self.environ)
        return Lookup(index.url, index.login, self.requires_python, python_of=self._python_of)

    def _python_of(self, stream: BinaryIO) -> str:
        """The `requires-python` that an archive states; what cannot be read is refused when it is to be installed."""
        from micropkgd.reconcile.plan.byte_store import ByteStore
        from micropkgd.sdist.metadata import requires_python
        from micropkgd.sdist.reader import read_sdist

        try:
            return requires_python(read_sdist(stream, keep=ByteStore(self.cache.scratch).keep))
        except ArchiveError:
            return ""

    def _options(self, entry: PullEntry, load: _Load) -> Mapping[str, object]:
        """An entry's fs-args: a small YAML file of the project, its variables replaced."""
        if entry.fs_args is None:
            return {}
        if entry.kind is RefKind.LOCAL:  # which needs none of them, but a name that leads nowhere is a slip
            if not os.path.exists(os.path.join(self.root, rel_path(entry.fs_args))):
                from micropkgd.reconcile.resolve.fs_args_file import no_such_file

                raise no_such_file(entry.fs_args)
            return {}
        return load(entry.fs_args)

    def _load(self, path: str) -> Mapping[str, object]:
        """Load a file of fs-args; a thousand entries may name the same, which is read once for them all."""
        from micropkgd.reconcile.resolve.fs_args_file import load_fs_args

        return load_fs_args(self.root, path, self.environ, self.sources.permits_for(self.root).variables)


def fetcher_for(root: str, manifest: Manifest, make_fetcher: Callable[[str], Fetcher]) -> Fetcher:
    """What reaches archives for a project, by its own policy."""
    return make_fetcher(root)._replace(
        protocols=manifest.policy.protocols,
        mirrors=manifest.policy.mirrors,
        requires_python=manifest.project.requires_python,
    )


def failure_of(failed: Failed) -> Failure:
    """What a source's answer means for the entry."""
    return Failure(
        _EXIT_CODES[failed.kind],
        failed.reason or failed.kind.value.capitalize(),
        failed.problem,
        failed.hint,
        transient=failed.kind.transient,
        retry_after=failed.retry_after,
    )


def _without_asking(entry: PullEntry, block: Block | None, follow: Follow) -> Resolution | None:
    """A pinned entry that has its pin, and a locked one that follows the lock, need no source."""
    if block is None:
        return None
    if entry.sha256 is not None and block.archive == entry.sha256:
        return Resolution(block.archive, release=block.release)
    if follow is Follow.LOCK or (follow is Follow.NEWS and entry.kind is not RefKind.LOCAL):
        if entry.sha256 is not None:
            problem = f"locked to {block.archive}, but pinned to {entry.sha256}"
            return Resolution(failure=Failure(3, "OutOfStep", problem, "run `micropkgd lock`"))
        return Resolution(block.archive, release=block.release)
    return None


def _news(found: Resolution, known: LastAnswer | None, block: Block) -> Resolution:
    """What a place on this machine has come to have since it was last asked; else what is locked."""
    if found.failure is None and known is not None and found.archive != known.archive:
        return found
    return _as_locked(found, block)


def _as_locked(found: Resolution, block: Block) -> Resolution:
    """What is locked, with whether its source answered."""
    answered = found.failure is None
    return Resolution(block.archive, found.known, block.release, unanswered=found.failure, answered=answered)


def _lost() -> Failure:
    return Failure(5, "Unreachable", "the archive vanished from the cache", "run again", transient=True)


def location(ref: Ref) -> str:
    """Where the lock says an archive came from."""
    return ref.location if ref.kind is RefKind.LOCAL else ref.text
