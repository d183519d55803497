"""Nothing unsigned gets into the tree where somebody asks for signatures; real ones, by the real ssh-keygen."""

import json
import shutil
import subprocess
import time
import tomllib
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from micropkgd.clock import GRAIN_NS
from micropkgd.workspace.memory.settled import RECORD
from tests.kit.signing import Person, keygen
from tests.kit.world import ROW, World

NODES = "src/shop/ds/nodes.py"


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> tuple[Person, Person]:
    """Ana, who is trusted, and Eve, who has a key, too."""
    folder = tmp_path_factory.mktemp("people")
    return Person(folder, "ana@example.com"), Person(folder, "eve@example.com")


@pytest.fixture
def ana(people: tuple[Person, Person]) -> Person:
    """She is trusted."""
    return people[0]


@pytest.fixture
def eve(people: tuple[Person, Person]) -> Person:
    """She is not."""
    return people[1]


Asks = Callable[..., None]


@pytest.fixture
def asks(world: World, monkeypatch: pytest.MonkeyPatch) -> Asks:
    """Let the machine ask for signatures."""
    config = world.root.parent / "machine.toml"
    monkeypatch.setenv("MICROPKGD_CONFIG", str(config))

    def write(*lines: str, **also: object) -> None:
        rows = "".join(f"{key.replace('_', '-')} = {json.dumps(value)}\n" for key, value in also.items())
        config.write_text(f"[[signatures]]\nsigners = {json.dumps(lines)}\n{rows}")

    return write


def release(world: World, version: str = "1.0", text: str = "A = 1\n", to: str = ROW) -> Path:
    """Publish an archive."""
    world.publish({"nodes.py": text}, version, to)
    return world.root / to


def block(world: World) -> dict[str, Any]:
    """What the lock says of the one entry, in our words."""
    found: dict[str, Any] = tomllib.loads(world.read("micropkg.lock"))["packages"][0]["tool"]["micropkgd"]
    return found


def entry(world: World, *options: str) -> dict[str, Any]:
    """The one entry of a pass."""
    found: dict[str, Any] = json.loads(world.reconcile("--json", *options).out)["projects"][0]["entries"][0]
    return found


def refused(world: World, reason: str, code: str, *options: str) -> str:
    """A pass that installs nothing, and says why."""
    before = world.tree()
    said = world.reconcile(*options)
    assert (said.code, f"[{code}]" in said.out + said.err) == (6, True), said
    assert world.tree() == before
    found = entry(world, *options)
    assert found["failure"]["reason"] == reason
    return str(found["failure"]["problem"])


