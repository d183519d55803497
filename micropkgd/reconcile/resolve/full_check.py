"""Schedules the check in which a source is asked for the whole archive in spite of its validator (docs/faults.md, F44).

A server may send other bytes under the same ETag, and who asks on a condition never sees them. Once an interval, at a
moment that the ref itself decides, so that a hundred entries do not all come due together, the condition is left out.
"""

from micropkgd.named_tuples import NamedTuple


class FullCheck(NamedTuple):
    """What decides whether one is due."""

    now: float  # seconds since the epoch
    interval: float  # seconds; 0: never

    def is_due(self, ref: str, checked: float) -> bool:
        """Whether the ref's moment has come since `checked` (seconds since the epoch), or the clock went back."""
        if self.interval <= 0:
            return False
        from micropkgd.model.hashing import sha256

        share = int.from_bytes(sha256(ref.encode()).digest()[:8], "big") / 2**64
        offset = share * self.interval
        return (checked + offset) // self.interval != (self.now + offset) // self.interval


NEVER = FullCheck(0.0, 0.0)
CHANGED = "other bytes came under the validator that stood for the ones before; the periodic full check found them"
CHANGED_UNDER_PIN = "found by the periodic full check; what is installed has the pinned digest, and stays"
