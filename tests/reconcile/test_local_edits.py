"""The three-way table of docs/merging.md on disk, the policies, and a person's choice."""

import pytest

from tests.kit.world import World

NODES = "src/shop/ds/nodes.py"
BASE = "A = 1\n\n\nB = 1\n"
EDIT = "A = 1\n\n\nB = 'mine'\n"
BESIDE = ".micropkgd/conflicts/ds/theirs/src/shop/ds/nodes.py"


def after(world: World, ours: str | None, theirs: str | None, policy: str = "merge") -> int:
    """Pull `BASE`, change our file and the published one, and run a pass; None removes."""
    world.publish({"nodes.py": BASE, "stays.py": BASE})
    world.asks_for(policy=f'on-local-edit = "{policy}"')
    world.sync()
    if ours is None:
        (world.root / NODES).unlink()
    elif ours != BASE:
        world.write(NODES, ours)
    world.publish({"stays.py": BASE} | ({} if theirs is None else {"nodes.py": theirs}), version="2.0")
    return world.reconcile().code


@pytest.mark.parametrize("policy", ["merge", "hold", "overwrite"])
@pytest.mark.parametrize(
    ("ours", "theirs", "result"),
    [
        pytest.param(BASE, BASE, BASE, id="same-same"),
        pytest.param(BASE, "A = 2\n", "A = 2\n", id="same-changed"),
        pytest.param(BASE, None, None, id="same-removed"),
        pytest.param(EDIT, BASE, EDIT, id="edited-same"),
        pytest.param(EDIT, EDIT, EDIT, id="edited-equal"),
        pytest.param(None, BASE, BASE, id="missing-same"),
        pytest.param(None, None, None, id="missing-removed"),
    ],
)
def test_rows_that_no_policy_changes(
    world: World, ours: str | None, theirs: str | None, result: str | None, policy: str
) -> None:
    """Where ours and theirs do not disagree the file is what the table says, and the entry is in sync."""
    assert after(world, ours, theirs, policy) == 0
    assert (world.read(NODES) if world.has(NODES) else None) == result
    assert world.reconcile("--check").code == 0


@pytest.mark.parametrize("policy", ["merge", "hold"])
@pytest.mark.parametrize(
    ("ours", "theirs"), [pytest.param(None, "A = 2\n", id="deleted"), pytest.param(EDIT, None, id="edited")]
)
def test_a_deletion_on_one_side_and_a_change_on_the_other_is_a_question(
    world: World, ours: str | None, theirs: str | None, policy: str
) -> None:
    """Nobody's deletion is undone, and nobody's edit goes with a file; the entry stays as it is, whole."""
    assert after(world, ours, theirs, policy) == 4
    assert (world.read(NODES) if world.has(NODES) else None) == ours
    assert world.run("resolve", "ds", "--take").code == 0
    assert (world.read(NODES) if world.has(NODES) else None) == theirs
    assert world.reconcile("--check").code == 0


@pytest.mark.parametrize(
    ("policy", "theirs", "result", "code"),
    [
        pytest.param("merge", "A = 2\n\n\nB = 1\n", "A = 2\n\n\nB = 'mine'\n", 0, id="merge-clean"),
        pytest.param("merge", "A = 1\n\n\nB = 2\n", EDIT, 4, id="merge-conflict"),
        pytest.param("hold", "A = 2\n\n\nB = 1\n", EDIT, 4, id="hold"),
        pytest.param("overwrite", "A = 2\n\n\nB = 2\n", "A = 2\n\n\nB = 2\n", 0, id="overwrite"),
    ],
)
def test_an_edit_and_a_new_version(world: World, policy: str, theirs: str, result: str, code: int) -> None:
    """Merged where that is clean, held where not or where the owner says so, replaced where the owner says so."""
    assert after(world, EDIT, theirs, policy) == code
    assert world.read(NODES) == result


def test_overwrite_keeps_the_edit_aside(world: World) -> None:
    """Also a policy that replaces edits never loses one."""
    after(world, EDIT, "A = 2\n", "overwrite")
    kept = [path.read_bytes() for path in (world.root / ".micropkgd/kept").rglob("*") if path.is_file()]

    assert EDIT.encode() in kept


def test_a_merge_that_would_not_parse_is_held(world: World) -> None:
    """Two edits that are clean as text and broken as Python are a person's to join."""
    world.publish({"nodes.py": "X = [\n    1,\n    2,\n    3,\n]\n"})
    world.asks_for()
    world.sync()
    world.write(NODES, "X = (\n    1,\n    2,\n    3,\n)\n")
    world.publish({"nodes.py": "X = [\n    1,\n    2,\n] + [\n    3,\n]\n"}, version="2.0")

    assert world.reconcile().code == 4
    assert world.read(NODES).startswith("X = (\n")


