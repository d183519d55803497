"""A releases, B follows: the real service, from a new release in a folder or bucket to the tree of who follows it."""

import json
from pathlib import Path

import pytest

from tests.kit.daemon import Daemon, served, until
from tests.kit.servers.indexes import sdist
from tests.kit.servers.moto import LOGIN, REGION, Moto
from tests.kit.servers.shelves import OnDisk, Shelf
from tests.kit.world import World

CODE = "src/shop/ds/__init__.py"


@pytest.fixture
def src(tmp_path: Path) -> Path:
    """A folder of projects."""
    folder = tmp_path / "src"
    folder.mkdir()
    return folder


def config(src: Path, more: str = "") -> str:
    """A config that serves every project of a folder, and asks sources only when told."""
    return f'projects = ["{src}/*"]\nevery = "1d"\n{more}\n'


def follows(world: World, made: Shelf, ref: str = "ds>=1") -> None:
    """Write the one row that follows a shelf."""
    world.write("conf/args.yml", json.dumps(made.options))
    world.asks_for(ref, index=made.index, fs_args="conf/args.yml")


def test_a_release_in_a_folder_is_installed(tmp_path: Path, src: Path) -> None:
    """The folder is watched: the first release, the next one, and nothing that is no release."""
    made = OnDisk(src / "shelf")
    follower = World(src / "b")
    follows(follower, made)
    with Daemon(tmp_path / "d", config(src)) as daemon:
        daemon.until_status(follower.root, lambda status: status["standing"]["state"] == "Stalled")
        made.put("ds-1.0.tar.gz", sdist("ds", "1.0"))
        daemon.until("Installed", follower.root, message="1.0", trigger="edit: ../shelf/ds-1.0.tar.gz")
        made.put("README.md", b"")
        made.put("ds-1.1.tar.gz", sdist("ds", "1.1"))
        daemon.until("Updated", follower.root, message="1.1")

    assert "1.1" in follower.read(CODE)


def test_a_release_in_a_bucket_wakes_who_looks_something_up_there(tmp_path: Path, src: Path, moto: Moto) -> None:
    """By the message that S3 sends, also before anything was installed; who looks elsewhere is left alone."""
    url = moto.queue("releases")
    moto.notifying_bucket("releases", url)
    s3 = moto.client("s3")
    follower, other = World(src / "b"), served(src)
    options = {"key": LOGIN["AWS_ACCESS_KEY_ID"], "secret": LOGIN["AWS_SECRET_ACCESS_KEY"], "endpoint_url": moto.url}
    follower.write("conf/args.yml", json.dumps({**options, "client_kwargs": {"region_name": REGION}}))
    follower.asks_for("ds", index="s3://releases/pkgs/", fs_args="conf/args.yml")
    queue = f'[[queue]]\nname = "team"\nurl = "{url}"\nregion = "{REGION}"\nendpoint-url = "{moto.url}"\n'
    with Daemon(tmp_path / "d", config(src, queue), environ=LOGIN) as daemon:
        daemon.until_status(follower.root, lambda status: status["standing"]["state"] == "Stalled")
        daemon.ready(other.root)
        before = daemon.status(other.root)
        s3.put_object(Bucket="releases", Key="pkgs/ds-1.0.tar.gz", Body=sdist("ds", "1.0"))
        daemon.until("Installed", follower.root, trigger="queue: team: s3://releases/pkgs/ds-1.0.tar.gz")
        s3.put_object(Bucket="releases", Key="pkgs/ds-1.1.tar.gz", Body=sdist("ds", "1.1"))
        daemon.until("Updated", follower.root, trigger="queue: team: s3://releases/pkgs/ds-1.1.tar.gz")
        until(lambda: moto.left_in(url) == 0)
        after = daemon.status(other.root)

    assert "1.1" in follower.read(CODE)
    assert before is not None
    assert after is not None
    assert before["last_pass"]["id"] == after["last_pass"]["id"]
