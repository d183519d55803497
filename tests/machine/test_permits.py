"""Where the machine's config lets projects read and publish, and which variables they may read."""

import json
from pathlib import Path

import pytest

from micropkgd.machine.config import permits_of
from micropkgd.model.config import read_settings
from micropkgd.model.permits import Permits
from tests.kit.canaries import CANARY
from tests.kit.daemon import Daemon
from tests.kit.packages import CODE, module
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.world import Said, World, archive

OUT = "OriginNotAllowed"


def write_config(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the machine's config say this."""
    (tmp_path / "config.toml").write_text(text)
    monkeypatch.setenv("MICROPKGD_CONFIG", str(tmp_path / "config.toml"))


def reasons(said: Said) -> list[str]:
    """Why entries failed, pulled ones first."""
    (project,) = json.loads(said.out)["projects"]
    rows = (*project["entries"], *project["packages"])
    return [row["failure"]["reason"] if row["failure"] else "" for row in rows]


@pytest.fixture
def shop(world: World, faults: FaultServer, tmp_path: Path) -> World:
    """A project that pulls from a server and publishes into a folder beside it."""
    (tmp_path / "share").mkdir()
    address = faults.script("/ds.tar.gz", Reply(200, archive({"nodes.py": "x = 1\n"})))
    module(world, {"nodes.py": "A = 1\n"})
    world.manifest(f'"{address}" = {{}}')
    with (world.root / "pyproject.toml").open("a") as manifest:
        row = f'"pipelines.ds" = {{publish = "{tmp_path}/share/", publish-when = "saved"}}'
        manifest.write(f"[tool.micropkgd.package]\n{row}\n")
    assert world.has(f"{CODE}/nodes.py")
    return world


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param("", ["", ""], id="nothing-said"),
        pytest.param("publish-origins = []", ["", OUT], id="nowhere"),
        pytest.param('publish-origins = ["{share}"]', ["", ""], id="to-the-folder"),
        pytest.param('publish-origins = ["s3://team"]', ["", OUT], id="elsewhere"),
        pytest.param('allowed-origins = ["{server}"]', ["", OUT], id="the-list-for-reading-holds-for-both"),
        pytest.param('allowed-origins = ["{server}"]\npublish-origins = ["{share}"]', ["", ""], id="each-its-own"),
        pytest.param('allowed-origins = ["{share}"]\npublish-origins = ["{server}"]', [OUT, OUT], id="mixed-up"),
        pytest.param('publish-origins = ["file"]', ["", ""], id="any-folder"),
    ],
)
def test_reading_and_publishing_have_a_list_each(
    shop: World, faults: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: str, expected: list[str]
) -> None:
    """Without one for publishing, the one for reading holds; the answer names the list."""
    text = lines.format(share=tmp_path / "share", server=faults.url("/"))
    write_config(tmp_path, text, monkeypatch)
    said = shop.reconcile("--json")

    assert reasons(said) == expected
    assert [*(tmp_path / "share").iterdir()] == ([] if expected[1] else [tmp_path / "share/ds-1.0.tar.gz"])
    if expected[1] and "publish-origins" in lines:
        assert "is not among the publish-origins of this machine" in said.out


