"""What is told after a pass: to whom, once, again after a failure, and again after a crash."""

import asyncio
import hashlib
import hmac
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from micropkgd.model.condition import Failure, Standing
from micropkgd.model.event import Event
from micropkgd.model.outcome import EntryOutcome, Installed, Outcome
from micropkgd.model.plan import Change, ChangeKind, EntryPlan
from micropkgd.model.settings import Hooks
from micropkgd.model.status import EntryStatus, PassStatus, ProjectStatus
from micropkgd.model.tree import RelPath, digest_of
from micropkgd.service.conditions import News
from micropkgd.service.hooks.notifications import Notifications
from micropkgd.service.hooks.occasions import errands_of
from tests.kit.canaries import CANARY, hold
from tests.kit.servers.hearer import Hearer
from tests.kit.world import World

REF = "a.tar.gz"
DIGEST = digest_of(b"")


def entry(ref: str = REF, *, writes: bool = False, failure: Failure | None = None) -> EntryOutcome:
    """What a pass came to for an entry."""
    change = Change(ChangeKind.CREATE, RelPath("src/x.py"), None, DIGEST, "new")
    plan = EntryPlan(ref, RelPath("src"), (change,) if writes else ())
    installed = Installed("1", DIGEST)
    return EntryOutcome(ref, RelPath("src"), "x", installed, installed, plan, failure)


def status(root: str, **states: str) -> ProjectStatus:
    """How a project stands; entries by their last letter."""
    entries = [
        EntryStatus(f"{name}.tar.gz", "", "", "", Standing(state, "R", "", "")) for name, state in states.items()
    ]
    worst = next((state for state in states.values() if state != "Ready"), "Ready")
    return ProjectStatus(
        root, Standing(worst, "R", "", ""), tuple(entries), last_pass=PassStatus("p1", "files", "", 0, 0)
    )


class Told:
    """Errands that run, and the news of them."""

    def __init__(self, hooks: Hooks, root: Path) -> None:
        self.root = str(root)
        self.now = 0.0
        self.pauses: list[int] = []
        self.news: list[tuple[News, str, str]] = []
        self.notifications = Notifications(
            hooks, lambda *news: self.news.append(news), wait=self._pause, clock=lambda: self.now
        )  # fmt: skip

    def _pause(self, failures: int) -> float:
        self.pauses.append(failures)
        return 0.0

    async def passed(self, outcome: Outcome, before: ProjectStatus | None = None, **states: str) -> None:
        """Tell of a pass, and wait until all is told."""
        self.notifications.after_pass(before, status(self.root, **states), outcome)
        await self.rest()

    async def rest(self) -> None:
        """Wait until nothing is to be told."""
        async with asyncio.timeout(40):
            while self.notifications.busy:
                await asyncio.sleep(0.005)

    def committed(self, *refs: str) -> Outcome:
        """What a pass came to that changed these entries."""
        return Outcome(self.root, tuple(entry(ref, writes=True) for ref in refs or (REF,)))


@asynccontextmanager
async def telling(hooks: Hooks, root: Path) -> AsyncIterator[Told]:
    """Errands until the end of the `with`."""
    made = Told(hooks, root)
    try:
        yield made
    finally:
        await made.notifications.close()


def test_only_a_pass_that_changed_something_is_told() -> None:
    """And only what it changed."""
    outcome = Outcome("/p", (entry("a", writes=True), entry("b")))
    found = {one.hook: one.entries for one in errands_of(None, status("/p", a="Ready"), outcome)}
    assert found == {"after-commit": ("a",), "touch-file": ("a",), "heartbeat": ()}
    quiet = Outcome("/p", (entry("a"), entry("b")))
    assert [one.hook for one in errands_of(None, status("/p"), quiet)] == ["heartbeat"]
    recovered = quiet._replace(recovered=True)
    assert "after-commit" in [one.hook for one in errands_of(None, status("/p"), recovered)]
    dry = outcome._replace(applied=False)
    assert list(errands_of(None, status("/p"), dry)) == []


def test_a_turn_is_told_once() -> None:
    """An entry that stands held at pass after pass is no news; one that comes to it is, and again after it left."""
    failed = Outcome("/p", (entry(failure=Failure(4, "x", "y")),))
    ready, held = status("/p", a="Ready", b="Held"), status("/p", a="Held", b="Held")
    hooks = [
        [(one.hook, one.entries) for one in errands_of(before, after, failed)]
        for before, after in ((ready, held), (held, held), (held, ready), (ready, held), (None, held))
    ]
    once = [("on-held", ("a.tar.gz",))]
    assert hooks == [once, [], [], once, [("on-held", ("a.tar.gz", "b.tar.gz"))]]


