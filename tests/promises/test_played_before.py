"""Games of the law of one commit that once found something, reduced to what it takes, and played again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from micropkgd.model.choice import Conflict
from tests.promises.test_one_tree import Team

pytestmark = pytest.mark.no_cover


@contextmanager
def played() -> Iterator[Team]:
    """A team at its start; in the end all meet, and are the same."""
    team = Team()
    try:
        team.begin()
        yield team
    finally:
        team.teardown()


def requirements_of_an_older_file(team: Team) -> None:
    """The file is checked out as it was before its lines went to a group: two blocks stand for one entry then."""
    team.move_requirements(who="ann", needs='requirements-group = "needs"\n')
    team.check_out_a_file(who="ann", branch="HEAD~1", number=21)
    team.move_requirements(who="bob", needs="")
    team.move(who="ann", name="ds", place='destination = "pipelines"')
    team.take_back(who="ann")
    team.move_requirements(who="ann", needs='requirements-file = "requirements.txt"\n')


def requirements_of_what_left(team: Team) -> None:
    """Rows went, the lock alone says so, and then what left is to stay: its lines come out of the group along."""
    team.move_requirements(who="ann", needs='requirements-group = "needs"\n')
    team.drop(who="bob", name="ds")
    team.drop(who="ann", name="es")
    team.bump(who="ann")
    team.agree(who="ann", policy="prune = false\n")
    team.move_requirements(who="ann", needs="")


def two_that_trade_a_place(team: Team) -> None:
    """The lock alone moves one entry to where another was, with the same texts: they are not taken away again."""
    team.move(who="bob", name="ds", place='alias = "x"')
    team.drop(who="ann", name="ds")
    team.move(who="ann", name="es", place='alias = "x"')
    team.decide(who="bob", name="es", choice=Conflict.TAKE)
    team.drop(who="bob", name="ds")
    team.bump(who="bob")
    team.reconcile(who="bob", options={})
    bob = team.people["bob"]
    before = bob.files()
    outcome = bob.tries()
    assert outcome is not None
    assert outcome.exit_code == 0, outcome
    assert bob.files() == before
    team.crash(who="bob", number=45)


def moved_by_hand_and_left_out(team: Team) -> None:
    """The package is renamed and committed with the lock of before; what git leaves out of it is not written anew."""
    team.lay_out(who="ann", layout='package = "store"\n')
    team.look_at_a_part(who="ann", out="ds/")
    team.look_at_a_part(who="ann", out="one.py")


GAMES = (requirements_of_an_older_file, requirements_of_what_left, two_that_trade_a_place, moved_by_hand_and_left_out)


@pytest.mark.parametrize("game", GAMES)
def test_a_game_that_found_something(game: Callable[[Team], None]) -> None:
    """Each move asserts what the law says of it."""
    with played() as team:
        game(team)
