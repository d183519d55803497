"""The status page in a real browser: what our page shows, and what a page of another origin gets (nothing)."""

import http.server
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.http.conftest import NAMES
from tests.kit.daemon import Daemon, served
from tests.kit.site import Site, config, listening
from tests.kit.world import World

_EVIL = """\
<!doctype html><meta charset="utf-8"><title>evil</title><body><form method="post" target="shown"></form>
<iframe name="shown"></iframe></body>
"""
_ATTACK = """\
async ([base, token]) => {
  const got = {};
  const tried = async (name, work) => { try { got[name] = await work(); } catch (error) { got[name] = "refused"; } };
  const auth = token ? { Authorization: `Bearer ${token}` } : {};
  const looks = ["/desk.js", "/v1/held?project=%2F&entry=ds", "/v1/history?project=%2F"];
  for (const path of ["/", "/v1/status", "/livez", "/metrics", "/page.js", ...looks]) {
    await tried(`fetch ${path}`, async () => (await fetch(base + path, { headers: auth })).text());
    await tried(`plain fetch ${path}`, async () => (await fetch(base + path)).text());
    await tried(`opaque fetch ${path}`, async () => (await fetch(base + path, { mode: "no-cors" })).type);
  }
  for (const kind of ["application/json", "text/plain"]) {
    for (const what of ["trigger", "resolve", "accept", "rollback"]) {
      await tried(`post ${what} ${kind}`, async () => (await fetch(`${base}/v1/${what}`, {
        method: "POST", body: "{}", headers: { "Content-Type": kind, ...auth } })).text());
    }
  }
  await tried("opaque post", async () => (await fetch(`${base}/v1/trigger`, {
    method: "POST", body: "{}", mode: "no-cors" })).type);
  const element = (tag, attribute, path) => tried(`${tag} ${path}`, () => new Promise((resolve, reject) => {
    const one = document.createElement(tag);
    one.onload = () => resolve("loaded"); one.onerror = reject;
    one[attribute] = base + path;
    if (tag === "link") one.rel = "stylesheet";
    document.body.append(one);
  }));
  await element("img", "src", "/v1/status");
  await element("script", "src", "/page.js");
  await element("link", "href", "/page.css");
  await tried("events", () => new Promise((resolve, reject) => {
    const source = new EventSource(`${base}/v1/events?follow=1`);
    source.onopen = () => resolve("open"); source.onerror = () => { source.close(); reject(); };
  }));
  await tried("popup", async () => {
    const opened = window.open(`${base}/`);
    for (;;) {
      if (opened === null || opened.closed) return "refused";
      if (opened.location.href !== "about:blank" && opened.document.readyState === "complete") {
        return opened.document.documentElement.textContent;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
  return got;
}
"""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A service with one project, that listens on TCP."""
    folder = tmp_path_factory.mktemp("page")
    world = served(folder / "src")
    with Daemon(folder, config(folder)) as running:
        running.ready(world.root)
        yield running


@pytest.fixture(scope="module")
def site(daemon: Daemon) -> Site:
    """Where it listens."""
    return listening(daemon, "http.listen")


@pytest.fixture(scope="module")
def evil(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A web server of somebody else on this machine: its port."""
    folder = tmp_path_factory.mktemp("evil")
    (folder / "index.html").write_text(_EVIL)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def taken_away(root: Path) -> None:
    """Let a project go at once, though a pass may be about to write into it."""
    gone = root.parent.with_name("gone")
    root.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def address(site: Site, token: str | None = None) -> str:
    """The address of the page, with the token in its fragment."""
    return f"http://127.0.0.1:{site.port}/#token={site.token if token is None else token}"


