"""The package entries of the manifest inside a pass."""

import json

from tests.kit.world import World

MODULE = "src/shop/pipelines/features"
ARCHIVE = "dist/features-1.0.tar.gz"


def packaging(world: World) -> None:
    """A project that packages one module and pulls nothing."""
    world.write(f"{MODULE}/__init__.py", '__version__ = "1.0"\n')
    world.write(f"{MODULE}/nodes.py", "A = 1\n")
    world.manifest('"pipelines.features" = {}', home="tool.micropkgd.package")


def test_a_pass_packages_what_the_manifest_names(world: World) -> None:
    """One line a module, beside those of the pull entries."""
    packaging(world)
    said = world.reconcile()

    assert said.code == 0
    assert "packaged   pipelines.features -> dist/features-1.0.tar.gz  1.0" in said.out
    assert world.has(ARCHIVE)


def test_a_second_pass_writes_nothing(world: World) -> None:
    """Nothing changed, so the archive and the records stay the very files they were."""
    packaging(world)
    world.reconcile()
    before = world.stamps()
    said = world.reconcile()

    assert "unchanged  pipelines.features -> dist/features-1.0.tar.gz" in said.out
    assert world.stamps() == before


def test_an_edit_is_repackaged(world: World) -> None:
    """A changed module gives a new archive, a module that cannot be parsed keeps the last one."""
    packaging(world)
    world.reconcile()
    first = (world.root / ARCHIVE).read_bytes()
    world.write(f"{MODULE}/nodes.py", "from shop.pipelines.features import other\nA = (\n")
    broken = world.reconcile()
    kept = (world.root / ARCHIVE).read_bytes()
    world.write(f"{MODULE}/nodes.py", "A = 2\n")

    assert (broken.code, kept) == (1, first)
    assert "nodes.py" in broken.out
    assert "repackaged pipelines.features" in world.reconcile().out
    assert (world.root / ARCHIVE).read_bytes() != first


def test_a_dry_run_says_what_would_be_packaged(world: World) -> None:
    """`--check` counts a module that would be packaged, and writes no archive."""
    packaging(world)
    said = world.reconcile("--check")

    assert said.code == 3
    assert "would package pipelines.features" in said.out
    assert not world.has(ARCHIVE)


def test_a_broken_module_stops_no_pull_entry(world: World) -> None:
    """Pull entries are applied, and the module's failure is its own."""
    packaging(world)
    text = world.read("pyproject.toml")
    world.publish({"nodes.py": "B = 1\n"})
    world.write(f"{MODULE}/__init__.py", "no version\n")
    world.write("pyproject.toml", text + '\n[tool.micropkgd.pull]\n"dist/ds.tar.gz" = {}\n')
    document = json.loads(world.reconcile("--json").out)

    (project,) = document["projects"]
    assert [entry["action"] for entry in project["entries"]] == ["install"]
    assert [package["action"] for package in project["packages"]] == ["fail"]


def test_status_tells_of_a_module_that_no_longer_packs(world: World) -> None:
    """An older archive does not make it ready; `lock`, which packs nothing, forgets nothing; a good pass ends it."""
    packaging(world)
    world.sync()
    code = world.root / "src/shop/pipelines/features"
    code.rename(world.root / "aside")
    said = world.reconcile()
    assert said.code != 0
    broken = world.run("status").out
    world.run("lock")
    after_lock = world.run("status").out
    (world.root / "aside").rename(code)
    world.sync()

    assert "Stalled   pipelines.features" in broken
    assert after_lock == broken
    assert "Ready     pipelines.features" in world.run("status").out
