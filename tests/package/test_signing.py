"""`publish --sign`: the signature is at the archive's place before it, and others install what it says."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from micropkgd.model.tree import digest_of
from micropkgd.sources.sshsig import SshSignature
from tests.kit.daemon import Daemon, served, until
from tests.kit.packages import module
from tests.kit.servers.faults import FaultServer
from tests.kit.servers.shelves import KINDS, OnDisk, shelf
from tests.kit.signing import Person, keygen
from tests.kit.site import config
from tests.kit.world import Said, World

FILE = "ds-1.0.tar.gz"
PLACES = [kind for kind in KINDS if kind != "listing"]


@pytest.fixture
def ana(tmp_path: Path) -> Person:
    """She publishes."""
    return Person(tmp_path / "keys", "ana@example.com")


@pytest.fixture
def folder(world: World, tmp_path: Path) -> OnDisk:
    """Where the module of a project is published."""
    place = OnDisk(tmp_path / "shelf")
    module(world, {"nodes.py": "A = 1\n"})
    world.manifest(
        f'"pipelines.ds" = {{publish = "{place.index}", publish-when = "asked"}}', home="tool.micropkgd.package"
    )
    return place


def publish(world: World, person: Person, *options: str) -> Said:
    """Publish the one module, signed."""
    return world.run("publish", "--sign", str(person.key), *options)


@pytest.mark.parametrize("kind", PLACES)
def test_published_and_installed(
    kind: str,
    world: World,
    ana: Person,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From a folder and both kinds of buckets, by a project whose machine trusts her alone."""
    place = shelf(kind, tmp_path, request.getfixturevalue)
    world.write("args.yml", json.dumps(place.options))
    with_args = ', fs-args = "args.yml"' if place.options else ""
    module(world, {"nodes.py": "A = 1\n"})
    row = f'"pipelines.ds" = {{publish = "{place.index}", publish-when = "asked"{with_args}}}'
    world.manifest(row, home="tool.micropkgd.package")
    said = publish(world, ana)
    assert said.code == 0, said
    fingerprint = keygen("-l", "-f", str(ana.key)).split()[1]
    assert f"signed by {fingerprint}: {place.index}{FILE}.sig" in said.out

    other = tmp_path / "other"
    other.mkdir()
    puller = World(other)
    puller.write("args.yml", json.dumps(place.options))
    puller.manifest(f'"{place.index}{FILE}" = {{{with_args.removeprefix(", ")}}}')
    config = tmp_path / "machine.toml"
    config.write_text(f"[[signatures]]\nsigners = {json.dumps([ana.line])}\n")
    monkeypatch.setenv("MICROPKGD_CONFIG", str(config))
    monkeypatch.chdir(other)
    puller.sync()
    assert puller.has("src/shop/ds/nodes.py")
    assert "signed-by" in puller.read("micropkg.lock")


