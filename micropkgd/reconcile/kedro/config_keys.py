"""Keys that two files of one environment have: Kedro then refuses the environment, and every command with it.

Rules are those of Kedro's `OmegaConfigLoader`: of parameters the paths of all values are compared, of a catalog the
keys at the top; keys that begin with an underscore may stand twice, and so may keys in two environments.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from micropkgd.annotations import Final
from micropkgd.errors import DocumentError
from micropkgd.model.tree import RelPath
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.kedro.tree_after import TreeAfter

KINDS: Final = ("parameters", "catalog")
_SUFFIXES: Final = (".yml", ".yaml", ".json")
_SHOWN: Final = 3  # keys in a message
_KEY: Final = re.compile(rb"^( *)([^\s#:][^:\n]*):", re.MULTILINE)
_ODD: Final = re.compile(rb"[{}&\t\r\xef\xfe\xff]|<<|^---|^ *([\"'?]|- .*:)", re.MULTILINE)  # a key in another form


class DoubledKeys(NamedTuple):
    """Keys that stand in two files, or twice in one."""

    one: RelPath
    other: RelPath
    keys: tuple[str, ...]

    def __str__(self) -> str:
        """What to tell its owner."""
        more = f" and {len(self.keys) - _SHOWN} more" if len(self.keys) > _SHOWN else ""
        keys = ", ".join(f"`{key}`" for key in self.keys[:_SHOWN]) + more
        if self.one == self.other:
            return f"{self.one} has {keys} twice: Kedro refuses the file"
        return f"{self.one} and {self.other} both have {keys}: Kedro refuses duplicate keys in one environment"


HINT: Final = "take the key out of one of them, rename it, or give the entry an `env` of its own"


def twice_in(tree: TreeAfter, env: RelPath, kind: str) -> Iterator[DoubledKeys]:
    """What stands twice in the files of one kind below the folder of an environment."""
    paths = (path for path in tree.below(env) if _is_of(path.removeprefix(f"{env}/"), kind))
    texts = {path: data for path in paths if (data := tree.read(path)) is not None}
    if not _may_have_doubled(texts.values()):
        return
    from micropkgd.documents.key_paths import keys_of

    found: dict[RelPath, frozenset[str]] = {}
    for path, data in texts.items():
        try:
            keys = keys_of(data)
        except DocumentError:  # which Kedro refuses for itself, with the line
            continue
        found[path] = keys.leaves if kind == "parameters" else keys.top
        if keys.doubled:
            yield DoubledKeys(path, path, tuple(sorted(keys.doubled)))
    yield from _shared(found)


def _may_have_doubled(texts: Iterable[bytes]) -> bool:
    """Whether some key may stand twice, told by the lines of plain texts: a parser is imported only where one may."""
    tops = set[bytes]()
    for text in texts:
        keys = [(indent, key.rstrip()) for indent, key in _KEY.findall(text)]
        own = {key for indent, key in keys if not indent}
        if _ODD.search(text) or len(set(keys)) < len(keys) or own & tops or (keys and not own):
            return True
        tops |= own
    return False


def environments(tree: TreeAfter, conf: RelPath) -> list[RelPath]:
    """The folders of a project's environments."""
    inner = (path.removeprefix(f"{conf}/").partition("/") for path in tree.below(conf))
    return [RelPath(f"{conf}/{name}") for name in sorted({name for name, below, _ in inner if below})]


def _shared(found: Mapping[RelPath, frozenset[str]]) -> Iterator[DoubledKeys]:
    """Each file that has a key of others, beside the next one that has it: with all others there would be too many."""
    owners: dict[str, list[RelPath]] = {}
    for path, keys in found.items():
        for key in keys:
            owners.setdefault(key, []).append(path)
    pairs: dict[tuple[RelPath, RelPath], set[str]] = {}
    for key, paths in owners.items():
        if not key.startswith("_"):
            for pair in pairwise(paths):
                pairs.setdefault(pair, set()).add(key)
    for (one, other), shared in sorted(pairs.items()):
        yield DoubledKeys(one, other, tuple(sorted(shared)))


def _is_of(config: str, kind: str) -> bool:
    """Whether Kedro's default patterns load a file as one of this kind: `K*`, `K*/**` and `**/K*`."""
    parts = config.split("/")
    hidden = any(part.startswith(".") for part in parts)
    return config.endswith(_SUFFIXES) and not hidden and any(part.startswith(kind) for part in (parts[0], parts[-1]))
