"""`micropkgd doctor`: what is seen of a project and its machine, in plain words, and what is wrong with it."""

import fcntl
import json
import os
import re
import shutil
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from micropkgd.actions import machine_check, service_check
from micropkgd.workspace import fsops
from micropkgd.workspace.transaction.journal import Journal, write_journal
from tests.kit.canaries import CANARY
from tests.kit.world import KEDRO, ROW, World

NETWORK = (*machine_check._AUTHORITIES, *machine_check._NETWORK, *(name.upper() for name in machine_check._NETWORK))


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy and no authority, whatever the machine has."""
    for name in NETWORK:
        monkeypatch.delenv(name, raising=False)


def told(world: World, topic: str) -> str:
    """The lines on one topic, with the hints below them."""
    lines, wanted = [], False
    for line in world.run("doctor").out.splitlines():
        wanted = line.split()[1:2] == [topic] or (wanted and line.startswith("  "))
        lines += [line] * wanted
    return "\n".join(lines)


def troubles(world: World) -> list[str]:
    """The topics in trouble; the exit code agrees with them."""
    said = world.run("doctor")
    found = [line.split()[1] for line in said.out.splitlines() if line.startswith("trouble ")]
    assert said.code == bool(found)
    return found


def test_all_is_well(world: World) -> None:
    """A project in sync: no trouble, exit code 0, and the tree is as before."""
    world.publish()
    world.asks_for()
    world.sync()
    before = world.stamps()
    said = world.run("doctor")

    assert said.code == 0, said.out
    assert said.out.splitlines()[-1] == "all is well"
    assert said.out.startswith("ok       micropkgd    ")
    assert set(world.stamps()) == set(before)


def kedro_0_18(world: World) -> None:
    """Tests and requirements below `src`."""
    world.write("pyproject.toml", KEDRO.replace("0.19.15", "0.18.14"))
    (world.root / "tests").rename(world.root / "src/tests")
    (world.root / "requirements.txt").rename(world.root / "src/requirements.txt")


def bare_0_18(world: World) -> None:
    """The same, before there is any test or requirement."""
    kedro_0_18(world)
    shutil.rmtree(world.root / "src/tests")
    (world.root / "src/requirements.txt").unlink()


def both_tests(world: World) -> None:
    """A 0.18 project that also has a folder `tests` of its own."""
    kedro_0_18(world)
    world.write("tests/test_all.py", "")


def kedro_1(world: World) -> None:
    """As `kedro new` of 1.x makes it, with a config folder of its own name."""
    world.write("pyproject.toml", KEDRO.replace("0.19.15", "1.7.0"))
    world.write("src/shop/settings.py", 'CONF_SOURCE = "settings"\n')


def flat(world: World) -> None:
    """A plain Python project with its package beside `pyproject.toml`."""
    world.write("pyproject.toml", '[tool.micropkgd.project]\npackage = "shop"\n')
    (world.root / "src/shop").rename(world.root / "shop")


def overruled(world: World) -> None:
    """A plain Python project that says where its things are."""
    rows = 'package = "shop"\ntests = "checks"\nconf = "etc"\nbase-env = "all"\n'
    world.write("pyproject.toml", f"[tool.micropkgd.project]\n{rows}")


LAYOUTS = [
    pytest.param(
        kedro_0_18,
        "Kedro 0.18.14 by its kedro_init_version",
        ["tests in src/tests (the folder is there)", "src/requirements.in (made from src/requirements.txt)"],
        id="0.18",
    ),
    pytest.param(
        bare_0_18,
        "Kedro 0.18.14",
        ["src/tests (where this version of Kedro has them)", "src/requirements.in (where this version of Kedro has"],
        id="bare 0.18",
    ),
    pytest.param(both_tests, "Kedro 0.18.14", ["tests in src/tests (the folder is there)"], id="0.18, both tests"),
    pytest.param(
        kedro_1,
        "Kedro 1.7.0",
        ["tests in tests (the folder is there)", "parameters in settings/base (said by settings.py)"],
        id="1.x",
    ),
    pytest.param(
        flat, "plain Python", ["code in shop (the package stands beside pyproject.toml)"], id="flat plain Python"
    ),
    pytest.param(
        overruled,
        "plain Python",
        ["tests in checks (said by [tool.micropkgd.project])", "parameters in etc/all (said by [tool.micropkgd"],
        id="overruled",
    ),
]


@pytest.mark.parametrize(("make", "kind", "texts"), LAYOUTS)
def test_a_layout_and_why_it_was_recognised(
    world: World, make: Callable[[World], None], kind: str, texts: list[str]
) -> None:
    """Said in plain words, from what is in the files and on disk."""
    make(world)

    assert kind in told(world, "project")
    for text in texts:
        assert text in told(world, "layout")
    assert troubles(world) == []


def test_what_is_recognised_is_what_a_pull_uses(world: World) -> None:
    """A flat plain project gets its code beside `pyproject.toml`."""
    flat(world)
    world.copy_sample("01-minimal/ds-0.1.tar.gz", ROW)

    assert world.run("pull", ROW).code == 0
    assert world.has("shop/ds/nodes.py")
    assert world.has("tests/ds/test_ds.py")


def test_a_missing_package_folder(world: World) -> None:
    """The hint names the keys that decide it."""
    (world.root / "src/shop").rename(world.root / "src/market")

    assert "code in src/shop: the folder is missing\n  hint: mend `package_name`" in told(world, "layout")


def test_both_homes_are_counted(world: World) -> None:
    """Entries by the table they stand in."""
    world.manifest('"a.tar.gz" = {}\n[tool.kedro.micropkg.pull]\n"b.tar.gz" = {}\n[tool.micropkgd.package]\nx = {}')

    lines = told(world, "manifest")
    assert "pull entries: 1 in [tool.kedro.micropkg.pull] and 1 in [tool.micropkgd.pull]" in lines
    assert "package entries: 1 in [tool.micropkgd.package]" in lines


def test_a_table_that_kedro_refuses(world: World) -> None:
    """From Kedro 1.0 on every command of Kedro stops at it."""
    world.write("pyproject.toml", f"{KEDRO.replace('0.19.15', '1.7.0')}[tool.kedro.micropkg.package]\nx = {{}}\n")

    assert "hint: run `micropkgd migrate`" in told(world, "manifest")
    assert troubles(world) == ["manifest"]


def test_a_broken_manifest_is_one_trouble(world: World) -> None:
    """It is said once, with file and line, and the rest is looked at."""
    world.manifest('"a.tar.gz" = {alais = "x"}')

    assert "pyproject.toml:10: unknown key `alais`" in told(world, "project")
    assert "hint: did you mean `alias`?" in told(world, "project")
    assert troubles(world) == ["project"]
    assert told(world, "files")


def test_no_project_at_all(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine is looked at nevertheless."""
    monkeypatch.chdir(tmp_path)

    assert "no pyproject.toml in " in told(world, "project")
    assert told(world, "cache")
    assert troubles(world) == ["project"]


