"""What stands behind links and mounts is seen there, or looked at every few seconds."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from micropkgd.service.watching.links import with_links
from micropkgd.service.watching.relevant_paths import RelevantPaths
from tests.kit.daemon import Daemon, served, until
from tests.kit.world import ROW, World, archive


def relevant(**paths: Path) -> RelevantPaths:
    """A project that depends on one archive."""
    none = frozenset[str]()
    return RelevantPaths(str(paths["root"]), none, frozenset({str(paths["archive"])}), none)


def test_every_name_on_the_way(tmp_path: Path) -> None:
    """A link to a link, below a folder that is one: each name, and each link."""
    for folder in ("a", "b", "c"):
        (tmp_path / folder).mkdir()
    (tmp_path / "c/real.tar.gz").write_bytes(b"")
    (tmp_path / "b/two.tar.gz").symlink_to("../c/real.tar.gz")
    (tmp_path / "a/one.tar.gz").symlink_to(tmp_path / "b/two.tar.gz")
    (tmp_path / "link").symlink_to("a")
    found = with_links(relevant(root=tmp_path, archive=tmp_path / "link/one.tar.gz"))

    names = ("link/one.tar.gz", "a/one.tar.gz", "b/two.tar.gz", "c/real.tar.gz")
    assert found.relevant.archives == {str(tmp_path / name) for name in names}
    assert found.links == {str(tmp_path / name) for name in ("link", "a/one.tar.gz", "b/two.tar.gz")}


@pytest.mark.parametrize("target", ["x.tar.gz", "gone/y.tar.gz", "."])
def test_links_in_a_circle_and_to_nowhere(tmp_path: Path, target: str) -> None:
    """They end."""
    (tmp_path / "x.tar.gz").symlink_to(target)
    found = with_links(relevant(root=tmp_path, archive=tmp_path / "x.tar.gz"))
    assert str(tmp_path / "x.tar.gz") in found.relevant.archives
    assert len(found.relevant.archives) <= 41


def published(world: World, path: Path, version: str) -> None:
    """Put an archive with a module of its version in place, as `mv` does."""
    beside = path.with_name("beside")
    path.parent.mkdir(parents=True, exist_ok=True)
    beside.write_bytes(archive({f"v{version[0]}.py": "x = 1\n"}, version))
    beside.rename(path)


def arrived(world: World, version: str) -> Callable[[], bool]:
    """Whether the module of a version is in the tree."""
    return lambda: world.has(f"src/shop/ds/v{version[0]}.py")


def linked_file(world: World, share: Path) -> Path:
    """The archive is a link to a file elsewhere."""
    (world.root / ROW).unlink(missing_ok=True)
    (world.root / ROW).symlink_to(os.path.relpath(share / "ds.tar.gz", world.root / "dist"))
    return share / "ds.tar.gz"


def linked_twice(world: World, share: Path) -> Path:
    """The link leads to a link, of which the target changes."""
    linked_file(world, share)
    (share / "ds.tar.gz").symlink_to("store/real.tar.gz")
    return share / "store/real.tar.gz"


def linked_folder(world: World, share: Path) -> Path:
    """The folder is a link."""
    (world.root / ROW).unlink(missing_ok=True)
    (world.root / "dist").rename(world.root / "own")
    (world.root / "dist").symlink_to(share)
    return share / "ds.tar.gz"


SHAPES = [linked_file, linked_twice, linked_folder]


@pytest.mark.parametrize("shape", SHAPES)
def test_an_archive_behind_links(tmp_path: Path, shape: Callable[[World, Path], Path]) -> None:
    """What is replaced far away is installed here, without a schedule."""
    world = served(tmp_path)
    world.asks_for()
    (tmp_path / "share").mkdir()
    published(world, shape(world, tmp_path / "share"), "1.0")
    with Daemon(tmp_path / "daemon", f'projects = ["{world.root}"]\nevery = "1h"\nscan-every = "1h"\n'):
        until(arrived(world, "1.0"))
        published(world, (world.root / ROW).resolve(), "2.0")
        until(arrived(world, "2.0"))


def test_a_link_that_comes_to_lead_elsewhere(tmp_path: Path) -> None:
    """As `ln -sfn` does it; and what stands there is watched from then on."""
    world = served(tmp_path)
    world.asks_for("../current/ds.tar.gz")
    for version in ("1.0", "2.0"):
        published(world, tmp_path / version / "ds.tar.gz", version)
    (tmp_path / "current").symlink_to("1.0")
    with Daemon(tmp_path / "daemon", f'projects = ["{world.root}"]\nevery = "1h"\nscan-every = "1h"\n'):
        until(arrived(world, "1.0"))
        (tmp_path / "next").symlink_to("2.0")
        (tmp_path / "next").rename(tmp_path / "current")
        until(arrived(world, "2.0"))
        published(world, tmp_path / "2.0" / "ds.tar.gz", "3.0")
        until(arrived(world, "3.0"))


def test_a_project_behind_a_link(tmp_path: Path) -> None:
    """Named by the link, changed under its own name."""
    world = served(tmp_path)
    world.asks_for()
    published(world, world.root / ROW, "1.0")
    (tmp_path / "link").symlink_to(world.root)
    with Daemon(tmp_path / "daemon", f'projects = ["{tmp_path}/link"]\nevery = "1h"\nscan-every = "1h"\n'):
        until(arrived(world, "1.0"))
        published(world, world.root / ROW, "2.0")
        until(arrived(world, "2.0"))


@pytest.mark.parametrize("what", ["folder", "file"])
def test_the_far_side_of_a_bind_mount(tmp_path: Path, what: str) -> None:
    """A folder that is mounted tells of what is done on its far side; a single file is looked at every few seconds."""
    world = served(tmp_path)
    world.asks_for("mounted/ds.tar.gz")
    far = tmp_path / "far/ds.tar.gz"
    published(world, far, "1.0")
    (world.root / "mounted").mkdir()
    (world.root / "mounted/ds.tar.gz").touch()
    ends = [far, world.root / "mounted/ds.tar.gz"]
    one, other = ends if what == "file" else [end.parent for end in ends]
    wrapper = ["unshare", "--mount", "sh", "-c", f'mount --bind {one} {other} && exec "$@"', "sh"]
    subprocess.run(["unshare", "--mount", "true"], check=True)
    daemon = Daemon(tmp_path / "daemon", f'projects = ["{world.root}"]\nevery = "1h"\nscan-every = "1h"\n')
    try:
        daemon.start(wrapper)
        until(arrived(world, "1.0"))
        if what == "file":  # one that is renamed over leaves the mount with the old bytes
            far.write_bytes(archive({"v2.py": "x = 1\n"}, "2.0"))
        else:
            published(world, far, "2.0")
        until(arrived(world, "2.0"))
    finally:
        daemon.process.kill()
        daemon.process.wait()