def test_one_held_file_holds_the_whole_entry(world: World) -> None:
    """The tree is never a mix of two versions: neither code, nor lock, nor requirements move."""
    world.publish({"nodes.py": BASE, "other.py": "O = 1\n"})
    world.asks_for(policy='on-local-edit = "hold"')
    world.sync()
    world.write(NODES, EDIT)
    before = world.tree()
    data = world.publish({"nodes.py": "A = 2\n", "other.py": "O = 2\n"}, version="2.0")
    hint = "hint: decide on all that is held, or name files behind ds"
    assert f"{hint}\n" in world.reconcile("--dry-run").out
    said = world.reconcile()

    assert said.code == 4
    assert world.tree() == before | {"dist/ds.tar.gz": data}
    assert "held" in said.out
    assert "waiting: 2.0" in said.out
    for out in (said.out, world.reconcile("--dry-run").out):
        assert f"{hint}; the new version lies in .micropkgd/conflicts/ds/theirs\n" in out


def test_the_held_version_is_laid_beside_once(world: World) -> None:
    """A person finds the new version below `.micropkgd/conflicts`, and a second pass writes nothing."""
    assert after(world, EDIT, "A = 2\n", "hold") == 4
    assert world.read(BESIDE) == "A = 2\n"
    before = world.stamps()
    assert world.reconcile().code == 4
    assert world.stamps() == before


def test_a_held_version_that_changes_is_laid_beside_anew(world: World) -> None:
    """What lies beside is the newest version, and nothing of the one before."""
    after(world, EDIT, "A = 2\n", "hold")
    world.publish({"nodes.py": "A = 3\n"}, version="3.0")
    world.reconcile()

    assert world.read(BESIDE) == "A = 3\n"


@pytest.mark.parametrize(("choice", "result"), [("--keep", EDIT), ("--take", "A = 2\n")])
def test_a_choice_ends_the_conflict(world: World, choice: str, result: str) -> None:
    """After `resolve` the entry is in sync, the conflict folder is gone, and it stays so."""
    after(world, EDIT, "A = 2\n", "hold")

    assert world.run("resolve", "ds", choice).code == 0
    assert world.read(NODES) == result
    assert not world.has(BESIDE)
    assert world.reconcile("--check").code == 0


def test_a_kept_edit_is_drift_from_the_new_version(world: World) -> None:
    """`--keep` takes the new version as the base: it is asked again only when upstream moves on."""
    after(world, EDIT, "A = 2\n", "hold")
    world.run("resolve", "ds", "--keep")

    assert f"drifted: {NODES} (your edit is kept)" in world.reconcile().out


def test_resolve_merge_joins_what_the_policy_held(world: World) -> None:
    """`--merge` is a clean three-way merge of this one entry."""
    after(world, EDIT, "A = 2\n\n\nB = 1\n", "hold")

    assert world.run("resolve", "dist/ds.tar.gz", "--merge").code == 0
    assert world.read(NODES) == "A = 2\n\n\nB = 'mine'\n"


def test_resolve_merge_of_a_real_conflict_stays_held(world: World) -> None:
    """No conflict marker ever enters the package."""
    after(world, EDIT, "A = 1\n\n\nB = 2\n")

    assert world.run("resolve", "ds", "--merge").code == 4
    assert world.read(NODES) == EDIT


def test_resolving_what_is_not_held_is_an_error(world: World) -> None:
    """There is nothing to choose, and the message says where to look."""
    world.publish({"nodes.py": BASE})
    world.asks_for()
    world.sync()
    said = world.run("resolve", "ds", "--take")

    assert said.code == 2
    assert "is not held" in said.err
    assert "hint: see `micropkgd status`" in said.err


def test_a_foreign_file_is_never_overwritten(world: World) -> None:
    """A file that stood there first holds the entry, under every policy."""
    world.write(NODES, "MINE = 1\n")
    world.publish({"nodes.py": BASE})
    world.asks_for(policy='on-local-edit = "overwrite"')

    assert world.reconcile().code == 4
    assert world.read(NODES) == "MINE = 1\n"
    assert not world.has("src/shop/ds/__init__.py")


@pytest.mark.parametrize(("choice", "result"), [("--keep", "MINE = 1\n"), ("--take", BASE)])
def test_an_entry_that_a_foreign_file_holds_can_be_resolved(world: World, choice: str, result: str) -> None:
    """It was never installed, and is held all the same: the status says so, and a choice ends it."""
    world.write(NODES, "MINE = 1\n")
    world.publish({"nodes.py": BASE})
    world.asks_for()
    assert "held       dist/ds.tar.gz -> src/shop/ds  waiting: 1.0" in world.reconcile().out

    assert f"Held      dist/ds.tar.gz -> src/shop/ds  waiting: 1.0\n  LocalEdits: {NODES}" in world.run("status").out
    assert world.run("resolve", "dist/ds.tar.gz", choice).code == 0
    assert world.read(NODES) == result
    assert world.has("src/shop/ds/__init__.py")
    assert world.run("status").out.startswith("Ready     dist/ds.tar.gz -> src/shop/ds  1.0")


