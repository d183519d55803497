"""The real sdists that Kedro made, with every option and in both homes of the manifest: placement to the last file."""

from typing import NamedTuple

import pytest

from tests.kit.world import ROW, SAMPLES, World


class Sample(NamedTuple):
    """What one sample holds: code, tests and parameters, each below its own folder."""

    file: str
    name: str
    code: str
    tests: str = ""
    conf: str = ""
    aliased_conf: str = ""  # as an alias `fcst` renames it


ALL = [
    Sample(
        "01-minimal/ds-0.1.tar.gz", "ds", "__init__.py nodes.py pipeline.py", "__init__.py test_ds.py",
        "parameters_ds.yml", "parameters_fcst.yml",
    ),
    Sample(
        "04-config/ds-0.3.tar.gz", "ds",
        "README.md __init__.py helpers/README.md helpers/h.py helpers2/__init__.py nodes.py py.typed"
        " tests/__init__.py tests/test_in.py types.pyi",
        "__init__.py fixtures/README.md noinit/test_b.py test_ds.py",
        "ds/parameters.yml parameters/deep/ds/b.yml parameters/deep/ds.yml parameters/ds/a.yml"
        " parameters/ds/deep/c.yml parameters/ds/kids.yml parameters/ds.yml parameters_ds.yml parameters_foo/ds.yml"
        " parameters_foo/x/ds.yml parameters_inpkg.yml sub/ds/parameters_z.yml sub/parameters_ds.yml",
        "fcst/parameters.yml parameters/deep/fcst/b.yml parameters/deep/fcst.yml parameters/fcst/a.yml"
        " parameters/fcst/deep/c.yml parameters/fcst/kids.yml parameters/fcst.yml parameters_fcst.yml"
        " parameters_foo/fcst.yml parameters_foo/x/fcst.yml parameters_inpkg.yml sub/fcst/parameters_z.yml"
        " sub/parameters_fcst.yml",
    ),
    Sample(
        "07-requirements/features-1.4.0rc1.tar.gz", "features", "__init__.py nodes.py", "",
        "parameters_features.yml", "parameters_fcst.yml",
    ),
    Sample("09-utility/utils-2.1.tar.gz", "utils", "__init__.py io.py text.py", "__init__.py test_io.py"),
    Sample(
        "13-upgrade-v1/ds-1.0.0.tar.gz", "ds", "__init__.py nodes.py old.py", "",
        "parameters_ds.yml", "parameters_fcst.yml",
    ),
    Sample(
        "14-upgrade-v2/ds-2.0.0.tar.gz", "ds", "__init__.py extra.py nodes.py", "",
        "parameters_ds.yml", "parameters_fcst.yml",
    ),
    Sample(
        "15-kedro-0.18.14/ds-0.4.tar.gz", "ds", "__init__.py nodes.py", "__init__.py test_a.py",
        "parameters/ds.yml parameters_ds.yml", "parameters/fcst.yml parameters_fcst.yml",
    ),
]  # fmt: skip


def below(folder: str, names: str) -> set[str]:
    """Paths of names that stand below a folder."""
    return {f"{folder}/{name}" for name in names.split()}


@pytest.mark.parametrize("home", ["tool.micropkgd.pull", "tool.kedro.micropkg.pull"])
@pytest.mark.parametrize("fs_args", ["", 'fs-args = "conf/options.yml"'], ids=["bare", "fs-args"])
@pytest.mark.parametrize("env", ["", "uat"], ids=["base", "env"])
@pytest.mark.parametrize("destination", ["", "pipelines/nested", "pipelines.nested"], ids=["top", "slashes", "dots"])
@pytest.mark.parametrize("alias", ["", "fcst"], ids=["name", "alias"])
@pytest.mark.parametrize("sample", ALL, ids=lambda sample: sample.file.partition("/")[0])
def test_every_sample_with_every_option(
    world: World, sample: Sample, alias: str, destination: str, env: str, fs_args: str, home: str
) -> None:
    """Code, tests and parameters stand where the options say, nothing else is made, and a second pass rests."""
    given = {"alias": alias, "destination": destination, "env": env}
    options = ", ".join([f'{key} = "{value}"' for key, value in given.items() if value] + [fs_args] * bool(fs_args))
    world.copy_sample(sample.file, "dist/sample.tar.gz")
    world.write("conf/options.yml", "anon: true\n")
    world.manifest(f'"dist/sample.tar.gz" = {{{options}}}', home=home)
    inner = f"pipelines/nested/{alias or sample.name}" if destination else alias or sample.name
    scaffolds = below("src/shop/pipelines", "__init__.py nested/__init__.py") if destination else set()
    if destination and sample.tests:
        scaffolds |= below("tests/pipelines", "__init__.py nested/__init__.py")

    assert world.reconcile().code == 0
    assert world.pulled() == (
        below(f"src/shop/{inner}", sample.code)
        | below(f"tests/{inner}", sample.tests)
        | below(f"conf/{env or 'base'}", sample.aliased_conf if alias else sample.conf)
        | scaffolds
        | {"conf/options.yml"}
    )
    assert world.reconcile("--check").code == 0


def test_every_sample_is_in_the_table() -> None:
    """A sample that is added to the folder is tested with every option too."""
    files = {path.relative_to(SAMPLES).as_posix() for path in SAMPLES.rglob("*.tar.gz")}

    assert {sample.file for sample in ALL} == files


def test_the_upgrade_that_kedro_gets_wrong(world: World) -> None:
    """v2 over v1 is the tree of v2 alone: no stale module, no second requirement line, the new config."""
    world.asks_for(policy='on-downgrade = "follow"')
    world.copy_sample("14-upgrade-v2/ds-2.0.0.tar.gz", ROW)
    world.sync()
    fresh = world.tree()
    world.copy_sample("13-upgrade-v1/ds-1.0.0.tar.gz", ROW)
    world.sync()
    assert world.has("src/shop/ds/old.py")
    world.copy_sample("14-upgrade-v2/ds-2.0.0.tar.gz", ROW)
    world.sync()

    assert world.tree() == fresh
