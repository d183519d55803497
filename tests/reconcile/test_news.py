"""Where nothing moved here and no source has news, a pass ends by its record, and says and does what a whole one would.

Two projects live through the same history, at one bucket: one keeps the record of its passes, the other loses it.
"""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from micropkgd.model.tree import digest_of
from micropkgd.reconcile import cycle
from micropkgd.workspace.memory.settled import RECORD
from tests.kit.daemon import Daemon, rests
from tests.kit.servers.faults import Reply, Seen
from tests.kit.servers.proxy import Proxy
from tests.kit.servers.seaweed import Seaweed
from tests.kit.world import World, archive
from tests.reconcile.test_follow import git, repository
from tests.workspace.test_settled import rest

MANY = 5
ARGS = "conf/args.yml"
TIME = r"\d{4}-\d\d-\d\dT[\d:.]+Z"
EDITED = "src/shop/e1/nodes.py"


class Shelf:
    """Archives at one place behind a proxy, and what is asked for them."""

    options: Mapping[str, object] = {}  # fs-args
    places: str  # where they are, up to their numbers

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        for number in range(MANY):
            self.put(number)

    def put(self, number: int, value: int = 1, version: str = "1.0") -> None:
        """Publish one."""
        self.keep(number, archive({"nodes.py": f"A = {value}\n"}, version))

    def keep(self, number: int, data: bytes | None) -> None:
        """Let these bytes be the archive, or let there be none."""
        raise NotImplementedError

    def ref(self, number: int) -> str:
        """Its address."""
        return f"{self.places}/d{number}.tar.gz"

    def served(self, world: World, policy: str = "") -> None:
        """Let a project ask for all of them."""
        world.write(ARGS, json.dumps(self.options))
        rows = (f'"{self.ref(at)}" = {{alias = "e{at}", fs-args = "{ARGS}"}}' for at in range(MANY))
        world.manifest("\n".join(rows), policy)

    def asked(self, what: Callable[[], object]) -> list[str]:
        """What is asked while something is done: a listing, or the method and the archive."""
        before = len(self.proxy.seen)
        what()
        asked = [(seen.method, seen.target.partition("?")) for seen in self.proxy.seen[before:]]
        return sorted("LIST" if "list-type" in query else f"{method} {path[-9:]}" for method, (path, _, query) in asked)


class Bucket(Shelf):
    """Below one prefix of a real store."""

    def __init__(self, proxy: Proxy, store: Seaweed) -> None:
        self._name = f"bucket-{os.urandom(4).hex()}"
        self._client = store.client()
        self._client.create_bucket(Bucket=self._name)
        self.options, self.places = store.options(proxy.port), f"s3://{self._name}/p"
        super().__init__(proxy)

    def keep(self, number: int, data: bytes | None) -> None:
        """Put an object, or delete it."""
        at = {"Bucket": self._name, "Key": f"p/d{number}.tar.gz"}
        self._client.delete_object(**at) if data is None else self._client.put_object(**at, Body=data)


class Web(Shelf):
    """On a web server that knows conditions."""

    def __init__(self, proxy: Proxy) -> None:
        self.places = proxy.url("/p")
        self._kept: dict[str, bytes | None] = {}
        proxy.rule = self.answer
        super().__init__(proxy)

    def keep(self, number: int, data: bytes | None) -> None:
        """Have a body, or none."""
        self._kept[f"/p/d{number}.tar.gz"] = data

    def answer(self, seen: Seen) -> Reply:
        """What is there, unless it is known."""
        data = self._kept.get(seen.target)
        tag = f'"{digest_of(data)}"' if data is not None else ""
        if data is None or seen.headers.get("if-none-match") == tag:
            return Reply(404 if data is None else 304, length="none")
        return Reply(body=data, headers={"ETag": tag})


@pytest.fixture
def shelf(s3: Seaweed) -> Iterator[Shelf]:
    """A bucket behind a proxy."""
    with Proxy(s3.port) as proxy:
        yield Bucket(proxy, s3)


