"""A finding of `doctor`: one thing that was looked at."""

from micropkgd.named_tuples import NamedTuple


class DoctorFinding(NamedTuple):
    """What was seen, and what to do where it is trouble."""

    topic: str
    text: str
    trouble: bool = False
    hint: str = ""
