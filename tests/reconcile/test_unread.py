"""Templates, code of other Pythons and the like, in a package that is pulled, and in one that is made."""

import sys

import pytest

from tests.kit.packages import CODE, inside, module, package
from tests.kit.world import World

TEMPLATE = "from ds.nodes import run\nfrom {{ cookiecutter.python_package }}.hooks import Hooks\n"
OLDER = "print 'ds'\n"
PYTHON = f"does not parse by Python {sys.version_info.major}.{sys.version_info.minor}"


class TestPull:
    """One file that nobody imports does not fail an entry."""

    def test_template_comes_as_it_is(self, world: World) -> None:
        """A template stands in the package as data; what it says of the package is told."""
        world.publish({"nodes.py": "", "template/settings.py": TEMPLATE, "template/{{ x }}/old.py": OLDER})
        world.asks_for(alias="fc")
        said = world.reconcile()

        assert said.code == 0
        assert world.read("src/shop/fc/template/settings.py") == TEMPLATE
        assert world.read("src/shop/fc/template/{{ x }}/old.py") == OLDER
        place = "note: src/shop/fc/template/settings.py"
        assert f"{place}:1: `ds.nodes`: text that names a moved module" in said.out
        assert f"{place}:2: `from {{{{ cookiecutter.python_package }}}}.hooks import Hooks`: {PYTHON}" in said.out

    def test_module_of_another_python_comes_as_it_is(self, world: World) -> None:
        """If no import of ours must change in it."""
        world.publish({"nodes.py": "", "old.py": OLDER})
        world.asks_for(alias="fc")
        said = world.reconcile()

        assert (said.code, world.read("src/shop/fc/old.py")) == (0, OLDER)
        assert f"src/shop/fc/old.py:1: `print 'ds'`: {PYTHON}" in said.out

    def test_module_that_must_change_fails_the_entry(self, world: World) -> None:
        """It would be broken in its new place: file, line and Python are named, and nothing is written."""
        world.publish({"nodes.py": "", "old.py": f"import ds.nodes\n{OLDER}"})
        world.asks_for(alias="fc")
        said = world.reconcile()

        assert said.code == 1
        assert f"error: ds/old.py: line 2 {PYTHON}" in said.out
        assert "hint: if it is code of another Python, run micropkgd with that one" in said.out
        assert not world.has("src/shop/fc")

    def test_edited_template_moves_with_its_entry(self, world: World) -> None:
        """Nothing in it needs to be rewritten for that."""
        world.publish({"nodes.py": "", "template/settings.py": TEMPLATE})
        world.asks_for()
        world.sync()
        world.write("src/shop/ds/template/settings.py", f"{TEMPLATE}# mine\n")
        world.asks_for(alias="fc")
        world.sync()

        assert world.read("src/shop/fc/template/settings.py") == f"{TEMPLATE}# mine\n"


class TestPackage:
    """What is data travels; what is code must parse, or a half-saved file would get out."""

    def test_template_travels_as_it_is(self, world: World) -> None:
        """With a note where it names the module."""
        template = TEMPLATE.replace("ds.nodes", "shop.pipelines.ds.nodes")
        module(world, {"template/settings.py": template, "template/my-old.py": OLDER})
        said = package(world)

        assert inside(world)["ds/template/settings.py"].decode() == template
        assert inside(world)["ds/template/my-old.py"].decode() == OLDER
        assert f"note: {CODE}/template/settings.py:2: `from {{{{" in said.out

    def test_module_that_does_not_parse_names_the_python(self, world: World) -> None:
        """Which may be older than the code."""
        module(world, {"old.py": OLDER})
        said = world.run("package", "pipelines.ds")

        assert said.code == 1
        assert f"error: {CODE}/old.py: line 1 {PYTHON}" in said.out
        assert "hint: if it is code of another Python" in said.out

    @pytest.mark.parametrize(("asked", "code"), [(">=3.99", 0), (">=3.8", 1), ("nonsense", 1)])
    def test_code_for_a_newer_python_is_taken_at_its_word(self, world: World, asked: str, code: int) -> None:
        """Where the project lets in none that could run micropkgd here."""
        module(world, {"new.py": OLDER})
        manifest = world.read("pyproject.toml")
        world.write("pyproject.toml", f'{manifest}\n[project]\nname = "shop"\nrequires-python = "{asked}"\n')
        said = world.run("package", "pipelines.ds")

        assert said.code == code
        assert PYTHON in said.out

    def test_what_was_pulled_so_is_packaged_so(self, world: World) -> None:
        """It is nobody's half-saved edit; once somebody edits it, it must parse."""
        world.publish({"nodes.py": "", "old.py": OLDER, "__init__.py": '__version__ = "1.0"\n'})
        world.asks_for(destination="pipelines")
        world.sync()
        assert package(world).code == 0
        assert inside(world)["ds/old.py"].decode() == OLDER

        world.write(f"{CODE}/old.py", f"{OLDER}print 2\n")
        assert world.run("package", "pipelines.ds").code == 1
