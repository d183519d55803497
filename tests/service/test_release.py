"""A releases, B follows: the real service, from a new release in a folder or bucket to the tree of who follows it."""

import json
import os
from pathlib import Path

import pytest

from tests.kit.canaries import CANARY, hold
from tests.kit.daemon import Daemon, served, until
from tests.kit.git import commit_all, git
from tests.kit.packages import module
from tests.kit.servers.gcs import FakeGcs
from tests.kit.servers.indexes import sdist
from tests.kit.servers.moto import LOGIN, REGION, Moto
from tests.kit.servers.nginx import Nginx
from tests.kit.servers.shelves import InGcs, OnDisk, Shelf
from tests.kit.site import config as http_config
from tests.kit.site import listening
from tests.kit.world import World

CODE = "src/shop/ds/__init__.py"
CODE_OF_A = "src/shop/pipelines/ds"


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
        daemon.until("Installed", follower.root, message="1.0")
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
        daemon.quiet(other.root)
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


class TestReleases:
    """A edits, commits and so releases; B follows. Both are served by the real service."""

    def author(self, src: Path, publish: str, options: dict[str, object] | None = None) -> World:
        """A: a module in a git work tree, committed, and where its releases go."""
        world = World(src / "a")
        module(world, {"nodes.py": "A = 1\n"})
        fs_args = ""
        if options:
            world.write("conf/args.yml", json.dumps(options))
            fs_args = ', fs-args = "conf/args.yml"'
        world.manifest(f'"pipelines.ds" = {{publish = "{publish}"{fs_args}}}', home="tool.micropkgd.package")
        world.write(".gitignore", ".micropkgd/\ndist/\n")
        git(world.root, "init", "-q")
        commit_all(world.root)
        return world

    def releases(self, author: World, daemon: Daemon, version: str) -> None:
        """A bumps the version, goes on editing, and commits: one release, of what is committed."""
        author.write(f"{CODE_OF_A}/__init__.py", f'__version__ = "{version}"\n')
        daemon.until("ConditionChanged", author.root, subject="pipelines.ds", message="Unreleased")
        author.write(f"{CODE_OF_A}/nodes.py", f"A = '{version}'\n")
        commit_all(author.root, version)
        event = daemon.until("Published", author.root, subject="pipelines.ds", message=version)
        assert "edit: " in event["trigger"]

    def test_by_a_folder(self, tmp_path: Path, src: Path) -> None:
        """Two lines of TOML, no server, no schedule."""
        made = OnDisk(src / "shelf")
        author, follower = self.author(src, "../shelf/"), World(src / "b")
        follows(follower, made)
        with Daemon(tmp_path / "d", config(src)) as daemon:
            daemon.until("Published", author.root, message="1.0")
            daemon.until("Installed", follower.root, message="1.0")
            self.releases(author, daemon, "1.1")
            daemon.until("Updated", follower.root, message="1.1")

        assert follower.read("src/shop/ds/nodes.py") == "A = '1.1'\n"
        assert sorted(path.name for path in made.folder.iterdir()) == ["ds-1.0.tar.gz", "ds-1.1.tar.gz"]

    def test_by_a_web_server_that_lists_a_folder(self, tmp_path: Path, src: Path, nginx: Nginx) -> None:
        """A publishes into the folder that nginx serves, B asks on its schedule; A has no schedule to speak of."""
        there = nginx.files / f"shelf-{tmp_path.name}"
        there.mkdir()
        author, follower = self.author(src, f"{there}/"), World(src / "b")
        follower.asks_for("ds>=1", index=nginx.url(f"listed/{there.name}/"))
        often = f'[[project]]\npaths = ["{follower.root}"]\nevery = "1s"\n'
        with Daemon(tmp_path / "d", config(src, often)) as daemon:
            daemon.until("Installed", follower.root, message="1.0")
            self.releases(author, daemon, "1.1")
            daemon.until("Updated", follower.root, message="1.1")

        assert follower.read("src/shop/ds/nodes.py") == "A = '1.1'\n"

    def test_by_a_bucket_that_tells_a_queue(self, tmp_path: Path, src: Path, moto: Moto) -> None:
        """S3 says what was put there, and B is woken by it: nobody polls."""
        bucket = f"releases-{os.urandom(4).hex()}"
        url = moto.queue(bucket)
        moto.notifying_bucket(bucket, url)
        options: dict[str, object] = {"key": LOGIN["AWS_ACCESS_KEY_ID"], "secret": LOGIN["AWS_SECRET_ACCESS_KEY"]}
        options |= {"endpoint_url": moto.url, "client_kwargs": {"region_name": REGION}}
        author, follower = self.author(src, f"s3://{bucket}/pkgs/", options), World(src / "b")
        follower.write("conf/args.yml", json.dumps(options))
        follower.asks_for("ds>=1", index=f"s3://{bucket}/pkgs/", fs_args="conf/args.yml")
        queue = f'[[queue]]\nname = "team"\nurl = "{url}"\nregion = "{REGION}"\nendpoint-url = "{moto.url}"\n'
        with Daemon(tmp_path / "d", config(src, queue), environ=LOGIN) as daemon:
            daemon.until("Installed", follower.root, message="1.0", trigger=f"s3://{bucket}/pkgs/ds-1.0.tar.gz")
            self.releases(author, daemon, "1.1")
            daemon.until("Updated", follower.root, message="1.1", trigger=f"s3://{bucket}/pkgs/ds-1.1.tar.gz")

        assert follower.read("src/shop/ds/nodes.py") == "A = '1.1'\n"

    def test_by_googles_storage_and_a_webhook(self, tmp_path: Path, src: Path, gcs: FakeGcs) -> None:
        """Pub/Sub pushes what was put there to the service."""
        made = InGcs(gcs)
        author, follower = self.author(src, made.index, made.options), World(src / "b")
        follows(follower, made)
        secret = hold(tmp_path / "secret", f"hook-{CANARY}")
        webhook = f'[[webhook]]\nname = "gcs"\nform = "pubsub"\nsecret-file = "{secret}"\n'
        with Daemon(tmp_path, http_config(tmp_path, webhook)) as daemon:
            daemon.until("Published", author.root, message="1.0")
            self.releases(author, daemon, "1.1")
            push = {"message": {"attributes": {"bucketId": "b", "objectId": "pkgs/ds-1.1.tar.gz"}}}
            answer = listening(daemon, "http.listen")._replace(token="").post(f"/hooks/gcs?token=hook-{CANARY}", push)
            assert answer.status == 202
            daemon.until_status(follower.root, lambda status: status["entries"][0]["version"] == "1.1")

        assert follower.read("src/shop/ds/nodes.py") == "A = '1.1'\n"
