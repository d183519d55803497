"""The sample projects, packaged by us, next to what the real Kedro made of them."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from micropkgd.sdist.metadata import read_metadata
from micropkgd.sdist.reader import Sdist, read_sdist
from tests.kit import places
from tests.kit.packages import packed
from tests.kit.world import SAMPLES, World

SOURCES = places.DATA / "sources"

# What Kedro drops without a word, and what travels now (docs/kedro.md, defects 12 and 13).
DATA = """ds/CHANGELOG.md ds/LICENSE ds/data.json ds/helpers2/data.csv ds/notes.txt ds/parameters_here.yml
    ds/resources/parameters.txt ds/script.sh ds/template.html tests/fixtures/data.csv ds/config/other.yml"""
YAML = "ds/config/parameters/ds.yaml ds/config/parameters_ds.yaml"


class Sample(NamedTuple):
    """A source project, what is packaged of it, and the archive that Kedro made."""

    source: str
    module: str
    sdist: str
    ours_alone: str = ""


ALL = [
    Sample("minimal", "pipelines.ds", "01-minimal/ds-0.1.tar.gz"),
    Sample("config", "pipelines.ds", "04-config/ds-0.3.tar.gz", f"{DATA} {YAML}"),
    Sample("requirements", "pipelines.features", "07-requirements/features-1.4.0rc1.tar.gz"),
    Sample("nested", "utils", "09-utility/utils-2.1.tar.gz"),
    Sample("upgrade_v1", "pipelines.ds", "13-upgrade-v1/ds-1.0.0.tar.gz"),
    Sample("upgrade_v2", "pipelines.ds", "14-upgrade-v2/ds-2.0.0.tar.gz"),
    Sample("kedro018", "pipelines.ds", "15-kedro-0.18.14/ds-0.4.tar.gz"),
]


def files(sdist: Sdist) -> Mapping[str, bytes]:
    """Code, configuration and tests."""
    described = re.compile(r"[^/]*|[^/]*\.egg-info/.*")
    return {member.path: member.data for member in sdist.members if not described.fullmatch(member.path)}


def become(world: World, source: str) -> None:
    """Put a sample's source project in the place of the world's own."""
    for folder in ("src", "tests", "conf"):
        shutil.rmtree(world.root / folder)
    shutil.copytree(SOURCES / source, world.root, dirs_exist_ok=True)


def package_sample(world: World, sample: Sample) -> Sdist:
    """What we make of a sample's source."""
    become(world, sample.source)
    said = world.run("package", sample.module)
    assert said.code == 0, said
    return packed(world, f"dist/{Path(sample.sdist).name}")


@pytest.mark.parametrize("sample", ALL, ids=lambda sample: sample.sdist.partition("/")[0])
def test_a_sample_comes_out_as_kedro_has_it(world: World, sample: Sample) -> None:
    """The same file name, root folder, code, tests and configuration, and beyond it only what Kedro should not drop."""
    kedros = read_sdist((SAMPLES / sample.sdist).read_bytes())
    ours = package_sample(world, sample)
    extra = {path: data for path, data in files(ours).items() if path not in files(kedros)}

    assert ours.root == kedros.root
    assert {path: files(ours).get(path) for path in files(kedros)} == files(kedros)
    assert extra.keys() == set(sample.ours_alone.split())


@pytest.mark.parametrize("sample", ALL, ids=lambda sample: sample.sdist.partition("/")[0])
def test_the_metadata_of_a_sample_are_kedros(world: World, sample: Sample) -> None:
    """Name, version and the requirements with their meaning."""
    kedros = read_sdist((SAMPLES / sample.sdist).read_bytes())

    assert read_metadata(package_sample(world, sample)) == read_metadata(kedros)


@pytest.mark.parametrize(
    ("module", "finding"),
    [
        ("pipelines.alpha", "src/demo/pipelines/alpha/nodes.py:1: `from demo.utils.io import load`"),
        ("pipelines.alpha.helpers", "src/demo/pipelines/alpha/helpers/up.py:1: `from ..nodes import load`"),
        ("pipelines.demo", "src/demo/pipelines/demo/use.py:2: `from demo.utils.io import load`"),
    ],
)
def test_what_kedro_left_dangling_is_told(world: World, module: str, finding: str) -> None:
    """Imports that leave a nested package, or one of the project's own name (docs/kedro.md, defects 9 and 25)."""
    become(world, "nested")
    said = world.run("package", module)

    assert said.code == 0
    assert said.out.count("  note: ") == 1
    assert f"  note: {finding}" in said.out


def test_the_projects_own_name_can_have_an_alias(world: World) -> None:
    """Kedro ends in a traceback here (docs/kedro.md, defect 25)."""
    become(world, "nested")
    assert world.run("package", "pipelines.demo", "--alias", "shown").code == 0

    made = files(packed(world, "dist/shown-0.5.tar.gz"))
    assert made["shown/__init__.py"].startswith(b"from shown.nodes import run\n")
    assert made["tests/test_d.py"].startswith(b"from shown import run\n")
