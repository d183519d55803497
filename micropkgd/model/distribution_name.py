"""Names of distributions, as indexes write and compare them (PEP 503). Pure.

The one home of that rule. `packaging.utils` has it, too, and costs its import on passes that need nothing else of it.
"""

import re

from micropkgd.annotations import Final

NAME: Final = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
"""What a name looks like, as a pattern."""

_SEPARATORS: Final = r"[-_.]+"


def normalised(name: str) -> str:
    """The spelling that all spellings of a name have in common: lower case, and one `-` between words."""
    return re.sub(_SEPARATORS, "-", name).lower()


def same_name(one: str, other: str) -> bool:
    """Whether two spellings are one name to an index."""
    return one == other or normalised(one) == normalised(other)
