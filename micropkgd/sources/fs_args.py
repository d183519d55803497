"""Reading fs-args: what every cloud source checks in the same way.

Rule: what would change nothing for a whole download is let pass, what is not understood is refused by name, and no
value ever stands in a message, since most of them are secrets.
"""

import json
from collections.abc import Mapping
from hashlib import sha256

from micropkgd.errors import DocumentError


def refuse_unknown(given: Mapping[str, object], known: tuple[str, ...], place: str, source: str) -> None:
    """`DocumentError` names the first key that cannot be honoured, and the nearest one that can."""
    for key in given:
        if key not in known:
            raise DocumentError(f"{place} has the key `{key}`, which {source} knows", hint=_nearest(key, known))


def _nearest(key: str, known: tuple[str, ...]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(key, known, n=1)
    return f"did you mean `{near[0]}`?" if near else f"known keys are {', '.join(known)}"


def text_at(given: Mapping[str, object], key: str) -> str | None:
    """A text on one line, or nothing."""
    value = given.get(key)
    return None if value is None else text_of(value, key)


def text_of(value: object, key: str) -> str:
    """A text on one line; a line end is what a password brings along that came from a file."""
    if isinstance(value, str) and not value.isprintable():
        raise DocumentError(f"fs-args key `{key}` has a line end or another control character")
    if isinstance(value, str):
        return value
    raise DocumentError(f"fs-args key `{key}` must be a text")


def flag_at(given: Mapping[str, object], key: str, *, default: bool) -> bool:
    """True or false."""
    value = given.get(key, default)
    if isinstance(value, bool):
        return value
    raise DocumentError(f"fs-args key `{key}` must be true or false")


def table_at(given: Mapping[str, object], key: str) -> dict[str, object]:
    """A table, empty where there is none."""
    value = given.get(key)
    if value is None:
        return {}
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        return dict(value)
    raise DocumentError(f"fs-args key `{key}` must be a table")


def name_of(given: Mapping[str, object]) -> str:
    """A name for these fs-args that tells none of them: equal for equal ones, whatever their order."""
    return sha256(json.dumps(given, sort_keys=True, default=repr).encode()).hexdigest()
