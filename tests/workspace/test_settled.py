"""The short way says what the whole way says, and is left when anything moves that the last pass depended on."""

import os
import time
from collections.abc import Callable

import pytest

from micropkgd import documents
from micropkgd.actions.settled_status import settled_status
from micropkgd.actions.status import project_status
from micropkgd.cli.everyday import answer
from micropkgd.clock import GRAIN_NS
from micropkgd.model.outcome import EntryOutcome, Outcome
from micropkgd.reconcile import cycle
from micropkgd.reconcile.plan.planned import Proposal
from micropkgd.reconcile.record import short_way
from micropkgd.reconcile.this_pass import Pass
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory import settled
from micropkgd.workspace.memory.settling import AskedSources, Watched, settle, settled_outcome, watch
from micropkgd.workspace.memory.state import State
from tests.kit.world import KEDRO, ROW, World

EVERYDAY = ("reconcile", "--once")
CHECK = ("lock", "--check")
NODES = "src/shop/ds/nodes.py"
GONE = "src/shop/ds/gone.py"


@pytest.fixture
def resting(world: World) -> World:
    """A project in sync, with an edited file, one that may stay away, and a module of its own that is packaged."""
    world.write("src/shop/own/__init__.py", '__version__ = "1.0"\n')
    world.publish({"nodes.py": "A = 1\n", "gone.py": ""})
    world.write(
        "pyproject.toml",
        f'{KEDRO}[tool.micropkgd.pull]\n"dist/ds.tar.gz" = {{keep-deleted = ["{GONE}"]}}\n'
        "[tool.micropkgd.package]\nown = {}\n",
    )
    world.sync()
    world.write(NODES, "A = 2  # mine\n")
    (world.root / GONE).unlink()
    time.sleep(2 * GRAIN_NS / 1e9)  # what is younger is not believed yet
    world.sync()
    return world


def test_it_says_what_the_whole_way_says(resting: World) -> None:
    """Word for word what the parsed command says, and the loop where no record is left."""
    said = answer(EVERYDAY)

    assert said is not None
    assert f"drifted: {NODES}" in said
    assert "1 module: 1 unchanged" in said
    assert resting.reconcile("--log-format", "console").out == said
    (resting.root / ".micropkgd/settled").unlink()
    assert resting.reconcile().out == said


def known(entry: EntryOutcome) -> tuple[object, ...]:
    """All that is known of an entry beside since when, and what was not to be done."""
    assert entry.plan is not None
    return entry._replace(plan=None, since=""), entry.plan.edited, entry.plan.formatted, entry.plan.held


