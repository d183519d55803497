"""Python files in odd encodings, or that say they are: one stops its own entry at most, and nothing is a traceback.

Unknown codecs, codecs of something else than text, cookies that lie, code that is nested without end: wherever the
program reads Python, in what it pulls, packs, merges and takes its settings from.
"""

import pytest

from tests.kit.world import ROW, World

GOOD = ["latin-1", "cp1252", "utf-8", "big5", "charmap", "unicode_escape", "raw_unicode_escape"]
ODD = [
    "rot13", "hex", "base64", "zlib", "bz2", "quopri", "uu", "undefined", "idna", "punycode", "utf-7", "utf-16",
    "utf-16-le", "utf-32", "mbcs", "oem", "x-unknown", "ascii", "string_escape", "cp037", "iso2022_jp",
]  # fmt: skip
DEEP = {
    "minus": "X = " + "-" * 100_000 + "1\n",
    "plus": "X = 1" + "+1" * 100_000 + "\n",
    "parentheses": "X = " + "(" * 5000 + "1" + ")" * 5000 + "\n",
    "elif": "if x:\n  pass\n" + "elif x:\n  pass\n" * 20_000,
}
LINES = "".join(f"L{number} = 1\n" for number in range(20))
OTHER = "dist/other.tar.gz"


def odd(kind: str) -> str:
    """A file of a kind, whose imports would have to change."""
    imports = "import ds.nodes\nfrom ds import nodes\n"
    return f"# -*- coding: {kind} -*-\n{imports}X = 'ä'\n" if kind not in DEEP else imports + DEEP[kind]


@pytest.mark.parametrize("kind", [*ODD, *DEEP])
def test_a_file_in_an_archive_stops_its_entry_at_most(world: World, kind: str) -> None:
    """With its name, and the other entry comes in."""
    world.publish({"nodes.py": "A = 1\n", "odd.py": odd(kind)})
    world.publish({"nodes.py": "A = 1\n"}, to=OTHER)
    world.manifest(f'"{ROW}" = {{alias = "forecast"}}\n"{OTHER}" = {{alias = "other"}}')
    said = world.reconcile()

    assert said.code in {0, 1}, said
    assert world.has("src/shop/other/nodes.py")
    assert said.code == 0 or "error: ds/odd.py: line " in said.out


@pytest.mark.parametrize("kind", [*GOOD, *ODD, *DEEP])
@pytest.mark.parametrize(
    "where", ["src/shop/__init__.py", "src/shop/pipelines/fe/__init__.py", "src/shop/pipelines/fe/x.py"]
)
def test_a_file_of_a_module_stops_its_package_at_most(world: World, kind: str, where: str) -> None:
    """Also the project's own, where only its version is looked for; with its name."""
    world.write("src/shop/__init__.py", "__version__ = '1.0'\n")
    world.write("src/shop/pipelines/fe/__init__.py", "")
    world.write(f"src/shop/{where}", f"{odd(kind)}__version__ = '1.0'\n")
    said = world.run("package", "pipelines.fe")

    assert said.code in {0, 1}, said
    assert said.code == 0 or f"error: src/shop/{where}: line " in said.out
    assert said.code == 0 or kind not in GOOD


@pytest.mark.parametrize("kind", [*ODD, *DEEP])
def test_settings_end_with_a_message(world: World, kind: str) -> None:
    """They say where config goes, so they must be read, or it must be said elsewhere."""
    world.publish({"nodes.py": "A = 1\n"})
    world.asks_for()
    world.write("src/shop/settings.py", f"{odd(kind)}CONF_SOURCE = 'conf'\n")
    said = world.reconcile()

    assert said.code in {0, 2}, said
    assert said.code == 0 or said.err.startswith("error: src/shop/settings.py:")


@pytest.mark.parametrize("kind", [*ODD, *DEEP])
def test_an_edit_is_merged_or_held(world: World, kind: str) -> None:
    """A result that nobody can parse is not taken."""
    world.publish({"nodes.py": LINES})
    world.asks_for()
    world.sync()
    edited = odd(kind).replace("ds", "shop.ds") + LINES
    world.write("src/shop/ds/nodes.py", edited)
    world.publish({"nodes.py": LINES + "Z = 1\n"}, version="1.1")
    said = world.reconcile()

    assert said.code in {0, 4}, said
    assert world.read("src/shop/ds/nodes.py").startswith(edited)