def test_a_foreign_file_with_the_same_bytes_is_adopted(world: World) -> None:
    """What is already there needs no write, and belongs to the entry from then on."""
    written = world.write(NODES, BASE)
    world.publish({"nodes.py": BASE})
    world.asks_for()
    before = written.stat()
    world.sync()

    assert (written.stat().st_ino, written.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert "src/shop/ds/nodes.py" in world.read("micropkg.lock")


def test_an_edited_file_that_upstream_dropped_is_the_persons_once_they_keep_it(world: World) -> None:
    """It stays, the command says so, and the lock no longer lists it."""
    world.publish({"nodes.py": BASE, "stays.py": BASE})
    world.asks_for()
    world.sync()
    world.write(NODES, EDIT)
    world.publish({"stays.py": BASE}, version="2.0")
    assert world.reconcile().code == 4
    said = world.run("resolve", "ds", "--keep")

    assert "release  src/shop/ds/nodes.py" in said.out
    assert "nodes.py" not in world.read("micropkg.lock")
    assert "nodes.py" not in world.reconcile("-v").out


def test_edited_parameters_follow_the_same_table(world: World) -> None:
    """Configuration is merged like code."""
    world.publish({"config/parameters_ds.yml": "a: 1\n\nb: 1\n"})
    world.asks_for()
    world.sync()
    world.write("conf/base/parameters_ds.yml", "a: 7\n\nb: 1\n")
    world.publish({"config/parameters_ds.yml": "a: 1\n\nb: 2\n"}, version="2.0")
    world.sync()

    assert world.read("conf/base/parameters_ds.yml") == "a: 7\n\nb: 2\n"


def test_undoing_an_edit_by_hand_ends_a_conflict(world: World) -> None:
    """A person who restores the old bytes lets the update through, and the conflict folder goes."""
    after(world, EDIT, "A = 2\n", "hold")
    world.write(NODES, BASE)
    world.sync()

    assert world.read(NODES) == "A = 2\n"
    assert not world.has(BESIDE)


def test_a_merged_file_is_drift_at_the_next_pass(world: World) -> None:
    """Also at the one that has nothing to look at."""
    assert after(world, EDIT, "A = 2\n\n\nB = 1\n") == 0

    assert f"drifted: {NODES}" in world.reconcile().out


def upgraded_by_another(world: World) -> None:
    """Version 2.0 in the lock, before the tree or an edit of it has been looked at here."""
    world.publish({"nodes.py": BASE})
    world.asks_for(policy='update = "locked"')
    world.sync()
    world.publish({"nodes.py": "A = 2\n\n\nB = 1\n"}, version="2.0")
    assert world.run("lock", "--upgrade").code == 0


def test_an_edit_of_the_version_before_merges_with_a_lock_that_was_upgraded_first(world: World) -> None:
    """The base is what was installed here and not what the lock has come to say."""
    upgraded_by_another(world)
    world.write(NODES, EDIT)
    world.sync()

    assert world.read(NODES) == "A = 2\n\n\nB = 'mine'\n"


def test_an_edit_that_git_has_merged_already_is_left_alone(world: World) -> None:
    """As after `git pull --autostash`, which brings the lock and joins the edit with the new version."""
    upgraded_by_another(world)
    world.write(NODES, "A = 2\n\n\nB = 'mine'\n")
    said = world.reconcile()

    assert said.code == 0, said
    assert f"drifted: {NODES}" in said.out
    assert world.read(NODES) == "A = 2\n\n\nB = 'mine'\n"


@pytest.mark.parametrize("moved", [False, True], ids=["new", "moved"])
@pytest.mark.parametrize(("choice", "result"), [("--take", "A = 1\n"), ("--keep", "MINE = 1\n")])
def test_a_choice_ends_a_conflict_with_a_file_that_was_there_first(
    world: World, moved: bool, choice: str, result: str
) -> None:
    """Also of an entry that was never installed, or whose old place still stands; status says that it is held."""
    world.publish({"nodes.py": "A = 1\n"})
    if moved:
        world.asks_for(alias="before")
        world.sync()
    world.write(NODES, "MINE = 1\n")
    world.asks_for()
    assert world.reconcile().code == 4
    assert "Held " in world.run("status").out

    assert world.run("resolve", "src/shop/ds", choice).code == 0
    assert world.read(NODES) == result
    assert not world.has("src/shop/before")
    assert "Ready " in world.run("status").out
