"""Passes over http and https: what is downloaded, and what an outage, a refusal or wrong bytes come to."""

import base64
from collections.abc import Mapping
from typing import Any

import pytest

from micropkgd.reconcile.resolve import fs_args_file
from micropkgd.sources.cache import ArchiveCache
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.servers.nginx import PASSWORD, USER, Nginx
from tests.kit.world import World, archive

NODES = "src/shop/ds/nodes.py"
ONE, TWO = archive({"nodes.py": "A = 1\n"}), archive({"nodes.py": "A = 2\n"}, "2.0")


def test_a_second_pass_downloads_no_body(world: World, faults: FaultServer) -> None:
    """The validator goes out, a 304 comes back, and nothing at all is written."""
    url = faults.script("/ds.tar.gz", Reply(body=ONE, headers={"ETag": '"1"'}), Reply(304, length="none"))
    world.asks_for(url)
    world.sync()
    before = world.stamps()
    world.sync()

    first, second = faults.requests_for("/ds.tar.gz")
    assert "if-none-match" not in first.headers
    assert second.headers["if-none-match"] == '"1"'
    assert world.stamps() == before


def test_https_against_a_real_server(world: World, nginx: Nginx, monkeypatch: pytest.MonkeyPatch) -> None:
    """First pull, a pass that rests, an update: over TLS with a certificate of the environment."""
    monkeypatch.setenv("SSL_CERT_FILE", str(nginx.authority))
    nginx.publish("e2e.tar.gz", ONE)
    world.asks_for(nginx.tls_url("e2e.tar.gz"))
    world.sync()
    before = world.stamps()
    world.sync()
    assert world.stamps() == before
    nginx.publish("e2e.tar.gz", TWO)
    world.sync()

    assert world.read(NODES) == "A = 2\n"


