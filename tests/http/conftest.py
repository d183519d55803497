"""A real browser for the tests of the status page."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.kit.daemon import PATIENCE, Daemon
from tests.kit.site import config

NAMES = ("evil.test", "127.0.0.1.evil.test")  # the browser is told that they are this machine


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser without a screen."""
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("chromium is not installed: `apt-get install chromium`, or run `.ci/run`, which does")
    expect.set_options(timeout=1000 * PATIENCE)
    rules = ",".join(f"MAP {name} 127.0.0.1" for name in NAMES)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", f"--host-resolver-rules={rules}"]
        )
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A window of its own."""
    context = browser.new_context()
    context.set_default_timeout(1000 * PATIENCE)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A service that listens on TCP, for all tests of a module that bring no service of their own."""
    folder = tmp_path_factory.mktemp("service")
    (folder / "src").mkdir()
    with Daemon(folder, config(folder)) as running:
        yield running