class TestSigned:
    """What is signed as asked."""

    @pytest.mark.parametrize(
        "kind",
        [("-t", "ed25519"), ("-t", "ecdsa", "-b", "256"), ("-t", "ecdsa", "-b", "384"), ("-t", "ecdsa", "-b", "521"),
         ("-t", "rsa", "-b", "3072")],
        ids=lambda kind: kind[-1],
    )  # fmt: skip
    def test_it_is_installed_and_the_lock_says_by_whom(
        self, world: World, asks: Asks, tmp_path: Path, kind: tuple[str, ...]
    ) -> None:
        """Whatever kind of key it is; what is kept is what ssh-keygen itself would accept."""
        person = Person(tmp_path / "keys", "dev@example.com", *kind)
        archive = release(world)
        person.sign(archive)
        asks(person.line)
        world.asks_for()
        assert entry(world)["signed_by"] == "dev@example.com"
        assert world.has(NODES)
        assert "  signed by dev@example.com\n" in world.run("status").out
        locked = block(world)
        assert locked["signed-by"] == "dev@example.com"
        assert world.read("micropkg.lock").startswith(
            '# micropkg.lock - written by micropkgd, commit it, do not edit.\nlock-version = "1.4"'
        )

        whole = locked["signature"]
        lines = "".join(f"{whole[at : at + 70]}\n" for at in range(0, len(whole), 70))
        (tmp_path / "x.sig").write_text(f"-----BEGIN SSH SIGNATURE-----\n{lines}-----END SSH SIGNATURE-----\n")
        (tmp_path / "signers").write_text(f"{person.line}\n")
        with archive.open("rb") as stream:
            command = ["ssh-keygen", "-Y", "verify", "-f", str(tmp_path / "signers"), "-I", "dev@example.com"]
            command += ["-n", "micropkgd", "-s", str(tmp_path / "x.sig")]
            subprocess.run(command, stdin=stream, check=True, capture_output=True)

    def test_the_next_pass_asks_nobody(self, world: World, asks: Asks, ana: Person) -> None:
        """The lock has the signature: the file may go, and nothing is written."""
        ana.sign(release(world))
        asks(ana.line)
        world.asks_for()
        world.sync()
        (world.root / f"{ROW}.sig").unlink()
        before = world.stamps()
        world.sync()
        assert world.stamps() == before

    def test_a_clone_without_memory_checks_the_lock(self, world: World, asks: Asks, ana: Person) -> None:
        """By `--locked`, with no signature anywhere but in the lock."""
        ana.sign(release(world))
        asks(ana.line)
        world.asks_for()
        world.sync()
        world.forget()
        (world.root / f"{ROW}.sig").unlink()
        shutil.rmtree(world.root / "src/shop/ds")
        assert world.reconcile("--locked").code == 0
        assert world.has(NODES)

    def test_who_changes_keys_has_two_for_a_while(self, world: World, asks: Asks, ana: Person, eve: Person) -> None:
        """A new version by the new key is an update, and is told; then the old one may go."""
        ana.sign(release(world))
        asks(ana.line)
        world.asks_for()
        world.sync()
        asks(ana.line, eve.line)
        eve.sign(release(world, "2.0", "A = 2\n"))
        found = entry(world)
        assert (found["action"], found["signed_by"]) == ("update", "eve@example.com")
        assert "it is signed by eve@example.com, and was by ana@example.com" in found["notes"]
        asks(eve.line)
        world.sync()

    def test_a_key_that_went_is_asked_for_again(self, world: World, asks: Asks, ana: Person, eve: Person) -> None:
        """The same bytes, signed anew: only the lock changes."""
        archive = release(world)
        ana.sign(archive)
        asks(ana.line)
        world.asks_for()
        world.sync()
        asks(eve.line)
        assert refused_in_lock(world) == 6
        eve.sign(archive)
        world.reconcile()
        assert block(world)["signed-by"] == "eve@example.com"
        assert world.reconcile("--locked", "--check").code == 0

    def test_what_was_installed_before_anybody_asked(self, world: World, asks: Asks, ana: Person) -> None:
        """Is looked at by the next whole pass: its signature comes into the lock, and no file changes."""
        archive = release(world)
        world.asks_for()
        asks(ana.line, origins=["https://example.com/"])
        world.sync()
        asks(ana.line)
        problem = refused(world, "Unsigned", "MPK306", "--locked")
        assert problem == f"it is not signed, as this machine asks: there is no `{ROW}.sig`"
        ana.sign(archive)
        assert world.run("lock").code == 0
        assert block(world)["signed-by"] == "ana@example.com"

    def test_places(self, world: World, asks: Asks, ana: Person) -> None:
        """A row for other places asks nothing here."""
        release(world)
        world.asks_for()
        asks(ana.line, origins=["https://example.com/", "/srv/share"])
        world.sync()
        assert entry(world)["signed_by"] is None
        asks(ana.line, origins=[str(world.root / "dist")])
        refused(world, "Unsigned", "MPK306", "--locked")

    def test_a_folder_is_an_index(self, world: World, asks: Asks, ana: Person) -> None:
        """The signature lies beside the release that was chosen."""
        ana.sign(release(world, to="share/ds-1.0.tar.gz"))
        asks(ana.line)
        world.manifest('"ds>=1" = {index = "share/"}')
        assert entry(world)["signed_by"] == "ana@example.com"
        release(world, "1.1", to="share/ds-1.1.tar.gz")
        refused(world, "Unsigned", "MPK306")

    def test_the_project_asks_more(self, world: World, asks: Asks, ana: Person, eve: Person) -> None:
        """Its rows stand beside the machine's: one signature must please both."""
        ana.sign(release(world))
        asks(ana.line, eve.line)
        own = f'[[tool.micropkgd.signatures]]\nsigners = ["{eve.line}"]\n'
        world.manifest(f'"{ROW}" = {{}}\n\n{own}')
        assert "this project trusts eve@example.com" in refused(world, "ForeignSignature", "MPK308")
        eve.sign(world.root / ROW)
        assert entry(world)["signed_by"] == "eve@example.com"

    def test_a_project_takes_nothing_from_the_machine(self, world: World, asks: Asks, ana: Person, eve: Person) -> None:
        """Whoever writes the manifest cannot name a signer for the machine."""
        eve.sign(release(world))
        asks(ana.line)
        world.manifest(f'"{ROW}" = {{}}\n\n[[tool.micropkgd.signatures]]\nsigners = ["{eve.line}"]\n')
        assert "this machine trusts ana@example.com" in refused(world, "ForeignSignature", "MPK308")


