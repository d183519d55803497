"""The keys of a YAML or JSON document, by their path: what Kedro compares between the files of an environment.

Nothing is built from the document, so tags and aliases do no harm; `<<` brings the keys of what it names.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from micropkgd.documents import check_yaml, decode
from micropkgd.errors import DocumentError
from micropkgd.named_tuples import NamedTuple

if TYPE_CHECKING:
    import yaml

_MERGE: Final = "tag:yaml.org,2002:merge"
_MOST: Final = 100_000  # keys, those behind aliases counted each time


class DocumentKeys(NamedTuple):
    """What a document has keys for."""

    top: frozenset[str]
    leaves: frozenset[str]  # "model.lr": the paths of what is no mapping itself
    doubled: frozenset[str]  # that one mapping has twice


def keys_of(data: bytes) -> DocumentKeys:
    """The keys of a document; `DocumentError` where it is no YAML, or has keys without end."""
    import yaml

    check_yaml(data)
    root = yaml.compose(decode(data), Loader=yaml.CSafeLoader)
    top, leaves, doubled = set[str](), set[str](), set[str]()
    left: list[tuple[str, yaml.Node]] = [("", root)] if root is not None else []
    count = 0
    while left:
        above, node = left.pop()
        own = set[str]()
        for key, value in _pairs(node):
            count += 1
            if count > _MOST:
                raise DocumentError(f"it has more than {_MOST:,} keys")
            path = f"{above}.{key}" if above else key
            doubled |= {path} & own
            own.add(path)
            if isinstance(value, yaml.MappingNode):
                left.append((path, value))
            else:
                leaves.add(path)
        top |= own if not above else set()
    return DocumentKeys(frozenset(top), frozenset(leaves), frozenset(doubled))


def _pairs(node: "yaml.Node") -> Iterator[tuple[str, "yaml.Node"]]:
    """The keys of a mapping with their values, and behind them those that `<<` brings and it has not itself."""
    import yaml

    if not isinstance(node, yaml.MappingNode):
        return
    own = set[str]()
    merged: list[yaml.Node] = []
    for key, value in node.value:
        if key.tag == _MERGE:
            merged += value.value if isinstance(value, yaml.SequenceNode) else [value]
        elif isinstance(key, yaml.ScalarNode):
            own.add(key.value)
            yield key.value, value
    for one in merged:
        for name, value in _pairs(one):
            if name not in own:
                own.add(name)
                yield name, value