def test_a_stalled_project_is_told_once() -> None:
    """Where no pass could work on it, no entry is named; that its entries stall is not told a second time for it."""
    broken = Outcome("/p", failure=Failure(2, "Document", "no toml"))
    before = status("/p", a="Ready")
    after = before._replace(standing=Standing("Stalled", "Document", "", ""))
    assert [(one.hook, one.entries) for one in errands_of(before, after, broken)] == [("on-stalled", ())]
    assert list(errands_of(after, after, broken)) == []
    other = status("/p", a="Stalled")
    worse = other._replace(standing=Standing("Stalled", "Other", "", ""))
    assert list(errands_of(other, worse, Outcome("/p", (entry(failure=Failure(1, "x", "y")),)))) == []
    vetoed = Outcome("/p", (entry(failure=Failure(1, "Vetoed", "x")),))
    stalled = status("/p", a="Stalled")
    assert [(one.hook, one.entries) for one in errands_of(before, stalled, vetoed)] == [("on-stalled", (REF,))]


def test_a_hook_is_told_what_happened(tmp_path: Path) -> None:
    """In the project's folder, by variables; that it ran is an event with what it said."""
    tell = 'printf "%s " "$MICROPKGD_HOOK" "$MICROPKGD_PASS" "$MICROPKGD_TRIGGER" "$MICROPKGD_ENTRIES"; pwd -P'
    hooks = Hooks(after_commit=("sh", "-c", tell))

    async def story() -> Told:
        async with telling(hooks, tmp_path) as told:
            await told.passed(told.committed("a", "b"), a="Ready")
            return told

    told = asyncio.run(story())
    said = f"ended well: after-commit p1 files a | b {tmp_path.resolve()}"
    assert told.news == [(News("HookRan", "after-commit", said), str(tmp_path), "p1")]


def test_a_failing_hook_is_tried_again_and_given_up(tmp_path: Path) -> None:
    """Each failure is an event; nothing else stops for it."""
    hooks = Hooks(after_commit=("sh", "-c", "echo x >> tries; echo no; exit 7"), touch_file=f"{tmp_path}/touched")

    async def story() -> Told:
        async with telling(hooks, tmp_path) as told:
            await told.passed(told.committed(), a="Ready")
            return told

    told = asyncio.run(story())
    assert (tmp_path / "tries").read_text() == "x\n" * 5
    assert told.pauses == [1, 2, 3, 4]
    assert (tmp_path / "touched").exists()
    messages = [news.message for news, _, _ in told.news]
    assert messages[0] == "ended with 7: no (try 1 of 5; it is tried again)"
    assert messages[4] == "ended with 7: no (try 5 of 5; it is given up)"


def test_a_hook_that_recovers_is_told_all_that_it_missed(tmp_path: Path) -> None:
    """What came while it failed is told together with what it was to be told."""
    script = (
        "echo $MICROPKGD_ENTRIES >> said; test -e failed && exit; "
        "while [ ! -e seen ]; do sleep 0.01; done; touch failed; exit 1"
    )

    async def story() -> None:
        async with telling(Hooks(after_commit=("sh", "-c", script)), tmp_path) as told:
            after = status(str(tmp_path), a="Ready")
            told.notifications.after_pass(None, after, told.committed("a"))
            async with asyncio.timeout(40):
                while not (tmp_path / "said").exists():
                    await asyncio.sleep(0.005)
            told.notifications.after_pass(after, after, told.committed("b"))
            told.notifications.after_pass(after, after, told.committed("c", "b"))
            (tmp_path / "seen").touch()
            await told.rest()

    asyncio.run(story())
    assert (tmp_path / "said").read_text() == "a\na b c\n"


def test_a_slow_hook_holds_up_no_other_project(tmp_path: Path) -> None:
    """One project's hook waits for a file that another one's makes."""
    wait = f"test $MICROPKGD_ENTRIES = b && touch {tmp_path}/go; while [ ! -e {tmp_path}/go ]; do sleep 0.01; done"
    hooks = Hooks(after_commit=("sh", "-c", wait), timeout=30.0)

    async def story() -> Told:
        async with telling(hooks, tmp_path) as told:
            (tmp_path / "other").mkdir()
            told.notifications.after_pass(None, status(told.root), told.committed("a"))
            other = Outcome(f"{tmp_path}/other", (entry("b", writes=True),))
            told.notifications.after_pass(None, status(f"{tmp_path}/other"), other)
            await told.rest()
            return told

    told = asyncio.run(story())
    assert [news.kind for news, _, _ in told.news] == ["HookRan", "HookRan"]


