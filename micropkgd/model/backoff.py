"""The pause before what failed is tried again (docs/faults.md): exponential, full jitter, 5 s to 15 min. Pure."""

from micropkgd.annotations import Final

FIRST: Final = 5.0  # seconds
LONGEST: Final = 900.0  # seconds
_LONGEST_ASKED: Final = 3600.0  # seconds that a server may ask for
_SHORTEST: Final = 1.0  # seconds


def pause(failures: int, chance: float, asked: float | None = None) -> float:
    """Seconds until the next try after this many failures in a row; `chance` is from 0 to 1.

    What a server asked for (`Retry-After`) is the least, up to an hour, and is spread by a tenth, so that not all who
    were told the same come back together.
    """
    ceiling = min(LONGEST, FIRST * 2.0 ** min(failures - 1, 30))
    own = max(_SHORTEST, ceiling * chance)
    if asked is None:
        return own
    return max(own, min(asked, _LONGEST_ASKED) * (1 + chance / 10))
