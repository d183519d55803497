"""The rewriter: source bytes in, source bytes and findings out.

Told in one function: look for our words, parse, read the imports, follow the names they bind, spell the changes.
Rules: a file with none of our words, and no relative import that climbs out of the package, is not parsed at all.
"""

import ast
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from micropkgd.relocate.imports import Claim, ImportingFile, Lines, Reader, imports_among, statements_of
from micropkgd.relocate.mentions import mentions_in_text
from micropkgd.relocate.names import Finding, Relocated, Relocation, Routes, routes_of, top_of
from micropkgd.relocate.scopes import Scan
from micropkgd.relocate.statements import edits_of, rewrite_of
from micropkgd.relocate.strings import Strings, constants_among
from micropkgd.relocate.takers import metadata_among
from micropkgd.relocate.text import Edit, Text, UnreadError
from micropkgd.relocate.uses import settle, spell, unbound_annotations

_SHOWN = 60  # characters of a line
_TYPE_COMMENT = rb"#[ \t]*type:[ \t]*(?!ignore)"


def relocate(source: bytes, *, module: str, is_package: bool, relocation: Relocation) -> Relocated:
    """Rewrite one file of what moves, as its imports must be after the move.

    `module` is its own old dotted name and one of `relocation.modules`; `is_package` says it is an `__init__.py`.
    A file that needs a look but cannot be decoded or parsed is an `UnreadError` that names the line.
    """
    routes = routes_of(relocation)
    text = Text.decode(source)
    reader = Reader(routes, ImportingFile(module, is_package))
    climb = _climb(reader)
    # Looking for bytes is far cheaper than a pattern of many words, and for most files it settles the matter.
    if not any(word.encode() in text.data for word in routes.words) and not _climbs(climb).search(text.data):
        return Relocated(source, ())
    try:
        changes = _changes(text, _words(routes.words, climb), reader)
    except RecursionError as error:
        raise UnreadError(1, "or later is nested too deeply to be followed") from error
    findings = sorted(change for change in changes if isinstance(change, Finding))
    return Relocated(text.edited([change for change in changes if isinstance(change, Edit)]), tuple(findings))


def relocate_or_keep(
    source: bytes, *, module: str, is_package: bool, relocation: Relocation, importable: bool
) -> Relocated:
    """Rewrite one file; one that cannot be read stays as it is, with findings, if no import in it must change.

    What nothing can import, a template or a stub, needs no imports that work.
    """
    try:
        return relocate(source, module=module, is_package=is_package, relocation=relocation)
    except UnreadError as error:
        if importable and _asks_for_ours(source, Reader(routes_of(relocation), ImportingFile(module, is_package))):
            raise
        lines = source.splitlines() or [b""]
        line = lines[min(error.line, len(lines)) - 1].decode(errors="replace").strip()
        finding = Finding(error.line, line[:_SHOWN], f"{error.what}; the file is taken as it is", "unread")
        named = mentions_in_text(source.decode(errors="replace"), routes_of(relocation))
        return Relocated(source, tuple(sorted((finding, *named))))


def _asks_for_ours(source: bytes, reader: Reader) -> bool:
    """Whether a file that cannot be parsed has a line that looks like an import of what moves."""
    roots, homes = reader.routes.roots, reader.routes.homes
    tops = b"|".join(re.escape(word.encode()) for word in sorted({top_of(root) for root in roots} | homes))
    plain = re.compile(
        rb"^[ \t]*(?:from|import)\b[^\r\n#]*?(?<![\w.\x80-\xff])(?:" + tops + rb")(?![\w\x80-\xff])", re.MULTILINE
    )
    return bool(plain.search(source) or _climbs(_climb(reader)).search(source))


def _changes(text: Text, pattern: re.Pattern[bytes], reader: Reader) -> list[Edit | Finding]:
    places = text.places()
    numbers = places.lines_with(pattern)
    typed = any(re.search(_TYPE_COMMENT, places.line(number)) for number in numbers)
    tree = text.tree(type_comments=typed)
    found = list(statements_of(tree, Lines(numbers)))
    statements = [claims for node in imports_among(found) if (claims := reader.read(node))]
    changes: list[Edit | Finding] = [finding for claims in statements for finding in reader.findings(claims)]
    rewrites = {claim.alias: rewrite_of(claim) for claims in statements for claim in claims}
    claims = [claim for claims in statements for claim in claims]
    scan = Scan(tree, Lines(places.lines_with(_words(_names_to_follow(found, claims, reader.routes)))))
    outcome = settle(claims, scan, reader.routes, places)
    rewrites |= outcome.rewrites
    changes += [*outcome.changes, *spell(unbound_annotations(scan, reader.routes), places)]
    changes += Strings(tree, scan, reader.routes, places).changes()
    for claims in statements:
        changes += edits_of([rewrites[claim.alias] for claim in claims], places)
    return changes


def _names_to_follow(statements: Sequence[ast.stmt], claims: Iterable[Claim], routes: Routes) -> frozenset[str]:
    """Our words, and the names that imports and constants of the file bind to what is ours."""
    bound = {claim.local for claim in claims if claim.fate in ("dotted", "above")}
    asking = metadata_among(statements) if routes.distribution else ()
    return routes.words.union(bound, constants_among(statements, routes), asking)


def _climb(reader: Reader) -> int:
    """How many dots lead a relative import of the file out of its package."""
    module, is_package = reader.importing
    root = reader.routes.root_of(module)
    return module.count(".") - root.count(".") + 1 + is_package if root else 1


@lru_cache(maxsize=64)
def _climbs(climb: int) -> re.Pattern[bytes]:
    """Finds the beginning of a relative import of at least so many dots."""
    return re.compile(rb"from(?:[\s\\]*\.){%d}" % climb)


@lru_cache(maxsize=64)
def _words(words: frozenset[str], climb: int = 0) -> re.Pattern[bytes]:
    """Finds any of the words, and the beginning of a relative import of at least so many dots.

    What stands before a word is looked at behind it: a pattern that begins with letters passes over all others quickly.
    """
    whole = (re.escape(word.encode()) for word in sorted(words))
    alone = b"|".join(word + rb"(?<![\w\x80-\xff]" + word + rb")" for word in whole)
    dots = rb"|" + _climbs(climb).pattern if climb else b""
    return re.compile(rb"(?:" + alone + rb")(?![\w\x80-\xff])" + dots)
