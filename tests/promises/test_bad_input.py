"""What a person can get wrong: each has its exit code, a message with a hint, no traceback, and an untouched tree."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from micropkgd.model.entry_key import MOST_ENTRIES
from tests.kit.archives import gz, project, tar
from tests.kit.canaries import CANARY
from tests.kit.packages import ARCHIVE, CODE, module, package
from tests.kit.servers.faults import FaultServer
from tests.kit.world import KEDRO, ROW, Said, World, archive, raw_archive

PROJECT = "[project]\nname = 'ds'\nversion = '1.0'\ndependencies = []\n"
LOCK = "micropkg.lock"
NODES = '"src/shop/ds/nodes.py"'  # as the lock writes it


def refused(world: World, code: int, *words: str) -> Said:
    """Run a pass that must end so, say these words, and leave the tree as it was, byte for byte."""
    before = world.tree()
    said = world.reconcile()
    text = said.out + said.err

    assert said.code == code, said
    for word in words:
        assert word in text
    assert "Traceback" not in text
    assert world.tree() == before
    return said


def test_no_pyproject(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder is named, with what to do."""
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    said = world.reconcile()

    assert said.code == 2
    assert f"no pyproject.toml in {empty} or a folder above it" in said.err
    assert "hint: run in the folder of a project, which has a pyproject.toml, or name it" in said.err
    assert list(empty.iterdir()) == []


@pytest.mark.parametrize("text", ["nan", "-1", "inf", "soon"])
def test_no_time_to_wait(world: World, text: str) -> None:
    """It would be for ever, or never."""
    said = world.reconcile("--lock-timeout", text)

    assert said.code == 2
    assert f"`{text}` is not a number of seconds" in said.err


def test_no_such_folder(world: World) -> None:
    """A misspelt PROJECT is named."""
    said = world.reconcile("nowhere")

    assert said.code == 2
    assert "nowhere: no such folder" in said.err


def test_a_file_is_no_project(world: World) -> None:
    """It is there, and the message does not deny it."""
    said = world.reconcile("pyproject.toml")

    assert said.code == 2
    assert "pyproject.toml: is not a folder [MPK101]\nhint: name the folder" in said.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("[tool.ruff]\n", ["neither `[tool.kedro]` nor", "hint: ", "micropkgd init"], id="no-kedro"),
        pytest.param('[tool.kedro]\nproject_name = "x"\n', ["`[tool.kedro]` has no `package_name`"], id="no-package"),
        pytest.param("", ["nothing says which package this is about"], id="empty"),
        pytest.param(f"{KEDRO}[tool.x\n", ["pyproject.toml: invalid TOML: ", "line 5, column 8"], id="invalid-toml"),
        pytest.param("a = 1\na = 2\n", ["cannot overwrite a value (at line 2, column 6)"], id="key-twice"),
        pytest.param("<<<<<<< HEAD\n", ["line 1 is a git conflict marker", "hint: finish the merge"], id="conflict"),
        pytest.param(f"{KEDRO}[tool.micropkgd.pul]\n", ["unknown key `pul`", "did you mean `pull`?", ":5"], id="table"),
        pytest.param(f"{KEDRO}[tool.micropkgd]\nprun = true\n", ["unknown key `prun`", "`prune`", ":6"], id="policy"),
        pytest.param(
            f'{KEDRO}[tool.micropkgd.pull]\n"a.tar.gz" = {{alais = "x"}}\n',
            ["pyproject.toml:6: unknown key `alais`", "did you mean `alias`?"], id="option",
        ),
        pytest.param(
            f'{KEDRO}[tool.kedro.micropkg.pull]\ndist.ds = {{alias = "x"}}\n',
            ["the dots of `dist.ds` are not quoted", 'hint: write `"dist.ds" = ...`', ":6"], id="unquoted",
        ),
        pytest.param(
            f"{KEDRO}[tool.micropkgd.package]\npipelines.features = {{}}\n",
            ["the dots of `pipelines.features` are not quoted"], id="unquoted-package",
        ),
        pytest.param(f'{KEDRO}[tool.micropkgd.pull]\n"a.tar.gz" = 1\n', ["expected a table", "hint"], id="number"),
        pytest.param(f'{KEDRO}[tool.micropkgd]\npull = ["a"]\n', ["must be a table, found a list"], id="list"),
        pytest.param(
            f'{KEDRO}[tool.micropkgd]\non-local-edit = "keep"\n', ["must be one of merge, hold, overwrite"], id="choice"
        ),
        pytest.param(f'{KEDRO}[tool.micropkgd]\nprune = "yes"\n', ["must be true or false"], id="flag"),
        pytest.param(
            f'{KEDRO}[tool.kedro.micropkg.pull]\n"a.tar.gz" = {{}}\n[tool.micropkgd.pull]\n"a.tar.gz" = {{}}\n',
            ["`a.tar.gz` is asked for twice", "(lines 6 and 8)", "hint: keep one of the two rows"], id="twice",
        ),
    ],
)  # fmt: skip
def test_a_bad_manifest(world: World, text: str, words: list[str]) -> None:
    """Exit 2; the message names the file, the line, the fault and the nearest right thing."""
    world.write("pyproject.toml", text)

    refused(world, 2, *words)


