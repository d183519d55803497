"""Checks that a merged text is still what its name says, and has nothing that its lines did not show.

Two edits can be clean line by line and wrong together: a definition that both added at two places is there twice, one
that a side removed and the other moved is still there, and a name that one side removed is missing where the other
came to use it. Only what neither side has counts.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache

from micropkgd import documents
from micropkgd.documents.keys import YamlKeys, keys_of
from micropkgd.documents.syntax import PYTHON, YAML, fault_in
from micropkgd.documents.syntax_trees import syntax_tree
from micropkgd.errors import DocumentError
from micropkgd.merge.membership import Membership, membership_of
from micropkgd.merge.overlap import overlap_of
from micropkgd.merge.returning import returns
from micropkgd.merge.values import TABLES, keeps_values
from micropkgd.merge.versions import ThreeVersions
from micropkgd.model.tree import RelPath


def is_sound(path: RelPath, merged: str, texts: ThreeVersions[str], *, reordered: bool = False) -> bool:
    """Whether the merge of three texts parses and joins nothing that does not go together.

    `reordered` says that it may have another order of statements than either side.
    """
    try:
        if path.endswith(PYTHON):
            return _is_sound_python(merged, texts, reordered=reordered)
        if path.endswith(YAML):
            return _is_sound_yaml(merged, texts, reordered=reordered)
        if path.endswith((".json", ".ipynb")) and not _has_no_more(*map(_doubled_in_json, (merged, *texts[1:]))):
            return False
        return not fault_in(path, _bytes(merged)) and (not path.endswith(TABLES) or keeps_values(path, merged, texts))
    except (SyntaxError, ValueError, DocumentError, RecursionError, MemoryError):  # the last two: nested without end
        return False


def _is_sound_python(merged: str, texts: ThreeVersions[str], *, reordered: bool) -> bool:
    """The sides are parsed only where the two edits meet."""
    import ast

    from micropkgd.merge import names

    @cache
    def tree(text: str) -> ast.Module:
        return syntax_tree(_bytes(text))

    doubled, overlap = names.doubled(tree(merged)), overlap_of(merged, texts)
    twice = {name for _, name in doubled} & (overlap.added_twice | overlap.surplus)
    if twice and not names.has_no_more(doubled, [tree(text) for text in texts[1:]]):
        return False
    member = membership_of(merged, texts, python=True)
    if reordered and returns(member):
        return False
    if not member.is_kept or not _is_utf8(merged):
        return member.is_kept
    joined = member.joined
    if any(_asks_for_more(member, name) for name in joined):
        return False
    if joined and (found := names.repeated(tree(merged))):
        known = [names.repeated(tree(text)) for text in texts[1:]]
        if not _has_no_more(found, *known):
            return False
    gone = [word for word in member.gone - names.EVERYWHERE if re.search(rf"\b{word}\b", merged)]
    if gone or overlap.surplus:
        base, ours, theirs = (names.names_in(tree(text)) for text in texts)
        if (base - (ours & theirs)) & names.names_in(tree(merged)):
            return False
    if gone and (missing := names.missing(merged, tree(merged))):
        return missing <= set[names.Name]().union(*(names.missing(text, tree(text)) for text in texts[1:]))
    return not reordered or names.is_in_order(tree(merged), (tree(text) for text in texts[1:]))


def _asks_for_more(member: Membership, name: Sequence[str]) -> bool:
    """Whether what is joined of two takes names from the module that neither of the two does: they were its own."""
    from micropkgd.merge.names import asked_outside

    lines, joined = member.lines_of(tuple(name)), member.merged.get(tuple(name), ())
    if not name or not (lines.ours and lines.theirs):
        return False
    return not asked_outside(joined) <= asked_outside(lines.ours) | asked_outside(lines.theirs)


def _is_sound_yaml(merged: str, texts: ThreeVersions[str], *, reordered: bool) -> bool:
    """The keys are looked at one by one where the two edits meet, and where a name may stand for something."""
    member, overlap = membership_of(merged, texts, python=False), overlap_of(merged, texts)
    if not member.is_kept or (reordered and returns(member)):
        return False
    if not (overlap.surplus or overlap.items_twice or member.added_by_both or "&" in texts.base):
        documents.check_yaml(_bytes(merged))
        return True
    found = keys_of(_bytes(merged))
    known = ThreeVersions[YamlKeys](*(keys_of(_bytes(text)) for text in texts))
    gone = known.base.found - (known.ours.found & known.theirs.found)
    return not found.found & gone and _has_no_more(found.doubled, known.ours.doubled, known.theirs.doubled)


def _has_no_more(found: Counter[str], ours: Counter[str], theirs: Counter[str]) -> bool:
    """Whether no key stands more often than in one of the sides."""
    return all(count <= max(ours[key], theirs[key]) for key, count in found.items())


def _doubled_in_json(text: str) -> Counter[str]:
    doubled: Counter[str] = Counter()

    def noted(pairs: list[tuple[str, object]]) -> dict[str, object]:
        doubled.update({key: count for key, count in Counter(key for key, _ in pairs).items() if count > 1})
        return dict(pairs)

    json.loads(_bytes(text), object_pairs_hook=noted)
    return doubled


def _is_utf8(text: str) -> bool:
    """Whether a text is what it was decoded as: one in another encoding has characters that stand for bytes."""
    return not re.search("[\ud800-\udfff]", text)


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
