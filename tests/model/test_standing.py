"""How things stand, and since when: one rule for everybody who says it."""

from hypothesis import given
from hypothesis import strategies as st

from micropkgd.model.condition import Condition, Standing
from micropkgd.model.standing import aged, in_tree, is_failing, project_standing, since, worst_standing

MORNING, NOON, NIGHT = "2026-01-02T06:00:00Z", "2026-01-02T12:00:00Z", "2026-01-02T23:00:00Z"

standings = st.builds(
    Standing,
    st.sampled_from([condition.value for condition in Condition]),
    st.sampled_from(["InSync", "Gone", "Drifted"]),
    st.just(""),
    st.sampled_from([MORNING, NOON]),
)


@given(standings, standings)
def test_the_time_changes_with_the_words_and_not_else(now: Standing, before: Standing) -> None:
    """An outage goes on whatever its reason; all else begins when its state or its reason does."""
    goes_on = (is_failing(now) and is_failing(before)) or before[:2] == now[:2]
    assert since(now, before, NIGHT) == (before.since if goes_on else NIGHT)
    assert since(now, None, NIGHT) == NIGHT


@given(st.lists(standings, max_size=4))
def test_a_project_stands_as_its_worst_entry(found: list[Standing]) -> None:
    """Or in sync, since the last of them came to be so."""
    project = project_standing(found)

    if all(one.state == Condition.READY.value for one in found):
        assert project == Standing("Ready", "InSync", "", max((one.since for one in found), default=""))
    else:
        assert project == worst_standing(found)


@given(st.permutations(list(Condition)))
def test_every_condition_has_its_place_in_the_order(conditions: list[Condition]) -> None:
    """One that is forgotten there would end the service; the order is that of who must act first."""
    found = [Standing(condition.value, "", "", "") for condition in conditions]
    for first in ("Untrusted", "Stalled", "Held"):
        assert worst_standing(found).state == first
        found = [one for one in found if one.state != first]


@given(standings, st.sampled_from(["", NOON, NIGHT]))
def test_only_an_outage_ages(standing: Standing, moment: str) -> None:
    """And only one that began before the moment."""
    old = aged(standing, moment)
    assert (old != standing) == (standing.state == "Retrying" and standing.since < moment)
    assert old[1:] == standing[1:]


@given(standings, st.lists(st.just("a"), max_size=1), st.lists(st.just("b"), max_size=1))
def test_what_was_ready_stands_as_its_files_do(before: Standing, drifted: list[str], missing: list[str]) -> None:
    """The word and the list say the same, whatever a pass saw last; looking twice is looking once."""
    now = in_tree(before._replace(state="Ready"), drifted, missing)

    assert (now.state == "Ready") == (not missing)
    assert missing or (now.reason == "Drifted") == bool(drifted)
    assert missing or in_tree(now, drifted, missing) == now
    assert not now.since or now.reason == before.reason
