"""Limits how often one peer may ask: a bucket of tokens for each, refilled with time. Reaches no clock."""

from micropkgd.annotations import Final
from micropkgd.named_tuples import NamedTuple

_BURST: Final = 100.0  # requests at once
_PER_SECOND: Final = 50.0
_PEERS: Final = 1024


class _Level(NamedTuple):
    """What a peer had left, and when that was."""

    left: float
    at: float


class Buckets:
    """What each peer has left. Times are seconds of a clock that never jumps."""

    def __init__(self) -> None:
        self._levels: dict[object, _Level] = {}

    def take(self, peer: object, now: float) -> bool:
        """Count a request; False where the peer has asked too often."""
        level = self._levels.pop(peer, _Level(_BURST, now))
        left = min(_BURST, level.left + (now - level.at) * _PER_SECOND)
        if len(self._levels) >= _PEERS:  # who has not asked for longest is forgotten
            del self._levels[next(iter(self._levels))]
        self._levels[peer] = _Level(max(0.0, left - 1), now)
        return left >= 1