def test_the_page_shows_projects_and_events(page: Page, site: Site, daemon: Daemon) -> None:
    """The token is gone from the address at once, and nothing of the page is refused by its own policy."""
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text) if message.type == "error" else None)
    page.goto(address(site))

    expect(page.locator("#live")).to_have_text("live")
    expect(page.locator("#summary")).to_have_text("1 project: 1 ready")
    project = page.locator(f'details[data-project="{daemon.folder}/src/p0"]')
    expect(project).to_contain_text("Ready")
    project.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(project.get_by_role("cell", name="src/shop/ds")).to_be_visible()
    expect(page.get_by_role("cell", name="Installed")).to_be_visible()
    assert site.token not in page.url
    assert page.evaluate("document.cookie + JSON.stringify({...localStorage})") == "{}"
    assert refused == []


def test_the_page_is_true_without_being_asked(page: Page, site: Site, daemon: Daemon) -> None:
    """What happens is seen; a table that somebody opened stays open, and what has the focus keeps it."""
    page.goto(address(site))
    project = page.locator(f'details[data-project="{daemon.folder}/src/p0"]')
    project.locator("summary").focus()
    page.keyboard.press("Enter")

    World(daemon.folder / "src" / "new").manifest('"nowhere/ds.tar.gz" = {}')
    daemon.until("ProjectAdded", daemon.folder / "src" / "new")
    new = page.locator(f'details[data-project="{daemon.folder}/src/new"]')
    expect(new).to_have_attribute("data-state", "Stalled")
    expect(new.get_by_role("cell", name="nowhere/ds.tar.gz", exact=True)).to_be_visible()
    assert project.get_attribute("open") is not None
    assert page.evaluate("document.activeElement.closest('details')?.dataset.project") == f"{daemon.folder}/src/p0"
    taken_away(daemon.folder / "src" / "new")
    expect(new).to_have_count(0)


def test_what_others_wrote_is_text(page: Page, site: Site, daemon: Daemon) -> None:
    """A ref, a folder, a message: never a tag."""
    root = daemon.folder / "src" / "<img src=x onerror=alert(1)>"
    World(root).manifest('"<b>\'&amp;/ds.tar.gz" = {}')
    daemon.until("ProjectAdded", root)
    page.goto(address(site))

    expect(page.get_by_role("cell", name="<b>'&amp;/ds.tar.gz", exact=True).first).to_be_visible()
    assert page.locator("main img, main b").count() == 0
    taken_away(root)
    daemon.until("ProjectRemoved", root)


def test_what_cannot_be_seen_is_written_out(page: Page, site: Site, daemon: Daemon) -> None:
    """A name that turns a line round, or hides, is shown as what it is: in the table, in events, in a button's name."""
    root = daemon.folder / "src" / "a\u202eb\x1b\u2066c"
    World(root).manifest('"dist/ds.tar.gz" = {}')
    daemon.until("ProjectAdded", root)
    page.goto(address(site))

    name = "a\u27e8U+202E\u27e9b\u27e8U+001B\u27e9\u27e8U+2066\u27e9c"
    expect(page.locator("summary").filter(has_text=name)).to_be_visible()
    expect(page.get_by_role("table").last).to_contain_text(name)
    page.get_by_role("button", name=f"History {root.parent}/{name}").click()
    expect(page.locator("#desk-head")).to_contain_text(name)
    assert not {"\u202e", "\x1b", "\u2066"} & set(page.locator("body").inner_text())
    taken_away(root)
    daemon.until("ProjectRemoved", root)


def test_the_page_is_there_without_scripts(browser: Browser, site: Site) -> None:
    """The server writes the table; who cannot show the token gets the page without it."""
    context = browser.new_context(java_script_enabled=False, extra_http_headers=site.signed())
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{site.port}/")
    expect(page.locator("#summary")).to_contain_text("1 project")
    context.close()

    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{site.port}/")
    expect(page.locator("main")).to_contain_text("Without scripts")
    expect(page.locator("#summary")).to_have_count(0)
    context.close()


def test_a_token_that_is_added_later_is_taken(page: Page, site: Site) -> None:
    """Without leaving the page."""
    page.goto(f"http://127.0.0.1:{site.port}/")
    expect(page.locator("main")).to_contain_text("micropkgd token show")
    page.evaluate("(token) => { location.hash = `token=${token}`; }", site.token)

    expect(page.locator("#live")).to_have_text("live")
    assert site.token not in page.url


