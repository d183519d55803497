"""What of a module travels, what stays behind, and under which names."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.kit.packages import ARCHIVE, CODE, CONF, TESTS, inside, member, module, package, packed
from tests.kit.world import World


def travels(world: World, path: str) -> bool:
    """Whether a file, given by its path in the project, adds a member to the archive."""
    module(world)
    package(world)
    before = inside(world)
    world.write(path, "1\n")
    package(world)
    return inside(world) != before


@pytest.mark.parametrize(
    "path",
    [
        f"{CODE}/nodes.py",
        f"{CODE}/sub/deep/__init__.py",
        f"{CODE}/noinit/b.py",
        f"{CODE}/data.json",
        f"{CODE}/resources/table.csv",
        f"{CODE}/LICENSE",
        f"{CODE}/types.pyi",
        f"{CODE}/py.typed",
        f"{CODE}/tests/test_in.py",
        f"{CODE}/config/other.yml",
        f"{CODE}/catalog.py",
        f"{CODE}/credentials.py",
        f"{CODE}/sub/requirements.txt",
        f"{TESTS}/test_ds.py",
        f"{TESTS}/fixtures/data.csv",
        f"{CONF}/parameters_ds.yml",
        f"{CONF}/parameters_ds.yaml",
        f"{CONF}/sub/parameters_ds.yml",
        f"{CONF}/parameters/ds.yml",
        f"{CONF}/parameters/ds.yaml",
        f"{CONF}/parameters_foo/x/ds.yml",
        f"{CONF}/parameters/ds/a.yml",
        f"{CONF}/parameters/deep/ds/c.json",
        f"{CONF}/ds/parameters.yml",
        f"{CONF}/sub/ds/parameters_z.yml",
    ],
)
def test_files_that_travel(world: World, path: str) -> None:
    """Code, tests, data and the parameters that bear the module's name."""
    assert travels(world, path)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (f"{CODE}/.env", "hidden"),
        (f"{CODE}/.secrets/key.pem", "hidden"),
        (f"{TESTS}/.hidden", "hidden"),
        (f"{CODE}/nodes.py~", "backup"),
        (f"{CODE}/#nodes.py#", "backup"),
        (f"{CODE}/nodes.py.orig", "backup"),
        (f"{CODE}/credentials.yml", "credentials"),
        (f"{CODE}/config/credentials.json", "credentials"),
        (f"{CODE}/credentials", "credentials"),
        (f"{CODE}/config/catalog.yml", "catalog"),
        (f"{CONF}/catalog_ds.yml", "catalog"),
        (f"{CONF}/credentials_ds.yml", "credentials"),
        (f"{CONF}/ds/catalog.yml", "catalog"),
        (f"{CONF}/parameters/ds/credentials.yml", "credentials"),
        (f"{CONF}/parameters/ds/logging.yml", "logging"),
        (f"{CONF}/parameters/ds/run.py", "code"),
        (f"{CONF}/ds.yml", "not a parameters file"),
        (f"{CONF}/parameters_ds.json", "not named"),
        (f"{CONF}/my_parameters_ds.yml", "not a parameters file"),
    ],
)
def test_files_that_stay_behind_are_named(world: World, path: str, reason: str) -> None:
    """They are not in the archive, and the command says which and why."""
    module(world)
    world.write(path, "secret: 1\n")
    said = package(world)

    shown = path.replace("/key.pem", "")
    assert f"  left out: {shown} (" in said.out
    assert reason in said.out
    assert b"secret" not in b"".join(inside(world).values())


@pytest.mark.parametrize(
    "path",
    [
        f"{CODE}/requirements.txt",
        f"{CODE}/__pycache__/nodes.cpython-311.pyc",
        f"{CODE}/sub/__pycache__/x.py",
        f"{CODE}/old.pyc",
        f"{CONF}/parameters.yml",
        f"{CONF}/parameters_kids.yml",
        f"{CONF}/parameters_ads.yml",
        f"{CONF}/parameters/kids/a.yml",
        f"{CONF}/catalog.yml",
        "conf/local/parameters_ds.yml",
        "src/shop/pipelines/other/x.py",
        "tests/test_other.py",
    ],
)
def test_files_of_others_and_caches_stay_behind_without_a_word(world: World, path: str) -> None:
    """Nobody expects them in the archive."""
    module(world)
    package(world)
    before = inside(world)
    world.write(path, "")

    assert "left out" not in package(world).out
    assert inside(world) == before


