"""What others planted in a project, or a copy brought along: no pass acts on it, and nothing of it is deleted.

A clone, an archive, a backup and another user can put anything below `.micropkgd` and into `micropkg.lock`. Whatever
it says, only the declared places of entries change, and every end is one that people can read.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from micropkgd.model.tree import RelPath, digest_of
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory.settled import NUMBERS, ROW, SECTION
from micropkgd.workspace.transaction import journal
from micropkgd.workspace.transaction import journal_key as key
from tests.cli.test_imports import loaded
from tests.kit.faults import Call, Scene, changing_scene, fast_folder, hooking, in_child, kill_at, tree_of
from tests.kit.packages import CODE, module
from tests.kit.world import World

JOURNAL, ASIDE = ".micropkgd/journal", ".micropkgd/journal.foreign"
OWN = "src/shop/own.py"
SECRET = "SECRET = 1\n"


@pytest.fixture
def installed(world: World) -> World:
    """A project with one entry in place, and a file that is nobody's business but its owner's."""
    world.publish({"nodes.py": "A = 1\n"})
    world.asks_for()
    world.write(OWN, SECRET)
    world.sync()
    return world


def planted(name: str = OWN, **fields: object) -> bytes:
    """A journal that would delete a file, as one may write it who has no key but knows the folder."""
    operation = {
        "path": name, "staged": ".micropkgd/txn/zzz/0", "before": digest_of(SECRET.encode()), "after": None
    }  # fmt: skip
    document = {"schema": 2, "folder": "FOLDER", "id": "zzz", "undo": False, "folders": [], "floors": [],
                "operations": [operation], **fields}  # fmt: skip
    return json.dumps(document).replace('"FOLDER"', "FOLDER").encode()


def with_mark(data: bytes, mark: bytes = b"0" * 64) -> bytes:
    """Some mark below it."""
    return data + b"\n" + mark


JOURNALS = [
    pytest.param(b"", id="empty"),
    pytest.param(b"{}", id="no-keys"),
    pytest.param(b"[" * 100_000, id="deep"),
    pytest.param(b"\xff\xfe", id="no-text"),
    pytest.param(planted(schema=1), id="of-an-old-version"),
    pytest.param(with_mark(planted()), id="wrong-mark"),
    pytest.param(with_mark(planted(), b""), id="empty-mark"),
    pytest.param(with_mark(planted(schema=3)), id="of-a-newer-version"),
    pytest.param(with_mark(planted(), "\u00e9".encode()), id="mark-is-no-ascii"),
]


@pytest.mark.parametrize("data", JOURNALS)
def test_a_planted_journal_is_set_aside(installed: World, data: bytes) -> None:
    """The pass says so, does nothing of what it says, and does its own work."""
    data = data.replace(b"FOLDER", b"%d" % (installed.root / ".micropkgd").stat().st_ino)
    (installed.root / ".micropkgd/txn/zzz").mkdir(parents=True)
    (installed.root / JOURNAL).write_bytes(data)
    installed.publish({"nodes.py": "A = 2\n"}, version="2.0")
    said = installed.reconcile("--json")

    assert said.code == 0, said
    assert json.loads(said.out)["projects"][0]["set_aside"] == ASIDE
    assert "journal that is not yours" in said.err
    assert installed.read(OWN) == SECRET
    assert installed.read("src/shop/ds/nodes.py") == "A = 2\n"
    assert (installed.root / ASIDE).read_bytes() == data
    assert json.loads(installed.reconcile("--json").out)["projects"][0]["set_aside"] is None


def link(path: Path) -> None:
    """To something outside that is no journal."""
    path.symlink_to("/etc/hostname")


@pytest.mark.parametrize("make", [link, Path.mkdir, os.mkfifo])
def test_what_is_no_file_is_set_aside_too(installed: World, make: Callable[[Path], None]) -> None:
    """A link is not followed, a pipe not waited for."""
    make(installed.root / JOURNAL)

    assert installed.reconcile().code == 0
    assert not installed.has(JOURNAL)
    assert installed.has(ASIDE)


def test_those_set_aside_before_stay(installed: World) -> None:
    """None takes the place of an older one."""
    for number in range(3):
        (installed.root / JOURNAL).write_bytes(b"%d" % number)
        assert installed.reconcile().code == 0

    found = sorted(path.name for path in (installed.root / ".micropkgd").glob("journal.foreign*"))
    assert found == ["journal.foreign", "journal.foreign.2", "journal.foreign.3"]
    assert [(installed.root / ".micropkgd" / name).read_text() for name in found] == ["0", "1", "2"]


def interrupted(folder: Path) -> Scene:
    """A project whose pass was killed in the middle of its commit."""
    scene = changing_scene(folder)
    assert in_child(lambda: scene.run(hooking(after=at_first("exchange")))) == -signal.SIGKILL
    assert "journal" in scene.own("")
    return scene


def at_first(name: str) -> Callable[[Call], None]:
    """SIGKILL the own process at the first call of this name."""

    def kill(call: Call) -> None:
        if call.name == name:
            os.kill(os.getpid(), signal.SIGKILL)

    return kill


def staged(scene: Scene, txn: str) -> set[bytes]:
    """The bytes of what waits in `txn`."""
    return {path.read_bytes() for path in (scene.root / ".micropkgd" / txn).rglob("*") if path.is_file()}


def test_a_journal_that_a_copy_brought_is_set_aside_with_its_files(tmp_path: Path) -> None:
    """`cp -a` in the middle of a commit: the copy goes on from what is there, the original is finished."""
    scene = interrupted(tmp_path / "one")
    (tmp_path / "two").mkdir()
    copy = scene.copy(tmp_path / "two")
    waiting = staged(scene, "txn")

    outcome = copy.run()
    assert outcome.set_aside == ASIDE
    assert not outcome.recovered
    assert staged(copy, "txn.foreign") == waiting
    original = scene.run()
    assert original.recovered
    assert original.set_aside is None
    copy.run()
    assert copy.tree() == scene.tree()


@pytest.mark.parametrize("who", ["another user", "another machine"])
def test_a_journal_of_somebody_else_is_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, who: str) -> None:
    """Everything in its place, but it is not this user's, or was signed with a key of another machine."""
    scene = interrupted(tmp_path)
    if who == "another user":
        os.chown(scene.root / JOURNAL, os.getuid() + 1, -1)
    else:
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    assert scene.run().set_aside == ASIDE


