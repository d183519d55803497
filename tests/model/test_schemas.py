"""The JSON Schemas of what people write: as in `docs/`, with every key of the readers, and refusing as they do."""

import json
import re
from collections.abc import Mapping
from typing import Any

import jsonschema
import pytest

from micropkgd.documents import read_toml
from micropkgd.errors import DocumentError
from micropkgd.model import config, package_entry, policy, pull_entry
from micropkgd.model.config import read_settings
from micropkgd.model.lock import Lock
from micropkgd.model.manifest import Manifest
from micropkgd.model.schemas import SCHEMAS
from tests.kit.places import REPOSITORY
from tests.kit.world import World

EXAMPLE = (REPOSITORY / "config.example.toml").read_text()
KEDRO = '[tool.kedro]\npackage_name = "shop"\n'


def valid(name: str, document: Mapping[str, Any]) -> bool:
    """Whether a schema takes a document."""
    return jsonschema.Draft7Validator(SCHEMAS[name]()).is_valid(document)


def own() -> dict[str, Any]:
    """The properties of `[tool.micropkgd]`."""
    found: dict[str, Any] = SCHEMAS["pyproject"]()["properties"]["tool"]["properties"]["micropkgd"]["properties"]
    return found


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_files_are_what_the_code_makes(name: str) -> None:
    """After a change: `python -m micropkgd.model.schemas NAME > docs/schema/NAME.json`."""
    assert json.loads((REPOSITORY / f"docs/schema/{name}.json").read_text()) == SCHEMAS[name]()
    jsonschema.Draft7Validator.check_schema(SCHEMAS[name]())


def test_every_key_of_the_manifest() -> None:
    """No key is missing, and none is made up."""
    assert own().keys() == {*policy._KEYS, *policy._TABLES}
    for table, keys in (("pull", pull_entry._KEYS), ("package", package_entry._KEYS)):
        assert own()[table]["additionalProperties"]["properties"].keys() == set(keys)


def test_every_key_of_the_config() -> None:
    """Each has the form that its kind has, so that an editor says what is wrong with it."""
    properties = SCHEMAS["config"]()["properties"]
    for name, kind in config.KEYS.items():
        table, _, key = name.rpartition(".")
        node = properties[table]["properties"][key] if table else properties[key]
        assert kind.schema, name
        assert node.items() >= kind.schema.items()
    for table, kinds in (("project", config.GROUP), ("webhook", config.WEBHOOK), ("queue", config.QUEUE)):
        assert properties[table]["items"]["properties"].keys() - {"name"} == kinds.keys()


def test_the_example_of_the_config() -> None:
    """As it is, and with everything in it that is commented out."""
    assert valid("config", read_toml(EXAMPLE.encode()))
    whole = re.sub(r"^# (?=\[\[|[a-z-]+ = )", "", EXAMPLE, flags=re.MULTILINE)
    document = read_toml(whole.replace('cron = "*/15', 'jitter2 = "*/15').encode())
    del document["jitter2"]
    assert {"webhook", "queue", "project"} <= document.keys()
    assert valid("config", document)


MANIFESTS = [
    ("", True),
    ('[tool.micropkgd]\nprune = false\nupdate = "locked"\nmerge = "text"\n', True),
    ('[tool.micropkgd]\nmirrors = ["https://x/{sha256}.tar.gz"]\nprotocols = ["sftp"]\n', True),
    (
        '[tool.micropkgd.pull]\n"d/a-1.tar.gz" = {alias = "b", destination = "x/y", env = "uat", fs-args = "a.yml"}\n',
        True,
    ),
    (
        f'[tool.micropkgd.pull]\n"a>=1" = {{index = "../share/", sha256 = "{"0" * 64}", keep-deleted = ["*.md"]}}\n',
        True,
    ),
    ('[tool.kedro.micropkg.pull]\n"d/a-1.tar.gz" = {}\n', True),
    ('[tool.micropkgd.package]\n"a.b" = {publish = "../x/", publish-when = "asked", overwrite = true}\n', True),
    ('[tool.micropkgd.project]\npackage = "a.b"\nsource-dir = "."\nbase-env = "."\n', True),
    ('[tool.micropkgd]\nprune = "yes"\n', False),
    ('[tool.micropkgd]\nupdate = "sometimes"\n', False),
    ("[tool.micropkgd]\nunknown = 1\n", False),
    ('[tool.micropkgd]\nindex-url = ""\n', False),
    ("[tool.micropkgd]\nprotocols = [1]\n", False),
    ('[tool.micropkgd.pull]\n"d/a-1.tar.gz" = {alais = "b"}\n', False),
    ('[tool.micropkgd.pull]\n"d/a-1.tar.gz" = "b"\n', False),
    ('[tool.micropkgd.pull]\n"d/a-1.tar.gz" = {sha256 = "12"}\n', False),
    ('[tool.micropkgd.package]\n"a.b" = {publish = "../x/", publish-when = "never"}\n', False),
    ('[tool.micropkgd.package]\n"a.b" = {overwrite = 1}\n', False),
    ('[tool.kedro.micropkg.package]\na = {unknown = ""}\n', False),
    ('[tool.micropkgd.project]\nfolder = "x"\n', False),
]