def test_a_link_is_neither_followed_nor_packed(world: World) -> None:
    """What it points to may be anything: the link is named as left out."""
    module(world)
    world.write("secret.txt", "secret")
    os.symlink("../../../../secret.txt", world.root / CODE / "link.txt")
    os.symlink("/etc", world.root / CODE / "etc")
    said = package(world)

    assert "link.txt (only regular files travel" in said.out
    assert "etc (only regular files travel" in said.out
    assert inside(world).keys() == {"ds/__init__.py"}


@pytest.mark.parametrize("link", [TESTS, "tests/pipelines", "tests", CONF, "conf"])
def test_a_linked_folder_of_tests_or_parameters_is_left_out(world: World, tmp_path: Path, link: str) -> None:
    """Whatever it leads to, at whatever height; it is named, and the second look finds nothing to do."""
    module(world)
    home = tmp_path / "home"
    for path in ("test_x.py", "parameters_ds.yml", "pipelines/ds/test_x.py", "ds/test_x.py", "base/parameters_ds.yml"):
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text("secret = 1\n")
    shutil.rmtree(world.root / link, ignore_errors=True)
    (world.root / link).parent.mkdir(parents=True, exist_ok=True)
    (world.root / link).symlink_to(home)
    said = package(world)

    assert f"  left out: {link} (links are not followed)" in said.out
    assert inside(world).keys() == {"ds/__init__.py"}
    assert "unchanged" in package(world).out


@pytest.mark.parametrize("link", [CODE, "src/shop/pipelines", "src/shop", "src"])
def test_a_module_behind_a_link_is_an_error(world: World, tmp_path: Path, link: str) -> None:
    """It is not the project's own, even where it looks like one."""
    module(world)
    shutil.move(world.root / link, tmp_path / "elsewhere")
    (world.root / link).symlink_to(tmp_path / "elsewhere")
    said = world.run("package", "pipelines.ds")

    assert said.code == 1
    assert f"{link}: a symbolic link stands where a folder should" in said.out
    assert not world.has("dist")


def test_an_environment_behind_a_link_is_an_error_where_it_is_asked_for(world: World, tmp_path: Path) -> None:
    """Somebody who names it expects its parameters."""
    module(world)
    (world.root / "conf/prod").symlink_to(tmp_path)
    said = world.run("package", "pipelines.ds", "--env", "prod")
    assert said.code == 1
    assert "conf/prod: a symbolic link stands where a folder should" in said.out


@pytest.mark.parametrize("path", [f"{CODE}/requirements.txt", "src/shop/__init__.py"])
def test_what_a_linked_document_says_is_not_taken(world: World, tmp_path: Path, path: str) -> None:
    """Nor is a line of it told: it may be a key."""
    module(world)
    world.write(f"{CODE}/__init__.py", "")
    (tmp_path / "key").write_text("the-secret-key\n")
    (world.root / path).unlink(missing_ok=True)
    (world.root / path).symlink_to(tmp_path / "key")
    said = world.run("package", "pipelines.ds")

    assert said.code == 1
    assert path in said.out
    assert "the-secret-key" not in said.out + said.err


def test_too_large_is_seen_before_it_is_read(world: World) -> None:
    """By `stat` alone: the file has no bytes on the disk, and reading it would take all memory."""
    module(world)
    with (world.root / CODE / "big.bin").open("wb") as stream:
        stream.truncate(1 << 40)
    said = world.run("package", "pipelines.ds")
    (world.root / CODE / "big.bin").unlink()  # before the search for credentials comes upon it

    assert said.code == 1
    assert f"{CODE}: its files have 1,048,576 MiB, and an archive takes 256" in said.out
    assert f"{CODE}/big.bin has 1,048,576 MiB" in said.out


@pytest.mark.parametrize("kind", ["files", "folders"])
def test_too_many_are_not_counted_to_the_end(world: World, kind: str) -> None:
    """A walk ends where no archive could take more; where `.gitignore` names the folder, it is not begun."""
    module(world)
    many = world.root / CODE / "many"
    many.mkdir()
    for number in range(10_001):
        (many / str(number)).mkdir() if kind == "folders" else (many / str(number)).touch()
    said = world.run("package", "pipelines.ds")
    assert said.code == 1
    assert f"{CODE}: it has more than 10,000 files and folders" in said.out

    world.write(".gitignore", "many\n")
    package(world)


def test_a_missing_init_is_made(world: World) -> None:
    """A folder without `__init__.py` becomes a package all the same, and so do its tests."""
    module(world, {f"/{TESTS}/test_ds.py": ""})
    (world.root / CODE / "__init__.py").unlink()
    world.write(f"{CODE}/nodes.py", "")
    world.write("src/shop/__init__.py", '__version__ = "1.0"\n')
    package(world)

    assert inside(world) == {
        "ds/__init__.py": b"", "ds/nodes.py": b"", "tests/__init__.py": b"", "tests/test_ds.py": b"",
    }  # fmt: skip


