"""The changes that one file needs when modules move, told in one function.

Read the imports, follow the names they bind, spell the changes. `rewrite` knows which files need it, and imports this
for them alone: most files of most packages never do.
"""

import ast
from collections.abc import Iterable, Sequence

from micropkgd.relocate.imports import Claim, Lines, Reader, imports_among, statements_of
from micropkgd.relocate.names import Finding, Routes
from micropkgd.relocate.scopes import Scan
from micropkgd.relocate.statements import edits_of, rewrite_of
from micropkgd.relocate.strings import Strings, constants_among
from micropkgd.relocate.takers import metadata_among
from micropkgd.relocate.text import Edit, Places, Wanted
from micropkgd.relocate.uses import settle, spell, unbound_annotations


def changes_of(tree: ast.Module, places: Places, reader: Reader, wanted: Wanted) -> list[Edit | Finding]:
    """The edits and findings of any file: every name that its imports bind is followed where that must be."""
    routes = reader.routes
    numbers = places.lines_with(wanted.pattern())
    found = list(statements_of(tree, Lines(numbers)))
    statements = [claims for node in imports_among(found) if (claims := reader.read(node))]
    changes: list[Edit | Finding] = [finding for claims in statements for finding in reader.findings(claims)]
    rewrites = {claim.alias: rewrite_of(claim) for claims in statements for claim in claims}
    claims = [claim for claims in statements for claim in claims]
    followed = _names_to_follow(found, claims, routes)
    scan = Scan(tree, Lines(numbers if followed == routes.words else places.lines_with(Wanted(followed).pattern())))
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