def refused_in_lock(world: World) -> int:
    """What a pass by the lock alone ends with."""
    return world.reconcile("--locked").code


class TestAttacks:
    """What does not get in; what is installed stays."""

    @pytest.fixture(autouse=True)
    def trusted(self, world: World, asks: Asks, ana: Person) -> None:
        """Version 1.0, signed by Ana, is installed."""
        ana.sign(release(world))
        asks(ana.line)
        world.asks_for()
        world.sync()

    def test_none(self, world: World) -> None:
        """The signature went with the next version, at the second look, too."""
        release(world, "2.0", "A = 2\n")
        (world.root / f"{ROW}.sig").unlink()
        for _ in range(2):
            refused(world, "Unsigned", "MPK306")
        assert entry(world)["after"]["version"] == "1.0"

    def test_of_another_archive(self, world: World) -> None:
        """A true signature, of the version before."""
        release(world, "2.0", "A = 2\n")
        assert "it is of another archive" in refused(world, "BadSignature", "MPK307")

    def test_of_somebody_else(self, world: World, eve: Person) -> None:
        """Named by the fingerprint that ssh-keygen shows."""
        eve.sign(release(world, "2.0", "A = 2\n"))
        fingerprint = keygen("-l", "-f", str(eve.key)).split()[1]
        assert refused(world, "ForeignSignature", "MPK308") == (
            f"it is signed by {fingerprint}, and this machine trusts ana@example.com"
        )

    def test_for_another_purpose(self, world: World, ana: Person) -> None:
        """As of a commit of git, or of a mail."""
        ana.sign(release(world, "2.0", "A = 2\n"), namespace="git")
        assert "it is for `git`, not `micropkgd`" in refused(world, "BadSignature", "MPK307")

    def test_of_another_hash(self, world: World, ana: Person) -> None:
        """The default of ssh-keygen is named with what to do."""
        ana.sign(release(world, "2.0", "A = 2\n"), hashed="sha512")
        assert "sign with `-O hashalg=sha256`" in refused(world, "BadSignature", "MPK307")

    @pytest.mark.parametrize(
        "data",
        [b"", b"-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n", b"\xff" * 100, b"A" * (1 << 20),
         b"-----BEGIN SSH SIGNATURE-----\n!!!!\n-----END SSH SIGNATURE-----\n",
         b"-----BEGIN SSH SIGNATURE-----\nU1NIU0lHAAAAAf////8=\n-----END SSH SIGNATURE-----\n"],
        ids=["empty", "hollow", "bytes", "large", "no-base64", "cut-off"],
    )  # fmt: skip
    def test_that_is_none(self, world: World, data: bytes) -> None:
        """Whatever stands there."""
        release(world, "2.0", "A = 2\n")
        world.write(f"{ROW}.sig", data)
        refused(world, "BadSignature", "MPK307")

    def test_without_end(self, world: World) -> None:
        """A gigabyte is not read."""
        release(world, "2.0", "A = 2\n")
        with (world.root / f"{ROW}.sig").open("wb") as stream:
            stream.truncate(1 << 30)
        assert "may have 16384 bytes" in refused(world, "BadSignature", "MPK307")

    def test_every_bit_counts(self, world: World) -> None:
        """No letter of a true signature can be another one."""
        text = block(world)["signature"]
        lock = world.read("micropkg.lock")
        for at in range(0, len(text) - 2, 19):
            other = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
            world.write("micropkg.lock", lock.replace(text, other))
            (world.root / f"{ROW}.sig").unlink(missing_ok=True)
            assert world.reconcile("--locked").code == 6, at

    def test_a_lock_that_lies(self, world: World, eve: Person) -> None:
        """A commit that brings Eve's archive with Ana's name and signature installs nothing."""
        good = world.read("micropkg.lock")
        evil = release(world, "2.0", "A = 666\n")
        old = world.root / "machine-less"
        old.mkdir()
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("MICROPKGD_CONFIG")
            world.sync()
        forged = world.read("micropkg.lock")
        was, now = block_of(good), block_of(forged)
        assert "signature" not in now
        world.write(
            "micropkg.lock",
            forged.replace('lock-version = "1.1"', 'lock-version = "1.4"').replace(
                "renderer = ", f'signed-by = "{was["signed-by"]}"\nsignature = "{was["signature"]}"\nrenderer = ', 1
            ),
        )
        world.forget()
        shutil.rmtree(world.root / "src/shop/ds")
        evil.with_name(f"{evil.name}.sig").unlink()
        assert world.reconcile("--locked").code == 6
        assert not world.has(NODES)
        eve.sign(evil)
        assert world.reconcile().code == 6
        assert not world.has(NODES)

    def test_an_outage_opens_nothing(self, world: World) -> None:
        """An unsigned lock is not installed from the cache because its source is away."""
        release(world, "2.0", "A = 666\n")
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("MICROPKGD_CONFIG")
            world.sync()
        shutil.rmtree(world.root / "src/shop/ds")
        (world.root / ROW).unlink()
        (world.root / f"{ROW}.sig").unlink()
        assert world.reconcile().code in {1, 6}
        assert not world.has(NODES)

    def test_a_person_takes_what_waits(self, world: World, ana: Person) -> None:
        """What waits keeps its signature, though another one lies there by now; unsigned nothing is taken."""
        world.write(NODES, "A = 5\n")
        ana.sign(release(world, "2.0", "A = 2\n"))
        assert world.reconcile().code == 4
        release(world, "3.0", "A = 3\n")
        (world.root / f"{ROW}.sig").unlink()
        assert world.run("resolve", ROW, "--take").code == 0
        assert world.read(NODES) == "A = 2\n"
        assert block(world)["signed-by"] == "ana@example.com"

    def test_by_hand(self, world: World) -> None:
        """`pull` asks, too."""
        release(world, to="dist/other.tar.gz")
        said = world.run("pull", "dist/other.tar.gz", "--alias", "other")
        assert (said.code, world.has("src/shop/other")) == (6, False)


