"""Signatures of archives, where the machine or the project asks for them: nothing else gets into the tree.

A signature is asked for beside the archive (`ds-0.1.tar.gz.sig`) once, and then kept in the lock: it fits the digest
that stands there, whoever has the bytes, so later passes and other machines check it without asking anybody. It is
asked for again where the lock's one is missing, does not fit, or is by a key that is no longer named.
An entry whose archive fails keeps what it has; nothing is written from a locked archive that fails either.
"""

import os
from collections.abc import Iterator, Sequence

from micropkgd.errors import MicropkgError
from micropkgd.model.condition import Failure
from micropkgd.model.index import folder_of
from micropkgd.model.lock import Block, Release, SignedBy
from micropkgd.model.pull_entry import PullEntry
from micropkgd.model.ref import Ref, RefKind
from micropkgd.model.signers import SignatureRule, beside
from micropkgd.model.tree import Digest
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.resolve.fetcher import Fetcher, Resolution, failure_of
from micropkgd.sources.source import Answer, Failed, FailureKind, Fetched, Request
from micropkgd.sources.sshsig import AT_MOST, SignatureFormatError, SshSignature
from micropkgd.workspace.memory.state import Hold

_EXIT_CODE = 6
_HOW = "`micropkgd publish --sign KEY` signs what is published (docs/signatures.md)"


class SignatureCheck(NamedTuple):
    """One entry, the archive it is to have, and the signatures that are known of it."""

    entry: PullEntry
    block: Block | None
    found: Resolution
    hold: Hold | None = None  # a version that waits, with its signature

    @property
    def known(self) -> Iterator[SignedBy]:
        """The signatures that are at hand."""
        if self.block is not None and self.block.signed is not None:
            yield self.block.signed
        if self.hold is not None and self.hold.signature:
            yield SignedBy("", self.hold.archive, self.hold.signature)


def with_signatures(
    fetcher: Fetcher, rules: Sequence[SignatureRule], checks: Sequence[SignatureCheck]
) -> list[Resolution]:
    """The resolutions with who signed them; a failure in place of one that is not signed as asked."""
    asked = [_rules_for(fetcher, rules, one) for one in checks]
    result = [_by_what_is_known(one, asks) if asks else one.found for one, asks in zip(checks, asked, strict=True)]
    lacking = [number for number, one in enumerate(result) if asked[number] and one.archive and one.signed is None]
    proofs = _proofs(fetcher, [checks[number]._replace(found=result[number]) for number in lacking], asked, lacking)
    for number, proof in zip(lacking, proofs, strict=True):
        archive = result[number].archive or Digest("")
        signed = proof if isinstance(proof, Failure) else _judged(SignedBy("", archive, proof), asked[number])
        if isinstance(signed, Failure):
            result[number] = _failed(result[number], signed)
        else:
            result[number] = _signed(result[number], checks[number].block, signed)
    return result


def _proofs(
    fetcher: Fetcher, checks: Sequence[SignatureCheck], asked: Sequence[Sequence[SignatureRule]], lacking: Sequence[int]
) -> list[str | Failure]:
    """What proves who signed each archive, as a lock keeps it: a signature, an attestation, or both."""
    by_key = [[rule for rule in asked[number] if not rule.publishers] for number in lacking]
    by_place = [[rule for rule in asked[number] if rule.publishers] for number in lacking]
    proofs: list[list[str | Failure]] = [[] for _ in lacking]
    for number, text in _signatures(fetcher, checks, by_key):
        proofs[number].append(text)
    wanted = [number for number, rules in enumerate(by_place) if rules]
    if wanted:
        from micropkgd.reconcile.resolve.attested import AttestationCheck, attested

        chosen = [(checks[one], by_place[one]) for one in wanted]
        found = attested(
            fetcher,
            [
                AttestationCheck(one.entry, _release(one), one.found.archive or Digest(""), rules)
                for one, rules in chosen
            ],
        )
        for number, answer in zip(wanted, found, strict=True):
            proofs[number].append(answer if isinstance(answer, Failure) else answer.text)
    return [
        next((one for one in parts if isinstance(one, Failure)), " ".join(one for one in parts if isinstance(one, str)))
        for parts in proofs
    ]


def _signatures(
    fetcher: Fetcher, checks: Sequence[SignatureCheck], rules: Sequence[Sequence[SignatureRule]]
) -> Iterator[tuple[int, str | Failure]]:
    """The signatures that lie beside archives of which keys are asked for."""
    requests: dict[int, Request] = {}
    for number, one in enumerate(checks):
        if rules[number]:
            try:
                requests[number] = _request(fetcher, one)
            except MicropkgError as error:
                yield number, Failure.of(error)
    answers = fetcher.sources.answer(list(requests.values()), fetcher.root) if requests else []
    for (number, request), answer in zip(requests.items(), answers, strict=True):
        archive = checks[number].found.archive or Digest("")
        yield number, _answered(fetcher, request, answer, archive, rules[number])


def _by_what_is_known(one: SignatureCheck, rules: Sequence[SignatureRule]) -> Resolution:
    """An archive with the signature that is at hand for it, and whether the locked one has its own."""
    judged = [_judged(signed, rules) for signed in one.known]
    good = {signed.archive: signed for signed in judged if isinstance(signed, SignedBy)}
    found = one.found._replace(is_trusted=one.block is None or one.block.archive in good)
    if found.archive is None or found.archive not in good:
        return found
    return _signed(found, one.block, good[found.archive])