def test_inside_the_project_anything_goes(shop: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is published there is written where the project may write anyway."""
    write_config(tmp_path, "publish-origins = []", monkeypatch)
    shop.write("out/.keep", "")
    shop.manifest('"pipelines.ds" = {publish = "out/", publish-when = "saved"}', home="tool.micropkgd.package")

    assert reasons(shop.reconcile("--json")) == [""]
    assert shop.has("out/ds-1.0.tar.gz")


def test_a_project_has_lists_of_its_own(shop: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the table that names it, whoever runs the pass; the others keep those above."""
    table = f'[[project]]\npaths = ["{shop.root}"]\npublish-origins = []\n'
    write_config(tmp_path, f'publish-origins = ["{tmp_path}/share"]\n{table}', monkeypatch)
    assert reasons(shop.reconcile("--json")) == ["", OUT]
    write_config(tmp_path, f'{table}[[project]]\npaths = ["{tmp_path}/*"]\n', monkeypatch)
    assert reasons(shop.reconcile("--json")) == ["", OUT]
    write_config(tmp_path, table.replace(str(shop.root), f"{shop.root}-2"), monkeypatch)
    assert reasons(shop.reconcile("--json")) == ["", ""]


def test_the_command_line_opens_nothing(shop: World, tmp_path: Path, faults: FaultServer) -> None:
    """A service that is told to serve this project holds to what its table says."""
    table = f'[[project]]\npaths = ["{tmp_path}/*"]\nallowed-origins = []\n'
    with Daemon(tmp_path / "d", f'every = "1d"\n{table}', str(shop.root)) as daemon:
        status = daemon.until_status(shop.root, lambda status: status["standing"]["state"] == "Stalled")

    assert [entry["standing"]["reason"] for entry in status["entries"]] == [OUT]
    assert faults.seen == []


def test_tables_inherit(tmp_path: Path) -> None:
    """A table without a list has the one above; an empty one is a list."""

    def table(name: str, more: str = "") -> str:
        return f'[[project]]\npaths = ["{tmp_path}/{name}"]\n{more}\n'

    text = 'allowed-origins = ["s3://a"]\n' + table("one") + table("two", "allowed-origins = []")
    import tomllib

    of = permits_of(read_settings(tomllib.loads(text), "config.toml", {}))
    one, two, other = (of(str(tmp_path / name)) for name in ("one", "two", "three"))
    assert one == other != two
    assert two.reading is not None
    assert (two.reading.places, two.publishing) == ((), two.reading)
    assert permits_of(read_settings({}, "", {}))("/anywhere") == Permits()


def test_variables_that_a_project_may_read(shop: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is not listed is as good as secret: nothing is asked, and the message has its name alone."""
    address = shop.read("pyproject.toml").split('"')[7]
    monkeypatch.setenv("TEAM_TOKEN", "t")
    monkeypatch.setenv("HOME_SECRET", CANARY)
    shop.manifest(f'"{address}" = {{fs-args = "conf/args.yml"}}')
    write_config(tmp_path, 'environment = ["TEAM_TOKEN"]', monkeypatch)
    shop.write("conf/args.yml", "headers: {X-Team: '${TEAM_TOKEN}'}\n")
    assert reasons(shop.reconcile("--json")) == [""]
    for spelling in ("${HOME_SECRET}", "${oc.env:HOME_SECRET}", "${oc.env:HOME_SECRET,none}", "${oc.env:NOT_SET,x}"):
        shop.write("conf/args.yml", f"headers: {{X-Team: '{spelling}'}}\n")
        said = shop.reconcile("--json")
        assert reasons(said) == ["Document"]
        assert "projects may not read the variable" in said.out
        assert "`environment` in the config" in said.out
    write_config(tmp_path, "", monkeypatch)
    shop.write("conf/args.yml", "headers: {X-Team: '${TEAM_TOKEN}'}\n")
    assert reasons(shop.reconcile("--json")) == [""]


def test_a_name_that_no_variable_can_have_is_an_error(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slip would open nothing, and nobody would know why."""
    write_config(tmp_path, 'environment = ["TEAM-TOKEN"]', monkeypatch)
    said = world.reconcile()

    assert said.code == 2
    assert "`environment` must be a list of names of variables" in said.err


@pytest.mark.parametrize("key", ["allowed-origins", "publish-origins", "credential-endpoints"])
def test_a_place_that_is_none_is_told_with_its_key(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """And with the line."""
    write_config(tmp_path, f'\n{key} = ["nowhere"]', monkeypatch)
    said = world.reconcile()

    assert said.code == 2
    assert f"config.toml:2: {key}: 'nowhere' names no place" in said.err
