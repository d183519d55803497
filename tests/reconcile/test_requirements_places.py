"""Requirements that are to stand elsewhere by now: all lines of entries move, and none is left behind."""

import os
import shutil
import tomllib
from itertools import permutations

import pytest

from tests.kit.git import git
from tests.kit.world import KEDRO, World, archive

AA, BB = "dist/aa.tar.gz", "dist/bb.tar.gz"
PLACES = {
    "": "requirements.in",
    'requirements-file = "requirements.txt"': "requirements.txt",
    'requirements-file = "needs/all.in"': "needs/all.in",
    'requirements-group = "micropkg"': "micropkg",
    'requirements-group = "shared"': "shared",
}
MICROPKG = 'requirements-group = "micropkg"'
TXT = 'requirements-file = "requirements.txt"'


def asks(world: World, policy: str, *rows: str) -> None:
    """The manifest with another policy and these rows; groups that stand in it stay."""
    groups = world.read("pyproject.toml").partition("\n[dependency-groups]\n")[2]
    lines = "".join(f'"{row}" = {{alias = "{row[5:7]}"}}\n' for row in rows or (AA, BB))
    text = f"{KEDRO}\n[tool.micropkgd]\n{policy}\n\n[tool.micropkgd.pull]\n{lines}"
    world.write("pyproject.toml", f"{text}\n[dependency-groups]\n{groups}" if groups else text)


def installed(world: World, policy: str) -> None:
    """Two entries that share a line, at a place."""
    world.write("requirements.in", "own\n")
    world.write(AA, archive({"nodes.py": "A = 1\n"}, "1", ("pandas>=2", "numpy")))
    world.write(BB, archive({"nodes.py": "B = 1\n"}, "1", ("scipy", "pandas>=2")))
    asks(world, policy)
    world.sync()


def lines(world: World) -> dict[str, list[str]]:
    """The lines of entries by the place that they stand in; of groups and files that have any."""
    groups = tomllib.loads(world.read("pyproject.toml")).get("dependency-groups", {})
    found = {name: sorted(group) for name, group in groups.items() if group}
    for path in ("requirements.in", "requirements.txt", "needs/all.in"):
        text = world.read(path) if world.has(path) else ""
        asked = [line for line in text.splitlines() if line in {"numpy", "pandas>=2", "scipy"}]
        if asked or "micro-package" in text:
            found[path] = sorted(asked)
    return found


@pytest.mark.parametrize(("old", "new"), list(permutations(PLACES, 2)))
def test_they_move(world: World, old: str, new: str) -> None:
    """From each place to each other: nothing is left, a clone comes to the same, and there is nothing more to do."""
    installed(world, old)
    asks(world, new)
    pending = world.reconcile("--dry-run", "--check")
    clone = World(world.root.parent / "clone")
    shutil.rmtree(clone.root)
    shutil.copytree(world.root, clone.root, ignore=shutil.ignore_patterns(".micropkgd"))
    said = world.reconcile()

    assert pending.code == 3, pending
    assert said.code == 0, said
    assert f"requirements in {'pyproject.toml' if 'group' in new else PLACES[new]} changed" in said.out
    twice = [] if "group" in new else ["pandas>=2"]  # each entry has all of its lines in a file
    assert lines(world) == {PLACES[new]: sorted(["numpy", "pandas>=2", "scipy", *twice])}
    stamps = world.stamps()
    world.sync()
    assert world.stamps() == stamps
    assert world.reconcile("--locked").code == 0
    os.chdir(clone.root)
    clone.sync()
    assert clone.tree() == world.tree()


@pytest.mark.parametrize("new", [place for place in PLACES if place != ""])
def test_there_and_back_is_the_same(world: World, new: str) -> None:
    """Lock and usual file are what they were, byte by byte."""
    installed(world, "")
    before = world.read("requirements.in"), world.read("micropkg.lock")
    asks(world, new)
    world.sync()
    asks(world, "")
    world.sync()
    assert (world.read("requirements.in"), world.read("micropkg.lock")) == before