def test_a_commit_that_was_not_told_is_told_after_the_next_start(world: World) -> None:
    """The service ended before the hook did: the first pass of the next one finds the commit untold."""
    world.asks_for()
    world.publish({"nodes.py": "x = 1\n"})
    world.sync()
    hooks = Hooks(after_commit=("sh", "-c", "echo told >> said"))
    quiet = Outcome(str(world.root), (entry(),))

    async def life() -> None:
        async with telling(hooks, world.root) as told:
            await told.passed(quiet, a="Ready")
            await told.passed(quiet, a="Ready")

    asyncio.run(life())
    assert world.read("said") == "told\n"
    asyncio.run(life())
    assert world.read("said") == "told\n", "it was told again"
    world.publish({"nodes.py": "x = 2\n"}, "1.1")
    world.sync()
    asyncio.run(life())
    assert world.read("said") == "told\ntold\n"


def test_a_commit_whose_hook_failed_stays_owed(world: World) -> None:
    """Only success is noted; it is made good after the next start, not at each pass."""
    world.asks_for()
    world.publish({"nodes.py": "x = 1\n"})
    world.sync()
    hooks = Hooks(after_commit=("sh", "-c", "echo x >> said; test -e ready"))
    quiet = Outcome(str(world.root), (entry(),))

    async def life() -> None:
        async with telling(hooks, world.root) as told:
            await told.passed(quiet, a="Ready")
            await told.passed(quiet, a="Ready")

    asyncio.run(life())
    assert world.read("said") == "x\n" * 5
    world.write("ready", "")
    asyncio.run(life())
    assert world.read("said") == "x\n" * 6
    asyncio.run(life())
    assert world.read("said") == "x\n" * 6


def event(number: int, subject: str = "") -> Event:
    """Something that happened."""
    return Event(number, "2026-01-01T00:00:00Z", "Updated", "/p", subject, "1.1", "p1", "files")


def posted(hooks: Hooks, root: Path, *events: Event) -> Told:
    """Post events until all are sent or given up."""

    async def story() -> Told:
        async with telling(hooks, root) as told:
            for one in events:
                told.notifications.post(one)
            await told.rest()
            return told

    return asyncio.run(story())


def test_events_are_posted_in_order_and_signed(tmp_path: Path) -> None:
    """The body is the event; whoever has the secret can tell that it is ours."""
    secret = hold(tmp_path / "secret", f"webhook-{CANARY}\n")
    with Hearer() as hearer:
        hooks = Hooks(webhook_url=f"{hearer.url}/in/{CANARY}", webhook_secret_file=str(secret))
        told = posted(hooks, tmp_path, *map(event, range(1, 21)))
    assert told.news == []
    assert [json.loads(one.body) for one in hearer.told] == [event(number).document() for number in range(1, 21)]
    one = hearer.told[0]
    sign = hmac.new(f"webhook-{CANARY}".encode(), one.body, hashlib.sha256).hexdigest()
    assert one.headers["x-micropkgd-signature-256"] == f"sha256={sign}"
    assert (one.method, one.headers["content-type"]) == ("POST", "application/json")


def test_without_a_secret_nothing_is_signed(tmp_path: Path) -> None:
    """An empty signature would look like one."""
    with Hearer() as hearer:
        posted(Hooks(webhook_url=hearer.url), tmp_path, event(1))
    assert "x-micropkgd-signature-256" not in hearer.told[0].headers


@pytest.mark.parametrize(
    ("answers", "count"), [pytest.param((503, 500, 204), 3, id="mended"), pytest.param((400,), 5, id="given-up")]
)
def test_a_webhook_that_fails_is_tried_again(tmp_path: Path, answers: tuple[int, ...], count: int) -> None:
    """A few times; the message shows the host alone, since paths of such addresses are secrets."""
    with Hearer(*answers) as hearer:
        told = posted(Hooks(webhook_url=f"{hearer.url}/in/{CANARY}"), tmp_path, event(1))
    assert [json.loads(one.body)["id"] for one in hearer.told] == [1] * count
    assert told.news[0][0].message == f"{hearer.url} answered {answers[0]} (try 1 of 5; it is tried again)"
    assert CANARY not in str(told.news)
    assert len(told.news) == (2 if count == 3 else 5)


def test_a_webhook_is_never_followed_elsewhere(tmp_path: Path) -> None:
    """Body and signature are for the address that the config names."""
    with Hearer() as other, Hearer(307, location=other.url) as hearer:
        told = posted(Hooks(webhook_url=hearer.url), tmp_path, event(1))
    assert other.told == []
    assert "leads elsewhere" in told.news[0][0].message


