"""`resolve --edit` cut short: by signals, by tools that fail, by what others do while the editor is open.

Nothing that was saved is lost, no marker reaches the tree, and the words and exit codes are true.
"""

import signal
import sys
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.kit.joins import BOTH, MERGED, OURS, A, B, hold_two, script, use_tool
from tests.kit.terminal import CTRL_BACKSLASH, CTRL_C, Window
from tests.kit.world import World

BESIDE = MERGED.removesuffix("/merged")
LEFT_OVER = ".micropkgd/conflicts/left-over/ds-1"
FOR_EVER = "while :; do sleep 0.05; done"
OURSELVES = f"{sys.executable} -m micropkgd"


@pytest.fixture(autouse=True)
def _held(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    hold_two(world, monkeypatch, tmp_path_factory.mktemp("home"))


@pytest.fixture(autouse=True)
def _temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))


def edit(world: World, editor: str = "") -> Window:
    """The command, in a window."""
    return Window(world.root, "resolve", "ds", "--edit", **({"EDITOR": f"'{editor}'"} if editor else {}))


def wait_for(path: Path) -> None:
    """Wait until a program made a file."""
    end = monotonic() + 30
    while not path.exists():
        assert monotonic() < end, path
        sleep(0.02)


def as_before(world: World) -> bool:
    """Whether the tree has the edits, and no marker."""
    return [world.read(path) for path in (A, B)] == [OURS, OURS]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("kind", ["editor", "tool"])
def test_who_ends_it_ends_the_editor_first(world: World, tmp_path: Path, number: signal.Signals, kind: str) -> None:
    """It may save what it has; then the command ends as it was told, and leaves no folder of its own."""
    ready = tmp_path / "ready"
    program = script(tmp_path, f"trap 'echo X = 5 > \"$1\"; exit 1' TERM HUP; touch {ready}; {FOR_EVER}")
    if kind == "tool":
        use_tool("mine", cmd=f'exec "{program}" "$MERGED"')
    with edit(world, "" if kind == "tool" else program) as window:
        wait_for(ready)
        window.signal(number)
        assert window.ended() == 128 + number

    assert as_before(world)
    if kind == "editor":
        assert world.read(f"{MERGED}/{A}") == "X = 5\n"
    assert not list((tmp_path / "temporary").glob("micropkgd-*"))


def test_a_window_that_is_closed(world: World, tmp_path: Path) -> None:
    """The editor is hung up on, too, and what it saves then waits for `--merged`."""
    ready = tmp_path / "ready"
    editor = script(tmp_path, f"trap 'echo X = 5 > \"$1\"; exit 1' HUP; touch {ready}; {FOR_EVER}")
    with edit(world, editor) as window:
        wait_for(ready)
        window.close()
        assert window.ended() == 128 + signal.SIGHUP

    assert as_before(world)
    assert world.run("resolve", "ds", A, "--merged").code == 4
    assert world.run("resolve", "ds", B, "--keep").code == 0
    assert world.read(A) == "X = 5\n"


def test_killed_while_the_editor_goes_on(world: World, tmp_path: Path) -> None:
    """What is saved afterwards is where it would have been."""
    ready, go, saved = (tmp_path / name for name in ("ready", "go", "saved"))
    waits = f"trap '' HUP; touch {ready}; while ! test -e {go}; do sleep 0.05; done"
    editor = script(tmp_path, f'{waits}; for file; do echo "X = 3" > "$file"; done; touch {saved}')
    with edit(world, editor) as window:
        wait_for(ready)
        window.signal(signal.SIGKILL)
        assert window.ended() == -signal.SIGKILL
        world.publish({"a.py": "X = 8\n", "b.py": "X = 8\n"}, version="3.0")
        assert world.reconcile().code == 4
        go.touch()
        wait_for(saved)

    assert as_before(world)
    assert world.run("resolve", "ds", "--merged").code == 0
    assert [world.read(path) for path in (A, B)] == ["X = 3\n", "X = 3\n"]


