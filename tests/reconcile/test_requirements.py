"""Requirement lines on disk: made, updated and removed with their entry; a person's lines are never touched."""

import shutil

import pytest

from tests.kit.world import ROW, World, archive

HEADER = "# Additional requirements from micro-package `ds`:"


def publish(world: World, *requires: str, version: str = "1.0") -> None:
    """Publish an archive that asks for these."""
    world.write(ROW, archive({}, version, requires))


def test_requirements_in_is_made_from_requirements_txt(world: World) -> None:
    """The person's lines stay, the entry's stand under its header, the seed is untouched."""
    publish(world, "pandas>=2.1")
    world.asks_for()
    world.sync()

    assert world.read("requirements.in") == f"kedro\n\n{HEADER}\npandas>=2.1\n"
    assert world.read("requirements.txt") == "kedro\n"


def test_a_real_sdist_with_every_form(world: World) -> None:
    """What Kedro's pull added to the same file, with an end of line, and nothing that is there already."""
    world.copy_sample("07-requirements/features-1.4.0rc1.tar.gz", ROW)
    world.write("requirements.txt", "kedro~=0.19.15\npandas\nnumpy\npyyaml  # have it\n-r extra.txt\n")
    world.asks_for(policy='requirements-file = "requirements.txt"')
    world.sync()

    assert world.read("requirements.txt") == (
        "kedro~=0.19.15\npandas\nnumpy\npyyaml  # have it\n-r extra.txt\n\n"
        "# Additional requirements from micro-package `features`:\n"
        "Scikit_Learn[alldeps]==1.3.*\n"
        "mytool @ https://example.com/mytool-1.0.zip#sha1=da9234ee\n"
        "name\n"
        'numpy; python_version < "3.13"\n'
        "pandas<3,>=1.5\n"
        'requests[socks,use_chardet_on_py3]>=2.8.1; sys_platform == "win32" or python_version >= "3.9"\n'
    )


def test_lines_are_updated_with_their_entry(world: World) -> None:
    """The old version's line goes; Kedro left both."""
    world.copy_sample("13-upgrade-v1/ds-1.0.0.tar.gz", ROW)
    world.asks_for()
    world.sync()
    world.copy_sample("14-upgrade-v2/ds-2.0.0.tar.gz", ROW)
    world.sync()

    assert world.read("requirements.in") == f"kedro\n\n{HEADER}\npandas==2.0\n"


def test_lines_go_with_their_entry(world: World) -> None:
    """After a removal the file is as if the entry had never been."""
    publish(world, "pandas>=2.1")
    world.asks_for()
    world.sync()
    world.manifest("")
    world.sync()

    assert world.read("requirements.in") == "kedro\n"


def test_a_line_that_a_person_removed_is_not_added_again(world: World) -> None:
    """The same choice is not asked for twice; Kedro re-added it at each pull."""
    publish(world, "pandas>=2.1")
    world.asks_for()
    world.sync()
    world.write("requirements.in", "kedro\n")
    world.sync()

    assert world.read("requirements.in") == "kedro\n"


def test_a_held_entry_keeps_its_old_lines(world: World) -> None:
    """Requirements move with the code or not at all."""
    publish(world, "pandas==1.0")
    world.asks_for(policy='on-local-edit = "hold"')
    world.sync()
    world.write("src/shop/ds/__init__.py", "# mine\n")
    world.write(ROW, archive({"__init__.py": "X = 1\n"}, "2.0", ("pandas==2.0",)))

    assert world.reconcile().code == 4
    assert "pandas==1.0\n" in world.read("requirements.in")


def test_lines_of_a_lock_written_first_are_applied_by_the_next_pass(world: World) -> None:
    """`lock` leaves the requirements alone, `reconcile` brings them."""
    publish(world, "pandas>=2.1")
    world.asks_for()
    world.write("requirements.in", "kedro\n")
    world.run("lock")
    assert world.read("requirements.in") == "kedro\n"
    world.sync()

    assert world.read("requirements.in") == f"kedro\n\n{HEADER}\npandas>=2.1\n"


def test_lines_of_a_lock_that_was_upgraded_first_replace_the_old_ones(world: World) -> None:
    """`lock` on an installed entry does not forget which lines are in the file."""
    publish(world, "pandas==1.0")
    world.asks_for()
    world.sync()
    publish(world, "pandas==2.0", version="2.0")
    world.run("lock")
    assert "pandas==1.0\n" in world.read("requirements.in")
    world.sync()

    assert world.read("requirements.in") == f"kedro\n\n{HEADER}\npandas==2.0\n"


