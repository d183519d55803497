"""The command line as a person uses it: editing the manifest, odd places, odd terminals, signals."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from micropkgd.cli.passes import passes
from micropkgd.model.outcome import Outcome
from tests.kit.daemon import PATIENCE, until
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.world import ROW, World, archive

NODES = "src/shop/ds/nodes.py"
ONE = {"nodes.py": "A = 1\n"}
MANIFEST = """\
# a comment at the top
[tool.kedro]
package_name = "shop"      # aligned
project_name   =   'shop'
kedro_init_version = "0.19.15"

[tool.micropkgd.pull]
# the first one
"dist/ds.tar.gz" = {}   # trailing

[tool.ruff]
line-length = 88
"""


def test_add_keeps_comments_and_layout(world: World) -> None:
    """One row is added, every other byte stays, and the entry is installed."""
    world.publish(ONE)
    world.publish(ONE, to="dist/b.tar.gz")
    world.write("pyproject.toml", MANIFEST)
    said = world.run("add", "dist/b.tar.gz", "--alias", "bb", "-d", "pipelines", "-e", "uat")
    row = '"dist/b.tar.gz" = {alias = "bb", destination = "pipelines", env = "uat"}\n'
    text = world.read("pyproject.toml")

    assert said.code == 0
    assert row in text
    assert text.replace(row, "") == MANIFEST
    assert world.has("src/shop/pipelines/bb/nodes.py")


def test_add_makes_the_table(world: World) -> None:
    """A manifest without a pull table gets ours at its end."""
    world.publish(ONE)
    world.write("pyproject.toml", MANIFEST.partition("[tool.micropkgd.pull]")[0])

    assert world.run("add", ROW).code == 0
    assert '[tool.micropkgd.pull]\n"dist/ds.tar.gz" = {}\n' in world.read("pyproject.toml")


def test_remove_keeps_comments_and_layout(world: World) -> None:
    """The row goes with its trailing comment, every other byte stays, and so do the entry's files go."""
    world.publish(ONE)
    world.write("pyproject.toml", MANIFEST)
    world.sync()

    assert world.run("remove", "ds").code == 0
    assert world.read("pyproject.toml") == MANIFEST.replace('"dist/ds.tar.gz" = {}   # trailing\n', "")
    assert not world.has("src/shop/ds")


def test_remove_finds_the_row_in_kedro_s_table(world: World) -> None:
    """The row is taken from the table it stands in."""
    world.publish(ONE)
    world.write("pyproject.toml", MANIFEST.replace("tool.micropkgd.pull", "tool.kedro.micropkg.pull"))
    world.sync()

    assert world.run("remove", "src/shop/ds").code == 0
    assert ROW not in world.read("pyproject.toml")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        pytest.param(("dist/none.tar.gz",), 1, "there is no file", id="missing"),
        pytest.param((ROW, "--alias", "class"), 2, "alias `class` is a Python keyword", id="alias"),
        pytest.param((ROW, "-d", "../up"), 2, "leaves the package folder", id="destination"),
        pytest.param(("dist\\ds.tar.gz",), 2, "backslash", id="ref"),
        pytest.param((ROW, "--sha256", "0" * 64), 6, "is not the archive that was asked for", id="pin"),
        pytest.param(("dist/bad.tar.gz",), 6, "gzip", id="archive"),
    ],
)
def test_a_failed_add_leaves_the_manifest(world: World, arguments: tuple[str, ...], code: int, words: str) -> None:
    """`pyproject.toml` is as before, byte for byte, and so is the rest of the tree."""
    world.publish(ONE)
    world.write("dist/bad.tar.gz", "x")
    world.write("pyproject.toml", MANIFEST.replace('"dist/ds.tar.gz" = {}   # trailing\n', "").replace("\n", "\r\n"))
    before = world.tree()
    said = world.run("add", *arguments)

    assert said.code == code
    assert words in said.out + said.err
    assert world.tree() == before