def test_an_editor_that_never_ends(world: World, tmp_path: Path) -> None:
    """Ctrl-C ends it, and we say so."""
    ready = tmp_path / "ready"
    with edit(world, script(tmp_path, f"touch {ready}; exec sleep 600")) as window:
        wait_for(ready)
        window.press(CTRL_C)
        assert window.ended() == 4

    assert "was ended by signal 2" in window.shown
    assert as_before(world)


@pytest.mark.parametrize(("key", "name"), [(CTRL_C, "INT"), (CTRL_BACKSLASH, "QUIT")])
def test_keys_are_the_editors(world: World, tmp_path: Path, key: str, name: str) -> None:
    """One that has a use for them goes on, and so do we."""
    ready, pressed = tmp_path / "ready", tmp_path / "pressed"
    waits = f"while ! test -e {pressed}; do sleep 0.05; done"
    editor = script(
        tmp_path,
        f'trap \'touch {pressed}\' {name}; touch {ready}; {waits}; for file; do echo "X = 3" > "$file"; done',
    )
    with edit(world, editor) as window:
        wait_for(ready)
        window.press(key)
        assert window.ended() == 0

    assert f"joined   {A}\n" in window.shown


def test_what_a_tool_saved_before_it_failed(world: World, tmp_path: Path) -> None:
    """Git takes it back; we do not."""
    tool = script(tmp_path, f'echo "{BOTH.strip()}" > "$1"; exit 1')
    use_tool("mine", cmd=f'"{tool}" "$MERGED"', trustExitCode="true")
    with edit(world) as window:
        window.press("n\n")
        assert window.ended() == 4

    assert "`mine` ended with 1" in window.shown
    assert world.read(f"{MERGED}/{A}") == BOTH
    assert as_before(world)


def test_work_of_an_earlier_day(world: World, tmp_path: Path) -> None:
    """An editor that fails while it writes: what it was before lies beside, and the words say where."""
    world.write(f"{MERGED}/{A}", BOTH)
    for _ in range(2):
        with edit(world, script(tmp_path, ': > "$1"; kill -9 $$')) as window:
            assert window.ended() == 4
        assert f"as it was before: {BESIDE}/before-" in window.shown

    assert world.read(f"{BESIDE}/before-1/{A}") == BOTH
    assert as_before(world)


def test_the_version_was_installed_meanwhile(world: World, tmp_path: Path) -> None:
    """Somebody else took it; what the editor has not saved yet is set aside, too."""
    editor = script(
        tmp_path,
        f'echo unsaved > "$(dirname "$1")/.a.py.swp"; {OURSELVES} resolve ds --take > /dev/null; echo "X = 3" > "$1"',
    )
    with edit(world, editor) as window:
        assert window.ended() == 4

    assert "is not held any more as it was when it was opened" in window.shown
    assert world.read(A) == "X = 2\n"
    assert world.read(f"{LEFT_OVER}/merged/src/shop/ds/.a.py.swp") == "unsaved\n"


def test_another_version_lies_there_meanwhile(world: World, tmp_path: Path) -> None:
    """What was saved is of the one before, and is never taken for a merge of this one."""
    old = world.read("micropkg.lock")
    world.write("micropkg.lock", old)
    editor = script(
        tmp_path,
        f'{OURSELVES} resolve ds --keep > /dev/null; mkdir -p "$(dirname "$1")"; '
        f'cp {tmp_path}/next.tar.gz dist/ds.tar.gz; {OURSELVES} reconcile --once > /dev/null; echo "X = 9" > "$1"',
    )
    there = (world.root / "dist/ds.tar.gz").read_bytes()
    world.publish({"a.py": "X = 8\n", "b.py": "X = 8\n"}, version="3.0")
    (tmp_path / "next.tar.gz").write_bytes((world.root / "dist/ds.tar.gz").read_bytes())
    (world.root / "dist/ds.tar.gz").write_bytes(there)
    with edit(world, editor) as window:
        assert window.ended() == 4

    assert "is not held any more as it was when it was opened" in window.shown
    assert world.run("resolve", "ds", "--merged").code != 0
    assert as_before(world)
    kept = [path.read_text() for path in (world.root / ".micropkgd/conflicts/left-over").rglob("a.py")]
    assert "X = 9\n" in kept


