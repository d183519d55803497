"""Checks that a merged text is still what its name says, and has nothing that its lines did not show.

Two edits can be clean line by line and wrong together: a definition that both added at two places is there twice, one
that a side removed and the other moved is still there, and a name that one side removed is missing where the other
came to use it. Only what neither side has counts.
"""

import json
import re
from collections import Counter
from collections.abc import Set as AbstractSet

from micropkgd import documents
from micropkgd.documents.keys import YamlKeys, keys_of
from micropkgd.errors import DocumentError
from micropkgd.merge.overlap import overlap_of
from micropkgd.merge.versions import ThreeVersions
from micropkgd.model.tree import RelPath


def is_sound(path: RelPath, merged: str, texts: ThreeVersions[str], *, reordered: bool = False) -> bool:
    """Whether the merge of three texts parses and joins nothing that does not go together.

    `reordered` says that it may have another order of statements than either side.
    """
    try:
        if path.endswith((".py", ".pyi")):
            return _is_sound_python(merged, texts, reordered=reordered)
        if path.endswith((".yml", ".yaml")):
            return _is_sound_yaml(merged, texts, reordered=reordered)
        if path.endswith(".json"):
            return _has_no_more(_doubled_in_json(merged), *map(_doubled_in_json, texts[1:]))
        if path.endswith(".toml"):
            documents.read_toml(_bytes(merged))
    except (SyntaxError, ValueError, DocumentError, RecursionError, MemoryError):  # the last two: nested without end
        return False
    return True


def _is_sound_python(merged: str, texts: ThreeVersions[str], *, reordered: bool) -> bool:
    """The whole look costs as much as the merge, and is taken where the two edits meet."""
    import ast

    from micropkgd.merge import names

    tree = ast.parse(_bytes(merged))
    sides = [_bytes(text) for text in texts[1:]]
    overlap, doubled = overlap_of(merged, texts), names.doubled(tree)
    twice = {name for _, name in doubled} & (overlap.added_twice | overlap.surplus)
    if twice and not names.has_no_more(doubled, sides):
        return False
    if overlap.surplus and not reordered and names.revives(tree, texts.each(_bytes)):
        return False
    if not reordered and (not overlap.removed_and_added - names.EVERYWHERE or not _is_utf8(merged)):
        return True
    return names.lacks_nothing(_bytes(merged), sides) and (not reordered or names.is_in_order(tree, sides))


def _is_sound_yaml(merged: str, texts: ThreeVersions[str], *, reordered: bool) -> bool:
    if not reordered and overlap_of(merged, texts).is_empty:
        documents.check_yaml(_bytes(merged))
        return True
    found = keys_of(_bytes(merged))
    known = ThreeVersions[YamlKeys](*(keys_of(_bytes(text)) for text in texts))
    gone = _gone(ThreeVersions[AbstractSet[str]](*(keys.found for keys in known)))
    return not found.found & gone and _has_no_more(found.doubled, known.ours.doubled, known.theirs.doubled)


def _gone(names: ThreeVersions[AbstractSet[str]]) -> AbstractSet[str]:
    """What one of the sides removed."""
    return names.base - (names.ours & names.theirs)


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
