"""The documentation as a site: built strictly, whole in itself, and read in a real browser at both widths."""

import http.server
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser

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


def test_what_is_searched_for_is_found(browser: Browser, address: str) -> None:
    """By the site's own index, on this machine."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page, asked = context.new_page(), set[str]()
    page.on("request", lambda request: asked.add(request.url.removeprefix("blob:").split("/")[2]))
    page.goto(f"{address}/index.html")
    page.locator("input.md-search__input").fill("EventsNotKept")
    page.locator(".md-search-result__link", has_text="The service").first.wait_for(timeout=60_000)
    assert asked == {address.removeprefix("http://")}
    context.close()
