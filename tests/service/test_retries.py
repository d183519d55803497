"""When what failed is tried again, in a world where time and chance are numbers."""

from micropkgd.model.condition import Failure
from micropkgd.model.outcome import Outcome
from micropkgd.service.timing.retries import Outage, is_busy, not_asked_before, outage_after
from tests.service.test_conditions import DOWN, entry

GONE = Failure(1, "Gone", "404")
BUSY = Failure(7, "ProjectBusy", "another process holds this project", transient=True)


def outcome(*failures: Failure | None) -> Outcome:
    """A pass with these failures."""
    return Outcome("/p", tuple(entry(failure) for failure in failures))


def tried(before: Outage, came: Outcome, now: float = 0.0, chance: float = 1.0) -> Outage:
    """What is known after one more try."""
    return outage_after(before, came, now, chance, tried_again=True)


def test_pauses_grow_while_it_fails_and_begin_again_after() -> None:
    """What nobody can mend by waiting is not tried again, and does not count."""
    outage, pauses = Outage(), []
    for _ in range(3):
        outage = tried(outage, outcome(DOWN, GONE))
        pauses.append(outage.retry_at)

    assert pauses == [5.0, 10.0, 20.0]
    assert tried(outage, outcome(None, GONE)) == Outage()


def test_what_other_passes_find_neither_puts_a_try_off_nor_makes_pauses_longer() -> None:
    """An outage of an hour that the schedule looked at sixty times is tried again as one that it never saw."""
    first = outage_after(Outage(), outcome(DOWN), 0.0, 1.0, tried_again=False)
    later = first
    for minute in range(60):
        later = outage_after(later, outcome(DOWN), minute * 0.01, 1.0, tried_again=False)

    assert first == later == Outage(1, 5.0)
    assert outage_after(later, outcome(None), 4.0, 1.0, tried_again=False) == Outage()


def test_a_server_is_left_alone_as_long_as_it_asks() -> None:
    """The longest that any asks for, whichever pass was told so."""
    asked = outcome(*(DOWN._replace(retry_after=seconds) for seconds in (60.0, 120.0)))

    assert tried(Outage(), asked, chance=0.0).retry_at == 120.0
    assert outage_after(Outage(1, 10.0), asked, 5.0, 0.0, tried_again=False) == Outage(1, 125.0)
    assert not_asked_before(asked) == 60.0
    assert not_asked_before(outcome(*[DOWN, DOWN._replace(retry_after=9.0)])) == 0.0


def test_a_project_that_another_process_holds_is_no_outage() -> None:
    """What was known of one stays as it is."""
    busy = Outcome("/p", failure=BUSY)

    assert is_busy(busy)
    assert tried(Outage(), busy) == Outage()
    assert tried(Outage(3, 90.0), busy, 90.0) == Outage(3, 90.0)
