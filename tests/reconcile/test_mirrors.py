"""Mirrors: a pinned or locked archive is found by its digest where its ref no longer gives it out."""

import json
import os
from pathlib import Path

import pytest

from micropkgd.model.tree import digest_of
from tests.kit.canaries import CANARY
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.servers.indexes import StaticIndex, sdist
from tests.kit.world import World, archive

NODES = "src/shop/ds/nodes.py"
ONE, TWO = archive({"nodes.py": "A = 1\n"}), archive({"nodes.py": "A = 2\n"}, "2.0")
ONE_HEX = digest_of(ONE).removeprefix("sha256:")
HERE = 'mirrors = ["mirror/{sha256}.tar.gz"]'
AT_MIRROR = f"mirror/{ONE_HEX}.tar.gz"


def lose_the_bytes(world: World) -> None:
    """Need the locked archive, and have it neither in the tree nor in the cache."""
    (world.root / NODES).unlink()
    world.forget_archives()


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        pytest.param(Reply(404), 1, id="gone"),
        pytest.param(Reply(503), 5, id="unreachable"),
        pytest.param(Reply(429, headers={"Retry-After": "600"}), 5, id="throttled"),
        pytest.param(Reply(body=TWO), 6, id="replaced"),
    ],
)
def test_a_locked_archive_comes_from_the_mirror(world: World, faults: FaultServer, reply: Reply, code: int) -> None:
    """Without the mirror the ref's own failure; with it the locked bytes."""
    url = faults.script("/ds.tar.gz", Reply(body=ONE), reply)
    world.asks_for(url, HERE)
    world.sync()
    lose_the_bytes(world)
    assert world.reconcile("--locked").code == code
    world.write(AT_MIRROR, ONE)

    assert world.reconcile("--locked").code == 0
    assert world.read(NODES) == "A = 1\n"


@pytest.mark.parametrize("status", [401, 403])
def test_a_denial_is_not_papered_over(world: World, faults: FaultServer, status: int) -> None:
    """Somebody must mend the credentials, and hears of it."""
    world.asks_for(faults.script("/ds.tar.gz", Reply(body=ONE), Reply(status)), HERE)
    world.sync()
    lose_the_bytes(world)
    world.write(AT_MIRROR, ONE)
    said = world.reconcile("--locked")

    assert (said.code, str(status) in said.out) == (1, True)
    assert not world.has(NODES)


def test_a_pinned_archive_is_installed_from_the_mirror(world: World) -> None:
    """A pin is a digest too: the first pull of all needs no ref that answers; the lock names the ref."""
    world.write(AT_MIRROR, ONE)
    world.asks_for("dist/away.tar.gz", HERE, sha256=ONE_HEX)
    world.sync()

    assert world.read(NODES) == "A = 1\n"
    assert "mirror" not in world.read("micropkg.lock")
    before = world.stamps()
    world.sync()
    assert world.stamps() == before


def test_a_floating_ref_has_no_mirror(world: World) -> None:
    """Nobody knows which bytes would be meant."""
    world.write(AT_MIRROR, ONE)
    world.write("mirror/.tar.gz", ONE)
    world.asks_for("dist/away.tar.gz", HERE)

    assert world.reconcile().code == 1
    assert not world.has(NODES)


def test_a_mirror_s_validator_is_not_remembered_as_the_ref_s(world: World) -> None:
    """The same ETag means other bytes elsewhere: an entry that loses its pin is asked as if for the first time."""
    world.write(AT_MIRROR, ONE)
    world.asks_for("dist/away.tar.gz", HERE, sha256=ONE_HEX)
    world.sync()

    assert json.loads(world.read(".micropkgd/state.json"))["known"] == {}


def test_a_missing_file_comes_back_though_the_ref_is_gone(world: World) -> None:
    """The entry reports the ref's failure, and the locked version is whole again."""
    world.write("dist/ds.tar.gz", ONE)
    world.write(AT_MIRROR, ONE)
    world.asks_for(policy=HERE)
    world.sync()
    lose_the_bytes(world)
    (world.root / "dist/ds.tar.gz").unlink()

    assert world.reconcile().code == 1
    assert world.read(NODES) == "A = 1\n"