def test_a_webhook_that_is_down_or_has_no_secret_is_an_event(tmp_path: Path, closed_port: int) -> None:
    """Each with its own words."""
    down = posted(Hooks(webhook_url=f"http://127.0.0.1:{closed_port}/{CANARY}"), tmp_path, event(1))
    assert f"http://127.0.0.1:{closed_port} cannot be reached" in down.news[0][0].message
    assert CANARY not in str(down.news)
    (tmp_path / "empty").touch()
    for name, why in (("empty", "it is empty"), ("none", "no such file")):
        hooks = Hooks(webhook_url=f"http://127.0.0.1:{closed_port}", webhook_secret_file=f"{tmp_path}/{name}")
        assert why in posted(hooks, tmp_path, event(1)).news[0][0].message


def test_that_the_webhook_fails_is_not_sent_to_the_webhook(tmp_path: Path) -> None:
    """It would never end."""
    with Hearer() as hearer:
        posted(Hooks(webhook_url=hearer.url), tmp_path, event(1, "webhook"), event(2, "after-commit"))
    assert [json.loads(one.body)["id"] for one in hearer.told] == [2]


def test_events_beyond_a_bound_are_lost_and_said_to_be(tmp_path: Path) -> None:
    """The oldest go; the numbers show the gap."""
    with Hearer() as hearer:
        told = posted(Hooks(webhook_url=hearer.url), tmp_path, *map(event, range(1, 1004)))
        assert [json.loads(one.body)["id"] for one in hearer.told] == list(range(4, 1004))
    assert [news.message for news, _, _ in told.news] == [
        f"event {number} was never sent: too many wait" for number in (1, 2, 3)
    ]


def test_the_heart_beats_once_a_minute_at_most_and_only_in_sync(tmp_path: Path) -> None:
    """Silence means that something is wrong."""

    async def story(url: str) -> None:
        async with telling(Hooks(heartbeat_url=url), tmp_path) as told:
            for seconds, outcome in ((0, entry()), (30, entry()), (59, entry(failure=Failure(5, "x", "y")))):
                told.now = float(seconds)
                await told.passed(Outcome(str(tmp_path), (outcome,)), a="Ready")
            told.now = 61.0
            await told.passed(Outcome(str(tmp_path), (entry(),)), a="Ready")

    with Hearer(200) as hearer:
        asyncio.run(story(f"{hearer.url}/ping"))
    assert [(one.method, one.target) for one in hearer.told] == [("GET", "/ping")] * 2


def test_a_file_is_touched_after_each_commit(tmp_path: Path) -> None:
    """Made, then its time set; never cut."""
    touched = tmp_path / "touched"

    async def story() -> Told:
        async with telling(Hooks(touch_file=str(touched)), tmp_path) as told:
            await told.passed(Outcome(str(tmp_path), (entry(),)), a="Ready")
            assert not touched.exists()
            await told.passed(told.committed(), a="Ready")
            touched.write_text("mine")
            os.utime(touched, (1, 1))
            await told.passed(told.committed(), a="Ready")
            return told

    asyncio.run(story())
    assert touched.read_text() == "mine"
    assert touched.stat().st_mtime > 1


def test_a_file_that_cannot_be_touched_is_an_event(tmp_path: Path) -> None:
    """With its place and the reason."""

    async def story() -> Told:
        async with telling(Hooks(touch_file=f"{tmp_path}/none/x"), tmp_path) as told:
            await told.passed(told.committed(), a="Ready")
            return told

    told = asyncio.run(story())
    assert told.news[0][0].message.startswith(f"{tmp_path}/none/x cannot be touched: no such file or directory (try 1")


def test_a_hook_that_left_the_config_is_tried_no_more(tmp_path: Path) -> None:
    """Nor is the webhook; what is configured now is told from now on."""

    async def story() -> list[str]:
        hooks = Hooks(after_commit=("sh", "-c", "echo x >> said; false"))
        async with telling(hooks, tmp_path) as told:
            after = status(str(tmp_path), a="Ready")
            told.notifications.after_pass(None, after, told.committed("a"))
            async with asyncio.timeout(40):
                while not told.news:
                    await asyncio.sleep(0)
            told.notifications.reload(Hooks(touch_file=f"{tmp_path}/touched"))
            await told.rest()
            await told.passed(told.committed("b"), after, a="Ready")
            return [news.kind for news, _, _ in told.news]

    assert asyncio.run(story()) == ["HookFailed"]
    assert (tmp_path / "said").read_text() == "x\n"
    assert (tmp_path / "touched").exists()
