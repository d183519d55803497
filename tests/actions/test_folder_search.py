"""The folders that patterns of a workspace find, and how little a stranger's patterns can cost."""

import glob
import os
from pathlib import Path

import pytest

from micropkgd.actions import folder_search
from micropkgd.actions.folder_search import FolderSearch
from micropkgd.actions.members import in_order, members_of
from micropkgd.errors import DocumentError

TREE = ("packages/a", "packages/b/inner", "packages/.hidden", "libs/x/y/z", ".config/one", "libs2")
PATTERNS = (
    "packages/*", "packages/a", "./packages//*/", "libs/**", "**", "**/inner", "*/*/y", "libs?", "[lp]*", ".*/*",
    "packages/.*", "no/*", "packages/**/inner", "**/**", "*",
)  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_rules_are_those_of_glob(tmp_path: Path, pattern: str) -> None:
    """Without links, that is."""
    for folder in TREE:
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "libs/file").touch()
    by_glob = {tmp_path / path for path in glob.glob(pattern, root_dir=tmp_path, recursive=True)}

    assert list(FolderSearch(str(tmp_path)).found(pattern)) == sorted(
        str(path) for path in by_glob if path.is_dir() and path != tmp_path
    )


@pytest.mark.parametrize("pattern", ["**", "**/*", "/".join("*" * 60), "**/" * 20 + "x"])
def test_links_do_not_multiply_what_is_found(tmp_path: Path, pattern: str) -> None:
    """Two links to the folder itself: `**` took a time that doubled with each of forty levels."""
    for name in ("a", "b"):
        (tmp_path / name).symlink_to(".")
    (tmp_path / "x").mkdir()
    (tmp_path / "x/pyproject.toml").touch()
    (tmp_path / "pyproject.toml").write_text(f'[tool.uv.workspace]\nmembers = ["{pattern}"]\n')

    assert members_of(str(tmp_path)) == [str(tmp_path / "x")]


@pytest.mark.parametrize("pattern", ["../*", "../../../**", "packages/../../*", "/**", "beside/*"])
def test_nothing_outside_is_found(tmp_path: Path, pattern: str) -> None:
    """Nor walked through, be it by dots or by a link."""
    (tmp_path / "own").mkdir()
    (tmp_path / "other/inner").mkdir(parents=True)
    (tmp_path / "own/beside").symlink_to("../other")

    assert list(FolderSearch(str(tmp_path / "own")).found(pattern)) == []


def test_a_search_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For all patterns together."""
    monkeypatch.setattr(folder_search, "_MOST", 5)
    search = FolderSearch(str(tmp_path))
    for number in range(5):
        assert list(search.found(f"{number}*")) == []

    with pytest.raises(DocumentError, match="sought in more than 5 folders"):
        list(search.found("*"))


def test_an_order_is_found_once_for_each_project(tmp_path: Path) -> None:
    """Each of many pulls from the next two: all ways through were walked, which doubled with each of them."""
    roots = [str(tmp_path / f"p{number:03}") for number in range(1_200)]
    for number, root in enumerate(roots):
        os.mkdir(root)
        pulls = "".join(f'"../p{number + step:03}/dist/x-1.tar.gz" = {{alias = "a{step}"}}\n' for step in (1, 2))
        Path(root, "pyproject.toml").write_text(
            f'[tool.kedro]\npackage_name = "shop"\n[tool.micropkgd.package]\n"x" = {{}}\n[tool.micropkgd.pull]\n{pulls}'
        )

    assert in_order(roots) == roots[::-1]
