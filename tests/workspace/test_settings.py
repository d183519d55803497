"""`settings.py` in every spelling that projects use: what it says is read, and what only a run would tell is told."""

import subprocess
import sys
from pathlib import Path

import pytest

from micropkgd.workspace.settings.reader import SettingValue, read_settings
from tests.kit.world import World

PATH = "src/shop/settings.py"
PATHS = "from pathlib import Path\n"
OS_PATH = """\
import os
HERE = os.path.dirname(os.path.abspath(__file__))
CONF_SOURCE = os.path.normpath(os.path.join(HERE, "..", "..", "config"))
"""
ONLY_A_RUN = "is made in a way that only running this file would tell"


def read(text: str, root: str = "/p") -> dict[str, SettingValue]:
    """What a text says."""
    return read_settings(text.encode(), PATH, root)


CONF = {
    "plain": ('CONF_SOURCE = "config"', "config"),
    "annotated": ('CONF_SOURCE: str = "config"', "config"),
    "trailing slash": ('CONF_SOURCE = "config/"', "config"),
    "dot first": ('CONF_SOURCE = "./config//x/../"', "config"),
    "path": (PATHS + 'CONF_SOURCE = Path("config")', "config"),
    "path as text": ('import pathlib as pl\nCONF_SOURCE = str(pl.Path("a") / "config")', "a/config"),
    "path in parts": (
        'from pathlib import PurePosixPath as P\nCONF_SOURCE = P("a", "b").joinpath("c").as_posix()',
        "a/b/c",
    ),
    "from the file": (PATHS + 'CONF_SOURCE = Path(__file__).resolve().parents[2] / "config"', "config"),
    "from its parents": (PATHS + 'CONF_SOURCE = f"{Path(__file__).parent.parent.parent}/config"', "config"),
    "from the working folder": (PATHS + 'ROOT = Path.cwd()\nCONF_SOURCE = str(ROOT / "config")', "config"),
    "os.path": (OS_PATH, "config"),
    "a name": ('FOLDER = "config"\nCONF_SOURCE = FOLDER', "config"),
    "names joined": ('A = "con"\nCONF_SOURCE = A + "fig"', "config"),
    "twice": ('CONF_SOURCE = "a"\nCONF_SOURCE = "config"', "config"),
    "two names": ('X = CONF_SOURCE = "config"', "config"),
    "added to": ('CONF_SOURCE = "con"\nCONF_SOURCE += "fig"', "config"),
    "a method": ('CONF_SOURCE = "CONFIG/".lower().rstrip("/")', "config"),
    "the project itself": ('CONF_SOURCE = "."', "."),
    "inside with": ('with open(x) as f:\n    CONF_SOURCE = "config"', "config"),
    "after a condition on another": ('if x:\n    Y = 1\nCONF_SOURCE = "config"', "config"),
    "after a star": ('from .base import *\nCONF_SOURCE = "config"', "config"),
    "in a comment": ('# CONF_SOURCE = "x"\nCONF_SOURCE = "config"  # CONF_SOURCE', "config"),
}  # fmt: skip
VARIABLES = {
    "getenv": 'import os\nCONF_SOURCE = os.getenv("KEDRO_CONF", "config")',
    "getenv by name": 'from os import getenv\nCONF_SOURCE = getenv("KEDRO_CONF", default="config")',
    "environ.get": 'import os\nNAME = "KEDRO_CONF"\nCONF_SOURCE = os.environ.get(NAME, "config")',
    "or": 'from os import environ\nCONF_SOURCE = environ.get("KEDRO_CONF") or "config"',
    "a path around it": PATHS + 'import os\nCONF_SOURCE = Path(os.getenv("KEDRO_CONF", "config")) / "."',
}
UNKNOWN = {
    "a call": ("CONF_SOURCE = compute()", 1),
    "no default": ('import os\nCONF_SOURCE = os.environ["KEDRO_CONF"]', 2),
    "a condition": ('CONF_SOURCE = "conf"\nif x:\n    CONF_SOURCE = "other"', 3),
    "a condition in place": ('CONF_SOURCE = "a" if x else "b"', 1),
    "tried": ('try:\n    CONF_SOURCE = "a"\nexcept E:\n    CONF_SOURCE = "b"', 4),
    "a loop": ('for CONF_SOURCE in "ab":\n    pass', 1),
    "unpacked": ('A, CONF_SOURCE = "a", "b"', 1),
    "imported": ("from shop.base import CONF_SOURCE", 1),
    "imported as": ("from .base import FOLDER as CONF_SOURCE", 1),
    "imported with all": ("from .base import *", 1),
    "imported under a condition": ("if x:\n    from base import *", 2),
    "by a function": ('def f():\n    global CONF_SOURCE\n    CONF_SOURCE = "a"\nf()', 3),
    "by its name": ('globals()["CONF_SOURCE"] = "a"', 1),
    "by a keyword": ('globals().update(CONF_SOURCE="a")', 1),
    "formatted": ('CONF_SOURCE = f"{x!r:>3}"', 1),
    "a name that is not there": ("CONF_SOURCE = ELSEWHERE", 1),
    "from a module of others": ("import theirs\nCONF_SOURCE = theirs.FOLDER", 2),
}
ENV = {
    "dict": ('CONFIG_LOADER_ARGS = {"base_env": "main", "x": f()}', "main"),
    "annotated": ('CONFIG_LOADER_ARGS: dict = {"base_env": "main"}', "main"),
    "called": ('CONFIG_LOADER_ARGS = dict(base_env="main", default_run_env=x)', "main"),
    "called with a dict": ('CONFIG_LOADER_ARGS = dict({"base_env": "x"}, base_env="main")', "main"),
    "unpacked": ('MORE = {"base_env": "main"}\nCONFIG_LOADER_ARGS = {**MORE, "x": 1}', "main"),
    "unpacked unknown first": ('CONFIG_LOADER_ARGS = {**f(), "base_env": "main"}', "main"),
    "joined": ('CONFIG_LOADER_ARGS = {"x": 1} | dict(base_env="main")', "main"),
    "a key set": ('CONFIG_LOADER_ARGS = {}\nCONFIG_LOADER_ARGS["base_env"] = "main"', "main"),
    "updated": ('CONFIG_LOADER_ARGS = {"x": 1}\nCONFIG_LOADER_ARGS.update(base_env="main")', "main"),
    "updated in place": ('CONFIG_LOADER_ARGS = {"x": 1}\nCONFIG_LOADER_ARGS |= {"base_env": "main"}', "main"),
    "a name": ('BASE = "main"\nCONFIG_LOADER_ARGS = {"base_env": BASE}', "main"),
    "a key's name": ('CONFIG_LOADER_ARGS = {"base_env": {"a": "main"}["a"]}', "main"),
    "a path": ('CONFIG_LOADER_ARGS = {"base_env": "main/"}', "main"),
    "none": ('CONFIG_LOADER_ARGS = {"base_env": None}', "."),
    "empty": ('CONFIG_LOADER_ARGS = {"base_env": ""}', "."),
    "a variable": ('import os\nCONFIG_LOADER_ARGS = {"base_env": os.getenv("BASE", "main")}', "main"),
}
NO_ENV = {
    "no base_env": 'CONFIG_LOADER_ARGS = {"custom_resolvers": {"x": lambda: 1}}',
    "another dict": 'X = {"base_env": "main"}',
    "a comment": "# CONFIG_LOADER_ARGS base_env",
    "a star of Kedro's": "from kedro.config import *\nfrom typing import *",
}
UNKNOWN_ENV = {
    "made": ("CONFIG_LOADER_ARGS = make()", 1),
    "unpacked unknown last": ('CONFIG_LOADER_ARGS = {"base_env": "main", **f()}', 1),
    "updated unknown": ('CONFIG_LOADER_ARGS = {"base_env": "main"}\nCONFIG_LOADER_ARGS.update(f())', 2),
    "set by default": ('CONFIG_LOADER_ARGS = {}\nCONFIG_LOADER_ARGS.setdefault("base_env", "main")', 2),
    "a computed key": ('CONFIG_LOADER_ARGS = {"base_env": "main", f(): 1}', 1),
    "a computed value": ('CONFIG_LOADER_ARGS = {\n    "base_env": f(),\n}', 2),
}


