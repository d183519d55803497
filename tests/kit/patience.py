"""How long the sources of tests wait for servers: as long as a busy machine takes, but for what never comes."""

from typing import Final

from micropkgd.sources.retry import RetryPolicy
from tests.kit.servers.faults import Reply

QUICK: Final = RetryPolicy(tries=3, pause=0.0, longest_wait=0.2)
IMPATIENT: Final = QUICK._replace(connect=2.0, silence=1.0)  # with servers that never answer whole


def patience_with(reply: Reply) -> RetryPolicy:
    """What to wait with for a reply: little where it never comes whole, or by the byte."""
    return IMPATIENT if reply.stall_after is not None or reply.rate_limit is not None else QUICK
