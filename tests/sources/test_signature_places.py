"""Signatures beside archives in every kind of place: asked for once, replaced at a bad moment, by a cache of others."""

import json
import shutil
from pathlib import Path

import pytest

from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.servers.indexes import StaticIndex, sdist
from tests.kit.servers.shelves import KINDS, shelf
from tests.kit.signing import Person
from tests.kit.world import World, archive

NODES = "src/shop/ds/nodes.py"


@pytest.fixture
def ana(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Person:
    """She is who this machine trusts."""
    person = Person(tmp_path / "keys", "ana@example.com")
    config = tmp_path / "machine.toml"
    config.write_text(f"[[signatures]]\nsigners = {json.dumps([person.line])}\n")
    monkeypatch.setenv("MICROPKGD_CONFIG", str(config))
    return person


def signature(person: Person, folder: Path, data: bytes) -> bytes:
    """What lies beside an archive."""
    path = folder / "to-sign"
    path.write_bytes(data)
    return person.sign(path).read_bytes()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_index", [False, True], ids=["ref", "index"])
def test_beside_the_archive(
    kind: str, world: World, ana: Person, tmp_path: Path, request: pytest.FixtureRequest, *, is_index: bool
) -> None:
    """In a folder, a web server's listing and both kinds of buckets, by its address or as an index."""
    place = shelf(kind, tmp_path, request.getfixturevalue)
    data = archive({"nodes.py": "A = 1\n"})
    place.put("ds-1.0.tar.gz", data)
    world.write("args.yml", json.dumps(place.options))
    options = 'fs-args = "args.yml"' if place.options else ""
    row = (
        f'"ds" = {{index = "{place.index}", {options}}}'
        if is_index
        else f'"{place.index}ds-1.0.tar.gz" = {{{options}}}'
    )
    world.manifest(row.replace(", }", "}"))
    said = world.reconcile()
    assert (said.code, "[MPK306]" in said.out + said.err) == (6, True), said
    assert not world.has(NODES)

    place.put("ds-1.0.tar.gz.sig", signature(ana, tmp_path, data))
    world.sync()
    assert world.has(NODES)
    place.remove("ds-1.0.tar.gz.sig")
    world.forget()
    shutil.rmtree(world.root / "src/shop/ds")
    assert world.reconcile("--locked").code == 0
    assert world.has(NODES)


def test_of_the_pages_of_an_index(world: World, ana: Person, static_index: StaticIndex, tmp_path: Path) -> None:
    """The signature lies beside the file that the page names; the page need not name it."""
    data = sdist("ds", "1.0")
    static_index.publish("ds", "1.0", data)
    world.manifest(f'"ds" = {{index = "{static_index.url}"}}')
    assert world.reconcile().code == 6
    (static_index.folder("ds") / "ds-1.0.tar.gz.sig").write_bytes(signature(ana, tmp_path, data))
    world.sync()
    assert 'signed-by = "ana@example.com"' in world.read("micropkg.lock")


def test_replaced_between_two_questions(world: World, ana: Person, faults: FaultServer, tmp_path: Path) -> None:
    """The archive of one release with the signature of the next: neither gets in, and the next pass has both."""
    old, new = archive({"nodes.py": "A = 1\n"}), archive({"nodes.py": "A = 2\n"}, "2.0")
    url = faults.script("/ds.tar.gz", Reply(body=old), Reply(body=new))
    faults.script("/ds.tar.gz.sig", Reply(body=signature(ana, tmp_path, new)))
    world.asks_for(url)
    said = world.reconcile()
    assert (said.code, "of another archive" in said.out + said.err) == (6, True), said
    assert not world.has(NODES)
    world.sync()
    assert world.read(NODES) == "A = 2\n"


def test_asked_for_once(world: World, ana: Person, faults: FaultServer, tmp_path: Path) -> None:
    """Then the lock has it; the query of an address stays behind the name."""
    data = archive({"nodes.py": "A = 1\n"})
    url = faults.script("/ds.tar.gz", Reply(body=data))
    faults.script("/ds.tar.gz.sig", Reply(body=signature(ana, tmp_path, data)))
    world.asks_for(f"{url}?branch=main")
    for _ in range(3):
        world.sync()
    assert len(faults.requests_for("/ds.tar.gz.sig")) == 1


@pytest.mark.parametrize(
    ("reply", "code", "what"),
    [
        (Reply(404), 6, "MPK306"),
        (Reply(403), 1, "MPK203"),
        (Reply(503), 5, "MPK201"),
        (Reply(body=b"A" * (1 << 20)), 6, "MPK307"),
        (Reply(301, headers={"Location": "file:///etc/passwd"}), 6, "MPK307"),
    ],
    ids=["gone", "denied", "away", "large", "led-away"],
)
def test_what_a_server_says(world: World, ana: Person, faults: FaultServer, reply: Reply, code: int, what: str) -> None:
    """Whatever it is, nothing gets in, and each keeps its own name."""
    url = faults.script("/ds.tar.gz", Reply(body=archive({"nodes.py": "A = 1\n"})))
    faults.script("/ds.tar.gz.sig", reply)
    world.asks_for(url)
    said = world.reconcile()
    assert (said.code, f"[{what}]" in said.out + said.err) == (code, True), said
    assert not world.has(NODES)


def test_bytes_from_the_cache_of_others(world: World, ana: Person, faults: FaultServer, tmp_path: Path) -> None:
    """An archive that is at hand by its digest, from a pass that asked nobody, needs its signature all the same."""
    data = archive({"nodes.py": "A = 1\n"})
    url = faults.script("/ds.tar.gz", Reply(body=data))
    faults.script("/ds.tar.gz.sig", Reply(404), Reply(404), Reply(body=signature(ana, tmp_path, data)))
    world.asks_for(url)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MICROPKGD_CONFIG")
        world.sync()
    shutil.rmtree(world.root / "src/shop/ds")
    assert world.reconcile("--locked").code == 6
    assert world.reconcile("--frozen").code == 6
    assert not world.has(NODES)
    world.sync()
    assert world.has(NODES)
