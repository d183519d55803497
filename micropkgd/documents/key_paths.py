"""The keys of a YAML or JSON document, by their path: what Kedro compares between the files of an environment.

Nothing is built from the document, so tags and aliases do no harm; `<<` brings the keys of what it names.
"""

from collections.abc import Iterator

from micropkgd.annotations import TYPE_CHECKING, Final
from micropkgd.documents import check_yaml, decode
from micropkgd.errors import DocumentError
from micropkgd.named_tuples import NamedTuple

if TYPE_CHECKING:
    import yaml

_MERGE: Final = "tag:yaml.org,2002:merge"
_MOST: Final = 100_000  # keys, those behind aliases counted each time
_DEEPEST: Final = 100  # an alias may lead to what it is in
_MOST_MERGED: Final = 100  # mappings, into one


class DocumentKeys(NamedTuple):
    """What a document has keys for."""

    top: frozenset[str]
    leaves: frozenset[str]  # "model.lr": the paths of what is no mapping itself
    doubled: frozenset[str]  # that one mapping has twice


def keys_of(data: bytes) -> DocumentKeys:
    """The keys of a document; `DocumentError` where it is not one of YAML, or has keys without end."""
    import yaml

    root = _composed(data)
    top, leaves, doubled = set[str](), set[str](), set[str]()
    left: list[tuple[str, int, yaml.Node]] = [("", 0, root)] if root is not None else []
    count = 0
    while left:
        above, depth, node = left.pop()
        own = set[str]()
        for key, value in _pairs(node):
            count += 1
            if count > _MOST or depth > _DEEPEST:
                raise DocumentError(f"it has more than {_MOST:,} keys, or nests them deeper than {_DEEPEST} levels")
            path = f"{above}.{key}" if above else key
            doubled |= {path} & own
            own.add(path)
            if isinstance(value, yaml.MappingNode):
                left.append((path, depth + 1, value))
            else:
                leaves.add(path)
        top |= own if not above else set()
    return DocumentKeys(frozenset(top), frozenset(leaves), frozenset(doubled))


def _composed(data: bytes) -> "yaml.Node | None":
    import yaml

    check_yaml(data)
    try:
        return yaml.compose(decode(data), Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise DocumentError("it is not one document, or an alias in it names nothing") from error


def _pairs(node: "yaml.Node") -> Iterator[tuple[str, "yaml.Node"]]:
    """The keys of a mapping with their values, and behind them those that `<<` brings and it has not itself."""
    import yaml

    own, seen, left = set[str](), set[int](), [node]
    while left:
        one = left.pop()
        if not isinstance(one, yaml.MappingNode) or id(one) in seen:  # whose keys are there already
            continue
        seen.add(id(one))
        if len(seen) > _MOST_MERGED:
            raise DocumentError(f"more than {_MOST_MERGED} mappings are merged into one")
        merged: list[yaml.Node] = []
        for key, value in one.value:
            if key.tag == _MERGE:
                merged += value.value if isinstance(value, yaml.SequenceNode) else [value]
            elif isinstance(key, yaml.ScalarNode) and (one is node or key.value not in own):
                own.add(key.value)
                yield key.value, value
        left += reversed(merged)
