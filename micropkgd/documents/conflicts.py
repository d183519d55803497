"""A text that git left with conflict markers, as the two texts that it is made of."""

from collections.abc import Iterator

_OURS, _BASE, _MIDDLE, _THEIRS = "<<<<<<< ", "||||||| ", "=======", ">>>>>>> "


def sides(text: str) -> tuple[str, str] | None:
    """Our text and theirs; None where there is no marker."""
    lines = text.splitlines(keepends=True) if _OURS in text else []
    if not any(line.startswith(_OURS) for line in lines):
        return None
    return "".join(_of(lines, _OURS)), "".join(_of(lines, _THEIRS))


def _of(lines: list[str], side: str) -> Iterator[str]:
    """The lines of one side, and those that both have; of a conflict in a side, that side of it."""
    within: list[str] = []
    for line in lines:
        if line.startswith(_OURS):
            within.append(_OURS)
        elif line.startswith(_THEIRS):
            del within[-1:]
        elif within and line.startswith(_BASE):
            within[-1] = _BASE
        elif within and line.rstrip("\r\n") == _MIDDLE:
            within[-1] = _THEIRS
        elif all(one == side for one in within):
            yield line