def test_killed_while_setting_aside(tmp_path: Path) -> None:
    """Killed at any call, the next pass finds the journal, or all that came with it, set aside and whole."""
    with fast_folder() as memory:
        scene = interrupted(memory / "one")
        waiting = staged(scene, "txn")
        for number in count(1):
            (memory / f"copy{number}").mkdir()
            copy = scene.copy(memory / f"copy{number}")
            status = in_child(lambda: copy.run(hooking(kill_at(number))))  # noqa: B023
            copy.run()
            assert staged(copy, "txn.foreign") == waiting
            assert sum(name.startswith("journal.foreign") for name in copy.own("")) == 1
            shutil.rmtree(copy.folder)
            if status == 0:
                return


def test_a_journal_that_is_copied_back_does_no_harm(tmp_path: Path) -> None:
    """One of ours, of a commit long finished, that somebody puts in place again: digests say that it is done."""
    scene = interrupted(tmp_path)
    old = (scene.root / JOURNAL).read_bytes()
    scene.run()
    (scene.root / OWN).write_text(SECRET)
    before = scene.tree()
    (scene.root / JOURNAL).write_bytes(old)
    scene.run()
    assert scene.tree() == before


# The key


def test_the_key_is_for_one_user_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made by the first commit in the user's state folder, and the same from then on."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "some" / "state"))
    scene = changing_scene(tmp_path / "one")
    path = tmp_path / "some/state/micropkgd/key"
    made = path.read_bytes()
    scene.run()

    assert len(made) == 32
    assert path.read_bytes() == made
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert os.listdir(path.parent) == ["key"]
    assert "key" not in scene.own("")


