"""Names that Python, git or Windows refuses or reads otherwise: tables, and what git itself says."""

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micropkgd.errors import DocumentError
from micropkgd.model import place_names
from micropkgd.model.place_names import check_name, parse_destination, parse_env, why_not_portable

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


NAMES = st.sampled_from([".", "con", "Aux", "COM1", "lpt9", "git", "~1", "$", " ", ":", "x", "¹", "é", "in", "\n"])
ANY_PART = st.lists(NAMES, max_size=5).map("".join)


@given(path=st.lists(ANY_PART, min_size=1, max_size=3).map("/".join))
def test_what_is_looked_at_in_haste_is_what_the_pattern_says(path: str) -> None:
    """Most paths are let pass before the pattern is asked, and it would have let each of them pass."""
    found = re.search(place_names._PATTERN, path)
    assert bool(why_not_portable(path)) == bool(found)


@pytest.mark.parametrize("check", [lambda text: check_name(text, "alias"), parse_destination, parse_env])
def test_names_of_the_manifest_are_held_to_it(check: object) -> None:
    """An alias, a place and an environment become folders."""
    assert callable(check)
    with pytest.raises(DocumentError, match="`aux` cannot be held by every system: Windows has a device") as caught:
        check("aux")
    assert "rename it" in caught.value.hint


@pytest.mark.parametrize("name", ["class", "match", "None", "json", "sys", "1bad", "a.b", "a-b", "a b", "", "a/b"])
def test_names_that_cannot_be_modules(name: str) -> None:
    """Keywords, names of the standard library, and what is no name at all."""
    with pytest.raises(DocumentError):
        check_name(name, "alias")


@pytest.mark.parametrize("name", ["a", "_x", "forecast", "größe", "x1"])
def test_names_that_can(name: str) -> None:
    """Any Python name, one letter too."""
    assert check_name(name, "alias") == name


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("pipelines", ("pipelines",)),
        ("a/b", ("a", "b")),
        ("a.b", ("a", "b")),
        ("a/b/", ("a", "b")),
        ("größe", ("größe",)),
        ("./a", ("a",)),
        ("./a/b/", ("a", "b")),
    ],
)
def test_a_destination_in_either_form(text: str, parts: tuple[str, ...]) -> None:
    """Slashes and dots say the same."""
    assert parse_destination(text) == parts


@pytest.mark.parametrize(
    "text", ["/a", "..", "a/../b", "a//b", "a..b", ".", "a.", "my dir", "a\\b", "class", "a/1b", "x.py/z"]
)
def test_destinations_that_are_refused(text: str) -> None:
    """What leaves the package folder, or could not be imported."""
    with pytest.raises(DocumentError):
        parse_destination(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/pipelines", "is an absolute path"),
        ("../pipelines", "leaves the package folder"),
        ("a//b", "is not in its shortest form"),
        ("a/./b", "is not in its shortest form"),
    ],
)
def test_what_is_wrong_with_a_destination_is_said(text: str, words: str) -> None:
    """Each in its own words."""
    with pytest.raises(DocumentError) as caught:
        parse_destination(text)
    assert (caught.value.problem, caught.value.hint) == (
        f"destination `{text}` {words}", "write a place below the package folder, like `pipelines`"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("pipelines.fc", 'an alias is one name: `alias = "fc"` with `destination = "pipelines"`'),
        ("a/b/fc", 'an alias is one name: `alias = "fc"` with `destination = "a/b"`'),
        ("my-ds", "write it like `my_ds`"),
        ("1x", "use letters, digits and underscores"),
    ],
)
def test_an_alias_that_cannot_be_is_told_how(name: str, hint: str) -> None:
    """Folders in front are a destination; other characters become underscores."""
    with pytest.raises(DocumentError) as caught:
        check_name(name, "alias")
    assert caught.value.hint == hint


@pytest.mark.parametrize("text", ["..", "../x", "/etc", "a/../../b", "", "a\\b", "a//b", "."])
def test_envs_that_are_refused(text: str) -> None:
    """What leaves the config folder."""
    with pytest.raises(DocumentError):
        parse_env(text)
