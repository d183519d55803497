"""A slip in a header removes nothing: a manifest that lost its rows is an error, unless somebody means it."""

import pytest

from tests.kit.world import KEDRO, ROW, World

KEDROS = "tool.kedro.micropkg.pull"
OURS = "tool.micropkgd.pull"
COMMANDS = ("reconcile --once", "reconcile --check", "reconcile --once --locked", "lock", "diff")


def manifest(header: str) -> str:
    """A manifest with one row below a header."""
    return f'{KEDRO}\n[{header}]\n"{ROW}" = {{}}\n'


@pytest.fixture
def pulled(world: World) -> World:
    """A project with one entry that is installed."""
    world.publish({"nodes.py": "A = 1\n"})
    world.write("pyproject.toml", manifest(OURS))
    world.sync()
    return world


@pytest.mark.parametrize(
    ("header", "meant"),
    [
        ("tool.kedro.micropkg.pulls", KEDROS),
        ("tool.kedro.pipeline.pull", KEDROS),
        ("tool.micropkg.pull", OURS),
        ("tools.micropkgd.pull", OURS),
        ("micropkgd.pull", OURS),
    ],
)
@pytest.mark.parametrize(
    "command", ["reconcile --once", "reconcile --check", "reconcile --once --locked", "lock", "diff"]
)
def test_a_misspelt_header_removes_nothing(pulled: World, header: str, meant: str, command: str) -> None:
    """Whatever was to be done: exit 2, the line, and the header that was meant; not a byte is written."""
    pulled.write("pyproject.toml", manifest(header))
    before = pulled.tree()
    said = pulled.run(*command.split())

    assert said.code == 2
    problem = f"pyproject.toml:6: [{header}] is a table that nothing reads, and `{ROW}` left the manifest"
    assert said.err == (
        f"error: {problem} [MPK103]\nhint: did you mean [{meant}]? --allow-empty takes the manifest at its word\n"
    )
    assert pulled.tree() == before


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(KEDRO, f"pyproject.toml: there is no pull table any more, and `{ROW}` left", id="no table"),
        pytest.param(
            f'{KEDRO}\n[tool.ruff.lint]\n# [{OURS}]\n"{ROW}" = {{}}\n',
            f"pyproject.toml:6: rows of micro-packages stand in [tool.ruff.lint], and `{ROW}` left",
            id="no header",
        ),
        pytest.param(
            f'{KEDRO}\n[{OURS}]\n[tool.micropkg.pull]\n"dist/new.tar.gz" = {{}}\n',
            f"pyproject.toml:7: [tool.micropkg.pull] is a table that nothing reads, and `{ROW}` left",
            id="another beside ours",
        ),
    ],
)
def test_a_table_that_is_lost_removes_nothing(pulled: World, text: str, problem: str) -> None:
    """The whole table went, its header did, or part of its rows stand under another one."""
    pulled.write("pyproject.toml", text)
    said = pulled.reconcile()

    assert said.code == 2
    assert said.err.startswith(f"error: {problem}"), said.err
    assert pulled.has("src/shop/ds/nodes.py")


@pytest.mark.parametrize("header", ["tool.micropkg.pull", OURS])
def test_what_is_meant_is_done(pulled: World, header: str) -> None:
    """An empty table of ours that still stands is meant; all else is with `--allow-empty`."""
    pulled.write("pyproject.toml", f"{KEDRO}\n[{header}]\n")
    said = pulled.reconcile(*([] if header == OURS else ["--allow-empty"]))

    assert said.code == 0
    assert said.out.startswith(f"removed    {ROW} -> src/shop/ds")
    assert not pulled.has("src/shop/ds")


def test_rows_that_were_never_read_are_told(world: World) -> None:
    """Also where nothing is installed yet: no header of ours stands, and one looks like it."""
    world.publish({"nodes.py": "A = 1\n"})
    world.write("pyproject.toml", manifest("tool.micropkg.pull"))
    said = world.reconcile()

    assert said.code == 2
    assert said.err.startswith(
        "error: pyproject.toml:6: [tool.micropkg.pull] is a table that nothing reads [MPK103]\nhint: did you"
    )
    assert world.reconcile("--allow-empty").code == 0


def test_remove_means_it(pulled: World) -> None:
    """The last row goes, and the header stays: so the pass that follows knows why, also where this one was cut."""
    assert pulled.run("remove", "ds").code == 0
    assert pulled.read("pyproject.toml") == f"{KEDRO}\n[tool.micropkgd.pull]\n"
    assert not pulled.has("src/shop/ds")
    pulled.sync()


def test_a_frozen_lock_is_taken_at_its_word(pulled: World) -> None:
    """`--frozen` does not look at the manifest and removes nothing."""
    pulled.write("pyproject.toml", KEDRO)

    assert pulled.reconcile("--frozen").code == 0
    assert pulled.has("src/shop/ds/nodes.py")


def test_the_doctor_tells_it(pulled: World) -> None:
    """The header with its line, and what it does to the lock."""
    pulled.write("pyproject.toml", manifest("tool.micropkg.pull"))
    said = pulled.run("doctor")
    troubles = [line for line in said.out.splitlines() if line.startswith("trouble")]

    assert said.code == 1
    assert [line.split()[1] for line in troubles] == ["manifest", "lock"]
    assert all("pyproject.toml:6: [tool.micropkg.pull] is a table that nothing reads" in line for line in troubles)
    pulled.write("pyproject.toml", KEDRO)
    assert "there is no pull table any more" in pulled.run("doctor").out
