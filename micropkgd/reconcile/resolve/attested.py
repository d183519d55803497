"""Attestations of archives of indexes (PEP 740), asked for where a rule names publishers.

The page that an index has of a project says where the provenance of a file is; that is asked for once, and one
attestation that every rule takes is then kept in the lock, like a signature. Only a page of the very index that
answered for the archive is asked, with its login; what it names must be as safe to reach as it is itself.
"""

from collections.abc import Sequence

from micropkgd.annotations import Final
from micropkgd.errors import MicropkgError
from micropkgd.model.condition import Failure
from micropkgd.model.index import index_kind
from micropkgd.model.lock import Release
from micropkgd.model.pull_entry import PullEntry
from micropkgd.model.ref import Ref, RefKind
from micropkgd.model.signers import SignatureRule
from micropkgd.model.tree import Digest
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.resolve.fetcher import Fetcher, failure_of
from micropkgd.sources.attestations import AT_MOST, AttestationFormatError, claims_of, is_attestation, texts_in
from micropkgd.sources.index.simple_api import JSON, PageError, parse_page
from micropkgd.sources.source import Failed, Fetched, Request

_EXIT_CODE: Final = 6
_PAGE: Final = 1 << 25  # bytes
_HOW: Final = "an index has attestations of what was uploaded with them (docs/signatures.md)"


class AttestationCheck(NamedTuple):
    """One archive that publishers must have attested."""

    entry: PullEntry
    release: Release | None  # None: it is of no index
    archive: Digest
    rules: Sequence[SignatureRule]


class Attested(NamedTuple):
    """Who attested an archive, and the attestation as a lock keeps it."""

    publisher: str
    text: str


def attested(fetcher: Fetcher, wanted: Sequence[AttestationCheck]) -> list[Attested | Failure]:
    """Ask for the attestations of archives; all pages together, and then what they name."""
    pages = _asked(fetcher, [_page(fetcher, one) for one in wanted])
    both = zip(wanted, pages, strict=True)
    files = _asked(fetcher, [page if isinstance(page, Failure) else _file(fetcher, one, page) for one, page in both])
    both = zip(wanted, files, strict=True)
    return [data if isinstance(data, Failure) else _chosen(one, data) for one, data in both]


def publisher_of(texts: Sequence[str], archive: Digest, rules: Sequence[SignatureRule]) -> Attested | Failure:
    """Who attested an archive as every rule wants it, by the first of these texts that proves it."""
    failure = _unattested(rules[0], "nothing attests it")
    for text in filter(is_attestation, texts):
        judged = _judged(text, archive, rules)
        if isinstance(judged, Attested):
            return judged
        failure = judged
    return failure


def _judged(text: str, archive: Digest, rules: Sequence[SignatureRule]) -> Attested | Failure:
    names = []
    try:
        for rule in rules:
            claims = claims_of(text, archive, rule.trusted_root)
            publisher = rule.publisher_of(claims)
            if publisher is None:
                who = claims.build or ", ".join(claims.identities)
                problem = f"it is attested by {ascii(who)[1:-1]}, and {rule.owner} trusts {rule.names}"
                return Failure(_EXIT_CODE, "ForeignSignature", problem, "whoever asks for them names publishers")
            names.append(publisher.text)
    except AttestationFormatError as error:
        problem = f"its attestation does not count: {error}"
        return Failure(_EXIT_CODE, "BadSignature", problem, "ask its publisher, or whoever keeps the index")
    except MicropkgError as error:
        return Failure.of(error)
    return Attested(names[0], text)


def _page(fetcher: Fetcher, one: AttestationCheck) -> Request | Failure:
    release = one.release
    if release is None or index_kind(release.index_url) is not RefKind.INDEX:
        return _unattested(one.rules[0], "only a package index has attestations")
    try:
        return fetcher.page_of(one.entry, f"{release.index_url.rstrip('/')}/{release.name}/", _PAGE)
    except MicropkgError as error:
        return Failure.of(error)


def _file(fetcher: Fetcher, one: AttestationCheck, page: bytes) -> Request | Failure:
    """Ask for what the page names beside the file."""
    release = one.release or Release("", "", "", "")
    kind = JSON if page.lstrip().startswith(b"{") else "text/html"
    try:
        rows = parse_page(page, kind, f"{release.index_url.rstrip('/')}/{release.name}/")
    except PageError as error:
        hint = "attestations are asked of an index with pages (PEP 503, PEP 691)"
        return failure_of(
            Failed(error.kind, f"the page of `{release.name}` at `{release.index_url}`: {error.problem}", hint)
        )
    named = (row.provenance for row in rows if one.archive == row.sha256 or row.url.partition("?")[0] == release.url)
    address = next(filter(None, named), "")
    if not address:
        return _unattested(one.rules[0], f"`{release.index_url}` names no provenance of {release.version}")
    if not address.startswith("https://") and release.index_url.startswith("https://"):
        return _bad(f"its provenance is not at a safe address: {ascii(address)[1:81]}")
    try:
        return fetcher.page_of(one.entry, address, AT_MOST)
    except MicropkgError as error:
        return Failure.of(error)


def _chosen(one: AttestationCheck, data: bytes) -> Attested | Failure:
    try:
        return publisher_of(texts_in(data), one.archive, one.rules)
    except AttestationFormatError as error:
        return _bad(f"its provenance does not count: {error}")


def _asked(fetcher: Fetcher, requests: Sequence[Request | Failure]) -> list[bytes | Failure]:
    """What sources answer, all at a time; who failed before stays so."""
    asking = [request for request in requests if isinstance(request, Request)]
    answers = iter(fetcher.sources.answer(asking, fetcher.root) if asking else ())
    found: list[bytes | Failure] = []
    for request in requests:
        if isinstance(request, Failure):
            found.append(request)
            continue
        answer = next(answers)
        data = fetcher.sources.read(answer.digest) if isinstance(answer, Fetched) else None
        if data is not None:
            found.append(data)
        else:
            failed = failure_of(answer) if isinstance(answer, Failed) else _vanished(request.ref)
            found.append(failed._replace(problem=f"its attestation: {failed.problem}"))
    return found


def _vanished(ref: Ref) -> Failure:
    return Failure(5, "Unreachable", f"`{ref.text}` vanished from the cache", "run again", transient=True)


def _unattested(rule: SignatureRule, why: str) -> Failure:
    return Failure(_EXIT_CODE, "Unsigned", f"it is not attested, as {rule.owner} asks: {why}", _HOW)


def _bad(problem: str) -> Failure:
    return Failure(_EXIT_CODE, "BadSignature", problem, "ask whoever keeps the index")