@pytest.mark.parametrize(
    ("ref", "words"),
    [
        pytest.param("ds-0.1.tgz", "is neither an address, nor a path to a `.tar.gz`, nor a requirement", id="tgz"),
        pytest.param("dist\\\\ds.tar.gz", "backslash", id="backslash"),
        pytest.param("simplecache::https://h/x.tar.gz", "chains file systems", id="chain"),
        pytest.param(f"https://user:{CANARY}@host/x.tar.gz", "carries a user name or password", id="password"),
        pytest.param(
            f"https://host/x.tar.gz?token={CANARY}", "carries a credential in its query (`token`)", id="token"
        ),
        pytest.param(" dist/ds.tar.gz", "white space", id="space"),
        pytest.param("file://dist/ds.tar.gz", "is not an absolute file address", id="file-address"),
        pytest.param("", "is empty", id="empty"),
    ],
)
def test_a_bad_ref(world: World, ref: str, words: str) -> None:
    """A text that names nothing is an error of the manifest, and never falls through to an index."""
    world.manifest(f'"{ref}" = {{}}')

    said = refused(world, 2, words, "hint: " if ref.strip() and ref[0] != " " else "")
    assert ":pw@" not in said.err
    assert "abc" not in said.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"alias": "class"}, "alias `class` is a Python keyword", id="keyword"),
        pytest.param({"alias": "json"}, "alias `json` is the name of a standard library module", id="stdlib"),
        pytest.param({"alias": "a.b"}, "alias `a.b` is not a Python name", id="dotted"),
        pytest.param({"alias": ""}, "`alias` must be a text that is not empty", id="empty"),
        pytest.param({"destination": "../x"}, "leaves the package folder", id="up"),
        pytest.param({"destination": "/abs"}, "is an absolute path", id="absolute"),
        pytest.param({"destination": "my dir"}, "`my dir` is not a Python name", id="space"),
        pytest.param({"env": "../../x"}, "env `../../x` leaves the config folder", id="env-up"),
        pytest.param({"env": "/etc"}, "env `/etc` leaves the config folder", id="env-absolute"),
        pytest.param({"sha256": "abc"}, "expected `sha256:` and 64 hex digits", id="pin"),
    ],
)
def test_a_bad_option(world: World, options: dict[str, str], words: str) -> None:
    """Exit 2 with the line of the row, although the archive is there."""
    world.publish({"nodes.py": "A = 1\n"})
    world.asks_for(**options)

    refused(world, 2, words, "pyproject.toml:10")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"alias": "a" * 300}, "is longer than a file system takes", id="alias"),
        pytest.param({"destination": "/".join(["a" * 200] * 25)}, "is longer than a file system takes", id="whole"),
        pytest.param({"ref": f"dist/{'d' * 300}.tar.gz"}, "file name too long", id="ref"),
        pytest.param({"ref": "dist/circle.tar.gz"}, "too many levels of symbolic links", id="circle"),
    ],
)
def test_a_name_that_no_file_can_have_stops_its_entry_alone(world: World, options: dict[str, str], words: str) -> None:
    """What only the kernel refuses is this entry's failure, and the other entry comes in."""
    world.publish({"nodes.py": "A = 1\n"})
    world.write("dist/dt.tar.gz", archive({"nodes.py": "B = 1\n"}, "1.0"))
    (world.root / "dist/circle.tar.gz").symlink_to("circle.tar.gz")
    ref = options.pop("ref", ROW)
    pairs = ", ".join(f'{key} = "{value}"' for key, value in options.items())
    world.manifest(f'"{ref}" = {{{pairs}}}\n"dist/dt.tar.gz" = {{alias = "other"}}')
    said = world.reconcile()

    assert said.code != 0
    assert words in said.out.lower()
    assert world.read("src/shop/other/nodes.py") == "B = 1\n"


