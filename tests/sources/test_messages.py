"""What a failure of a source tells whoever reads it: what, where, why, and where somebody must act, what to do.

A table of what servers, folders and stores do, each raised by the real thing and read where people read it; and a law
over the code: no answer that only somebody's act can change comes without a hint.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from micropkgd.sources.index.select import Criteria
from tests.kit.canaries import CANARY
from tests.kit.places import REPOSITORY
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.servers.indexes import StaticIndex, sdist
from tests.kit.servers.nginx import Nginx
from tests.kit.servers.seaweed import Seaweed
from tests.kit.world import World

LASTING = {"DENIED", "GONE", "CORRUPT", "REFUSED"}
LOGIN = 'put a login into ~/.netrc, or `auth: ["${INDEX_USER}", "${INDEX_PASSWORD}"]` into a file that fs-args names'

Told = tuple[int, str, str, str]
"""The exit code, the place that is named, and parts of the problem and of the hint."""


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that says nothing of indexes and clouds."""
    for name in ("PIP_INDEX_URL", "UV_INDEX_URL", "NETRC", "AWS_PROFILE", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name, raising=False)


def check(world: World, row: str, told: Told) -> None:
    """Run a pass over one row, and read what is said of it."""
    code, where, problem, hint = told
    world.manifest(row)
    said = world.reconcile()
    assert said.code == code, said
    (error,) = re.findall(r"^  error: (.*) \[MPK\d+\]$", said.out, re.MULTILINE)
    assert where in error
    assert problem in error
    (found,) = re.findall(r"^  hint: (.*)$", said.out, re.MULTILINE)
    assert hint in found
    assert CANARY not in said.out + said.err


STATUSES: list[tuple[int, Told]] = [
    (401, (1, "{host}", "answered 401", LOGIN)),
    (403, (1, "{host}", "answered 403", f"{LOGIN}; many servers answer 403 where nothing is")),
    (404, (1, "{host}", "answered 404", "what is installed stays; check the ref")),
    (410, (1, "{host}", "answered 410", "what is installed stays; check the ref")),
    (418, (1, "{host}", "answered 418, which is not an archive", "it must be the `.tar.gz` itself")),
]


@pytest.mark.parametrize(("status", "told"), STATUSES)
def test_an_address(world: World, faults: FaultServer, status: int, told: Told) -> None:
    """Each status is a fact of its own (promise P6)."""
    url = faults.script("/ds-1.0.tar.gz", Reply(status=status))
    check(world, f'"{url}" = {{}}', (told[0], told[1].format(host=faults.url("")), *told[2:]))


@pytest.mark.parametrize(("status", "told"), STATUSES)
def test_an_index(world: World, faults: FaultServer, status: int, told: Told) -> None:
    """The same of the page of a project."""
    for path in ("/simple/ds/", "/simple/"):
        faults.script(path, Reply(status=status))
    what = ("has no project `ds`", "no other index is asked") if status in {404, 410} else told[2:]
    if status == 418:
        what = ("answered 418", "")
    check(world, f'"ds" = {{index = "{faults.url("/simple/")}"}}', (told[0], faults.url(""), *what))


REPLIES: list[tuple[Reply, Told]] = [
    (
        Reply(status=302, headers={"Location": "ftp://x/"}),
        (1, "{host}", "nothing that can be asked", "ask whoever runs"),
    ),
    (Reply(status=302, headers={"Location": "/ds-1.0.tar.gz"}), (1, "{host}", "in a circle", "the address that it")),
]


@pytest.mark.parametrize(("reply", "told"), REPLIES)
def test_a_server_that_leads_nowhere(world: World, faults: FaultServer, reply: Reply, told: Told) -> None:
    """Whoever wrote the address can write the one that it should lead to."""
    url = faults.script("/ds-1.0.tar.gz", reply)
    check(world, f'"{url}" = {{}}', (told[0], told[1].format(host=faults.url("")), *told[2:]))


def test_a_login_page_in_place_of_an_index(world: World, faults: FaultServer) -> None:
    """Single sign-on answers 200."""
    faults.script("/simple/ds/", Reply(body=b"{}", headers={"Content-Type": "application/json"}))
    told = (1, faults.url(""), "is not a page of an index", "`index` names what pip would be given as `--index-url`")
    check(world, f'"ds" = {{index = "{faults.url("/simple/")}"}}', told)


def publish_all(index: StaticIndex) -> None:
    """What an index may have of a project: releases, wheels, pre-releases, yanked ones, those for another Python."""
    for version in range(1, 13):
        index.publish("many", f"1.{version}", sdist("many", f"1.{version}"))
    index.publish("early", "2.0rc1", sdist("early", "2.0rc1"))
    index.publish("wheels", "1.0", sdist("wheels", "1.0"), filename="wheels-1.0-py3-none-any.whl")
    index.publish("zips", "1.0", sdist("zips", "1.0"), filename="zips-1.0.zip")
    index.publish("yanked", "1.0", sdist("yanked", "1.0"), yanked="broken")
    index.publish("newer", "1.0", sdist("newer", "1.0"), **{"requires-python": ">=3.99"})


