"""`micropkgd migrate`: from Kedro's table to our own; not a comment, not a byte beside it is lost."""

import difflib
import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micropkgd import documents
from micropkgd.documents.moves import move_table
from tests.kit.places import DATA
from tests.kit.world import KEDRO, World

OLD, NEW = ("tool", "kedro", "micropkg"), ("tool", "micropkgd")
PULLED = DATA / "pulled"
MANIFEST = f"""\
# the shop
{KEDRO}
[project]  # stays
name = 'shop'

[tool.kedro.micropkg.pull]   # from the team
# the first
"dist/ds.tar.gz" = {{destination = "pipelines"}}  # forecasts

# the second
"dist/utils.tar.gz" = {{}}

[tool.ruff]
line-length   =  88

[tool.kedro.micropkg.package]
"pipelines.features" = {{alias = "feats"}}   # ours
"""


def moved(text: str) -> str:
    """The text after the move."""
    return move_table(text, OLD, NEW)


def says(text: str) -> dict[str, object]:
    """What a text says below `[tool]`, a `[tool.kedro]` that has nothing in it left out."""
    tools: dict[str, object] = tomllib.loads(text)["tool"]
    return {name: table for name, table in tools.items() if table or name != "kedro"}


def test_only_the_headers_change() -> None:
    """Comments, order, spaces and every other byte stay."""
    lines = difflib.ndiff(MANIFEST.splitlines(), moved(MANIFEST).splitlines())

    assert [line for line in lines if line.startswith(("+ ", "- "))] == [
        "- [tool.kedro.micropkg.pull]   # from the team",
        "+ [tool.micropkgd.pull]   # from the team",
        "- [tool.kedro.micropkg.package]",
        "+ [tool.micropkgd.package]",
    ]


JOINED = """\
[tool.micropkgd.pull]
# own
"a.tar.gz" = {}
# from the team
# the first
"dist/ds.tar.gz" = {destination = "pipelines"}  # forecasts

# the second
"dist/utils.tar.gz" = {}

[tool.mypy]
strict  = true
"""


def test_rows_join_a_table_that_is_there_already() -> None:
    """They come after its own rows, with all comments; the rest stays byte for byte."""
    text = f'{MANIFEST}\n[tool.micropkgd.pull]\n# own\n"a.tar.gz" = {{}}\n\n[tool.mypy]\nstrict  = true\n'
    before, pull, rest = MANIFEST.partition("[tool.kedro.micropkg.pull]")
    rest = "\n" + pull + rest
    after = rest[rest.index("\n[tool.ruff]") :].replace("kedro.micropkg", "micropkgd")

    assert moved(text) == f"{before}{after}\n{JOINED}"


FORMS = [
    pytest.param('[tool.kedro.micropkg.pull]\n"a.tar.gz" = {}\n', id="header"),
    pytest.param('[tool.kedro.micropkg.pull."a.tar.gz"]\nalias = "b"\n', id="a header a row"),
    pytest.param('[tool.kedro.micropkg]\npull = {"a.tar.gz" = {alias = "b"}}\n', id="inline part"),
    pytest.param('[tool.kedro]\nmicropkg = {pull = {"a.tar.gz" = {}}, package = {b = {}}}\n', id="inline table"),
    pytest.param('[tool.kedro]\nmicropkg.pull."a.tar.gz" = {}\nkeep = 1\n', id="dotted keys"),
    pytest.param('[ tool . kedro . micropkg . pull ]\n"a.tar.gz" = {}\n', id="spaced header"),
    pytest.param('["tool".kedro.micropkg.\'pull\']\n"a.tar.gz" = {}\n', id="quoted header"),
    pytest.param('[tool.kedro.micropkg]\n[tool.kedro.micropkg.pull]\n"a.tar.gz" = {}\n', id="header above"),
    pytest.param('[tool.micropkgd]\nprune = false\n[tool.kedro.micropkg]\npull."a.tar.gz" = {}\n', id="beside policy"),
    pytest.param("[tool.kedro.micropkg.pull]\n", id="empty"),
    pytest.param('note = """\n[tool.kedro.micropkg.pull]\n"""\n[tool.kedro.micropkg.pull]\na = {}\n', id="in a text"),
    pytest.param('[tool.kedro]\nx = 1\n[project]\n[tool.kedro.micropkg.pull]\n"a.tar.gz" = {}\n', id="out of order"),
]


@pytest.mark.parametrize("text", FORMS)
def test_every_form_of_the_table_moves(text: str) -> None:
    """The rows are below the new table, the old one is gone, all else says what it said."""
    before, after = says(text), says(moved(text))
    rows = before["kedro"].pop("micropkg")  # type: ignore[attr-defined]
    before["micropkgd"] = {**before.get("micropkgd", {}), **rows}  # type: ignore[dict-item]

    assert after == {name: table for name, table in before.items() if table or name != "kedro"}


names = st.from_regex(r"[a-z]{1,6}", fullmatch=True)
rows = st.dictionaries(names.map("{}.tar.gz".format), st.dictionaries(names, names, max_size=2), max_size=3)
manifests = st.fixed_dictionaries({}, optional={"pull": rows, "package": rows})


