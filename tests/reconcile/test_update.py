"""What happens when the content of a ref changed: files, stale files, folders, the lock."""

import pytest

from tests.kit.world import ROW, World

NEXT = "dist/ds-2.0.tar.gz"
V1 = {"nodes.py": "A = 1\n", "old/stale.py": "OLD = 1\n", "config/parameters_ds.yml": "ds: 1\n"}
V2 = {"nodes.py": "A = 2\n", "extra.py": "E = 1\n", "config/parameters_ds.yml": "ds: 2\n"}


def updated(world: World) -> None:
    """Pull the first version, then publish the second."""
    world.publish(V1)
    world.asks_for()
    world.sync()
    world.publish(V2, version="2.0")


def test_files_follow_the_new_version(world: World) -> None:
    """Changed files are replaced, new ones made, stale ones removed with the folder they leave empty."""
    updated(world)
    world.sync()

    assert world.read("src/shop/ds/nodes.py") == "A = 2\n"
    assert world.read("conf/base/parameters_ds.yml") == "ds: 2\n"
    assert world.has("src/shop/ds/extra.py")
    assert not world.has("src/shop/ds/old")


def test_the_line_says_from_which_version_to_which(world: World) -> None:
    """Both versions, both digests, and the counts."""
    updated(world)
    line = world.reconcile().out.splitlines()[0]

    assert line.startswith("updated    dist/ds.tar.gz -> src/shop/ds  1.0 (")
    assert ") -> 2.0 (" in line
    assert line.endswith("1 created, 2 updated, 1 deleted")


def test_what_was_replaced_is_kept_aside(world: World) -> None:
    """The old bytes of replaced and deleted files stand below `.micropkgd/kept`."""
    updated(world)
    world.sync()
    kept = [path.read_bytes() for path in (world.root / ".micropkgd/kept").rglob("*") if path.is_file()]

    assert b"A = 1\n" in kept
    assert b"OLD = 1\n" in kept


def test_files_that_did_not_change_are_not_touched(world: World) -> None:
    """An update leaves the inode and times of equal files alone."""
    updated(world)
    before = world.stamps()["src/shop/ds/__init__.py"]
    world.sync()

    assert world.stamps()["src/shop/ds/__init__.py"] == before


def test_a_folder_with_a_persons_file_in_it_stays(world: World) -> None:
    """Only folders that the pass itself emptied go."""
    updated(world)
    world.write("src/shop/ds/old/mine.py", "MINE = 1\n")
    world.sync()

    assert world.read("src/shop/ds/old/mine.py") == "MINE = 1\n"
    assert not world.has("src/shop/ds/old/stale.py")


def test_the_mode_of_a_file_survives_its_update(world: World) -> None:
    """A person's `chmod` is not undone."""
    updated(world)
    (world.root / "src/shop/ds/nodes.py").chmod(0o640)
    world.sync()

    assert world.stamps()["src/shop/ds/nodes.py"][3] & 0o777 == 0o640


def test_going_back_to_the_old_version_gives_the_old_tree(world: World) -> None:
    """The tree is a function of what is published, not of what was there before."""
    world.publish(V1)
    world.asks_for(policy='on-downgrade = "follow"')
    world.sync()
    first = world.tree()
    world.publish(V2, version="2.0")
    world.sync()
    world.publish(V1)
    world.sync()

    assert world.tree() == first


def test_a_missing_file_comes_back(world: World) -> None:
    """A managed file that was deleted is restored, and the entry says so."""
    world.publish(V1)
    world.asks_for()
    world.sync()
    (world.root / "src/shop/ds/nodes.py").unlink()
    said = world.reconcile()

    assert said.out.startswith("repaired   dist/ds.tar.gz")
    assert world.read("src/shop/ds/nodes.py") == "A = 1\n"


def test_a_file_that_keep_deleted_names_stays_deleted(world: World) -> None:
    """`keep-deleted` is the owner's word that a deletion is meant."""
    world.publish(V1)
    world.manifest('"dist/ds.tar.gz" = {keep-deleted = ["src/shop/ds/nod*"]}')
    world.sync()
    (world.root / "src/shop/ds/nodes.py").unlink()
    world.sync()

    assert not world.has("src/shop/ds/nodes.py")


def test_an_archive_rewritten_with_equal_bytes_changes_nothing_in_the_tree(world: World) -> None:
    """A new time on the same bytes is no update."""
    updated(world)
    world.sync()
    before = world.tree()
    world.publish(V2, version="2.0")
    said = world.reconcile()

    assert said.out.startswith("unchanged")
    assert world.tree() == before


def test_an_alias_that_came_later_moves_the_entry(world: World) -> None:
    """Untouched files leave the old place and stand at the new one, the parameters renamed."""
    world.publish(V1)
    world.asks_for()
    world.sync()
    world.asks_for(alias="forecast", destination="pipelines")
    world.sync()

    assert world.read("src/shop/pipelines/forecast/nodes.py") == "A = 1\n"
    assert world.read("conf/base/parameters_forecast.yml") == "ds: 1\n"
    assert not world.has("src/shop/ds")
    assert not world.has("conf/base/parameters_ds.yml")


