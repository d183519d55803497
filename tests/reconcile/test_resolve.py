"""`resolve REF [PATH ...]`: a held entry is settled file by file, and applied when all of it is, as one transaction."""

import json
import shlex
from functools import partial
from pathlib import Path

import pytest

from micropkgd.model.choice import Conflict, Decision
from micropkgd.model.tree import RelPath
from tests.kit.faults import Recorder, Scene, hooking, in_child, kill_at
from tests.kit.world import ROW, World

A, B, C = (f"src/shop/ds/{name}.py" for name in "abc")
MERGED = ".micropkgd/conflicts/ds/merged"
BASE = "X = 1\n\n\nY = 1\n"
OURS = "X = 'mine'\n\n\nY = 1\n"
THEIRS = "X = 2\n\n\nY = 1\n"
CLEAN = ("X = 1\n\n\nY = 'mine'\n", "X = 2\n\n\nY = 'mine'\n")  # an edit that does not collide, and its merge


def held(world: World, policy: str = "") -> None:
    """`a.py` and `b.py` collide, `c.py` would merge, `d.py` nobody edited."""
    world.publish({f"{name}.py": BASE for name in "abcd"})
    world.asks_for(policy=policy)
    world.sync()
    world.write(A, OURS)
    world.write(B, OURS)
    world.write(C, CLEAN[0])
    world.publish({f"{name}.py": THEIRS for name in "abcd"}, version="2.0")
    assert world.reconcile().code == 4


def texts(world: World) -> list[str]:
    """The four files."""
    return [world.read(f"src/shop/ds/{name}.py") for name in "abcd"]


@pytest.mark.parametrize(("choice", "text"), [("--keep", OURS), ("--take", THEIRS)])
def test_a_word_without_files_is_for_what_is_held_and_nothing_else(world: World, choice: str, text: str) -> None:
    """What merges cleanly merges: neither their change nor the person's line is lost."""
    held(world)

    assert world.run("resolve", "ds", choice).code == 0
    assert texts(world) == [text, text, CLEAN[1], THEIRS]
    assert world.reconcile("--check").code == 0


def test_a_hint_means_what_is_held_also_where_its_row_has_a_new_ref(world: World) -> None:
    """The old ref left the manifest, and stands in the lock under the same name until the choice is made."""
    world.publish({"a.py": BASE})
    world.asks_for()
    world.sync()
    world.write(A, OURS)
    world.publish({"a.py": THEIRS}, version="2.0", to="dist/ds-2.tar.gz")
    world.asks_for("dist/ds-2.tar.gz")
    said = world.reconcile()
    assert "micropkgd resolve ds --take" in said.out
    assert world.run("resolve", "ds", "--take").code == 0
    assert world.read(A) == THEIRS


def test_files_are_decided_one_by_one(world: World) -> None:
    """Nothing is applied before the last one is, and then everything at once."""
    held(world)
    before = world.tree()
    said = world.run("resolve", "ds", A, "--keep")
    assert said.code == 4
    assert "nothing newer is looked for" not in said.out
    assert "nothing newer is looked for" in world.reconcile().out
    assert world.tree() == before
    assert f"  decided  {A}  (keep)\n" in said.out
    assert f"  hold     {B}  " in said.out

    done = world.run("resolve", "ds", B, "--take")
    assert done.code == 0
    assert "nothing newer is looked for" not in done.out
    assert texts(world) == [OURS, THEIRS, CLEAN[1], THEIRS]
    assert len(json.loads(world.run("history", "--json").out)["projects"][0]["commits"]) == 2
    assert world.reconcile("--check").code == 0


@pytest.mark.parametrize("between", [(), ("--offline",), ("--locked",)])
def test_what_was_decided_is_remembered(world: World, between: tuple[str, ...]) -> None:
    """Through passes of every kind, and a newer version that comes meanwhile waits its turn."""
    held(world)
    world.run("resolve", "ds", A, "--keep")
    world.publish({f"{name}.py": "X = 3\n\n\nY = 1\n" for name in "abcd"}, version="3.0")
    said = world.reconcile(*between, "--json")
    if between != ("--locked",):
        (entry,) = json.loads(said.out)["projects"][0]["entries"]
        assert entry["decided"] == [{"path": A, "choice": "keep"}]
        assert entry["waiting"]["version"] == "2.0"
    assert world.run("resolve", "ds", "--take").code == 0

    assert texts(world) == [OURS, THEIRS, CLEAN[1], THEIRS]
    assert world.reconcile().code == 4


def test_a_decision_is_changed_by_another(world: World) -> None:
    """The last word about a file counts."""
    held(world)
    world.run("resolve", "ds", A, "--take")
    world.run("resolve", "ds", A, "--keep")
    world.run("resolve", "ds", B, "--keep")

    assert texts(world)[:2] == [OURS, OURS]


