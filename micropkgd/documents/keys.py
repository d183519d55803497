"""The keys of YAML mappings: where each stands with its value, and which stand twice."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from micropkgd.documents import check_yaml, decode
from micropkgd.errors import DocumentError
from micropkgd.named_tuples import NamedTuple

if TYPE_CHECKING:
    import yaml


class YamlPair(NamedTuple):
    """A key of a block mapping and its value, by their lines, numbered from 0."""

    key: str
    column: int
    line: int  # where the key stands
    end: int  # behind the last line that is surely part of the value
    inner: tuple["YamlPair", ...] | None  # the pairs of the value, if it is a block mapping, too


def pairs_of(text: str) -> tuple[YamlPair, ...] | None:
    """The pairs of a document; None where it is no block mapping, each key of which begins a line."""
    root = _composed(text.encode())
    return () if root is None else _pairs(root)


class YamlKeys(NamedTuple):
    """All keys of a document, each with those that lead to it."""

    found: frozenset[str]
    doubled: Counter[str]  # how often each stands that stands more than once in one mapping


def keys_of(data: bytes) -> YamlKeys:
    """The keys of every mapping; `DocumentError` where a text is no YAML."""
    found: set[str] = set()
    doubled: Counter[str] = Counter()
    for path, node in _mappings(_composed(data)):
        counts = Counter(f"{path}/{key.value}" for key, _ in node.value if _is_scalar(key))
        found.update(counts)
        doubled.update({key: count for key, count in counts.items() if count > 1})
    return YamlKeys(frozenset(found), doubled)


def _composed(data: bytes) -> "yaml.Node | None":
    """The nodes of the one document of a text."""
    import yaml

    check_yaml(data)
    text = decode(data)
    try:
        documents = list(yaml.compose_all(text, Loader=yaml.CSafeLoader))
    except yaml.YAMLError as error:
        raise DocumentError("invalid YAML: an alias in it names nothing") from error
    return documents[0] if len(documents) == 1 else _several(documents)


def _several(documents: list["yaml.Node"]) -> "yaml.Node | None":
    """Several documents as one list of them."""
    import yaml

    return yaml.SequenceNode("tag:yaml.org,2002:seq", documents) if documents else None


def _pairs(node: "yaml.Node") -> tuple[YamlPair, ...] | None:
    import yaml

    if not isinstance(node, yaml.MappingNode) or node.flow_style:
        return None
    pairs = tuple(_pair(key, value) for key, value in node.value)
    lines = [pair.line for pair in pairs]
    is_plain = all(_is_scalar(key) for key, _ in node.value) and len({pair.column for pair in pairs}) == 1
    return pairs if is_plain and lines == sorted(set(lines)) else None


def _pair(key: "yaml.Node", value: "yaml.Node") -> YamlPair:
    line = key.start_mark.line
    inner = None
    if not _stands_elsewhere(value, key):
        inner = _pairs(value)
    below = inner is not None and inner[0].line > line
    return YamlPair(
        str(key.value), key.start_mark.column, line, max(line + 1, _end(value, key)), inner if below else None
    )


def _end(node: "yaml.Node", after: "yaml.Node") -> int:
    """The line behind the last one that is surely part of a node: what ends a text with `|` is not told."""
    import yaml

    if _stands_elsewhere(node, after):
        return 0
    if isinstance(node, yaml.ScalarNode):
        return 0 if node.style in {"|", ">"} else node.end_mark.line + 1
    if not isinstance(node, yaml.CollectionNode) or node.flow_style:
        return node.end_mark.line + 1
    pairs = node.value if isinstance(node, yaml.MappingNode) else [(one, one) for one in node.value]
    return max((_end(value, key) for key, value in pairs if not _stands_elsewhere(key, node)), default=0)


def _stands_elsewhere(node: "yaml.Node", after: "yaml.Node") -> bool:
    """Whether a node is that of an alias, and so stands where its anchor is."""
    return bool(node.start_mark.index < after.start_mark.index)


def _is_scalar(node: "yaml.Node") -> bool:
    import yaml

    return isinstance(node, yaml.ScalarNode)


def _mappings(root: "yaml.Node | None") -> Iterator[tuple[str, "yaml.MappingNode"]]:
    """Every mapping once, however many aliases name it, with the keys that lead to it."""
    import yaml

    left, seen = [("", root)], set()
    while left:
        path, node = left.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            yield path, node
            left += ((f"{path}/{key.value}" if _is_scalar(key) else path, value) for key, value in node.value)
        elif isinstance(node, yaml.SequenceNode):
            left += ((f"{path}/-", item) for item in node.value)
