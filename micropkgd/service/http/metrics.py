"""Metrics for Prometheus: counted from what goes over the board, read from it when asked (docs/http.md).

Labels are projects' folders and words of a fixed list; never an address of a source.
"""

import asyncio
import time
from calendar import timegm
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from contextlib import suppress

from aiohttp import web
from prometheus_client import CollectorRegistry, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder

from micropkgd import __version__
from micropkgd.annotations import Final, TypeVar
from micropkgd.clock import UTC
from micropkgd.model.condition import Condition
from micropkgd.model.event import Event
from micropkgd.model.outcome import Outcome, StepBack
from micropkgd.model.status import ProjectStatus
from micropkgd.service.conditions import KINDS
from micropkgd.service.hooks.service_hooks import HOOKS
from micropkgd.service.supervisor import Supervisor

_RESULTS: Final = {
    0: "in_sync", 1: "failed", 2: "invalid", 3: "pending", 4: "held", 5: "unreachable", 6: "rejected", 7: "busy",
}  # fmt: skip
_STEPS_BACK: Final = {step.reason: step.value for step in StepBack}
_WATCHES: Final = {"events": "events", "scans": "scans", "": "off"}
_SECONDS: Final = (0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800)
_ANSWERS_TO_HOOKS: Final = (("POST", "/hooks/{name}", "202"), ("POST", "/hooks/{name}", "403"))
"""By method, route and code: the ones that alerts count from nought on."""
_WATCH_LIMITS: Final = ("/proc/sys/fs/inotify/max_user_watches", "/proc/sys/user/max_inotify_watches")
_LAG_EVERY: Final = 5.0  # seconds

_Key = TypeVar("_Key", bound=tuple[str, ...])


