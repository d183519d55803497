"""Names of modules in parameters: rewritten, where a project asks for it, under the keys by which parameters name code.

Rules: only the name is edited, in the text as it is written, so that comments, order and quotes stay; what stands under
another key, or is spelled with an anchor or a tag, is told.
"""

from collections.abc import Iterator

from micropkgd.documents import values_in
from micropkgd.errors import DocumentError
from micropkgd.relocate.mentions import CODE_KEYS, mentions, mentions_in_text
from micropkgd.relocate.names import Finding, Relocated, Relocation, Routes, routes_of
from micropkgd.relocate.text import BOM, Edit, apply

_SUFFIXES = (".yml", ".yaml", ".json")
_HINT = "; `rewrite-parameters = true` rewrites what is under such a key"


def relocate_parameters(source: bytes, *, name: str, relocation: Relocation, rewrite: bool) -> Relocated:
    """One file of parameters after the move, and what of it is told."""
    routes = routes_of(relocation)
    found = mentions(source, name=name, relocation=relocation)
    if not found or not name.endswith(_SUFFIXES):
        return Relocated(source, found)
    mark = BOM if source.startswith(BOM) else b""
    data = source[len(mark) :]
    try:
        edits = list(_edits(data.decode(), routes))
    except (UnicodeDecodeError, DocumentError):
        return Relocated(source, found)
    if rewrite:
        edited = apply(data, edits)
        return Relocated(mark + edited, mentions_in_text(edited.decode(), routes))
    lines = {1 + data.count(b"\n", 0, edit.start) for edit in edits}
    return Relocated(source, tuple(_with_hint(one) if one.line in lines else one for one in found))


def _edits(text: str, routes: Routes) -> Iterator[Edit]:
    """The names of moved modules under keys that name code."""
    for value in values_in(text):
        old = routes.longest(value.text.partition(":")[0]) if value.key in CODE_KEYS else None
        start = value.start + (text[value.start] in "\"'")
        alone = value.text == old and "." not in old and value.key != "module"
        if old is not None and not alone and text.startswith(old, start):
            place = len(text[:start].encode())
            yield Edit(place, place + len(old.encode()), routes.renamed[old].encode())


def _with_hint(finding: Finding) -> Finding:
    return finding._replace(reason=finding.reason + _HINT)