def test_an_alias_that_makes_two_files_one(world: World) -> None:
    """None of the two is left out in silence."""
    files = {"nodes.py": "A = 1\n", "config/parameters_ds.yml": "a: 1\n", "config/parameters_dt.yml": "a: 2\n"}
    world.publish(files)
    world.asks_for(alias="dt")

    refused(world, 2, "the alias `dt` makes two of its files one: `conf/base/parameters_dt.yml`", "hint: ")


def test_a_pipe_for_fs_args_is_not_waited_for(world: World) -> None:
    """Nor is a device read to its end."""
    world.asks_for("http://127.0.0.1:9/ds.tar.gz", fs_args="args.yml")
    os.mkfifo(world.root / "args.yml")
    said = world.reconcile()

    assert said.code == 2
    assert "args.yml: cannot be read: not a regular file" in said.out


@pytest.mark.parametrize("command", [["reconcile", "--once"], ["diff"], ["history"], ["rollback"]])
def test_without_descriptors_each_command_ends_with_a_message(world: World, command: list[str]) -> None:
    """However many are left, what is missing is said, and the next pass with enough of them comes to rest."""
    world.publish({"deep/er/nodes.py": "A = 1\n"})
    world.asks_for()
    world.sync()
    world.publish({"deep/er/nodes.py": "A = 2\n"})
    for few in range(6, 16, 2):
        ended = subprocess.run(
            ["prlimit", f"--nofile={few}:{few}", sys.executable, "-m", "micropkgd", *command],
            cwd=world.root, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert "Traceback" not in ended.stderr, ended.stderr
        assert ended.returncode == 0 or "error: " in ended.stderr
        assert "no commit" not in ended.stdout + ended.stderr
    world.sync()
    assert world.read("src/shop/ds/deep/er/nodes.py") == "A = 2\n"


def test_a_missing_archive(world: World) -> None:
    """Exit 1, and a file of nearly that name is pointed out."""
    world.publish({}, to="dist/ds-1.0.tar.gz")
    world.asks_for("dist/ds-1.O.tar.gz")

    refused(world, 1, "there is no file `dist/ds-1.O.tar.gz`", "did you mean `ds-1.0.tar.gz`")


@pytest.mark.parametrize("ref", ["dist/ds", "ds-0.1", "ds.tgz", "ds-0.1.tar", "ds.tar.gz", "./ds"])
def test_a_slip_in_a_path_never_becomes_a_package_name(world: World, ref: str, faults: FaultServer) -> None:
    """The index is not asked, whatever the slip was."""
    index = faults.url("/simple/")
    world.manifest(f'"{ref}" = {{}}', policy=f'index-url = "{index}"')
    before = world.tree()
    said = world.reconcile()

    assert said.code in {1, 2}
    assert faults.seen == []
    assert world.tree() == before


def test_a_name_that_the_index_does_not_have(world: World, faults: FaultServer) -> None:
    """Only the one index that the manifest names is asked, and its answer is this entry's failure."""
    index = faults.url("/simple/")
    world.manifest('"reportng>=1,<2" = {}', policy=f'index-url = "{index}"')

    refused(world, 1, "has no project `reportng`")
    assert {seen.target for seen in faults.seen} == {"/simple/reportng/"}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(b"PK\x03\x04 not a tar", "gzip", id="not-gzip"),
        pytest.param(b"", "", id="empty-file"),
        pytest.param(b"<!doctype html><title>Sign in</title>", "", id="login-page"),
        pytest.param(gz(b"not a tar at all"), "", id="not-a-tar"),
        pytest.param(archive({})[:-20], "", id="cut"),
        pytest.param(archive({}) + b"junk", "", id="trailing-bytes"),
        pytest.param(gz(tar()), "", id="empty-archive"),
        pytest.param(raw_archive({"a/x/__init__.py": "", "b/y/__init__.py": ""}), "", id="two-top-folders"),
        pytest.param(project({"pyproject.toml": PROJECT}, root="ds-1.0"), "", id="no-package"),
        pytest.param(
            project({"pyproject.toml": PROJECT, "a/__init__.py": "", "b/__init__.py": ""}, root="ds-1.0"),
            "", id="two-packages",
        ),
    ],
)  # fmt: skip
def test_a_bad_archive(world: World, data: bytes, words: str) -> None:
    """Exit 6, whatever is wrong with it; what is wrong is said, with a hint or a reason, and nothing is written."""
    world.write(ROW, data)
    world.asks_for()

    refused(world, 6, "failed     dist/ds.tar.gz", "  error: ", words)