@pytest.mark.parametrize("case", CONF)
def test_a_config_folder_is_read(case: str) -> None:
    """However it is spelt, as long as nothing but the file and the project decides."""
    text, value = CONF[case]
    said = read(text)["CONF_SOURCE"]

    assert (said.value, said.problem, said.variable) == (value, "", "")


@pytest.mark.parametrize("case", VARIABLES)
def test_the_default_of_a_variable_is_taken_and_named(case: str) -> None:
    """A tree must not depend on the environment of who runs a pass."""
    said = read(VARIABLES[case])["CONF_SOURCE"]

    assert (said.value, said.problem, said.variable) == ("config", "", "KEDRO_CONF")


@pytest.mark.parametrize("case", UNKNOWN)
def test_what_only_a_run_would_tell_is_told(case: str) -> None:
    """With the line."""
    text, line = UNKNOWN[case]

    assert read(text)["CONF_SOURCE"] == SettingValue(line=line, problem=f"`CONF_SOURCE` {ONLY_A_RUN}")


@pytest.mark.parametrize("case", ENV)
def test_a_base_environment_is_read(case: str) -> None:
    """In every way to write a dict; none at all is the config folder itself."""
    text, value = ENV[case]
    said = read(text)["base_env"]

    assert (said.value, said.problem) == (value, "")


