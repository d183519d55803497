"""Which paths matter to a project, and which folders must be watched to hear of them."""

from pathlib import Path

import pytest

from micropkgd.service.watching.relevant_paths import RelevantPaths, folders_of, relevant_paths_of
from micropkgd.workspace.project import read_project
from tests.kit.daemon import served


@pytest.fixture
def relevant(tmp_path: Path) -> RelevantPaths:
    """Of a project with a local archive elsewhere, a folder that is an index, fs-args and a module."""
    world = served(tmp_path)
    world.write("../shared/x.tar.gz", world.publish())
    text = world.read("pyproject.toml")
    row = '"dist/ds.tar.gz" = {}'
    rows = f'{row}\n"../shared/x.tar.gz" = {{alias = "x"}}\n"https://h/y.tar.gz" = {{fs-args = "conf/args.yml"}}'
    rows += '\n"forecast" = {index = "../shelf"}\n"other" = {index = "s3://team/x/"}'
    world.write("pyproject.toml", text.replace(row, rows))
    return relevant_paths_of(read_project(str(world.root)))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("pyproject.toml", True),
        ("micropkg.lock", True),
        ("conf/args.yml", True),
        ("conf/base/parameters_features.yml", True),
        ("dist/ds.tar.gz", True),
        ("../shared/x.tar.gz", True),
        ("src/shop/pipelines/features/nodes.py", True),
        ("src/shop/pipelines/features/new/folder", True),
        ("tests/pipelines/features/test_a.py", True),
        ("src/shop/pipelines", True),
        ("src", True),
        ("../shared", True),
        ("../shelf/any-2.0.tar.gz", True),
        ("../shelf", True),
        ("../shelf/README.md", False),
        ("../shelf/.any-2.0.tar.gz.7.draft", False),
        ("../shelf/.any-2.0.tar.gz", False),
        ("../shelf/below/any-2.0.tar.gz", False),
        ("README.md", False),
        ("dist/features-0.1.tar.gz", False),
        ("src/shop/ds/nodes.py", False),
        ("src/shop/pipelines/other/nodes.py", False),
        (".micropkgd/state.json", False),
        ("src/shop/pipelines/features/__pycache__/nodes.cpython-311.pyc", False),
        ("src/shop/pipelines/features/.nodes.py.swp", False),
        ("src/shop/pipelines/features/4913", False),
        ("src/shop/pipelines/features/nodes.py~", False),
        ("src/shop/pipelines/features/.#nodes.py", False),
        ("../shared/other.tar.gz", False),
    ],
)
def test_what_matters(relevant: RelevantPaths, path: str, expected: bool) -> None:
    """Documents, archives, modules, and the folders above them; nothing that editors leave behind."""
    whole = (Path(relevant.root) / path).resolve()

    assert relevant.concerns(str(whole)) is expected


def test_what_comes_onto_a_shelf_is_an_archive(relevant: RelevantPaths) -> None:
    """No source over a network has to do with it."""
    root = Path(relevant.root)
    assert relevant.is_archive(str(root.parent / "shelf/any-2.0.tar.gz"))
    assert relevant.is_archive(str(root.parent / "shared/x.tar.gz"))
    assert not relevant.is_archive(str(root / "pyproject.toml"))


def test_what_is_watched(relevant: RelevantPaths) -> None:
    """Every folder between the root and what matters, the one around the root, and no others."""
    found = {str(Path(folder).relative_to(Path(relevant.root).parent)) for folder in folders_of(relevant)}

    assert found >= {
        ".",
        "p0",
        "p0/src/shop/pipelines/features",
        "p0/src/shop/pipelines",
        "p0/src",
        "p0/conf",
        "shared",
    }
    assert not any(folder.startswith(("p0/src/shop/ds", "p0/.micropkgd")) for folder in found)


def test_a_shelf_is_watched(relevant: RelevantPaths, tmp_path: Path) -> None:
    """Until it is there, the folder above it is."""
    assert str(tmp_path / "shelf") not in set(folders_of(relevant))
    (tmp_path / "shelf").mkdir()
    assert str(tmp_path / "shelf") in set(folders_of(relevant))


def test_a_folder_that_is_missing_is_waited_for_above(relevant: RelevantPaths, tmp_path: Path) -> None:
    """The nearest folder that is there hears of it when it comes."""
    missing = relevant._replace(root=str(tmp_path / "a/b/c"), archives=frozenset({str(tmp_path / "x/y/z.tar.gz")}))

    assert str(tmp_path) in set(folders_of(missing))