def test_code_that_does_not_parse(world: World) -> None:
    """Exit 1 with file and line: neither the config nor the requirements of such an archive arrive, as Kedro's did."""
    world.publish({"nodes.py": "import ds\ndef f(:\n", "config/parameters_ds.yml": "a: 1\n"})
    world.asks_for()

    refused(world, 1, "ds/nodes.py", "line 2")


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param('"dist/ds.tar.gz" = {}\n"./dist/ds.tar.gz" = {}', id="same-folder"),
        pytest.param('"dist/ds.tar.gz" = {}\n"dist/b.tar.gz" = {destination = "ds"}', id="inside"),
        pytest.param('"dist/ds.tar.gz" = {alias = "a"}\n"dist/b.tar.gz" = {alias = "a"}', id="same-alias"),
    ],
)
def test_overlapping_targets(world: World, rows: str) -> None:
    """Exit 2, both refs are named, neither is applied."""
    world.publish({"nodes.py": "A = 1\n"})
    world.publish({"nodes.py": "B = 1\n"}, to="dist/b.tar.gz")
    world.manifest(rows)

    refused(world, 2, "overlap at src/shop/", "hint: give one of the two another `destination` or `alias`")


@pytest.mark.parametrize("path", ["src/shop/ds", "src/shop/ds/nodes.py", "conf/base/parameters_ds.yml"])
def test_a_link_in_the_way(world: World, path: str, tmp_path: Path) -> None:
    """A symbolic link is never followed and never replaced; exit 1 names it."""
    outside = tmp_path / "outside"
    outside.mkdir()
    world.publish({"nodes.py": "A = 1\n", "config/parameters_ds.yml": "a: 1\n"})
    world.asks_for()
    (world.root / path).parent.mkdir(parents=True, exist_ok=True)
    (world.root / path).symlink_to(outside)

    refused(world, 1, "a symbolic link", "is in the way", "hint: ")
    assert list(outside.iterdir()) == []


def test_a_folder_where_a_file_should_be(world: World) -> None:
    """Exit 1 names the path."""
    world.publish({"nodes.py": "A = 1\n"})
    world.asks_for()
    world.write("src/shop/ds/nodes.py/mine.txt", "x")

    refused(world, 1, "src/shop/ds/nodes.py: a folder is in the way")


def test_a_file_where_a_folder_should_be(world: World) -> None:
    """Exit 1 names the path."""
    world.publish({"nodes.py": "A = 1\n"})
    world.asks_for()
    world.write("src/shop/ds", "a file")

    refused(world, 1, "src/shop/ds", "in the way")


