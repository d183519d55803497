"""The documentation as a site: built strictly, whole in itself, and read in a real browser at both widths."""

import http.server
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page

from tests.http.conftest import browser
from tests.kit.places import REPOSITORY

__all__ = ["browser"]

LOADED = re.compile(r"<(?:script|img|iframe|source|link)\b[^>]*?\b(?:src|href)=\"?([^\"\s>]+)")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built anew; any link or anchor that leads nowhere, and any page that nobody finds, would stop it."""
    folder = tmp_path_factory.mktemp("site")
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "NO_MKDOCS_2_WARNING": "1"}
    environ |= dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")  # where nobody is
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder / "built")]
    built = subprocess.run(command, cwd=REPOSITORY, env=environ, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return folder / "built"


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Where it can be read."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_every_page_is_there(site: Path) -> None:
    """Those of `docs/`, those at the top of the repository, and the files that they name."""
    pages = {path.relative_to(REPOSITORY / "docs").with_suffix(".html") for path in (REPOSITORY / "docs").rglob("*.md")}
    built = {path.relative_to(site) for path in site.rglob("*.html")}
    assert {path for path in pages if path.name != "README.html"} - built == set()
    assert {Path(f"{name}.html") for name in ("index", "CHANGELOG", "CONTRIBUTING", "SECURITY")} <= built
    rules = "contrib/prometheus/micropkgd.rules.yaml"
    assert (site / "repository" / rules).read_bytes() == (REPOSITORY / rules).read_bytes()
    assert f'href="repository/{rules}"' in (site / "on-call.html").read_text()


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    """No script, picture, style or font."""
    for path in site.rglob("*.html"):
        assert [one for one in LOADED.findall(path.read_text()) if "//" in one] == [], path
    for path in site.rglob("*.css"):
        assert re.findall(r"url\(\"?(?:https?:)?//[^)]*\)", path.read_text()) == [], path


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read(browser: Browser, address: str, width: int, scheme: str) -> None:
    """Nothing is off the screen, and nothing is asked of anybody else."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page, asked = context.new_page(), set[str]()
    page.on("request", lambda request: asked.add("/".join(request.url.split("/")[:3])))
    for name in ("index", "service", "http", "commands", "decisions/0001-named-tuples"):
        page.goto(f"{address}/{name}.html")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark")
    assert asked == {address}
    context.close()


FAINT = """\
() => {
  const part = (value) => { value /= 255; return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4; };
  const light = ([red, green, blue]) => 0.2126 * part(red) + 0.7152 * part(green) + 0.0722 * part(blue);
  const read = (text) => [...text.match(/[\\d.]+/g).map(Number), 1].slice(0, 4);
  const over = (front, back) => [0, 1, 2].map((at) => front[at] * front[3] + back[at] * (1 - front[3]));
  const above = (node) => (node ? [node, ...above(node.parentElement)] : []);
  const faint = new Set();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = texts.currentNode.parentElement, box = node.getBoundingClientRect(), style = getComputedStyle(node);
    if (!texts.currentNode.data.trim() || !box.width || !box.height || style.visibility !== "visible") continue;
    const opacity = above(node).reduce((sum, one) => sum * getComputedStyle(one).opacity, 1);
    if (opacity < 0.05) continue;
    const layers = above(node).map((one) => read(getComputedStyle(one).backgroundColor)).filter((one) => one[3]);
    const solid = layers.findIndex((one) => one[3] === 1);
    const back = layers.slice(0, solid + 1).reverse().reduce((below, one) => over(one, below), [255, 255, 255]);
    const ink = read(style.color);
    const front = over([...ink.slice(0, 3), ink[3] * opacity], back);
    const [dark, bright] = [light(front), light(back)].sort((one, other) => one - other);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.6 && style.fontWeight >= 700);
    const contrast = (bright + 0.05) / (dark + 0.05);
    if (contrast < (large ? 3 : 4.5)) faint.add(`${node.className || node.tagName}: ${contrast.toFixed(2)}`);
  }
  return [...faint];
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_text_is_faint(browser: Browser, address: str, scheme: str) -> None:
    """By the measure of WCAG 2.2 (1.4.3), also in the results of a search."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    page = context.new_page()
    for name in ("index", "howto", "merging", "formats", "errors"):
        page.goto(f"{address}/{name}.html")
        assert page.evaluate(FAINT) == [], name
    page.keyboard.press("f")
    page.keyboard.type("lock")
    page.locator(".md-search-result__link mark").first.wait_for(timeout=60_000)
    assert page.evaluate(FAINT) == []
    context.close()


def search(page: Page, words: str) -> None:
    """Open the search by its key, as soon as the page's script heeds one, and type."""
    field = page.locator("input.md-search__input")
    for _ in range(60):
        page.keyboard.press("f")
        with suppress(Error):  # not heeded yet
            page.wait_for_function("document.activeElement.matches('input.md-search__input')", timeout=1_000)
            break
    field.fill("")  # of a key that was heeded late
    page.keyboard.type(words)


def test_a_phone_shows_several_results(browser: Browser, address: str) -> None:
    """What to do comes first, no help text fills the screen, and the keyboard alone gets there."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{address}/index.html")
    picture = page.locator("img[src$='picture.svg']")
    assert picture.evaluate("(one) => one.getBoundingClientRect().width") > 600
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    search(page, "resolve a hold")
    results = page.locator(".md-search-result__item")
    results.first.filter(has_text="How to").wait_for(timeout=60_000)  # until then it answers what was typed first
    results.nth(2).wait_for(timeout=60_000)
    assert results.nth(1).evaluate("(one) => one.getBoundingClientRect().top") < 844
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/howto.html*")
    context.close()


def test_what_is_searched_for_is_found(browser: Browser, address: str) -> None:
    """By the site's own index, on this machine."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page, asked = context.new_page(), set[str]()
    page.on("request", lambda request: asked.add(request.url.removeprefix("blob:").split("/")[2]))
    page.goto(f"{address}/index.html")
    search(page, "EventsNotKept")
    page.locator(".md-search-result__link[href*='service.html#what-happened']").first.wait_for(timeout=60_000)
    assert asked == {address.removeprefix("http://")}
    context.close()
