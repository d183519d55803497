"""What the listeners do when something goes wrong inside, or takes too long: in this process, with shorter times."""

import asyncio
import errno
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from micropkgd.actions import suspend as suspending
from micropkgd.model.settings import Group, Http, Settings
from micropkgd.service.board import Board
from micropkgd.service.conditions import News
from micropkgd.service.http import connection, control, guard, probes
from micropkgd.service.http.front import Front
from micropkgd.service.supervisor import TICK, Supervisor
from tests.kit.canaries import CANARY
from tests.kit.site import Site

SECRET = f"inside-{CANARY}"


class Inside:
    """The service without its loop: nothing is looked at, everything can be asked."""

    def __init__(self, folder: Path) -> None:
        http = Http(listen="127.0.0.1:0", probes="127.0.0.1:0", token_file=str(folder / "token"))
        self.supervisor = Supervisor(Settings(http=http, cache_dir=str(folder / "cache")), lambda _: None)
        self.front = Front(self.supervisor, probes.Probes(self.supervisor))
        self._token = folder / "token"

    def told(self) -> list[tuple[str, str]]:
        """What events there were, and what they say."""
        return [(event.kind, event.message) for event in self.supervisor.board.since(0)]

    async def site(self) -> Site:
        """Start it, and say where it listens."""
        await self.front.start()
        host, _, port = self.told()[0][1].partition("://")[2].partition(":")
        return Site(host, int(port), self._token.read_text().strip())


def run(folder: Path, story: Callable[[Inside, Site], Awaitable[None]]) -> None:
    """Tell a story of a service that listens."""

    async def tell() -> None:
        inside = Inside(folder)
        site = await inside.site()
        try:
            await story(inside, site)
        finally:
            await inside.front.stop()

    asyncio.run(tell())


def post(site: Site, body: bytes) -> bytes:
    """The begin of a request whose body has ten bytes."""
    lines = (
        "POST /v1/trigger HTTP/1.1", "Host: localhost", f"Authorization: Bearer {site.token}",
        "Content-Type: application/json", "Content-Length: 10", "", "",
    )  # fmt: skip
    return "\r\n".join(lines).encode() + body


async def settled(inside: Inside) -> list[str]:
    """What is listened for once no config is followed any more."""
    await asyncio.sleep(0)
    if inside.front._changing is not None:
        await inside.front._changing
    return [listener.key for listener in inside.front._listeners]


def test_the_config_that_was_read_last_says_where_is_listened(tmp_path: Path) -> None:
    """Also where one is read while another is followed still, and where it is the one before that."""

    async def story(inside: Inside, _: Site) -> None:
        both = inside.supervisor.settings.http
        one = both._replace(probes=None)
        for turns in range(4):
            inside.front.follow(one)
            for _turn in range(turns):
                await asyncio.sleep(0)
            inside.front.follow(both)
            assert await settled(inside) == ["http.listen", "http.probes"]
        inside.front.follow(one)
        assert await settled(inside) == ["http.listen"]

    run(tmp_path, story)


def test_a_config_that_is_refused_is_tried_again_when_it_is_read_again(tmp_path: Path) -> None:
    """Until then the old addresses stay."""

    async def story(inside: Inside, _: Site) -> None:
        refused = inside.supervisor.settings.http._replace(probes=None, token_file=str(tmp_path / "none" / "x" / "y"))
        (tmp_path / "none").touch()
        inside.front.follow(refused)
        assert await settled(inside) == ["http.listen", "http.probes"]
        assert [kind for kind, _ in inside.told()].count("ConfigRefused") == 1
        (tmp_path / "none").unlink()
        inside.front.follow(refused)
        assert await settled(inside) == ["http.listen"]

    run(tmp_path, story)


