"""Says whether two YAML texts differ in their layout alone: the same keys, values and comments, in one order."""

from collections.abc import Iterator

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.documents import check_yaml
from micropkgd.errors import DocumentError

if TYPE_CHECKING:
    import yaml


def differs_in_layout(one: str, other: str) -> bool:
    """Whether nothing but spaces, quotes, brackets and line breaks differs."""
    try:
        return _said(one) == _said(other)
    except DocumentError:
        return False


def _said(text: str) -> tuple[list[tuple[str, ...]], list[str]]:
    """What a text says, value by value and with the kind of each, and its comments, anchors and aliases."""
    import yaml

    check_yaml(text.encode())
    try:
        nodes = list(yaml.compose_all(text, Loader=yaml.CSafeLoader))
        return [fact for node in nodes for fact in _facts(node, set())], list(_remarks(text))
    except yaml.YAMLError as error:
        raise DocumentError("invalid YAML") from error


def _facts(root: "yaml.Node", seen: set[int]) -> Iterator[tuple[str, ...]]:
    """Every value with its kind, in order; what an alias names is told where its anchor stands."""
    import yaml

    left: list[yaml.Node | str] = [root]
    while left:
        node = left.pop()
        if isinstance(node, str):
            yield (node,)
        elif id(node) in seen:
            yield ("alias", node.tag, str(node.value) if isinstance(node, yaml.ScalarNode) else "")
        elif isinstance(node, yaml.ScalarNode):
            seen.add(id(node))
            yield (node.tag, node.value)
        else:
            seen.add(id(node))
            inner = [one for pair in node.value for one in pair] if isinstance(node, yaml.MappingNode) else node.value
            left += ["end", *reversed(inner)]
            yield (node.tag, "begin")


def _remarks(text: str) -> Iterator[str]:
    """The anchors and aliases, and the comments, which stand between what a scanner reads."""
    import yaml

    end = 0
    for token in yaml.scan(text, Loader=yaml.CSafeLoader):
        yield from _of_gap(text[end : token.start_mark.index])
        if isinstance(token, yaml.AnchorToken | yaml.AliasToken):
            yield f"{token.id} {token.value}"
        end = max(end, token.end_mark.index)
    yield from _of_gap(text[end:])


def _of_gap(gap: str) -> Iterator[str]:
    for line in gap.split("\n"):
        _, mark, comment = line.partition("#")
        if mark:
            yield comment.strip()
