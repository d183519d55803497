"""The form of the status page: what a phone, a mouse, a screen reader and somebody who copies a command get of it."""

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.kit.daemon import Daemon
from tests.kit.held import hold, in_service
from tests.kit.site import config, listening
from tests.kit.world import ROW

PHONE, DESKTOP = (390, 844), (1280, 900)
APART = """\
() => {
  const boxes = [...document.querySelectorAll("button")].map((one) => one.getBoundingClientRect());
  const beside = (one, other) => Math.max(other.left - one.right, one.left - other.right);
  const below = (one, other) => Math.max(other.top - one.bottom, one.top - other.bottom);
  const gap = (one, other) => (one.width && other.width ? Math.max(beside(one, other), below(one, other)) : Infinity);
  return Math.min(...boxes.flatMap((one, at) => boxes.slice(at + 1).map((other) => gap(one, other))));
}
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page of a service with one project, which is held, and has a long name."""
    folder = tmp_path_factory.mktemp("form")
    (folder / "src").mkdir()
    with Daemon(folder, config(folder)) as daemon:
        hold(daemon, in_service(daemon, "forecasting-for-the-european-market"))
        site = listening(daemon, "http.listen")
        yield f"http://127.0.0.1:{site.port}/#token={site.token}"


@pytest.fixture
def page(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """It, at one of the two sizes."""
    width, height = request.param
    context = browser.new_context(viewport={"width": width, "height": height}, has_touch=width < 600)
    page = context.new_page()
    page.goto(address)
    expect(page.locator("#live")).to_have_text("live")
    yield page
    context.close()


@pytest.mark.parametrize("page", [PHONE, DESKTOP], indirect=True)
def test_no_button_touches_another(page: Page) -> None:
    """Whoever means one presses no other."""
    assert page.evaluate(APART) >= 2
    page.get_by_role("button", name=f"Decide {ROW}").click()
    expect(page.get_by_role("button", name="Keep all mine")).to_be_visible()
    dimmed = page.evaluate("getComputedStyle(document.getElementById('desk'), '::backdrop').backgroundColor")
    assert dimmed == "rgba(0, 0, 0, 0.5)"


@pytest.mark.parametrize("page", [DESKTOP], indirect=True)
def test_what_is_written_is_what_is_copied(page: Page) -> None:
    """A path goes on in the next line behind a slash, and is whole all the same; a command is code without quotes."""
    cell = page.locator("td[data-head=Project]").first
    path = cell.inner_text()
    assert Path(path).name == "forecasting-for-the-european-market"
    assert cell.inner_html() == path.replace("/", "/<wbr>")
    said = page.locator("section[aria-labelledby=projects] .hint")
    expect(said.locator("code").first).to_have_text(f"micropkgd diff {ROW}")
    assert "`" not in said.inner_text()


@pytest.mark.parametrize("page", [DESKTOP], indirect=True)
def test_each_column_has_a_name(page: Page) -> None:
    """Also the one of the buttons, for who hears it."""
    heads = page.locator("thead th")
    assert heads.count() > 10
    assert [one for one in heads.all_text_contents() if not one] == []


@pytest.mark.parametrize("page", [PHONE], indirect=True)
def test_an_event_begins_with_one_line(page: Page) -> None:
    """When and what, without words for that."""
    when, what = (page.locator(f"td[data-head={head}]").first.bounding_box() for head in ("Time", "What"))
    assert when is not None
    assert what is not None
    assert when["y"] == what["y"]
    label = "getComputedStyle(document.querySelector('td[data-head=More]'), '::before').content"
    assert page.evaluate(label) == "none"


def test_letters_are_as_large_as_the_reader_wants() -> None:
    """No size of them is in pixels: the browser's own setting holds."""
    style = (files("micropkgd.service.http") / "static/page.css").read_text()
    assert re.findall(r"font(?:-size)?:[^;]*\d+px[^;]*", style) == []