def test_a_fresh_clone_respects_a_line_that_was_removed(world: World) -> None:
    """Where the entry's code is committed too, the requirements file is as the team left it."""
    publish(world, "pandas>=2.1")
    world.asks_for()
    world.sync()
    world.write("requirements.in", "kedro\n")
    shutil.rmtree(world.root / ".micropkgd")
    world.sync()

    assert world.read("requirements.in") == "kedro\n"


def test_lines_of_a_committed_lock_reach_a_fresh_clone(world: World) -> None:
    """Without this machine's memory and without a requirements file, the locked lines are written."""
    publish(world, "pandas>=2.1")
    world.asks_for()
    world.sync()
    (world.root / "requirements.in").unlink()
    shutil.rmtree(world.root / ".micropkgd")
    world.sync()

    assert "pandas>=2.1\n" in world.read("requirements.in")


def test_a_requirements_file_that_was_deleted_comes_back(world: World) -> None:
    """Like any other file that a pass keeps, also where nothing else moved."""
    publish(world, "pandas>=2.1")
    world.asks_for()
    world.sync()
    world.sync()
    (world.root / "requirements.in").unlink()
    world.sync()

    assert world.read("requirements.in") == f"kedro\n\n{HEADER}\npandas>=2.1\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("kedro\r\npandas\r\n", id="crlf"),
        pytest.param("kedro", id="no-final-newline"),
        pytest.param("--index-url https://example.com/simple\n-e .\nkedro==1 --hash=sha256:00\n", id="options"),
        pytest.param("kedro \\\n  >=0.19\n", id="continuation"),
        pytest.param("# Größe\nkedro  # 東京\n", id="unicode"),
        pytest.param("\n\n\nkedro\n\n\n", id="blank-lines"),
        pytest.param("not a requirement !!\n${VAR}\n", id="nonsense"),
        pytest.param("", id="empty"),
    ],
)
def test_odd_content_of_a_person_stays(world: World, text: str) -> None:
    """Every byte that a person wrote is still there, and a removal gives the file back."""
    world.write("requirements.in", text)
    publish(world, "zlib-ng>=0.5")
    world.asks_for()
    world.sync()
    assert world.read("requirements.in").startswith(text)
    assert "zlib-ng>=0.5" in world.read("requirements.in")
    world.manifest("")
    world.sync()

    assert world.read("requirements.in").rstrip("\r\n") == text.rstrip("\r\n")


def test_crlf_files_get_crlf_lines(world: World) -> None:
    """No mixed ends of line."""
    world.write("requirements.in", "kedro\r\n")
    publish(world, "pandas")
    world.asks_for()
    world.sync()

    assert world.read("requirements.in") == f"kedro\r\n\r\n{HEADER}\r\npandas\r\n"


def test_a_requirements_file_that_is_not_utf8_is_an_error(world: World) -> None:
    """The file is named, nothing is changed."""
    world.write("requirements.in", b"caf\xe9\n")
    publish(world, "pandas")
    world.asks_for()
    before = world.tree()
    said = world.reconcile()

    assert said.code == 1
    assert "requirements.in: the requirements file is not UTF-8" in said.err
    assert world.tree() == before


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param("evil @ https://host.example/evil.zip", "`evil` from https://host.example/evil.zip,", id="https"),
        pytest.param("evil[x]@git+ssh://git@host.example/e", "`evil[x]` from git+ssh://host.example/e,", id="git"),
        pytest.param(
            "evil @ https://me:canary@host.example/e.zip?token=canary ; python_version > '3'",
            "`evil` from https://host.example/e.zip?token=***,",
            id="credentials",
        ),
    ],
)
def test_requirement_with_an_address_of_its_own_is_said(world: World, line: str, said: str) -> None:
    """It would be fetched from where the publisher likes; whoever reviews the change must see it."""
    publish(world, "pandas>=2.1", line.replace("'", '"'))
    world.asks_for()
    done = world.reconcile()

    assert done.code == 0
    assert f"note: it requires {said}" in done.out
    assert "canary" not in done.out + done.err
    assert done.out.count("it requires") == 1