def test_what_a_person_made_of_a_block_moves_along(world: World) -> None:
    """A line that was capped, one that was taken out, and a comment; of a group, they stay in the file."""
    installed(world, "")
    text = world.read("requirements.in").replace("pandas>=2\n", "pandas>=2,<3  # ours\n", 1).replace("scipy\n", "")
    world.write("requirements.in", text)
    asks(world, TXT)
    world.sync()
    assert world.read("requirements.in") == "own\n"
    assert world.read("requirements.txt") == text.replace("own\n", "kedro\n")
    asks(world, MICROPKG)
    world.sync()
    label = "# Additional requirements from micro-package `aa`:"
    assert world.read("requirements.txt") == f"kedro\n\n{label}\npandas>=2,<3  # ours\n"
    assert lines(world)["micropkg"] == ["numpy", "pandas>=2", "scipy"]


def test_a_file_that_somebody_renamed_is_taken_as_it_is(world: World) -> None:
    """Nothing is asked for again."""
    installed(world, "")
    text = world.read("requirements.in").replace("numpy\n", "")
    world.write("needs/all.in", text)
    (world.root / "requirements.in").unlink()
    asks(world, 'requirements-file = "needs/all.in"')
    world.sync()
    assert world.read("needs/all.in") == text
    assert not world.has("requirements.in")
    asks(world, TXT)
    world.sync()
    assert set(lines(world)) == {"requirements.txt"}


def test_entries_change_come_and_leave_meanwhile(world: World) -> None:
    """In the very pass that moves the lines."""
    installed(world, "")
    world.write(AA, archive({"nodes.py": "A = 2\n"}, "2", ("pandas>=2", "polars")))
    asks(world, TXT, AA)
    world.sync()
    assert world.read("requirements.in") == "own\n"
    label = "# Additional requirements from micro-package `aa`:"
    assert world.read("requirements.txt") == f"kedro\n\n{label}\npandas>=2\npolars\n"
    world.write(AA, archive({"nodes.py": "A = 3\n"}, "3", ("scipy",)))
    asks(world, MICROPKG, AA, BB)
    world.sync()
    assert world.read("requirements.txt") == "kedro\n"
    assert lines(world) == {"micropkg": ["pandas>=2", "scipy"]}


@pytest.mark.parametrize("new", [TXT, MICROPKG])
def test_they_go_where_they_stood(world: World, new: str) -> None:
    """With the last entries, in the very pass that was to move them."""
    installed(world, "")
    world.manifest("", new)
    world.sync()
    assert world.read("requirements.in") == "own\n"
    assert lines(world) == {}
    assert world.reconcile("--locked").code == 0


def test_where_they_cannot_move_all_stay(world: World) -> None:
    """Whoever asks for lines fails; nothing is half moved, and once it is mended they move."""
    installed(world, "")
    world.write("requirements.txt", "kedro==1.0 --hash=sha256:aa\n")
    asks(world, TXT)
    before = world.tree()
    said = world.reconcile()
    assert said.code == 1
    assert said.out.count("it lists hashes, and pip refuses it as soon as one line has none") >= 2
    assert world.tree() == before
    world.write("requirements.txt", "kedro\n")
    world.sync()
    assert set(lines(world)) == {"requirements.txt"}

    world.write("requirements.txt", world.read("requirements.txt").encode("utf-16"))
    asks(world, MICROPKG)
    before = world.tree()
    said = world.reconcile()
    assert said.code == 1
    assert "requirements.txt: it is written in UTF-16" in said.out
    assert world.tree() == before


def test_a_lock_alone_moves_none(world: World) -> None:
    """`lock` leaves the tree as it is; what is locked first has no other place."""
    installed(world, "")
    world.write(AA, archive({"nodes.py": "A = 2\n"}, "2", ("polars",)))
    asks(world, MICROPKG)
    assert world.run("lock", "--upgrade").code == 0
    assert set(lines(world)) == {"requirements.in"}
    world.sync()
    assert lines(world) == {"micropkg": ["pandas>=2", "polars", "scipy"]}


def test_a_first_lock_knows_the_place(world: World) -> None:
    """So that installing it changes the lock no more."""
    world.write(AA, archive({"nodes.py": "A = 1\n"}, "1", ("numpy",)))
    asks(world, MICROPKG, AA)
    assert world.run("lock").code == 0
    before = world.read("micropkg.lock")
    assert 'lock-version = "1.3"\ncreated-by = "micropkgd"\nrequirements-group = "micropkg"\n' in before
    assert world.reconcile("--locked").code == 0
    assert world.read("micropkg.lock") == before
    assert lines(world) == {"micropkg": ["numpy"]}