def test_an_add_that_ends_with_the_project_leaves_the_manifest(world: World) -> None:
    """A lock that cannot be read ends the pass before it begins: the row is taken back."""
    world.publish(ONE)
    world.publish(ONE, to="dist/b.tar.gz")
    world.asks_for()
    world.sync()
    lock = world.read("micropkg.lock")
    world.write("micropkg.lock", f"<<<<<<< HEAD\n{lock}=======\n{lock}>>>>>>> other\n")
    before = world.tree()
    said = world.run("add", "dist/b.tar.gz", "--alias", "other")

    assert said.code == 2
    assert said.err.startswith(
        "`dist/b.tar.gz` was not added: pyproject.toml is as before\nerror: micropkg.lock: line 1 "
    )
    assert world.tree() == before


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit(143), RuntimeError("a bug"), MemoryError])
def test_an_add_that_is_cut_short_leaves_the_manifest(
    world: World, monkeypatch: pytest.MonkeyPatch, end: BaseException
) -> None:
    """Whatever ended the pass: interrupted, ended, out of memory, or a fault of ours."""
    monkeypatch.setattr("micropkgd.cli.commands.add.passes", lambda *_: raising(end))
    world.publish(ONE)
    before = world.tree()
    with suppress(BaseException):
        world.run("add", ROW)

    assert world.tree() == before


def raising(end: BaseException) -> list[Outcome]:
    """A pass that ends like this."""
    raise end


