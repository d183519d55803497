"""What a machine permits, for tests."""

from collections.abc import Callable, Iterable

from micropkgd.model.origins import Origins
from micropkgd.model.permits import Permits


def held_to(origins: Iterable[str]) -> Callable[[str], Permits]:
    """Every project reads from and publishes at these places alone."""
    places = Origins.parse(origins)
    return lambda _: Permits(reading=places, publishing=places)
