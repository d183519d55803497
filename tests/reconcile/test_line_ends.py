"""Line ends, a byte order mark and a missing final newline are not edits, and stay as a person has them."""

import pytest

from tests.kit.world import World

BODY = "def a(x):\n    return x + {0}\n\n\ndef b(x):\n    return x\n\n\ndef c(x):\n    return x\n"
NODES = "src/shop/ds/nodes.py"
CRLF = ("\n", "\r\n")


def checked_out(world: World, form: str) -> None:
    """The first version, as a checkout with another form of text has it."""
    world.publish({"nodes.py": BODY.format(1), "config/parameters_ds.yml": "lr: 1\n", "/tests/test_ds.py": "T = 1\n"})
    world.asks_for()
    world.sync()
    for path in (NODES, "src/shop/ds/__init__.py", "conf/base/parameters_ds.yml", "tests/ds/test_ds.py"):
        world.write(path, in_form(world.read(path), form))


def in_form(text: str, form: str) -> bytes:
    """A text in one of the forms."""
    changed = {"crlf": text.replace(*CRLF), "mark": f"\ufeff{text}", "no-end": text.removesuffix("\n")}
    return changed[form].encode()


@pytest.mark.parametrize("form", ["crlf", "mark", "no-end"])
def test_another_form_is_not_an_edit(world: World, form: str) -> None:
    """Not for a pass, `status` or `verify`; and a pass writes nothing."""
    checked_out(world, form)
    before = world.tree()

    assert "drifted" not in world.reconcile().out
    assert "drifted" not in world.run("status").out
    assert world.run("verify").code == 0
    assert world.reconcile("--check").code == 0
    assert world.tree() == before


@pytest.mark.parametrize("forget", [False, True])
def test_an_update_keeps_the_line_ends(world: World, forget: bool) -> None:
    """Every file that changes has those that it had."""
    checked_out(world, "crlf")
    world.publish({"nodes.py": BODY.format(2), "config/parameters_ds.yml": "lr: 2\n"}, "2.0")
    if forget:
        world.forget()
    world.sync()

    assert (world.root / NODES).read_bytes() == BODY.format(2).replace(*CRLF).encode()
    assert (world.root / "conf/base/parameters_ds.yml").read_bytes() == b"lr: 2\r\n"
    assert not world.has("tests/ds/test_ds.py")
    assert "drifted" not in world.reconcile().out


def test_an_edit_in_a_crlf_file_is_merged(world: World) -> None:
    """By its text, and the result has its line ends."""
    checked_out(world, "crlf")
    mine = BODY.format(1).replace("def c(x):\n    return x\n", "def c(x):\n    return -x\n").replace(*CRLF)
    world.write(NODES, mine.encode())
    world.publish({"nodes.py": BODY.format(2), "config/parameters_ds.yml": "lr: 1\n"}, "2.0")
    world.sync()

    expected = BODY.format(2).replace("def c(x):\n    return x\n", "def c(x):\n    return -x\n").replace(*CRLF)
    assert (world.root / NODES).read_bytes() == expected.encode()


def test_an_edit_that_collides_is_held_whatever_its_line_ends(world: World) -> None:
    """And stays byte by byte what it was."""
    checked_out(world, "crlf")
    mine = BODY.format(7).replace(*CRLF).encode()
    world.write(NODES, mine)
    world.publish({"nodes.py": BODY.format(2)}, "2.0")

    assert world.reconcile().code == 4
    assert (world.root / NODES).read_bytes() == mine
