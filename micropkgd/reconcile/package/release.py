"""Decides whether an archive is released: by what stands at its place, and what the entry wants.

Promises: nothing is called published that was not seen at its place; code that is ahead of what is published under its
version is `Unreleased`, and no failure, for that is what work looks like. What somebody else put in the place of a
published archive is told, and not fought over.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial

from micropkgd.clock import utc
from micropkgd.model.condition import Failure
from micropkgd.model.package_entry import PublishWhen
from micropkgd.model.packaged import Published
from micropkgd.model.ref import RefKind
from micropkgd.model.tree import short
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.package.publish import Looked, Offer, Publisher
from micropkgd.reconcile.package.record import PublishedState, SentArchive
from micropkgd.reconcile.resolve.full_check import NEVER, FullCheck


class ReleaseOptions(NamedTuple):
    """How archives are to be released."""

    by_hand: bool = False  # somebody asks for it: now, whatever `publish-when` says
    follow: bool = True  # places are asked, also about what is known to be there
    full_check: FullCheck = NEVER


class Released(NamedTuple):
    """What came of one archive."""

    stood: PublishedState | None  # what is known of its place
    unreleased: str = ""  # why what is there is not this archive
    failure: Failure | None = None
    sent: bool = False  # it was put there now, or in a dry run would be
    notes: tuple[str, ...] = ()
    awaited: SentArchive | None = None  # its place took it, and does not show it
    verified: bool = False  # its place was asked, and holds it

    def published(self, offer: Offer) -> Published | None:
        """Where the archive is known to be, or in a dry run would be."""
        if self.stood is not None and self.stood.holds(offer.archived.digest):
            return Published(offer.target.text, self.stood.digest)
        return Published(offer.target.text, offer.archived.digest) if self.sent else None


Blocker = Callable[[], str]
"""What keeps the code of an archive from being that of a commit; empty where nothing does."""


def release(
    offers: Sequence[Offer],
    blockers: Sequence[Blocker],
    publisher: Publisher | None,
    how: ReleaseOptions,
    *,
    apply: bool = True,
) -> list[Released]:
    """See to it that archives are where, and when, their entries want them published; without a publisher only say."""
    both = zip(offers, blockers, strict=True)
    reasons = [cache(partial(_why_not, offer, how, blocker)) for offer, blocker in both]
    asked = [
        number
        for number, (offer, why) in enumerate(zip(offers, reasons, strict=True))
        if publisher is not None and _must_ask(offer, how, why)
    ]
    found: dict[int, Looked] = {}
    if publisher is not None and asked:
        looked = publisher.look([offers[number] for number in asked], how.full_check)
        found = dict(zip(asked, looked, strict=True))
    return [
        _OfferAtPlace(offer, found[number], why, how, publisher).released(apply=apply)
        if number in found and publisher is not None
        else _as_known(offer, why, asks=publisher is not None)
        for number, (offer, why) in enumerate(zip(offers, reasons, strict=True))
    ]


def _why_not(offer: Offer, how: ReleaseOptions, blocker: Blocker) -> str:
    """Why an archive is not released by itself; empty where it is."""
    when = offer.entry.publish_when
    if how.by_hand or when is PublishWhen.SAVED:
        return ""
    if when is PublishWhen.ASKED:
        return f"`micropkgd publish {offer.entry.module}` releases it"
    return blocker()


def _must_ask(offer: Offer, how: ReleaseOptions, why: Blocker) -> bool:
    """Whether its place is asked: always where sources are, else only where there may be something to put."""
    if how.follow:
        return True
    if offer.stood is None:
        return not why()
    return not offer.stands and _may_replace(offer) and not why()


def _may_replace(offer: Offer) -> bool:
    """Whether other bytes there may be replaced: not what came there since the archive was published."""
    return offer.entry.overwrite and offer.ours != offer.archived.digest


def _as_known(offer: Offer, why: Blocker, *, asks: bool) -> Released:
    """What is known of an archive whose place was not asked."""
    if offer.stands:
        return Released(offer.stood)
    if offer.stood is not None:
        return Released(offer.stood, why() or _ahead(offer, offer.stood))
    return Released(None, why() if asks else "")


class _OfferAtPlace(NamedTuple):
    """An archive whose place was looked at, and all that decides what becomes of it."""

    offer: Offer
    found: Looked
    why: Blocker  # why it is not released by itself
    how: ReleaseOptions
    publisher: Publisher

    def released(self, *, apply: bool) -> Released:
        """What came of it; first its signature is put there, where one is asked for."""
        if self.publisher.sign is None or not apply or not self._is_to_sign:
            return self._put_or_seen(apply=apply)
        from micropkgd.reconcile.package.signing import put_signature

        signed = put_signature(self.publisher, self.offer, self.publisher.sign)
        if isinstance(signed, Failure):
            return Released(self.offer.stood, failure=signed)
        result = self._put_or_seen(apply=apply)
        return result._replace(notes=(*result.notes, *signed))

    @property
    def _is_to_sign(self) -> bool:
        """Whether it is about to be put at its place; somebody who asks for it has what is there signed, too."""
        if self.how.by_hand and isinstance(self.found, PublishedState) and self.found.holds(self.offer.archived.digest):
            return True
        return self._is_to_put and not self._is_awaited

    @property
    def _is_to_put(self) -> bool:
        """Whether nothing is there, or what may be replaced, and it is released."""
        offer, found = self.offer, self.found
        if isinstance(found, Failure):
            return False
        replaces = found is not None and not found.holds(offer.archived.digest) and offer.entry.overwrite
        return (found is None or (replaces and (self.how.by_hand or _may_replace(offer)))) and not self.why()

    @property
    def _is_awaited(self) -> bool:
        """Whether it was sent not long ago, and is not there yet."""
        return self.found is None and not self.how.by_hand and self.publisher.awaits(self.offer)

    def _put_or_seen(self, *, apply: bool) -> Released:
        """What came of it: it is put there, or what is there is judged."""
        offer, found = self.offer, self.found
        if isinstance(found, Failure):
            return Released(offer.stood, failure=found)
        if self._is_to_put:
            if self._is_awaited:
                return Released(offer.stood, failure=_not_listed(offer, offer.sent), awaited=offer.sent)
            return self._put(found) if apply else Released(offer.stood, sent=True)
        return self._seen(found) if found is not None else Released(None, _gone(offer) + self.why())

    def _put(self, found: PublishedState | None) -> Released:
        """Put it at its place; whoever came first there is another matter than an outage."""
        put = self.publisher.put(self.offer, found, self.how.full_check)
        if isinstance(put.found, PublishedState):
            result = self._seen(put.found, sent=True)
        else:
            failure = put.found or _not_listed(self.offer, put.sent)
            result = Released(self.offer.stood, failure=failure, awaited=put.sent)
        return result._replace(notes=put.notes)

    def _seen(self, found: PublishedState, *, sent: bool = False) -> Released:
        """What it means that these bytes stand at its place."""
        offer, before = self.offer, self.offer.ours
        if found.holds(offer.archived.digest):
            return Released(found._replace(ours=found.digest), sent=sent, verified=True)
        stood = found._replace(ours=before)
        if self.how.by_hand:
            return Released(stood, failure=_taken(offer, found))
        if before == offer.archived.digest:
            return Released(stood, _replaced(offer, found))
        return Released(stood, self.why() or _ahead(offer, found))


def _ahead(offer: Offer, found: PublishedState) -> str:
    version = offer.archived.version
    if found.ours == offer.archived.digest:
        return _replaced(offer, found)
    there = f"{version} is at {offer.target.text} with other bytes ({short(found.digest)})"
    return f"{there}: give the module a new version"


def _replaced(offer: Offer, found: PublishedState) -> str:
    expected, seen = short(offer.archived.digest), short(found.digest)
    return f"{offer.archived.version} was published at {offer.target.text} as {expected}, and {seen} stands there now"


def _gone(offer: Offer) -> str:
    return f"{offer.archived.version} is no longer at {offer.target.text}; " if offer.stands else ""


def _taken(offer: Offer, found: PublishedState) -> Failure:
    text = offer.target.text
    problem = f"`{text}` has other bytes under `{offer.file}` ({found.digest}), which are not replaced"
    hint = "an index replaces no archive: give the module a new version"
    if offer.target.kind is not RefKind.INDEX:
        hint = "give the module a new version, or set `overwrite = true`"
    return Failure(1, "Taken", problem, hint)


def _not_listed(offer: Offer, sent: SentArchive | None) -> Failure:
    when = f" at {utc(sent.at)}" if sent is not None else ""
    problem = f"`{offer.file}` was sent to `{offer.target.text}`{when} and is not listed there yet"
    again = (
        f"; it is sent again after a day, or by `micropkgd publish {offer.entry.module}`" if sent is not None else ""
    )
    hint = f"the next pass looks again{again}"
    return Failure(5, "Unreachable", problem, hint, transient=True)
