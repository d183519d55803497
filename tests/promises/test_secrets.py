"""The search for credentials finds every kind of leak, and passes with every kind of credential leave none."""

import base64
import gzip
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from micropkgd.model.variables import CACHE_DIR
from tests.kit.canaries import CANARY, hold, leaks_below, look
from tests.kit.places import REPOSITORY
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.servers.gcs import FakeGcs
from tests.kit.servers.nginx import PASSWORD, USER, Nginx
from tests.kit.servers.seaweed import OWNER, SECOND, Seaweed
from tests.kit.world import World, archive

ONE = archive({"nodes.py": "A = 1\n"})
LEAKS: dict[str, Callable[[Path], object]] = {
    "plain": lambda folder: (folder / "state.json").write_text(f'{{"token": "{CANARY}"}}'),
    "far-inside": lambda folder: (folder / "log").write_bytes(bytes((1 << 22) - 5) + CANARY.encode() + bytes(9)),
    "basic-auth": lambda folder: (folder / "log").write_bytes(base64.b64encode(f"u:{CANARY}:x".encode())),
    "basic-auth-one-on": lambda folder: (folder / "log").write_bytes(base64.b64encode(f"us:{CANARY}:x".encode())),
    "basic-auth-two-on": lambda folder: (folder / "log").write_bytes(base64.b64encode(f"use:{CANARY}".encode())),
    "packed": lambda folder: (folder / "x.tar.gz").write_bytes(gzip.compress(CANARY.encode())),
    "name": lambda folder: (folder / f"{CANARY}.lock").touch(),
    "folder": lambda folder: (folder / f"at-{CANARY}").mkdir(),
    "link": lambda folder: (folder / "link").symlink_to(f"/none/{CANARY}"),
    "copy": lambda folder: (folder / "copy").write_bytes(hold(folder / "netrc", f"password {CANARY}").read_bytes()),
    "more-in-a-known-file": lambda folder: hold(folder / "netrc", CANARY).write_text(f"{CANARY}\n{CANARY}\n"),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_a_leak_is_found(tmp_path: Path, leak: str) -> None:
    """Once, by its place, which does not say the credential again."""
    LEAKS[leak](tmp_path)
    found = list(leaks_below(tmp_path))
    for path in sorted(tmp_path.rglob("*"), reverse=True):  # or this very run would fail
        path.rmdir() if path.is_dir() else path.unlink()

    assert len(found) == 1
    assert str(tmp_path) in found[0]
    assert CANARY not in found[0]


def test_what_a_test_wrote_itself_is_no_leak(tmp_path: Path) -> None:
    """As long as nobody adds to it."""
    hold(tmp_path / "netrc", f"machine h login u password {CANARY}")
    (tmp_path / "other").write_text("nothing here")

    assert list(leaks_below(tmp_path)) == []


def test_what_a_command_prints_is_searched() -> None:
    """At once, so that the test that ran it fails."""
    with pytest.raises(AssertionError, match="a credential stands in") as caught:
        look(f"error: {CANARY}", "what `micropkgd status` printed")
    assert CANARY not in str(caught.value)


_PLANTED = """
def test_one(tmp_path):
    (tmp_path / "left-behind").write_text({written})

def test_two():
    print({printed})
"""


@pytest.mark.parametrize(
    ("workers", "written", "printed", "named"),
    [
        pytest.param("0", True, False, "left-behind", id="file"),
        pytest.param("2", True, False, "left-behind", id="file-of-a-worker"),
        pytest.param("0", False, True, "test_two", id="output"),
        pytest.param("2", False, True, "test_two", id="output-of-a-worker"),
        pytest.param("0", False, False, "", id="nothing"),
    ],
)
def test_a_run_that_leaks_fails(tmp_path: Path, workers: str, written: bool, printed: bool, named: str) -> None:
    """Whichever process of it had the test: the place is named, the credential is not."""
    words = [repr(CANARY[::-1] if not told else CANARY) for told in (written, printed)]
    source = _PLANTED.format(written=f"{words[0]}[::1]", printed=words[1])
    hold(tmp_path / "test_planted.py", source)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    where = ["-c", f"{tmp_path}/pytest.ini", "--rootdir", str(tmp_path), "--basetemp", f"{tmp_path}/run"]
    how = ["-p", "tests.kit.canaries", "-p", "no:cacheprovider", "-n", workers, "--show-capture=no"]
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *how, *where, tmp_path / "test_planted.py"],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    for left in tmp_path.rglob("left-behind"):
        left.unlink()

    assert ended.returncode == (1 if named else 0), ended.stdout
    assert named in ended.stdout
    assert CANARY not in ended.stdout


