"""An item put at the end of a list of a YAML text, written as the others are; every other line stays as it is.

Rule, as of `edits`: what was edited is read back before it is given away, and says what it said and the item.
"""

from collections.abc import Mapping, Sequence

from micropkgd.annotations import TYPE_CHECKING, Any, cast
from micropkgd.documents import read_yaml
from micropkgd.documents.rows import inserted
from micropkgd.errors import DocumentError

if TYPE_CHECKING:
    import yaml


def add_to_list(text: str, key: str, lines: Sequence[str]) -> str:
    """Add an item, given as the lines below its dash, to the list at a key of the document."""
    wanted = _read(text)
    items = wanted.get(key)
    block = _block(text, key)
    if not isinstance(items, list) or block is None:
        raise _refused(key)
    (item,) = cast("list[object]", _read("\n".join(["list:", *_dashed(lines, "")]))["list"])
    position = _end_of_line(text, _end(block))
    added = inserted(text, position, _dashed(lines, " " * block.start_mark.column))
    if _read(added) != {**wanted, key: [*items, item]}:
        raise _refused(key)
    return added


def _read(text: str) -> Mapping[str, object]:
    return read_yaml(text.encode())


def _refused(key: str) -> DocumentError:
    return DocumentError(f"`{key}` is written in a way that cannot be edited safely", hint="add it by hand")


def _dashed(lines: Sequence[str], indent: str) -> list[str]:
    return [f"{indent}{'  ' if number else '- '}{line}" for number, line in enumerate(lines)]


def _block(text: str, key: str) -> "yaml.SequenceNode | None":
    """The list at a key, where it has a line for each item."""
    import yaml

    root = yaml.compose(text, Loader=yaml.CSafeLoader)
    pairs: Any = root.value if isinstance(root, yaml.MappingNode) else ()
    found = next((value for name, value in pairs if name.value == key), None)
    return found if isinstance(found, yaml.SequenceNode) and not found.flow_style and found.value else None


def _end(node: "yaml.Node") -> int:
    """Where the last text of a node ends; the node itself ends only before what comes next."""
    import yaml

    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last: Any = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    return node.end_mark.index


def _end_of_line(text: str, position: int) -> int:
    if text[position - 1 : position] == "\n":
        return position
    end = text.find("\n", position)
    return len(text) if end < 0 else end + 1
