"""What a pass means for how a project stands, and what of that is news."""

from micropkgd.model.condition import Failure, Standing
from micropkgd.model.outcome import EntryOutcome, Installed, Outcome
from micropkgd.model.plan import Change, ChangeKind, EntryPlan
from micropkgd.model.status import PassStatus, ProjectStatus
from micropkgd.model.tree import Digest, RelPath
from micropkgd.service.conditions import Moment, news_of, stands

ARCHIVE = Digest("sha256:" + "0" * 64)
TARGET = RelPath("src/shop/ds")
DOWN = Failure(5, "Unreachable", "no answer", transient=True)
MOMENT = Moment("2026-11-22T12:00:00Z", "2026-11-21T12:00:00Z", "2026-11-22T12:00:30Z")
LAST = PassStatus("abc", "start", MOMENT.now, 0.1, 0)


def entry(
    failure: Failure | None = None,
    since: str = "",
    changes: tuple[Change, ...] = (),
    drifted: tuple[RelPath, ...] = (),
) -> EntryOutcome:
    """One entry after a pass."""
    one, plan = Installed("1.0", ARCHIVE), EntryPlan("ref", TARGET, changes, drifted)
    return EntryOutcome("ref", TARGET, "ds", one, one, plan, failure, since=since)


def after(found: EntryOutcome, before: ProjectStatus | None = None, moment: Moment = MOMENT) -> ProjectStatus:
    """How the project stands after a pass with this entry."""
    return stands(before, Outcome("/p", (found,)), moment, LAST)


def test_in_sync_since_the_first_pass_that_found_it_so() -> None:
    """The time is that of the change, not of the last look."""
    status = after(entry(since="2026-11-22T11:00:00Z"))

    assert status.standing == Standing("Ready", "InSync", "", "2026-11-22T11:00:00Z")
    assert status.entries[0].standing == status.standing


def test_an_outage_is_retrying_then_stale() -> None:
    """With when it is tried again; Stale once it began before `max-staleness`."""
    fresh = after(entry(DOWN, "2026-11-22T11:00:00Z"))
    old = after(entry(DOWN, "2026-11-20T11:00:00Z"), fresh)

    assert fresh.standing == Standing("Retrying", "Unreachable", "no answer", "2026-11-22T11:00:00Z", MOMENT.next_try)
    assert old.standing.state == "Stale"
    assert old.entries[0].version == "1.0"


def test_the_worst_speaks_for_the_project() -> None:
    """Somebody must act comes before somebody must choose, and that before waiting."""
    held = entry(changes=(Change(ChangeKind.HOLD, RelPath("a.py"), None, None, ""),))
    gone = entry(Failure(1, "Gone", "404"))
    outcome = Outcome("/p", (entry(DOWN), held, gone, entry()))

    assert stands(None, outcome, MOMENT, LAST).standing.reason == "Gone"
    assert stands(None, outcome._replace(entries=(entry(DOWN), held)), MOMENT, LAST).standing.state == "Held"


def test_drift_is_a_fact_and_no_trouble() -> None:
    """The entry is ready, and names the files."""
    status = after(entry(drifted=(RelPath("src/shop/ds/a.py"),)))

    assert status.standing.state == "Ready"
    assert status.entries[0].drifted == ("src/shop/ds/a.py",)


def test_a_project_that_cannot_be_read_keeps_what_was_known() -> None:
    """Its entries are still told of, with the project's own trouble above them."""
    before = after(entry())
    failed = Outcome("/p", failure=Failure(2, "Document", "pyproject.toml:3: no TOML"))
    status = stands(before, failed, MOMENT, LAST)

    assert status.standing.state == "Stalled"
    assert status.entries == before.entries
    assert [news.message for news in news_of(before, status, failed)] == [
        "Stalled (Document): pyproject.toml:3: no TOML"
    ]


def test_news_are_what_changed() -> None:
    """Nothing is said twice, and that all is well from the start is no news."""
    fine, outcome = after(entry()), Outcome("/p", (entry(),))
    down = after(entry(DOWN), fine)

    assert list(news_of(None, fine, outcome)) == []
    assert [one.kind for one in news_of(fine, down, Outcome("/p", (entry(DOWN),)))] == ["ConditionChanged"]
    assert list(news_of(down, after(entry(DOWN), down), Outcome("/p", (entry(DOWN),)))) == []
    assert "Ready (InSync)" in [one.message for one in news_of(down, after(entry(), down), outcome)]


def test_a_first_pull_that_is_held_is_no_project_in_sync() -> None:
    """It has no version installed, and still stands there; one that was removed does not."""
    change = Change(ChangeKind.HOLD, RelPath("a.py"), None, None, "")
    held = after(entry(changes=(change,))._replace(before=None, after=None))
    removed = after(entry()._replace(after=None))

    assert (held.standing.state, [one.ref for one in held.entries]) == ("Held", ["ref"])
    assert (removed.standing.state, removed.entries) == ("Ready", ())


def test_a_release_that_is_refused_is_told_without_versions_that_are_the_same() -> None:
    """What an index has now was never read: the event says what the failure says, and no step from 1.0 to 1.0."""
    outcome = Outcome("/p", (entry(Failure(6, "Rebuilt", "1.0 has other bytes than before")),))
    news = list(news_of(None, stands(None, outcome, MOMENT, LAST), outcome))

    assert ("Rebuilt", "held: 1.0 has other bytes than before") in {(one.kind, one.message) for one in news}