def test_a_token_can_be_typed(page: Page, site: Site) -> None:
    """Where no address has it."""
    page.goto(f"http://127.0.0.1:{site.port}/")
    page.get_by_label("Token").fill(site.token)
    page.get_by_label("Token").press("Enter")

    expect(page.locator("#live")).to_have_text("live")
    assert site.token not in page.url


def test_a_reload_keeps_the_login(page: Page, site: Site) -> None:
    """The same tab, and no other: what is stored ends with it."""
    page.goto(address(site))
    expect(page.locator("#live")).to_have_text("live")
    page.reload()
    expect(page.locator("#live")).to_have_text("live")

    other = page.context.new_page()
    other.goto(f"http://127.0.0.1:{site.port}/")
    expect(other.get_by_label("Token")).to_be_visible()


def test_a_code_logs_in_once(page: Page, site: Site, daemon: Daemon) -> None:
    """`micropkgd ui` gives an address that is good for one login; the code is gone from it at once."""
    command = [sys.executable, "-m", "micropkgd", "ui", "--print"]
    said = subprocess.run(command, env=daemon.environ, capture_output=True, text=True, check=True, cwd=daemon.folder)
    to = said.stdout.strip()
    assert to.startswith(f"http://127.0.0.1:{site.port}/#code=")

    page.goto(to)
    expect(page.locator("#live")).to_have_text("live")
    assert "code" not in page.url
    other = page.context.new_page()
    other.goto(to)
    expect(other.locator("#live")).to_contain_text("not live: this code was used")


def test_buttons_do_what_they_say(page: Page, site: Site, daemon: Daemon) -> None:
    """Suspend an entry, look after it again, ask for a pass: seen on the page, told in words."""
    page.goto(address(site))
    project = page.locator(f'details[data-project="{daemon.folder}/src/p0"]')
    project.locator("summary").first.click()
    before = daemon.ask().get("/v1/events")["events"][-1]["id"]
    project.get_by_role("button", name="Suspend dist/ds.tar.gz").focus()
    page.keyboard.press("Enter")

    expect(project).to_have_attribute("data-state", "Suspended")
    expect(page.locator("#said")).to_have_text("Suspend dist/ds.tar.gz: done")
    project.get_by_role("button", name="Resume dist/ds.tar.gz").click()
    expect(project).to_have_attribute("data-state", "Ready")
    page.get_by_role("button", name="Reconcile all").click()
    expect(page.locator("#said")).to_have_text("Reconcile all: done")
    kinds = [event["kind"] for event in daemon.ask().get(f"/v1/events?since={before}")["events"]]
    assert [kind for kind in kinds if kind in {"Suspended", "Resumed", "Asked"}] == [
        "Suspended", "Asked", "Resumed", "Asked", "Asked",
    ]  # fmt: skip


def test_the_filter_shows_what_is_looked_for(page: Page, site: Site, daemon: Daemon) -> None:
    """In projects and events, every word of it; it stays when the page is asked for again."""
    page.goto(address(site))
    project = page.locator(f'details[data-project="{daemon.folder}/src/p0"]')
    expect(project).to_be_visible()
    page.get_by_label("Filter").fill("nothing-like-it")
    expect(project).to_be_hidden()
    daemon.ask().post("/v1/trigger", {})
    expect(page.get_by_label("Filter")).to_have_value("nothing-like-it")
    page.get_by_label("Filter").fill("p0 ready")
    expect(project).to_be_visible()