def test_a_config_that_is_read_before_the_start_opens_nothing_twice(tmp_path: Path) -> None:
    """Nobody is let in before it is known which projects there are."""

    async def main() -> None:
        inside = Inside(tmp_path)
        inside.front.follow(inside.supervisor.settings.http._replace(probes=None))
        assert await settled(inside) == ["http.listen"]
        assert inside.told() == []
        await inside.front.start()
        assert [kind for kind, _ in inside.told()] == ["Listening"]
        await inside.front.stop()

    asyncio.run(main())


def test_a_disk_that_refuses_is_no_bug_of_the_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said, and may be tried again."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(suspending, "suspend", full)

    async def story(inside: Inside, site: Site) -> None:
        inside.supervisor.fleet.groups = {"/p": Group(("/p",))}
        answer = await asyncio.to_thread(site.post, "/v1/suspend", {})
        assert answer.status == 503
        assert "Bug" not in [kind for kind, _ in inside.told()]

    run(tmp_path, story)


def test_who_sends_half_a_body_is_told_why_and_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest of a request has its time too."""
    monkeypatch.setattr(guard, "_BODY_WITHIN", 0.1)

    async def story(_: Inside, site: Site) -> None:
        answer = await asyncio.to_thread(site.say, post(site, b"{"))
        assert answer.startswith(b"HTTP/1.1 408 ")

    run(tmp_path, story)


def test_who_does_not_read_the_answer_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection ends in its time, whatever it still waits for."""
    monkeypatch.setattr(connection, "DONE_WITHIN", 0.2)

    async def story(_: Inside, site: Site) -> None:
        answer = await asyncio.to_thread(site.say, post(site, b"{"))
        assert answer == b""

    run(tmp_path, story)


def test_a_bug_shows_nothing_of_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an event, and to who asked an answer without a word of it."""

    def broken(_: object) -> str:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(Board, "summary", broken)

    async def story(inside: Inside, site: Site) -> None:
        for path in ("/", "/v1/status"):
            answer = await asyncio.to_thread(site.get, path)
            assert answer.status == 500
            assert answer.headers["content-security-policy"]
            assert b"Traceback" not in answer.body
            assert b"RuntimeError" not in answer.body
        (_, _, first, (kind, message)) = inside.told()
        assert first[0] == kind == "Bug"
        assert message.startswith("RuntimeError in the answer to /v1/status, raised at test_inside.py:")
        assert SECRET not in message

    run(tmp_path, story)


def test_a_loop_that_no_longer_turns_is_not_alive(tmp_path: Path) -> None:
    """It is fed by what the loop has done."""

    async def story(inside: Inside, site: Site) -> None:
        assert (await asyncio.to_thread(site.get, "/livez")).status == 200
        inside.supervisor.last_turn = time.monotonic() - 4 * TICK
        assert (await asyncio.to_thread(site.get, "/livez")).status == 503

    run(tmp_path, story)


def test_who_falls_behind_in_the_events_is_let_go_and_misses_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stream ends before a gap; who comes back says what it saw last."""
    monkeypatch.setattr(control, "_BEAT", 0.1)

    async def story(inside: Inside, site: Site) -> None:
        board = inside.supervisor.board
        head = f"Host: localhost\r\nAuthorization: Bearer {site.token}\r\n"
        following = asyncio.create_task(
            asyncio.to_thread(site.say, f"GET /v1/events?follow=1 HTTP/1.1\r\n{head}\r\n".encode())
        )
        while not board._readers:
            await asyncio.sleep(0.01)
        for number in range(300):
            inside.supervisor.board.say(News("Told", "", str(number)))
        stream = await following
        ids = [int(line[4:]) for line in stream.splitlines() if line.startswith(b"id: ")]
        assert ids == list(range(1, len(ids) + 1))
        assert len(ids) < 302

        rest = (await asyncio.to_thread(site.get, "/v1/events", {"Last-Event-ID": str(ids[-1])})).json()["events"]
        assert [event["id"] for event in rest] == list(range(ids[-1] + 1, 303))

    run(tmp_path, story)
