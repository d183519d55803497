"""Two locks made one: what one side changed is kept, whichever side it was."""

from hypothesis import given
from hypothesis import strategies as st

from micropkgd.model.lock import Block, Lock
from micropkgd.model.lock_merge import is_newer, merge_locks
from micropkgd.model.tree import Digest, RelPath, digest_of


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


edits = st.dictionaries(st.sampled_from("xyz"), st.integers(1, 3)).map(
    lambda rows: {RelPath(f"src/shop/a/{path}.py"): digest_of(str(number).encode()) for path, number in rows.items()}
)


@given(edits, edits, edits, st.booleans())
def test_accepted_edits_of_both_sides_are_kept(
    base: dict[RelPath, Digest], one: dict[RelPath, Digest], other: dict[RelPath, Digest], moved_on: bool
) -> None:
    """Path by path, whether or not one side moved on to a new version; where each accepted another, one of the two."""
    known, ours, theirs = (
        Lock.of({found.key: found})
        for found in (
            block("a", 1)._replace(edited=base),
            block("a", 1)._replace(edited=one),
            block("a", 2 if moved_on else 1)._replace(edited=other),
        )
    )
    for left, right in ((ours, theirs), (theirs, ours)):
        (merged,) = merge_locks(known, left, right).lock.blocks
        for path in {*base, *one, *other}:
            was, here, there = base.get(path), one.get(path), other.get(path)
            wanted = {there} if here in {was, there} else {here} if there == was else {here, there} - {None}
            assert merged.edited.get(path) in wanted
        assert merged.version == ("2" if moved_on and known != theirs else "1")
    assert merge_locks(known, ours, theirs) == merge_locks(known, theirs, ours)


def test_a_version_that_cannot_be_read_is_newer_than_none() -> None:
    """A number may be too long for `int`, and a lock is what a repository says."""
    assert is_newer("1" * 5000, "1") is None
    assert is_newer("one", "1") is None