def test_a_new_env_moves_the_parameters(world: World) -> None:
    """The parameters follow `env`, the code stays where it is."""
    world.publish(V1)
    world.asks_for()
    world.sync()
    world.asks_for(env="uat")
    world.sync()

    assert world.read("conf/uat/parameters_ds.yml") == "ds: 1\n"
    assert not world.has("conf/base/parameters_ds.yml")
    assert world.has("conf/base/parameters.yml")


def asks_for_another_ref(world: World, edit: str = "A = 1\n", theirs: str = "A = 2\n") -> None:
    """Pull the first version, edit it, and let the manifest name another archive in its place."""
    world.publish({**V1, "nodes.py": "A = 1\n\n\nB = 1\n"})
    world.asks_for()
    world.sync()
    world.write("src/shop/ds/nodes.py", edit)
    world.publish({**V2, "nodes.py": theirs}, version="2.0", to=NEXT)
    world.asks_for(NEXT)


def test_another_ref_in_the_same_place_is_an_update(world: World) -> None:
    """`ds-2.0.tar.gz` after `ds-1.0.tar.gz`: edits are merged, stale files go, nothing is said to be removed."""
    asks_for_another_ref(world, "A = 1\n\n\nB = 'mine'\n", "A = 2\n\n\nB = 1\n")
    said = world.reconcile()

    assert said.code == 0
    assert said.out.startswith("updated    dist/ds-2.0.tar.gz -> src/shop/ds  1.0 (")
    assert "removed" not in said.out
    assert world.read("src/shop/ds/nodes.py") == "A = 2\n\n\nB = 'mine'\n"
    assert not world.has("src/shop/ds/old")
    assert 'ref = "dist/ds.tar.gz"' not in world.read("micropkg.lock")


def test_another_ref_that_is_held_leaves_the_version_that_is_there(world: World) -> None:
    """Whole, also the files that the new one no longer has; and it stays what a later merge begins from."""
    asks_for_another_ref(world, "A = 'mine'\n\n\nB = 1\n", "A = 2\n\n\nB = 1\n")
    before = world.tree()

    assert world.reconcile().code == 4
    assert world.tree() == before
    world.publish({**V2, "nodes.py": "A = 1\n\n\nB = 2\n"}, version="2.1", to=NEXT)
    world.sync()
    assert world.read("src/shop/ds/nodes.py") == "A = 'mine'\n\n\nB = 2\n"


@pytest.mark.parametrize("elsewhere", [False, True])
def test_another_ref_that_was_locked_first_is_applied_by_the_next_pass(world: World, elsewhere: bool) -> None:
    """What is in the tree is the older version, and nobody's edit; also where the lock was written elsewhere."""
    asks_for_another_ref(world, "A = 1\n\n\nB = 1\n")
    memory = world.read(".micropkgd/state.json")
    world.run("lock")
    if elsewhere:
        world.write(".micropkgd/state.json", memory)
    world.sync()

    assert world.read("src/shop/ds/nodes.py") == "A = 2\n"
    assert not world.has("src/shop/ds/old")


@pytest.mark.parametrize("options", [{}, {"alias": "ds"}])
def test_another_ref_that_cannot_be_had_keeps_what_is_installed(world: World, options: dict[str, str]) -> None:
    """A slip in a version, or a server that is away, costs no package; nor does `lock`."""
    asks_for_another_ref(world)
    (world.root / NEXT).unlink()
    world.asks_for(NEXT, **options)
    before = world.tree()
    said = world.reconcile()
    world.run("lock")

    assert said.code == 1
    assert "note: stays until `dist/ds-2.0.tar.gz` can be installed" in said.out
    assert world.tree() == before


@pytest.mark.parametrize("options", [{"alias": "other"}, {"destination": "pipelines"}])
def test_what_cannot_be_had_for_another_place_keeps_nothing(world: World, options: dict[str, str]) -> None:
    """An entry that left is pruned where the one that failed could not have its place."""
    asks_for_another_ref(world, edit="A = 1\n\n\nB = 1\n")
    (world.root / NEXT).unlink()
    world.asks_for(NEXT, **options)
    world.reconcile()

    assert not world.has("src/shop/ds/__init__.py")


def test_a_ref_that_is_a_link_is_followed(world: World) -> None:
    """`latest.tar.gz -> ds-1.0.tar.gz`: new bytes in the file behind the link are seen."""
    world.publish(V1, to="dist/ds-1.0.tar.gz")
    (world.root / ROW).symlink_to("ds-1.0.tar.gz")
    world.asks_for()
    world.sync()
    world.sync()
    world.publish(V2, to="dist/ds-1.0.tar.gz")
    world.sync()

    assert world.read("src/shop/ds/nodes.py") == "A = 2\n"


def test_a_manifest_that_is_a_link_is_followed(world: World) -> None:
    """A `pyproject.toml` that several projects share by a link is read anew when it changes."""
    world.publish(V1)
    world.asks_for()
    (world.root / "pyproject.toml").rename(world.root / "shared.toml")
    (world.root / "pyproject.toml").symlink_to("shared.toml")
    world.sync()
    world.sync()
    world.write("shared.toml", world.read("shared.toml").replace("{}", '{alias = "other"}'))
    world.sync()

    assert world.has("src/shop/other/nodes.py")