def test_a_link_as_config_folder_keeps_the_writes_inside(world: World, tmp_path: Path) -> None:
    """A whole `conf/base` that leads elsewhere is not written through."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (world.root / "conf/base/parameters.yml").unlink()
    (world.root / "conf/base").rmdir()
    (world.root / "conf/base").symlink_to(outside)
    world.publish({"config/parameters_ds.yml": "a: 1\n"})
    world.asks_for()

    refused(world, 1, "symbolic link")
    assert list(outside.iterdir()) == []


def locked(world: World) -> str:
    """A project in sync; its lock."""
    world.publish({"nodes.py": "A = 1\n"})
    world.asks_for()
    world.sync()
    return world.read(LOCK)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        pytest.param(lambda text: text.replace("\n[[", "\n<<<<<<< HEAD\n[["), "git conflict marker", id="conflict"),
        pytest.param(lambda text: text.replace('version = "1.', 'version = "2.', 1), "lock-version", id="newer"),
        pytest.param(lambda text: text.replace(NODES, '"../x.py"'), "leaves the project", id="outside"),
        pytest.param(lambda text: text.replace(NODES, '"/etc/x"'), "not relative", id="absolute"),
        pytest.param(
            lambda text: text.replace(NODES, '"src/shop/own.py"'),
            "lists `src/shop/own.py`, which no layout has as a place", id="elsewhere",
        ),
        pytest.param(lambda text: text.replace("micropkgd", "poetry", 2), "not written by micropkgd", id="foreign"),
        pytest.param(lambda text: text.replace('name = "ds"', "name = 3"), "must be of kind str", id="kind"),
        pytest.param(lambda text: text + text.splitlines()[-1], "invalid TOML", id="twice"),
        pytest.param(lambda text: text[:-20], "invalid TOML", id="cut"),
        pytest.param(lambda text: text.replace('"sha256:', '"md5:'), "hex digits", id="digest"),
    ],
)  # fmt: skip
def test_a_bad_lock(world: World, spoil: Callable[[str], str], words: str) -> None:
    """Exit 2 names the lock and what is wrong with it; it is neither obeyed nor overwritten."""
    text = locked(world)
    assert spoil(text) != text
    world.write(LOCK, spoil(text))

    refused(world, 2, "micropkg.lock: ", words)


@pytest.mark.parametrize("name", ["pyproject.toml", LOCK])
def test_a_document_without_end(world: World, name: str) -> None:
    """Exit 2 with its size, which is all that is looked at."""
    locked(world)
    with (world.root / name).open("ab") as stream:
        stream.truncate(1 << 40)
    said = world.reconcile()
    (world.root / name).unlink()  # what a run leaves is searched for secrets

    assert said.code == 2
    assert f"{name}: cannot be read: it has 1,099,511,627,776 bytes, and no more than" in said.err
    assert "[MPK102]" in said.err


@pytest.mark.parametrize(
    ("home", "row"),
    [
        pytest.param("tool.micropkgd.pull", '"dist/d{}.tar.gz" = {{}}\n', id="pull"),
        pytest.param("tool.kedro.micropkg.package", '"d{}" = {{}}\n', id="package"),
    ],
)
def test_more_rows_than_a_project_may_have(world: World, home: str, row: str) -> None:
    """300,000 of them kept a service at work for minutes, in each pass."""
    world.manifest("".join(row.format(number) for number in range(MOST_ENTRIES + 1)), home=home)

    refused(world, 2, "20,001 rows are more than the 20,000 that one project may have", "[MPK103]")


def test_more_packages_than_a_lock_may_have(world: World) -> None:
    """The lock is left as it is."""
    head, mark, block = locked(world).partition("[[packages]]")
    more = (f"{mark}{block.replace(ROW, f'dist/d{number}.tar.gz')}\n" for number in range(MOST_ENTRIES + 1))
    world.write(LOCK, head + "".join(more))

    refused(world, 2, "micropkg.lock: 20,001 packages are more than the 20,000", "[MPK102]")


def test_a_large_lock_is_written_anew(world: World) -> None:
    """One of more than 4 MiB could be read, and was never written again: no pass that changed anything succeeded."""
    head, mark, block = locked(world).partition("[[packages]]")
    rest = block.replace("src/shop/ds", "src/shop/d{0}").replace(ROW, "dist/d{0}.tar.gz")
    world.write(LOCK, head + mark + block + "".join(f"\n{mark}{rest.format(number)}" for number in range(7_000)))
    assert (world.root / LOCK).stat().st_size > 4 << 20
    world.sync()

    assert world.read(LOCK) == head + mark + block


def test_a_lock_that_names_a_person_s_parameters_prunes_nothing(world: World) -> None:
    """A hostile block whose digest matches no file of ours: what differs from it is held, and stays."""
    text = locked(world)
    digest = next(line for line in text.splitlines() if "nodes.py" in line).partition("= ")[2]
    world.write(LOCK, text.rstrip("\n") + f'\n"conf/base/parameters.yml" = {digest}\n')
    world.manifest("")

    assert world.reconcile().code == 4
    assert world.read("conf/base/parameters.yml") == "own: 1\n"


def test_a_read_only_tree(world: World) -> None:
    """Somebody who may not write gets exit 1 and the folder's name; nothing is changed."""
    world.publish({"nodes.py": "A = 1\n"})
    world.asks_for()
    before = world.tree()
    for folder in (world.root, *world.root.parents):
        if "pytest" in str(folder):
            folder.chmod(0o755)
    ended = as_nobody(world, "reconcile", "--once")

    assert ended.returncode == 1
    assert "cannot write here: permission denied" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert world.tree() == before
    assert not world.has(".micropkgd")


