"""Two locks made one, as git merges branches: each entry on its own, the manifest decides later. Pure."""

from collections.abc import Mapping

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.model.lock import Block, Lock
from micropkgd.model.requirements_place import RequirementsPlace
from micropkgd.model.tree import Digest, RelPath, digest_of
from micropkgd.named_tuples import NamedTuple

if TYPE_CHECKING:
    from micropkgd.model.entry_key import EntryKey

_OF_NO_ENTRY = digest_of(b"")  # what no manifest asks for: such a block is made again


class Merged(NamedTuple):
    """The lock of both sides, and the refs that both changed and nobody can choose between."""

    lock: Lock
    contested: tuple[str, ...] = ()


def merge_locks(base: Lock, ours: Lock, theirs: Lock) -> Merged:
    """Take what one side changed; where both did, the newer version, which says what it superseded."""
    chosen: dict[EntryKey, Block] = {}
    contested: list[str] = []
    sides = [lock.by_key() for lock in (base, ours, theirs)]
    for key in sorted(set().union(*sides)):
        before, one, other = (blocks.get(key) for blocks in sides)
        if one == other or other == before:
            block = one
        elif one == before:
            block = other
        elif one is None or other is None:
            block = one or other  # removed here and changed there: the manifest says whether it is wanted
        elif one._replace(edited=other.edited) == other:
            block = one._replace(edited=_edited(before, one, other))
        elif one.archive != other.archive and is_newer(one.version, other.version) is None:
            contested.append(key.ref)
            block = one
        else:
            block = _newer(one, other)._replace(edited=_edited(before, one, other))
        if block is not None:
            chosen[key] = block
    place = ours.place if ours.place == theirs.place else base.place  # what is still there moves once more
    return Merged(Lock.of(chosen, place), tuple(contested))


def _edited(before: Block | None, one: Block, other: Block) -> Mapping[RelPath, Digest]:
    """The accepted edits of both sides; where each accepted another, one of them: the gates ask for another look."""
    known = before.edited if before is not None else {}
    found = {}
    for path in sorted({*one.edited, *other.edited}):
        ours, theirs = one.edited.get(path), other.edited.get(path)
        was = known.get(path)
        digest = theirs if ours == was else ours if theirs == was else max(filter(None, (ours, theirs)))
        if digest is not None:
            found[path] = digest
    return found


def both_sides(ours: Lock, theirs: Lock, wanted: RequirementsPlace) -> Lock:
    """The blocks of either side, the newer of two; none answers its entry, for git may have mixed lines of both.

    Where requirements stand is what either says that is not where they are `wanted`: what is still there moves.
    """
    blocks: dict[EntryKey, Block] = {}
    for block in (*theirs.blocks, *ours.blocks):
        other = blocks.get(block.key)
        blocks[block.key] = block if other is None else _both(block, other)
    place = ours.place if ours.place != wanted else theirs.place
    return Lock.of({key: block._replace(requested=_OF_NO_ENTRY) for key, block in blocks.items()}, place)


def is_newer(one: str, other: str) -> bool | None:
    """Whether a version is newer than another; None where they are equal or cannot be compared."""
    from packaging.version import Version

    try:
        first, second = Version(one), Version(other)
    except ValueError:  # InvalidVersion is one; so is a number too long for `int`
        return None
    return None if first == second else first > second


def _newer(one: Block, other: Block) -> Block:
    new, old = (one, other) if is_newer(one.version, other.version) else (other, one)
    return new.instead_of(old.superseded or old.made)


def _both(block: Block, other: Block) -> Block:
    return _newer(block, other)._replace(edited={**other.edited, **block.edited})