def test_the_executable_bit_of_the_owner_travels(world: World) -> None:
    """A script stays a script; other bits are dropped."""
    module(world, {"run.sh": "#!/bin/sh\n", "nodes.py": ""})
    (world.root / CODE / "run.sh").chmod(0o700)
    (world.root / CODE / "nodes.py").chmod(0o666)
    package(world)

    executable = {member.path: member.executable for member in packed(world).members}
    assert executable["ds/run.sh"]
    assert not executable["ds/nodes.py"]


def test_another_environment_gives_its_parameters(world: World) -> None:
    """`--env` takes the place of the base environment."""
    module(world, {f"/{CONF}/parameters_ds.yml": "a: 1\n", "/conf/prod/parameters_ds.yml": "a: 2\n"})
    package(world, "--env", "prod")

    assert member(world, "ds/config/parameters_ds.yml") == "a: 2\n"


def test_a_missing_environment_is_an_error(world: World) -> None:
    """A typo does not make an archive without parameters."""
    module(world)
    said = world.run("package", "pipelines.ds", "--env", "prdo")

    assert said.code == 2
    assert "conf/prdo: there is no such config environment" in said.out
    assert not world.has("dist")


def test_an_alias_renames_by_whole_name(world: World) -> None:
    """Files and folders that bear the name, and none that only hold its letters; contents stay."""
    names = [
        "parameters_ds.yml",
        "parameters/ds.yaml",
        "parameters/ds/kids.yml",
        "parameters/ds/ds.yml",
        "sub/ds/parameters_x.yml",
    ]
    module(world, {f"/{CONF}/{name}": "ds: 1\n" for name in names} | {"nodes.py": "from shop.pipelines.ds import x\n"})
    package(world, "--alias", "forecast")

    archive = "dist/forecast-1.0.tar.gz"
    assert inside(world, archive) == {
        "forecast/__init__.py": b'__version__ = "1.0"\n',
        "forecast/nodes.py": b"from forecast import x\n",
        "forecast/config/parameters_forecast.yml": b"ds: 1\n",
        "forecast/config/parameters/forecast.yaml": b"ds: 1\n",
        "forecast/config/parameters/forecast/kids.yml": b"ds: 1\n",
        "forecast/config/parameters/forecast/forecast.yml": b"ds: 1\n",
        "forecast/config/sub/forecast/parameters_x.yml": b"ds: 1\n",
    }


def test_two_files_for_one_member_are_refused(world: World) -> None:
    """Parameters inside the package and in the environment cannot both be the same file of the archive."""
    module(world, {"config/parameters_ds.yml": "a: 1\n", f"/{CONF}/parameters_ds.yml": "a: 2\n"})
    said = world.run("package", "pipelines.ds")

    assert said.code == 1
    assert f"error: {CONF}/parameters_ds.yml: two files would be `ds/config/parameters_ds.yml`" in said.out
    assert not world.has(ARCHIVE)


def test_parameters_inside_the_package_are_told(world: World) -> None:
    """A pull takes `config/parameters*` of a package for configuration: the author learns it here."""
    module(world, {"config/parameters_in.yml": "a: 1\n", "config/schema.yml": "b: 1\n"})
    said = package(world)

    assert f"note: {CODE}/config/parameters_in.yml: a pull takes this for configuration" in said.out
    assert "schema.yml" not in said.out


def test_names_that_no_reader_takes_are_refused(world: World) -> None:
    """Two files that are one on other file systems are named."""
    module(world, {"Table.csv": "", "table.csv": ""})
    said = world.run("package", "pipelines.ds")

    assert said.code == 1
    assert "ds-1.0/ds/table.csv: it cannot stand beside `ds-1.0/ds/Table.csv`" in said.out


@pytest.mark.parametrize("name", ["a\tb.csv", "a\\b.csv", "\udcff.csv"], ids=["control", "backslash", "not-utf-8"])
def test_names_that_are_no_text_are_refused(world: World, name: str) -> None:
    """The error shows the name with its odd characters made visible."""
    module(world, {name: ""})
    said = world.run("package", "pipelines.ds")

    assert said.code == 1
    assert f"the name {f'{CODE}/{name}'!a} cannot stand in an archive" in said.out


def test_decomposed_names_are_composed(world: World) -> None:
    """The same tree gives the same archive from a disk that stores names in another form."""
    module(world, {"e\u0301t\u00e9.csv": "1"})
    package(world)

    assert "ds/\u00e9t\u00e9.csv" in inside(world)


