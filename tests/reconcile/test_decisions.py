"""A decision is about what somebody saw: the pass that carries it out looks again, under the project's lock."""

from typing import Any

import pytest

from micropkgd.actions.held_texts import held_sight
from micropkgd.actions.merge_work import save_merged
from micropkgd.actions.resolving import resolving_as_seen
from micropkgd.errors import StillHeldError
from micropkgd.model.choice import Conflict
from micropkgd.model.outcome import Outcome
from micropkgd.model.tree import RelPath
from micropkgd.reconcile.cycle import run_pass
from micropkgd.reconcile.options import PassOptions
from micropkgd.reconcile.resolve.fetcher import Fetcher
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.gather import Sources
from tests.kit.world import ROW, World

A, B = RelPath("src/shop/ds/a.py"), RelPath("src/shop/ds/b.py")


@pytest.fixture(autouse=True)
def _held(world: World) -> None:
    """Two files that collide."""
    world.publish({"a.py": "X = 1\n", "b.py": "X = 1\n"})
    world.asks_for()
    world.sync()
    world.write(A, "X = 'mine'\n")
    world.write(B, "X = 'mine'\n")
    world.publish({"a.py": "X = 2\n", "b.py": "X = 2\n"}, version="2.0")
    assert world.reconcile().code == 4


def decided(world: World, choice: Conflict, *paths: RelPath) -> PassOptions:
    """What a press of a button on what is there now asks of the next pass."""
    root = str(world.root)
    return resolving_as_seen(root, ROW, choice, paths, held_sight(root, ROW).seen_of(paths), None, 5).options


def a_pass(world: World, options: PassOptions) -> Outcome:
    """The pass, whenever its turn comes."""
    cache = ArchiveCache(str(world.root.parent / "cache"))
    with Sources(cache) as sources:
        return run_pass(str(world.root), options, lambda root: Fetcher(root, sources, cache, {}))


@pytest.mark.parametrize("choice", [Conflict.TAKE, Conflict.KEEP, Conflict.MERGE])
@pytest.mark.parametrize("named", [(A,), (A, B), ()])
def test_an_edit_that_is_saved_before_the_pass_is_safe(world: World, choice: Conflict, named: tuple[Any, ...]) -> None:
    """Nothing is decided of the entry then, and it waits as before."""
    options = decided(world, choice, *named)
    world.write(A, "X = 'newer'\n")
    outcome = a_pass(world, options)

    assert outcome.exit_code == 4
    assert not outcome.entries[0].question.decided
    assert (world.read(A), world.read(B)) == ("X = 'newer'\n", "X = 'mine'\n")


def test_a_newer_version_that_came_before_the_pass_is_not_taken(world: World) -> None:
    """Somebody decided on another one."""
    options = decided(world, Conflict.TAKE)
    world.publish({"a.py": "X = 3\n", "b.py": "X = 3\n"}, version="3.0")
    assert world.reconcile().code == 4

    assert a_pass(world, options).exit_code == 4
    assert (world.read(A), world.read(B)) == ("X = 'mine'\n", "X = 'mine'\n")


def test_a_file_that_joined_the_question_is_not_decided(world: World) -> None:
    """A word for all of an entry is for what was seen of it."""
    world.publish({"a.py": "X = 2\n", "b.py": "X = 1\n", "c.py": ""}, version="2.1")
    world.write(B, "X = 1\n")
    assert world.reconcile().code == 4
    options = decided(world, Conflict.TAKE)
    world.write("src/shop/ds/c.py", "Y = 'somebody needs this'\n")
    a_pass(world, options)
    assert world.read("src/shop/ds/c.py") == "Y = 'somebody needs this'\n"


def test_what_is_as_it_was_seen_is_done(world: World) -> None:
    """The other side of the rule."""
    assert a_pass(world, decided(world, Conflict.TAKE)).exit_code == 0
    assert (world.read(A), world.read(B)) == ("X = 2\n", "X = 2\n")


def test_a_merge_that_is_saved_in_an_editor_meanwhile_is_not_written_over(world: World) -> None:
    """Not even between the look at it and the write: what stands there must be what was seen."""
    sight = held_sight(str(world.root), ROW)
    mine = f".micropkgd/conflicts/ds/merged/{A}"
    world.write(mine, "X = 'in an editor'\n")
    with pytest.raises(StillHeldError, match="was changed since you saw it"):
        save_merged(str(world.root), sight.entry, A, "X = 3\n", sight.merged[A], 5)
    assert world.read(mine) == "X = 'in an editor'\n"
    save_merged(str(world.root), sight.entry, A, "X = 3\n", held_sight(str(world.root), ROW).merged[A], 5)
    assert world.read(mine) == "X = 3\n"
