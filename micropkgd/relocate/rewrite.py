"""The rewriter: source bytes in, source bytes and findings out.

Rules: a file with none of our words, and no relative import that climbs out of the package, is not parsed at all. Where
only addresses of imports change, `addresses` knows it, and what follows names (`changes`) is not imported.
"""

import re
from functools import lru_cache

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.relocate.names import Finding, Relocated, Relocation, Routes, routes_of, top_of
from micropkgd.relocate.text import Edit, Places, Text, UnreadError, Wanted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from micropkgd.relocate.at_top import Imports

_TYPE_COMMENT = rb"#[ \t]*type:[ \t]*(?!ignore)"
_SHOWN = 60  # characters of a line


def relocate(source: bytes, *, module: str, is_package: bool, relocation: Relocation) -> Relocated:
    """Rewrite one file of what moves, as its imports must be after the move.

    `module` is its own old dotted name and one of `relocation.modules`; `is_package` says it is an `__init__.py`.
    A file that needs a look but cannot be decoded or parsed is an `UnreadError` that names the line.
    """
    routes = routes_of(relocation)
    text = Text.decode(source)
    wanted = wanted_in(routes, module, is_package=is_package)
    if not wanted.is_in(text.data):
        return Relocated(source, ())
    try:
        changes, imports = _changes(text, routes, wanted, module=module, is_package=is_package)
    except RecursionError as error:
        raise UnreadError(1, "or later is nested too deeply to be followed") from error
    findings = sorted(change for change in changes if isinstance(change, Finding))
    edits = [change for change in changes if isinstance(change, Edit)]
    return Relocated(text.edited(edits), tuple(findings), imports)


def _changes(
    text: Text, routes: Routes, wanted: Wanted, *, module: str, is_package: bool
) -> "tuple[Sequence[Edit | Finding], Imports | None]":
    """The edits and findings of a file in which something wanted stands, and what it then imports at its top."""
    from micropkgd.relocate.addresses import address_edits
    from micropkgd.relocate.at_top import imports_at_top

    places = text.places()
    tree = text.tree(type_comments=_is_typed(places, wanted))
    edits = address_edits(tree, places, routes, wanted)
    if edits is not None:
        return [*edits.values()], imports_at_top(tree, {node: edit.new.decode() for node, edit in edits.items()})
    from micropkgd.relocate.changes import changes_of
    from micropkgd.relocate.imports import ImportingFile, Reader

    changes = changes_of(tree, places, Reader(routes, ImportingFile(module, is_package)), wanted)
    return changes, None if any(isinstance(change, Edit) for change in changes) else imports_at_top(tree)


def _is_typed(places: Places, wanted: Wanted) -> bool:
    """Whether a comment that may be of types stands on a line with something wanted."""
    if b"type:" not in places.data:
        return False
    lines = map(places.line, places.lines_with(wanted.pattern()))
    return any(re.search(_TYPE_COMMENT, line) for line in lines)


def wanted_in(routes: Routes, module: str, *, is_package: bool) -> Wanted:
    """What makes a line of a file worth a look."""
    return Wanted(routes.words, _climbs(_climb(routes, module, is_package=is_package)))


def relocate_or_keep(
    source: bytes, *, module: str, is_package: bool, relocation: Relocation, importable: bool
) -> Relocated:
    """Rewrite one file; one that cannot be read stays as it is, with findings, if no import in it must change.

    What nothing can import, a template or a stub, needs no imports that work.
    """
    try:
        return relocate(source, module=module, is_package=is_package, relocation=relocation)
    except UnreadError as error:
        routes = routes_of(relocation)
        if importable and _asks_for_ours(source, routes, _climb(routes, module, is_package=is_package)):
            raise
        from micropkgd.relocate.mentions import mentions_in_text

        lines = source.splitlines() or [b""]
        line = lines[min(error.line, len(lines)) - 1].decode(errors="replace").strip()
        finding = Finding(error.line, line[:_SHOWN], f"{error.what}; the file is taken as it is", "unread")
        named = mentions_in_text(source.decode(errors="replace"), routes)
        return Relocated(source, tuple(sorted((finding, *named))))


def _asks_for_ours(source: bytes, routes: Routes, climb: int) -> bool:
    """Whether a file that cannot be parsed has a line that looks like an import of what moves."""
    words = sorted({top_of(root) for root in routes.roots} | routes.homes)
    tops = b"|".join(re.escape(word.encode()) for word in words)
    plain = re.compile(
        rb"^[ \t]*(?:from|import)\b[^\r\n#]*?(?<![\w.\x80-\xff])(?:" + tops + rb")(?![\w\x80-\xff])", re.MULTILINE
    )
    return bool(plain.search(source) or _climbs(climb).search(source))


def _climb(routes: Routes, module: str, *, is_package: bool) -> int:
    """How many dots lead a relative import of the file out of its package."""
    root = routes.root_of(module)
    return module.count(".") - root.count(".") + 1 + is_package if root else 1


@lru_cache(maxsize=64)
def _climbs(climb: int) -> re.Pattern[bytes]:
    """Finds the beginning of a relative import of at least so many dots."""
    return re.compile(rb"from(?:[\s\\]*\.){%d}" % climb)
