"""The changes that one file needs when modules move, told in one function.

Parse, read the imports, follow the names they bind, spell the changes. `rewrite` knows which files need it, and
imports this for them alone: most files of most packages never do.
"""

import ast
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from micropkgd.relocate.imports import Claim, ImportingFile, Lines, Reader, imports_among, statements_of
from micropkgd.relocate.names import Finding, Routes
from micropkgd.relocate.scopes import Scan
from micropkgd.relocate.statements import edits_of, rewrite_of
from micropkgd.relocate.strings import Strings, constants_among
from micropkgd.relocate.takers import metadata_among
from micropkgd.relocate.text import Edit, Text
from micropkgd.relocate.uses import settle, spell, unbound_annotations

_TYPE_COMMENT = rb"#[ \t]*type:[ \t]*(?!ignore)"


def changes_of(text: Text, routes: Routes, dots: bytes, *, module: str, is_package: bool) -> list[Edit | Finding]:
    """The edits and findings of a file in which one of our words stands, or the dots of an import that climbs out."""
    reader = Reader(routes, ImportingFile(module, is_package))
    places = text.places()
    numbers = places.lines_with(_words(routes.words, dots))
    typed = any(re.search(_TYPE_COMMENT, places.line(number)) for number in numbers)
    tree = text.tree(type_comments=typed)
    found = list(statements_of(tree, Lines(numbers)))
    statements = [claims for node in imports_among(found) if (claims := reader.read(node))]
    changes: list[Edit | Finding] = [finding for claims in statements for finding in reader.findings(claims)]
    rewrites = {claim.alias: rewrite_of(claim) for claims in statements for claim in claims}
    claims = [claim for claims in statements for claim in claims]
    followed = _names_to_follow(found, claims, routes)
    scan = Scan(tree, Lines(numbers if followed == routes.words else places.lines_with(_words(followed))))
    outcome = settle(claims, scan, routes, places)
    rewrites |= outcome.rewrites
    changes += [*outcome.changes, *spell(unbound_annotations(scan, routes), places)]
    changes += Strings(tree, scan, routes, places).changes()
    for claims in statements:
        changes += edits_of([rewrites[claim.alias] for claim in claims], places)
    return changes


def _names_to_follow(statements: Sequence[ast.stmt], claims: Iterable[Claim], routes: Routes) -> frozenset[str]:
    """Our words, and the names that imports and constants of the file bind to what is ours."""
    bound = {claim.local for claim in claims if claim.fate in ("dotted", "above")}
    asking = metadata_among(statements) if routes.distribution else ()
    return routes.words.union(bound, constants_among(statements, routes), asking)


@lru_cache(maxsize=64)
def _words(words: frozenset[str], dots: bytes = b"") -> re.Pattern[bytes]:
    """Finds any of the words, and what the pattern of a relative import finds.

    What stands before a word is looked at behind it: a pattern that begins with letters passes over all others quickly.
    """
    whole = (re.escape(word.encode()) for word in sorted(words))
    alone = b"|".join(word + rb"(?<![\w\x80-\xff]" + word + rb")" for word in whole)
    return re.compile(rb"(?:" + alone + rb")(?![\w\x80-\xff])" + (b"|" + dots if dots else b""))
