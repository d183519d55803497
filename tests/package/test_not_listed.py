"""An index that takes an archive and does not show it is not sent it again and again."""

import json
from pathlib import Path

import pytest

from tests.kit.packages import module
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.world import World

BUILDS = ".micropkgd/builds.json"


@pytest.fixture
def silent(world: World, faults: FaultServer) -> World:
    """A project that publishes to such an index."""
    faults.script("/simple/ds/", Reply(404))
    faults.script("/", Reply(200))
    module(world, {"nodes.py": "A = 1\n"})
    row = f'"pipelines.ds" = {{publish = "{faults.url("/simple/")}", publish-when = "saved"}}'
    world.manifest(row, home="tool.micropkgd.package")
    return world


def sent(faults: FaultServer) -> int:
    """How often it was sent something."""
    return sum(seen.method == "POST" for seen in faults.seen)


def test_it_is_looked_for_and_not_sent_again(silent: World, faults: FaultServer) -> None:
    """At every retry, and after a restart, for the record is on disk."""
    for _ in range(4):
        said = silent.reconcile()
        assert said.code == 5
        assert "is not listed there yet" in said.out
    assert sent(faults) == 1
    assert len(faults.requests_for("/simple/ds/")) > 4


def test_a_day_later_it_is_sent_again(silent: World, faults: FaultServer) -> None:
    """It may have been lost."""
    assert silent.reconcile().code == 5
    path = Path(silent.root / BUILDS)
    document = json.loads(path.read_text())
    (build,) = document["builds"].values()
    build["sent"][3] -= 90_000
    path.write_text(json.dumps(document))
    assert silent.reconcile().code == 5
    assert sent(faults) == 2


def test_a_person_and_other_bytes_are_not_put_off(silent: World, faults: FaultServer) -> None:
    """Who says `publish` means now; and a new archive was never sent."""
    assert silent.reconcile().code == 5
    assert silent.run("publish").code == 5
    assert sent(faults) == 2
    silent.write("src/shop/pipelines/ds/nodes.py", "A = 2\n")
    assert silent.reconcile().code == 5
    assert sent(faults) == 3


def test_once_it_is_there_all_is_well(silent: World, faults: FaultServer) -> None:
    """Without being sent again."""
    assert silent.reconcile().code == 5
    data = (silent.root / "dist/ds-1.0.tar.gz").read_bytes()
    faults.script("/files/ds-1.0.tar.gz", Reply(200, data))
    page = f'<a href="{faults.url("/files/ds-1.0.tar.gz")}">ds-1.0.tar.gz</a>'
    faults.script("/simple/ds/", Reply(200, page.encode(), headers={"Content-Type": "text/html"}))
    silent.sync()
    assert sent(faults) == 1
