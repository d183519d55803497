"""When what failed is tried again, in a world where chance is a number."""

from micropkgd.model.condition import Failure
from micropkgd.model.outcome import Outcome
from micropkgd.service.timing.retries import Retries
from tests.service.test_conditions import DOWN, entry

GONE = Failure(1, "Gone", "404")
BUSY = Failure(7, "ProjectBusy", "another process holds this project", transient=True)


def outcome(*failures: Failure | None) -> Outcome:
    """A pass with these failures."""
    return Outcome("/p", tuple(entry(failure) for failure in failures))


def test_pauses_grow_while_it_fails_and_begin_again_after() -> None:
    """What nobody can mend by waiting is not tried again, and does not count."""
    retries = Retries()

    assert [retries.after(outcome(DOWN, GONE), 1.0) for _ in range(3)] == [5.0, 10.0, 20.0]
    assert retries.after(outcome(None, GONE), 1.0) is None
    assert retries.after(outcome(DOWN), 1.0) == 5.0


def test_a_server_is_left_alone_as_long_as_it_asks() -> None:
    """The longest that any asks for."""
    asked = [DOWN._replace(retry_after=60.0), DOWN._replace(retry_after=120.0)]

    assert Retries().after(outcome(*asked), 0.0) == 120.0


def test_a_project_that_another_process_holds_is_tried_soon() -> None:
    """And the pauses do not grow."""
    retries = Retries()

    assert [retries.after(Outcome("/p", failure=BUSY), 1.0) for _ in range(5)] == [2.0] * 5


def test_projects_do_not_know_of_each_other() -> None:
    """One that fails for hours makes no other wait."""
    retries = Retries()
    for _ in range(10):
        retries.after_bug("/q", 1.0)

    assert retries.after(outcome(DOWN), 1.0) == 5.0
    retries.forget_all()
    assert retries.after_bug("/q", 1.0) == 5.0
