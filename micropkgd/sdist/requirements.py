"""Requirement lines in one canonical form: PEP 508, on one line, as `packaging` writes it.

Rules: what is not a requirement (`-r more.txt`, `--index-url`, a path, two lines in one) is refused, not passed on to
the file a person's pip will read. Requirements of extras are dropped: a micro-package has none to ask for.
"""

import re
from collections.abc import Iterable

from micropkgd.annotations import Final
from micropkgd.errors import ArchiveError
from micropkgd.model.distribution_name import NAME
from micropkgd.sdist.names import shown

# Most requirements are a name and bounds with plain release numbers. What `packaging` would write for those is known
# without loading it, and loading it takes longer than all the rest of a small pull.
_PLAIN: Final = rf"({NAME})[ \t]*([<>=!][^;\[\]()]*)?"
_BOUND: Final = r"(?a)[ \t]*(>=|<=|==|!=|<|>)[ \t]*(\d{1,18}(?:\.\d{1,18})*)[ \t]*"
_QUOTED: Final = r"\"[^\"]*\"|'[^']*'"
_EXTRA: Final = r"\bextras?\b"
_DIRECT: Final = r"[A-Za-z0-9._-]+(?:\[[^\]]*\])? ?@ (\S*)"

_ONE_LINE: Final = "each requirement is one line like `name>=1,<2` (PEP 508), without options of pip"
_HINTS: Final = (
    (r"^(-r|-c|--requirement|--constraint)\b", "write the lines of that file in its place"),
    (r"^(-e|--editable)\b", "name it as `name>=1,<2`: whoever pulls it has no checkout of yours"),
    (
        r"(^|\s)--hash\b|^--require-hashes",
        "state ranges without hashes: the project that pulls it locks them",
    ),
    (r"^--?\w", "leave it out: options of pip belong to the project that installs"),
    (r"^(\S+://|\.{0,2}/|\S*\.whl$)", "write `name @ https://...` for an address; a path is nobody else's"),
    (r"^[A-Za-z0-9._-]+\s*=\s*[^=\s]", "write `==` for one version, `>=1,<2` for a range"),
)


def canonical_requirements(lines: Iterable[str], *, where: str) -> tuple[str, ...]:
    """Each line in its canonical form, in the order given; `where` names the file for messages."""
    found = (_plain(line) or _parsed(line, where) for line in lines)
    return tuple(dict.fromkeys(line for line in found if line))


def direct_address(requirement: str) -> str:
    """The address that a canonical requirement names (`name @ https://...`); empty where an index answers for it."""
    found = re.match(_DIRECT, requirement)
    return found[1] if found else ""


def _plain(line: str) -> str:
    """The canonical form of a name with release bounds; empty for everything else."""
    found = re.fullmatch(_PLAIN, line.strip(" \t"))
    if not found:
        return ""
    name, bounds = found.groups()
    if bounds is None:
        return name
    parts = [part for bound in bounds.split(",") if (part := re.fullmatch(_BOUND, bound))]
    if len(parts) <= bounds.count(",") or len({part[1] for part in parts}) < len(parts):
        return ""
    return name + ",".join(sorted(part[1] + part[2] for part in parts))


def _parsed(line: str, where: str) -> str:
    """The canonical form by `packaging`; empty for a requirement of an extra."""
    from packaging.requirements import Requirement

    try:
        requirement = Requirement(line)
        text = str(requirement)
        hash(requirement.specifier)  # reads the versions, too
    except (ValueError, RecursionError) as error:  # InvalidRequirement is one; so is a number too long for `int`
        raise _refused(line, where) from error
    if not text.isprintable():  # an escape in a marker's quotes, `"\n-r more.txt"`, is a line of its own by now
        raise _refused(line, where)
    return "" if re.search(_EXTRA, re.sub(_QUOTED, "", str(requirement.marker or ""))) else text


def _refused(line: str, where: str) -> ArchiveError:
    return ArchiveError(
        "requirement",
        f"`{shown(line)}` is not a requirement",
        where=where,
        hint=next((hint for sign, hint in _HINTS if re.search(sign, line)), _ONE_LINE),
    )