def test_it_knows_what_a_whole_pass_knows(resting: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every field: a service that forgot where a requirement is looked up would not heed news of that bucket."""
    whole: list[Outcome] = []
    leave = short_way.leave_record

    def leaving(this: Pass, proposal: Proposal, watched: Watched, after: State, outcome: Outcome) -> None:
        whole.append(outcome)
        leave(this, proposal, watched, after, outcome)

    monkeypatch.setattr(cycle, "leave_record", leaving)
    resting.publish({"nodes.py": "B = 1\n"}, "1.0", "shelf/ds-1.0.tar.gz")
    table = "[tool.micropkgd.pull]\n"
    row = f'{table}"ds>=1" = {{index = "shelf/", alias = "tw"}}\n'
    resting.write("pyproject.toml", resting.read("pyproject.toml").replace(table, row))
    resting.sync()
    time.sleep(2 * GRAIN_NS / 1e9)
    (resting.root / settled.RECORD).unlink(missing_ok=True)
    resting.sync()
    again = settled_outcome(str(resting.root), apply=True)

    assert again is not None
    assert [entry.index_url for entry in again.outcome.entries] == ["shelf/", ""]
    assert [known(entry) for entry in again.outcome.entries] == [known(entry) for entry in whole[-1].entries]
    assert again.outcome.packages == whole[-1].packages


def test_the_check_of_a_lock_says_what_the_whole_way_says(resting: World) -> None:
    """Nothing of edits and own modules: for people, for programs, and where the lock may be written."""
    said = answer(CHECK)
    ways = [CHECK, (*CHECK, "--log-format", "console"), (*CHECK, "--json"), ("lock",), ("lock", "--json")]
    short = [resting.run(*way) for way in ways]
    (resting.root / ".micropkgd/settled").unlink()

    assert said == short[0].out
    assert [resting.run(*way) for way in ways] == short


def test_a_project_may_be_named(resting: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """From anywhere, and from a folder inside it."""
    said = answer(EVERYDAY)
    monkeypatch.chdir("/")

    assert answer([*EVERYDAY, str(resting.root / "src")]) == said
    assert said is not None


@pytest.mark.parametrize(
    "words", ["", "reconcile", "reconcile --once -q", "reconcile --once . .", "status", "lock", "reconcile --once /"]
)
def test_other_words_take_the_whole_way(resting: World, words: str) -> None:
    """Options, also where a folder is called like one, several projects, no project."""
    (resting.root / "-q").mkdir()

    assert answer(words.split()) is None


def append(path: str) -> Callable[[World], object]:
    """Change a file in place."""
    return lambda world: (world.root / path).open("a").write(" \n")


def make(path: str) -> Callable[[World], object]:
    """Write a file anew."""
    return lambda world: world.write(path, "")


def unlink(path: str) -> Callable[[World], object]:
    """Remove a file."""
    return lambda world: (world.root / path).unlink()


@pytest.mark.parametrize(
    "move",
    [
        pytest.param(append("pyproject.toml"), id="manifest"),
        pytest.param(append("micropkg.lock"), id="lock"),
        pytest.param(append("dist/ds.tar.gz"), id="archive"),
        pytest.param(append("src/shop/ds/__init__.py"), id="installed"),
        pytest.param(append("src/shop/own/__init__.py"), id="packaged module"),
        pytest.param(unlink("src/shop/ds/__init__.py"), id="removed"),
        pytest.param(unlink("dist/own-1.0.tar.gz"), id="own archive"),
        pytest.param(make(GONE), id="back again"),
        pytest.param(make("src/shop/own/new.py"), id="new in module"),
        pytest.param(make("src/shop/settings.py"), id="settings"),
        pytest.param(make(".micropkgd/suspended.json"), id="suspended"),
        pytest.param(make("src/tests/__init__.py"), id="layout"),
        pytest.param(make(".micropkgd/journal"), id="journal"),
        pytest.param(append(".micropkgd/state.json"), id="memory"),
        pytest.param(unlink(".micropkgd/settled"), id="no record"),
    ],
)
def test_whatever_moves_ends_it(resting: World, move: Callable[[World], object]) -> None:
    """The whole pass looks, and decides."""
    assert answer(EVERYDAY) is not None
    assert answer(CHECK) is not None
    move(resting)
    assert answer(EVERYDAY) is None
    assert answer(CHECK) is None


@pytest.mark.parametrize("name", ["pyproject.toml", "micropkg.lock"])
def test_a_record_that_is_older_than_a_document_is_not_read(
    resting: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """At a thousand entries it is a megabyte, and says nothing that still holds."""
    rest()
    os.utime(resting.root / name)
    monkeypatch.setattr(settled, "_own_bytes", lambda path: pytest.fail(path))

    assert answer(EVERYDAY) is None


def test_a_record_that_is_cut_short_takes_the_whole_way(resting: World) -> None:
    """Wherever a disk that was full, or went away, cut it."""
    record = resting.root / settled.RECORD
    data = record.read_bytes()
    assert answer(EVERYDAY) is not None
    for length in range(len(data)):
        record.write_bytes(data[:length])
        assert answer(EVERYDAY) is None, length


def test_the_record_of_an_earlier_version_goes(resting: World) -> None:
    """Nobody reads it any more."""
    former = resting.root / ".micropkgd/settled.json"
    former.write_text("{}")
    (resting.root / settled.RECORD).unlink()
    resting.sync()

    assert answer(EVERYDAY) is not None
    assert not former.exists()


def test_who_stands_in_the_project_asks_for_its_files_from_there(
    resting: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One look a file, and no way down to the project in it; from elsewhere the files are the same."""
    asked: list[str] = []
    look = os.lstat

    def asking(path: str) -> os.stat_result:
        asked.append(path)
        return look(path)

    monkeypatch.setattr(os, "lstat", asking)
    said = answer(EVERYDAY)
    here = [path for path in asked if path.endswith("/nodes.py")]
    asked.clear()
    monkeypatch.chdir("/")

    assert answer([*EVERYDAY, str(resting.root)]) == said
    assert here == [NODES]
    assert [path for path in asked if path.endswith("/nodes.py")] == [f"{resting.root}/{NODES}"]


@pytest.mark.parametrize("mark", [settled.SECTION, settled.ROW, settled.FIELD, "\0"])
def test_a_name_with_a_mark_of_the_record_is_not_recorded(world: World, mark: str) -> None:
    """It would be read as two."""
    (world.root / ".micropkgd").mkdir()
    before, asked = watch(str(world.root), [], []), AskedSources({}, None, {})
    for name, is_recorded in (("a name", True), (f"a{mark}name", False)):
        (world.root / settled.RECORD).unlink(missing_ok=True)
        with FsOps(str(world.root)) as fs:
            settle(fs, str(world.root), before, {name: None}, Outcome(str(world.root), ()), asked)
        assert (world.root / settled.RECORD).exists() is is_recorded


def test_a_file_from_before_1970_takes_the_whole_way(resting: World) -> None:
    """Its time is no number that the record knows."""
    os.utime(resting.root / "src/shop/ds/__init__.py", (-1, -1))

    assert answer(EVERYDAY) is None
    time.sleep(2 * GRAIN_NS / 1e9)
    resting.sync()
    assert answer(EVERYDAY) is None


def rest() -> None:
    """Let the clock tick: what is younger is not believed."""
    time.sleep(2 * GRAIN_NS / 1e9)


def edit(world: World) -> object:
    """Save another text."""
    return world.write(NODES, "A = 3\n")


def newer(world: World) -> object:
    """Publish a newer version."""
    return world.publish({"nodes.py": "A = 9\n"}, "2.0")


def own_module(world: World) -> object:
    """Package a module of the project's own."""
    world.write("src/shop/own/__init__.py", '__version__ = "1.0"\n')
    manifest = world.read("pyproject.toml")
    return world.write("pyproject.toml", f"{manifest}[tool.micropkgd.package]\nown = {{}}\n")


def command(*words: str) -> Callable[[World], object]:
    """Run a command."""
    return lambda world: world.run(*words)


PASS = command("reconcile", "--once")
HISTORIES: dict[str, tuple[Callable[[World], object], ...]] = {
    "in sync": (),
    "an edit": (edit,),
    "a file that is gone": (unlink(NODES),),
    "edited and looked at": (edit, PASS),
    "accepted": (edit, command("accept", ROW), PASS, PASS),
    "suspended": (command("suspend", ROW),),
    "suspended and seen": (command("suspend", ROW), PASS),
    "newer": (newer,),
    "updated": (newer, PASS, PASS),
    "locked alone": (newer, command("lock")),
    "held": (edit, newer, PASS, PASS),
    "kept": (edit, newer, PASS, command("resolve", ROW, "--keep"), PASS, PASS),
    "a row that left": (lambda world: world.manifest(""),),
    "gone and seen": (command("remove", ROW), PASS, PASS),
    "rolled back": (newer, PASS, command("rollback"), PASS, PASS),
    "a module": (own_module, PASS, PASS),
}
SETTLED = {"in sync", "newer", "updated", "gone and seen", "rolled back"}


@pytest.mark.parametrize("history", HISTORIES)
def test_status_by_the_record_is_that_by_the_tree(world: World, history: str) -> None:
    """Whatever happened before: the short way says the same, or leaves it to the whole one."""
    world.publish({"nodes.py": "A = 1\n"})
    world.asks_for()
    for step in (PASS, PASS, *HISTORIES[history]):
        step(world)
        rest()
    found = settled_status(str(world.root))

    assert found is None or found == project_status(str(world.root))
    assert (found is not None) is (history in SETTLED)


def test_status_asks_no_source(world: World) -> None:
    """So it is told from the record also where a pass must ask: what an index has by now is not looked at."""
    world.publish({"nodes.py": "A = 1\n"}, to="shelf/ds-1.0.tar.gz")
    world.manifest('"ds>=1" = {index = "shelf/"}')
    PASS(world)
    rest()
    PASS(world)
    found = settled_status(str(world.root))

    assert found is not None
    assert found == project_status(str(world.root))
    assert found.entries[0].index_url
    assert answer(EVERYDAY) is None
    world.publish({"nodes.py": "A = 2\n"}, "2.0", to="shelf/ds-2.0.tar.gz")
    assert settled_status(str(world.root)) == project_status(str(world.root))
    world.sync()
    assert "A = 2" in world.read(NODES)


@pytest.mark.parametrize(
    "change", [newer, lambda world: os.utime(world.root / "pyproject.toml")], ids=["newer", "touch"]
)
def test_a_pass_parses_each_document_once(
    resting: World, monkeypatch: pytest.MonkeyPatch, change: Callable[[World], object]
) -> None:
    """What it finds again to the byte, or has written itself, it knows already."""
    resting.write(NODES, "A = 1\n")
    change(resting)
    rest()
    parsed: list[str] = []
    words = {"manifest": b"[tool.micropkgd.pull]", "lock": b"lock-version"}
    read = documents.read_toml

    def reading(data: bytes) -> dict[str, object]:
        parsed.extend(name for name, word in words.items() if word in data)
        return read(data)

    monkeypatch.setattr(documents, "read_toml", reading)
    resting.sync()

    assert sorted(parsed) == ["lock", "manifest"]
    rest()
    resting.sync()
    assert answer(EVERYDAY) is not None


def test_a_change_looks_at_what_rests_as_often_as_it_must(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once to plan; neither by the record, for the archive that moved is looked at before, nor after the commit."""
    world.publish({"nodes.py": "A = 1\n"})
    world.publish({"nodes.py": "B = 1\n"}, to="dist/other.tar.gz")
    world.manifest(f'"{ROW}" = {{}}\n"dist/other.tar.gz" = {{alias = "other"}}')
    for _ in range(2):
        world.sync()
        rest()
    newer(world)
    rest()
    looked: list[str] = []
    look, look_below = os.lstat, os.stat

    def lstat(path: str) -> os.stat_result:
        looked.append(path.removeprefix(f"{world.root}/"))
        return look(path)

    def stat(path: str, **how: object) -> os.stat_result:
        looked.append(str(path))
        return look_below(path, **how)  # type: ignore[arg-type]

    with monkeypatch.context() as counted:
        counted.setattr(os, "lstat", lstat)
        counted.setattr(os, "stat", stat)
        world.sync()

    assert looked.count("src/shop/other/nodes.py") == 1
    assert looked.count("nodes.py") <= 4  # by the descriptor of a folder: of the entry that changed
    assert "A = 9" in world.read(NODES)
    rest()
    world.sync()
    assert answer(EVERYDAY) is not None