@pytest.mark.parametrize("case", NO_ENV)
def test_what_says_nothing_says_nothing(case: str) -> None:
    """Then Kedro's default holds."""
    assert read(NO_ENV[case]) == {}


@pytest.mark.parametrize("case", UNKNOWN_ENV)
def test_an_environment_that_only_a_run_would_tell_is_told(case: str) -> None:
    """With the line."""
    text, line = UNKNOWN_ENV[case]

    assert read(text)["base_env"] == SettingValue(line=line, problem=f"`base_env` {ONLY_A_RUN}")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("CONF_SOURCE = None", "`CONF_SOURCE` is None, and Kedro needs a path"),
        ('CONF_SOURCE = "/etc/conf"', "`CONF_SOURCE` is `/etc/conf`, which is outside the project"),
        ('CONF_SOURCE = "../conf"', "`CONF_SOURCE` is `../conf`, which is outside the project"),
        ("CONF_SOURCE = 3", "`CONF_SOURCE` is 3, and Kedro needs a path"),
    ],
)
def test_a_value_that_cannot_be_is_told(text: str, problem: str) -> None:
    """Nothing is put anywhere else instead."""
    assert read(text)["CONF_SOURCE"] == SettingValue(line=1, problem=problem)


@pytest.mark.parametrize(
    "text", ["CONF_SOURCE = (\n", "print 'x'  # CONF_SOURCE\n", "CONF_SOURCE = " + "(" * 3000, "\0"]
)
def test_a_file_that_does_not_parse_is_told(text: str) -> None:
    """Both settings are then unknown, for the reason that Python gives."""
    said = read(text)

    assert said["CONF_SOURCE"] == said["base_env"]
    assert said["CONF_SOURCE"].problem.startswith("cannot be parsed by Python 3.")


def test_long_texts_end() -> None:
    """A file of few lines that would make a text without end."""
    doubled = 'CONF_SOURCE = "x"\n' + "CONF_SOURCE = CONF_SOURCE + CONF_SOURCE\n" * 60

    assert read(doubled)["CONF_SOURCE"].problem


RUN = "import sys; sys.path.insert(0, 'src'); from shop import settings; print(settings.CONF_SOURCE)"


@pytest.mark.parametrize("case", sorted(CONF.keys() - {"inside with", "after a condition on another", "after a star"}))
def test_python_says_the_same(case: str, tmp_path: Path) -> None:
    """What is read is what the file comes to where it is run, as Kedro does in the project's folder."""
    settings = tmp_path / PATH
    settings.parent.mkdir(parents=True)
    settings.write_text(CONF[case][0])
    ended = subprocess.run(
        [sys.executable, "-c", RUN], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
    )
    said = (tmp_path / ended.stdout.strip()).resolve()

    assert said == (tmp_path / read(CONF[case][0], str(tmp_path))["CONF_SOURCE"].value).resolve()


