"""Wrong inputs, and what is said of them: what is wrong, and a hint that names only what is there and leads on."""

import pytest

from tests.kit.world import World, archive

PULL = "[tool.micropkgd.pull]\n"
PACKAGE = "[tool.micropkgd.package]\n"


@pytest.fixture
def shop(world: World) -> World:
    """A project with a module and two archives."""
    world.write("src/shop/pipelines/__init__.py", "")
    world.write("src/shop/pipelines/features/__init__.py", '__version__ = "1.0"\n')
    world.write("src/shop/pipelines/features/nodes.py", "x = 1\n")
    world.write("dist/x.tar.gz", archive({"n.py": "x = 1\n"}))
    world.write("notebooks/y.tar.gz", archive({"n.py": "x = 1\n"}))
    return world


def row(**options: str) -> str:
    """One row of a pull table."""
    pairs = ", ".join(f'{key.replace("_", "-")} = "{value}"' for key, value in options.items())
    return f'{PULL}"dist/x.tar.gz" = {{{pairs}}}\n'


ROWS = [
    (row(destination="./pipelines"), "src/shop/pipelines/ds", ""),
    (row(destination="pipelines/"), "src/shop/pipelines/ds", ""),
    (row(destination="."), "is the package folder itself", "leave `destination` out"),
    (row(destination="a//b"), "is not in its shortest form", "like `pipelines`"),
    (row(destination="pipe lines"), "`pipe lines` is not a Python name", "write it like `pipe_lines`"),
    (row(destination="class"), "`class` is a word of Python", "write it like `class_`"),
    (row(destination="src/shop/pipelines"), "names the package folder", "write `pipelines`"),
    (row(destination="../x"), "leaves the package folder", "like `pipelines`"),
    (row(destination="/abs"), "is an absolute path", "like `pipelines`"),
    (row(destination="pipelnes"), "src/shop/pipelnes/ is new", "src/shop/pipelines/: is that one meant?"),
    (row(alias="pipelines.fc"), "is not a Python name", '`alias = "fc"` with `destination = "pipelines"`'),
    (row(alias="my-fc"), "is not a Python name", "write it like `my_fc`"),
    (row(alias="class"), "is a Python keyword", "write it like `class_`"),
    (row(alias="json"), "standard library module", "write it like `json_`"),
    (row(env="bsae"), "conf/bsae/ is new", "conf/base/: is that one meant?"),
    (row(env="conf/base"), "names the config folder", "write `base`"),
    (row(env="conf"), "names the config folder", "leave it out"),
    (row(env="../base"), "leaves the config folder", "write a name like `base`"),
    (row(sha256="abc"), "64 hex digits", "`sha256sum FILE`"),
    (row(fs_args="nope.yml"), "fs-args file is missing", "counts from the project's folder"),
    (row(aliass="x"), "unknown key `aliass`", "did you mean `alias`?"),
    (f'{PULL}dist/x.tar.gz = {{}}\n', "invalid TOML", 'put the key into quotes: `"dist/x.tar.gz" = ...`'),
    (f'{PULL}dist.x = {{}}\n', "are not quoted", '`"dist.x" = ...`'),
    (f'{PULL}"dist/z.tar.gz" = {{}}\n', "there is no file `dist/z.tar.gz`", "did you mean `x.tar.gz`"),
    (f'{PULL}"dist/x" = {{}}\n', "there is no file `dist/x`", "did you mean `x.tar.gz`"),
    (f'{PULL}"x.tar.gz" = {{}}\n', "there is no file `x.tar.gz`", "did you mean `dist/x.tar.gz`?"),
    (f'{PULL}"quite-other.tar.gz" = {{}}\n', "there is no file", "from the project's folder"),
    (f'{PULL}"https:/h/x.tar.gz" = {{}}\n', "has no `://`", "write `https://h/x.tar.gz`"),
    (f'{PULL}"s3:bucket/x.tar.gz" = {{}}\n', "has no `://`", "write `s3://bucket/x.tar.gz`"),
    (f'{PULL}"git+https://h/x" = {{}}\n', "names no place that archives are fetched from", "a git repository is not"),
    (f'{PULL}"ftpx://h/x.tar.gz" = {{}}\n', "names no place that archives are fetched from", "write https://"),
    (f'{PULL}"dist" = {{}}\n', "dist", "`dist/NAME.tar.gz`"),
    (f'{PULL}"dist\\\\x.tar.gz" = {{}}\n', "has a backslash", "forward slashes"),
    (f'{PACKAGE}"pipelines.featuers" = {{}}\n', "no module", "did you mean `pipelines.features`?"),
    (f'{PACKAGE}"pipelines/features" = {{}}\n', "is not a module path", '`"pipelines.features"`'),
    (f'{PACKAGE}"pipelines.features" = {{destination = "dst"}}\n', "dst/ is new", "dist/: is that one meant?"),
    (f'{PACKAGE}"pipelines.features" = {{publish = "s3:bucket"}}\n', "has no `://`", "write `s3://bucket/"),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "problem", "hint"), ROWS)
