"""The periodic full check: a source that changes its bytes and not its validator is found out, once a day an entry."""

import json
import os
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import pytest

from micropkgd.model.tree import digest_of
from micropkgd.reconcile.resolve.full_check import FullCheck
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.servers.gcs import FakeGcs
from tests.kit.servers.indexes import StaticIndex, sdist
from tests.kit.servers.proxy import Proxy
from tests.kit.servers.seaweed import Seaweed
from tests.kit.world import World, archive

NODES = "src/shop/ds/nodes.py"
ONE, TWO = archive({"nodes.py": "A = 1\n"}), archive({"nodes.py": "A = 2\n"}, "2.0")
TAG = {"ETag": '"1"'}
SAME, OTHER = Reply(body=ONE, headers=TAG), Reply(body=TWO, headers=TAG)
NOT_MODIFIED = Reply(304, length="none")
STATE = ".micropkgd/state.json"
DAY = 86_400.0


def let_a_day_pass(world: World) -> None:
    """Make every source of the project due for a full check."""
    state = json.loads(world.read(STATE))
    state["known"] = {ref: [*row[:2], 0.0] for ref, row in state["known"].items()}
    (world.root / STATE).write_text(json.dumps(state, separators=(",", ":")))


def conditional(server: FaultServer) -> list[bool]:
    """Of each request for the archive, whether it named a validator."""
    return ["if-none-match" in seen.headers for seen in server.requests_for("/ds.tar.gz")]