FILES = {"nodes.py": "A = 1\n", "config/parameters_ds.yml": "ds: 1\n"}


@pytest.mark.parametrize(
    "command", ["reconcile --once", "reconcile --check", "pull dist/b.tar.gz", "package pipelines.fe"]
)
def test_nothing_is_put_where_only_a_guess_leads(world: World, command: str) -> None:
    """Exit 2 with the line and the words that say it for sure; then it goes there."""
    world.publish(FILES)
    world.publish(FILES, to="dist/b.tar.gz")
    world.write("src/shop/pipelines/fe/__init__.py", "__version__ = '1.0'\n")
    world.asks_for()
    world.write(PATH, "import os\nCONF_SOURCE = os.environ['KEDRO_CONF']\n")
    before = world.tree()
    said = world.run(*command.split())

    assert said.code == 2
    assert said.err == (
        f"error: {PATH}:2: `CONF_SOURCE` {ONLY_A_RUN} [MPK102]\n"
        'hint: say it below [tool.micropkgd.project] of pyproject.toml: conf = "conf"\n'
    )
    assert world.tree() == before
    with (world.root / "pyproject.toml").open("a") as manifest:
        manifest.write('[tool.micropkgd.project]\nconf = "config"\n')
    assert world.run(*command.split()).code in {0, 3}


def test_a_base_environment_in_doubt_matters_to_who_names_none(world: World) -> None:
    """An entry that says its own goes there."""
    world.publish(FILES)
    world.asks_for(env="prod")
    world.write(PATH, "CONFIG_LOADER_ARGS = make()\n")
    world.sync()
    assert world.has("conf/prod/parameters_ds.yml")
    world.asks_for()

    assert world.reconcile().code == 2


def test_a_project_without_environments(world: World) -> None:
    """Parameters stand in the config folder itself, as Kedro has it with `base_env` of None; and travel from there."""
    world.publish(FILES)
    world.asks_for()
    world.write(PATH, 'CONFIG_LOADER_ARGS = {"base_env": None}\n')
    world.sync()
    assert world.has("conf/parameters_ds.yml")
    assert world.reconcile("--locked").code == 0
    said = world.run("package", "ds")
    assert said.code == 0, said


def test_settings_that_are_a_package(world: World) -> None:
    """Kedro imports `settings`, which may be a folder."""
    world.publish(FILES)
    world.asks_for()
    world.write("src/shop/settings/__init__.py", 'CONF_SOURCE = "config"\n')
    world.sync()

    assert world.has("config/base/parameters_ds.yml")


def test_a_save_that_breaks_the_settings_moves_nothing(world: World) -> None:
    """What is installed stays where it is, and the next good save ends it."""
    world.publish(FILES)
    world.asks_for()
    world.write(PATH, 'CONF_SOURCE = "config"\n')
    world.sync()
    world.write(PATH, 'CONF_SOURCE = "config"\nHOOKS = (\n')
    said = world.reconcile()
    assert said.code == 2
    assert f"{PATH}:2: cannot be parsed by Python 3." in said.err
    assert world.has("config/base/parameters_ds.yml")
    world.write(PATH, 'CONF_SOURCE = "config"\nHOOKS = ()\n')

    assert world.reconcile().out.endswith("1 entry: 1 unchanged\n")


def test_the_doctor_tells_what_is_not_known(world: World) -> None:
    """As trouble, with the words that help; a default of the environment is named."""
    world.write(PATH, "CONF_SOURCE = f()\n")
    said = world.run("doctor")
    assert said.code == 1
    assert f"trouble  layout       {PATH}:1: `CONF_SOURCE` {ONLY_A_RUN}\n" in said.out
    world.write(PATH, 'import os\nCONF_SOURCE = os.getenv("KEDRO_CONF", "config")\n')

    assert "parameters in config/base (said by settings.py where KEDRO_CONF is not set)" in world.run("doctor").out