CHOICES: list[tuple[str, str, str]] = [
    ("many>=2", "no release matches `many>=2`: {index} has 1.12, 1.11, 1.10, 1.9, 1.8, 1.7, 1.6, 1.5 and 4 more",
     "ask for one that is there, like `many==1.12`"),
    ("early<1", "no release matches `early<1`: {index} has 2.0rc1", "`early==2.0rc1` asks for the newest"),
    ("wheels", "{index} has 1.0 of `wheels` as wheels only", "ask its publisher for one"),
    ("zips", "{index} has no `.tar.gz` sdist of `zips`", "check the name"),
    ("yanked", "every release of {index} that matches `yanked` was yanked; the newest is 1.0", "`yanked==1.0`"),
    ("newer", "no release of {index} that matches `newer` runs on Python 3.11", "raise the project's requires-python"),
]  # fmt: skip


@pytest.mark.parametrize(("requirement", "problem", "hint"), CHOICES, ids=[row[0] for row in CHOICES])
def test_what_an_index_has(world: World, static_index: StaticIndex, requirement: str, problem: str, hint: str) -> None:
    """It is named, with the newest that it has, and what can be asked for."""
    publish_all(static_index)
    world.write("pyproject.toml", "")
    url = static_index.url
    row = (
        f'"{requirement}" = {{index = "{url}"}}\n\n[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.11"'
    )
    check(world, row, (1, f"`{url}`", problem.format(index=f"`{url}`"), hint))
    asked = re.search(r"hint: .*?`(\w+==[\w.]+)`", world.reconcile().out)
    if asked is not None:
        world.manifest(f'"{asked[1]}" = {{index = "{url}"}}')
        world.sync()


def test_a_folder_of_archives(world: World) -> None:
    """As an index is."""
    world.publish(to="../shelf/ds-1.0.tar.gz")
    for requirement, told in {
        "ds>=2": (1, "`../shelf/`", "no release matches `ds>=2`: `../shelf/` has 1.0", "like `ds==1.0`"),
        "dx": (1, "`../shelf/`", "has no archive of `dx`", "it has archives of ds"),
    }.items():
        check(world, f'"{requirement}" = {{index = "../shelf/"}}', told)
    check(world, '"ds" = {index = "../shelves/"}', (1, "`../shelves/`", "there is no folder", "make it, or mount it"))


def test_a_file(world: World) -> None:
    """The nearest is named."""
    world.publish(to="dist/ds-1.0.tar.gz")
    check(world, '"dist/ds-1.1.tar.gz" = {}', (1, "`dist/ds-1.1.tar.gz`", "there is no file", "did you mean"))
    (world.root / "dist/folder.tar.gz").mkdir()
    check(world, '"dist/folder.tar.gz" = {}', (1, "`dist/folder.tar.gz`", "folder", "name the `.tar.gz` itself"))


def test_behind_a_password(world: World, nginx: Nginx, static_index: StaticIndex) -> None:
    """A real server that asks for a login, for an archive and for an index."""
    static_index.publish("ds", "1.0", sdist("ds", "1.0"))
    url = static_index.private_url
    check(world, f'"ds" = {{index = "{url}"}}', (1, nginx.url("").rstrip("/"), "answered 401", LOGIN))
    check(world, f'"{url}ds/ds-1.0.tar.gz" = {{}}', (1, nginx.url("").rstrip("/"), "answered 401", LOGIN))


def test_a_bucket(world: World, s3: Seaweed) -> None:
    """A wrong key, a bucket and an archive that are not there."""
    s3.client().create_bucket(Bucket="messages")
    wrong = f"key: AKIDOWNER\nsecret: wrong-{CANARY}\nclient_kwargs:\n  endpoint_url: {s3.url}\n"
    options = s3.options()
    right = "".join(f"{key}: {value}\n" for key, value in options.items())
    for fs_args, bucket, problem, hint in (
        (wrong, "messages", "answered 403", "check key and secret, or the AWS profile"),
        (right, "messages", "answered 404", "check the ref"),
        (right, "no-such-bucket", "answered 404", "check the ref"),
    ):
        world.write("args.yml", fs_args)
        ref = f"s3://{bucket}/ds-1.0.tar.gz"
        check(world, f'"{ref}" = {{fs-args = "args.yml"}}', (1, f"`{ref}`", problem, hint))


def lasting_answers() -> Iterator[tuple[str, ast.Call]]:
    """Each place in the code that makes an answer that only somebody's act can change."""
    for path in sorted(Path(REPOSITORY / "micropkgd").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"Failed", "_final"}:
                kind = node.args[0].attr if isinstance(node.args[0], ast.Attribute) else ""
                if not kind or kind in LASTING:
                    yield f"{path.relative_to(REPOSITORY)}:{node.lineno}", node


def test_none_comes_without_a_hint() -> None:
    """What a host is left alone for was told with its own."""
    found = {
        place: call
        for place, call in lasting_answers()
        if not (len(call.args) > 2 or any(one.arg == "hint" for one in call.keywords))
    }
    assert [place for place in found if "sources/hosts.py" not in place] == []
    assert len([*lasting_answers()]) > 60


def test_no_password_of_an_index_is_told() -> None:
    """Promise P9."""
    told = Criteria.parse("ds", "", "https://me:secret@x.example/simple/").place
    assert "secret" not in told
    assert "x.example" in told
    assert Criteria.parse("ds", "", "../share/").place == "`../share/`"
