"""Attestations of an index (PEP 740): of who is trusted, or nothing gets into the tree; real ones, by an own notary."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from micropkgd.reconcile.resolve.fetcher import Fetcher
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.gather import Sources
from micropkgd.workspace.project import read_manifest
from tests.kit.notary import PUBLISH, Identity, Notary, provenance
from tests.kit.servers.indexes import StaticIndex, sdist
from tests.kit.signing import Person
from tests.kit.world import World

ANA = Identity.of_github("acme/forecast", "release.yml")
EVE = Identity.of_github("eve/forecast", "release.yml")
TRUSTED = "github:acme/forecast/release.yml"
CODE = "src/shop/ds/__init__.py"

Asks = Callable[..., None]


@pytest.fixture(scope="module")
def notary() -> Notary:
    """The one that is trusted."""
    return Notary()


@pytest.fixture
def asks(world: World, notary: Notary, monkeypatch: pytest.MonkeyPatch) -> Asks:
    """Let the machine ask for attestations of these publishers."""
    for name in ("PIP_INDEX_URL", "UV_INDEX_URL", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    config, root = world.root.parent / "machine.toml", world.root.parent / "trusted_root.json"
    notary.write_trusted_root(root)
    monkeypatch.setenv("MICROPKGD_CONFIG", str(config))

    def write(*publishers: str, more: str = "", **also: object) -> None:
        keys = {"trusted-root": str(root)} | {key.replace("_", "-"): value for key, value in also.items()}
        rows = "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items() if value)
        config.write_text(f"[[signatures]]\npublishers = {json.dumps(publishers)}\n{rows}{more}")

    return write


def publish(
    index: StaticIndex, data: bytes | None = None, *, served: bytes | None = None, version: str = "1.0"
) -> bytes:
    """Put a release of `ds` in place, and beside it what is served as its provenance."""
    whole = data if data is not None else sdist("ds", version)
    file = f"ds-{version}.tar.gz"
    said = {} if served is None else {"provenance": f"{index.url}ds/{file}.provenance"}
    index.publish("ds", version, whole, **said)
    if served is not None:
        (index.folder("ds") / f"{file}.provenance").write_bytes(served)
    return whole


def attested(index: StaticIndex, notary: Notary, who: Identity = ANA, version: str = "1.0") -> bytes:
    """Put an attested release in place."""
    data = sdist("ds", version)
    return publish(index, data, served=provenance(notary.attest(data, f"ds-{version}.tar.gz", who)), version=version)


def block(world: World) -> dict[str, Any]:
    """What the lock says of the one entry, in our words."""
    found: dict[str, Any] = tomllib.loads(world.read("micropkg.lock"))["packages"][0]["tool"]["micropkgd"]
    return found


def refused(world: World, code: str, *options: str) -> str:
    """A pass that changes nothing, and says why."""
    before = world.tree()
    said = world.reconcile(*options)
    assert (said.code, f"[{code}]" in said.out + said.err) == (6, True), said
    assert world.tree() == before
    return said.out + said.err


def test_attested_by_who_is_trusted(world: World, static_index: StaticIndex, notary: Notary, asks: Asks) -> None:
    """Installed; lock, pass, `status` and JSON say by whom, and every clone checks it without the index."""
    asks(TRUSTED)
    attested(static_index, notary)
    world.asks_for("ds", index=static_index.url)
    world.sync()
    assert world.has(CODE)
    assert block(world)["signed-by"] == TRUSTED
    assert f"signed by {TRUSTED}" in world.run("status").out
    (entry,) = json.loads(world.reconcile("--json").out)["projects"][0]["entries"]
    assert entry["signed_by"] == TRUSTED

    static_index.remove("ds")
    world.forget()
    before = world.tree()
    assert world.reconcile("--locked").code == 0
    assert world.tree() == before


def test_without_a_row_nothing_is_asked_or_imported(world: World, static_index: StaticIndex, notary: Notary) -> None:
    """What takes a second to import is not, and the lock says nothing of attestations."""
    attested(static_index, notary)
    world.asks_for("ds", index=static_index.url)
    world.sync()
    assert "signature" not in block(world)
    program = (
        "import sys; from micropkgd.cli.run import run; run(['reconcile', '--once'])\n"
        "sys.exit(bool({'sigstore', 'pypi_attestations', 'cryptography'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=world.root, check=False).returncode == 0


class TestRefused:
    """Exit 6; what is installed stays, and nothing is written."""

    @pytest.fixture
    def installed(self, world: World, static_index: StaticIndex, notary: Notary, asks: Asks) -> StaticIndex:
        """One good release is installed."""
        asks(TRUSTED)
        attested(static_index, notary)
        world.asks_for("ds", index=static_index.url)
        world.sync()
        return static_index

    def test_missing(self, world: World, installed: StaticIndex) -> None:
        """The index says nothing of it."""
        publish(installed, version="1.1")
        assert "not attested, as this machine asks" in refused(world, "MPK306")

    def test_of_somebody_else(self, world: World, installed: StaticIndex, notary: Notary) -> None:
        """Who is it, and who is trusted, is said."""
        attested(installed, notary, EVE, "1.1")
        said = refused(world, "MPK308")
        assert "eve/forecast" in said
        assert TRUSTED in said

    def test_of_a_notary_that_nobody_trusts(self, world: World, installed: StaticIndex) -> None:
        """Whoever can make keys can claim to be anybody."""
        attested(installed, Notary(), version="1.1")
        refused(world, "MPK307")

    def test_of_another_archive(self, world: World, installed: StaticIndex, notary: Notary) -> None:
        """A good one that was copied."""
        data = sdist("ds", "1.1")
        publish(installed, data, served=provenance(notary.attest(b"another", "ds-1.1.tar.gz", ANA)), version="1.1")
        assert "of another archive" in refused(world, "MPK307")

    def test_of_another_kind(self, world: World, installed: StaticIndex, notary: Notary) -> None:
        """Not every statement says that a file was published."""
        data = sdist("ds", "1.1")
        one = notary.attest(data, "ds-1.1.tar.gz", ANA, "https://example.com/scanned/v1")
        publish(installed, data, served=provenance(one), version="1.1")
        refused(world, "MPK307")

    @pytest.mark.parametrize("part", ["statement", "signature", "certificate", "promise", "proof", "time"])
    def test_damaged(self, world: World, installed: StaticIndex, notary: Notary, part: str) -> None:
        """Whichever part of it was touched."""
        data = sdist("ds", "1.1")
        one, other = (notary.attest(data, "ds-1.1.tar.gz", ANA) for _ in range(2))
        entries = [each["verification_material"]["transparency_entries"][0] for each in (one, other)]
        if part in {"statement", "signature"}:
            taken = (
                other["envelope"][part]
                if part == "signature"
                else notary.attest(b"x", "x-1.tar.gz", ANA)["envelope"][part]
            )
            one["envelope"][part] = taken
        elif part == "certificate":
            one["verification_material"][part] = other["verification_material"][part]
        elif part == "promise":
            entries[0]["inclusionPromise"] = entries[1]["inclusionPromise"]
        elif part == "proof":
            entries[0]["inclusionProof"] = entries[1]["inclusionProof"]
        else:
            entries[0]["integratedTime"] = str(int(entries[0]["integratedTime"]) + 1)
        publish(installed, data, served=provenance(one), version="1.1")
        refused(world, "MPK307")

    @pytest.mark.parametrize(
        "served", [b"", b"[]", b"{}", b'{"attestation_bundles": [{"attestations": [1]}]}', b"\xff"]
    )
    def test_what_is_none(self, world: World, installed: StaticIndex, served: bytes) -> None:
        """Whatever an index serves."""
        publish(installed, served=served, version="1.1")
        refused(world, "MPK307")

    def test_a_lock_that_says_something_else(self, world: World, installed: StaticIndex) -> None:
        """Who edits a lock has proved nothing; the index is asked again where that may be."""
        good = world.read("micropkg.lock")
        (before,) = (line for line in good.splitlines() if line.startswith("signature = "))
        world.write("micropkg.lock", good.replace(before, 'signature = "eNpLTE4BAAMjAZw="'))
        (world.root / CODE).unlink()
        assert world.reconcile("--locked", "--offline").code == 5
        assert not world.has(CODE)
        assert world.reconcile().code == 0
        assert before in world.read("micropkg.lock")

    def test_a_rule_that_is_new(self, world: World, static_index: StaticIndex, notary: Notary, asks: Asks) -> None:
        """What is locked must be attested, too: the next pass takes it into the lock."""
        attested(static_index, notary)
        world.asks_for("ds", index=static_index.url)
        asks(TRUSTED, origins=["https://elsewhere.example.com/"])
        world.sync()
        assert "signature" not in block(world)
        asks(TRUSTED)
        world.sync()
        assert block(world)["signed-by"] == TRUSTED

    def test_only_an_index_has_them(self, world: World, asks: Asks) -> None:
        """A folder has signatures."""
        asks(TRUSTED)
        world.publish({"nodes.py": "A = 1\n"})
        world.asks_for()
        assert "only a package index" in refused(world, "MPK306")


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("https://index.example/integrity/x", True),
        ("https://index.example:8443/x", False),
        ("http://index.example/x", False),
        ("https://files.example/x", False),
    ],
)
def test_a_login_is_for_its_own_index(world: World, address: str, told: bool) -> None:
    """Wherever a page says that a provenance is."""
    cache = ArchiveCache(str(world.root.parent / "cache"))
    environ = {"PIP_INDEX_URL": "https://ana:secret@index.example/simple/"}
    world.asks_for("ds")
    (entry,) = read_manifest(str(world.root)).pulls
    with Sources(cache) as sources:
        asked = Fetcher(str(world.root), sources, cache, environ).page_of(entry, address, 10)
    assert asked.options == ({"auth": ["ana", "secret"]} if told else {})


class TestWho:
    """Publishers that rules can name."""

    @pytest.mark.parametrize(
        ("named", "who"),
        [
            ("gitlab:acme/ml/forecast//.gitlab-ci.yml", Identity(
                "https://gitlab.com/acme/ml/forecast//.gitlab-ci.yml@refs/heads/main", "https://gitlab.com",
                {12: "https://gitlab.com/acme/ml/forecast", 13: "a" * 40, 14: "refs/heads/main",
                 18: "https://gitlab.com/acme/ml/forecast//.gitlab-ci.yml@refs/heads/main"})),
            ("https://accounts.google.com bot@acme.iam.gserviceaccount.com",
             Identity("bot@acme.iam.gserviceaccount.com", "https://accounts.google.com")),
            ("https://issuer.acme.example https://acme.example/release",
             Identity("https://acme.example/release", "https://issuer.acme.example")),
        ],
    )  # fmt: skip
    def test_others(
        self, world: World, static_index: StaticIndex, notary: Notary, asks: Asks, named: str, who: Identity
    ) -> None:
        """GitLab, Google, and whoever has a Sigstore of their own; each with the wrong issuer is somebody else."""
        asks(named)
        attested(static_index, notary, who)
        world.asks_for("ds", index=static_index.url)
        world.sync()
        assert block(world)["signed-by"] == named
        attested(static_index, notary, who._replace(issuer="https://eve.example"), "1.1")
        refused(world, "MPK308")

    @pytest.mark.parametrize(
        "who",
        [
            Identity.of_github("acme/forecast", "other.yml"),
            Identity.of_github("acme/forecast-too", "release.yml"),
            Identity(ANA.san, ANA.issuer, {**ANA.claims, 18: f"{ANA.claims[18]}.evil"}),
            Identity(ANA.san, ANA.issuer),
            ANA._replace(issuer="https://token.actions.githubusercontent.com.evil.example"),
        ],
    )
    def test_nearly(self, world: World, static_index: StaticIndex, notary: Notary, asks: Asks, who: Identity) -> None:
        """Another workflow of the same repository is somebody else, and so is a name that begins like it."""
        asks(TRUSTED)
        attested(static_index, notary, who)
        world.asks_for("ds", index=static_index.url)
        refused(world, "MPK308")

    def test_both_a_key_and_a_publisher(
        self, world: World, static_index: StaticIndex, notary: Notary, asks: Asks, tmp_path: Path
    ) -> None:
        """Each row must be met; the lock keeps both proofs."""
        ana = Person(tmp_path / "keys", "ana@example.com")
        asks(TRUSTED, more=f"[[signatures]]\nsigners = {json.dumps([ana.line])}\n")
        attested(static_index, notary)
        world.asks_for("ds", index=static_index.url)
        refused(world, "MPK306")
        ana.sign(static_index.folder("ds") / "ds-1.0.tar.gz")
        world.sync()
        assert block(world)["signed-by"] == f"ana@example.com, {TRUSTED}"
        static_index.remove("ds")
        world.forget()
        assert world.reconcile("--locked").code == 0

    def test_a_project_asks(
        self, world: World, static_index: StaticIndex, notary: Notary, asks: Asks, tmp_path: Path
    ) -> None:
        """Beside the machine, and by the public Sigstore, to which ours is nobody."""
        asks(TRUSTED, origins=["https://elsewhere.example.com/"])
        attested(static_index, notary)
        world.asks_for("ds", index=static_index.url)
        text = world.read("pyproject.toml")
        world.write("pyproject.toml", f'{text}\n[[tool.micropkgd.signatures]]\npublishers = ["{TRUSTED}"]\n')
        refused(world, "MPK307")


class TestConfig:
    """What is odd in it is said."""

    @pytest.mark.parametrize("named", ["github:acme/forecast", "acme", "gitlab:a/b/c.yml", "https://issuer.example"])
    def test_who_cannot_be(self, world: World, asks: Asks, named: str) -> None:
        """A name that would trust nobody, or anybody."""
        asks(named)
        said = world.reconcile()
        assert (said.code, "names no publisher" in said.err) == (2, True), said

    def test_a_root_that_cannot_be_read(
        self, world: World, static_index: StaticIndex, notary: Notary, asks: Asks, tmp_path: Path
    ) -> None:
        """Nothing is installed, whoever attests it."""
        (tmp_path / "root.json").write_text("{}")
        attested(static_index, notary)
        world.asks_for("ds", index=static_index.url)
        for path in ("root.json", "none.json"):
            asks(TRUSTED, trusted_root=str(tmp_path / path))
            said = world.reconcile()
            assert (said.code, "the root that attestations are checked by" in said.out) == (2, True), said
            assert not world.has(CODE)

    def test_signers_and_publishers_in_one_row(self, world: World, asks: Asks) -> None:
        """Whether one or both are wanted cannot be told."""
        asks(TRUSTED, signers=["ana@example.com ssh-ed25519 AAAA"])
        assert world.reconcile().code == 2


def test_the_kind_is_that_of_the_library() -> None:
    """What PyPI's own library writes is what is taken."""
    from pypi_attestations import AttestationType

    assert AttestationType.PYPI_PUBLISH_V1.value == PUBLISH
