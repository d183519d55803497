"""Names that git refuses or Windows reads otherwise: a table, and what git itself says."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micropkgd.errors import DocumentError
from micropkgd.model.manifest import check_name, parse_destination, parse_env
from micropkgd.model.portable import why_not_portable

GIT = "git keeps its own under that name and refuses it"
DEVICE = "Windows has a device of that name"
CHARACTER = "Windows gives that character another meaning"
END = "Windows drops a space or dot at the end of a name"


@pytest.mark.parametrize(
    ("reason", "path"),
    [
        *(
            (GIT, path)
            for path in (".git", "a/.GIT/config", ".git /x", ".git. .", ".git::$INDEX_ALLOCATION/x", "GIT~1/x")
        ),
        *(
            (DEVICE, path)
            for path in ("NUL.txt", "a/nul", "aux/__init__.py", "con .py", "COM1", "lpt9.x.y", "com¹", "conOUT$")
        ),
        *((CHARACTER, path) for path in ("C:evil.py", "a?", 'a"', "a|b/c", "<a>", "x*")),
        *((END, path) for path in ("x ", "x.", "a /b", "a./b", "...")),
        *(("", path) for path in (".gitignore", ".github/x", "a.git", "git~2", "com", "com10", "lpt0", "nullable.py")),
        *(("", path) for path in ("a.nul", "x/auxiliary.py", " x", "a b.py", "a..b", "{{ x }}/y.py", "日本.py")),
    ],
)
def test_name_is_held_by_every_system_or_not(reason: str, path: str) -> None:
    """The reason is said in plain words."""
    assert why_not_portable(path) == reason


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty repository that holds names to all of git's rules."""
    folder = tmp_path_factory.mktemp("git")
    for command in (["init", "-q"], ["config", "core.protectNTFS", "true"], ["config", "core.protectHFS", "true"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


PARTS = st.text(st.sampled_from(".gitGIT~1 :$x"), min_size=1, max_size=7) | st.sampled_from([".git", "git~1", ".GiT ."])


@given(path=st.lists(PARTS, min_size=1, max_size=3).map("/".join))
def test_git_refuses_nothing_that_passes(repository: Path, path: str) -> None:
    """Asked to add such a path to its index, with the protection of Windows and macOS switched on."""
    blob = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    command = ["git", "update-index", "--add", "--info-only", "--cacheinfo", f"100644,{blob},{path}"]
    refused = subprocess.run(command, cwd=repository, capture_output=True, check=False).returncode != 0
    (repository / ".git/index").unlink(missing_ok=True)

    assert not refused or why_not_portable(path) or {".", ".."} & {*path.split("/")}


@pytest.mark.parametrize("check", [lambda text: check_name(text, "alias"), parse_destination, parse_env])
def test_names_of_the_manifest_are_held_to_it(check: object) -> None:
    """An alias, a place and an environment become folders."""
    assert callable(check)
    with pytest.raises(DocumentError, match="`aux` cannot be held by every system: Windows has a device") as caught:
        check("aux")
    assert "rename it" in caught.value.hint
