"""Which line of the requirements file belongs to whom.

An entry's lines stand in a block of its own, under the header that Kedro's pull wrote too; a line in that block which
the lock names is the entry's, everything else is a person's and is never touched. Pure: text in, text out.
"""

from collections.abc import Mapping, Sequence

_HEADER = "# Additional requirements from micro-package `{}`:"


def update(text: str, owned: Mapping[str, Sequence[str]], wanted: Mapping[str, Sequence[str]]) -> str:
    """Bring every entry's block from the lines it owned to the lines it wants; labels name the entries.

    An entry whose lines did not change is left as it stands, also where a person has removed or edited some: the
    same choice is not asked for twice. Lines that a person wrote and that say the same are not repeated.
    """
    for label in sorted({*owned, *wanted}):
        before, after = tuple(owned.get(label, ())), tuple(wanted.get(label, ()))
        if before != after:
            text = _update_block(text, label, before, after)
    return text


def _update_block(text: str, label: str, before: Sequence[str], after: Sequence[str]) -> str:
    end_of_line = "\r" if "\r\n" in text else ""
    lines = text.removesuffix("\n").split("\n") if text else []
    start, end = _find_block(lines, label)
    others = lines[:start] + lines[end:]
    kept = [line for line in lines[start + 1 : end] if line.rstrip("\r") not in {*before, *after}]
    said = {_meaning(line) for line in (*others, *kept)}
    added = sorted(line for line in after if _meaning(line) not in said)
    if added or kept:
        gap = [""] if lines and start == len(lines) else []
        block = [f"{line}{end_of_line}" for line in (*gap, _HEADER.format(label), *added)]
        lines[start:end] = block + kept
    elif start < end:
        has_gap = start > 0 and not lines[start - 1].strip()
        lines[start - has_gap : end] = []
    else:
        return text
    return "".join(f"{line}\n" for line in lines)


def _find_block(lines: Sequence[str], label: str) -> tuple[int, int]:
    """The lines of an entry's block, header first; an empty span at the end where there is none."""
    header = _HEADER.format(label)
    start = next((at for at, line in enumerate(lines) if line.rstrip("\r") == header), len(lines))
    end = min(start + 1, len(lines))
    while end < len(lines) and lines[end].strip() and not lines[end].startswith("#"):
        end += 1
    return start, end


def _meaning(line: str) -> object:
    """What two lines must share to ask for the same thing: name, extras, versions, address and marker."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    text = line.split(" #", 1)[0].strip()
    try:
        asked = Requirement(text)
    except InvalidRequirement:
        return text
    return canonicalize_name(asked.name), frozenset(asked.extras), asked.specifier, asked.url, str(asked.marker)
