"""The keys of YAML mappings: where each stands with its value, and which stand twice."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from micropkgd.annotations import TYPE_CHECKING, Any, Final
from micropkgd.documents import check_yaml, decode
from micropkgd.documents.syntax_trees import collector_rests
from micropkgd.errors import DocumentError
from micropkgd.named_tuples import NamedTuple

if TYPE_CHECKING:
    import yaml

_KNOWN: Final = ContextVar["dict[bytes, yaml.Node | None] | None"]("texts that were parsed", default=None)
_TEXT: Final = "tag:yaml.org,2002:str"


class YamlPair(NamedTuple):
    """A key of a block mapping and its value, by their lines, numbered from 0."""

    key: str
    column: int
    line: int  # where the key stands
    end: int  # behind the last line that is surely part of the value
    inner: tuple["YamlPair", ...] | None  # the pairs of the value, if it is a block mapping, too
    value: Any = None  # the node of the value, if it stands below the key

    @property
    def items(self) -> tuple["YamlItem", ...] | None:
        """The items of the value, if it is a block sequence; told only where they are asked for."""
        return None if self.value is None else _items(self.value, self.line)


class YamlItem(NamedTuple):
    """An item of a block sequence, by its lines."""

    name: str  # its `name`, `id` or `key`; of a text itself, of anything else nothing
    kind: str  # "mapping", the tag of a scalar, or nothing
    column: int  # of its dash
    line: int
    end: int
    inner: tuple[YamlPair, ...] | None  # the pairs that it is, the first of them behind the dash


class FlowItem(NamedTuple):
    """What stands between brackets, or within those, by its place in the text."""

    kind: str  # "mapping", "list", or the tag of a scalar
    name: str  # of a scalar itself, of a mapping its `name`, `id` or `key`
    start: int
    end: int
    key: str  # under which it stands in a mapping
    key_start: int  # where that begins, or it
    inner: tuple["FlowItem", ...]


def flow_of(text: str) -> FlowItem | None:
    """The one collection between brackets that a document is; None for another one."""
    root = _composed(text.encode())
    return None if root is None else flow_item(root)


def flow_item(node: "yaml.Node", key: "yaml.Node | None" = None) -> FlowItem | None:
    """A node between brackets; None where something within stands elsewhere, or has a name that an alias needs."""
    import yaml

    inner: list[FlowItem | None] = []
    if isinstance(node, yaml.MappingNode):
        inner = [flow_item(value, one) if _is_scalar(one) else None for one, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        inner = [flow_item(one) for one in node.value]
    is_flow = not isinstance(node, yaml.CollectionNode) or node.flow_style
    ends = [one.end for one in inner if one is not None]
    found = [one for one in inner if one is not None]
    is_apart = all(end <= one.key_start for end, one in zip([node.start_mark.index, *ends], found, strict=False))
    if not is_flow or len(found) < len(inner) or not is_apart or (key and _stands_elsewhere(node, key)):
        return None
    kind = "mapping" if _is_mapping(node) else "list" if isinstance(node, yaml.SequenceNode) else node.tag
    return FlowItem(
        kind,
        str(node.value) if _is_scalar(node) else _name(node),
        node.start_mark.index,
        node.end_mark.index,
        str(key.value) if key is not None else "",
        (node if key is None else key).start_mark.index,
        tuple(found),
    )


def pairs_of(text: str) -> tuple[YamlPair, ...] | None:
    """The pairs of a document; None where it is no block mapping, each key of which begins a line."""
    root = _composed(text.encode())
    return () if root is None else _pairs(root)


class YamlKeys(NamedTuple):
    """All keys of a document, each with those that lead to it."""

    found: frozenset[str]
    doubled: Counter[str]  # how often each stands that stands more than once in one mapping, and each item in one list


def keys_of(data: bytes) -> YamlKeys:
    """The keys of every mapping; `DocumentError` where a text is no YAML."""
    found: set[str] = set()
    doubled: Counter[str] = Counter()
    for path, node in _collections(_composed(data)):
        counts = Counter(f"{path}/{key}" for key in _told_apart(node))
        found.update(counts if _is_mapping(node) else ())
        doubled.update({key: count for key, count in counts.items() if count > 1})
    return YamlKeys(frozenset(found), doubled)


@contextmanager
def composed_once() -> Iterator[None]:
    """Each text is parsed once, however often its keys are asked for meanwhile."""
    mark = _KNOWN.set({})
    try:
        yield
    finally:
        _KNOWN.reset(mark)


def _composed(data: bytes) -> "yaml.Node | None":
    """The nodes of the one document of a text."""
    known = _KNOWN.get()
    if known is None:
        return _made(data)
    if data not in known:
        known[data] = _made(data)
    return known[data]


def _made(data: bytes) -> "yaml.Node | None":
    import yaml

    check_yaml(data)
    text = decode(data)
    try:
        with collector_rests():
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
    here = None if _stands_elsewhere(value, key) else value
    end = max(line + 1, _end(value, key))
    return YamlPair(str(key.value), key.start_mark.column, line, end, inner if below else None, here)


def _items(node: "yaml.Node", above: int) -> tuple[YamlItem, ...] | None:
    """The items of a block sequence below its key, each of which begins behind its dash."""
    import yaml

    if not isinstance(node, yaml.SequenceNode) or node.flow_style or not node.value or node.start_mark.line <= above:
        return None
    if any(_stands_elsewhere(one, node) for one in node.value):
        return None
    items = tuple(_item(one, node.start_mark.column) for one in node.value)
    lines = [item.line for item in items]
    return items if lines == sorted(set(lines)) else None


def _item(node: "yaml.Node", column: int) -> YamlItem:
    import yaml

    line = node.start_mark.line
    end = max(line + 1, _end(node, node))
    if isinstance(node, yaml.ScalarNode):
        return YamlItem(str(node.value), node.tag, column, line, end, None)
    inner = _pairs(node)
    return YamlItem(_name(node), "mapping" if inner else "", column, line, end, inner)


def _name(node: "yaml.Node") -> str:
    import yaml

    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    named = (value for key, value in pairs if _is_scalar(key) and key.value in {"name", "id", "key"})
    return next((str(value.value) for value in named if _is_scalar(value)), "")


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


def _is_mapping(node: "yaml.Node") -> bool:
    import yaml

    return isinstance(node, yaml.MappingNode)


def _told_apart(node: "yaml.CollectionNode") -> Iterator[str]:
    """What the parts of a mapping or a list are known by: keys, texts, and the names of the mappings of a list."""
    for part in node.value:
        if _is_mapping(node):
            yield from (str(part[0].value),) if _is_scalar(part[0]) else ()
        elif name := str(part.value) if _is_scalar(part) and part.tag == _TEXT else _name(part):
            yield f"- {name}"


def _collections(root: "yaml.Node | None") -> Iterator[tuple[str, "yaml.CollectionNode"]]:
    """Every mapping and list once, however many aliases name it, with the keys that lead to it."""
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
            yield path, node
            left += ((f"{path}/-", item) for item in node.value)