def test_an_add_that_failed_after_it_was_done_stays(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is locked and installed keeps its row: without it, the next pass would remove what this one brought."""

    def fail_late(*arguments: Any) -> list[Outcome]:
        passes(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr("micropkgd.cli.commands.add.passes", fail_late)
    world.publish(ONE)
    said = world.run("add", ROW)

    assert said.err.startswith("`dist/ds.tar.gz` was added before the pass failed\n")
    assert ROW in world.read("pyproject.toml")
    assert world.reconcile().out.endswith("1 entry: 1 unchanged\n")


def test_a_manifest_that_was_saved_meanwhile_is_not_put_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person's save is never lost; what stays is said."""

    def saved(*_: object) -> list[Outcome]:
        world.write("pyproject.toml", f"{world.read('pyproject.toml')}# saved\n")
        raise KeyboardInterrupt

    monkeypatch.setattr("micropkgd.cli.commands.add.passes", saved)
    world.publish(ONE)
    said = world.run("add", ROW)

    assert said.err.startswith("the row of `dist/ds.tar.gz` could not be taken out of pyproject.toml again: ")
    assert world.read("pyproject.toml").endswith("# saved\n")


def test_the_failure_of_another_entry_is_no_reason(world: World) -> None:
    """What fails beside the new entry was so before."""
    world.publish(ONE)
    world.asks_for("dist/none.tar.gz")
    said = world.run("add", ROW)

    assert said.code == 1
    assert said.err == ""
    assert ROW in world.read("pyproject.toml")


def test_an_add_whose_source_is_away_stays(world: World, closed_port: int) -> None:
    """Another pass may bring it; the message tells it from one that was not added."""
    ref = f"http://127.0.0.1:{closed_port}/ds.tar.gz"
    said = world.run("add", ref)

    assert said.code == 5
    assert said.err == f"`{ref}` was added, and is tried again by the next pass\n"
    assert ref in world.read("pyproject.toml")


def test_a_path_is_that_of_the_working_folder(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the shell completes it; the manifest has it from the project on."""
    world.publish(ONE)
    monkeypatch.chdir(world.root / "dist")

    assert world.run("add", "ds.tar.gz").code == 0
    assert f'"{ROW}" = {{}}' in world.read("pyproject.toml")
    assert world.run("add", "../dist/ds.tar.gz").err.startswith(f"error: `{ROW}` is in the manifest already")


def test_adding_twice_is_an_error(world: World) -> None:
    """The row that is there is pointed out."""
    world.publish(ONE)
    world.asks_for()
    said = world.run("add", ROW)

    assert said.code == 2
    assert "is in the manifest already" in said.err


def test_removing_what_is_not_there_names_the_nearest(world: World) -> None:
    """A slip of the keyboard is answered with what was meant."""
    world.publish(ONE)
    world.asks_for()
    said = world.run("remove", "dist/dss.tar.gz")

    assert said.code == 2
    assert "did you mean `dist/ds.tar.gz`?" in said.err


def test_a_crlf_manifest_stays_one(world: World) -> None:
    """`add` writes the new row with the ends of line that the file has."""
    world.publish(ONE)
    world.publish(ONE, to="dist/b.tar.gz")
    world.write("pyproject.toml", MANIFEST.replace("\n", "\r\n"))

    assert world.run("add", "dist/b.tar.gz", "--alias", "bb").code == 0
    assert "\n" not in world.read("pyproject.toml").replace("\r\n", "")


def test_a_byte_order_mark_stays(world: World) -> None:
    """`add` and `remove` together give the file back, mark and all."""
    world.publish(ONE)
    world.publish(ONE, to="dist/b.tar.gz")
    whole = world.write("pyproject.toml", b"\xef\xbb\xbf" + MANIFEST.encode())
    before = whole.read_bytes()
    world.run("add", "dist/b.tar.gz", "--alias", "bb")
    assert whole.read_bytes().startswith(b"\xef\xbb\xbf# a comment")
    world.run("remove", "bb")

    assert whole.read_bytes() == before


def test_what_is_for_one_pass_is_refused_for_the_service(world: World) -> None:
    """The service is never started by a forgotten `--once`."""
    said = world.run("reconcile", "--locked")

    assert said.code == 2
    assert "hint: add --once, or leave it away to serve" in said.err


@pytest.mark.parametrize("arguments", [(), ("nonsense",), ("reconcile", "--nonsense"), ("resolve", "ds")])
def test_a_usage_error_is_exit_2(world: World, arguments: tuple[str, ...]) -> None:
    """The option parser's errors have the code of all usage errors."""
    assert world.run(*arguments).code == 2


@pytest.mark.parametrize("name", ["with space", "größe-東京", "it's [odd] & $(so)", "tab\there"])
def test_odd_project_paths(tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Any folder name that the file system allows."""
    odd = World(tmp_path / name / "project")
    odd.publish(ONE)
    odd.asks_for()
    monkeypatch.chdir(tmp_path)

    assert odd.reconcile(str(odd.root)).code == 0
    assert odd.has(NODES)
    assert odd.reconcile("--check", str(odd.root)).code == 0


def test_unicode_names_inside(world: World) -> None:
    """Letters of any language in aliases, modules and parameters."""
    world.publish({"größe.py": "from ds import größe\n", "config/parameters_ds.yml": "a: 1\n"})
    world.asks_for(alias="東京", destination="größen")
    world.sync()

    assert world.read("src/shop/größen/東京/größe.py") == "from shop.größen.東京 import größe\n"
    assert world.has("conf/base/parameters_東京.yml")
    assert world.reconcile("--check").code == 0


def test_a_crlf_manifest_and_a_byte_order_mark(world: World) -> None:
    """What editors on other systems write is read."""
    world.publish(ONE)
    world.asks_for()
    world.write("pyproject.toml", b"\xef\xbb\xbf" + world.read("pyproject.toml").replace("\n", "\r\n").encode())
    world.sync()

    assert world.has(NODES)


def test_a_large_manifest(world: World) -> None:
    """Three hundred entries in one pass; the next one writes nothing."""
    data = archive(ONE)
    rows = []
    for number in range(300):
        world.write(f"dist/{number}.tar.gz", data)
        rows.append(f'"dist/{number}.tar.gz" = {{alias = "a{number}", destination = "many.x{number % 7}"}}')
    world.manifest("\n".join(rows))
    assert world.reconcile().out.splitlines()[-1] == "300 entries: 300 installed"
    before = world.stamps()

    assert world.reconcile().out.splitlines()[-1] == "300 entries: 300 unchanged"
    assert world.stamps() == before


def test_a_project_inside_a_git_repository_that_is_merging(world: World) -> None:
    """Nothing is written while git is at work on the tree; exit 7."""
    world.publish(ONE)
    world.asks_for()
    (world.root.parent / ".git").mkdir()
    (world.root.parent / ".git/MERGE_HEAD").write_text("0\n")
    before = world.tree()
    said = world.reconcile()

    assert said.code == 7
    assert "git is in the middle of a merge" in said.err
    assert world.tree() == before


def test_a_relative_cache_folder_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would depend on the working folder: exit 2 names the variable."""
    monkeypatch.setenv("MICROPKGD_CACHE_DIR", "cache")
    world.publish(ONE)
    world.asks_for()
    said = world.reconcile()

    assert said.code == 2
    assert "MICROPKGD_CACHE_DIR is `cache`, which is not an absolute path" in said.err
    assert not world.has(NODES)


def test_a_cache_folder_that_is_a_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The place is named; no traceback."""
    monkeypatch.setenv("MICROPKGD_CACHE_DIR", str(world.write("occupied", "x")))
    world.publish(ONE)
    world.asks_for()
    said = world.reconcile()

    assert said.code == 1
    assert "occupied" in said.out + said.err


def test_without_home(world: World) -> None:
    """HOME unset: the cache is found by the user's entry, and the pass works."""
    world.publish(ONE)
    world.asks_for()
    environ = {key: value for key, value in os.environ.items() if key != "HOME"}
    command = [sys.executable, "-m", "micropkgd", "reconcile", "--once"]
    ended = subprocess.run(command, cwd=world.root, env=environ, capture_output=True, timeout=60, check=False)

    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("command", ["reconcile --once", "status", "verify", "diff"])
def test_a_closed_stdout(world: World, command: str) -> None:
    """`| head -0`: no traceback, no message, and the work is done all the same."""
    world.publish({f"m{number}.py": "A = 1\n" * 400 for number in range(200)})
    world.asks_for()
    read, write = os.pipe()
    os.close(read)
    ended = subprocess.run(
        [sys.executable, "-m", "micropkgd", *command.split()],
        cwd=world.root, stdout=write, stderr=subprocess.PIPE, timeout=60, check=False,
    )  # fmt: skip
    os.close(write)

    assert ended.stderr == b""
    assert ended.returncode in {0, 141}
    assert world.has("src/shop/ds/m0.py") == command.startswith("reconcile")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_in_a_slow_download(world: World, faults: FaultServer, number: int, code: int) -> None:
    """The pass ends half an hour before its download, with the code of the signal, and leaves nothing behind."""
    world.asks_for(faults.script("/ds.tar.gz", Reply(body=b"\x1f\x8b" + bytes(400_000), rate_limit=(100, 0.5))))
    before = world.tree()
    process = subprocess.Popen(
        [sys.executable, "-m", "micropkgd", "reconcile", "--once"], cwd=world.root, stderr=subprocess.PIPE, text=True
    )
    until(lambda: bool(faults.seen))
    time.sleep(0.2)
    process.send_signal(number)
    _, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == code
    assert "Traceback" not in err
    assert world.tree() == before
    assert [path for path in Path(os.environ["MICROPKGD_CACHE_DIR"]).rglob("*") if path.is_file()] == []
    assert not world.has(".micropkgd/journal")


def test_the_same_run_gives_the_same_bytes_everywhere(tmp_path: Path, world: World) -> None:
    """Another folder, umask, time zone, locale and hash seed: the same tree and the same lock (promise P10)."""
    trees = []
    for number, umask in enumerate((0o022, 0o077)):
        made = World(tmp_path / f"place{number}" / ("deep/" * number) / "project")
        made.copy_sample("04-config/ds-0.3.tar.gz", ROW)
        made.copy_sample("07-requirements/features-1.4.0rc1.tar.gz", "dist/features.tar.gz")
        made.manifest(f'"{ROW}" = {{destination = "pipelines"}}\n"dist/features.tar.gz" = {{alias = "ff"}}')
        old = os.umask(umask)
        zone = ("UTC", "Asia/Kathmandu")[number]
        ended = made.spawn("reconcile", "--once", TZ=zone, LC_ALL="C", PYTHONHASHSEED=str(number + 1))
        os.umask(old)
        assert ended.returncode == 0, ended.stderr
        trees.append(made.tree())

    assert trees[0] == trees[1]


def test_the_order_of_rows_does_not_matter(world: World) -> None:
    """Tree and lock are the same whichever row comes first."""
    rows = ['"dist/ds.tar.gz" = {}', '"dist/b.tar.gz" = {alias = "bb"}', '"dist/c.tar.gz" = {alias = "cc"}']
    for name in ("ds", "b", "c"):
        world.publish(ONE, to=f"dist/{name}.tar.gz")
    locks = []
    for order in (rows, rows[::-1]):
        world.manifest("\n".join(order))
        world.sync()
        locks.append(world.read("micropkg.lock"))
        (world.root / "micropkg.lock").unlink()

    assert locks[0] == locks[1]


def test_add_does_not_replace_a_link_to_the_manifest(world: World) -> None:
    """A manifest that stands elsewhere is its owner's to edit, and to run again would not help."""
    world.publish({"nodes.py": "A = 1\n"})
    manifest = world.root / "pyproject.toml"
    manifest.rename(world.root / "elsewhere.toml")
    manifest.symlink_to("elsewhere.toml")
    before = world.tree()
    said = world.run("add", ROW)

    assert said.code == 1, said
    assert "hint: edit the file that stands behind it by hand" in said.err
    assert world.tree() == before
