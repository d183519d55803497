"""Publishers: who must have attested an archive of an index (PEP 740), as rules name them. Pure.

An attestation is signed by a key of some minutes; what counts is the identity that a certificate authority saw then.
Rules: a workflow is told by its repository and its file together, on whatever commit or tag it ran; each word is
compared as a whole, for a name that begins like another one is another one's.
"""

import re
from collections.abc import Iterable

from micropkgd.annotations import Final
from micropkgd.errors import DocumentError
from micropkgd.named_tuples import NamedTuple

_GITHUB: Final = re.compile(r"github:([\w.-]+/[\w.-]+)/([\w.-]+\.ya?ml)", re.ASCII)
_GITLAB: Final = re.compile(r"gitlab:([\w.-]+(?:/[\w.-]+)+)//([\w./-]+\.ya?ml)", re.ASCII)
_OTHER: Final = re.compile(r"(https://[^\s]+)\s+(\S+)")
_FORM: Final = (
    "write `github:OWNER/REPOSITORY/WORKFLOW.yml`, `gitlab:GROUP/PROJECT//.gitlab-ci.yml`, or `https://ISSUER IDENTITY`"
)


class CertificateClaims(NamedTuple):
    """What a certificate says of who asked for it."""

    issuer: str
    identities: tuple[str, ...]  # addresses, of mail or of the web
    repository: str = ""
    build: str = ""  # the file that says what ran, `@` and where it was
    refs: tuple[str, ...] = ()  # the commit, and the branch or tag


class TrustedPublisher(NamedTuple):
    """One who may attest; a workflow, or who has one identity."""

    text: str  # as the rule names it
    issuer: str
    identity: str = ""
    repository: str = ""
    workflow: str = ""

    def is_of(self, claims: CertificateClaims) -> bool:
        """Whether a certificate is theirs."""
        if self.issuer != claims.issuer:
            return False
        if self.identity:
            return self.identity in claims.identities
        builds = {f"{self.workflow}@{ref}" for ref in claims.refs}
        return self.repository == claims.repository and claims.build in builds


def parse_publishers(lines: Iterable[str]) -> tuple[TrustedPublisher, ...]:
    """Read those who may attest; `DocumentError` shows the first odd one."""
    return tuple(map(_publisher, lines))


def _publisher(line: str) -> TrustedPublisher:
    if match := _GITHUB.fullmatch(line):
        home = f"https://github.com/{match[1]}"
        issuer = "https://token.actions.githubusercontent.com"
        return TrustedPublisher(line, issuer, repository=home, workflow=f"{home}/.github/workflows/{match[2]}")
    if match := _GITLAB.fullmatch(line):
        home = f"https://gitlab.com/{match[1]}"
        return TrustedPublisher(line, "https://gitlab.com", repository=home, workflow=f"{home}//{match[2]}")
    if (match := _OTHER.fullmatch(line)) and line.isprintable():
        return TrustedPublisher(line, match[1], identity=match[2])
    raise DocumentError(f"`{ascii(line)[1:81]}` names no publisher", hint=_FORM)
