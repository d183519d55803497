"""Two locks made one: what one side changed is kept, whichever side it was."""

from hypothesis import given
from hypothesis import strategies as st

from micropkgd.model.lock import Block, Lock
from micropkgd.model.lock_merge import merge_locks
from micropkgd.model.tree import RelPath, digest_of


def block(name: str, version: int) -> Block:
    """A block of an entry at a version."""
    digest = digest_of(f"{name}{version}".encode())
    target = RelPath(f"src/shop/{name}")
    return Block(name, str(version), name, 1, digest, name, digest, target, 1, (), {RelPath(f"{target}/a.py"): digest})


locks = st.dictionaries(st.sampled_from("abc"), st.integers(1, 3)).map(
    lambda rows: Lock.of({one.key: one for one in (block(name, version) for name, version in rows.items())})
)


@given(locks, locks)
def test_what_one_side_changed_is_taken(base: Lock, changed: Lock) -> None:
    """From whichever side, and what both changed alike."""
    assert merge_locks(base, base, changed).lock == changed
    assert merge_locks(base, changed, base).lock == changed
    assert merge_locks(base, changed, changed).lock == changed


@given(locks, locks, locks)
def test_sides_do_not_matter(base: Lock, one: Lock, other: Lock) -> None:
    """The newer version is taken, and says which it superseded."""
    merged = merge_locks(base, one, other)

    assert merged == merge_locks(base, other, one)
    for found in merged.lock.blocks:
        sides = [lock.by_key()[found.key] for lock in (one, other) if found.key in lock.by_key()]
        assert found.version == max(side.version for side in sides) or found in sides