def test_what_is_locked_is_not_looked_for_in_the_cache(
    world: World, faults: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a pass over a thousand refs that would be a thousand calls more."""
    world.asks_for(faults.script("/ds.tar.gz", Reply(body=ONE, headers={"ETag": '"1"'}), Reply(304, length="none")))
    world.sync()
    monkeypatch.setattr(ArchiveCache, "has", lambda _, digest: pytest.fail(digest))
    world.sync()

    assert faults.requests_for("/ds.tar.gz")[1].headers["if-none-match"] == '"1"'


def test_fs_args_are_read_once_for_all_that_name_them(
    world: World, faults: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a round of questions, and again when bytes are needed; a thousand rows often name the same file."""
    read: list[str] = []
    load = fs_args_file.load_fs_args

    def loaded(root: str, path: str, *rest: Any) -> Mapping[str, object]:
        read.append(path)
        return load(root, path, *rest)

    monkeypatch.setattr(fs_args_file, "load_fs_args", loaded)
    urls = [faults.script(f"/{number}.tar.gz", Reply(body=ONE)) for number in range(4)]
    world.write("conf/args.yml", "{}\n")
    world.manifest(
        "\n".join(f'"{url}" = {{alias = "e{at}", fs-args = "conf/args.yml"}}' for at, url in enumerate(urls))
    )
    world.sync()

    assert read == ["conf/args.yml"]


def test_fs_args_as_kedro_s_docs_write_them(world: World, nginx: Nginx, monkeypatch: pytest.MonkeyPatch) -> None:
    """Headers below `client_kwargs`, their secret from the environment, reach the server and nothing else."""
    secret = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    monkeypatch.setenv("TOKEN", secret)
    nginx.publish("e2e.tar.gz", ONE)
    world.write("conf/args.yml", "client_kwargs:\n  headers:\n    Authorization: Basic ${oc.env:TOKEN}\n")
    world.asks_for(nginx.url("private/e2e.tar.gz"), fs_args="conf/args.yml")
    said = world.reconcile("-v")

    assert said.code == 0
    for text in (said.out, said.err, *(data.decode(errors="replace") for data in world.tree().values())):
        assert secret not in text


@pytest.mark.parametrize(
    ("reply", "code", "words"),
    [
        pytest.param(Reply(503), 5, "503", id="outage"),
        pytest.param(Reply(429, headers={"Retry-After": "600"}), 5, "429", id="throttled"),
        pytest.param(Reply(404), 1, "404", id="gone"),
        pytest.param(Reply(401), 1, "401", id="unauthorised"),
        pytest.param(Reply(403), 1, "403", id="forbidden"),
        pytest.param(Reply(body=b"<!doctype html><form>"), 6, "gzip", id="login-page"),
    ],
)
def test_what_is_installed_stays(world: World, faults: FaultServer, reply: Reply, code: int, words: str) -> None:
    """Each fact has its own exit code and words; the tree and the lock are as before, and the entry says so."""
    world.asks_for(faults.script("/ds.tar.gz", Reply(body=ONE), reply))
    world.sync()
    before = world.tree()
    said = world.reconcile()

    assert said.code == code
    assert words in said.out
    assert "kept: 1.0 (" in said.out
    assert world.tree() == before


def test_a_refused_port_is_an_outage(world: World, closed_port: int) -> None:
    """Exit 5, retried by the next pass."""
    world.asks_for(f"http://127.0.0.1:{closed_port}/ds.tar.gz")
    said = world.reconcile()

    assert said.code == 5
    assert not world.has("micropkg.lock")


def test_a_missing_file_comes_back_while_the_source_is_away(world: World, faults: FaultServer) -> None:
    """The cache has the locked archive; the outage is still reported."""
    world.asks_for(faults.script("/ds.tar.gz", Reply(body=ONE), Reply(503)))
    world.sync()
    (world.root / NODES).unlink()

    assert world.reconcile().code == 5
    assert world.read(NODES) == "A = 1\n"


def test_an_outage_of_one_entry_does_not_stop_another(world: World, faults: FaultServer) -> None:
    """The sound entry is installed; the exit code is the outage's."""
    world.write("dist/ds.tar.gz", ONE)
    world.manifest(f'"{faults.script("/x.tar.gz", Reply(503))}" = {{}}\n"dist/ds.tar.gz" = {{}}')

    assert world.reconcile().code == 5
    assert world.read(NODES) == "A = 1\n"


def test_offline_asks_nobody(world: World, faults: FaultServer) -> None:
    """No request goes out: what is locked answers, and an entry that is not locked yet cannot be installed."""
    world.asks_for(faults.script("/ds.tar.gz", Reply(body=ONE)))
    unknown = world.reconcile("--offline")
    world.sync()
    faults.seen.clear()

    assert unknown.code == 5
    assert "offline, so its source was not asked" in unknown.out
    assert world.reconcile("--offline").code == 0
    assert faults.seen == []


def test_offline_with_the_lock_needs_nobody(world: World, faults: FaultServer) -> None:
    """`--locked --offline` installs from the cache."""
    world.asks_for(faults.script("/ds.tar.gz", Reply(body=ONE)))
    world.sync()
    (world.root / NODES).unlink()

    assert world.reconcile("--locked", "--offline").code == 0
    assert world.read(NODES) == "A = 1\n"


def test_wrong_bytes_under_locked_are_refused(world: World, faults: FaultServer) -> None:
    """Fetched anew, the locked archive is another one: exit 6, nothing touched."""
    world.asks_for(faults.script("/ds.tar.gz", Reply(body=ONE), Reply(body=TWO)))
    world.sync()
    (world.root / NODES).unlink()
    world.forget_archives()
    before = world.tree()

    assert world.reconcile("--locked").code == 6
    assert world.tree() == before


def test_a_pin_refuses_other_bytes(world: World, faults: FaultServer) -> None:
    """`sha256` in the manifest is the owner's word: nothing else is ever installed."""
    world.asks_for(faults.script("/ds.tar.gz", Reply(body=ONE)), sha256="0" * 64)
    said = world.reconcile()

    assert said.code == 6
    assert not world.has("src/shop/ds")


def test_a_lost_cache_is_filled_again(world: World, faults: FaultServer) -> None:
    """A validator never stands in for bytes that are needed and gone: the body is asked for again."""
    etag = {"ETag": '"1"'}
    world.asks_for(faults.script("/ds.tar.gz", Reply(body=ONE, headers=etag)))
    world.sync()
    world.forget_archives()
    (world.root / NODES).unlink()
    world.sync()

    assert world.read(NODES) == "A = 1\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(None, "conf/args.yml: fs-args file is missing", id="missing"),
        pytest.param("a: [\n", "conf/args.yml: invalid YAML", id="broken"),
        pytest.param("- a\n", "expected a mapping", id="list"),
        pytest.param("a: ${NOT_SET_ANYWHERE}\n", "environment variable `NOT_SET_ANYWHERE` is not set", id="variable"),
        pytest.param("a: &x 1\nb: *x\n", "YAML aliases are not allowed", id="alias"),
    ],
)
def test_bad_fs_args_are_this_entry_s_failure(world: World, closed_port: int, text: str | None, words: str) -> None:
    """The file is named with what is wrong in it; no request is made and nothing is written."""
    if text is not None:
        world.write("conf/args.yml", text)
    world.asks_for(f"http://127.0.0.1:{closed_port}/x.tar.gz", fs_args="conf/args.yml")
    said = world.reconcile()

    assert said.code == 2
    assert words in said.out
    assert not world.has("micropkg.lock")


def test_a_file_address_is_a_path(world: World) -> None:
    """`file://` refs are local ones."""
    world.write("../far away/ds.tar.gz", ONE)
    world.asks_for(f"file://{world.root.parent}/far%20away/ds.tar.gz")
    world.sync()

    assert world.read(NODES) == "A = 1\n"


def test_a_local_ref_whose_fs_args_are_missing(world: World) -> None:
    """They would not be used; but who names a file means it."""
    world.publish()
    world.asks_for(**{"fs-args": "conf/nope.yml"})
    said = world.reconcile()
    assert said.code == 2
    assert "conf/nope.yml: fs-args file is missing" in said.out
    world.write("conf/nope.yml", "token: ${NOT_SET}\n")
    world.sync()