def test_what_waits_for_somebody_comes_first(page: Page, site: Site, daemon: Daemon) -> None:
    """With the reason and what to do; the ready ones are closed."""
    ill = World(daemon.folder / "src" / "zzz")
    ill.manifest('"nowhere/ds.tar.gz" = {}')
    daemon.until("ProjectAdded", ill.root)
    page.goto(address(site))
    projects = page.locator("details[data-project]")

    expect(projects.first).to_have_attribute("data-state", "Stalled")
    expect(projects.first).to_contain_text("Gone")
    assert projects.last.get_attribute("open") is None
    taken_away(ill.root)
    daemon.until("ProjectRemoved", ill.root)


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_is_off_the_screen(browser: Browser, site: Site, width: int) -> None:
    """On a phone as on a desk."""
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    page.goto(address(site))
    expect(page.locator("#live")).to_have_text("live")
    page.locator("details[data-project] > summary").first.click()

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def test_a_wrong_token_shows_nothing(page: Page, site: Site) -> None:
    """And says so."""
    page.goto(address(site, "wrong"))

    expect(page.locator("#live")).to_have_text("not live: the token is not the right one")
    expect(page.locator("#summary")).to_have_count(0)


def test_the_page_is_dark_where_one_likes_it_so(browser: Browser, site: Site) -> None:
    """As the system says."""
    shades = []
    for scheme in ("dark", "light"):
        context = browser.new_context(color_scheme="dark" if scheme == "dark" else "light")
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{site.port}/")
        shades.append(
            page.evaluate(
                "getComputedStyle(document.documentElement).colorScheme + getComputedStyle(document.body).color"
            )
        )
        context.close()

    assert shades[0] != shades[1]


@pytest.mark.parametrize("name", ["127.0.0.1", *NAMES])
@pytest.mark.parametrize("knows", [False, True])
def test_a_page_of_another_origin_gets_nothing(
    page: Page, site: Site, daemon: Daemon, evil: int, name: str, knows: bool
) -> None:
    """Not on another port, not on another name, not even with the token."""
    before = daemon.ask().get("/v1/events")["events"][-1]["id"]
    page.goto(f"http://{name}:{evil}/")
    got = page.evaluate(_ATTACK, [f"http://127.0.0.1:{site.port}", site.token if knows else ""])

    assert set(got.values()) <= {"refused", "opaque"}, json.dumps(got, indent=1)
    assert [name for name, what in got.items() if what == "opaque"] == []
    asked = [event for event in daemon.ask().get(f"/v1/events?since={before}")["events"] if event["kind"] == "Asked"]
    assert asked == []


def test_a_form_of_another_origin_does_nothing(page: Page, site: Site, daemon: Daemon, evil: int) -> None:
    """It is the one thing a page may always send."""
    before = daemon.ask().get("/v1/events")["events"][-1]["id"]
    page.goto(f"http://evil.test:{evil}/")
    with page.expect_response(lambda response: "/v1/trigger" in response.url) as answer:
        page.evaluate(
            "(to) => { const form = document.forms[0]; form.action = to; form.submit(); }",
            f"http://127.0.0.1:{site.port}/v1/trigger",
        )

    assert answer.value.status == 403
    asked = [event for event in daemon.ask().get(f"/v1/events?since={before}")["events"] if event["kind"] == "Asked"]
    assert asked == []


@pytest.mark.parametrize("path", ["/", "/v1/status", "/livez"])
def test_a_frame_of_another_origin_stays_empty(page: Page, site: Site, evil: int, path: str) -> None:
    """So nobody can be made to click in it."""
    page.goto(f"http://evil.test:{evil}/")
    with page.expect_event("framenavigated", lambda frame: frame.parent_frame is not None):
        page.evaluate("(to) => { frames[0].location = to; }", f"http://127.0.0.1:{site.port}{path}")

    shown = page.frames[1].content()
    assert "micropkgd" not in shown.replace("chrome-error", "")


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_was_made_to_lead_here_gets_nothing(page: Page, site: Site, name: str) -> None:
    """As when a page's own name is bound again: the browser takes us for its origin, we do not."""
    answer = page.goto(f"http://{name}:{site.port}/")

    assert answer is not None
    assert answer.status == 403
    got = page.evaluate(_ATTACK, [f"http://{name}:{site.port}", site.token])
    assert not [what for what in got.values() if "Ready" in what or "DOMParser" in what or what in {"open", "loaded"}]