class TestDue:
    """When a full check is due: a pure question of two times and a ref."""

    def test_each_ref_has_its_turn_once_a_day(self) -> None:
        """Whenever it began, and however long the service runs."""
        for ref in ("a", "https://host/x.tar.gz", "s3://b/y.tar.gz"):
            checked, turns = 1_000_000.0, []
            for minute in range(3 * 1440):
                now = 1_000_000.0 + 60 * minute
                if FullCheck(now, DAY).is_due(ref, checked):
                    checked = now
                    turns.append(now)
            assert len(turns) == 3
            assert [later - earlier for earlier, later in pairwise(turns)] == [DAY, DAY]

    def test_many_refs_are_spread_over_the_day(self) -> None:
        """All fetched in one minute, none of them together a day later."""
        hours: Counter[int] = Counter()
        for number in range(240):
            due = (minute for minute in range(1441) if FullCheck(60.0 * minute, DAY).is_due(f"ref-{number}", 0.0))
            hours[next(due) // 60] += 1
        assert len(hours) >= 24
        assert max(hours.values()) <= 24

    @pytest.mark.parametrize(
        ("check", "due"),
        [
            pytest.param(FullCheck(1e9, 0.0), False, id="turned-off"),
            pytest.param(FullCheck(1e9, DAY), True, id="never-seen-whole"),
            pytest.param(FullCheck(-1e9, DAY), True, id="clock-set-back"),
        ],
    )
    def test_edges(self, check: FullCheck, due: bool) -> None:
        """Zero is never; a clock that went back must not put it off for years."""
        assert check.is_due("x", 0.0) is due


class TestFloating:
    """A ref without a pin."""

    def test_other_bytes_under_the_same_etag_are_an_update(self, world: World, faults: FaultServer) -> None:
        """Not seen while the server is asked on a condition, and said when they are."""
        url = faults.script("/ds.tar.gz", SAME, NOT_MODIFIED, OTHER, NOT_MODIFIED)
        world.asks_for(url)
        world.sync()
        world.sync()
        assert world.read(NODES) == "A = 1\n"
        let_a_day_pass(world)
        said = world.reconcile()

        assert (said.code, world.read(NODES)) == (0, "A = 2\n")
        assert "note: other bytes came under the validator" in said.out
        world.sync()
        assert conditional(faults) == [False, True, False, True]

    def test_equal_bytes_are_noted_in_the_state_and_nowhere_else(self, world: World, faults: FaultServer) -> None:
        """The check itself is all that is written, once."""
        world.asks_for(faults.script("/ds.tar.gz", SAME, SAME, NOT_MODIFIED))
        world.sync()
        tree = world.tree()
        let_a_day_pass(world)
        before = world.read(STATE)
        said = world.reconcile()
        assert (said.code, "note:" in said.out, world.tree()) == (0, False, tree)
        assert world.read(STATE) != before
        stamps = world.stamps()
        world.sync()
        assert world.stamps() == stamps
        assert conditional(faults) == [False, False, True]

    def test_a_server_that_ignores_conditions_costs_no_write(self, world: World, faults: FaultServer) -> None:
        """It sends everything each time, and each time the same."""
        world.asks_for(faults.script("/ds.tar.gz", SAME))
        world.sync()
        stamps = world.stamps()
        world.sync()
        assert world.stamps() == stamps

    def test_outage_during_the_check_keeps_it_due(self, world: World, faults: FaultServer) -> None:
        """What is installed stays, and the next pass asks again without a condition."""
        world.asks_for(faults.script("/ds.tar.gz", SAME, Reply(404), OTHER))
        world.sync()
        let_a_day_pass(world)
        assert world.reconcile().code == 1
        assert world.read(NODES) == "A = 1\n"
        world.sync()
        assert world.read(NODES) == "A = 2\n"
        assert conditional(faults) == [False, False, False]

    @pytest.mark.parametrize("mode", ["--locked", "--frozen", "--offline"])
    def test_who_follows_the_lock_asks_nobody(self, world: World, faults: FaultServer, mode: str) -> None:
        """Not once a day either."""
        world.asks_for(faults.script("/ds.tar.gz", SAME))
        world.sync()
        let_a_day_pass(world)
        assert world.reconcile(mode).code == 0
        assert len(faults.seen) == 1


class TestPinned:
    """A ref with its sha256 in the manifest."""

    def pinned(self, world: World, faults: FaultServer, *replies: Reply) -> None:
        """Pull once; the replies are those to later questions."""
        world.asks_for(faults.script("/ds.tar.gz", SAME, *replies), sha256=digest_of(ONE).removeprefix("sha256:"))
        world.sync()

    def test_is_asked_once_a_day_and_no_more(self, world: World, faults: FaultServer) -> None:
        """Between two checks no request is made at all."""
        self.pinned(world, faults, SAME)
        world.sync()
        let_a_day_pass(world)
        world.sync()
        world.sync()
        assert conditional(faults) == [False, False]

    def test_other_bytes_are_corrupt_until_the_right_ones_are_back(self, world: World, faults: FaultServer) -> None:
        """Both digests are shown, what is installed stays, and the status does not flap."""
        self.pinned(world, faults, OTHER, OTHER, SAME)
        let_a_day_pass(world)
        for _ in range(2):
            said = world.reconcile()
            assert said.code == 6
            assert digest_of(ONE) in said.out + said.err
            assert digest_of(TWO) in said.out + said.err
            assert "note: found by the periodic full check" in said.out
            assert world.read(NODES) == "A = 1\n"
        world.sync()

    def test_mirror_does_not_cover_up_for_the_source(self, world: World, faults: FaultServer) -> None:
        """It has the pinned bytes, which says nothing of what the source has now."""
        url = faults.script("/ds.tar.gz", SAME, OTHER)
        digest = digest_of(ONE).removeprefix("sha256:")
        mirror = faults.script(f"/m/{digest}.tar.gz", SAME).replace(digest, "{sha256}")
        world.asks_for(url, f'mirrors = ["{mirror}"]', sha256=digest)
        world.sync()
        let_a_day_pass(world)
        assert world.reconcile().code == 6
        assert not faults.requests_for(f"/m/{digest}.tar.gz")

    @pytest.mark.parametrize("reply", [Reply(404), Reply(401), Reply(500), Reply(429)])
    def test_outage_takes_nothing_from_who_has_the_pin(self, world: World, faults: FaultServer, reply: Reply) -> None:
        """The entry is what it should be, and nothing is written."""
        self.pinned(world, faults, reply)
        let_a_day_pass(world)
        world.sync()
        stamps = world.stamps()
        world.sync()
        assert world.stamps() == stamps


class TestKinds:
    """The same for every kind of source that has a validator."""

    def bodies(self, world: World, server: Proxy, ref: str, options: dict[str, object], mark: str) -> list[int]:
        """How many bodies had been sent after a first pass, one more, and one a day later."""
        world.write("conf/args.yml", json.dumps(options))
        world.asks_for(ref, fs_args="conf/args.yml")
        counts = []
        for day_passes in (False, False, True):
            if day_passes:
                let_a_day_pass(world)
            world.sync()
            counts.append(sum(seen.method == "GET" and mark in seen.target for seen in server.seen))
        return counts

    def test_s3(self, world: World, s3: Seaweed) -> None:
        """The object is read again although a HEAD says that it is the same."""
        client = s3.client()
        client.create_bucket(Bucket="fullcheck")
        client.put_object(Bucket="fullcheck", Key="ds.tar.gz", Body=ONE)
        with Proxy(s3.port) as proxy:
            counts = self.bodies(world, proxy, "s3://fullcheck/ds.tar.gz", s3.options(proxy.port), "/ds.tar.gz")
        assert counts == [1, 1, 2]

    def test_gcs(self, world: World, gcs: FakeGcs) -> None:
        """The generation is read again."""
        gcs.create("fullcheck")
        gcs.put("fullcheck", "ds.tar.gz", ONE)
        with Proxy(gcs.port) as proxy:
            counts = self.bodies(world, proxy, "gs://fullcheck/ds.tar.gz", gcs.options(proxy.port), "alt=media")
        assert counts == [1, 1, 2]

    def test_index(self, world: World, static_index: StaticIndex) -> None:
        """A page that changes under its ETag is read, and the same release with other bytes is refused."""
        one, two = (sdist("ds", "1.0", note) for note in ("a", "b"))
        row = static_index.publish("ds", "1.0", one)
        page = static_index.folder("ds") / "index.json"
        before = page.stat()
        world.asks_for("ds", index=static_index.url)
        world.sync()
        static_index.replace("ds", "1.0", two)
        static_index.list("ds", [static_index.rows("ds")[0] | {"size": row["size"]}])
        assert page.stat().st_size == before.st_size
        os.utime(page, ns=(before.st_mtime_ns, before.st_mtime_ns))
        world.sync()
        let_a_day_pass(world)
        said = world.reconcile()

        assert said.code == 6
        assert digest_of(two) in said.out + said.err

    def test_local(self, world: World) -> None:
        """A path is never due: its validator has the change time, which nobody sets."""
        world.publish({"nodes.py": "A = 1\n"})
        world.asks_for()
        world.sync()
        let_a_day_pass(world)
        world.write("pyproject.toml", world.read("pyproject.toml"))
        before = world.read(STATE)
        world.sync()
        assert world.read(STATE) == before


def older_row(row: list[object]) -> list[object]:
    """A row of the state as it was before full checks."""
    return row[:2]


@pytest.mark.parametrize("change", [older_row, lambda row: [*row[:2], "soon"], lambda row: [*row, 1]])
def test_other_states_are_read_or_forgotten(
    world: World, faults: FaultServer, change: Callable[[list[object]], list[object]]
) -> None:
    """Of an older version, or of none that there ever was."""
    world.asks_for(faults.script("/ds.tar.gz", SAME))
    world.sync()
    tree = world.tree()
    state = json.loads(world.read(STATE))
    state["known"] = {ref: change(row) for ref, row in state["known"].items()}
    (world.root / STATE).write_text(json.dumps(state))
    world.sync()

    assert world.tree() == tree
    (row,) = json.loads(world.read(STATE))["known"].values()
    assert row[2] > 0