def block_of(text: str) -> dict[str, Any]:
    """What a lock says of its one entry."""
    found: dict[str, Any] = tomllib.loads(text)["packages"][0]["tool"]["micropkgd"]
    return found


def test_a_key_in_a_form_that_ssh_never_writes(world: World, tmp_path: Path) -> None:
    """A project may name any key: a point of a curve may be cut to a half, which nobody reads."""
    person = Person(tmp_path / "keys", "dev@example.com", "-t", "ecdsa", "-b", "256")
    person.sign(release(world))
    name, kind, text = person.line.split()[:3]
    whole = b64decode(text)
    cut = whole[:-69] + (33).to_bytes(4) + bytes([2 + whole[-1] % 2]) + whole[-64:-32]
    sig = world.root / f"{ROW}.sig"
    signature = b64decode("".join(sig.read_text().splitlines()[1:-1]))
    forged = signature.replace(len(whole).to_bytes(4) + whole, len(cut).to_bytes(4) + cut)
    sig.write_text(f"-----BEGIN SSH SIGNATURE-----\n{b64encode(forged).decode()}\n-----END SSH SIGNATURE-----\n")
    world.asks_for()
    line = f"{name} {kind} {b64encode(cut).decode()}"
    row = f"\n[[tool.micropkgd.signatures]]\nsigners = {json.dumps([line])}\n"
    world.write("pyproject.toml", world.read("pyproject.toml") + row)
    assert "its key cannot be read" in refused(world, "BadSignature", "MPK307")


