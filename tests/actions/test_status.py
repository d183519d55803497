"""What `status` says of an entry: how it stands in the tree, and what somebody can do about it."""

import json
import re
import shlex
from typing import Any

import pytest

from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.world import World, archive

NODES, OTHER = "src/shop/ds/nodes.py", "src/shop/ds/other.py"
BASE, OURS, THEIRS = "A = 1\n", "A = 'mine'\n", "A = 2\n"


def entry(world: World) -> dict[str, Any]:
    """The one entry, as programs are told of it."""
    (found,) = json.loads(world.run("status", "--json").out)["projects"][0]["entries"]
    return {**found, **found.pop("standing")}


def edited(world: World) -> None:
    """One edited file, and one that nobody touched; a pass has seen both."""
    world.publish({"nodes.py": BASE, "other.py": "O = 1\n"})
    world.asks_for()
    world.sync()
    world.write(NODES, OURS)
    world.sync()


def held(world: World, policy: str = "", ours: str = OURS) -> None:
    """An edit that the new version disagrees with."""
    world.publish({"nodes.py": BASE, "other.py": "O = 1\n"})
    world.asks_for(policy=policy)
    world.sync()
    world.write(NODES, ours)
    world.publish({"nodes.py": THEIRS if ours == OURS else f"{BASE}\n\nB = 2\n", "other.py": "O = 1\n"}, version="2.0")
    assert world.reconcile().code == 4


class TestTheTree:
    """How it stands is how the tree stands."""

    def test_an_edit_is_told_before_a_pass_has_seen_it(self, world: World) -> None:
        """And not any more when it was taken back."""
        edited(world)
        world.write(NODES, BASE)
        assert entry(world)["reason"] == "InSync"
        world.sync()
        world.write(NODES, OURS)
        assert (entry(world)["state"], entry(world)["reason"], entry(world)["message"]) == ("Ready", "Drifted", NODES)

    @pytest.mark.parametrize("upgrade", [(), ("--upgrade",)])
    def test_a_lock_takes_no_edit_back(self, world: World, upgrade: tuple[str, ...]) -> None:
        """It looks at no file, so it learns nothing of them."""
        edited(world)
        before = entry(world)
        assert world.run("lock", *upgrade).code == 0
        assert entry(world) == before

    def test_a_lock_that_went_ahead(self, world: World) -> None:
        """The tree has the version before: what differs from the new one is no edit."""
        edited(world)
        world.publish({"nodes.py": THEIRS, "other.py": "O = 2\n"}, version="2.0")
        assert world.run("lock").code == 0
        found = entry(world)
        assert (found["state"], found["reason"], found["drifted"]) == ("Pending", "LockAhead", [NODES])
        assert (found["version"], found["waiting"]) == ("1.0", "2.0")

    def test_a_row_that_changed_is_told(self, world: World) -> None:
        """Until a pass has followed it."""
        world.publish({"nodes.py": BASE})
        world.asks_for()
        world.sync()
        world.write(NODES, OURS)
        world.asks_for(alias="other")
        found = entry(world)
        assert (found["state"], found["reason"], found["drifted"]) == ("Pending", "ManifestAhead", [NODES])
        world.reconcile()
        assert entry(world)["reason"] != "ManifestAhead"

    def test_an_outage_ends_with_a_lock(self, world: World, faults: FaultServer) -> None:
        """Its source answered; how the tree stands is still what the tree shows."""
        one = archive({"nodes.py": BASE})
        world.asks_for(faults.script("/ds.tar.gz", Reply(body=one), Reply(404), Reply(body=one)))
        world.sync()
        world.write(NODES, OURS)
        assert world.reconcile().code == 1
        assert world.run("lock").code == 0
        assert (entry(world)["reason"], entry(world)["drifted"]) == ("Drifted", [NODES])


class TestWhatToDo:
    """Of an entry that is held, every way to settle it that there is."""

    def test_what_collides(self, world: World) -> None:
        """The same of a pass that asked its source, and of those that did not."""
        held(world)
        assert entry(world)["choices"] == ["keep", "take", "edit", "merged"]
        for later in (("--locked",), ("--offline",), ()):
            world.reconcile(*later)
            assert entry(world)["choices"] == ["keep", "take", "edit", "merged"], later
            assert "--merge " not in world.reconcile(*later).out

    def test_what_the_policy_holds(self, world: World) -> None:
        """Nothing collides, so both can be had."""
        held(world, 'on-local-edit = "hold"', ours=f"B = 0\n\n\n{BASE}")
        assert entry(world)["choices"] == ["keep", "take", "merge"]
        world.reconcile("--locked")
        assert entry(world)["choices"] == ["keep", "take", "merge"]

    def test_what_was_decided_is_asked_no_more(self, world: World) -> None:
        """Where every file that collides is, nothing is left to join."""
        world.publish({"nodes.py": BASE, "other.py": "O = 1\n"})
        world.asks_for()
        world.sync()
        world.write(NODES, OURS)
        (world.root / OTHER).unlink()
        world.publish({"nodes.py": THEIRS, "other.py": "O = 2\n"}, version="2.0")
        assert world.reconcile().code == 4
        assert world.run("resolve", "ds", NODES, "--keep").code == 4
        assert entry(world)["choices"] == ["keep", "take"]

    def test_every_command_can_be_pasted(self, world: World) -> None:
        """None is a mistake: it says what is left to do, or what it would do."""
        held(world)
        lines = [line.partition("#")[0] for line in world.run("status").out.splitlines() if "#" in line]
        named = [tuple(shlex.split(line)[1:]) for line in lines]
        assert {words[-1] for words in named} == {"ds", "--keep", "--take", "--edit", "--merged"}
        for words in named:
            more = ("--dry-run",) if words[0] == "resolve" else ()
            said = world.run(*words, *more)
            assert said.code in {0, 4} or "a terminal" in said.err, said

    def test_where_the_texts_lie(self, world: World) -> None:
        """For an editor of one's own."""
        held(world)
        (folder,) = re.findall(r"^  laid in (.*)$", world.run("status").out, re.MULTILINE)
        assert world.has(f"{folder}/merged/{NODES}")