def test_other_bytes_of_a_mirror_are_refused(world: World) -> None:
    """A mirror need not be trusted: what it has instead is named, and not installed; nor is it kept."""
    world.write(AT_MIRROR, TWO)
    world.asks_for("dist/away.tar.gz", HERE, sha256=ONE_HEX)
    said = world.reconcile()

    assert said.code == 1  # the ref's own failure decides
    assert f"mirror: `{AT_MIRROR}` is not the archive that was asked for" in said.out
    assert not world.has(NODES)
    assert not any(path.is_file() for path in Path(os.environ["MICROPKGD_CACHE_DIR"]).rglob("*"))


def test_mirrors_are_asked_in_order_until_one_has_it(world: World, faults: FaultServer) -> None:
    """The one behind the one that answers hears nothing, and the entry's credentials reach none."""
    first, second, third = (f"/{number}/{ONE_HEX}.tar.gz" for number in (1, 2, 3))
    faults.script("/ds.tar.gz", Reply(404))
    for path, reply in ((first, Reply(404)), (second, Reply(body=ONE)), (third, Reply(body=ONE))):
        faults.script(path, reply)
    mirrors = ", ".join(f'"{faults.url(f"/{number}/")}{{sha256}}.tar.gz"' for number in (1, 2, 3))
    world.write("args.yml", "headers: {Authorization: Bearer of-the-ref}\n")
    world.asks_for(faults.url("/ds.tar.gz"), f"mirrors = [{mirrors}]", sha256=ONE_HEX, fs_args="args.yml")
    world.sync()

    assert [len(faults.requests_for(path)) for path in (first, second, third)] == [1, 1, 0]
    assert faults.requests_for("/ds.tar.gz")[0].headers["authorization"] == "Bearer of-the-ref"
    assert not any("authorization" in faults.requests_for(path)[0].headers for path in (first, second))


def test_every_failed_mirror_is_named(world: World) -> None:
    """The ref's failure first, then what each mirror said."""
    policy = 'mirrors = ["one/{sha256}.tar.gz", "two/{sha256}.tar.gz"]'
    world.asks_for("dist/away.tar.gz", policy, sha256=ONE_HEX)
    said = world.reconcile()

    assert said.code == 1
    assert said.out.index("dist/away") < said.out.index(f"one/{ONE_HEX}") < said.out.index(f"two/{ONE_HEX}")


def test_a_release_that_left_its_index_comes_from_the_mirror(world: World, static_index: StaticIndex) -> None:
    """The lock says the release, the digest says the bytes; the lock stays as it is."""
    data = sdist("ds", "1.0")
    static_index.publish("ds", "1.0", data)
    world.asks_for("ds==1.0", HERE, index=static_index.url)
    world.sync()
    lock = world.read("micropkg.lock")
    (world.root / "src/shop/ds/__init__.py").unlink()
    world.forget_archives()
    static_index.list("ds", [])
    world.write(f"mirror/{digest_of(data).removeprefix('sha256:')}.tar.gz", data)

    assert world.reconcile("--locked").code == 0
    assert world.has("src/shop/ds/__init__.py")
    assert world.read("micropkg.lock") == lock


@pytest.mark.parametrize(
    ("mirror", "words"),
    [
        pytest.param("https://host/archives/", "does not say where the digest goes", id="no-place-for-the-digest"),
        pytest.param("name-{sha256}", "is neither an address nor a path", id="neither-address-nor-path"),
        pytest.param(f"https://me:{CANARY}@host/{{sha256}}.tar.gz", "carries a user name", id="credential"),
    ],
)
def test_a_mirror_that_is_none_is_refused_with_its_line(world: World, mirror: str, words: str) -> None:
    """The manifest is committed: it must be right, and without a credential."""
    world.asks_for(policy=f'mirrors = ["{mirror}"]')
    said = world.reconcile()

    assert said.code == 2
    assert words in said.err
    assert "pyproject.toml:7" in said.err
    assert CANARY not in said.err