def test_without_a_home_the_key_is_in_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nowhere else to write, an interrupted commit is finished all the same."""
    (tmp_path / "file").touch()
    for home in (tmp_path / "file", "relative"):
        monkeypatch.setenv("XDG_STATE_HOME", str(home))
        monkeypatch.setenv("HOME", "nowhere")
        scene = interrupted(tmp_path / f"with {Path(home).name}")
        assert (scene.root / ".micropkgd/key").stat().st_mode & 0o777 == 0o600
        outcome = scene.run()
        assert (outcome.recovered, outcome.set_aside) == (True, None)


def test_a_home_of_another_user_is_not_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As under a `sudo` that keeps HOME: what root left there its owner could not read."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with FsOps(str(tmp_path)) as fs:
        fs.make_folder(RelPath(".micropkgd"))
        key.own_key(fs)

    assert os.listdir(tmp_path) == [".micropkgd"]


@pytest.mark.parametrize("spoil", [lambda path: path.chmod(0o644), lambda path: path.write_bytes(b"short")])
def test_a_key_that_others_may_know_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Path], object]
) -> None:
    """As git would bring it along into a clone, where no home keeps one: a journal that it signed is set aside."""
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null/nowhere")
    scene = interrupted(tmp_path)
    spoil(scene.root / ".micropkgd/key")

    assert scene.run().set_aside == ASIDE
    assert (scene.root / ".micropkgd/key").stat().st_mode & 0o777 == 0o600
    assert (scene.root / ".micropkgd/key").stat().st_size == 32
    assert scene.run().set_aside is None


def test_processes_that_make_the_key_at_once_have_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first wins, and the others take its key."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "project").mkdir()
    made = os.urandom

    def meanwhile(size: int) -> bytes:
        if size == 32:  # another process makes one while this one draws its own
            monkeypatch.setattr(os, "urandom", made)
            with FsOps(str(tmp_path / "project")) as fs:
                keys.append(key.own_key(fs))
        return made(size)

    keys: list[bytes] = []
    monkeypatch.setattr(os, "urandom", meanwhile)
    with FsOps(str(tmp_path / "project")) as fs:
        keys.append(key.own_key(fs))

    assert len(set(keys)) == 1
    assert os.listdir(tmp_path / "state/micropkgd") == ["key"]


def test_a_pass_with_nothing_to_do_needs_no_key(installed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the short way nor the whole loop reads it, or loads what it is used with."""

    def no_key(fs: FsOps) -> bytes:
        raise AssertionError("the key was read")

    monkeypatch.setattr(journal, "own_key", no_key)
    for _ in range(2):
        installed.sync()
        installed.write("pyproject.toml", installed.read("pyproject.toml"))
    assert "hmac" not in loaded(installed, "status")
    assert "hmac" not in loaded(installed, "reconcile", "--once")


@pytest.mark.parametrize("version", ["2", "4"])
@pytest.mark.parametrize("inside", ["", "mono/repo"])
def test_doctor_says_that_git_tracks_the_state(world: World, version: str, inside: str) -> None:
    """What is committed reaches every clone, where it is not believed."""
    project = World(world.root / inside) if inside else world
    project.publish({"nodes.py": ""})
    project.asks_for()
    assert project.reconcile(str(project.root)).code == 0
    for path in ("a/.micropkgd/x", ".micropkgd.txt", *("+" * length for length in range(2, 10))):  # names are padded
        project.write(path, "")
    git = ["git", "-C", str(world.root)]
    for command in ("init -q", f"update-index --index-version {version}", "add ."):
        subprocess.run([*git, *command.split()], check=True)
    assert "git tracks" not in project.run("doctor", "--project", str(project.root)).out
    subprocess.run([*git, "add", "-f", str(project.root / ".micropkgd/state.json")], check=True)

    said = project.run("doctor", "--project", str(project.root)).out
    assert "git tracks .micropkgd/state.json, so that every clone gets it" in said
    assert "hint: git rm -r --cached .micropkgd" in said


# What else lies in `.micropkgd`


def test_a_planted_commit_is_no_history(installed: World) -> None:
    """`rollback` takes nothing back that this user did not commit."""
    folder = installed.root / ".micropkgd/kept/zzz"
    folder.mkdir()
    (folder / "journal").write_bytes(with_mark(planted(operations=[
        {"path": OWN, "staged": ".micropkgd/txn/zzz/0", "before": digest_of(b"EVIL = 1\n"),
         "after": digest_of(SECRET.encode())}])))  # fmt: skip
    (folder / "0").write_bytes(b"EVIL = 1\n")
    os.utime(folder / "journal", (2e9, 2e9))

    assert "zzz" not in installed.run("history").out
    assert installed.run("rollback", "--to", "zzz").code == 2
    assert installed.run("rollback").code == 0
    assert installed.read(OWN) == SECRET
    assert not installed.has("src/shop/ds/nodes.py")


def test_a_copy_of_a_project_keeps_its_past(installed: World) -> None:
    """What this user did can be taken back in a copy too."""
    copy = World(installed.root.with_name("copy"))
    shutil.rmtree(copy.root)
    shutil.copytree(installed.root, copy.root, symlinks=True)

    assert copy.run("rollback", "--project", str(copy.root)).code == 0
    assert not copy.has("src/shop/ds/nodes.py")


