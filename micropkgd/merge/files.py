"""The merge of one file: text first, then structure, and what is not sound is not clean."""

import re

from micropkgd.documents.keys import composed_once
from micropkgd.documents.syntax import PYTHON, YAML
from micropkgd.merge.effort import one_effort
from micropkgd.merge.soundness import is_sound
from micropkgd.merge.text import merged_lines
from micropkgd.merge.versions import CollisionError, ThreeVersions
from micropkgd.model.plan import MergeWay
from micropkgd.model.text_form import form_of, in_form, plain
from micropkgd.model.tree import RelPath
from micropkgd.named_tuples import NamedTuple

_LARGEST = 1024 * 1024  # bytes of a text whose structure is looked at


class MergedFile(NamedTuple):
    """A clean merge, and how it was come by."""

    data: bytes
    way: MergeWay


def merge_files(path: RelPath, files: ThreeVersions[bytes], *, structure: bool = True) -> MergedFile | None:
    """The three-way merge of a file; None where it is a person's to make.

    Line ends, a byte order mark and the end of the last line are not edits; the result has those of the file here.
    """
    if any(b"\0" in data for data in files):
        return None
    form = form_of(files.ours)
    texts = (files if form is None else files.each(plain)).each(_decoded)
    with one_effort(), composed_once():
        merged = _merged(path, texts, structure=structure)
    if merged is None:
        return None
    data = _encoded(merged[0])
    return MergedFile(data if form is None else in_form(data, form), merged[1])


def _merged(path: RelPath, texts: ThreeVersions[str], *, structure: bool) -> tuple[str, MergeWay] | None:
    try:
        text = merged_lines(texts)
        if is_sound(path, text, texts):
            return text, MergeWay.TEXT
    except CollisionError:
        pass
    if not structure or max(map(len, texts)) > _LARGEST:
        return None
    if path.endswith(YAML) and (edited := _beside_a_formatter(texts)) is not None:
        return edited, MergeWay.STRUCTURE
    try:
        text = _by_structure(path, texts)
    except (CollisionError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return (text, MergeWay.STRUCTURE) if is_sound(path, text, texts, reordered=True) else None


def _beside_a_formatter(texts: ThreeVersions[str]) -> str | None:
    """The text of one side where the other only wrote it otherwise."""
    from micropkgd.documents.yaml_layout import differs_in_layout

    words = texts.each(lambda text: re.findall(r"\w+", text))  # which no formatter changes: telling takes far longer
    if words.base == words.theirs and differs_in_layout(texts.base, texts.theirs):
        return texts.ours
    return texts.theirs if words.base == words.ours and differs_in_layout(texts.base, texts.ours) else None


def _by_structure(path: RelPath, texts: ThreeVersions[str]) -> str:
    """Where the name says that a file has a structure that we know, its merge by that."""
    if path.endswith(PYTHON):
        from micropkgd.merge.python import merged_python

        return merged_python(texts)
    if path.endswith(YAML):
        from micropkgd.merge.parameters import merged_yaml

        return merged_yaml(texts)
    if path.endswith(".toml"):
        from micropkgd.merge.tables import merged_toml

        return merged_toml(texts)
    if path.endswith(".json"):
        from micropkgd.merge.flows import merged_json

        return merged_json(texts)
    raise CollisionError(f"nothing is known of the structure of {path}")


def _decoded(data: bytes) -> str:
    """Bytes as a text that `_encoded` makes the same bytes of, whatever they are."""
    return data.decode(errors="surrogateescape")


def _encoded(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