class Metrics:
    """An observer of the board, and what can be asked of it."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._passes: Counter[tuple[str, str]] = Counter()  # by project and result
        self._events: Counter[str] = Counter(dict.fromkeys(KINDS, 0))
        self._answers: Counter[tuple[str, str, str]] = Counter(dict.fromkeys(_ANSWERS_TO_HOOKS, 0))
        self._succeeded: dict[str, int] = {}  # by project, seconds since 1970
        self._steps_back: Counter[tuple[str, str, str]] = Counter()  # by project, what, and whether it was followed
        self._publications: Counter[tuple[str, str]] = Counter()  # by project and result
        self._verified: dict[str, dict[str, float]] = {}  # by project and module, seconds since 1970
        self._config_is_good = True
        self._queues_down: set[str] = set()
        self._lag = 0.0
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        self._durations = Histogram(
            "micropkgd_reconcile_duration_seconds", "How long passes took", buckets=_SECONDS, registry=self._registry
        )
        name, text = "micropkgd_hook_duration_seconds", "How long hooks took, each try"
        self._hooks = Histogram(name, text, ("hook",), buckets=_SECONDS, registry=self._registry)
        self._hook_failures: Counter[str] = Counter(dict.fromkeys(HOOKS, 0))
        for hook in HOOKS:
            self._hooks.labels(hook)
        supervisor.on_hook.append(self.saw_hook)
        ProcessCollector(registry=self._registry)
        supervisor.board.show_to(self)

    def saw_status(self, before: ProjectStatus | None, after: ProjectStatus) -> None:
        """Count a pass when the status tells of another than before."""
        last = after.last_pass
        known = before.last_pass if before is not None else None
        if last is None or (known is not None and known.id == last.id):
            return
        self._passes[after.root, _RESULTS.get(last.exit_code, "failed")] += 1
        self._durations.observe(last.seconds)
        if last.exit_code == 0:
            self._succeeded[after.root] = timegm(time.strptime(last.ended, UTC))

    def saw_event(self, event: Event) -> None:
        """Count events by their kind."""
        self._events[event.kind] += 1
        if event.kind in _STEPS_BACK:
            self._steps_back[event.project, _STEPS_BACK[event.kind], event.message.partition(":")[0]] += 1
        if event.kind in {"QueueUnreachable", "QueueRecovered"}:
            (self._queues_down.add if event.kind == "QueueUnreachable" else self._queues_down.discard)(event.subject)
        if event.kind in {"ConfigReloaded", "ConfigRefused"}:
            self._config_is_good = event.kind == "ConfigReloaded"

    def saw_outcome(self, outcome: Outcome) -> None:
        """Count what was published, and note what was seen at its place."""
        root, packages = outcome.root, outcome.packages if outcome.applied else ()
        self._publications[root, "done"] += sum(one.sent and one.published is not None for one in packages)
        self._publications[root, "failed"] += sum(one.unpublished for one in packages)
        if published := [one for one in packages if one.published is not None]:
            before, now = self._verified.get(root, {}), time.time()
            seen = {one.module: now if one.verified else before.get(one.module, 0.0) for one in published}
            self._verified[root] = seen

    def saw_hook(self, hook: str, seconds: float, *, failed: bool) -> None:
        """Measure a hook, each try of it."""
        self._hooks.labels(hook).observe(seconds)
        self._hook_failures[hook] += failed

    async def count_answer(self, request: web.Request, response: web.StreamResponse) -> None:
        """Count answers over TCP; a signal of an application."""
        resource = request.match_info.route.resource
        route = resource.canonical if resource is not None else "unknown"
        method = request.method if request.method in {"GET", "HEAD", "POST"} else "other"
        self._answers[method, route, str(response.status)] += 1

    async def measure_lag(self) -> None:
        """See again and again how late the loop wakes who sleeps on it."""
        while True:
            started = time.monotonic()
            await asyncio.sleep(_LAG_EVERY)
            self._lag = max(0.0, time.monotonic() - started - _LAG_EVERY)

    async def show(self, request: web.Request) -> web.Response:
        """All of it, in the form that is asked for."""
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(self._registry), headers={"Content-Type": content_type})

    def collect(self) -> Iterator[Metric]:
        """What the board knows now, and what was counted of what went over it; for the registry."""
        projects = self._supervisor.statuses()
        yield _gauge("build_info", "The version that runs", ("version",), [((__version__,), 1)])
        yield from _of_projects(projects)
        yield from self._of_passes({project.root for project in projects})
        yield from self._of_service()
        yield from self._of_surroundings()

    def _of_passes(self, roots: set[str]) -> Iterator[Metric]:
        agenda = self._supervisor.agenda
        backlog = agenda.backlog(time.monotonic())
        passes = _counted(self._passes, roots)
        yield _counter("reconcile", "Passes by what came of them", ("project", "result"), passes)
        succeeded = [((root,), self._succeeded.get(root, 0)) for root in sorted(roots)]
        yield _gauge(
            "last_success_timestamp_seconds", "When a pass last ended in sync; 0: never", ("project",), succeeded
        )  # fmt: skip
        steps, text = _counted(self._steps_back, roots), "Refs that went back to an older version, or to other bytes"
        yield _counter("downgrades", text, ("project", "to", "result"), steps)
        yield from self._of_publications(roots)
        yield _gauge("queue_depth", "Passes that are due and have not begun", (), [((), backlog)])
        yield _gauge("passes_running", "Passes under way", (), [((), len(agenda.running))])
        now = time.monotonic()
        ages = [((root,), now - began) for root, began in sorted(agenda.running.items())]
        yield _gauge("pass_age_seconds", "How long the passes under way have been so", ("project",), ages)

    def _of_publications(self, roots: set[str]) -> Iterator[Metric]:
        made = sorted(root for root in roots if self._supervisor.board.projects[root].packages)
        counts, text = _counted(self._publications, roots), "Archives that were published, or could not be"
        yield _counter("publications", text, ("project", "result"), counts)
        text = "When the published archive that was longest not looked for was last seen at its place; 0: not yet"
        seen = [((root,), min(self._verified[root].values())) for root in made if root in self._verified]
        yield _gauge("publication_last_verified_timestamp_seconds", text, ("project",), seen)

    def _of_service(self) -> Iterator[Metric]:
        events = [((kind,), count) for kind, count in sorted(self._events.items())]
        yield _counter("events", "Events by kind, as `micropkgd events` tells them", ("kind",), events)
        yield _counter("journal_recoveries", "Interrupted passes that were mended", (), self._count("Recovered"))
        yield _counter("watch_overflow", "Times that file events were lost", (), self._count("WatchOverflow"))
        good = [((), float(self._config_is_good))]
        yield _gauge("config_last_reload_successful", "Whether the config was good when last read", (), good)
        yield _gauge("loop_lag_seconds", "How late the service's loop was last seen to be", (), [((), self._lag)])
        hooks = [((hook,), count) for hook, count in sorted(self._hook_failures.items())]
        yield _counter("hook_failures", "Hooks that failed, each try", ("hook",), hooks)
        answers = sorted(self._answers.items())
        yield _counter("http_answers", "Answers over TCP", ("method", "route", "code"), answers)

    def _of_surroundings(self) -> Iterator[Metric]:
        """What the service depends on: hosts and queues that answer, and how much the kernel lets it watch."""
        troubles, now = sorted(self._supervisor.troubles.items()), asyncio.get_running_loop().time()
        hosts = sorted({*self._supervisor.hosts, *self._supervisor.troubles})
        down = {host for host, trouble in troubles if trouble.said}
        text = "Whether a host that was asked answers; 0 while it is left alone"
        yield _gauge("host_up", text, ("host",), [((host,), float(host not in down)) for host in hosts])
        failures = [((host,), float(trouble.failures)) for host, trouble in troubles]
        yield _gauge("host_failures", "Requests in a row that a host did not answer", ("host",), failures)
        alone = [((host,), max(0.0, trouble.until - now)) for host, trouble in troubles if trouble.said]
        yield _gauge("host_left_alone_seconds", "For how long a host is not asked", ("host",), alone)
        traffic = self._supervisor.traffic
        yield _counter("downloads", "Archives that were fetched", (), [((), traffic.downloads)])
        yield _counter("download_bytes", "Bytes of them", (), [((), traffic.bytes)])
        yield _counter("download_seconds", "How long they took, together", (), [((), traffic.seconds)])
        text = "Of them, from the cache that machines share"
        yield _counter("downloads_from_shared_cache", text, (), [((), traffic.from_shared)])
        text = "Archives that were needed and lay in the cache of this machine"
        yield _counter("cache_hits", text, (), [((), traffic.cached)])
        names = sorted(queue.name for queue in self._supervisor.settings.queues)
        up = [((name,), float(name not in self._queues_down)) for name in names]
        yield _gauge("queue_up", "Whether a queue answers", ("queue",), up)
        yield _gauge("watches", "Folders that the kernel watches", (), [((), self._supervisor.fleet.watches)])
        if (limit := _watches_allowed()) is not None:
            yield _gauge("watches_limit", "How many it lets this user watch", (), [((), limit)])

    def _count(self, kind: str) -> list[tuple[tuple[str, ...], float]]:
        return [((), self._events[kind])]


def _of_projects(projects: list[ProjectStatus]) -> Iterator[Metric]:
    """How projects and their entries stand: what does not hold has no row, for there are many projects."""
    states, entries, unready, drifted, waiting, since = [], [], [], [], [], []
    for project in projects:
        root = project.root
        states.append(((root, project.standing.state), 1.0))
        since.append(((root,), _seconds(project.standing.since)))
        found = Counter(entry.standing.state for entry in project.entries)
        found.update(package.standing.state for package in project.packages)
        entries += [((root, state), float(count)) for state, count in sorted(found.items())]
        why = Counter(_reasons(project))
        unready += [((root, *key), float(count)) for key, count in sorted(why.items())]
        if edited := sum(len(entry.drifted) for entry in project.entries):
            drifted.append(((root,), float(edited)))
        if held_back := sum(bool(entry.waiting) for entry in project.entries):
            waiting.append(((root,), float(held_back)))
    yield _gauge("project_state", "The state that a project is in", ("project", "state"), states)
    yield _gauge("entries", "Pull and package entries by state", ("project", "state"), entries)
    text = "Pull and package entries that are not Ready, by reason"
    yield _gauge("unready_entries", text, ("project", "state", "reason"), unready)
    yield _gauge("state_since_timestamp_seconds", "Since when a project is in its state", ("project",), since)
    yield _gauge("drift_files", "Files that hold a local edit", ("project",), drifted)
    yield _gauge("updates_waiting", "Entries with a version that is there and not installed", ("project",), waiting)
    modes = Counter(_WATCHES[project.watching] for project in projects)
    watched = [((mode,), float(modes[mode])) for mode in _WATCHES.values()]
    yield _gauge("watch_mode", "Projects by how changes of their files are seen", ("mode",), watched)


def _reasons(project: ProjectStatus) -> Iterator[tuple[str, str]]:
    """State and reason of each entry that is not as it should be; the project's own where it says more than they do."""
    standings = [*(one.standing for one in project.entries), *(one.standing for one in project.packages)]
    found = [one for one in standings if one.state != Condition.READY.value]
    yield from ((one.state, one.reason) for one in found or [project.standing] if one.state != Condition.READY.value)