def state_of(world: World) -> dict[str, dict[str, object]]:
    """What this machine remembers."""
    found = json.loads(world.read(".micropkgd/state.json"))
    assert isinstance(found, dict)
    return found


def test_a_state_that_lists_other_files_deletes_none(installed: World) -> None:
    """Even one that the machine itself could have written: what is not in an entry's places was never put there."""
    state = state_of(installed)
    (label,) = state["applied"]
    planted = {OWN: digest_of(SECRET.encode()), ".micropkgd/lock": digest_of(b"")}
    state["applied"][label] = [digest_of(b"archive"), planted]
    installed.write(".micropkgd/state.json", json.dumps(state))
    installed.publish({"other.py": "A = 2\n"}, version="2.0")
    installed.sync()

    assert installed.read(OWN) == SECRET
    assert installed.has(".micropkgd/lock")


def test_a_state_that_says_what_lock_left_deletes_no_other_files(installed: World) -> None:
    """What is not in the places of what it says was left was never put there."""
    state = state_of(installed)
    state["left"] = {"dist/x.tar.gz -> src/shop/x": [digest_of(b"archive"), {OWN: digest_of(SECRET.encode())}]}
    installed.write(".micropkgd/state.json", json.dumps(state))
    installed.publish({"other.py": "A = 2\n"}, version="2.0")
    installed.sync()

    assert installed.read(OWN) == SECRET


def test_the_state_of_another_folder_is_forgotten(installed: World) -> None:
    """A clone brings along what another folder remembers: no line that a person wrote goes because of it."""
    lines = "# Additional requirements from micro-package `ds`:\nmine\n"
    policy = 'requirements-file = "requirements.txt"'
    installed.asks_for(policy=policy)
    installed.write("requirements.txt", lines)
    installed.sync()
    installed.write(".micropkgd/state.json", json.dumps(state_of(installed) | {"requirements": {"ds": ["mine"]}}))
    clone = World(installed.root.with_name("clone"))
    shutil.rmtree(clone.root)
    shutil.copytree(installed.root, clone.root)

    assert clone.reconcile(str(clone.root)).code == 0
    assert clone.read("requirements.txt") == lines
    installed.asks_for(policy=policy)
    installed.sync()
    assert installed.read("requirements.txt") == lines  # nor here: the lock says whose a line is


def test_a_planted_record_of_rest_does_not_stop_a_pass(installed: World) -> None:
    """One that watches nothing would say for ever that all is well."""
    path = installed.root / ".micropkgd/settled"
    text, *_ = path.read_bytes().partition(NUMBERS)
    schema, asking, _, *groups, entries, packages = text.decode().split(SECTION)
    planted = SECTION.join([schema, asking, "", *(ROW for _ in groups), entries, packages])
    path.write_bytes(planted.encode() + NUMBERS)
    installed.publish({"nodes.py": "A = 2\n"}, version="2.0")
    installed.sync()

    assert installed.read("src/shop/ds/nodes.py") == "A = 2\n"


RECORDS = ["state.json", "builds.json", "settled", "by-hand.lock", "kept", "conflicts", "txn", "journal"]


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize("what", ["endless", "pipe", "folder", "dangling", "outside"])
def test_no_planted_thing_stops_or_leads_a_pass_away(installed: World, name: str, what: str) -> None:
    """A link to a device without end, a pipe, a link elsewhere: the pass ends, and elsewhere is as it was."""
    path, elsewhere = installed.root / ".micropkgd" / name, installed.root.with_name("elsewhere")
    (elsewhere / "sub").mkdir(parents=True)
    (elsewhere / "file").write_text("mine")
    before = tree_of(elsewhere)
    with suppress(FileNotFoundError):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    if what == "pipe":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    else:
        path.symlink_to({"endless": "/dev/zero", "dangling": "nowhere", "outside": str(elsewhere)}[what])
    installed.publish({"nodes.py": "A = 2\n"}, version="2.0")
    ended = installed.spawn("reconcile", "--once")

    assert ended.returncode in {0, 1}, ended
    assert "Traceback" not in ended.stderr
    assert tree_of(elsewhere) == before
    assert installed.read(OWN) == SECRET


