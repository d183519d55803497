"""The status page: a table that the server writes, and a small script that asks for it again when something happens.

The page as such is open and empty, for a browser can show no token when it opens an address. The script takes the token
from the address's fragment, which is never sent, and asks for the page anew with it; so does `curl`.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from html import escape
from importlib.resources import files
from typing import Final

from aiohttp import web

from micropkgd import __version__
from micropkgd.model.condition import Standing
from micropkgd.model.status import ProjectStatus
from micropkgd.service.board import Event
from micropkgd.service.http.answers import SUPERVISOR
from micropkgd.service.http.control import ASKED_BY

_EVENTS: Final = 20
_KINDS: Final = {"page.css": "text/css", "page.js": "text/javascript"}


def routes() -> list[web.AbstractRouteDef]:
    """Where the page and its two files are."""
    return [web.get("/", page), *(web.get(f"/{name}", _file) for name in _KINDS)]


async def page(request: web.Request) -> web.Response:
    """The page, with all there is to see for who carries the token."""
    supervisor = request.app[SUPERVISOR]
    if ASKED_BY in request:
        board = supervisor.board
        content = "".join(_content(board.summary(), supervisor.statuses(), board.since(0)[-_EVENTS:]))
    else:
        content = (
            "<p>Add <code>#token=</code> and what <code>micropkgd token show</code> prints to the address.</p>"
            "<p>Without scripts: send the token with the request, as <code>Authorization: Bearer</code>.</p>"
        )
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
    yield '<section aria-labelledby="projects"><h2 id="projects">Projects</h2>'
    for project in projects:
        yield from _project(project)
    yield '</section><section aria-labelledby="events"><h2 id="events">Events</h2>'
    yield _table(
        ("Time", "What", "Project", "About", "More"),
        (
            (event.time, event.kind, event.project, event.subject, _with_hint(event.message, event.hint))
            for event in reversed([*events])
        ),
    )
    yield "</section>"


def _project(project: ProjectStatus) -> Iterator[str]:
    standing = project.standing
    mark = "" if standing.state == "Ready" else " open"
    yield f'<details{mark} data-state="{escape(standing.state)}" data-project="{escape(project.root)}"><summary>'
    yield f"<strong>{escape(standing.state)}</strong> {escape(project.root)}"
    yield f" <small>{escape(_facts(project))}</small></summary>"
    if standing.message:
        yield f"<p>{escape(_why(standing))}</p>"
    rows = [
        *(_row(entry.standing, entry.ref, entry.target, entry.version) for entry in project.entries),
        *(_row(package.standing, package.module, package.path, package.version) for package in project.packages),
    ]
    yield _table(("State", "Entry", "Place", "Version", "Why"), rows) if rows else "<p>No entries.</p>"
    yield "</details>"


def _row(standing: Standing, name: str, place: str, version: str) -> tuple[str, ...]:
    return standing.state, name, place, version, _why(standing)


def _why(standing: Standing) -> str:
    return _with_hint(f"{standing.reason}: {standing.message}", standing.hint) if standing.message else ""


def _with_hint(what: str, hint: str) -> str:
    return f"{what} (hint: {hint})" if hint else what


def _facts(project: ProjectStatus) -> str:
    words = [f"a pass is under way since {project.running_since}"] if project.running else []
    if project.last_pass is not None:
        words.append(f"last pass {project.last_pass.ended}, {project.last_pass.trigger}")
    return ", ".join(words)


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    head = "".join(f'<th scope="col">{word}</th>' for word in heads)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