class TestPasses:
    """Whole passes with credentials of every kind, right and wrong."""

    @pytest.fixture(autouse=True)
    def own_home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """No credentials but the ones that a test gives."""
        for name in [name for name in os.environ if name.startswith(("AWS_", "GOOGLE_", "FSSPEC_"))]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    def run_all(self, world: World, code: int) -> None:
        """Every command that may show something of a source; `World.run` searches what they print."""
        for arguments in (
            ("reconcile", "--once", "-vv"),
            ("reconcile", "--once", "--json"),
            ("status",),
            ("status", "--json"),
            ("doctor",),
            ("history",),
            ("verify",),
            ("lock",),
            ("cache", "info"),
        ):
            said = world.run(*arguments)
            assert "usage:" not in said.err, said  # a command that is not there shows nothing of anything
            assert arguments[0] != "reconcile" or said.code == code, said
        folders = (world.root, Path(os.environ[CACHE_DIR]))
        assert [leak for folder in folders for leak in leaks_below(folder)] == []

    @pytest.mark.parametrize(("password", "code"), [(PASSWORD, 0), (f"wrong-{CANARY}", 1)], ids=["right", "wrong"])
    @pytest.mark.parametrize("way", ["netrc", "auth", "header", "environment"])
    def test_basic_auth(
        self, world: World, nginx: Nginx, monkeypatch: pytest.MonkeyPatch, way: str, password: str, code: int
    ) -> None:
        """From netrc, fs-args with the value or with a variable, and a ready header."""
        nginx.publish("secrets.tar.gz", ONE)
        encoded = base64.b64encode(f"{USER}:{password}".encode()).decode()
        args = {
            "auth": f"auth: [{USER}, {password}]\n",
            "header": f"headers: {{Authorization: Basic {encoded}}}\n",
            "environment": f"auth: [{USER}, '${{oc.env:WORD}}']\n",
        }
        monkeypatch.setenv("WORD", password)
        if way == "netrc":
            hold(Path(os.environ["NETRC"]), f"machine 127.0.0.1 login {USER} password {password}\n")
            world.asks_for(nginx.url("private/secrets.tar.gz"))
        else:
            world.write("conf/args.yml", args[way])
            world.asks_for(nginx.url("private/secrets.tar.gz"), fs_args="conf/args.yml")
        self.run_all(world, code)

    @pytest.mark.parametrize(("login", "code"), [(OWNER, 0), ((SECOND[0], OWNER[1]), 1)], ids=["right", "wrong"])
    def test_s3_secret(self, world: World, s3: Seaweed, login: tuple[str, str], code: int) -> None:
        """From fs-args."""
        client = s3.client()
        client.create_bucket(Bucket=f"secrets{code}")
        client.put_object(Bucket=f"secrets{code}", Key="ds.tar.gz", Body=ONE)
        world.write("conf/args.yml", f"key: {login[0]}\nsecret: {login[1]}\nendpoint_url: {s3.url}\n")
        world.asks_for(f"s3://secrets{code}/ds.tar.gz", fs_args="conf/args.yml")
        self.run_all(world, code)

    @pytest.mark.parametrize("code", [0, 1])
    def test_gcs_token(self, world: World, gcs: FakeGcs, code: int) -> None:
        """From fs-args, for an object that is there and one that is not."""
        gcs.create(f"secrets{code}")
        gcs.put(f"secrets{code}", "ds-0.tar.gz", ONE)
        token, endpoint = gcs.options().values()
        world.write("conf/args.yml", f"token: {token}\nendpoint_url: {endpoint}\n")
        world.asks_for(f"gs://secrets{code}/ds-{code}.tar.gz", fs_args="conf/args.yml")
        self.run_all(world, code)

    @pytest.mark.parametrize(
        ("reply", "code"),
        [
            (Reply(body=ONE, headers={"ETag": '"1"'}), 0),
            (Reply(403), 1),
            (Reply(302, headers={"Location": "ftp://x"}), 1),
        ],
        ids=["right", "denied", "astray"],
    )
    def test_signed_redirect(self, world: World, faults: FaultServer, reply: Reply, code: int) -> None:
        """An address with a signature is as good as a password."""
        faults.script("/signed", reply)
        to = faults.url(f"/signed?X-Amz-Signature={CANARY}&X-Amz-Credential={CANARY}")
        world.asks_for(faults.script("/ds.tar.gz", Reply(302, headers={"Location": to})))
        self.run_all(world, code)

    def test_userinfo_of_the_environment(
        self, world: World, faults: FaultServer, closed_port: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A proxy's and an index's."""
        monkeypatch.setenv("http_proxy", f"http://user:{CANARY}@127.0.0.1:{closed_port}")
        monkeypatch.setenv("PIP_INDEX_URL", f"http://user:{CANARY}@127.0.0.1:{faults.port}/simple/")
        world.manifest('"http://outside.example/x.tar.gz" = {}\n"ds" = {}')
        faults.script("/simple/ds/", Reply(401))
        self.run_all(world, 1)
