"""Archives on their way to where others pull them from: real stores, real indexes, folders."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import pytest

from micropkgd.reconcile.package.publish import Publisher
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.gather import Sources
from micropkgd.sources.source import Answer, Failed, FailureKind, Request
from micropkgd.sources.upload import Stored, Upload
from tests.kit.canaries import CANARY, hold
from tests.kit.packages import ARCHIVE, CODE, module
from tests.kit.servers.gcs import FakeGcs
from tests.kit.servers.indexes import PASSWORD, USER, Devpi, PypiServer
from tests.kit.servers.seaweed import READER, Seaweed
from tests.kit.world import Said, World

FILE = "ds-1.0.tar.gz"


@pytest.fixture(autouse=True)
def nothing_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that says nothing of credentials."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "FSSPEC_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for variable in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "NETRC"):
        monkeypatch.setenv(variable, str(tmp_path / "none"))


def asked_to(world: World, target: str, more: str = ', publish-when = "saved"') -> None:
    """A project whose module is published at a target, as soon as it was saved if nothing else is said."""
    if not world.has(f"{CODE}/__init__.py"):
        module(world, {"nodes.py": "A = 1\n"})
    world.manifest(f'"pipelines.ds" = {{publish = "{target}"{more}}}', home="tool.micropkgd.package")


def options(world: World, given: dict[str, object]) -> str:
    """Put fs-args into a file; how a row names it."""
    world.write("conf/args.yml", json.dumps(given))
    return ', fs-args = "conf/args.yml"'


def row(said: Said) -> dict[str, Any]:
    """The one package of a `--json` document."""
    found: dict[str, Any] = json.loads(said.out)["projects"][0]["packages"][0]
    return found


def passed(world: World) -> dict[str, Any]:
    """The package's row of a pass that ended in sync."""
    said = world.reconcile("--json")
    assert said.code == 0, said.out
    return row(said)


def digest(data: bytes) -> str:
    """A digest as documents write it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def built(world: World) -> bytes:
    """The archive in the project."""
    return (world.root / ARCHIVE).read_bytes()


class Place:
    """One kind of place: where to publish, and what is there."""

    def __init__(self, target: str, more: str = "") -> None:
        self.target = target
        self.more = f'{more}, publish-when = "saved"'

    def write(self, data: bytes | None) -> None:
        """Put other bytes under the archive's name, or take it away."""
        raise NotImplementedError

    def read(self) -> bytes:
        """The bytes under the archive's name."""
        raise NotImplementedError


class Folder(Place):
    """A folder beside the project."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        super().__init__(f"{folder}/")

    def read(self) -> bytes:
        """The bytes under the archive's name."""
        return (self._folder / FILE).read_bytes()

    def write(self, data: bytes | None) -> None:
        """Put other bytes under the archive's name, or take it away."""
        (self._folder / FILE).unlink() if data is None else (self._folder / FILE).write_bytes(data)


class S3(Place):
    """A bucket of the real store."""

    def __init__(self, store: Seaweed, world: World) -> None:
        self._bucket = f"publish-{os.urandom(4).hex()}"
        self._client = store.client()
        self._client.create_bucket(Bucket=self._bucket)
        super().__init__(f"s3://{self._bucket}/pkgs/", options(world, store.options()))

    def read(self) -> bytes:
        """The bytes under the archive's name."""
        data: bytes = self._client.get_object(Bucket=self._bucket, Key=f"pkgs/{FILE}")["Body"].read()
        return data

    def write(self, data: bytes | None) -> None:
        """Put other bytes under the archive's name, or take it away."""
        where = {"Bucket": self._bucket, "Key": f"pkgs/{FILE}"}
        self._client.delete_object(**where) if data is None else self._client.put_object(**where, Body=data)