def test_rows(shop: World, rows: str, problem: str, hint: str) -> None:
    """Of the manifest."""
    shop.write("pyproject.toml", f"{shop.read('pyproject.toml').partition('[tool.micropkgd')[0]}{rows}")
    said = shop.reconcile("--dry-run")
    text = said.out + said.err

    assert problem in text
    assert hint in text
    assert "Traceback" not in text


COMMANDS = [
    ("package src/shop/pipelines/features", "is not a module path", "did you mean `pipelines.features`?"),
    ("package src.shop.pipelines.features", "there is no module", "did you mean `pipelines.features`?"),
    ("package ./src/shop/pipelines/features/", "is not a module path", "did you mean `pipelines.features`?"),
    ("package ROOT/src/shop/pipelines/features", "is not a module path", "did you mean `pipelines.features`?"),
    ("package src/shop/pipelines/features/nodes.py", "is a single file", "put the file into one"),
    ("package pipelines.featuers", "there is no module", "did you mean `pipelines.features`?"),
    ("package features", "there is no module", "did you mean `pipelines.features`?"),
    ("package quite_another", "there is no module", "name a folder below the project's package"),
    ("package pipelines.features --alias a.b", "is not a Python name", "write it like `a_b`"),
    ("package pipelines.features --env nope", "no such config environment", "see `ls`"),
    ("add nope.tar.gz", "there is no file `nope.tar.gz`", "from the project's folder"),
    ("add x.tar.gz", "there is no file `x.tar.gz`", "did you mean `dist/x.tar.gz`?"),
    ("add https:/h/x.tar.gz", "has no `://`", "write `https://h/x.tar.gz`"),
    ("add dist/x.tar.gz --alias pipelines.fc", "is not a Python name", '`destination = "pipelines"`'),
    ("add dist/x.tar.gz --destination pipelnes", "src/shop/pipelnes/ is new", "is that one meant?"),
    ("add dist/x.tar.gz --env conf/base", "names the config folder", "write `base`"),
    ("add reporting --index ./nope/", "there is no folder `./nope/`", "make it"),
    ("remove nope", "no entry `nope`", "see `micropkgd status`"),
    ("resolve nope --keep", "no entry `nope`", "see `micropkgd status`"),
    ("rollback --to zzz", "no commit is kept", "see `micropkgd history`"),
    ("publish nope", "no package entry is for the module `nope`", 'write `"nope" = {publish = '),
    ("lock --nope", "unknown option `--nope`", "see `micropkgd lock --help`"),
    ("pull nope.tar.gz", "there is no file `nope.tar.gz`", "from the project's folder"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "problem", "hint"), COMMANDS)
def test_commands(shop: World, line: str, problem: str, hint: str) -> None:
    """Of the command line; a row that cannot be installed is not left behind."""
    before = shop.read("pyproject.toml")
    said = shop.run(*line.replace("ROOT", str(shop.root)).split())
    text = said.out + said.err

    assert problem in text
    assert hint in text
    assert "Traceback" not in text
    assert said.code == 0 or shop.read("pyproject.toml") == before


def test_add_from_a_folder_below(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths are those of the working folder, written as the manifest has them."""
    monkeypatch.chdir(shop.root / "notebooks")
    assert shop.run("add", "y.tar.gz").code == 0
    assert shop.run("add", "../dist/x.tar.gz", "--alias", "other").code == 0
    assert '"notebooks/y.tar.gz"' in shop.read("pyproject.toml")
    assert '"dist/x.tar.gz"' in shop.read("pyproject.toml")