def test_what_git_ignores_stays(world: World) -> None:
    """The project's own `.gitignore` files count, the deepest last, and the reason names the file."""
    world.write(".gitignore", "*.csv\n/conf/base/parameters/\n")
    world.write(f"{CODE}/.gitignore", "!kept.csv\nscratch/\n")
    module(world)
    for path in (f"{CODE}/big.csv", f"{CODE}/kept.csv", f"{CODE}/scratch/x.py", f"{CONF}/parameters/ds.yml"):
        world.write(path, "1\n")
    said = package(world)
    members = inside(world)

    assert "ds/kept.csv" in members
    assert not {"ds/big.csv", "ds/scratch/x.py", "ds/config/parameters/ds.yml"} & set(members)
    assert f"left out: {CODE}/big.csv (is ignored by .gitignore)" in said.out
    assert f"left out: {CODE}/scratch (is ignored by {CODE}/.gitignore)" in said.out
    assert f"left out: {CONF}/parameters/ds.yml (is ignored by .gitignore)" in said.out


def test_what_is_in_an_ignored_folder_cannot_be_brought_back(world: World) -> None:
    """As git has it: no later line counts, and no file of rules in the folder."""
    world.write(".gitignore", "scratch/\n!scratch/kept.csv\n")
    module(world, {"scratch/kept.csv": "1\n", "scratch/.gitignore": "!*\n", "open/scratch.csv": "1\n"})
    package(world)
    assert inside(world).keys() == {"ds/__init__.py", "ds/open/scratch.csv"}


def test_a_module_that_git_ignores_is_told(world: World) -> None:
    """With the line's home, since nothing is left to pack."""
    world.write(".gitignore", "pipelines/\n")
    module(world)
    said = world.run("package", "pipelines.ds")
    assert said.code == 2
    assert f"hint: {CODE}/__init__.py is ignored by .gitignore" in said.out


def test_rules_that_came_with_a_package_have_no_say(world: World) -> None:
    """A stranger's archive would decide what of the receiver's work is published."""
    world.publish({"nodes.py": "A = 1\n", ".gitignore": "*.csv\n", "/tests/.gitignore": "*\n"})
    world.asks_for(destination="pipelines")
    world.sync()
    assert world.has(f"{CODE}/.gitignore")
    world.write(f"{CODE}/mine.csv", "1\n")
    world.write(f"{TESTS}/test_mine.py", "")
    package(world)
    assert {"ds/mine.csv", "tests/test_mine.py"} <= inside(world).keys()


LARGE = {"lines": "x\n" * 40_000, "one line": "*a" * 40_000}


@pytest.mark.parametrize("rules", LARGE.values(), ids=LARGE)
def test_a_large_gitignore_is_refused(world: World, rules: str) -> None:
    """Nobody writes one, and each file would be compared with all of it."""
    module(world)
    world.write(".gitignore", rules)
    said = world.run("package", "pipelines.ds")
    assert said.code == 1
    assert ".gitignore: cannot be read: it has 80,000 bytes, and no more than 65,536 are read" in said.out


def test_a_changed_gitignore_packages_again(world: World) -> None:
    """What git ignores is an input like any other."""
    module(world)
    world.write(f"{CODE}/big.csv", "1\n")
    package(world)
    before = inside(world)
    world.write(".gitignore", "*.csv\n")
    package(world)

    assert "ds/big.csv" in before
    assert "ds/big.csv" not in inside(world)


@pytest.mark.parametrize("name", ["NUL.txt", "a:b.csv", "x ", "aux/x.csv", "y."])
def test_a_name_that_some_system_cannot_hold_is_refused(world: World, name: str) -> None:
    """No pull would take such an archive: the file is named, with what is wrong."""
    module(world, {"nodes.py": ""})
    world.write(f"{CODE}/{name}", "")
    said = world.run("package", "pipelines.ds")

    assert said.code == 1
    assert f"error: not every system can hold the name of `{CODE}/{name}`: " in said.out
    assert "hint: rename it: an archive is for every system" in said.out


def test_a_rule_above_the_project_counts_and_is_noticed(world: World) -> None:
    """A project in a folder of its repository: the archive is made again when the file above it changes."""
    above = world.root.parent / ".gitignore"
    subprocess.run(["git", "init", "-q", str(world.root.parent)], check=True)
    module(world, {"big.csv": "1\n"})
    world.write("pyproject.toml", world.read("pyproject.toml") + '\n[tool.micropkgd.package]\n"pipelines.ds" = {}\n')
    world.sync()
    world.sync()
    assert "ds/big.csv" in inside(world)
    try:
        above.write_text("*.csv\n")
        assert f"left out: {CODE}/big.csv (is ignored by ../.gitignore)" in world.reconcile().out
        assert "ds/big.csv" not in inside(world)
    finally:
        above.unlink()
