"""The rewriter: source bytes in, source bytes and findings out.

Told in one function: look for our words, parse, read the imports, follow the names they bind, spell the changes.
Rules: a file with none of our words, and no relative import that climbs out of the package, is not parsed at all.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from micropkgd.errors import CodeError
from micropkgd.relocate.imports import Claim, Lines, Reader, Viewpoint, imports_of
from micropkgd.relocate.names import Finding, Relocated, Relocation, Routes, routes_of
from micropkgd.relocate.scopes import Scan
from micropkgd.relocate.statements import edits_of, rewrite_of
from micropkgd.relocate.strings import string_changes
from micropkgd.relocate.text import Edit, Text
from micropkgd.relocate.uses import needs_scan, settle, spell, unbound_annotations


def relocate(source: bytes, *, module: str, is_package: bool, relocation: Relocation) -> Relocated:
    """Rewrite one file of what moves, as its imports must be after the move.

    `module` is its own old dotted name and one of `relocation.modules`; `is_package` says it is an `__init__.py`.
    A file that needs a look but cannot be decoded or parsed is a `CodeError` that names the line.
    """
    routes = routes_of(relocation)
    text = Text.decode(source)
    reader = Reader(routes, Viewpoint(module, is_package))
    climb = _climb(reader)
    # Looking for bytes is far cheaper than a pattern of many words, and for most files it settles the matter.
    if not any(word.encode() in text.data for word in routes.words) and not _climbs(climb).search(text.data):
        return Relocated(source, ())
    try:
        changes = _changes(text, _words(routes.words, climb), reader)
    except RecursionError as error:
        raise CodeError("line 1 or later is nested too deeply to be followed") from error
    findings = sorted(change for change in changes if isinstance(change, Finding))
    return Relocated(text.edited([change for change in changes if isinstance(change, Edit)]), tuple(findings))


def _changes(text: Text, pattern: re.Pattern[bytes], reader: Reader) -> list[Edit | Finding]:
    tree, places = text.tree(), text.places()
    numbers = places.lines_with(pattern)
    statements = [claims for node in imports_of(tree, Lines(numbers)) if (claims := reader.read(node))]
    changes: list[Edit | Finding] = [finding for claims in statements for finding in reader.findings(claims)]
    rewrites = {claim.alias: rewrite_of(claim) for claims in statements for claim in claims}
    claims = [claim for claims in statements for claim in claims]
    if needs_scan(claims) or any(_has_quote(places.line(number)) for number in numbers):
        scan = Scan(tree, Lines(places.lines_with(_words(_names_to_follow(claims, reader.routes)))))
        outcome = settle(claims, scan, reader.routes)
        rewrites |= outcome.rewrites
        respellings = [*outcome.respellings, *unbound_annotations(scan, reader.routes)]
        changes += [*outcome.findings, *spell(respellings, places)]
        changes += [change for call in scan.calls for change in string_changes(call, reader.routes, places)]
    for claims in statements:
        changes += edits_of([rewrites[claim.alias] for claim in claims], places)
    return changes


def _names_to_follow(claims: Iterable[Claim], routes: Routes) -> frozenset[str]:
    return routes.words | {claim.local for claim in claims if claim.fate in ("dotted", "above")}


def _has_quote(line: bytes) -> bool:
    return b'"' in line or b"'" in line


def _climb(reader: Reader) -> int:
    """How many dots lead a relative import of the file out of its package."""
    module, is_package = reader.viewpoint
    root = reader.routes.root_of(module)
    return module.count(".") - root.count(".") + 1 + is_package if root else 1


@lru_cache(maxsize=64)
def _climbs(climb: int) -> re.Pattern[bytes]:
    """Finds the beginning of a relative import of at least so many dots."""
    return re.compile(rb"from(?:[\s\\]*\.){%d}" % climb)


@lru_cache(maxsize=64)
def _words(words: frozenset[str], climb: int = 0) -> re.Pattern[bytes]:
    """Finds any of the words, and the beginning of a relative import of at least so many dots."""
    whole = b"|".join(re.escape(word.encode()) for word in sorted(words))
    dots = rb"|" + _climbs(climb).pattern if climb else b""
    return re.compile(rb"(?<![\w\x80-\xff])(?:" + whole + rb")(?![\w\x80-\xff])" + dots)