def test_one_read_only_folder_stops_its_entry_alone(world: World) -> None:
    """The folder below is somebody else's: that entry fails, the other is installed."""
    world.publish({"nodes.py": "A = 1\n"})
    world.publish({"nodes.py": "A = 1\n"}, to="dist/b.tar.gz")
    world.manifest('"dist/ds.tar.gz" = {destination = "pipelines"}\n"dist/b.tar.gz" = {alias = "bb"}')
    world.write("src/shop/pipelines/__init__.py", "")
    for folder in (world.root, *world.root.parents):
        if "pytest" in str(folder):
            folder.chmod(0o755)
    for place, _, _ in os.walk(world.root):
        os.chown(place, 65534, 65534)
    os.chown(world.root / "src/shop/pipelines", 0, 0)
    (world.root / "src/shop/pipelines").chmod(0o755)
    ended = as_nobody(world, "reconcile", "--once")

    assert ended.returncode == 1, ended.stderr
    assert "no permission to write into its folder" in ended.stdout
    assert world.has("src/shop/bb/nodes.py")
    assert not world.has("src/shop/pipelines/ds")


@pytest.mark.parametrize("stands", [True, False], ids=["file", "none-yet"])
def test_a_read_only_requirements_file_stops_who_asks_for_lines(world: World, stands: bool) -> None:
    """The others are installed; a second pass says the same."""
    world.publish({"nodes.py": "A = 1\n"})
    world.write("dist/b.tar.gz", archive({}, "1.0", ("pandas>=2",)))
    policy = 'requirements-file = "reqs/base.in"'
    world.manifest('"dist/ds.tar.gz" = {}\n"dist/b.tar.gz" = {alias = "bb"}', policy=policy)
    world.write("reqs/other.in", "numpy\n")
    if stands:
        world.write("reqs/base.in", "kedro\n")
    for folder in (world.root, *world.root.parents):
        if "pytest" in str(folder):
            folder.chmod(0o755)
    for place, _, _ in os.walk(world.root):
        os.chown(place, 65534, 65534)
    os.chown(world.root / "reqs", 0, 0)
    (world.root / "reqs").chmod(0o755)
    for _ in range(2):
        ended = as_nobody(world, "reconcile", "--once")

        assert ended.returncode == 1, ended.stderr
        assert "error: reqs/base.in: no permission to write into its folder" in ended.stdout
        assert world.has("src/shop/ds/nodes.py")
        assert not world.has("src/shop/bb")


RELATIVE = [
    "reconcile", "reconcile --once", "reconcile --once --json", "reconcile --config c.toml", "lock", "add a.tar.gz",
    "remove a", "status", "diff", "verify", "resolve a --keep", "history", "rollback", "pull a.tar.gz", "package a",
    "migrate", "doctor", "why a", "suspend", "resume", "config check --config c.toml",
    "service install --config c.toml",
]  # fmt: skip