def test_a_file_that_was_edited_since_is_asked_about_again(world: World) -> None:
    """Who chose to give one edit up did not mean the next."""
    held(world)
    world.run("resolve", "ds", A, "--take")
    world.write(A, "X = 'mine, and more'\n\n\nY = 1\n")
    said = world.run("resolve", "ds", B, "--keep")

    assert said.code == 4
    assert f"  hold     {A}  " in said.out
    assert world.read(A).startswith("X = 'mine, and more'")


def test_files_are_named_from_where_one_stands(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Like any command does it, and a folder stands for what is held in it."""
    held(world)
    monkeypatch.chdir(world.root / "src/shop/ds")
    assert world.run("resolve", "ds", "a.py", "--keep").code == 4
    monkeypatch.chdir(world.root)
    assert world.run("resolve", "ds", "src/shop/", "--take").code == 0

    assert texts(world)[:2] == [THEIRS, THEIRS]


def test_a_file_that_is_not_held_cannot_be_decided(world: World) -> None:
    """The message names those that can."""
    held(world)
    said = world.run("resolve", "ds", C, "--take")

    assert said.code == 2
    assert f"error: `{C}` is not among the files to decide" in said.err
    assert f"hint: these are: {A}, {B}" in said.err


def test_a_dry_run_decides_nothing(world: World) -> None:
    """It says what would be done, also in JSON."""
    held(world)
    before = world.stamps()
    assert world.run("resolve", "ds", A, "--keep", "--dry-run").code == 4
    said = world.run("resolve", "ds", "--take", "--dry-run", "--json")

    assert said.code == 0
    (entry,) = json.loads(said.out)["projects"][0]["entries"]
    assert {(change["path"], change["kind"]) for change in entry["changes"]} >= {(A, "update"), (C, "merge")}
    assert world.stamps() == before


def test_a_merge_that_collides_names_the_lines_and_what_to_do(world: World) -> None:
    """Exit 4, and nothing has changed."""
    held(world)
    before = world.tree()
    said = world.run("resolve", "ds", "--merge")

    assert said.code == 4
    assert f"  collides {A}  (line 1 with line 1 of 2.0; {MERGED}/{A}:1)\n" in said.out
    assert f"    micropkgd resolve ds --merged  # take what you made of {MERGED}\n" in said.out
    assert world.tree() == before


def test_a_merge_that_collides_decides_nothing(world: World) -> None:
    """A later word for all is for that file, too."""
    held(world)
    said = world.run("resolve", "ds", A, "--merge")
    assert said.code == 4
    assert "  decided  " not in said.out
    assert world.run("resolve", "ds", "--keep").code == 0

    assert texts(world) == [OURS, OURS, CLEAN[1], THEIRS]


def test_merge_joins_what_the_policy_alone_held(world: World) -> None:
    """Of the files that are named, where nothing collides."""
    held(world, 'on-local-edit = "hold"')
    assert world.run("resolve", "ds", C, "--merge").code == 4
    assert world.run("resolve", "ds", "--keep").code == 0

    assert texts(world) == [OURS, OURS, CLEAN[1], THEIRS]


def test_every_hint_can_be_pasted(world: World) -> None:
    """A line a choice; the name is the short one, and quoted where it must be."""
    held(world)
    commands = [shlex.split(line, comments=True) for line in world.reconcile().out.splitlines() if "    micro" in line]

    assert [command[:3] for command in commands[:3]] == [
        ["micropkgd", "diff", "ds"],
        ["micropkgd", "resolve", "ds"],
        ["micropkgd", "resolve", "ds"],
    ]
    assert world.run(*commands[2][1:]).code == 0
    assert world.read(A) == THEIRS


def test_a_name_that_two_entries_have_is_not_offered(world: World) -> None:
    """Then the ref is, in quotes where the shell needs them."""
    world.publish({"a.py": BASE}, to="dist/d s.tar.gz")
    world.manifest('"dist/d s.tar.gz" = {destination = "one"}\n"dist/ds.tar.gz" = {destination = "two"}')
    world.publish({"a.py": BASE})
    world.sync()
    world.write("src/shop/one/ds/a.py", OURS)
    world.publish({"a.py": THEIRS}, "2.0", to="dist/d s.tar.gz")
    said = world.reconcile()

    assert "    micropkgd resolve 'dist/d s.tar.gz' --keep " in said.out


@pytest.mark.parametrize("choice", ["--keep", "--take"])
def test_a_deletion_can_be_decided_alone(world: World, choice: str) -> None:
    """Kept, the manifest says so; the other file waits on."""
    held(world)
    (world.root / C).unlink()
    world.reconcile()
    assert world.run("resolve", "ds", C, choice).code == 4
    assert ("keep-deleted" in world.read("pyproject.toml")) == (choice == "--keep")
    assert world.run("resolve", "ds", "--take").code == 0

    assert world.has(C) == (choice == "--take")
    assert world.reconcile("--check").code == 0


def test_what_was_joined_is_taken(world: World) -> None:
    """With whatever else was decided."""
    held(world)
    world.write(f"{MERGED}/{A}", "X = ('mine', 2)\n\n\nY = 1\n")
    said = world.run("resolve", "ds", A, "--merged")
    assert said.code == 4
    assert f"  decided  {A}  (merged)\n" in said.out
    assert world.run("resolve", "ds", "--keep").code == 0

    assert texts(world) == ["X = ('mine', 2)\n\n\nY = 1\n", OURS, CLEAN[1], THEIRS]
    assert not world.has(".micropkgd/conflicts/ds")
    assert not world.has(".micropkgd/conflicts/left-over")
    assert world.reconcile("--check").code == 0


def test_all_that_lies_beside_can_be_taken_at_once(world: World) -> None:
    """Once both are joined."""
    held(world)
    for path in (A, B):
        world.write(f"{MERGED}/{path}", f"X = '{path}'\n")

    assert world.run("resolve", "ds", "--merged").code == 0
    assert texts(world) == [f"X = '{A}'\n", f"X = '{B}'\n", CLEAN[1], THEIRS]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(None, "markers are left, in lines 1, 3, 5, 7", id="as-laid"),
        pytest.param("X = (\n", "cannot be parsed: line 1: '(' was never closed", id="syntax"),
        pytest.param("X = 2\n=======\nX = 3\n", "markers are left, in line 2", id="one-left"),
    ],
)
def test_what_is_not_joined_yet_is_not_taken(world: World, text: str | None, problem: str) -> None:
    """The message says where; nothing has changed, and nothing of the other file is taken either."""
    held(world)
    if text is not None:
        world.write(f"{MERGED}/{A}", text)
    world.write(f"{MERGED}/{B}", "X = 'both'\n")
    before = world.tree()
    said = world.run("resolve", "ds", "--merged")

    assert said.code == 4
    assert f"error: {MERGED}/{A}: {problem} [MPK503]\n" in said.err
    assert "hint: " in said.err
    assert world.tree() == before
    assert world.read(f"{MERGED}/{B}") == "X = 'both'\n"


@pytest.mark.parametrize(
    ("name", "base", "ours", "theirs", "joined", "problem"),
    [
        ("p.yml", "a: 1\n", "a: 7\n", "a: 2\n", "a: [1\n", "p.yml: cannot be parsed: "),
        ("p.json", '{"a": 1}\n', '{"a": 7}\n', '{"a": 2}\n', '{"a":\n', "p.json: cannot be parsed: "),
        ("p.toml", "a = 1\n", "a = 7\n", "a = 2\n", "a = \n", "p.toml: cannot be parsed: "),
    ],
)
def test_documents_that_are_broken_are_not_taken(
    world: World, name: str, base: str, ours: str, theirs: str, joined: str, problem: str
) -> None:
    """Whatever their name says they are."""
    path = f"src/shop/ds/{name}"
    world.publish({name: base})
    world.asks_for()
    world.sync()
    world.write(path, ours)
    world.publish({name: theirs}, version="2.0")
    assert world.reconcile().code == 4
    world.write(f"{MERGED}/{path}", joined)
    said = world.run("resolve", "ds", "--merged")

    assert said.code == 4
    assert problem in said.err
    assert world.read(path) == ours


def test_what_else_lies_in_merged_is_not_taken(world: World) -> None:
    """An editor that wrote another file, or a link in place of the merge, changes nothing."""
    held(world)
    world.write(f"{MERGED}/src/shop/ds/a_joined.py", "X = 'elsewhere'\n")
    assert "markers are left" in world.run("resolve", "ds", A, "--merged").err
    (world.root / MERGED / A).unlink()
    (world.root / MERGED / A).symlink_to("a_joined.py")
    said = world.run("resolve", "ds", A, "--merged")

    assert said.code == 4
    assert f"error: {MERGED}/{A}: a symbolic link stands there in place of the merge [MPK503]\n" in said.err


def test_an_edit_that_came_after_the_merge_was_laid_is_not_replaced(world: World) -> None:
    """What was joined does not have it."""
    held(world)
    world.write(f"{MERGED}/{A}", "X = 'both'\n")
    world.write(A, "X = 'mine, and more'\n")
    said = world.run("resolve", "ds", A, "--merged")

    assert said.code == 4
    assert f"{A} was edited since this merge of it was laid" in said.err
    assert world.read(A) == "X = 'mine, and more'\n"


def test_an_entry_that_left_is_kept_or_taken_whole(world: World) -> None:
    """There is no file of it to name."""
    world.publish({"a.py": BASE})
    world.asks_for()
    world.sync()
    world.write(A, OURS)
    world.manifest("")
    assert world.reconcile().code == 4
    said = world.run("resolve", "ds", A, "--keep")

    assert said.code == 2
    assert "is not among the files to decide" in said.err
    assert world.run("resolve", ROW, "--keep").code == 0
    assert world.read(A) == OURS


def test_a_single_edit_can_be_taken_back(world: World) -> None:
    """Of an entry that nothing holds, too."""
    world.publish({"a.py": BASE, "b.py": BASE})
    world.asks_for()
    world.sync()
    world.write(A, OURS)
    world.write(B, OURS)

    assert world.run("resolve", "ds", A, "--take").code == 0
    assert [world.read(A), world.read(B)] == [BASE, OURS]


def test_killed_while_what_was_joined_is_applied(tmp_path: Path) -> None:
    """At any call: the work stands in the tree or beside it, and the next `resolve` takes it."""
    name = "src/shop/delta/both.py"
    scene = Scene(tmp_path / "scene")
    scene.ask_for("delta")
    scene.publish("delta", {"delta/both.py": BASE, "delta/other.py": BASE})
    scene.run()
    scene.publish("delta", {"delta/both.py": THEIRS, "delta/other.py": THEIRS}, "2")
    scene.write({name: OURS, "src/shop/delta/other.py": OURS})
    (entry,) = scene.run().entries
    work = f".micropkgd/conflicts/delta/merged/{name}"
    scene.write({work: "X = 'both'\n"})
    paths = {RelPath(name): Conflict.JOINED, RelPath("src/shop/delta/other.py"): Conflict.KEEP}
    decision = {entry.ref: Decision(None, paths, {RelPath(name): b"X = 'both'\n"})}
    calls = Recorder()
    scene.copy(tmp_path / "whole").run(calls, choices=decision)
    assert len(calls.calls) > 10
    for number in range(1, len(calls.calls) + 1):
        copy = scene.copy(tmp_path / str(number))
        killed = partial(copy.run, hooking(kill_at(number)), choices=decision)
        assert in_child(killed) == -9
        assert "X = 'both'\n" in {copy.text(name), copy.text(work)}
        assert copy.text(name) in {OURS, "X = 'both'\n"}
        copy.run()
        if copy.text(name) == OURS:
            assert copy.text(work) == "X = 'both'\n"
            copy.run(choices=decision)
        assert (copy.text(name), copy.text("src/shop/delta/other.py")) == ("X = 'both'\n", OURS)
        assert copy.run().exit_code == 0


def test_a_version_that_cannot_be_had_any_more_keeps_what_was_decided(world: World) -> None:
    """The entry fails, with the way out, and a word for the rest decides nothing behind a person's back."""
    held(world)
    world.run("resolve", "ds", A, "--keep")
    archive = world.publish({f"{name}.py": "X = 3\n\n\nY = 1\n" for name in "abcd"}, version="3.0")
    world.forget_archives()
    before = texts(world)
    for words in (("reconcile", "--once"), ("resolve", "ds", "--take"), ("reconcile", "--once")):
        said = world.run(*words)
        assert said.code == 6
        assert "hint: .micropkgd/conflicts/ds is of that version: move it away to go on with what is newest" in said.out
        assert texts(world) == before
    world.publish({f"{name}.py": THEIRS for name in "abcd"}, version="2.0")
    assert world.run("resolve", "ds", "--take").code == 0
    assert texts(world)[:2] == [OURS, THEIRS]
    world.write(ROW, archive)
    assert world.reconcile().code == 4


def test_what_changed_before_its_turn_is_not_decided(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pass of the service came first and holds another version; or somebody saved the file once more."""
    from micropkgd.cli.commands import resolve as command

    held(world)
    passes = vars(command)["passes"]
    meanwhile: list[partial[bytes] | partial[Path]] = [partial(world.publish, {"a.py": "X = 3\n"}, version="3.0")]

    def late(*asked: object) -> object:
        meanwhile.pop()()
        assert world.reconcile().code == 4
        return passes(*asked)

    monkeypatch.setattr(command, "passes", late)
    said = world.run("resolve", "ds", "--take")
    assert (said.code, "nothing was decided of it" in said.err) == (4, True)
    assert texts(world)[:2] == [OURS, OURS]

    meanwhile.append(partial(world.write, A, "X = 'mine, once more'\n"))
    said = world.run("resolve", "ds", "--take")
    assert (said.code, "nothing was decided of it" in said.err) == (4, True)
    assert texts(world)[0] == "X = 'mine, once more'\n"

    monkeypatch.setattr(command, "passes", passes)
    said = world.run("resolve", "ds", "--take")
    assert (said.code, said.err) == (0, "")
