"""A first pass: placement, imports, both homes of the manifest, what is said, and a second pass that rests."""

from tests.kit.archives import project
from tests.kit.world import World

LOCK = "micropkg.lock"


def test_imports_follow_alias_and_destination(world: World) -> None:
    """What Kedro made of the sample, byte for byte; relative imports stay."""
    world.copy_sample("01-minimal/ds-0.1.tar.gz", "dist/ds.tar.gz")
    world.asks_for(alias="fcst", destination="pipelines", env="uat")
    world.sync()

    code = "src/shop/pipelines/fcst"
    assert world.read(f"{code}/pipeline.py") == (
        "from shop.pipelines.fcst.nodes import run\n\n\ndef create_pipeline():\n    return [run]\n"
    )
    assert "from .pipeline import create_pipeline\n" in world.read(f"{code}/__init__.py")
    assert world.read("tests/pipelines/fcst/test_ds.py").startswith("from shop.pipelines.fcst.nodes import run\n")
    assert world.read("conf/uat/parameters_fcst.yml") == "ds:\n  alpha: 1\n"


def test_a_kedro_0_18_project_has_its_tests_and_requirements_below_src(world: World) -> None:
    """The old layout is seen by the Kedro version, and kept."""
    world.copy_sample("15-kedro-0.18.14/ds-0.4.tar.gz", "dist/ds.tar.gz")
    world.asks_for(destination="pipelines")
    text = world.read("pyproject.toml")
    world.write("pyproject.toml", text.replace("0.19.15", "0.18.14"))
    (world.root / "requirements.txt").rename(world.root / "src/requirements.txt")
    (world.root / "tests").rename(world.root / "src/tests")
    world.sync()

    assert world.read("src/tests/pipelines/ds/test_a.py").startswith("from shop.pipelines.ds import run\n")
    assert world.read("src/shop/pipelines/ds/nodes.py").startswith("import shop.pipelines.ds as me\n")
    assert "pandas>=1\n" in world.read("src/requirements.in")
    assert world.has("conf/base/parameters/ds.yml")


def test_both_homes_are_read_together(world: World) -> None:
    """Rows of Kedro's table and of ours make one manifest."""
    world.copy_sample("01-minimal/ds-0.1.tar.gz", "dist/ds.tar.gz")
    world.copy_sample("09-utility/utils-2.1.tar.gz", "dist/utils.tar.gz")
    world.manifest('"dist/ds.tar.gz" = {}\n[tool.kedro.micropkg.pull]\n"dist/utils.tar.gz" = {}')
    world.sync()

    assert world.has("src/shop/ds/nodes.py")
    assert world.has("src/shop/utils/io.py")


def test_each_entry_is_said_in_one_line(world: World) -> None:
    """The line names ref, target, version, digest and what was done, and a last line counts."""
    world.copy_sample("01-minimal/ds-0.1.tar.gz", "dist/ds.tar.gz")
    world.asks_for()
    said = world.reconcile()

    first, last = said.out.splitlines()
    assert first.startswith("installed  dist/ds.tar.gz -> src/shop/ds  0.1 (")
    assert first.endswith(")  6 created")
    assert last == "1 entry: 1 installed"
    assert said.err == ""


def test_a_second_pass_writes_nothing_at_all(world: World) -> None:
    """Not a modification time, not an inode, not in `.micropkgd` either."""
    world.copy_sample("04-config/ds-0.3.tar.gz", "dist/ds.tar.gz")
    world.asks_for(destination="pipelines")
    world.sync()
    before = world.stamps()
    said = world.reconcile()

    assert said.code == 0
    assert said.out.startswith("unchanged  dist/ds.tar.gz")
    assert world.stamps() == before


def test_the_lock_says_what_is_installed(world: World) -> None:
    """Ref, target, archive and every file are in it, sorted, and no time."""
    world.copy_sample("01-minimal/ds-0.1.tar.gz", "dist/ds.tar.gz")
    world.asks_for()
    world.sync()
    lock = world.read(LOCK)

    assert lock.startswith('# micropkg.lock - written by micropkgd, commit it, do not edit.\nlock-version = "1.1"\n')
    assert 'ref = "dist/ds.tar.gz"\n' in lock
    assert 'target = "src/shop/ds"\n' in lock
    listed = [line.partition('"')[2].partition('"')[0] for line in lock.splitlines() if '" = "sha256:' in line]
    assert set(listed) == world.pulled()
    assert listed == sorted(listed)


class TestNames:
    """What a package and its files may be called."""

    def test_package_called_like_a_keyword_needs_an_alias(self, world: World) -> None:
        """No import could name it; the hint can be pasted."""
        info = "Metadata-Version: 2.2\nName: class\nVersion: 1.0\n"
        world.write("dist/class.tar.gz", project({"PKG-INFO": info, "class/__init__.py": ""}, "class-1.0"))
        world.asks_for("dist/class.tar.gz")
        said = world.reconcile()

        assert said.code == 2
        assert (
            "error: the package in the archive is called `class`, a word of Python that no import can name" in said.out
        )
        assert 'hint: give the entry an alias, like `alias = "class_"`' in said.out
        assert not world.has("src/shop/class")
        world.asks_for("dist/class.tar.gz", alias="class_")
        world.sync()
        assert world.has("src/shop/class_/__init__.py")

    def test_submodule_pointer_never_enters_the_tree(self, world: World) -> None:
        """Git would take the folder for a repository."""
        world.publish({"nodes.py": "", "vendor/.git": "gitdir: ../../.git/modules/vendor\n"})
        world.asks_for()
        said = world.reconcile()

        assert said.code == 6
        assert "ds/vendor/.git: not every system can hold its name: git keeps its own under that name" in said.out
        assert not world.has("src/shop/ds")
