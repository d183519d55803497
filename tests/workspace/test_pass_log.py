"""The accounts of passes: kept for a while, never in the way of a pass."""

from pathlib import Path

from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory.pass_log import DIARY, Deed, PassRecord, note, pages
from tests.kit.world import World

DEED = Deed("ref", "install", "src/shop/ds", "1.0", "sha256:" + "0" * 64, ("src/shop/ds/a.py",))


def page(number: int) -> PassRecord:
    """One pass."""
    return PassRecord(f"p{number}", "2026-01-01T00:00:00Z", "command", (DEED,))


def test_the_newest_comes_first_and_the_oldest_go(tmp_path: Path) -> None:
    """Two hundred are kept."""
    (tmp_path / ".micropkgd").mkdir()
    with FsOps(str(tmp_path)) as fs:
        for number in range(205):
            note(fs, page(number))
        found = [one.id for one in pages(fs)]

    assert found == [f"p{number}" for number in range(204, 4, -1)]


def test_a_page_that_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    """Somebody may have written anything there."""
    folder = tmp_path / DIARY
    folder.mkdir(parents=True)
    for number, data in enumerate([b"", b"[]", b'{"id": 1}', b"\xff", b'{"id":1,"time":2,"trigger":3,"deeds":[{}]}']):
        (folder / f"{number}.json").write_bytes(data)
    with FsOps(str(tmp_path)) as fs:
        note(fs, page(1))
        assert list(pages(fs)) == [page(1)]


def test_a_pass_that_changed_nothing_leaves_no_page(world: World) -> None:
    """And one that did leaves what it wrote."""
    world.publish({"a.py": "x = 1\n"})
    world.asks_for()
    world.sync()
    world.sync()
    with FsOps(str(world.root)) as fs:
        (only,) = pages(fs)

    assert only.trigger == "command"
    assert only.deeds[0].action == "install"
    assert "src/shop/ds/a.py" in only.deeds[0].paths
    assert "because of command" in world.run("why", "src/shop/ds/a.py").out
    assert world.run("why", "src/shop/__init__.py").code == 2


def test_a_file_that_was_pulled_by_hand_has_its_reason(world: World) -> None:
    """Its ref and archive are remembered as those of the manifest's entries are."""
    world.publish({"a.py": "x = 1\n"})
    world.run("pull", "dist/ds.tar.gz")
    world.write("src/shop/ds/a.py", "x = 'mine'\n")
    said = world.run("why", "src/shop/ds/a.py")

    assert "entry: dist/ds.tar.gz -> src/shop/ds" in said.out
    assert "now:   modified" in said.out


def test_what_entries_share_is_of_none(world: World) -> None:
    """And is not called somebody else's."""
    world.publish({"a.py": "x = 1\n"})
    world.asks_for(destination="pipelines")
    world.sync()
    said = world.run("why", "src/shop/pipelines/__init__.py")

    assert said.code == 2
    assert "is of no entry" in said.err
    assert "did not put it here" not in said.err
    assert "hint: what several entries share" in said.err