class Gcs(Place):
    """A bucket of the store that speaks Google's API."""

    def __init__(self, store: FakeGcs, world: World) -> None:
        self._bucket = f"publish-{os.urandom(4).hex()}"
        self._port = store.port
        self._store = store
        store.create(self._bucket)
        super().__init__(f"gs://{self._bucket}/pkgs", options(world, store.options()))

    def read(self) -> bytes:
        """The bytes under the archive's name."""
        url = f"http://127.0.0.1:{self._port}/storage/v1/b/{self._bucket}/o/pkgs%2F{FILE}?alt=media"
        with urlopen(url, timeout=10) as answer:
            data: bytes = answer.read()
        return data

    def write(self, data: bytes | None) -> None:
        """Put other bytes under the archive's name, or take it away."""
        if data is None:
            self._store.delete(self._bucket, quote(f"pkgs/{FILE}", safe=""))
        else:
            self._store.put(self._bucket, f"pkgs/{FILE}", data)


@pytest.fixture(params=["folder", "s3", "gcs"])
def place(request: pytest.FixtureRequest, world: World, tmp_path: Path) -> Place:
    """Every kind of place where files may be replaced."""
    if request.param == "folder":
        return Folder(tmp_path / "shared")
    store = request.getfixturevalue(request.param)
    return S3(store, world) if request.param == "s3" else Gcs(store, world)


def test_a_pass_publishes_what_it_made(world: World, place: Place) -> None:
    """The very bytes, and the document says where they are."""
    asked_to(world, place.target, place.more)
    found = passed(world)

    assert found["published"] == {"to": place.target, "digest": digest(built(world))}
    assert place.read() == built(world)


