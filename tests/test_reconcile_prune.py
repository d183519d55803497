"""An entry that left the manifest: its untouched files go, and nothing else."""

from tests.world import World

FILES = {"nodes.py": "A = 1\n", "config/parameters_ds.yml": "ds: 1\n", "/tests/test_ds.py": "T = 1\n"}


def pulled(world: World, policy: str = "") -> dict[str, bytes]:
    """Pull one entry, and give the tree as it was before."""
    world.publish(FILES)
    world.manifest("", policy)
    before = world.tree()
    world.asks_for(policy=policy, destination="pipelines")
    world.sync()
    return before


def test_a_removed_entry_leaves_no_trace(world: World) -> None:
    """Code, tests, parameters and lock block go; the folders that are empty then go too."""
    before = pulled(world)
    world.manifest("")
    said = world.reconcile()
    left = {path for path in world.tree() if path not in before}

    assert said.out.startswith("removed    dist/ds.tar.gz -> src/shop/pipelines/ds  1.0 (")
    assert left <= {"micropkg.lock", "src/shop/pipelines/__init__.py", "tests/pipelines/__init__.py"}
    assert "[[packages]]" not in world.read("micropkg.lock")


def test_an_edited_file_survives_and_is_named(world: World) -> None:
    """A person's bytes are never pruned."""
    pulled(world)
    world.write("src/shop/pipelines/ds/nodes.py", "A = 'mine'\n")
    world.manifest("")
    said = world.reconcile()

    assert said.code == 0
    assert world.read("src/shop/pipelines/ds/nodes.py") == "A = 'mine'\n"
    assert "release  src/shop/pipelines/ds/nodes.py" in said.out
    assert not world.has("src/shop/pipelines/ds/__init__.py")


def test_without_prune_everything_stays(world: World) -> None:
    """`prune = false`: tree and lock keep the entry, and each pass says that it left the manifest."""
    pulled(world, policy="prune = false")
    before = world.tree()
    world.manifest("", policy="prune = false")
    said = world.reconcile()

    assert said.code == 0
    assert "left the manifest" in said.out
    assert world.tree() | {"pyproject.toml": b""} == before | {"pyproject.toml": b""}


def test_a_manifest_that_does_not_parse_is_not_an_empty_one(world: World) -> None:
    """A slip in `pyproject.toml` never costs a file."""
    pulled(world)
    world.write("pyproject.toml", world.read("pyproject.toml") + "\n[tool.micropkgd.pull\n")
    before = world.tree()

    assert world.reconcile().code == 2
    assert world.tree() == before


def test_a_broken_entry_is_not_pruned(world: World) -> None:
    """An entry whose archive went away keeps its files."""
    pulled(world)
    (world.root / "dist/ds.tar.gz").unlink()
    before = world.tree()

    assert world.reconcile().code == 1
    assert world.tree() == before


def test_a_new_archive_without_a_package_removes_nothing(world: World) -> None:
    """An empty archive is refused, never read as `delete everything`."""
    from tests.world import raw_archive

    pulled(world)
    world.write("dist/ds.tar.gz", raw_archive({"ds-2.0/pyproject.toml": "[project]\nname='ds'\nversion='2.0'\n"}))
    before = world.tree()

    assert world.reconcile().code == 6
    assert world.tree() == before


def test_pruning_takes_python_s_caches_along(world: World) -> None:
    """`__pycache__` of files that go does not keep a dead folder alive."""
    pulled(world)
    world.write("src/shop/pipelines/ds/__pycache__/nodes.cpython-311.pyc", b"x")
    world.manifest("")
    world.sync()

    assert not world.has("src/shop/pipelines/ds")