DOCUMENTS = ["micropkg.lock", "src/shop/settings.py", ".micropkgd/by-hand.lock"]


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("what", ["endless", "pipe", "folder"])
@pytest.mark.parametrize("command", ["reconcile --once", "pull dist/other.tar.gz --alias other"])
def test_no_document_without_end_is_read(installed: World, name: str, what: str, command: str) -> None:
    """A clone can bring a link to a device in the place of a document that is read; so can an archive a pipe."""
    path = installed.root / name
    path.unlink(missing_ok=True)
    if what == "endless":
        path.symlink_to("/dev/zero")
    else:
        {"pipe": os.mkfifo, "folder": os.mkdir}[what](path)
    installed.write("dist/other.tar.gz", (installed.root / "dist/ds.tar.gz").read_bytes())
    limit = f"ulimit -v 2000000; exec {sys.executable} -m micropkgd {command}"
    ended = subprocess.run(
        ["sh", "-c", limit], cwd=installed.root, capture_output=True, text=True, timeout=60, check=False
    )

    assert ended.returncode in {0, 1}, ended
    assert "Traceback" not in ended.stderr
    assert installed.read(OWN) == SECRET


WITHOUT_END = [
    (f"{CODE}/requirements.txt", "package pipelines.ds"),
    (f"{CODE}/.gitignore", "package pipelines.ds"),
    ("src/shop/__init__.py", "package pipelines.ds"),
    ("options.yml", "reconcile --once"),
    (".git/index", "doctor"),
    (".micropkgd/.gitignore", "reconcile --once"),
]


@pytest.mark.parametrize(("path", "command"), WITHOUT_END)
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_no_file_without_end_is_read(world: World, path: str, command: str, make: Callable[[Path], None]) -> None:
    """Whatever stands where a file of the project should: the command ends, and names it where it needs it."""
    version = '__version__ = "1.0"\n' if path.startswith(CODE) else ""  # else it is looked for above the module
    module(world, {"__init__.py": version, "/.git/HEAD": ""})
    world.manifest('"https://127.0.0.1:9/ds.tar.gz" = {fs-args = "options.yml"}')
    (world.root / path).unlink(missing_ok=True)
    (world.root / path).parent.mkdir(exist_ok=True)
    make(world.root / path)
    limit = f"ulimit -v 2000000; exec {sys.executable} -m micropkgd {command}"
    ended = subprocess.run(["sh", "-c", limit], cwd=world.root, capture_output=True, text=True, timeout=60, check=False)

    assert ended.returncode in {0, 1, 2}, ended
    assert "Traceback" not in ended.stderr
    assert command == "doctor" or "cannot" in ended.stdout + ended.stderr


@pytest.mark.parametrize("state", ["edited", "accepted", "held", "moving"])
def test_no_edit_larger_than_any_file_of_an_archive_is_read(installed: World, state: str) -> None:
    """A branch, or a person, may put gigabytes where a pulled file was: they are hashed, kept, and never in memory."""
    path = installed.root / "src/shop/ds/nodes.py"
    if state != "edited":
        path.write_text("A = 0\n")
    if state == "accepted":
        assert installed.run("accept", "ds").code == 0
    elif state == "held":
        installed.publish({"nodes.py": "A = 2\n"}, version="2.0")
        assert installed.reconcile().code == 4
    elif state == "moving":
        installed.asks_for(alias="elsewhere")
    with path.open("wb") as file:
        file.truncate(300 << 20)
    for command in ("reconcile --once", "verify", "diff --edits"):
        limit = f"ulimit -v 350000; exec {sys.executable} -m micropkgd {command}"
        ended = subprocess.run(["sh", "-c", limit], cwd=installed.root, capture_output=True, text=True, check=False)
        assert ended.returncode in {0, 1, 2, 4, 6}, ended
        assert "Traceback" not in ended.stderr
        assert command != "reconcile --once" or ended.returncode == {"edited": 0, "accepted": 0}.get(state, 4), ended
    assert path.stat().st_size == 300 << 20
    assert installed.read(OWN) == SECRET


