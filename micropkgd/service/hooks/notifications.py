"""Tell hooks what happened: at least once, a few at a time, and never at the cost of a pass.

A hook that fails is tried again a few times with growing pauses, then given up; each failure is an event. Of one hook
and project one errand is under way at a time, and those that wait meanwhile become one. What a crash cut short is
told after the next start by the ledger: commits, and entries that stand held or stalled (docs/hooks.md).
"""

import asyncio
import os
import random
import time
from collections.abc import Callable, Coroutine, Mapping
from functools import partial

from micropkgd.annotations import Final
from micropkgd.errors import MicropkgError, words_of
from micropkgd.model.backoff import pause
from micropkgd.model.event import Event
from micropkgd.model.outcome import Outcome
from micropkgd.model.settings import Hooks
from micropkgd.model.status import ProjectStatus
from micropkgd.service.conditions import News
from micropkgd.service.hooks import command, web
from micropkgd.service.hooks.command import CommandResult, HookClock, unmeasured
from micropkgd.service.hooks.ledger import is_owed, newest_commit, note_told, note_turns, turns_told
from micropkgd.service.hooks.occasions import (
    AFTER_COMMIT,
    HEARTBEAT,
    ON_HELD,
    ON_STALLED,
    TOUCH_FILE,
    Notification,
    errands_of,
)

RAN: Final = "HookRan"
FAILED: Final = "HookFailed"
WEBHOOK: Final = "webhook"
_POSTING: Final = (WEBHOOK, "")
_OF_COMMITS: Final = (AFTER_COMMIT, TOUCH_FILE)
_AT_ONCE: Final = 4
_TRIES: Final = 5
_BEAT_EVERY: Final = 60.0  # seconds
_UNSENT: Final = 1000  # events

Tell = Callable[[News, str, str], object]  # news, project, pass
Pause = Callable[[int], float]  # seconds to wait after so many failures


def usual_pause(failures: int) -> float:
    """Growing, with chance in it."""
    return pause(failures, random.random())  # noqa: S311 - no secret