@pytest.mark.parametrize(("text", "wanted"), MANIFESTS)
def test_a_manifest(text: str, wanted: bool) -> None:
    """The schema and the reader are of one mind."""
    document = read_toml((KEDRO + text).encode()) if "[tool.kedro" not in text else read_toml(f"{KEDRO}{text}".encode())
    assert valid("pyproject", document) is wanted
    if wanted:
        Manifest.from_mapping(document)
    else:
        with pytest.raises(DocumentError):
            Manifest.from_mapping(document)


CONFIGS = [
    ('every = "5m"\n[limits]\npasses = 3\n', True),
    ('cron = "@daily"\n[http]\nlisten = "127.0.0.1:8473"\n', True),
    ('[hooks]\nafter-commit = ["x", "y"]\ntouch-file = "~/x"\n', True),
    ('[[queue]]\nname = "a"\nurl = "https://x/1"\n', True),
    ('every = "5 minutes"\n', False),
    ("every = 5\n", False),
    ("[limits]\npasses = 0\n", False),
    ('[limits]\nbytes-per-second = "20 megs"\n', False),
    ("[hooks]\nafter-commit = []\n", False),
    ('[hooks]\ntouch-file = "x"\n', False),
    ('[log]\nlevel = "loud"\n', False),
    ("[log]\nlevle = 1\n", False),
    ('[[queue]]\nname = "a"\n', False),
    ('[[webhook]]\nname = "a"\nsecret-file = "/x"\nform = "gitea"\n', False),
]


@pytest.mark.parametrize(("text", "wanted"), CONFIGS)
def test_a_config(text: str, wanted: bool) -> None:
    """The schema and the reader are of one mind."""
    document = read_toml(text.encode())
    assert valid("config", document) is wanted
    if wanted:
        read_settings(document, "config.toml", {})
    else:
        with pytest.raises(DocumentError):
            read_settings(document, "config.toml", {})


def test_real_locks(world: World) -> None:
    """Of a path, of an index, and one that ran ahead of the tree."""
    world.publish({"nodes.py": "A = 1\n"}, to="shelf/ds-1.0.tar.gz")
    world.manifest('"ds>=1" = {index = "shelf/"}')
    world.sync()
    world.publish({"nodes.py": "A = 2\n"}, version="2.0", to="shelf/ds-2.0.tar.gz")
    assert world.run("lock").code == 0
    document = read_toml(world.read("micropkg.lock").encode())
    assert "superseded" in document["packages"][0]["tool"]["micropkgd"]  # type: ignore[index]
    assert valid("lock", document)
    world.publish({"nodes.py": "A = 1\n"})
    world.asks_for()
    world.sync()
    document = read_toml(world.read("micropkg.lock").encode())
    assert valid("lock", document)
    Lock.from_mapping(document)
    for key in ("ref", "requested", "target", "renderer", "requirements", "files"):
        broken = json.loads(json.dumps(document))
        del broken["packages"][0]["tool"]["micropkgd"][key]
        assert not valid("lock", broken), key
        with pytest.raises(DocumentError):
            Lock.from_mapping(broken)


def test_the_projects_of_this_repository() -> None:
    """Those that the examples show."""
    found = [*(REPOSITORY / "examples").rglob("pyproject.toml")]
    assert len(found) > 2
    assert [path for path in found if not valid("pyproject", read_toml(path.read_bytes()))] == []