def test_a_lock_that_disagrees(world: World) -> None:
    """The first entry that differs, and what to run."""
    world.publish()
    world.asks_for()
    world.sync()
    assert "1 locked, as the manifest has it" in told(world, "lock")
    world.asks_for(alias="other")

    assert "`dist/ds.tar.gz` changed since it was locked\n  hint: run `micropkgd lock`" in told(world, "lock")


def test_a_lock_that_cannot_be_read(world: World) -> None:
    """Conflict markers are named."""
    world.write("micropkg.lock", "<<<<<<< HEAD\n")

    assert "micropkg.lock: line 1 is a git conflict marker" in told(world, "lock")
    assert troubles(world) == ["lock"]


def test_what_was_pulled_by_hand_is_named(world: World) -> None:
    """By its folder."""
    world.publish()
    assert world.run("pull", ROW).code == 0

    assert "1 pulled by hand: src/shop/ds" in told(world, "lock")


def test_an_interrupted_pass(world: World) -> None:
    """The hint is the pass that repairs it; doctor itself repairs nothing."""
    world.sync()
    with fsops.FsOps(str(world.root)) as fs:
        write_journal(fs, Journal("1234", (), ()))

    assert "an interrupted pass waits to be finished or taken back\n  hint: run `micropkgd rec" in told(world, "pass")
    assert troubles(world) == ["pass"]
    assert world.reconcile().code == 0
    assert troubles(world) == []