class Notifications:
    """What is to be told, and what is being told. Lives on one loop."""

    def __init__(
        self,
        hooks: Hooks,
        tell: Tell,
        *,
        wait: Pause = usual_pause,
        clock: Callable[[], float] = time.monotonic,
        measure: HookClock = unmeasured,
    ) -> None:
        self._hooks = hooks
        self._tell = tell
        self._wait = wait
        self._clock = clock
        self._measure = measure
        self._waiting: dict[tuple[str, str], Notification] = {}
        self._under_way: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._seen: set[str] = set()  # projects that a pass has looked at since the start
        self._last_beat = -_BEAT_EVERY
        self._events: asyncio.Queue[Event] = asyncio.Queue(_UNSENT)

    def after_pass(self, before: ProjectStatus | None, after: ProjectStatus, outcome: Outcome) -> None:
        """See to all that a pass gives rise to."""
        for notification in errands_of(before, after, outcome):
            if notification.hook != HEARTBEAT or self._beats():
                self._ask(notification)
        if after.root not in self._seen:
            self._seen.add(after.root)
            for hook in filter(self._is_wanted, _OF_COMMITS):
                self._start((f"owed {hook}", after.root), partial(self._see_what_is_owed, hook, after))

    def post(self, event: Event) -> None:
        """Send an event to the webhook; one that says that the webhook fails is not sent there."""
        if self._hooks.webhook_url is None or event.subject == WEBHOOK:
            return
        if self._events.full():
            lost = self._events.get_nowait()
            self._tell(News(FAILED, WEBHOOK, f"event {lost.id} was never sent: too many wait"), "", "")
        self._events.put_nowait(event)
        if _POSTING not in self._under_way:
            self._start(_POSTING, self._post_all)

    def reload(self, hooks: Hooks) -> None:
        """Tell other hooks from now on."""
        self._hooks = hooks

    @property
    def busy(self) -> bool:
        """Whether anything is yet to be told."""
        return bool(self._under_way)

    async def close(self) -> None:
        """Leave undone what is not done; the ledger remembers the commits among it."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ask(self, notification: Notification) -> None:
        if not self._is_wanted(notification.hook):
            return
        key = notification.hook, notification.project
        waiting = self._waiting.get(key)
        self._waiting[key] = waiting.joined(notification) if waiting else notification
        if key not in self._under_way:
            self._start(key, partial(self._see_to, key))

    def _start(self, key: tuple[str, str], work: Callable[[], Coroutine[None, None, None]]) -> None:
        async def whole() -> None:
            try:
                await work()
            except Exception as error:  # noqa: BLE001 - a bug here must not end what else is told
                self._tell(News("Bug", key[0], f"{type(error).__name__}: {error}"), key[1], "")
            finally:  # in the same step of the loop: what is asked for later starts anew
                self._under_way.pop(key, None)

        self._under_way[key] = asyncio.get_running_loop().create_task(whole())

    def _is_wanted(self, hook: str) -> bool:
        plain = {TOUCH_FILE: self._hooks.touch_file, HEARTBEAT: self._hooks.heartbeat_url}
        return bool(plain.get(hook) or self._command_of(hook))

    def _command_of(self, hook: str) -> tuple[str, ...]:
        commands: Mapping[str, tuple[str, ...]] = {
            AFTER_COMMIT: self._hooks.after_commit,
            ON_HELD: self._hooks.on_held,
            ON_STALLED: self._hooks.on_stalled,
        }
        return commands.get(hook, ())

    def _beats(self) -> bool:
        """Whether it is time for a heartbeat; those between are left out."""
        now = self._clock()
        if self._hooks.heartbeat_url is None or now - self._last_beat < _BEAT_EVERY:
            return False
        self._last_beat = now
        return True

    async def _see_what_is_owed(self, hook: str, after: ProjectStatus) -> None:
        """Tell the newest commit if the service ended before it was told, or somebody else made it meanwhile."""
        if (hook, after.root) not in self._under_way and await asyncio.to_thread(is_owed, after.root, hook):
            last = after.last_pass
            self._ask(Notification(hook, after.root, last.id if last else "", last.trigger if last else ""))

    async def _see_to(self, key: tuple[str, str]) -> None:
        """Tell one hook of one project all that waits; what fails is tried again, joined with what is newer."""
        while (notification := self._waiting.pop(key, None)) is not None:
            failures = 0
            while failures < _TRIES:
                ended = await self._carry_out(notification)
                if not ended.problem:
                    break
                failures += 1
                self._say_failed(notification.hook, ended, failures, notification.project, notification.pass_id)
                if failures < _TRIES:
                    await asyncio.sleep(self._wait(failures))
                    if (newer := self._waiting.pop(key, None)) is not None:
                        notification = notification.joined(newer)

    async def _carry_out(self, notification: Notification) -> CommandResult:
        """Tell once, unless it was told before or nobody wants it any more, and note what was told."""
        if notification.turns:
            told = await asyncio.to_thread(turns_told, notification.project, notification.hook)
            notification = notification.without(told)
            if not notification.turns:  # before the service was started anew
                return CommandResult("", "")
        if not self._is_wanted(notification.hook):  # another config was read meanwhile
            return CommandResult("", "")
        commit = (
            await asyncio.to_thread(newest_commit, notification.project) if notification.hook in _OF_COMMITS else ""
        )
        async with self._places:
            began = self._clock()
            if notification.hook == TOUCH_FILE:
                ended = await asyncio.to_thread(_touch, self._hooks.touch_file or "")
            elif notification.hook == HEARTBEAT:
                ended = await web.beat(self._hooks.heartbeat_url or "", self._hooks.timeout)
            else:
                ended = await self._run(notification)
            self._measure(notification.hook, self._clock() - began, failed=bool(ended.problem))
        if (commit or notification.turns) and not ended.problem:
            try:
                await asyncio.to_thread(_note, notification, commit)
            except (OSError, MicropkgError) as error:
                self._tell(
                    News(FAILED, notification.hook, f"it ran, but that cannot be noted: {error}"),
                    notification.project,
                    "",
                )
        return ended

    async def _run(self, notification: Notification) -> CommandResult:
        """Run the program of a hook, the facts in its environment."""
        facts = {
            "HOOK": notification.hook,
            "PROJECT": notification.project,
            "PASS": notification.pass_id,
            "TRIGGER": notification.trigger,
            "ENTRIES": "\n".join(notification.entries),
        }
        ended = await command.run(self._command_of(notification.hook), facts, notification.project, self._hooks.timeout)
        if not ended.problem:
            self._tell(News(RAN, notification.hook, str(ended)), notification.project, notification.pass_id)
        return ended

    async def _post_all(self) -> None:
        """Send the events in their order, until none is left."""
        while not self._events.empty():
            event = self._events.get_nowait()
            for failures in range(1, _TRIES + 1):
                hooks = self._hooks
                if hooks.webhook_url is None:
                    break
                began = self._clock()
                ended = await web.post(hooks.webhook_url, event.document(), hooks.webhook_secret_file, hooks.timeout)
                self._measure(WEBHOOK, self._clock() - began, failed=bool(ended.problem))
                if not ended.problem:
                    break
                self._say_failed(WEBHOOK, ended, failures, event.project, event.pass_id)
                if failures < _TRIES:
                    await asyncio.sleep(self._wait(failures))

    def _say_failed(self, hook: str, ended: CommandResult, failures: int, project: str, pass_id: str) -> None:
        more = "it is tried again" if failures < _TRIES else "it is given up"
        self._tell(News(FAILED, hook, f"{ended} (try {failures} of {_TRIES}; {more})"), project, pass_id)


def _note(notification: Notification, commit: str) -> None:
    if notification.turns:
        note_turns(notification.project, notification.hook, notification.turns)
    else:
        note_told(notification.project, notification.hook, commit)


def _touch(path: str) -> CommandResult:
    whole = os.path.expanduser(path)
    try:
        with open(whole, "ab"):
            os.utime(whole)
    except OSError as error:
        return CommandResult(f"{whole} cannot be touched: {words_of(error)}", "")
    return CommandResult("", "")
