"""The status page as a place to decide: in a real browser, with a real service, and other people at work beside it."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.kit.daemon import Daemon, until
from tests.kit.held import BLOB, CODE, DATA, GONE, OURS, Held, hold, in_service, installed, ready
from tests.kit.servers.ports import free_ports
from tests.kit.site import config, listening
from tests.kit.world import KEDRO, ROW, World


@pytest.fixture
def held(daemon: Daemon, tmp_path: Path) -> Held:
    """A project of its own for each test: a Python file, a YAML file, one that was deleted here, and a binary one."""
    world = in_service(daemon, tmp_path.name)
    hold(daemon, world)
    return Held(world, listening(daemon, "http.listen"))


def look(page: Page, held: Held) -> Locator:
    """Open the page and find the project."""
    page.goto(f"http://127.0.0.1:{held.site.port}/#token={held.site.token}")
    expect(page.locator("#live")).to_have_text("live")
    page.get_by_label("Filter").fill(held.root)
    project = page.locator(f'details[data-project="{held.root}"]')
    expect(project).to_be_visible()
    expect(page.locator("details[data-project]")).to_have_count(1)
    return project


def decide(page: Page, held: Held) -> Locator:
    """Open what waits there."""
    look(page, held).get_by_role("button", name=f"Decide {ROW}").click()
    expect(page.locator("details[data-path]")).to_have_count(len(held.sight()["entry"]["files"]))
    return page.locator("#desk")


def opened(page: Page, path: str) -> Locator:
    """Open one file of it."""
    file = page.locator(f'details[data-path="{path}"]')
    file.locator("summary").click()
    expect(file.get_by_role("button").first).to_be_visible()
    return file


def test_four_files_are_decided(page: Page, held: Held, daemon: Daemon) -> None:
    """The three texts side by side, the merge in a field, a word on each; the tree moves with the last one."""
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    desk = decide(page, held)
    file = opened(page, CODE)
    for name, text in (("Installed version", "X = 1"), ("Yours", "X = 'mine'"), ("New version", "X = 2")):
        expect(file.get_by_role("region", name=f"{name} of {CODE}")).to_contain_text(text)
    expect(file.get_by_role("textbox")).to_have_value(
        "<<<<<<< yours\nX = 'mine'\n||||||| 1.0\nX = 1\n=======\nX = 2\n>>>>>>> 2.0\n"
    )
    expect(file.locator(".diff ins").first).to_have_text("+X = 'mine'")
    file.get_by_role("button", name="Keep mine").click()
    expect(page.locator("#desk-said")).to_have_text("yours stays")
    expect(desk).to_contain_text("3 of 4 files to decide")
    assert (held.world.root / BLOB).read_bytes() == OURS[BLOB]

    expect(opened(page, BLOB)).to_contain_text("binary")
    page.locator(f'details[data-path="{BLOB}"]').get_by_role("button", name="Take theirs").click()
    expect(desk).to_contain_text("2 of 4 files to decide")
    opened(page, GONE).get_by_role("button", name="Keep it deleted").click()
    expect(desk).to_contain_text("1 of 4 files to decide")
    yaml = opened(page, DATA)
    yaml.get_by_role("textbox").fill("rate: 7\nother: 0\n")
    yaml.get_by_role("button", name="Take this merge").click()
    expect(desk).to_contain_text("Nothing waits for you here")

    daemon.ready(held.world.root)
    assert [held.world.read(path) for path in (CODE, DATA)] == [OURS[CODE], "rate: 7\nother: 0\n"]
    assert (held.world.root / BLOB).read_bytes() == b"\0two"
    assert not held.world.has(GONE)
    page.keyboard.press("Escape")
    expect(page.locator("#said")).to_contain_text("the merge is taken")
    expect(page.locator(f'details[data-project="{held.root}"]')).to_have_attribute("data-state", "Ready")
    assert errors == []


def test_the_keyboard_alone_will_do(page: Page, held: Held, daemon: Daemon) -> None:
    """Opened, decided, left again, and back where one was."""
    project = look(page, held)
    project.get_by_role("button", name=f"Decide {ROW}").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#desk-head")).to_be_focused()
    expect(page.get_by_role("button", name="Keep all mine")).to_be_visible()
    seen = []
    for _ in range(12):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.textContent"))
        if "Take all theirs" in seen[-1]:
            break
    assert "Take all theirs" in seen[-1], seen
    page.keyboard.press("Escape")
    expect(page.locator("#desk")).to_be_hidden()
    expect(project.get_by_role("button", name=f"Decide {ROW}")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Take all theirs")).to_be_visible()
    page.get_by_role("button", name="Take all theirs").focus()
    page.keyboard.press("Space")
    expect(page.locator("#desk")).to_contain_text("Nothing waits for you here")
    expect(project).to_have_attribute("data-state", "Ready")
    page.keyboard.press("Escape")
    expect(project.locator("summary").first).to_be_focused()
    daemon.ready(held.world.root)
    assert held.world.read(CODE) == "X = 2\n"


def test_opened_again_at_once_it_is_filled(page: Page, held: Held) -> None:
    """A browser tells of the close only after it was opened anew."""
    project = look(page, held)
    again = project.get_by_role("button", name=f"Decide {ROW}")
    again.click()
    expect(page.get_by_role("button", name="Take all theirs")).to_be_visible()
    again.evaluate("button => { document.getElementById('desk').close(); button.click(); }")
    expect(page.get_by_role("button", name="Take all theirs")).to_be_visible()


def test_who_comes_second_loses_nothing_that_was_typed(browser: Browser, held: Held) -> None:
    """Two browsers look at one file; one decides, and the other is told, with its text still in the field."""
    first, second = (browser.new_context().new_page() for _ in range(2))
    for page in (first, second):
        decide(page, held)
        opened(page, CODE)
    first.locator(f'details[data-path="{CODE}"]').get_by_role("button", name="Keep mine").click()
    expect(first.locator("#desk-said")).to_have_text("yours stays")

    file = second.locator(f'details[data-path="{CODE}"]')
    file.get_by_role("textbox").fill("X = 3\n")
    file.get_by_role("button", name="Take this merge").click()
    expect(second.locator("#desk-said")).to_contain_text("is not what you saw any more")
    expect(file.locator("summary")).to_contain_text("yours stays")
    expect(file.get_by_role("textbox")).to_have_value("X = 3\n")
    file.get_by_role("button", name="Take this merge").click()
    expect(second.locator("#desk-said")).to_have_text("the merge is taken")
    for page in (first, second):
        page.context.close()


def test_an_edit_and_a_command_come_between(page: Page, held: Held, daemon: Daemon) -> None:
    """A newer edit is never replaced, and what a command settled is settled."""
    desk = decide(page, held)
    file = opened(page, CODE)
    held.world.write(CODE, "X = 'newer'\n")
    file.get_by_role("button", name="Take theirs").click()
    expect(page.locator("#desk-said")).to_contain_text("is not what you saw any more")
    assert held.world.read(CODE) == "X = 'newer'\n"
    expect(file.get_by_role("region", name=f"Yours of {CODE}")).to_contain_text("newer")

    assert daemon.command("resolve", "ds", "--keep", cwd=held.world.root).returncode == 0
    page.get_by_role("button", name="Take all theirs").click()
    expect(page.locator("#desk-said")).to_contain_text("is not what you saw any more")
    expect(desk).to_contain_text("Nothing waits for you here")
    assert held.world.read(CODE) == "X = 'newer'\n"


def test_a_restart_of_the_service_comes_between(page: Page, tmp_path: Path) -> None:
    """The page says that nobody answers; what was typed is there, and is taken when somebody does."""
    (port,) = free_ports(1)
    with Daemon(tmp_path / "own", config(tmp_path / "own").replace("127.0.0.1:0", f"127.0.0.1:{port}", 1)) as own:
        world = installed(tmp_path / "own" / "src" / "p")
        ready(own, world)
        hold(own, world)
        mine = Held(world, listening(own, "http.listen"))
        decide(page, mine)
        file = opened(page, CODE)
        file.get_by_role("textbox").fill("X = 4\n")
        own.end()
        file.get_by_role("button", name="Take this merge").click()
        expect(page.locator("#desk-said")).to_contain_text("does not answer")
        own.start()
        listening(own, "http.listen")
        page.get_by_role("button", name="Try again").click()
        expect(file.get_by_role("textbox")).to_have_value("X = 4\n")
        file.get_by_role("button", name="Take this merge").click()
        expect(page.locator("#desk-said")).to_have_text("the merge is taken")


def test_a_merge_that_cannot_be_taken_is_told_in_place(page: Page, held: Held) -> None:
    """With the line, and with the text as it was typed."""
    decide(page, held)
    file = opened(page, CODE)
    file.get_by_role("button", name="Take this merge").click()
    expect(page.locator("#desk-said")).to_contain_text("markers are left, in lines 1, 3, 5, 7")
    file.get_by_role("textbox").fill("X = (\n")
    file.get_by_role("button", name="Take this merge").click()
    expect(page.locator("#desk-said")).to_contain_text("cannot be parsed")
    expect(file.get_by_role("textbox")).to_have_value("X = (\n")
    assert held.world.read(CODE) == OURS[CODE]


def test_what_is_in_a_file_is_never_run(page: Page, daemon: Daemon, tmp_path: Path) -> None:
    """Markup is text, and what cannot be seen is written out."""
    world = installed(daemon.folder / "src" / tmp_path.name, {"nodes.py": "X = 1\n"})
    ready(daemon, world)
    evil = "</pre></textarea><script>document.title='had'</script><img src=x onerror=\"document.title='had'\">\n"
    hold(daemon, world, {CODE: f"# {evil}# \u202eevil\x1b[31m\nX = 2\n"}, {"nodes.py": f"# {evil}X = 3\n"})
    held = Held(world, listening(daemon, "http.listen"))
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    decide(page, held)
    file = page.locator(f'details[data-path="{CODE}"]')
    expect(file.get_by_role("region", name=f"Yours of {CODE}")).to_contain_text(
        "\u27e8U+202E\u27e9evil\u27e8U+001B\u27e9"
    )
    expect(file).to_contain_text("characters that cannot be seen: U+202E in line")
    assert page.title() == "micropkgd"
    assert page.locator("#desk img, #desk script").count() == 0
    assert errors == []


def test_what_merges_is_merged_and_the_rest_stays(page: Page, daemon: Daemon, tmp_path: Path) -> None:
    """Where the policy lets no edit be merged without a word; what collides is named."""
    world = World(daemon.folder / "src" / tmp_path.name)
    lines = "".join(f"X{number} = {number}\n" for number in range(9))
    world.publish({"nodes.py": lines, "other.py": "Y = 1\n"})
    world.manifest(f'"{ROW}" = {{}}', 'on-local-edit = "hold"')
    ready(daemon, world)
    other = "src/shop/ds/other.py"
    ours: dict[str, str | bytes] = {CODE: lines.replace("X1 = 1", "X1 = 'mine'"), other: "Y = 'mine'\n"}
    hold(daemon, world, ours, {"nodes.py": lines.replace("X7 = 7", "X7 = 77"), "other.py": "Y = 2\n"})
    held = Held(world, listening(daemon, "http.listen"))
    desk = decide(page, held)
    page.get_by_role("button", name="Merge all that merges").click()
    expect(page.locator("#desk-said")).to_contain_text(f"both sides changed the same lines of {other}")
    expect(desk).to_contain_text("1 of 2 files to decide")
    opened(page, other).get_by_role("button", name="Keep mine").click()
    expect(desk).to_contain_text("Nothing waits for you here")
    assert world.read(CODE) == lines.replace("X1 = 1", "X1 = 'mine'").replace("X7 = 7", "X7 = 77")
    assert world.read(other) == "Y = 'mine'\n"


def test_edits_are_accepted_or_taken_back(page: Page, daemon: Daemon, tmp_path: Path) -> None:
    """From their diff, one click away."""
    world = in_service(daemon, tmp_path.name)
    held = Held(world, listening(daemon, "http.listen"))
    for text, button, said in (
        ("X = 5\n", "Accept these edits", "accepted"),
        ("X = 6\n", "Take them back", "taken back"),
    ):
        world.write(CODE, text)
        held.site.post("/v1/reconcile", {"projects": [held.root]})
        project = look(page, held)
        project.locator("summary").first.click()
        project.get_by_role("button", name=f"Edits {ROW}").click()
        expect(page.locator(".diff ins")).to_have_text(f"+{text.strip()}")
        page.get_by_role("button", name=button).click()
        expect(page.locator("#desk-said")).to_have_text(said)
        page.reload()
    assert "edited" not in world.read("micropkg.lock") or daemon.command("verify", cwd=world.root).returncode == 0
    assert world.read(CODE) == "X = 1\n"


def test_a_version_is_rolled_back(page: Page, daemon: Daemon, tmp_path: Path) -> None:
    """To the one before, by its name."""
    world = installed(daemon.folder / "src" / tmp_path.name, {"nodes.py": "X = 1\n"})
    ready(daemon, world)
    world.publish({"nodes.py": "X = 2\n"}, version="2.0")
    ready(daemon, world, "2.0")
    held = Held(world, listening(daemon, "http.listen"))
    project = look(page, held)
    project.locator("summary").first.click()
    project.get_by_role("button", name=f"History {ROW}").click()
    page.get_by_role("button", name="Roll back to 1.0").click()
    expect(page.locator("#desk-said")).to_have_text("rolled back")
    assert world.read(CODE) == "X = 1\n"
    expect(page.locator("#desk-body")).to_contain_text("rollback")


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_nothing_is_off_the_screen(browser: Browser, daemon: Daemon, width: int, scheme: str) -> None:
    """Long lines and long names stay in their boxes; the boxes stay on the screen."""
    root = daemon.folder / "src" / "a-project-with-a-name-that-is-rather-long-as-people-will-have-them"
    if not root.exists():
        world = installed(root, {"nodes.py": "X = 1\n"})
        ready(daemon, world)
        hold(daemon, world, {CODE: f"X = '{'long ' * 90}'\n"}, {"nodes.py": f"X = {'2' * 300}\n"})
    held = Held(World.at(root), listening(daemon, "http.listen"))
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = context.new_page()
    decide(page, held)
    expect(page.get_by_role("textbox", name="Merge")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert (
        page.evaluate("(({scrollWidth, clientWidth}) => scrollWidth - clientWidth)(document.getElementById('desk'))")
        <= 0
    )
    outside = page.evaluate(
        "(width) => [...document.querySelectorAll('#desk button, #desk textarea, #desk pre, #desk summary')]"
        ".map((one) => one.getBoundingClientRect()).filter((box) => box.left < 0 || box.right > width).length",
        width,
    )
    assert outside == 0
    context.close()


def test_three_hundred_projects_are_no_burden(browser: Browser, tmp_path: Path) -> None:
    """A part is sent and drawn; the rest is found by words, or shown when it is asked for; events come in bursts."""
    roots = [tmp_path / "src" / f"p{number:03}" for number in range(300)]
    for root in roots:
        root.mkdir(parents=True)
        (root / "pyproject.toml").write_text(f'{KEDRO}\n[tool.micropkgd.pull]\n"nowhere/ds.tar.gz" = {{}}\n')
    with Daemon(tmp_path, config(tmp_path)) as running:
        until(lambda: running.ask().get("/v1/status?limit=1")["service"]["looked_at"] == len(roots))
        site = listening(running, "http.listen")
        page = browser.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"http://127.0.0.1:{site.port}/#token={site.token}")
        projects = page.locator("details[data-project]")
        expect(projects).to_have_count(60)
        expect(page.locator("main")).to_contain_text("240 more")
        assert page.evaluate("document.querySelectorAll('*').length") < 2500
        assert len(asked) < 12

        page.get_by_role("button", name="Show more").click()
        expect(projects).to_have_count(120)
        page.get_by_label("Filter").fill("p299 stalled")
        expect(projects).to_have_count(1)
        assert projects.get_attribute("open") is not None
        page.get_by_label("Filter").fill("")
        expect(projects).to_have_count(60)
        last = page.locator(f'details[data-project="{roots[59]}"]')
        last.locator("summary").click()
        expect(last.get_by_role("cell", name="nowhere/ds.tar.gz", exact=True)).to_be_visible()

        asked.clear()
        before = running.ask().get("/v1/events")["events"][-1]["id"]
        for number in range(5):
            running.ask().post("/v1/suspend", {"projects": [str(root) for root in roots[number * 10 :][:10]]})
        until(lambda: len(running.ask().get(f"/v1/events?since={before}")["events"]) >= 50)
        expect(page.locator("#summary")).to_contain_text("50 suspended")
        events = len(running.ask().get(f"/v1/events?since={before}")["events"])
        assert len([url for url in asked if url.endswith("/")]) < events / 3
        assert last.get_attribute("open") is not None
        page.close()