def test_no_manifest_without_end_is_searched(tmp_path: Path) -> None:
    """The service looks into each folder that a glob finds; a pipe there must not stop all projects."""
    for name in ("pipe", "shop"):
        (tmp_path / name).mkdir()
    os.mkfifo(tmp_path / "pipe" / "pyproject.toml")
    (tmp_path / "shop" / "pyproject.toml").write_text("[tool.micropkgd]\n")
    program = (
        "from micropkgd.model.settings import Group\n"
        "from micropkgd.machine.projects import find_projects\n"
        f"print(*find_projects([Group(({str(tmp_path / '*')!r},))]))\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)

    assert ended.stdout.split() == [str((tmp_path / "shop").resolve())]


def test_settings_nested_without_end_are_an_error(installed: World) -> None:
    """What cannot be parsed is told, and nothing is put where only a guess leads."""
    installed.write("src/shop/settings.py", "CONF_SOURCE = " + "-" * 20_000 + "1\n")
    said = installed.reconcile()

    assert said.code == 2
    assert "settings.py: cannot be parsed by Python" in said.err


@pytest.fixture(params=["txn", "kept", "conflicts"])
def endless(installed: World, request: pytest.FixtureRequest) -> Iterator[World]:
    """A project with folders that are deeper in each other than descriptors and stacks allow."""
    top = installed.root / ".micropkgd" / request.param
    top.mkdir(exist_ok=True)
    os.chdir(top)
    for _ in range(1500):
        os.mkdir("d")
        os.chdir("d")
    os.chdir(installed.root)
    yield installed
    subprocess.run(["rm", "-rf", top], check=True)  # Python's own way gives up


def test_folders_without_end_are_an_error_for_people(endless: World) -> None:
    """As a clone can bring them: there is no traceback, and no other file suffers."""
    endless.publish({"nodes.py": "A = 2\n"}, version="2.0")
    said = endless.reconcile()

    assert said.code in {0, 1}, said
    assert endless.read(OWN) == SECRET


# Two users

NOBODY = 65534


@pytest.fixture
def shared() -> Iterator[Scene]:
    """A project with an update waiting, where any user can go and read; the archive is in its cache already."""
    with fast_folder() as folder:
        scene = changing_scene(folder / "one")
        copy = scene.copy(Path(tempfile.mkdtemp(dir=folder)))
        copy.run()  # loads all that a pass needs, and fetches: another user can read neither
        for path in (folder, *folder.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
        yield scene
        for path in folder.rglob("*"):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)


def give(path: Path) -> None:
    """Make all below a folder the other user's; who is no other user can give nothing away, and keeps it."""
    for each in (path, *path.rglob("*")):
        if os.geteuid() == 0:
            os.chown(each, NOBODY, NOBODY, follow_symlinks=False)


def deny(path: Path) -> None:
    """Make a folder and what is in it one that the other user may not write to."""
    if os.geteuid() == 0:
        for each in (path, *path.rglob("*")):
            os.chown(each, 0, 0)
    for each in (*path.rglob("*"), path):
        each.chmod(0o555 if each.is_dir() else 0o444)


def as_another(scene: Scene) -> int:
    """One pass by another user where this one is root, else by this one, who has been denied as much."""

    def work() -> None:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        said.append(scene.run().exit_code)
        os._exit(40 + said[0])

    said: list[int] = []
    return in_child(work)


def test_a_project_of_another_user_is_an_error_for_people(shared: Scene) -> None:
    """Who may not write there is told so, and nothing changes."""
    give(shared.cache)
    deny(shared.root)
    before = shared.tree()

    assert as_another(shared) == 3
    assert shared.tree() == before


def test_a_state_folder_of_another_user_is_an_error_for_people(shared: Scene) -> None:
    """As `sudo micropkgd` may have left it."""
    give(shared.folder)
    deny(shared.root / ".micropkgd")
    before = shared.tree()

    assert as_another(shared) == 3
    assert shared.tree() == before


def test_a_folder_of_another_user_fails_its_entry_alone(shared: Scene) -> None:
    """The other entries are applied."""
    give(shared.folder)
    deny(shared.root / "src/shop/beta")
    beta = tree_of(shared.root / "src/shop/beta")

    assert as_another(shared) == 41
    assert tree_of(shared.root / "src/shop/beta") == beta
    assert shared.text("src/shop/alpha/new.py") == "NEW = 1\n"


def test_an_ordinary_user_has_a_pass_without_a_home(shared: Scene) -> None:
    """The key is in the project then, and nobody else can read it."""
    give(shared.folder)

    assert as_another(shared) == 44  # delta is held
    assert shared.text("src/shop/alpha/new.py") == "NEW = 1\n"
    if os.geteuid() == 0:
        assert (shared.root / ".micropkgd/key").stat().st_mode & 0o777 == 0o600