@given(old=manifests, policy=st.dictionaries(names.map("own-{}".format), names, max_size=2), other=rows)
def test_nothing_is_lost_or_invented(
    old: dict[str, object], policy: dict[str, str], other: dict[str, dict[str, str]]
) -> None:
    """Whatever stands in and around the table, what is said of it is said below the new one."""
    tables = {"kedro": {"package_name": "shop", "micropkg": old}, "micropkgd": policy, "other": other}
    text = documents.write_toml({"tool": tables})

    wanted = {"kedro": {"package_name": "shop"}, "micropkgd": {**policy, **old}, "other": other}
    assert tomllib.loads(moved(text))["tool"] == wanted


def test_line_ends_stay() -> None:
    """A file with CRLF keeps them."""
    assert moved(MANIFEST.replace("\n", "\r\n")) == moved(MANIFEST).replace("\n", "\r\n")


def migrating(world: World) -> None:
    """A project with Kedro's tables, and the archives and the module they name."""
    world.write("src/shop/pipelines/features/__init__.py", '__version__ = "1.0"\n')
    world.copy_sample("01-minimal/ds-0.1.tar.gz", "dist/ds.tar.gz")
    world.copy_sample("09-utility/utils-2.1.tar.gz", "dist/utils.tar.gz")
    world.write("pyproject.toml", MANIFEST)


def test_the_command_moves_and_reconciles(world: World) -> None:
    """It counts what it moved, and goes on with the first pass."""
    migrating(world)
    said = world.run("migrate")

    assert said.code == 0, said
    assert said.out.startswith("moved 3 rows from [tool.kedro.micropkg] to [tool.micropkgd]\ninstalled  dist/ds.tar.gz")
    assert world.read("pyproject.toml") == moved(MANIFEST)
    assert world.has("src/shop/pipelines/ds/nodes.py")


def test_what_kedro_pulled_is_adopted(world: World) -> None:
    """Equal bytes become the first lock; no file but the lock, manifest and requirements is written."""
    migrating(world)
    world.reconcile()
    before = world.tree()
    for path in ("micropkg.lock", ".micropkgd/state.json"):
        (world.root / path).unlink()
    said = world.run("migrate")

    assert said.code == 0, said
    assert "adopted    dist/ds.tar.gz" in said.out
    assert "2 entries: 2 adopted" in said.out
    assert world.tree() == {**before, "pyproject.toml": moved(MANIFEST).encode()}


def test_a_dry_run_shows_the_diff_and_writes_nothing(world: World) -> None:
    """A unified diff of `pyproject.toml`; not even `.micropkgd` appears."""
    migrating(world)
    before = world.stamps()
    said = world.run("migrate", "--dry-run")

    assert said.code == 0
    assert said.out.startswith("--- a/pyproject.toml\n+++ b/pyproject.toml\n@@")
    assert "-[tool.kedro.micropkg.pull]   # from the team\n+[tool.micropkgd.pull]   # from the team\n" in said.out
    assert world.stamps() == before


def test_nothing_to_migrate(world: World) -> None:
    """It says so, and ends well; a second migration is such a one."""
    migrating(world)
    assert world.run("migrate").code == 0
    said = world.run("migrate")

    assert said.code == 0
    assert said.out == "nothing to migrate: there is no [tool.kedro.micropkg] in pyproject.toml\n"


def test_the_same_row_in_both_homes_is_an_error(world: World) -> None:
    """Both are named, with their lines, and nothing is written."""
    migrating(world)
    text = f'{MANIFEST}\n[tool.micropkgd.pull]\n"dist/ds.tar.gz" = {{alias = "other"}}\n'
    world.write("pyproject.toml", text)
    said = world.run("migrate")

    assert said.code == 2
    assert "in [tool.kedro.micropkg.pull] and in [tool.micropkgd.pull] (lines 12 and 24)" in said.err
    assert world.read("pyproject.toml") == text


def test_a_misspelt_part_is_an_error(world: World) -> None:
    """Kedro passed over it in silence."""
    text = MANIFEST.replace("micropkg.package]", "micropkg.packages]")
    world.write("pyproject.toml", text)
    said = world.run("migrate")

    assert said.code == 2
    assert "pyproject.toml:20: [tool.kedro.micropkg] has `packages`" in said.err
    assert "hint: did you mean `package`?" in said.err


def test_json(world: World) -> None:
    """The document names what moved, shows the diff, and has the outcome of the pass."""
    migrating(world)
    dry = json.loads(world.run("migrate", "--dry-run", "--json").out)
    done = json.loads(world.run("migrate", "--json").out)

    assert done["schema"] == "micropkgd/1"
    assert done["moved"] == dry["moved"] == ["dist/ds.tar.gz", "dist/utils.tar.gz", "pipelines.features"]
    assert done["diff"] == dry["diff"]
    assert [entry["action"] for entry in done["projects"][0]["entries"]] == ["install", "install"]
