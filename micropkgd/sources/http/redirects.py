"""Decides where a redirect leads, and whether to go there.

Rules: at most five hops, none of them twice, none from `https://` to `http://`, and of another origin than the first
nothing but its name is ever told, since signed addresses carry their secrets.
"""

from yarl import URL

from micropkgd.sources.redaction import origin, redacted
from micropkgd.sources.retry import FetchError
from micropkgd.sources.source import Failed, FailureKind

REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST = 5


def next_hop(chain: list[URL], location: str) -> URL:
    """Take the address a redirect names, if we go there; `chain` is the way so far."""
    try:
        hop = chain[-1].join(URL(location)).with_fragment(None)
        hop = hop.with_user(None) if hop.scheme in {"http", "https"} and hop.host else hop
    except ValueError:
        hop = URL()
    if not location or hop.scheme not in {"http", "https"} or not hop.host:
        raise _refused("redirects to nothing that can be asked", chain)
    if hop.scheme == "http" and chain[0].scheme == "https":
        raise _refused(f"redirects to plain http, at {origin(str(hop))}", chain)
    if hop in chain:
        raise _refused("redirects in a circle", [*chain, hop])
    if len(chain) > _MOST:
        raise _refused(f"redirects more than {_MOST} times", [*chain, hop])
    return hop


def _refused(what: str, chain: list[URL]) -> FetchError:
    home = chain[0].origin()
    shown = [redacted(str(url)) if url.origin() == home else f"{origin(str(url))}/..." for url in chain]
    problem = f"{origin(str(home))} {what}: {' -> '.join(shown)}"
    hint = "name the address that it should lead to, or ask whoever runs the server"
    return FetchError(Failed(FailureKind.REFUSED, problem, hint), again=False)
