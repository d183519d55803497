"""Which events somebody should know of without asking: `events -q`, and the warnings of the log."""

import pytest

from micropkgd.service.conditions import is_weighty

WENT_WRONG = (
    *("Bug", "CacheTrouble", "ConfigRefused", "Downgrade", "EventsNotKept", "HookFailed", "NoProjects", "NotAlone"),
    *("ProjectUntrusted", "QueueMessageRefused", "QueueUnreachable", "Rebuilt", "Recovered", "SocketLost"),
    *("SocketMadeAgain", "WatchDegraded", "WatchLimited", "WatchOverflow"),
)
WENT_WELL = (
    *(
        "Asked",
        "ConfigReloaded",
        "EventsKept",
        "HookRan",
        "HostBack",
        "Installed",
        "Listening",
        "Packaged",
        "Published",
    ),
    *("ProjectAdded", "ProjectRemoved", "QueueRecovered", "Removed", "Started", "Stopping", "Updated"),
    "WatchRecovered",
)


@pytest.mark.parametrize("kind", WENT_WRONG)
def test_what_went_wrong_is_told(kind: str) -> None:
    """Whatever it says."""
    assert is_weighty(kind, "a message")


@pytest.mark.parametrize("kind", WENT_WELL)
def test_what_went_well_is_not(kind: str) -> None:
    """Also where its message begins like a state that waits for somebody."""
    assert not is_weighty(kind, "Held (LocalEdits): a message")


@pytest.mark.parametrize(
    ("state", "weighty"),
    [("Held", True), ("Stalled", True), ("Stale", True), ("Ready", False), ("Retrying", False), ("Suspended", False)],
)
def test_a_condition_is_told_where_it_waits_for_somebody(state: str, weighty: bool) -> None:
    """What mends itself does not."""
    assert is_weighty("ConditionChanged", f"{state} (Reason): a message") is weighty
