"""Permits of a project: what the machine lets it reach, and which of the machine's secrets it may use there."""

from micropkgd.model.origins import Origins
from micropkgd.model.signers import SignatureRule
from micropkgd.named_tuples import NamedTuple

ENDPOINTS_KEY = "credential-endpoints"
VARIABLES_KEY = "environment"


class Permits(NamedTuple):
    """Of one project; by default what a trusted one may."""

    reading: Origins | None = None  # where archives may come from; None: anywhere
    publishing: Origins | None = None  # where they may go to, beside the project's own folders; None: anywhere
    endpoints: Origins = Origins(
        (), ENDPOINTS_KEY
    )  # servers that get this machine's logins although a project or a server named them
    signatures: tuple[SignatureRule, ...] = ()  # whose signatures its archives must carry
    variables: frozenset[str] | None = None  # that `${VAR}` in fs-args may read; None: all

    def bounds(self, *, publishing: bool) -> "Bounds":
        """What one kind of request is held to."""
        return Bounds(self.publishing if publishing else self.reading, self.endpoints)


class Bounds(NamedTuple):
    """What a request is held to, and each redirect that follows from it."""

    origins: Origins | None = None  # None: anywhere
    endpoints: Origins = Origins((), ENDPOINTS_KEY)


ANYTHING = Permits()
