"""Which package a plain project is about, by what its build tool is told, its name, and what stands there."""

import tomllib
from pathlib import Path

import pytest

from micropkgd.actions.package_guess import guess_packages

CASES = [
    pytest.param('[tool.uv.build-backend]\nmodule-name = "core"\n', "src/core lib/core", "core src", id="uv"),
    pytest.param(
        '[tool.uv.build-backend]\nmodule-name = "a.core"\nmodule-root = ""\n', "a/core", "a.core .", id="uv-flat"
    ),
    pytest.param('[project]\nname = "the-shop"\n', "src/the_shop src/other", "the_shop src", id="name"),
    pytest.param('[project]\nname = "Shop"\n', "Shop", "Shop .", id="name-with-capitals"),
    pytest.param('[project]\nname = "acme-shop"\n', "src/acme/shop", "acme.shop src", id="name-of-namespace"),
    pytest.param('[project]\nname = "x"\n', "tests docs only", "only .", id="the-only-one"),
    pytest.param('[project]\nname = "x"\n', "src/a b", "a src", id="src-before-flat"),
    pytest.param('[project]\nname = "x"\n', "src/a src/b", "a src, b src", id="two"),
    pytest.param('[project]\nname = "x"\n', "tests", "", id="none"),
    pytest.param('[tool.poetry]\nname = "my-shop"\n', "my_shop", "my_shop .", id="poetry-name"),
    pytest.param(
        '[tool.poetry]\nname = "x"\npackages = [{include = "shop", from = "lib"}]\n', "lib/shop", "shop lib",
        id="poetry",
    ),
    pytest.param(
        '[tool.poetry]\nname = "b"\npackages = [{include = "a"}, {include = "b"}]\n', "a b", "b .", id="poetry-two"
    ),
    pytest.param(
        '[project]\nname = "x"\n[tool.hatch.build.targets.wheel]\npackages = ["python/shop"]\n',
        "python/shop src/x", "shop python", id="hatch",
    ),
    pytest.param('[tool.hatch.build]\nonly-include = ["shop"]\n', "shop", "shop .", id="hatch-only-include"),
    pytest.param(
        '[tool.setuptools]\npackages = ["shop", "shop.inner"]\n', "shop/inner shop", "shop .", id="setuptools"
    ),
    pytest.param('[tool.setuptools]\npackage-dir = {"" = "lib"}\n', "lib/shop", "shop lib", id="setuptools-dir"),
    pytest.param(
        '[tool.setuptools.packages.find]\nwhere = ["python"]\n', "python/shop", "shop python", id="setuptools-find"
    ),
    pytest.param('[tool.flit.module]\nname = "shop"\n', "src/shop", "shop src", id="flit"),
    pytest.param('[tool.pdm.build]\nincludes = ["lib/shop"]\n', "lib/shop", "shop lib", id="pdm"),
    pytest.param('[tool.uv.build-backend]\nmodule-name = "gone"\n', "src/here", "here src", id="said-but-not-there"),
    pytest.param('[tool]\nuv = 1\nhatch = "x"\npoetry = []\n', "src/here", "here src", id="odd-tables"),
    pytest.param('[tool.hatch.build]\npackages = ["../x/shop", 3]\n', "src/here", "here src", id="outside"),
]  # fmt: skip


@pytest.mark.parametrize(("manifest", "folders", "expected"), CASES)
def test_a_package_is_found(tmp_path: Path, manifest: str, folders: str, expected: str) -> None:
    """The one that the build tool names, else that of the project's name, else the only one."""
    for folder in folders.split():
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "__init__.py").touch()

    found = guess_packages(str(tmp_path), tomllib.loads(manifest))

    assert ", ".join(f"{guess.package} {guess.source_dir}" for guess in found) == expected
