"""Names of moved modules in text: what no rewriter can be sure of, and must tell.

Rules: a dotted name of a module counts wherever it stands whole. A package whose name is one word shares it with
columns, keys and prose: it counts where text imports it, and as a whole string, alone or with what is in it behind;
in data, with what is in it, under a key that names code.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.relocate.names import Finding, Relocation, Routes, routes_of

if TYPE_CHECKING:
    import ast

CODE_KEYS = frozenset({"_target_", "callable", "class", "func", "function", "module", "object", "type"})
"""The keys under which configuration names code; `module` alone takes a name without anything in it."""

# Compiled by `re` when they are first needed: a file without our words needs none of them.
_UNDER_KEY = rf"(?<![\w.-])(?:{'|'.join(sorted(CODE_KEYS))})[\"']?[ \t]*[:=][ \t]*[\"']?\Z"
_IMPORTING = r"(?:\bfrom|\bc?import|(?<!\w)-m)\s+\Z"
_ADDRESS = r"[\w.]+(?::[\w.]+)?(?:\.\*?)?"
_SUFFIXES = frozenset({"cfg", "csv", "db", "gz", "html", "ini", "json", "log", "md", "parquet", "pkl", "png", "py",
  "rst", "sql", "svg", "toml", "txt", "xml", "yaml", "yml", "zip"})  # fmt: skip
_LONGEST_BEFORE = 80
_NAMES = "text that names a moved module"
_MAY_NAME = "text that may name the moved package"
_EVERYWHERE = "tests"  # a folder of every project, and a word of its own
_TEXTS = (".pyx", ".pxd", ".pxi", ".ipynb", ".cfg", ".ini", ".toml", ".yml", ".yaml", ".json")


def mentions_in_string(node: "ast.Constant", routes: Routes) -> Iterator[Finding]:
    """The moved modules that a string literal names."""
    text = str(node.value)
    alone = re.fullmatch(_ADDRESS, text) is not None
    spans = (node.end_lineno or node.lineno) - node.lineno == text.count("\n")  # no escape stands for a line's end
    for found in _mentioned(text, routes, alone=alone):
        yield found._replace(line=node.lineno + found.line if spans else node.lineno)


def mentions(source: bytes, *, name: str, relocation: Relocation) -> tuple[Finding, ...]:
    """The moved modules that a file names which holds no Python, if it is of a kind that may name modules."""
    routes = routes_of(relocation)
    if not name.endswith(_TEXTS) or not any(root.encode() in source for root in routes.roots):
        return ()
    return mentions_in_text(source.decode(errors="replace"), routes)


def mentions_in_text(text: str, routes: Routes) -> tuple[Finding, ...]:
    """The moved modules that are named on the lines of a text."""
    found = _mentioned(text, routes, alone=False)
    return tuple(finding._replace(line=1 + finding.line) for finding in found)


def _mentioned(text: str, routes: Routes, *, alone: bool) -> Iterator[Finding]:
    """The moved modules that a text names, its lines counted from 0."""
    line = end = 0
    for match in _names(routes.roots).finditer(text):
        line, end = line + text.count("\n", end, match.start()), match.start()
        old = routes.longest(match[0])
        certain = old is not None and _is_certain(match, old)
        if (
            old
            and not routes.meets_arrival(match[0])
            and (certain or (alone and match.start() == 0 and _is_address(match[0], old)))
        ):
            what = _NAMES if certain else _MAY_NAME
            reason = f"{what}, left as it is: now `{routes.renamed[old]}`"
            yield Finding(line, old, reason, "mention")


def _is_certain(match: re.Match[str], old: str) -> bool:
    """Whether a name can be nothing but a module's."""
    if "." in old:
        return True
    before = match.string[max(match.start() - _LONGEST_BEFORE, 0) : match.start()]
    names_code = "." in match[0] and _is_address(match[0], old) and re.search(_UNDER_KEY, before)
    return bool(names_code or re.search(_IMPORTING, before))


def _is_address(name: str, root: str) -> bool:
    """Whether a whole string that begins with a package's name goes on as what is in a package may be called."""
    return root != _EVERYWHERE and name.rpartition(".")[2].lower() not in _SUFFIXES


@lru_cache(maxsize=16)
def _names(roots: frozenset[str]) -> re.Pattern[str]:
    """Finds dotted names that begin with a moved package."""
    whole = "|".join(re.escape(root) for root in sorted(roots, reverse=True))
    return re.compile(rf"(?<![\w./\\])(?:{whole})(?:\.[^\W\d]\w*)*(?!\w)")