def test_a_pass_with_nothing_to_do_fetches_nothing(world: World, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was published where is remembered, and only looked for; offline not even that."""
    asked_to(world, place.target, place.more)
    first = passed(world)
    before = world.stamps()
    monkeypatch.setattr(Publisher, "put", None)
    monkeypatch.setattr(ArchiveCache, "writer", None)

    assert passed(world)["published"] == first["published"]
    assert world.stamps() == before
    (world.root / ".micropkgd/settled").unlink(missing_ok=True)
    assert passed(world)["published"] == first["published"]
    monkeypatch.setattr(Publisher, "look", None)
    assert json.loads(world.reconcile("--json", "--offline").out)["projects"][0]["exit_code"] == 0


def test_equal_bytes_that_are_there_are_not_sent(world: World, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that never published the archive finds it in its place."""
    asked_to(world, place.target, place.more)
    first = passed(world)
    for name in ("builds.json", "settled"):
        (world.root / ".micropkgd" / name).unlink(missing_ok=True)
    monkeypatch.setattr(Sources, "put", None)

    assert passed(world)["published"] == first["published"]


def test_other_bytes_under_the_same_name_stay(world: World, place: Place) -> None:
    """The same version with other code is no release, and says so; by hand it is refused, `overwrite` replaces it."""
    asked_to(world, place.target, place.more)
    world.sync()
    first = built(world)
    world.write(f"{CODE}/nodes.py", "A = 2\n")
    found = passed(world)

    assert (found["condition"], found["published"]) == ("Ready", None)
    assert "1.0 is at " in found["unreleased"]
    assert "give the module a new version" in found["unreleased"]
    assert place.read() == first != built(world)
    said = world.run("publish", "--json")
    assert (said.code, row(said)["failure"]["reason"], row(said)["published"]) == (1, "Taken", None)
    assert place.read() == first
    asked_to(world, place.target, f"{place.more}, overwrite = true")
    world.sync()
    assert place.read() == built(world)


THEIRS = b"what a colleague had released"


def copies(world: World) -> dict[str, bytes]:
    """What was kept of what publishing replaced."""
    folder = world.root / ".micropkgd/replaced"
    return {path.name: path.read_bytes() for path in folder.glob("*")}


def test_what_others_had_put_there_is_kept(world: World, place: Place) -> None:
    """`overwrite` replaces it, the note says where the copy is; what this machine put there itself needs none."""
    place.write(THEIRS)
    asked_to(world, place.target, f"{place.more}, overwrite = true")
    found = passed(world)

    (name,) = copies(world)
    assert name == f"{FILE}.{hashlib.sha256(THEIRS).hexdigest()[:12]}"
    assert copies(world)[name] == THEIRS
    assert any(f"a copy is .micropkgd/replaced/{name}" in note for note in found["notes"])
    assert place.read() == built(world)
    world.write(f"{CODE}/nodes.py", "A = 2\n")
    assert not any("a copy is" in note for note in passed(world)["notes"])
    assert place.read() == built(world)
    assert list(copies(world)) == [name]


def test_a_record_that_came_with_a_clone_says_nothing(world: World, place: Place) -> None:
    """It cannot know the archive's own inode and times, so it makes no file this machine's."""
    asked_to(world, place.target, f"{place.more}, overwrite = true")
    world.sync()
    record = json.loads(world.read(".micropkgd/builds.json"))
    place.write(THEIRS)
    (label,) = record["builds"]
    record["builds"][label]["published"] = [place.target, digest(THEIRS)]
    record["builds"][label]["stands"][1] += 1
    world.write(".micropkgd/builds.json", json.dumps(record))
    world.write(f"{CODE}/nodes.py", "A = 2\n")
    world.sync()

    assert list(copies(world).values()) == [THEIRS]


def test_what_others_put_there_meanwhile_is_kept_too(
    world: World, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between look and upload: the place holds to what was looked at, and it is looked at again."""
    asked_to(world, place.target, f"{place.more}, overwrite = true")
    world.sync()
    world.write(f"{CODE}/nodes.py", "A = 2\n")
    put, puts = Sources.put, list[Upload]()

    def late(self: Sources, upload: Upload, root: Path) -> Stored | Failed:
        """Let a colleague be first, the first time."""
        puts.append(upload)
        if len(puts) == 1:
            place.write(THEIRS)
        return put(self, upload, root)

    monkeypatch.setattr(Sources, "put", late)
    passed(world)

    assert len(puts) == 2
    assert list(copies(world).values()) == [THEIRS]
    assert place.read() == built(world)


def test_who_is_replaced_all_the_time_says_so(world: World, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """After three tries it is left to the next pass."""
    asked_to(world, place.target, f"{place.more}, overwrite = true")
    world.sync()
    world.write(f"{CODE}/nodes.py", "A = 2\n")
    put, puts = Sources.put, list[Upload]()

    def late(self: Sources, upload: Upload, root: Path) -> Stored | Failed:
        """Let a colleague be first, each time."""
        puts.append(upload)
        place.write(THEIRS + b"%d" % len(puts))
        return put(self, upload, root)

    monkeypatch.setattr(Sources, "put", late)
    said = world.reconcile("--json")

    assert (said.code, len(puts)) == (5, 3)
    assert "replaced by others all the time" in row(said)["failure"]["problem"]
    assert place.read() == THEIRS + b"3"


def test_where_no_copy_can_be_kept_nothing_is_replaced(
    world: World, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link in the place of the folder of copies leads nowhere."""
    place.write(THEIRS)
    asked_to(world, place.target, f"{place.more}, overwrite = true")
    world.write(".micropkgd/.gitignore", "*\n")
    (world.root / ".micropkgd/replaced").symlink_to("/tmp")
    said = world.reconcile("--json")

    assert said.code == 1, said.out
    assert place.read() == THEIRS


def test_old_copies_go_when_they_are_many(world: World, tmp_path: Path) -> None:
    """Twenty stay whatever their age, and what is younger than thirty days however many."""
    place = Folder(tmp_path / "shared")
    folder = world.root / ".micropkgd/replaced"
    folder.mkdir(parents=True)
    for number in range(30):
        (folder / f"old-{number}").write_bytes(b"x")
        os.utime(folder / f"old-{number}", (number, number))
        (folder / f"new-{number}").write_bytes(b"x")
    place.write(THEIRS)
    asked_to(world, place.target, ", overwrite = true")
    world.sync()

    assert len([name for name in copies(world) if name.startswith("new-")]) == 30
    assert [name for name in copies(world) if name.startswith("old-")] == []


def test_two_at_once_cannot_replace_each_other(world: World, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The place itself holds the condition: what comes between look and upload stays."""
    asked_to(world, place.target, place.more)
    world.sync()
    first = built(world)
    world.write(f"{CODE}/nodes.py", "A = 2\n")
    answer, looks = Sources.answer, list[Request]()

    def look(self: Sources, requests: list[Request], root: Path, *, publishing: bool = False) -> list[Answer]:
        """See nothing the first time."""
        looks.extend(requests)
        if len(looks) == 1:
            return [Failed(FailureKind.GONE, "not yet")]
        return answer(self, requests, root, publishing=publishing)

    (world.root / ".micropkgd/builds.json").unlink()
    monkeypatch.setattr(Sources, "answer", look)
    found = passed(world)

    assert ("with other bytes" in found["unreleased"], found["sent"], len(looks)) == (True, False, 2)
    assert place.read() == first


def test_what_cannot_be_read_back_is_not_published(world: World, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A place that says yes and has nothing is looked at again by the next pass."""
    asked_to(world, place.target, place.more)
    with monkeypatch.context() as lie:
        lie.setattr(Sources, "put", lambda *_: Stored(written=True))
        said = world.reconcile("--json")

    assert (said.code, row(said)["condition"], row(said)["published"]) == (5, "Retrying", None)
    assert passed(world)["published"]["to"] == place.target


@pytest.mark.parametrize("index", ["pypiserver", "devpi"])
def test_an_index_gets_it_and_gives_it_back(
    world: World, index: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Uploaded in the form that indexes take, read back by digest; other bytes of the version are refused."""
    server: PypiServer | Devpi = request.getfixturevalue(index)
    version = f"1.{int.from_bytes(os.urandom(3))}"
    target = server.url
    if isinstance(server, Devpi):
        monkeypatch.setenv("PIP_INDEX_URL", target.replace("//", f"//tester:{quote(server.token, safe='')}@"))
    asked_to(world, target, ', alias = "published_ds", publish-when = "saved"')
    world.write(f"{CODE}/__init__.py", f'__version__ = "{version}"\n')
    found = passed(world)
    world.write(f"{CODE}/nodes.py", "A = 2\n")
    said = world.run("publish", "--json")

    assert found["published"] == {"to": target, "digest": found["archive"]["digest"]}
    assert (said.code, row(said)["failure"]["reason"]) == (1, "Taken")


def test_a_private_index(
    world: World, private_pypiserver: PypiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine's password is used, none is a refusal with a name, and none is ever shown."""
    (private_pypiserver.folder / FILE).unlink(missing_ok=True)  # of a test before, in the same process
    asked_to(world, private_pypiserver.url)
    refused = world.reconcile("--json")
    netrc = tmp_path / "netrc"
    hold(netrc, f"machine 127.0.0.1 login {USER} password {PASSWORD}\n")
    monkeypatch.setenv("NETRC", str(netrc))

    assert (refused.code, row(refused)["failure"]["reason"]) == (1, "Denied")
    assert passed(world)["published"]["to"] == private_pypiserver.url
    assert (private_pypiserver.folder / FILE).read_bytes() == built(world)
    assert PASSWORD not in refused.out + refused.err


def test_who_may_not_write_is_denied(world: World, s3: Seaweed) -> None:
    """A reader's credentials publish nothing; the archive is in the project all the same."""
    made = S3(s3, world)
    asked_to(world, made.target, options(world, s3.options(login=READER)) + ', publish-when = "saved"')
    said = world.reconcile("--json")

    assert (said.code, row(said)["failure"]["reason"], row(said)["condition"]) == (1, "Denied", "Stalled")
    assert world.has(ARCHIVE)


def test_an_outage_is_tried_again_and_stops_nothing(world: World, closed_port: int, s3: Seaweed) -> None:
    """Exit code 5, the archive is made, pull entries are applied; the next pass publishes."""
    made = S3(s3, world)
    asked_to(world, made.target, options(world, s3.options(closed_port)) + ', publish-when = "saved"')
    world.publish({"nodes.py": "B = 1\n"}, to="other/x.tar.gz")
    text = world.read("pyproject.toml")
    world.write("pyproject.toml", text + '\n[tool.micropkgd.pull]\n"other/x.tar.gz" = {}\n')
    said = world.reconcile("--json")

    assert (said.code, row(said)["condition"], row(said)["action"]) == (5, "Retrying", "create")
    assert world.has("src/shop/ds/nodes.py")
    options(world, s3.options())
    assert passed(world)["action"] == "none"
    assert made.read() == built(world)


def test_a_folder_that_is_not_there(world: World, tmp_path: Path) -> None:
    """It is not made: it may be a share that is not mounted."""
    asked_to(world, str(tmp_path / "share"))
    said = world.reconcile()

    assert said.code == 1
    assert f"there is no folder `{tmp_path}/share` to publish in" in said.out
    assert not (tmp_path / "share").exists()
    assert f"Gone: there is no folder `{tmp_path}/share` to publish in" in world.run("status").out
    (tmp_path / "share").mkdir()
    world.sync()
    assert world.run("status").out.startswith("Ready ")
    asked_to(world, str(tmp_path / "other"))
    assert f"Unreleased: it is not known to be at {tmp_path}/other\n" in world.run("status").out


def test_offline_and_dry_runs_publish_nothing(world: World, s3: Seaweed) -> None:
    """Offline is an outage; a dry run is silent about what it cannot know."""
    made = S3(s3, world)
    asked_to(world, made.target, made.more)

    assert row(world.reconcile("--dry-run", "--json"))["published"] is None
    assert world.reconcile("--offline").code == 5
    assert passed(world)["published"]["to"] == made.target


def test_by_hand_a_row_is_published_and_nothing_else(world: World, tmp_path: Path) -> None:
    """`package --all` publishes; options that the row does not say are for this machine."""
    place = Folder(tmp_path / "shared")
    asked_to(world, place.target)
    world.run("package", "pipelines.ds", "--alias", "other")

    assert not os.listdir(tmp_path / "shared")
    said = world.run("package", "--all").out
    assert f"  published: 1.0 ({digest(built(world))[7:19]}) at {place.target}" in said
    assert os.listdir(tmp_path / "shared") == [FILE]


@pytest.mark.parametrize(
    ("package", "pull"),
    [
        pytest.param('publish = "s3://b/x/"', '"s3://b/x/ds-1.0.tar.gz" = {}', id="s3"),
        pytest.param('publish = "gs://b/x"', '"gcs://b/x/ds-2.tar.gz#12" = {}', id="gcs"),
        pytest.param('publish = "../shared"', '"../shared/ds-1.0.tar.gz" = {}', id="folder"),
        pytest.param('publish = "s3://b/", alias = "f_c"', '"s3://b/f_c-1.0.tar.gz" = {}', id="alias"),
        pytest.param(
            'publish = "s3://b/"', '"s3://b/up-1.tar.gz" = {destination = "pipelines", alias = "ds"}', id="back"
        ),
        pytest.param(
            'publish = "https://i.example/simple/"', '"DS>=1" = {index = "https://i.example/simple"}', id="index"
        ),
    ],
)
def test_a_cycle_is_refused_before_anybody_is_asked(
    world: World, package: str, pull: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 2, with the way round and both lines; nothing is packaged, nothing is asked."""
    module(world)
    monkeypatch.setattr(Sources, "answer", None)
    world.manifest(f'"pipelines.ds" = {{{package}}}\n[tool.micropkgd.pull]\n{pull}', home="tool.micropkgd.package")
    said = world.reconcile()

    assert said.code == 2
    assert "a cycle: `pipelines.ds` -> " in said.err
    assert not world.has(ARCHIVE)


@pytest.mark.parametrize(
    "target",
    [
        "https://i.example/files/",
        "ftp://host/x/",
        "s3://",
        pytest.param(f"s3://key:{CANARY}@b/x/", id="credential"),
        "gs://b/x?y=1",
    ],
)
def test_no_place_to_publish_at(world: World, target: str) -> None:
    """A text that names none is an error of the manifest, and shows no secret."""
    asked_to(world, target)
    said = world.reconcile()

    assert said.code == 2
    assert CANARY not in said.err
