"""One thing that happened in the service, as `micropkgd events`, hooks and the control API tell it."""

from collections.abc import Mapping

from micropkgd.annotations import Final
from micropkgd.named_tuples import NamedTuple

LARGEST_ID: Final = 10**18 - 1  # which a query of the control API can name


class Event(NamedTuple):
    """One thing that happened."""

    id: int
    time: str  # ISO 8601, UTC
    kind: str
    project: str  # empty for the service itself
    subject: str
    message: str
    pass_id: str = ""
    trigger: str = ""
    hint: str = ""  # what to do about it

    def document(self) -> dict[str, object]:
        """For programs."""
        return self._asdict()


_TEXTS: Final = tuple(name for name in Event._fields if name != "id")


def read_event(row: object) -> Event | None:
    """The event that a document tells of; None where it is none. What a newer micropkgd says besides is passed over."""
    if not isinstance(row, Mapping):
        return None
    number, texts = row.get("id"), {name: row[name] for name in _TEXTS if name in row}
    if (
        type(number) is not int
        or not 0 < number <= LARGEST_ID
        or not all(isinstance(one, str) for one in texts.values())
    ):
        return None
    try:
        return Event(number, **texts)
    except TypeError:  # one of those that have no default is missing
        return None