@pytest.fixture
def web() -> Iterator[Web]:
    """A web server."""
    with Proxy(0) as proxy:
        yield Web(proxy)


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The projects over which a whole pass was run."""
    seen: list[str] = []
    run = cycle.run_pass

    def run_pass(root: str, *arguments: object, **named: object) -> object:
        seen.append(root)
        return run(root, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(cycle, "run_pass", run_pass)
    return seen


@pytest.fixture
def resting(world: World, shelf: Shelf) -> World:
    """A project in sync."""
    shelf.served(world)
    world.sync()
    return world


def test_a_second_pass_is_one_listing_and_nothing_is_read_or_written(
    resting: World, shelf: Shelf, whole: list[str]
) -> None:
    """Neither manifest, lock nor state."""
    before = resting.stamps()
    said = resting.reconcile

    assert shelf.asked(said) == ["LIST"]
    assert shelf.asked(lambda: resting.run("lock", "--check")) == ["LIST"]
    assert whole == []
    assert resting.stamps() == before


def test_what_changed_is_fetched_once_by_the_whole_pass(resting: World, shelf: Shelf, whole: list[str]) -> None:
    """What the sources have said is not asked again."""
    shelf.put(3, 2, "2.0")

    assert shelf.asked(resting.sync) == ["GET d3.tar.gz", "LIST"]
    assert whole == [str(resting.root)]
    assert resting.read("src/shop/e3/nodes.py") == "A = 2\n"
    assert shelf.asked(resting.sync) == ["LIST"]
    assert len(whole) == 1


def test_a_source_that_fails_is_asked_as_often_as_by_a_whole_pass(
    resting: World, shelf: Shelf, whole: list[str]
) -> None:
    """And the entry says so, as long as it does."""
    shelf.keep(2, None)
    asked = shelf.asked(lambda: resting.reconcile())
    assert (resting.reconcile().code, len(whole)) == (1, 2)
    (resting.root / RECORD).unlink(missing_ok=True)

    assert shelf.asked(lambda: resting.reconcile()) == asked
    shelf.put(2)
    resting.sync()
    assert shelf.asked(resting.sync) == ["LIST"]
    assert len(whole) == 4


def test_whose_manifest_changed_while_sources_were_asked_is_asked_anew(
    resting: World, shelf: Shelf, whole: list[str]
) -> None:
    """What was said to another question says nothing."""
    shelf.put(0, 2, "2.0")
    manifest = resting.read("pyproject.toml")

    def save(_: object) -> None:
        shelf.proxy.rule = lambda seen: None
        resting.write("pyproject.toml", manifest.replace(shelf.ref(0), shelf.ref(9)))

    shelf.put(9, 9, "9.0")
    shelf.proxy.rule = save
    resting.sync()

    assert whole
    assert resting.read("src/shop/e0/nodes.py") == "A = 9\n"


def test_a_project_that_stays_with_its_lock_asks_nobody(world: World, shelf: Shelf, whole: list[str]) -> None:
    """And says so by its record alone."""
    shelf.served(world, 'update = "locked"')
    world.sync()
    whole.clear()
    shelf.put(0, 2, "2.0")

    assert shelf.asked(world.sync) == []
    assert whole == []


def test_offline_nobody_is_asked(resting: World, shelf: Shelf, whole: list[str]) -> None:
    """What is locked is what there is."""
    assert shelf.asked(lambda: resting.reconcile("--offline")) == []
    assert whole == []


Twins = tuple[World, World]
Step = Callable[[World, Web], object]


def publish(number: int, value: int = 2, version: str = "2.0") -> Step:
    """Put something newer in place."""
    return lambda _, web: web.put(number, value, version)


def edit(value: int = 7) -> Step:
    """Edit a file of a package."""
    return lambda world, _: world.write(EDITED, f"A = {value}\n")


def away(_: World, web: Web) -> None:
    """Let the server be away."""
    web.proxy.rule = lambda seen: Reply(503)


def back(_: World, web: Web) -> None:
    """Let it be back."""
    web.proxy.rule = web.answer


def command(*words: str) -> Step:
    """Run a command."""
    return lambda world, _: world.run(*words)


def in_git(*words: str) -> Step:
    """Run git."""
    return lambda world, _: git(world, *words)


def begin(world: World, _: Web) -> None:
    """Commit all on main."""
    repository(world)


def commit(world: World, _: Web) -> None:
    """Commit what is there."""
    git(world, "add", "-A")
    git(world, "commit", "-qm", "more")


def forget(world: World, _: Web) -> None:
    """Be a clone."""
    world.forget()


def policy(text: str) -> Step:
    """Change the project's policy."""
    return lambda world, web: web.served(world, text)