def _rules_for(fetcher: Fetcher, rules: Sequence[SignatureRule], one: SignatureCheck) -> list[SignatureRule]:
    places = list(_places(fetcher, one))
    return [rule for rule in rules if rule.covers(places)]


def _places(fetcher: Fetcher, one: SignatureCheck) -> Iterator[str]:
    """All by which an archive's place may be known; a path by where its links lead, too."""
    release = _release(one)
    texts = [one.entry.ref.location] if one.entry.ref.kind is not RefKind.INDEX else []
    texts += [folder_of(index)] if (index := fetcher.index_of(one.entry)) else []
    texts += [release.url] if release is not None else []
    for text in texts:
        if "://" in text:
            yield text
        else:
            path = os.path.join(fetcher.root, text)
            yield os.path.abspath(path)
            yield os.path.realpath(path)


def _release(one: SignatureCheck) -> Release | None:
    return one.found.release or (one.block.release if one.block is not None else None)


def _signed(found: Resolution, block: Block | None, signed: SignedBy) -> Resolution:
    before = block.signed.identity if block is not None and block.signed is not None else ""
    other = bool(before) and before != signed.identity
    notes = (f"it is signed by {signed.identity}, and was by {before}",) if other else ()
    return found._replace(signed=signed, notes=(*found.notes, *notes))


def _failed(found: Resolution, failure: Failure) -> Resolution:
    return found._replace(archive=None, failure=failure, unanswered=None)


def _request(fetcher: Fetcher, one: SignatureCheck) -> Request:
    """Ask for the file beside the archive, with the options of its entry."""
    ref = one.entry.ref if one.found.release is None else _ref_of(one.found.release)
    return fetcher.beside(one.entry, beside(ref), AT_MOST)


def _ref_of(release: Release) -> Ref:
    return Ref.parse(release.url)


def _answered(
    fetcher: Fetcher, request: Request, answer: Answer, archive: Digest, rules: Sequence[SignatureRule]
) -> str | Failure:
    """What a file beside the archive comes to: a signature that counts, as a lock keeps it."""
    name = request.ref.text
    if isinstance(answer, Failed):
        if answer.kind is FailureKind.GONE:
            who = rules[0].owner
            return Failure(_EXIT_CODE, "Unsigned", f"it is not signed, as {who} asks: there is no `{name}`", _HOW)
        failure = failure_of(answer)._replace(problem=f"its signature: {answer.problem}")
        refused = answer.kind is FailureKind.REFUSED and not answer.reason
        return failure._replace(exit_code=_EXIT_CODE, reason="BadSignature") if refused else failure
    data = fetcher.sources.read(answer.digest) if isinstance(answer, Fetched) else None
    if data is None:
        return Failure(
            5, "Unreachable", f"its signature: `{name}` vanished from the cache", "run again", transient=True
        )
    try:
        text = SshSignature.of_file(data).text
    except SignatureFormatError as error:
        return _bad(name, error)
    judged = _by_key(text, archive, rules, name)
    return judged if isinstance(judged, Failure) else text


def _judged(signed: SignedBy, rules: Sequence[SignatureRule]) -> SignedBy | Failure:
    """Who signed or attested an archive, as all rules want it; a failure says why not."""
    parts, names = signed.signature.split(), []
    by_key = [rule for rule in rules if not rule.publishers]
    by_place = [rule for rule in rules if rule.publishers]
    if by_key:
        signer = _by_key(parts[0] if parts else "", signed.archive, by_key)
        if isinstance(signer, Failure):
            return signer
        names.append(signer)
    if by_place:
        from micropkgd.reconcile.resolve.attested import publisher_of

        found = publisher_of(parts, signed.archive, by_place)
        if isinstance(found, Failure):
            return found
        names.append(found.publisher)
    return signed._replace(identity=", ".join(names))


def _by_key(text: str, archive: Digest, rules: Sequence[SignatureRule], name: str = "") -> str | Failure:
    """Whose key signed an archive, as all rules want it."""
    try:
        signature = SshSignature.of_text(text)
        signers = []
        for rule in rules:
            if (signer := rule.signer_of(signature.key)) is None:
                return _foreign(signature, rule)
            signers.append(signer)
        if not signature.signs(archive):
            return _bad(name, SignatureFormatError(f"it is of another archive than this one ({archive})"))
    except SignatureFormatError as error:
        return _bad(name, error)
    return signers[0].identity


def _bad(name: str, error: SignatureFormatError) -> Failure:
    hint = "if it was published a moment ago, the next pass finds both; else ask its publisher"
    return Failure(_EXIT_CODE, "BadSignature", f"its signature `{name}` does not count: {error}", hint)


def _foreign(signature: SshSignature, rule: SignatureRule) -> Failure:
    problem = f"it is signed by {signature.fingerprint}, and {rule.owner} trusts {rule.names}"
    return Failure(
        _EXIT_CODE, "ForeignSignature", problem, "whoever asks for signatures names the keys (docs/signatures.md)"
    )
