"""`reconcile --once --summary markdown`: what a reviewer wants to know, and nothing that others slip in."""

import pytest

from tests.kit.world import ROW, World

NODES = "src/shop/ds/nodes.py"
LOG = "# Changes\n\n## 2.0\n\n- new `sums` | faster\n\n## 1.1\n\n- between\n\n## 1.0\n\n- old\n"


def summary(world: World, *options: str, code: int = 0) -> str:
    """What is printed."""
    said = world.run("reconcile", "--once", "--summary", "markdown", *options)
    assert said.code == code, said
    return said.out


def outdated(world: World, log: str = LOG) -> None:
    """An entry with a new version that has a change log."""
    world.publish({"nodes.py": "A = 1\n"})
    world.asks_for()
    world.sync()
    world.publish({"nodes.py": "A = 2\n", "CHANGELOG.md": log}, version="2.0")


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_an_update(world: World, options: tuple[str, ...]) -> None:
    """Versions, digests, files, and the publisher's own words between the two versions; the same in a dry run."""
    outdated(world)
    text = summary(world, *options)
    row = next(line for line in text.splitlines() if line.startswith(f"| `{ROW}`"))
    assert f"| `{ROW}` in `src/shop/ds` | {'to update' if options else 'updated'} | `1.0` (`" in row
    assert "| `2.0` (`" in row
    assert row.endswith("| 1 created, 1 updated |")
    assert "```text\n## 2.0\n\n- new `sums` | faster\n\n## 1.1\n\n- between\n```\n" in text
    assert "- old" not in text


def test_in_sync(world: World) -> None:
    """Nothing changed, and it says how many entries there are."""
    outdated(world)
    world.sync()
    assert "Nothing changed: 1 in sync.\n" in summary(world)


def test_what_is_held_and_what_failed(world: World) -> None:
    """With what somebody has to do."""
    outdated(world)
    world.write(NODES, "A = 'mine'\n")
    text = summary(world, code=4)
    assert "1 held.\n" in text
    assert f"- `{ROW}` is **held**: `micropkgd " in text
    world.write(ROW, "no archive")
    assert f"- `{ROW}` **failed**: `" in summary(world, code=6)


def test_a_project_that_cannot_be_worked_on(world: World) -> None:
    """It has its section, too."""
    world.write("pyproject.toml", "[")
    assert "**Not looked at**: `" in summary(world, code=2)


@pytest.mark.parametrize(
    "log",
    [
        "## 2.0\n\n```\n@everyone <img src=x> [x](https://evil.example)\n````\n![](x)\n",
        "## 2.0\n\n`````text\n@everyone\n",
        "## 2.0\n\x1b[2J\u202e@everyone\n",
    ],
)
def test_nothing_that_others_wrote_is_markup(world: World, log: str) -> None:
    """It stands in a fence that it cannot end, without control and direction characters."""
    outdated(world, log)
    text = summary(world)
    begin = next(line for line in text.splitlines() if line.endswith("text") and line.startswith("```"))
    fence = begin.removesuffix("text")
    inside = text.partition(f"{begin}\n")[2].partition(f"\n{fence}\n")
    assert "@everyone" in inside[0]
    assert "@everyone" not in inside[2]
    assert text.isprintable() or all(character == "\n" or character.isprintable() for character in text)


def test_it_is_for_one_pass(world: World) -> None:
    """The service has no summary."""
    world.manifest("")
    assert world.run("reconcile", "--summary", "markdown").code == 2