ASK: Step = command("reconcile", "--once", "--json")
HISTORIES: dict[str, tuple[Step, ...]] = {
    "twice": (ASK, ASK),
    "an outage": (away, ASK, ASK, back, ASK, ASK),
    "an edit that came and went": (edit(), ASK, edit(1), ASK, ASK),
    "a file that is gone": (lambda world, _: (world.root / EDITED).unlink(), ASK, ASK),
    "a hold": (edit(), publish(1), ASK, ASK, away, ASK, back, ASK),
    "a hold that is settled": (edit(), publish(1), ASK, command("resolve", "ds", "--keep"), ASK, ASK),
    "an edit, and another changed": (edit(), ASK, publish(2), ASK, ASK),
    "one changed and back again": (publish(0), ASK, publish(0, 1, "1.0"), ASK, ASK),
    "one is gone": (lambda _, web: web.keep(0, None), ASK, ASK, publish(0, 1, "1.0"), ASK, ASK),
    "one is no archive": (lambda _, web: web.keep(0, b"x"), ASK, ASK),
    "checked out": (begin, publish(0), ASK, commit, in_git("switch", "-q", "-c", "old", "HEAD~"), ASK, ASK,
                    in_git("checkout", "-qf", "main"), ASK, ASK),
    "detached": (begin, in_git("switch", "-q", "--detach"), ASK, publish(0), ASK,
                 in_git("switch", "-q", "main"), ASK, ASK),
    "bisected": (begin, in_git("bisect", "start"), ASK, publish(0), ASK, in_git("bisect", "reset"), ASK, ASK),
    "offline": (publish(0), command("reconcile", "--once", "--offline", "--json"), ASK, ASK),
    "locked": (policy('update = "locked"'), ASK, publish(0), ASK, policy(""), ASK, ASK),
    "in the middle of a merge": (begin, lambda world, _: world.write(".git/MERGE_HEAD", ""), ASK, publish(0), ASK),
    "suspended": (command("suspend", "ds"), ASK, publish(0), ASK, command("resume", "ds"), ASK),
    "rolled back": (publish(0), ASK, command("rollback"), ASK, ASK),
    "a clone": (forget, ASK, ASK),
    "fs-args that lost a key": (lambda world, _: world.write(ARGS, "{odd: 1}"), ASK, ASK),
    "fs-args that are gone": (lambda world, _: (world.root / ARGS).unlink(), ASK, ASK),
    "looked at": (publish(0), command("reconcile", "--check", "--json"), command("lock", "--check", "--json"), ASK),
}  # fmt: skip


@pytest.fixture
def twins(tmp_path: Path, world: World, web: Web) -> Twins:
    """Two projects in sync with the same server."""
    other = World(tmp_path / "other")
    for one in (world, other):
        web.served(one)
        one.run("reconcile", "--once", str(one.root))
        rest()
    return world, other


@pytest.mark.parametrize("history", HISTORIES)
def test_with_and_without_the_record(twins: Twins, web: Web, monkeypatch: pytest.MonkeyPatch, history: str) -> None:
    """After each step both have said the same, asked the same, and look the same."""
    for step in HISTORIES[history]:
        seen = [lived(world, step, web, monkeypatch, record=number == 0) for number, world in enumerate(twins)]
        assert seen[0] == seen[1]
        rest()


def lived(
    world: World, step: Step, web: Web, monkeypatch: pytest.MonkeyPatch, *, record: bool
) -> tuple[str, list[str], dict[str, bytes], str]:
    """What one step came to: what was said and asked, the tree, and how everything stands."""
    monkeypatch.chdir(world.root)
    if not record:
        (world.root / RECORD).unlink(missing_ok=True)
    said: list[str] = []
    asked = web.asked(lambda: said.append(told(step(world, web), world)))
    tree = {path: data for path, data in world.tree().items() if not path.startswith(".git/")}
    return said[0], asked, tree, told(world.run("status", "--json"), world)


def told(what: object, world: World) -> str:
    """What was said, without the folder, and without times."""
    return re.sub(TIME, "TIME", str(what).replace(str(world.root), "ROOT"))


def test_a_running_service_asks_again_and_again_by_the_record(tmp_path: Path, shelf: Shelf) -> None:
    """What somebody saves is seen, what is newer comes, and what is held stays so."""
    world = World(tmp_path / "src/p")
    shelf.served(world)
    with Daemon(tmp_path / "d", f'projects = ["{tmp_path}/src/*"]\nevery = "1d"\n') as daemon:
        daemon.ready(world.root)

        def ask() -> None:
            daemon.ask().post("/v1/reconcile", {}, timeout=None)
            daemon.until_status(world.root, rests)

        ask()
        before = world.stamps()
        assert shelf.asked(ask) == ["LIST"]
        assert world.stamps() == before
        shelf.put(1, 2, "2.0")
        assert shelf.asked(ask) == ["GET d1.tar.gz", "LIST"]
        assert world.read(EDITED) == "A = 2\n"

        world.write(EDITED, "A = 7\n")
        assert shelf.asked(ask) == ["LIST"]
        shelf.put(1, 3, "3.0")
        for _ in range(2):
            ask()
            daemon.ready(world.root, state="Held")
        assert world.read(EDITED) == "A = 7\n"