class TestInAFolder:
    """What lies there afterwards."""

    def test_ssh_keygen_agrees(self, world: World, ana: Person, folder: OnDisk, tmp_path: Path) -> None:
        """The program that people know says that it is hers."""
        assert publish(world, ana).code == 0
        signers = tmp_path / "signers"
        signers.write_text(f"{ana.line}\n")
        command = ["ssh-keygen", "-Y", "verify", "-f", str(signers), "-I", ana.identity, "-n", "micropkgd"]
        command += ["-s", str(folder.folder / f"{FILE}.sig")]
        with (folder.folder / FILE).open("rb") as stream:
            said = subprocess.run(command, stdin=stream, capture_output=True, text=True, check=True)
        assert 'Good "micropkgd" signature for ana@example.com' in said.stdout

    def test_again(self, world: World, ana: Person, folder: OnDisk) -> None:
        """Nothing is written."""
        publish(world, ana)
        before = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.folder.iterdir()}
        said = publish(world, ana)
        assert (said.code, "signed by" in said.out) == (0, False)
        assert {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.folder.iterdir()} == before

    def test_afterwards(self, world: World, ana: Person, folder: OnDisk) -> None:
        """What was published without one is signed; the archive stays."""
        assert world.run("publish").code == 0
        archive = folder.folder / FILE
        stood = archive.stat().st_ino
        assert publish(world, ana).code == 0
        assert sorted(os.listdir(folder.folder)) == [FILE, f"{FILE}.sig"]
        assert archive.stat().st_ino == stood

    def test_with_a_new_key(self, world: World, ana: Person, folder: OnDisk, tmp_path: Path) -> None:
        """Takes the place of the old one; so does one that was damaged."""
        publish(world, ana)
        old = (folder.folder / f"{FILE}.sig").read_bytes()
        new = Person(tmp_path / "keys", "new@example.com", "-t", "ecdsa")
        assert publish(world, new).code == 0
        assert (folder.folder / f"{FILE}.sig").read_bytes() != old
        (folder.folder / f"{FILE}.sig").write_bytes(b"damaged")
        assert publish(world, ana).code == 0
        assert (folder.folder / f"{FILE}.sig").read_bytes() == old

    def test_what_is_taken_is_not_signed(self, world: World, ana: Person, folder: OnDisk) -> None:
        """Other bytes under that version are not hers."""
        folder.put(FILE, b"somebody else's")
        assert publish(world, ana).code == 1
        assert os.listdir(folder.folder) == [FILE]

    def test_a_dry_run(self, world: World, ana: Person, folder: OnDisk) -> None:
        """Writes nothing."""
        assert publish(world, ana, "--dry-run").code == 0
        assert os.listdir(folder.folder) == []

    def test_a_key_that_is_not_there(self, world: World, ana: Person, folder: OnDisk) -> None:
        """Nothing is published."""
        said = world.run("publish", "--sign", "nowhere")
        assert (said.code, "there is no such key" in said.err, os.listdir(folder.folder)) == (2, True, [])

    def test_a_key_that_is_none(self, world: World, ana: Person, folder: OnDisk) -> None:
        """ssh-keygen says so, and nothing is published."""
        ana.key.write_text("no key\n")
        assert (publish(world, ana).code, os.listdir(folder.folder)) == (2, [])

    def test_no_program_of_the_project(
        self, world: World, ana: Person, folder: OnDisk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whatever PATH says."""
        world.write("bin/ssh-keygen", "#!/bin/sh\ntouch ran\n").chmod(0o755)
        monkeypatch.setenv("PATH", f"{world.root / 'bin'}:{os.environ['PATH']}")
        assert publish(world, ana).code == 0
        assert not world.has("ran")

    def test_by_an_agent(self, world: World, ana: Person, folder: OnDisk, monkeypatch: pytest.MonkeyPatch) -> None:
        """The public half names the key."""
        said = subprocess.run(["ssh-agent", "-s"], capture_output=True, text=True, check=True).stdout
        found = dict(word.split("=") for line in said.splitlines() for word in line.split("; ") if "=" in word)
        for name, value in found.items():
            monkeypatch.setenv(name, value)
        try:
            subprocess.run(["ssh-add", "-q", str(ana.key)], check=True)
            ana.key.unlink()
            assert world.run("publish", "--sign", f"{ana.key}.pub").code == 0
            assert (folder.folder / f"{FILE}.sig").exists()
        finally:
            os.kill(int(found["SSH_AGENT_PID"]), 15)

    def test_an_index_has_no_place_for_it(self, world: World, ana: Person, folder: OnDisk, faults: FaultServer) -> None:
        """It is said, and nothing is sent."""
        row = f'"pipelines.ds" = {{publish = "{faults.url("/simple/")}", publish-when = "asked"}}'
        world.manifest(row, home="tool.micropkgd.package")
        said = publish(world, ana)
        assert (said.code, "takes no signatures" in said.out + said.err) == (2, True), said
        assert not faults.requests_for("/")


class TestByAPass:
    """A machine whose config names a key signs what its passes publish."""

    @pytest.fixture
    def place(self, world: World, tmp_path: Path) -> OnDisk:
        """Where the module is published as soon as it is made."""
        place = OnDisk(tmp_path / "shelf")
        module(world, {"nodes.py": "A = 1\n"})
        row = f'"pipelines.ds" = {{publish = "{place.index}", publish-when = "saved"}}'
        world.manifest(row, home="tool.micropkgd.package")
        return place

    @pytest.fixture
    def names(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
        """Name a key in the machine's config."""

        def name(key: Path) -> None:
            config = tmp_path / "machine.toml"
            config.write_text(f'signing-key = "{key}"\n')
            monkeypatch.setenv("MICROPKGD_CONFIG", str(config))

        return name

    def test_signed(self, world: World, ana: Person, place: OnDisk, names: Callable[[Path], None]) -> None:
        """It says by whom; with nothing to publish it signs nothing, and writes nothing."""
        names(ana.key)
        said = world.reconcile()
        assert (said.code, "signed by SHA256:" in said.out) == (0, True), said
        assert sorted(os.listdir(place.folder)) == [FILE, f"{FILE}.sig"]
        assert SshSignature.of_file((place.folder / f"{FILE}.sig").read_bytes()).signs(
            digest_of((place.folder / FILE).read_bytes())
        )
        before = world.stamps()
        assert "signed by" not in world.reconcile().out
        assert world.stamps() == before

    def test_by_package(self, world: World, ana: Person, place: OnDisk, names: Callable[[Path], None]) -> None:
        """Which publishes as a pass does; where no key is named, as ever."""
        assert world.run("package", "--all").code == 0
        assert os.listdir(place.folder) == [FILE]
        names(ana.key)
        (place.folder / FILE).unlink()
        assert world.run("package", "--all").code == 0
        assert sorted(os.listdir(place.folder)) == [FILE, f"{FILE}.sig"]

    def test_by_the_service(self, ana: Person, tmp_path: Path) -> None:
        """Which has nobody to ask."""
        world = served(tmp_path / "src")
        place = OnDisk(tmp_path / "src" / "shelf")
        module(world, {"nodes.py": "A = 1\n"})
        row = f'"pipelines.ds" = {{publish = "{place.index}", publish-when = "saved"}}'
        world.manifest(row, home="tool.micropkgd.package")
        with Daemon(tmp_path, f'signing-key = "{ana.key}"\n{config(tmp_path)}') as daemon:
            daemon.until("Published", world.root)
        assert sorted(os.listdir(place.folder)) == [FILE, f"{FILE}.sig"]

    @pytest.mark.parametrize("how", ["passphrase", "gone", "not a key"])
    def test_nothing_is_published_unsigned(
        self, world: World, place: OnDisk, names: Callable[[Path], None], tmp_path: Path, how: str
    ) -> None:
        """Nobody is asked for a passphrase, also at a terminal; `status` says what fails."""
        key = tmp_path / "key"
        if how == "passphrase":
            keygen("-q", "-N", "a long secret", "-f", str(key))
        elif how == "not a key":
            key.write_text("nothing\n")
        names(key)
        said = world.reconcile()
        assert said.code == 2, said
        assert ("there is no such key" if how == "gone" else "did not sign by the machine's `signing-key`") in said.out
        assert os.listdir(place.folder) == []
        assert str(key) in world.run("status").out
        assert world.has(f"dist/{FILE}")

    def test_an_agent_knows_the_passphrase(
        self,
        world: World,
        place: OnDisk,
        names: Callable[[Path], None],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """The public half names the key."""
        key, socket = tmp_path / "key", tmp_path / "agent"
        keygen("-q", "-N", "", "-f", str(key))
        agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
        try:
            monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
            until(socket.exists)
            subprocess.run(["ssh-add", "-q", str(key)], check=True)
            key.unlink()
            names(tmp_path / "key.pub")
            world.sync()
        finally:
            agent.kill()
            agent.wait()
        assert sorted(os.listdir(place.folder)) == [FILE, f"{FILE}.sig"]

    def test_what_is_not_released_is_not_signed(
        self, world: World, ana: Person, place: OnDisk, names: Callable[[Path], None]
    ) -> None:
        """Nor what stands there with other bytes."""
        names(ana.key)
        place.put(FILE, b"somebody else's")
        world.reconcile()
        assert os.listdir(place.folder) == [FILE]

    def test_by_hand_without_an_option(
        self, world: World, ana: Person, place: OnDisk, names: Callable[[Path], None]
    ) -> None:
        """`publish` signs what passes had put there before."""
        world.sync()
        assert os.listdir(place.folder) == [FILE]
        names(ana.key)
        assert world.run("publish").code == 0
        assert sorted(os.listdir(place.folder)) == [FILE, f"{FILE}.sig"]