def test_the_file_was_edited_meanwhile(world: World, tmp_path: Path) -> None:
    """In the tree, by another window: the merge is not of that."""
    editor = script(tmp_path, f'for file; do echo "X = 3" > "$file"; done; echo "X = 7" > {world.root}/{A}')
    with edit(world, editor) as window:
        assert window.ended() == 4

    assert f"open {A} ({A} was edited since this merge of it was laid)" in " ".join(window.shown.split())
    assert world.run("resolve", "ds", "--merged").code == 4
    assert world.read(A) == "X = 7\n"


def test_line_ends_of_the_editor(world: World, tmp_path: Path) -> None:
    """The file keeps its own, and nothing is set aside for that."""
    with edit(world, script(tmp_path, 'for file; do printf "X = 3\\r\\nY = 4\\r\\n" > "$file"; done')) as window:
        assert window.ended() == 0

    assert world.run("resolve", "ds", "--merged").code == 0
    assert (world.root / A).read_bytes() == b"X = 3\nY = 4\n"
    assert not (world.root / LEFT_OVER).exists()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("  <<<<<<< yours\nmine\n", "markers are left, in line 1"),
        ("mine\r<<<<<<< yours\rmine\r", "markers are left, in line 2"),
        ("<<<<<<< yours\nmine\n".encode("utf-16").decode("latin-1"), "has null bytes, as UTF-16 has"),
    ],
    ids=["indented", "ended by CR", "UTF-16"],
)
def test_markers_that_an_editor_wrote_otherwise(world: World, text: str, problem: str) -> None:
    """In a file that no parser knows."""
    world.publish({"a.py": "X = 2\n", "b.py": "X = 2\n", "notes.txt": "one\n"}, version="2.0")
    world.run("resolve", "ds", "--take")
    world.write("src/shop/ds/notes.txt", "mine\n")
    world.publish({"a.py": "X = 2\n", "b.py": "X = 2\n", "notes.txt": "two\n"}, version="3.0")
    assert world.reconcile().code == 4
    world.write(f"{MERGED}/src/shop/ds/notes.txt", text.encode("latin-1"))
    said = world.run("resolve", "ds", "--merged")

    assert said.code == 4
    assert problem in said.err
    assert world.read("src/shop/ds/notes.txt") == "mine\n"


@pytest.mark.parametrize(
    "options", [{"cmd": "'unclosed"}, {"cmd": "exit 3"}, {"cmd": ""}, {"cmd": "true # then nothing"}]
)
def test_a_tool_that_is_configured_wrongly(world: World, options: dict[str, str]) -> None:
    """Whatever git makes of it: nothing is taken, and there is no traceback."""
    use_tool("wrong", **options)
    with edit(world) as window:
        window.press("n\nn\nn\n")
        assert window.ended() == 4

    assert "Traceback" not in window.shown
    assert "<<<<<<<" in world.read(f"{MERGED}/{A}")
    assert as_before(world)


def test_no_copy_is_set_aside(world: World, tmp_path: Path) -> None:
    """That an editor made of what the file was before."""
    editor = script(tmp_path, 'for file; do cp "$file" "$file~"; echo "X = 3" > "$file"; done')
    with edit(world, editor) as window:
        assert window.ended() == 0

    assert world.run("resolve", "ds", "--merged").code == 0
    assert not (world.root / LEFT_OVER).exists()
