"""The status page, written by the server; a small script keeps it true and carries out what its buttons say.

The page as such is open and empty, for a browser can show no token when it opens an address. The script takes a code or
the token from the address's fragment, which is never sent, and asks for the page anew with it; so does `curl`. What
waits for somebody comes first. States are told by a word and a shape; colour only repeats them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from typing import Final

from aiohttp import web

from micropkgd import __version__
from micropkgd.model.condition import Condition, Standing
from micropkgd.model.event import Event
from micropkgd.model.standing import urgency
from micropkgd.model.status import EntryStatus, PackageStatus, ProjectStatus
from micropkgd.service.http.answers import SUPERVISOR
from micropkgd.service.http.control import ASKED_BY

_EVENTS: Final = 100
_KINDS: Final = {"page.css": "text/css", "page.js": "text/javascript"}
_SHAPES: Final[Mapping[str, str]] = {
    Condition.READY: "✓",
    Condition.PENDING: "…",
    Condition.SUSPENDED: "‖",
    Condition.RETRYING: "↻",
    Condition.STALE: "◷",
    Condition.HELD: "◆",
    Condition.STALLED: "✕",
    Condition.UNTRUSTED: "?",
}
_LOGIN: Final = (
    '<section id="login" aria-labelledby="login-head"><h2 id="login-head">Log in</h2>'
    "<p><code>micropkgd ui</code> opens this page with a login. Or give what <code>micropkgd token show</code> prints:"
    "</p>"
    '<p class="scripted" hidden><label for="token">Token</label> <input id="token" type="password" autocomplete="off">'
    ' <button type="button" data-do="login">Show</button></p>'
    "<p>Without scripts: send the token with the request, as <code>Authorization: Bearer</code>.</p></section>"
)


def routes() -> list[web.AbstractRouteDef]:
    """Where the page and its two files are."""
    return [web.get("/", page), *(web.get(f"/{name}", _file) for name in _KINDS)]


async def page(request: web.Request) -> web.Response:
    """The page, with all there is to see for who carries the token."""
    supervisor = request.app[SUPERVISOR]
    content = _LOGIN
    if ASKED_BY in request:
        board = supervisor.board
        content = "".join(_content(board.summary(), supervisor.statuses(), board.since(0)[-_EVENTS:]))
    text = _read("page.html").replace("{version}", escape(__version__)).replace("{content}", content)
    return web.Response(text=text, content_type="text/html")


async def _file(request: web.Request) -> web.Response:
    name = request.path.removeprefix("/")
    return web.Response(text=_read(name), content_type=_KINDS[name])


@cache
def _read(name: str) -> str:
    return (files(__package__) / "static" / name).read_text(encoding="utf-8")


def _content(summary: str, projects: Iterable[ProjectStatus], events: Iterable[Event]) -> Iterator[str]:
    yield f'<p id="summary" role="status">{escape(summary)}</p>'
    yield '<p class="scripted" hidden><label>Filter <input id="filter" type="search"></label> '
    yield '<button type="button" data-do="trigger">Reconcile all</button></p>'
    yield '<section aria-labelledby="projects"><h2 id="projects">Projects</h2>'
    for project in sorted(projects, key=lambda one: (urgency(one.standing), one.root)):
        yield from _project(project)
    yield '</section><section aria-labelledby="events"><h2 id="events">Events</h2>'
    yield _table(
        ("Time", "What", "Project", "About", "More"),
        (
            (
                _time(event.time),
                escape(event.kind),
                escape(event.project),
                escape(event.subject),
                _with_hint(event.message, event.hint),
            )
            for event in reversed([*events])
        ),
    )
    yield "</section>"


def _project(project: ProjectStatus) -> Iterator[str]:
    standing, ready = project.standing, project.standing.state == Condition.READY.value
    opened = "" if ready else " open"
    yield f'<details{opened} data-state="{escape(standing.state)}" data-project="{escape(project.root)}"><summary>'
    yield f"{_state(standing)} {escape(project.root)} <small>{_facts(project)}</small></summary>"
    if standing.message:
        yield f"<p>{_why(standing)}</p>"
    yield f'<p class="scripted" hidden>{_button("trigger", "Reconcile", project)}'
    if any(one.state == Condition.SUSPENDED.value for one in project.standings):
        yield _button("resume", "Resume", project)
    yield f"{_button('suspend', 'Suspend', project)}</p>"
    rows = [
        *(_entry(project, entry) for entry in project.entries),
        *(_package(project, one) for one in project.packages),
    ]
    heads = ("State", "Entry", "Version", "Place", "Since", "Why, and what to do", "")
    yield _table(heads, rows) if rows else "<p>No entries.</p>"
    yield "</details>"


def _entry(project: ProjectStatus, entry: EntryStatus) -> Sequence[str]:
    version = escape(entry.version)
    if entry.waiting:
        version += f" <small>{escape(entry.waiting)} waits</small>"
    place = escape(entry.target)
    for what, paths in (("edited here", entry.drifted), ("missing", entry.missing)):
        if paths:
            items = "".join(f"<li>{escape(path)}</li>" for path in paths)
            place += f"<details><summary>{len(paths)} {what}</summary><ul>{items}</ul></details>"
    return _row(project, entry.standing, entry.ref, version, place)


def _package(project: ProjectStatus, package: PackageStatus) -> Sequence[str]:
    return _row(project, package.standing, package.module, escape(package.version), escape(package.path))


def _row(project: ProjectStatus, standing: Standing, name: str, version: str, place: str) -> Sequence[str]:
    suspended = standing.state == Condition.SUSPENDED.value
    action = ("resume", "Resume") if suspended else ("suspend", "Suspend")
    button = f'<span class="scripted" hidden>{_button(*action, project, name)}</span>'
    return _state(standing), escape(name), version, place, _time(standing.since), _why(standing), button


def _button(action: str, text: str, project: ProjectStatus, entry: str = "") -> str:
    about = f"{text} {entry or project.root}"
    named = f' data-entry="{escape(entry)}"' if entry else ""
    return (
        f'<button type="button" data-do="{action}" data-root="{escape(project.root)}"{named}'
        f' aria-label="{escape(about)}">{text}</button> '
    )


def _state(standing: Standing) -> str:
    state = escape(standing.state)
    shape = _SHAPES.get(standing.state, "")
    return f'<strong data-state="{state}"><span aria-hidden="true">{shape}</span> {state}</strong>'


def _why(standing: Standing) -> str:
    said = _with_hint(f"{standing.reason}: {standing.message}", standing.hint) if standing.message else ""
    return f"{said} <small>tried again {_time(standing.next_try)}</small>" if standing.next_try else said


def _with_hint(what: str, hint: str) -> str:
    return f'{escape(what)}<br><span class="hint">{escape(hint)}</span>' if hint else escape(what)


def _facts(project: ProjectStatus) -> str:
    words = [f"a pass is under way since {_time(project.running_since)}"] if project.running else []
    if project.last_pass is not None:
        words.append(f"last pass {_time(project.last_pass.ended)}, {escape(project.last_pass.trigger)}")
    if project.next_pass:
        words.append(f"next {_time(project.next_pass)}")
    return ", ".join(words)


def _time(stamp: str) -> str:
    """A moment, which the script tells by its distance."""
    return f'<time datetime="{escape(stamp)}">{escape(stamp)}</time>' if stamp else ""


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells are markup already; each says what it is about, for narrow screens."""
    head = "".join(f'<th scope="col">{word}</th>' for word in heads)
    body = "".join(f"<tr>{''.join(map(_cell, heads, row))}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(head: str, content: str) -> str:
    return f'<td data-head="{head}">{content}</td>'