def _seconds(stamp: str) -> float:
    try:
        return float(timegm(time.strptime(stamp, UTC)))
    except ValueError:  # not seen yet
        return 0.0


def _watches_allowed() -> int | None:
    """As many as the smaller of the kernel's limits: of a user, and of the user in this container."""
    limits = []
    for path in _WATCH_LIMITS:
        with suppress(OSError, ValueError), open(path) as stream:
            limits.append(int(stream.read()))
    return min(limits, default=None)


_Rows = Iterable[tuple[tuple[str, ...], float]]


def _gauge(name: str, text: str, labels: tuple[str, ...], rows: _Rows) -> Metric:
    return _filled(GaugeMetricFamily(f"micropkgd_{name}", text, labels=labels), rows)


def _counted(counter: Counter[_Key], roots: Container[str]) -> list[tuple[_Key, int]]:
    """What was counted of projects that are served; what did not happen has no row, for there are many projects."""
    return sorted((key, count) for key, count in counter.items() if count and key[0] in roots)


def _counter(name: str, text: str, labels: tuple[str, ...], rows: _Rows) -> Metric:
    return _filled(CounterMetricFamily(f"micropkgd_{name}", text, labels=labels), rows)


def _filled(family: GaugeMetricFamily | CounterMetricFamily, rows: _Rows) -> Metric:
    for labels, value in rows:
        family.add_metric(labels, value)
    return family