def test_a_journal_that_cannot_be_trusted(world: World) -> None:
    """Said as the next pass would say it."""
    world.write(".micropkgd/journal", "{}")

    assert "the journal was not written by this user on this machine" in told(world, "pass")
    world.sync()
    assert "journal.foreign is a journal that this user did not write here" in told(world, "pass")
    assert troubles(world) == ["pass"]


def test_a_file_system_without_exchange(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """No trouble: a slower way is there. The probes are gone either way."""
    assert "swapped in one step (probed in .micropkgd)" in told(world, "files")
    monkeypatch.setattr(fsops, "_renameat2", lambda *arguments: False)

    assert "replaced by link and rename" in told(world, "files")
    assert troubles(world) == []
    assert not [path for path in world.stamps() if "probe" in path]


def test_a_project_that_another_process_holds(world: World) -> None:
    """It is not waited for, and no trouble."""
    world.sync()
    with (world.root / ".micropkgd/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        assert "not probed: another process holds this project" in told(world, "files")


def test_a_project_that_cannot_be_written_to(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk's refusal is a trouble with its reason."""
    real = fsops.FsOps.write_file

    def full(fs: fsops.FsOps, path: str, data: bytes, mode: int | None = None) -> None:
        raise OSError(28, "No space left on device", path)

    monkeypatch.setattr(fsops.FsOps, "write_file", full)
    assert "no space left on device\n  hint: free some space" in told(world, "files")
    monkeypatch.setattr(fsops.FsOps, "write_file", real)
    assert troubles(world) == []


@pytest.mark.parametrize(
    ("mark", "text"),
    [
        pytest.param("MERGE_HEAD", "git is in the middle of a merge", id="merge"),
        pytest.param("index.lock", "git holds its index.lock", id="index"),
    ],
)
def test_git_at_work(world: World, mark: str, text: str) -> None:
    """A pass would wait."""
    world.write(".git/HEAD", "ref: refs/heads/main\n")
    assert "nothing under way" in told(world, "git")
    world.write(f".git/{mark}", "")

    assert text in told(world, "git")
    assert troubles(world) == ["git"]


def test_few_watches(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hint raises the limits; a machine that does not say them is no trouble."""
    world.write("limits/max_user_watches", "128\n")
    world.write("limits/max_user_instances", "128\n")
    monkeypatch.setattr(machine_check, "_INOTIFY", str(world.root / "limits"))
    assert "128 watches and 128 instances a user\n  hint: sysctl fs.inotify" in told(world, "inotify")
    monkeypatch.setattr(machine_check, "_INOTIFY", str(world.root / "none"))

    assert "does not say its limits" in told(world, "inotify")
    assert troubles(world) == []


def test_the_cache_is_measured(world: World) -> None:
    """Folder, number and bytes."""
    data = world.publish()
    world.asks_for()
    world.sync()

    assert f"{os.environ['MICROPKGD_CACHE_DIR']}: 1 archive, {len(data)} bytes" in told(world, "cache")


def test_a_cache_that_cannot_be_used(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in its place, or a relative path."""
    monkeypatch.setenv("MICROPKGD_CACHE_DIR", str(world.write("file", "")))
    assert "it cannot be written to" in told(world, "cache")
    monkeypatch.setenv("MICROPKGD_CACHE_DIR", "cache")

    assert "MICROPKGD_CACHE_DIR is `cache`, which is not an absolute path" in told(world, "cache")


def test_only_names_of_the_environment_are_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy's address may hold a password."""
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{CANARY}@proxy:3128")
    monkeypatch.setenv("SSL_CERT_FILE", f"/none/{CANARY}")
    said = world.run("doctor")

    assert "set in the environment: HTTPS_PROXY, SSL_CERT_FILE" in said.out
    assert "SSL_CERT_FILE names nothing that is there\n  hint: unset it" in said.out
    assert CANARY not in said.out + said.err


def test_json(world: World) -> None:
    """Each finding with topic, text, trouble and hint."""
    world.manifest('"a.tar.gz" = {alais = "x"}')
    said = world.run("doctor", "--json")
    document = json.loads(said.out)
    findings = document["projects"][0]["findings"]

    assert (document["schema"], document["exit_code"], said.code) == ("micropkgd/1", 1, 1)
    assert {frozenset(finding) for finding in findings} == {frozenset({"topic", "text", "trouble", "hint"})}
    assert [finding["topic"] for finding in findings if finding["trouble"]] == ["project"]


def test_quiet_tells_troubles_only(world: World) -> None:
    """Nothing but what needs somebody."""
    assert world.run("doctor", "-q").out == "all is well\n"


def test_a_project_that_the_service_leaves_alone(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A glob of the config finds it: `doctor` and `config check` say so, with the command that lets the service act."""
    world.asks_for()
    config = tmp_path / "config.toml"
    monkeypatch.setenv("MICROPKGD_CONFIG", str(config))
    config.write_text(f'projects = ["{tmp_path}/*"]\n')
    assert f"hint: micropkgd trust {world.root}" in world.run("doctor").out
    assert f"{world.root} is left alone: a glob of the config found it" in world.run("config", "check").out
    assert f"micropkgd trust {world.root}" in world.run("config", "check").out
    assert world.run("trust", str(world.root)).code == 0
    assert f"a glob of {config} finds it, and you trust it" in told(world, "service")
    assert "left alone" not in world.run("config", "check").out
    config.write_text(f'projects = ["{world.root}"]\n')
    assert f"{config} names it: it is trusted" in told(world, "service")
    config.write_text('projects = ["/nowhere/*"]\n')
    assert f"{config} does not name it" in told(world, "service")


def test_many_strangers_are_counted(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Ten are named."""
    for number in range(13):
        World(tmp_path / f"src/p{number:02}").asks_for()
    config = tmp_path / "config.toml"
    config.write_text(f'projects = ["{tmp_path}/src/*"]\n')
    said = world.run("config", "check", "--config", str(config)).out
    assert said.count("is left alone") == 10
    assert "and 3 more folders are left alone" in said
    config.write_text(f'projects = ["{tmp_path}/src/*"]\ntrust = "everything"\n')
    assert "left alone" not in world.run("config", "check", "--config", str(config)).out


def test_a_module_with_more_folders_than_are_watched(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are looked at every few seconds."""
    monkeypatch.setattr(service_check, "most_watches", lambda: 20)
    world.manifest('"shared" = {}', home="tool.micropkgd.package")
    for number in range(21):
        world.write(f"src/shop/shared/s{number}/__init__.py", "")
    assert "more than 20 folders are to be watched" in world.run("doctor").out


def test_the_drivers_that_are_there(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each library with its version; one that comes with micropkgd and went is trouble, `keyring` is none."""
    said = told(world, "drivers")
    assert said.startswith("ok ")
    assert re.search(r"s3fs 20\d\d\.\S+ \(s3://\), gcsfs 20\d\d\.\S+ \(gs://\), fsspec 20", said)

    def version(name: str) -> str:
        if name in {"s3fs", "keyring"}:
            raise metadata.PackageNotFoundError(name)
        return "1"

    monkeypatch.setattr(metadata, "version", version)
    said = told(world, "drivers")
    assert said.startswith("trouble ")
    assert (
        "s3fs is not installed (s3://), gcsfs 1 (gs://), fsspec 1 (other protocols), keyring is not installed" in said
    )
    assert "pip install s3fs" in said
