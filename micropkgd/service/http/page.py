"""The status page, written by the server; a small script keeps it true and carries out what its buttons say.

The page as such is open and empty, for a browser can show no token when it opens an address. The script takes a code or
the token from the address's fragment, which is never sent, and asks for the page anew with it; so does `curl`. What
waits for somebody comes first. States are told by a word and a shape; colour only repeats them. Of very many projects
the first are shown, the others where they are looked for: by words, or by asking for more; the entries of most come
when they are opened, so that a page has no more than a browser draws at once.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files
from itertools import islice
from urllib.parse import urlencode

from aiohttp import web

from micropkgd import __version__
from micropkgd.annotations import Final
from micropkgd.model.condition import Condition, Standing
from micropkgd.model.event import Event
from micropkgd.model.standing import urgency
from micropkgd.model.status import EntryStatus, PackageStatus, ProjectStatus
from micropkgd.named_tuples import NamedTuple
from micropkgd.service.http.answers import SUPERVISOR
from micropkgd.service.http.control import ASKED_BY, asked_of
from micropkgd.service.supervisor import Supervisor

_EVENTS: Final = 50
_PROJECTS: Final = 60  # that are shown if nobody asks for more
_OPEN: Final = 12  # whose entries are shown at once, where they wait for somebody
_MOST: Final = 1000
_LONGEST: Final = 200  # characters of a filter
_KINDS: Final = {"page.css": "text/css", "page.js": "text/javascript", "desk.js": "text/javascript"}
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
_UNSEEN: Final = re.compile(  # those of desk.js
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\xad\\u061c\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb]"
)
_QUOTED: Final = re.compile(r"`([^`]+)`")
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


class _Wish(NamedTuple):
    """What of the page is asked for."""

    words: tuple[str, ...] = ()  # that a project or an event must have, all of them
    most: int = _PROJECTS
    project: str | None = None  # with all its entries, and nothing else

    def fits(self, *texts: str) -> bool:
        """Whether these texts have all the words."""
        whole = " ".join(texts).casefold()
        return all(word in whole for word in self.words)


async def page(request: web.Request) -> web.Response:
    """The page, with all there is to see for who carries the token."""
    content = _LOGIN
    if ASKED_BY in request:
        content = "".join(_content(request.app[SUPERVISOR], _wish(request)))
    text = _read("page.html").replace("{version}", escape(__version__)).replace("{content}", content)
    return web.Response(body=text.encode(errors="backslashreplace"), content_type="text/html", charset="utf-8")


def _wish(request: web.Request) -> _Wish:
    asked = asked_of(request, "words", "most", "project")
    most = asked.get("most", str(_PROJECTS))
    if not (most.isascii() and most.isdecimal() and len(most) < 5):
        raise web.HTTPBadRequest(reason="`most` must be a number")
    words = tuple(asked.get("words", "")[:_LONGEST].casefold().split())
    return _Wish(words, max(1, min(int(most), _MOST)), asked.get("project"))


async def _file(request: web.Request) -> web.Response:
    name = request.path.removeprefix("/")
    return web.Response(text=_read(name), content_type=_KINDS[name])


@cache
def _read(name: str) -> str:
    return (files(__package__) / "static" / name).read_text(encoding="utf-8")


def _content(supervisor: Supervisor, wish: _Wish) -> Iterator[str]:
    board = supervisor.board
    if wish.project is not None:
        roots = [wish.project] if wish.project in board.projects else []
        for project in supervisor.statuses(roots):
            yield from _project(project, whole=True)
        return
    fitting = [one for one in supervisor.statuses() if not wish.words or wish.fits(*_words_of(one))]
    fitting.sort(key=lambda one: (urgency(one.standing), one.root))
    yield f'<p id="summary" role="status">{_shown(board.summary())}</p>'
    yield '<p class="scripted" hidden><label>Filter <input id="filter" type="search"></label> '
    yield '<button type="button" data-do="trigger">Reconcile all</button></p>'
    yield '<section aria-labelledby="projects"><h2 id="projects">Projects</h2>'
    for number, project in enumerate(fitting[: wish.most]):
        yield from _project(project, whole=number < _OPEN and not _is_ready(project))
    yield "" if fitting else f"<p>{'No project has these words.' if wish.words else 'No projects.'}</p>"
    yield _rest(len(fitting) - wish.most, wish.most)
    yield '</section><section aria-labelledby="events"><h2 id="events">Events</h2>'
    yield from _events(board.since(0), wish)
    yield "</section>"


def _rest(more: int, most: int) -> str:
    """How many projects are not shown, and how to see them."""
    if more <= 0:
        return ""
    button = f'<button type="button" data-do="more" data-most="{most + _PROJECTS}">Show more</button>'
    return f'<p>{more:,} more: the filter finds them. <span class="scripted" hidden>{button}</span></p>'


def _events(events: Sequence[Event], wish: _Wish) -> Iterator[str]:
    """The newest events that have the words."""
    fitting = (
        event
        for event in reversed(events)
        if wish.fits(event.kind, event.project, event.subject, event.message, event.hint)
    )
    yield _table(
        ("Time", "What", "Project", "About", "More"),
        (
            (
                _time(event.time),
                _shown(event.kind),
                _path(event.project),
                _path(event.subject),
                _with_hint(event.message, event.hint),
            )
            for event in islice(fitting, _EVENTS)
        ),
    )


def _words_of(project: ProjectStatus) -> Iterator[str]:
    """All that a project can be found by."""
    yield from (project.root, *project.standing)
    for entry in project.entries:
        yield from (entry.ref, entry.target, entry.version, entry.waiting, *entry.standing, *entry.drifted)
    for package in project.packages:
        yield from (package.module, package.path, package.version, *package.standing)


def _is_ready(project: ProjectStatus) -> bool:
    return project.standing.state == Condition.READY.value


def _project(project: ProjectStatus, *, whole: bool) -> Iterator[str]:
    """One project; where it is not shown as a `whole`, its entries come when it is opened."""
    standing = project.standing
    stamp = sha256(json.dumps(project.document()).encode()).hexdigest()[:16]
    yield f'<details{" open" if whole else ""} data-state="{escape(standing.state)}" data-stamp="{stamp}"'
    yield f' data-whole="{"yes" if whole else "no"}" data-project="{escape(project.root)}"><summary>'
    yield f"{_state(standing)} {_path(project.root)} <small>{_facts(project)}</small></summary>"
    if whole:
        yield from _inside(project)
    else:
        query = urlencode({"project": project.root}, errors="surrogateescape")
        yield f'<p><a href="/?{escape(query)}">Its entries</a></p>'
    yield "</details>"


def _inside(project: ProjectStatus) -> Iterator[str]:
    standing = project.standing
    if standing.message and not any(one.message == standing.message for one in project.standings):
        yield f"<p>{_why(standing)}</p>"
    yield f'<p class="scripted" hidden>{_button("trigger", "Reconcile", project)}'
    if any(one.state == Condition.SUSPENDED.value for one in project.standings):
        yield _button("resume", "Resume", project)
    yield f"{_button('suspend', 'Suspend', project)}{_button('history', 'History', project)}</p>"
    rows = [
        *(_entry(project, entry) for entry in project.entries),
        *(_package(project, one) for one in project.packages),
    ]
    heads = ("State", "Entry", "Version", "Place", "Since", "Why, and what to do", "")
    yield _table(heads, rows) if rows else "<p>No entries.</p>"


def _entry(project: ProjectStatus, entry: EntryStatus) -> Sequence[str]:
    version = _shown(entry.version)
    if entry.waiting:
        version += f" <small>{_shown(entry.waiting)} waits</small>"
    place = _path(entry.target)
    if entry.signed_by:
        place += f"<br><small>signed by {_shown(entry.signed_by)}</small>"
    for what, paths in _files(entry):
        if paths:
            items = "".join(f"<li>{_path(path)}</li>" for path in paths)
            place += f"<details><summary>{len(paths)} {what}</summary><ul>{items}</ul></details>"
    held = entry.standing.state == Condition.HELD.value
    looks = _button("held", "Decide", project, entry.ref) if held else ""
    looks += _button("diff", "Edits", project, entry.ref) if entry.drifted and not held else ""
    looks += _button("pending", "Changes", project, entry.ref) if _has_changes(entry) else ""
    looks += _button("history", "History", project, entry.ref) if entry.version else ""
    return _row(project, entry.standing, entry.ref, version, place, looks)


def _has_changes(entry: EntryStatus) -> bool:
    """Whether a pass would change something that it may not, or has not yet."""
    return entry.standing.state in {Condition.PENDING.value, Condition.STALLED.value, Condition.SUSPENDED.value}


def _files(entry: EntryStatus) -> Sequence[tuple[str, Sequence[str]]]:
    edited = [path for path in entry.drifted if path not in entry.formatted]
    away = (
        ("missing", entry.missing),
        ("left out of its checkout by git", entry.left_out),
        ("pointers of Git LFS, not fetched", entry.unfetched),
    )
    return ("edited here", edited), ("only formatted here", entry.formatted), *away


def _package(project: ProjectStatus, package: PackageStatus) -> Sequence[str]:
    return _row(project, package.standing, package.module, _shown(package.version), _path(package.path))


def _row(
    project: ProjectStatus, standing: Standing, name: str, version: str, place: str, looks: str = ""
) -> Sequence[str]:
    suspended = standing.state == Condition.SUSPENDED.value
    action = ("resume", "Resume") if suspended else ("suspend", "Suspend")
    button = f'<span class="scripted" hidden>{looks}{_button(*action, project, name)}</span>'
    return _state(standing), _path(name), version, place, _time(standing.since), _why(standing), button


def _button(action: str, text: str, project: ProjectStatus, entry: str = "") -> str:
    about = f"{text} {entry or project.root}"
    named = f' data-entry="{escape(entry)}"' if entry else ""
    return (
        f'<button type="button" data-do="{action}" data-root="{escape(project.root)}"{named}'
        f' aria-label="{_shown(about)}">{text}</button> '
    )


def _state(standing: Standing) -> str:
    state = escape(standing.state)
    shape = _SHAPES.get(standing.state, "")
    return f'<strong data-state="{state}"><span aria-hidden="true">{shape}</span> {state}</strong>'


def _why(standing: Standing) -> str:
    said = _with_hint(f"{standing.reason}: {standing.message}", standing.hint) if standing.message else ""
    return f"{said} <small>tried again {_time(standing.next_try)}</small>" if standing.next_try else said


def _with_hint(what: str, hint: str) -> str:
    return f'{_words(what)}<br><span class="hint">{_words(hint)}</span>' if hint else _words(what)


def _shown(text: str) -> str:
    """Foreign text: never a tag, and what cannot be seen, or turns a line round, written out (threat T25)."""
    return escape(_UNSEEN.sub(lambda found: f"\u27e8U+{ord(found[0]):04X}\u27e9", text))


def _words(text: str) -> str:
    """A message; what it has between backticks is code."""
    return _QUOTED.sub(r"<code>\1</code>", _shown(text))


def _path(text: str) -> str:
    """A path or address, which may go on in the next line behind any of its slashes."""
    return _shown(text).replace("/", "/<wbr>")


def _facts(project: ProjectStatus) -> str:
    words = [f"a pass is under way since {_time(project.running_since)}"] if project.running else []
    if project.last_pass is not None:
        words.append(f"last pass {_time(project.last_pass.ended)}, {_shown(project.last_pass.trigger)}")
    if project.next_pass:
        words.append(f"next {_time(project.next_pass)}")
    return ", ".join(words)


def _time(stamp: str) -> str:
    """A moment, which the script tells by its distance."""
    return f'<time datetime="{escape(stamp)}">{escape(stamp)}</time>' if stamp else ""


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells are markup already; each says what it is about, for narrow screens."""
    unseen = '<span class="unseen">Actions</span>'
    head = "".join(f'<th scope="col">{word or unseen}</th>' for word in heads)
    body = "".join(f"<tr>{''.join(map(_cell, heads, row))}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(head: str, content: str) -> str:
    return f'<td data-head="{head}">{content}</td>'