@pytest.mark.parametrize("command", RELATIVE)
def test_a_current_folder_that_was_deleted(tmp_path: Path, command: str) -> None:
    """Another shell removed it, or made it anew: `.` leads nowhere."""
    shell = f"mkdir gone && cd gone && rmdir ../gone && exec {sys.executable} -P -m micropkgd {command}"
    ended = subprocess.run(
        ["sh", "-c", shell], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )  # fmt: skip

    assert ended.returncode == 2, ended
    assert "the current folder was deleted" in (ended.stdout if "--json" in command else ended.stderr)
    assert "Traceback" not in ended.stderr


def test_a_named_project_needs_no_current_folder(world: World) -> None:
    """Whoever stands nowhere can still say where."""
    shell = (
        f"mkdir gone && cd gone && rmdir ../gone && exec {sys.executable} -P -m micropkgd status --project {world.root}"
    )
    ended = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, timeout=60, check=False)

    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("again", [False, True])
def test_a_module_with_a_folder_that_may_not_be_read(world: World, again: bool) -> None:
    """No archive is made of the rest, which nobody would notice; one from before stands."""
    module(world, {"sub/a.py": "A = 1\n"})
    if again:
        package(world)
    for folder in (world.root, *world.root.parents):
        if "pytest" in str(folder):
            folder.chmod(0o755)
    for place, folders, files in os.walk(world.root):
        for name in ("", *folders, *files):
            os.chown(os.path.join(place, name), 65534, 65534)
    (world.root / CODE / "sub").chmod(0)
    ended = as_nobody(world, "package", "pipelines.ds")

    assert ended.returncode == 1, ended
    assert f"{CODE}/sub: cannot be read: permission denied" in ended.stdout
    assert "Traceback" not in ended.stderr
    assert world.has(ARCHIVE) == again


def test_one_closed_folder_stops_its_entry_alone(world: World) -> None:
    """What stands in it cannot be seen: that entry fails where it needs a change, the other goes on."""
    for folder in (world.root, *world.root.parents):
        if "pytest" in str(folder):
            folder.chmod(0o755)
    world.publish({"nodes.py": "A = 1\n"})
    world.publish({"nodes.py": "A = 1\n"}, to="dist/b.tar.gz")
    world.manifest('"dist/ds.tar.gz" = {}\n"dist/b.tar.gz" = {alias = "bb"}')
    world.sync()
    for place, _, names in os.walk(world.root):
        for name in (".", *names):
            os.chown(os.path.join(place, name), 65534, 65534)
    (world.root / "src/shop/ds").chmod(0)
    world.publish({"nodes.py": "A = 2\n"}, to="dist/b.tar.gz")
    ended = as_nobody(world, "reconcile", "--once")

    assert ended.returncode == 0, ended
    assert "drifted: src/shop/ds/nodes.py" in ended.stdout
    assert world.read("src/shop/bb/nodes.py") == "A = 2\n"
    world.publish({"nodes.py": "A = 3\n"})
    world.publish({"nodes.py": "A = 3\n"}, to="dist/b.tar.gz")
    ended = as_nobody(world, "reconcile", "--once")
    assert ended.returncode == 1, ended
    assert "src/shop/ds/nodes.py: a folder without permission to look into it is in the way" in ended.stdout
    assert world.read("src/shop/bb/nodes.py") == "A = 3\n"
    assert world.read("src/shop/ds/nodes.py") == "A = 1\n"


def as_nobody(world: World, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run one command line as user 65534, who owns nothing here.

    He may not be allowed to read Python's own library, so a pass over another project loads what is needed first.
    """
    warm = World(Path(tempfile.mkdtemp(dir=world.root.parent)) / "warm")
    warm.publish({"nodes.py": "A = 1\n"})
    warm.asks_for()
    program = (
        "import contextlib, hmac, io, os, sys, tomllib\n"
        "import micropkgd.reconcile.plan.requirements_move\n"
        "from micropkgd.cli.run import run\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        f"    run(['reconcile', '--once', {str(warm.root)!r}])\n"
        f"os.environ['MICROPKGD_CACHE_DIR'] = {str(world.root.parent / 'nobodys')!r}\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "sys.exit(run(sys.argv[1:]))\n"
    )
    cache = world.root.parent / "nobodys"
    cache.mkdir(exist_ok=True)
    os.chown(cache, 65534, 65534)
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=world.root, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
