"""The search for projects that a glance spares: nothing is read while all is as it was, and every change is found."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from micropkgd.clock import GRAIN_NS
from micropkgd.machine.trust import revoke, trust
from micropkgd.model.settings import Group, Http, Settings
from micropkgd.service.fleet import _search
from micropkgd.workspace import reading
from tests.kit.young import while_young

MANIFEST = "[tool.micropkgd]\n"


@pytest.fixture
def src(tmp_path: Path) -> Path:
    """Three folders, two of which are projects."""
    for name in ("one", "two", "other"):
        (tmp_path / "src" / name).mkdir(parents=True)
    for name in ("one", "two"):
        (tmp_path / "src" / name / "pyproject.toml").write_text(MANIFEST)
    trust([str(tmp_path / "src/one")])
    return tmp_path / "src"


def settings(src: Path) -> Settings:
    """A config that finds them by a glob."""
    return Settings(usual=Group((f"{src}/*",)))


def grow_old() -> None:
    """Wait until what was written may be believed."""
    time.sleep(3 * GRAIN_NS / 1e9)


def come(src: Path) -> None:
    """Another project."""
    (src / "other/pyproject.toml").write_text(MANIFEST)


def be_exchanged(src: Path) -> None:
    """Another folder under the name of one that was trusted."""
    shutil.copytree(src / "one", src.parent / "copy")
    (src / "one").rename(src.parent / "was")
    (src.parent / "copy").rename(src / "one")


CHANGES: list[Callable[[Path], object]] = [
    come,
    be_exchanged,
    lambda src: (src / "two/pyproject.toml").unlink(),
    lambda src: shutil.rmtree(src / "two"),
    lambda src: (src / "one/pyproject.toml").write_text("[tool.other]\n"),
    lambda src: trust([str(src / "two")]),
    lambda src: revoke([str(src / "one")]),
]


def test_nothing_is_read_while_all_is_as_it_was(src: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither manifests nor what says that they are trusted."""
    grow_old()
    glance, found = _search(settings(src), None)
    assert found is not None
    assert (set(found.groups), set(found.strangers)) == ({f"{src}/one"}, {f"{src}/two"})
    monkeypatch.setattr(reading, "read_regular", None)
    monkeypatch.setattr("micropkgd.machine.trust._read", None)

    assert _search(settings(src), glance) == (glance, None)


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_is_found(src: Path, change: Callable[[Path], object]) -> None:
    """As a search that knows nothing finds it."""
    grow_old()
    glance, _ = _search(settings(src), None)
    change(src)
    grow_old()
    _, found = _search(settings(src), glance)

    assert found is not None
    assert found == _search(settings(src), None)[1]


def test_what_is_young_is_not_believed(src: Path) -> None:
    """Another write in the same tick would leave the same times."""
    file = src / "one/pyproject.toml"
    glance, _ = while_young(file, lambda: file.write_text(MANIFEST), lambda: _search(settings(src), None))

    assert glance is None


def test_another_config_is_searched_by(src: Path) -> None:
    """Also where only the projects changed that readiness depends on."""
    grow_old()
    glance, _ = _search(settings(src), None)
    other = settings(src)._replace(http=Http(ready_projects=(f"{src}/one",)))
    _, found = _search(other, glance)

    assert found is not None
    assert found.ready == {f"{src}/one"}