def test_locked_and_frozen(world: World) -> None:
    """The one says that they are to move, the other leaves them where they are."""
    installed(world, "")
    asks(world, MICROPKG)
    before = world.tree()
    said = world.reconcile("--locked")
    assert said.code == 3
    assert "requirements stand in requirements.in, and are to stand in the dependency group `micropkg`" in said.err
    assert world.reconcile("--frozen").code == 0
    assert world.tree() == before


def test_a_lock_of_before_says_no_place(world: World) -> None:
    """Lines that stand where they should stay, and `--locked` is content; a pass says the place from then on."""
    installed(world, TXT)
    now = world.read("micropkg.lock")
    old = now.replace('requirements-file = "requirements.txt"\n', "").replace('"1.3"', '"1.1"')
    assert old != now
    world.write("micropkg.lock", old)
    before = world.tree()
    assert world.reconcile("--locked").code == 0
    assert world.tree() == before
    world.sync()
    assert world.tree() == {**before, "micropkg.lock": now.encode()}


def test_a_rollback_brings_them_back(world: World) -> None:
    """As they were; the policy then moves them again."""
    installed(world, "")
    before = world.tree()
    asks(world, TXT)
    world.sync()
    moved = world.tree()
    assert world.run("rollback").code == 0
    assert {**world.tree(), "pyproject.toml": b""} == {**before, "pyproject.toml": b""}
    world.sync()
    assert world.tree() == moved


def test_branches_that_differ_merge(world: World) -> None:
    """One moves the lines while the other takes an entry in: after both, all stand in one place."""
    world.write(".gitignore", ".micropkgd\n")
    world.write(AA, archive({"nodes.py": "A = 1\n"}, "1", ("numpy",)))
    world.write(BB, archive({"nodes.py": "B = 1\n"}, "1", ("scipy",)))
    asks(world, "", AA)
    world.sync()
    git(world.root, "init", "-q", "-b", "main")
    git(world.root, "add", "-A")
    git(world.root, "commit", "-q", "-m", "begin")
    git(world.root, "checkout", "-q", "-b", "other")
    asks(world, "", AA, BB)
    world.sync()
    git(world.root, "commit", "-q", "-a", "-m", "bb")
    git(world.root, "add", "-A")
    git(world.root, "commit", "-q", "-m", "bb", "--allow-empty")
    needs = world.read("requirements.in")
    git(world.root, "checkout", "-q", "main")
    asks(world, MICROPKG, AA)
    world.sync()
    git(world.root, "add", "-A")
    git(world.root, "commit", "-q", "-m", "group")
    world.write(".gitattributes", "micropkg.lock merge=micropkgd\n")
    ours, base, theirs = (world.root.parent / name for name in ("ours", "base", "theirs"))
    for file, revision in ((ours, "main"), (base, "main~1"), (theirs, "other")):
        file.write_bytes(git(world.root, "show", f"{revision}:micropkg.lock").encode())
    assert world.run("lock", "--merge-driver", str(base), str(ours), str(theirs)).code == 0
    world.write("micropkg.lock", ours.read_bytes())
    world.write("requirements.in", needs)  # as somebody may solve it
    asks(world, MICROPKG, AA, BB)
    world.sync()
    assert lines(world) == {"micropkg": ["numpy", "scipy"]}


@pytest.mark.parametrize("old", PLACES)
@pytest.mark.parametrize("new", PLACES)
@pytest.mark.parametrize("state", ["left the manifest", "held"])
def test_lines_of_what_the_lock_alone_moved_on(world: World, old: str, new: str, state: str) -> None:
    """The tree still has the version before, whatever the lock says by now: its lines move, and no others."""
    hold = 'on-local-edit = "hold"\nprune = false\n'
    installed(world, f"{hold}{old}")
    if state == "held":
        world.write("src/shop/bb/nodes.py", "B = 1  # mine\n")
        world.write(BB, archive({"nodes.py": "B = 2\n"}, "2", ("polars",)))
        assert world.run("lock", "--upgrade", BB).code == 0
    else:
        asks(world, old, AA)
        assert world.run("lock").code == 0
    before = lines(world)
    asks(world, f"{hold}{new}", *([AA] if state != "held" else [AA, BB]))
    said = world.reconcile()

    assert said.code == (4 if state == "held" else 0), said
    assert {*lines(world)[PLACES[new]]} == {*before[PLACES[old]]} == {"numpy", "pandas>=2", "scipy"}
    assert list(lines(world)) == [PLACES[new]]
    assert "polars" not in world.read("pyproject.toml" if "group" in new else PLACES[new])
