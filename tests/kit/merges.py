"""The corpus of merges: three versions of a file, and what a person wants of them (docs/merging.md).

Cases by hand stand in `tests/data/merges.toml`, by the rows of the table. Each begins from one of the two texts
there, `changed` first where that is said, and `ours`, `theirs` and `wanted` are what is exchanged in it: each text
stands there once. `wanted` is "both" where it is ours with what is exchanged for theirs; a case without it is a
question that nobody but a person can answer.
"""

import tomllib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from tests.kit.places import DATA


class MergeCase(NamedTuple):
    """One merge."""

    row: str  # of the table
    name: str  # what the file is called
    base: str
    ours: str
    theirs: str
    wanted: str | None  # None: a person must be asked

    def __str__(self) -> str:
        return f"{self.row}: {self.name}"


def by_hand() -> Iterator[MergeCase]:
    """The cases that were written by hand."""
    begins = texts()
    for row, cases in _document().items():
        yield from () if row in begins else (_case(row, case, begins) for case in cases)


def texts() -> dict[str, str]:
    """The texts that they begin from."""
    return {name: text for name, text in _document().items() if isinstance(text, str)}


def exchanged(text: str, pairs: Sequence[Any] | str) -> str:
    """A text with parts of it exchanged; or another one, whole."""
    if isinstance(pairs, str):
        return pairs
    for pair in pairs:
        text = _FORMS[pair](text) if isinstance(pair, str) else _exchange(text, *pair)
    return text


_FORMS: dict[str, Callable[[str], str]] = {
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "NO END": lambda text: text.removesuffix("\n"),
    "END": lambda text: f"{text}\n",
}


def _document() -> dict[str, Any]:
    return tomllib.loads((DATA / "merges.toml").read_text())


def _exchange(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, old
    return text.replace(old, new)


def _case(row: str, case: dict[str, Any], texts: dict[str, str]) -> MergeCase:
    base = exchanged(case.get("text") or texts[case.get("base", "NODES")], case.get("changed", ()))
    ours, theirs = exchanged(base, case["ours"]), exchanged(base, case["theirs"])
    wanted = case.get("wanted")
    if wanted is not None:
        wanted = exchanged(ours, case["theirs"]) if wanted == "both" else exchanged(base, wanted)
    return MergeCase(row, case["name"], base, ours, theirs, wanted)
