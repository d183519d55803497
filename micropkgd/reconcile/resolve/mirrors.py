"""Mirrors: other places where an archive is found by its digest, once its own place no longer gives it out.

Rules: a mirror is asked only for a known digest (pinned or locked), only after the ref itself failed, and only for
what may be missing there by accident: a ref that is denied or refused is for somebody to mend. Nothing but the bytes
of that digest is accepted, so a mirror need not be trusted. It gets none of the entry's fs-args: they are the ref's.
"""

from collections.abc import Sequence

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.model.ref import MIRRORED, Ref, RefKind
from micropkgd.model.tree import Digest
from micropkgd.sources.gather import Sources
from micropkgd.sources.source import Answer, Failed, FailureKind, Fetched, Request

if TYPE_CHECKING:
    from micropkgd.sources.remote_cache import RemoteCache

_ANSWERS_FOR = {FailureKind.GONE, FailureKind.UNREACHABLE, FailureKind.THROTTLED, FailureKind.CORRUPT}


def ask(
    sources: Sources,
    requests: Sequence[Request],
    mirrors: Sequence[str],
    root: str,
    remote: "RemoteCache | None" = None,
) -> list[Answer]:
    """Ask the cache that machines share, the sources, and one mirror after the other for what they no longer have."""
    answers = sources.answer(requests, root) if remote is None else _ask_remote_first(sources, requests, root, remote)
    failed = {number: reply for number, reply in enumerate(answers) if _is_lost(requests[number], reply)}
    for mirror in mirrors:
        if not failed:
            break
        at_mirror = [_at(mirror, requests[number]) for number in failed]
        for number, found in zip(list(failed), sources.answer(at_mirror, root), strict=True):
            if isinstance(found, Fetched):
                # What the mirror calls its version is not what the ref would call it.
                answers[number] = found._replace(validator=None)
                del failed[number]
            elif isinstance(found, Failed):
                answers[number] = _neither(answers[number], found)
    return answers


def _ask_remote_first(sources: Sources, requests: Sequence[Request], root: str, remote: "RemoteCache") -> list[Answer]:
    """What this machine does not let the project ask for is not looked for elsewhere, either."""
    numbered = dict(enumerate(requests))
    answers: dict[int, Answer] = {}
    answers |= remote.find({n: one for n, one in numbered.items() if sources.objection(one, root) is None})
    left = {number: request for number, request in numbered.items() if number not in answers}
    fetched = dict(zip(left, sources.answer(list(left.values()), root), strict=True))
    remote.keep(
        reply.digest
        for number, reply in fetched.items()
        if isinstance(reply, Fetched) and not reply.brought and left[number].kind is not RefKind.LOCAL
    )
    answers |= fetched
    return [answers[number] for number in numbered]


def _is_lost(request: Request, reply: Answer) -> bool:
    """Whether a mirror may answer; a requirement must be known by release, for the lock tells it."""
    known = request.lookup is None or bool(request.lookup.version)
    return request.expected is not None and known and isinstance(reply, Failed) and reply.kind in _ANSWERS_FOR


def _at(mirror: str, request: Request) -> Request:
    digest = request.expected or Digest("")
    ref = Ref.parse(mirror.replace(MIRRORED, digest.removeprefix("sha256:")))
    return Request(ref, expected=request.expected, max_bytes=request.max_bytes, protocols=request.protocols)


def _neither(reply: Answer, at_mirror: Failed) -> Answer:
    """The ref's own failure decides what is to be done; what the mirror said is added."""
    if not isinstance(reply, Failed):
        return reply
    return reply._replace(problem=f"{reply.problem}; mirror: {at_mirror.problem}")
