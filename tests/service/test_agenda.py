"""What is done next, in a world whose time is a number: no test here waits."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micropkgd.model import backoff
from micropkgd.model.trigger import Trigger, TriggerKind
from micropkgd.service.timing.agenda import Agenda

FILES, RETRY, SCHEDULE = Trigger(TriggerKind.FILES, "a"), Trigger(TriggerKind.RETRY), Trigger(TriggerKind.SCHEDULE)


def agenda(*projects: str, passes: int = 2) -> Agenda:
    """An agenda that knows some projects."""
    made = Agenda(passes)
    for project in projects:
        made.add(project)
    return made


def test_triggers_of_a_kind_are_one_pass() -> None:
    """Ten saved files lead to one pass, which knows of the last."""
    work = agenda("a")
    for number in range(10):
        work.ask("a", Trigger(TriggerKind.EDIT, str(number)), 1.0)

    assert [due.triggers for due in work.take(1.0)] == [(Trigger(TriggerKind.EDIT, "9"),)]
    assert work.take(2.0) == []


def test_passes_of_one_project_never_overlap() -> None:
    """What is asked for during a pass waits for its end."""
    work = agenda("a")
    work.ask("a", FILES, 0.0)
    work.take(0.0)
    work.ask("a", FILES, 0.1)

    assert work.take(5.0) == []
    work.done("a", 6.0)
    assert [due.project for due in work.take(12.0)] == ["a"]


def test_no_more_passes_than_allowed() -> None:
    """A hundred projects at once are worked on two by two, in the order of asking."""
    names = [f"p{number:03}" for number in range(100)]
    work = agenda(*names)
    for number, name in enumerate(names):
        work.ask(name, FILES, number / 1000)
    now, order = 1.0, []
    while started := work.take(now):
        assert len(work.running) <= 2
        order += [due.project for due in started]
        now += 1.0
        for due in started:
            work.done(due.project, now)

    assert order == names


def test_a_project_that_is_asked_for_without_end_leaves_room() -> None:
    """A noisy neighbour gets at most half of the time; whoever waits is served in between."""
    work, ran = agenda("noisy", "calm", passes=1), Counter[str]()
    now = 0.0
    for step in range(200):
        work.ask("noisy", FILES, now)
        if step % 10 == 0:
            work.ask("calm", FILES, now)
        for due in work.take(now):
            ran[due.project] += 1
            work.done(due.project, now + 1.0)
        now += 1.0

    assert ran["calm"] == 20
    assert ran["noisy"] <= 100


def test_what_is_due_later_is_not_taken_now() -> None:
    """Neither a retry in a minute nor the schedule comes earlier, later or not at all because a file was saved."""
    work = agenda("a")
    work.plan("a", RETRY, 60.0)
    work.plan("a", SCHEDULE, 300.0)
    work.ask("a", FILES, 1.0)

    assert work.next_at() == 1.0
    (due,) = work.take(1.0)
    work.done("a", 1.5)

    assert due.triggers == (FILES,)
    assert work.next_at() == 60.0
    assert work.planned("a", TriggerKind.SCHEDULE) == 300.0
    work.cancel("a", TriggerKind.RETRY)
    assert work.next_at() == 300.0


def test_a_later_trigger_puts_a_quiet_time_off() -> None:
    """A document that is saved again is read when it has been left alone."""
    work = agenda("a")
    work.plan("a", FILES, 0.2)
    work.plan("a", FILES, 0.5)

    assert work.take(0.3) == []
    assert len(work.take(0.5)) == 1


def test_a_project_that_went_is_forgotten_and_may_come_back() -> None:
    """Its pass under way ends without trouble."""
    work = agenda("a")
    work.ask("a", FILES, 0.0)
    work.take(0.0)
    work.remove("a")
    work.done("a", 1.0)
    work.ask("a", FILES, 1.0)

    assert work.take(2.0) == []
    work.add("a")
    work.ask("a", FILES, 2.0)
    assert len(work.take(2.0)) == 1


@given(failures=st.integers(1, 200), chance=st.floats(0, 1), asked=st.none() | st.floats(0, 1e9))
def test_a_pause_is_within_its_bounds(failures: int, chance: float, asked: float | None) -> None:
    """At least a second, at most 15 minutes of our own; what a server asks for at least, up to about an hour."""
    pause = backoff.pause(failures, chance, asked)

    assert 1.0 <= pause <= 3600.0 * 1.1
    if asked is None:
        assert pause <= 900.0
    elif asked <= 3600.0:
        assert pause >= asked


@pytest.mark.parametrize(("failures", "longest"), [(1, 5.0), (2, 10.0), (4, 40.0), (9, 900.0), (500, 900.0)])
def test_pauses_grow(failures: int, longest: float) -> None:
    """They double up to a quarter of an hour; chance makes them shorter, so that not all come at once."""
    assert backoff.pause(failures, 1.0) == longest
    assert backoff.pause(failures, 0.5) == longest / 2


@given(st.data())
def test_nothing_that_was_asked_for_is_lost(data: st.DataObject) -> None:
    """Whatever the order of asking, taking and ending: after the last trigger of a project a pass starts."""
    work = agenda("a", "b", "c", passes=data.draw(st.integers(1, 3)))
    now, asked, started = 0.0, dict[str, float](), dict[str, float]()
    for _ in range(data.draw(st.integers(1, 30))):
        now += data.draw(st.floats(0, 5))
        step = data.draw(st.sampled_from(["ask", "take", "done"]))
        if step == "ask":
            project = data.draw(st.sampled_from("abc"))
            work.ask(project, FILES, now)
            asked[project] = now
        elif step == "take":
            started |= {due.project: now for due in work.take(now)}
        elif work.running:
            work.done(data.draw(st.sampled_from(sorted(work.running))), now)
    for _ in range(10):
        for project in work.running:
            work.done(project, now)
        now += 100.0
        started |= {due.project: now for due in work.take(now)}

    assert all(started.get(project, -1.0) >= at for project, at in asked.items())
