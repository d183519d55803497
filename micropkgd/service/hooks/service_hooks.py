"""All hooks of the service, as the supervisor knows them."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from micropkgd.annotations import Final
from micropkgd.model.event import Event
from micropkgd.model.outcome import Outcome
from micropkgd.model.settings import Hooks
from micropkgd.model.status import ProjectStatus
from micropkgd.model.trigger import Trigger, TriggerKind
from micropkgd.reconcile.commit.preview import Check
from micropkgd.service.conditions import News
from micropkgd.service.hooks.command import CommandResult, HookClock, unmeasured
from micropkgd.service.hooks.gate import BEFORE_COMMIT, Gate, Why
from micropkgd.service.hooks.notifications import FAILED, RAN, WEBHOOK, Notifications
from micropkgd.service.hooks.occasions import AFTER_COMMIT, HEARTBEAT, ON_HELD, ON_STALLED, TOUCH_FILE
from micropkgd.sources.loop import SharedLoop

__all__ = ["HOOKS", "HookClock", "ServiceHooks"]

HOOKS: Final = (BEFORE_COMMIT, AFTER_COMMIT, ON_HELD, ON_STALLED, TOUCH_FILE, HEARTBEAT, WEBHOOK)
"""Every way in which something is asked or told."""

_PERSONS = frozenset({TriggerKind.COMMAND, TriggerKind.SIGNAL, TriggerKind.CONFIG})


class ServiceHooks:
    """Made, used and closed on one loop; `tell` makes news known."""

    def __init__(self, hooks: Hooks, tell: Callable[[News, str, str], object], measure: HookClock = unmeasured) -> None:
        loop = asyncio.get_running_loop()

        def told(root: str, pass_id: str, ended: CommandResult) -> None:
            news = News(FAILED if ended.problem else RAN, BEFORE_COMMIT, str(ended))
            loop.call_soon_threadsafe(tell, news, root, pass_id)

        def measured(hook: str, seconds: float, *, failed: bool) -> None:  # in the thread of a pass
            loop.call_soon_threadsafe(partial(measure, hook, seconds, failed=failed))

        self._waiting = SharedLoop(loop)
        self._gate = Gate(hooks, self._waiting, told, measure=measured)
        self._notifications = Notifications(hooks, tell, measure=measure)

    def check_for(self, pass_id: str, triggers: Sequence[Trigger]) -> Check | None:
        """What a pass asks before each commit; None where nobody is to be asked."""
        insists = any(trigger.kind in _PERSONS for trigger in triggers)
        return self._gate.check_for(Why(pass_id, ", ".join(map(str, triggers)), insists))

    def after_pass(self, before: ProjectStatus | None, after: ProjectStatus, outcome: Outcome) -> None:
        """See to all that a pass gives rise to."""
        self._notifications.after_pass(before, after, outcome)

    def post(self, event: Event) -> None:
        """Send an event to the webhook, if there is one."""
        self._notifications.post(event)

    def reload(self, hooks: Hooks) -> None:
        """Ask and tell other hooks from now on."""
        self._gate.reload(hooks)
        self._notifications.reload(hooks)

    def stop(self) -> None:
        """End the hooks that passes wait for."""
        self._waiting.stop()

    async def close(self) -> None:
        """Leave the rest undone."""
        await self._notifications.close()