class TestConfig:
    """Who may say what."""

    @pytest.mark.parametrize(
        ("line", "problem"),
        [
            ("ana", "names no signer"),
            ("ana ssh-ed25519 AAAA", "is not whole"),
            ("ana ssh-dss AAAAB3NzaC1kc3M=", "of the kind `ssh-dss`"),
            ('ana valid-before="20300101" ssh-ed25519 AAAA', "names no signer"),
            ("ana cert-authority ssh-ed25519 AAAA", "names no signer"),
            ("\x1b[31m ssh-ed25519 AAAA", "names no signer"),
        ],
    )
    def test_a_line_that_is_not_understood(self, world: World, asks: Asks, line: str, problem: str) -> None:
        """Is an error: what it bounds must not be passed over."""
        release(world)
        world.asks_for()
        asks(line)
        said = world.reconcile()
        assert (said.code, problem in said.err) == (2, True), said
        assert not world.has(NODES)

    def test_a_key_for_other_things(self, world: World, asks: Asks, ana: Person) -> None:
        """`namespaces` bounds a key, as it does for ssh."""
        ana.sign(release(world))
        world.asks_for()
        asks(ana.line.replace(" ", ' namespaces="git" ', 1))
        refused(world, "ForeignSignature", "MPK308")
        asks(ana.line.replace(" ", ' namespaces="git,micropkgd" ', 1))
        world.sync()

    def test_a_file_of_signers(self, world: World, asks: Asks, ana: Person, tmp_path: Path) -> None:
        """The one of ssh; where it is not there, nothing is trusted, and that is said."""
        ana.sign(release(world))
        world.asks_for()
        file = tmp_path / "allowed_signers"
        config = world.root.parent / "machine.toml"
        config.write_text(f'[[signatures]]\nsigners-file = "{file}"\n')
        said = world.reconcile()
        assert (said.code, "the signers cannot be read" in said.err) == (2, True), said
        file.write_text(f"# the team\n\n{ana.line} a comment\n")
        world.sync()

    def test_nobody(self, world: World, asks: Asks) -> None:
        """A row without signers is a slip."""
        world.asks_for()
        asks()
        assert "names nobody who may sign" in world.reconcile().err

    @pytest.mark.parametrize(
        "row", ["signers = 3", "signer = []", 'signers = ["x"]', 'signers = []\norigins = ["nowhere"]']
    )
    def test_a_row_of_a_project(self, world: World, row: str) -> None:
        """Is checked as the machine's is."""
        world.manifest(f'"{ROW}" = {{}}\n\n[[tool.micropkgd.signatures]]\n{row}\n')
        said = world.reconcile()
        assert (said.code, "pyproject.toml" in said.err) == (2, True), said


def test_a_record_knows_who_signed(world: World, ana: Person, asks: Asks) -> None:
    """Where nobody asks for signatures any more, a pass may end by its record, and says the same."""
    asks(ana.line)
    ana.sign(release(world))
    world.asks_for()
    world.sync()
    (world.root.parent / "machine.toml").write_text("")
    time.sleep(2 * GRAIN_NS / 1e9)  # what is younger is not believed yet
    world.sync()

    assert (world.root / RECORD).exists()
    assert entry(world)["signed_by"] == ana.identity
    (world.root / RECORD).unlink()
    assert entry(world)["signed_by"] == ana.identity
