"""How a requirements file reads: its lines as pip joins them, what each of them says, and what its lines end with."""

import re
from typing import Final

_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_COMMENT: Final = re.compile(r"(^|\s+)#.*$")
_ENDS: Final = "\r\n"


def logical_lines(text: str) -> list[str]:
    """The lines with what ends them; one that ends with a backslash goes on in the next, as pip has it."""
    lines: list[str] = []
    goes_on = False
    for line in text.splitlines(keepends=True):
        if goes_on:
            lines[-1] += line
        else:
            lines.append(line)
        goes_on = line.rstrip(_ENDS).endswith("\\") and not line.lstrip().startswith("#")
    return lines


def stated(line: str) -> str:
    """What a logical line says: without its comment, and on one line."""
    parts = (_COMMENT.sub("", part) for part in line.splitlines())
    return "".join(part.removesuffix("\\") for part in parts).strip()


def line_end(text: str) -> str:
    """What most lines of a text end with."""
    if "\n" not in text:
        return "\r" if "\r" in text else "\n"
    return "\r\n" if text.count("\r\n") * 2 > text.count("\n") else "\n"


def says(line: str, wanted: str) -> bool:
    """Whether a logical line asks for the same as a canonical requirement; options of pip behind it do not matter."""
    text = stated(line)
    if text == wanted:
        return True
    if name_in(text) != name_in(wanted):
        return False
    meaning = _meaning(text)
    return text.startswith(f"{wanted} ") if meaning is None else meaning == _meaning(wanted)


def name_in(text: str) -> str:
    """The name that a requirement begins with, as indexes compare names."""
    found = _NAME.match(text)
    return re.sub(r"[-_.]+", "-", found[0]).lower() if found else ""


def _meaning(text: str) -> object:
    """What two requirements must share to ask for the same; None for what is none."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        asked = Requirement(text)
    except InvalidRequirement:
        return None
    return name_in(asked.name), frozenset(asked.extras), asked.specifier, asked.url, str(asked.marker)
