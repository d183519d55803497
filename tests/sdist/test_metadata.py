"""Who an archive says it is, what it requires, which package it holds; and that nothing of it is ever run."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micropkgd.errors import ArchiveError
from micropkgd.sdist.metadata import SdistMetadata, package_name, read_metadata, requires_python
from micropkgd.sdist.reader import Sdist, read_sdist
from micropkgd.sdist.requirements import canonical_requirements, direct_address
from tests.kit.archives import PKG_INFO, project
from tests.kit.places import DATA, REPOSITORY

SAMPLES = DATA / "sdists"
OLD_INFO = "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"
NEW_INFO = PKG_INFO.decode()
TABLE = '[project]\nname = "demo"\nversion = "1.0"\n'
EGG = {"PKG-INFO": OLD_INFO, "setup.py": "raise SystemExit", "demo.egg-info/SOURCES.txt": "setup.py\n"}


def archive(files: Mapping[str, str | bytes], root: str = "demo-1.0") -> Sdist:
    """An archive of these files, read."""
    return read_sdist(project(files, root))


def required(files: Mapping[str, str | bytes]) -> tuple[str, ...]:
    """What an archive of these files requires."""
    return read_metadata(archive(files)).requirements


def refusal(files: Mapping[str, str | bytes], root: str = "demo-1.0") -> ArchiveError:
    """The error that the metadata of these files give."""
    with pytest.raises(ArchiveError) as caught:
        read_metadata(archive(files, root))
    return caught.value


class TestOldTool:
    """Archives that Kedro made, of 0.18 and 0.19, are understood without building them."""

    @pytest.mark.parametrize(
        ("sample", "expected"),
        [
            pytest.param("01-minimal", SdistMetadata("ds", "0.1", ()), id="minimal"),
            pytest.param("04-config", SdistMetadata("ds", "0.3", ()), id="config"),
            pytest.param("09-utility", SdistMetadata("utils", "2.1", ()), id="utility"),
            pytest.param("13-upgrade-v1", SdistMetadata("ds", "1.0.0", ("pandas==1.0",)), id="v1"),
            pytest.param("14-upgrade-v2", SdistMetadata("ds", "2.0.0", ("pandas==2.0",)), id="v2"),
            pytest.param("15-kedro-0.18.14", SdistMetadata("ds", "0.4", ("pandas>=1",)), id="kedro-0.18.14"),
        ],
    )
    def test_sample(self, sample: str, expected: SdistMetadata) -> None:
        """Name, version, requirements and package are those of the source project."""
        (path,) = (SAMPLES / sample).glob("*.tar.gz")
        sdist = read_sdist(path.read_bytes())
        assert read_metadata(sdist) == expected
        assert package_name(sdist) == expected.name

    def test_all_forms_of_requirements(self) -> None:
        """Extras, markers and an address come through in canonical form; the address is told apart."""
        (path,) = (SAMPLES / "07-requirements").glob("*.tar.gz")
        metadata = read_metadata(read_sdist(path.read_bytes()))
        assert metadata.version == "1.4.0rc1"
        assert metadata.requirements[:3] == (
            "pandas<3,>=1.5",
            "Scikit_Learn[alldeps]==1.3.*",
            'numpy; python_version < "3.13"',
        )
        assert [line for line in metadata.requirements if direct_address(line)] == [
            "mytool @ https://example.com/mytool-1.0.zip#sha1=da9234ee"
        ]

    def test_generated_setup_py(self) -> None:
        """Up to 0.18.11 requirements stand only in what setuptools left in egg-info."""
        files = EGG | {"demo.egg-info/requires.txt": "pandas>=1\nnumpy\n"}
        assert required(files) == ("pandas>=1", "numpy")

    def test_generated_setup_py_without_requirements(self) -> None:
        """No requires.txt means no requirements where setuptools has been at work."""
        assert required(EGG) == ()


class TestWhichPlaceIsBelieved:
    """`[project]`, then a final PKG-INFO, then requires.txt, and never a guess."""

    def test_static_project_table_first(self) -> None:
        """The static table wins over a PKG-INFO of old setuptools, which says nothing."""
        files = EGG | {"pyproject.toml": TABLE + 'dependencies = ["a>=1"]', "demo.egg-info/requires.txt": "b"}
        assert required(files) == ("a>=1",)

    def test_project_table_that_names_no_dependencies_has_none(self) -> None:
        """The standard says so: missing and not dynamic means empty."""
        assert required(EGG | {"pyproject.toml": TABLE, "demo.egg-info/requires.txt": "b"}) == ()

    def test_dynamic_dependencies_are_looked_up_in_a_final_pkg_info(self) -> None:
        """A backend that fills them in has written the result down."""
        table = TABLE + 'dynamic = ["dependencies"]'
        assert required({"pyproject.toml": table, "PKG-INFO": NEW_INFO + "Requires-Dist: b\n"}) == ("b",)

    @pytest.mark.parametrize(
        "info",
        [
            pytest.param(NEW_INFO + "Dynamic: requires-dist\n", id="dynamic"),
            pytest.param(NEW_INFO + "Dynamic: Requires-Dist\n", id="dynamic-in-capitals"),
            pytest.param(OLD_INFO, id="metadata-2.1"),
            pytest.param("Name: demo\nVersion: 1.0\n", id="no-metadata-version"),
            pytest.param(OLD_INFO.replace("2.1", "2.x"), id="odd-metadata-version"),
        ],
    )
    def test_pkg_info_that_is_not_final_is_passed_over(self, info: str) -> None:
        """What such a file says, or does not say, of requirements proves nothing."""
        info += "Requires-Dist: wrong\n"
        assert required(EGG | {"PKG-INFO": info, "demo.egg-info/requires.txt": "right"}) == ("right",)
        assert refusal({"PKG-INFO": info, "setup.py": ""}).reason == "dynamic-metadata"

    def test_later_metadata_versions_are_final(self) -> None:
        """2.10 comes after 2.2."""
        assert required({"PKG-INFO": OLD_INFO.replace("2.1", "2.10") + "Requires-Dist: a\n"}) == ("a",)

    def test_two_descriptions_by_setuptools_are_none(self) -> None:
        """With two egg-info folders nobody knows which is meant."""
        files = EGG | {"other.egg-info/SOURCES.txt": ""}
        assert refusal(files).reason == "dynamic-metadata"

    def test_sections_of_requires_txt(self) -> None:
        """Extras are left out, a marker goes to each requirement of its section."""
        text = 'a\n\n[:python_version < "3.9"]\nb>=1\nc @ https://h/c.zip\n\n[x]\nd\n\n[y:os_name == "nt"]\ne\n'
        expected = ("a", 'b>=1; python_version < "3.9"', 'c @ https://h/c.zip ; python_version < "3.9"')
        assert required(EGG | {"demo.egg-info/requires.txt": text}) == expected

    def test_egg_info_below_src(self) -> None:
        """In a src layout setuptools leaves its description there."""
        files = {"PKG-INFO": OLD_INFO, "src/demo.egg-info/SOURCES.txt": "", "src/demo.egg-info/requires.txt": "a"}
        assert required(files) == ("a",)

    @pytest.mark.parametrize("folder", ["demo.egg-info", "src/demo.egg-info"])
    def test_what_only_egg_info_states(self, folder: str) -> None:
        """Name, version and requirements of an archive that has no PKG-INFO at its top."""
        files = {"demo/__init__.py": "", f"{folder}/SOURCES.txt": "", f"{folder}/PKG-INFO": OLD_INFO}
        assert read_metadata(archive(files)) == SdistMetadata("demo", "1.0", ())
        files[f"{folder}/requires.txt"] = "a\n"
        assert read_metadata(archive(files)).requirements == ("a",)
        files[f"{folder}/PKG-INFO"] = NEW_INFO + "Requires-Dist: b\nRequires-Python: >=3.9\n"
        assert read_metadata(archive(files)).requirements == ("b",)
        assert requires_python(archive(files)) == ">=3.9"

    def test_another_name_in_egg_info_only_is_told(self) -> None:
        """It must be that of the root folder, as everywhere."""
        info = OLD_INFO.replace("demo", "other")
        error = refusal({"demo.egg-info/SOURCES.txt": "", "demo.egg-info/PKG-INFO": info})
        assert (error.reason, error.hint) == ("metadata-mismatch", MISMATCH)


MISMATCH = "the archive was renamed or put together by hand: build it again"


def test_toml_that_is_nested_without_end_is_told_as_such() -> None:
    """It is valid, and no reader takes it."""
    for text in ("x = " + "[" * 100_000 + "]" * 100_000, "x = " + "{a=" * 50_000 + "1" + "}" * 50_000):
        assert refusal({"pyproject.toml": TABLE + text}).problem == "invalid TOML: nested too deeply"


class TestIdentity:
    """Every place that states a name or a version states the same."""

    @pytest.mark.parametrize(
        ("info", "root"),
        [
            pytest.param("Name: Mixed_Case\nVersion: 1.0", "mixed_case-1.0", id="normalised-folder"),
            pytest.param("Name: my.pkg\nVersion: 1.0", "my-pkg-1.0", id="dash-in-name"),
            pytest.param("Name: odd\nVersion: 1.0-beta_2+Local.X", "odd-1.0b2+local.x", id="normalised-version"),
            pytest.param("Name: odd\nVersion: 1.0b2", "odd-1.0-beta-2", id="dash-in-version"),
            pytest.param("Name: odd\nVersion: 1.2.0", "odd-01.002.0", id="leading-zeros"),
            pytest.param("Name: odd\nVersion: banana", "odd-banana", id="not-pep-440"),
        ],
    )
    def test_spellings_of_the_same(self, info: str, root: str) -> None:
        """Old and new backends spell folders differently."""
        metadata = read_metadata(archive({"PKG-INFO": f"Metadata-Version: 2.2\n{info}\n"}, root))
        assert [f"Name: {metadata.name}", f"Version: {metadata.version}"] == info.split("\n")

    @pytest.mark.parametrize(
        ("info", "table"),
        [
            pytest.param("Name: other\nVersion: 9", "", id="A57-folder"),
            pytest.param("Name: other\nVersion: 1.0", "", id="name-of-folder"),
            pytest.param("Name: demo\nVersion: 1.1", "", id="version-of-folder"),
            pytest.param("Name: demo\nVersion: 1.0", '[project]\nname = "other"', id="name-in-pyproject"),
            pytest.param("Name: demo\nVersion: 1.0", '[project]\nversion = "2"', id="version-in-pyproject"),
            pytest.param("Name: UNKNOWN\nVersion: 0.0.0", TABLE, id="setuptools-before-project-table"),
            pytest.param(f"Name: demo\nVersion: {'9' * 5000}", "", id="absurd-number"),
        ],
    )
    def test_contradiction_is_refused(self, info: str, table: str) -> None:
        """One of the two is wrong, and which is not ours to say."""
        error = refusal({"PKG-INFO": f"Metadata-Version: 2.2\n{info}\n", "pyproject.toml": table})
        assert error.reason == "metadata-mismatch"

    def test_folder_without_version_is_refused(self) -> None:
        """What `git archive` makes for a branch is not the archive of a version."""
        assert refusal({"PKG-INFO": NEW_INFO}, root="demo").reason == "metadata-mismatch"

    def test_pyproject_alone_is_enough(self) -> None:
        """An archive of a source tree has no PKG-INFO, and needs none where all is static."""
        assert read_metadata(archive({"pyproject.toml": TABLE})) == SdistMetadata("demo", "1.0", ())

    @pytest.mark.parametrize("missing", ["name", "version"])
    def test_missing_half_is_named(self, missing: str) -> None:
        """The message says what to add."""
        table = "\n".join(line for line in TABLE.splitlines() if not line.startswith(missing))
        assert f"states its {missing}" in str(refusal({"pyproject.toml": table}))

    def test_each_file_may_know_a_half(self) -> None:
        """A dynamic version is taken from PKG-INFO."""
        files = {"pyproject.toml": '[project]\nname = "demo"\ndynamic = ["version"]', "PKG-INFO": "Version: 1.0\n"}
        assert read_metadata(archive(files)) == SdistMetadata("demo", "1.0", ())


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"a.py": ""}, id="none"),
        pytest.param({"PKG-INFO": "Name: demo\n"}, id="no-version"),
        pytest.param({"PKG-INFO": "Name: de mo\nVersion: 1.0\n"}, id="name-with-blank"),
        pytest.param({"PKG-INFO": "Name: demo\nVersion: 1.0;x\n"}, id="version-with-mark"),
        pytest.param({"PKG-INFO": NEW_INFO + "Name: demo\n"}, id="name-twice"),
        pytest.param({"PKG-INFO": NEW_INFO + "no field\n"}, id="line-without-colon"),
        pytest.param({"PKG-INFO": NEW_INFO + "word\n"}, id="word-without-colon"),
        pytest.param({"PKG-INFO": " Name: demo\n"}, id="continues-nothing"),
        pytest.param({"PKG-INFO": NEW_INFO + "Summary: a\rRequires-Dist: b\n"}, id="hidden-line"),
        pytest.param({"PKG-INFO": NEW_INFO.encode() + b"Summary: \xff\n"}, id="not-utf-8"),
        pytest.param({"PKG-INFO": NEW_INFO + "Requires-Dist: a;\n os_name == 'x'\n"}, id="requirement-on-two-lines"),
        pytest.param({"PKG-INFO": NEW_INFO + "Dynamic:\n Requires-Dist\n"}, id="dynamic-on-two-lines"),
        pytest.param({"PKG-INFO": NEW_INFO + "X: y\n" * 300_000}, id="header-without-end"),
        pytest.param({"pyproject.toml": "[project"}, id="toml"),
        pytest.param({"pyproject.toml": TABLE.encode() + b"# \xff"}, id="toml-not-utf-8"),
        pytest.param({"pyproject.toml": "project = 1"}, id="project-no-table"),
        pytest.param({"pyproject.toml": '[project]\nname = 1\nversion = "1.0"'}, id="name-no-text"),
        pytest.param({"pyproject.toml": TABLE + 'dependencies = "a"'}, id="dependencies-no-list"),
        pytest.param({"pyproject.toml": TABLE + "dependencies = [1]"}, id="dependency-no-text"),
        pytest.param({"pyproject.toml": TABLE + "x = " + "[" * 5000}, id="toml-too-deep"),
        pytest.param({"pyproject.toml": TABLE + "a." * 3000 + "a = 1"}, id="toml-dots-without-end"),
        pytest.param({"pyproject.toml": TABLE + "#" * (1 << 20)}, id="toml-too-large"),
        pytest.param(EGG | {"demo.egg-info/requires.txt": "a\n[b\nc"}, id="section"),
        pytest.param(EGG | {"demo.egg-info/requires.txt": b"\xff"}, id="requires-not-utf-8"),
    ],
)
def test_unreadable_metadata_are_refused(files: Mapping[str, str | bytes]) -> None:
    """What cannot be read for certain is not read half."""
    assert refusal(files).reason == "bad-metadata"


class TestFields:
    """PKG-INFO is read as mail headers are."""

    def test_continued_and_foreign_fields_do_not_disturb(self) -> None:
        """Descriptions over several lines and unknown fields are passed over."""
        info = (
            NEW_INFO
            + "Description: a\n        b: c\n        \n\td\nX-Later: ü\nRequires-Dist: a\n\nRequires-Dist: text\n"
        )
        assert required({"PKG-INFO": info}) == ("a",)

    def test_line_ends_and_mark_of_windows(self) -> None:
        """CRLF and a byte order mark change nothing."""
        info = b"\xef\xbb\xbf" + (NEW_INFO + "Requires-Dist: a\n\nbody").replace("\n", "\r\n").encode()
        assert required({"PKG-INFO": info}) == ("a",)

    def test_names_of_fields_have_no_case(self) -> None:
        """As in mail."""
        assert required({"PKG-INFO": NEW_INFO.lower() + "REQUIRES-DIST: a\n"}) == ("a",)


class TestRequirements:
    """Lines a person's pip will read are requirements and nothing else."""

    @pytest.mark.parametrize(
        "line",
        [
            "-r more.txt",
            "--index-url https://h/simple",
            "-e .",
            "./local.whl",
            "https://h/a.zip",
            "a\n-r more.txt",
            "a @ https://h/a.zip\n--index-url x",
            "a\x1b[2J",
            "a @ https://h/\x1b[2J",
            r'a; os_name == "\N{none}"',
            "a; python_version",
            "a==",
            "a>=\u0661",
            r'a; os_name == "\n-r more.txt"',
            "a>=1 <2",
            "",
            " ",
            "a; " + "(" * 3000,
            "a>=" + "1" * 5000,
            "a[b]>=" + "1" * 5000,
        ],
        ids=lambda line: ascii(line[:40]),
    )
    def test_what_is_none_is_refused(self, line: str) -> None:
        """The message shows the line in a form that a terminal survives."""
        with pytest.raises(ArchiveError) as caught:
            canonical_requirements([line], where="PKG-INFO")
        assert caught.value.reason == "requirement"
        assert str(caught.value).isprintable()

    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            pytest.param(" a >= 1 , < 2 ", ("a<2,>=1",), id="blanks"),
            pytest.param(r"a; os_name == '\x22 or extra'", ("""a; os_name == '" or extra'""",), id="quote-in-quotes"),
            pytest.param("a>=1,", ("a>=1",), id="last-comma"),
            pytest.param("a (>=1)", ("a>=1",), id="parentheses"),
            pytest.param("A_b.c", ("A_b.c",), id="name-as-written"),
            pytest.param("a[y,x]==1.*", ("a[x,y]==1.*",), id="extras-asked-for"),
            pytest.param("a; extra == 'x'", (), id="extra"),
            pytest.param("a; python_version < '4' and extra == 'x'", (), id="extra-and-more"),
            pytest.param("a; 'x' in extras", (), id="extras"),
            pytest.param("a; os_name == 'extra'", ('a; os_name == "extra"',), id="extra-in-quotes"),
        ],
    )
    def test_canonical_form(self, line: str, expected: tuple[str, ...]) -> None:
        """One form for each requirement; those of extras are dropped."""
        assert canonical_requirements([line], where="x") == expected

    def test_repeated_line_is_given_once(self) -> None:
        """In the order of the first."""
        assert canonical_requirements(["b>=1", "a", "b >=1"], where="x") == ("b>=1", "a")

    @given(
        st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,5}[A-Za-z0-9])?", fullmatch=True),
        st.lists(
            st.from_regex(r" ?(>=|<=|==|!=|<|>|~=|===) ?[0-9]{1,2}(\.[0-9a*]{1,2}){0,2} ?", fullmatch=True), max_size=3
        ),
    )
    def test_short_cut_gives_what_packaging_gives(self, name: str, bounds: list[str]) -> None:
        """Plain requirements are not parsed by `packaging`, yet come out the same."""
        from packaging.requirements import InvalidRequirement, Requirement

        line = name + ",".join(bounds)
        try:
            expected = str(Requirement(line))
        except InvalidRequirement:
            with pytest.raises(ArchiveError):
                canonical_requirements([line], where="x")
        else:
            assert canonical_requirements([line], where="x") == (expected,)


class TestPackageName:
    """A micro-package holds exactly one package."""

    @pytest.mark.parametrize(
        "paths",
        [
            pytest.param(["ds/__init__.py"], id="one"),
            pytest.param(["ds/__init__.py", "tests/__init__.py", "tests/a/__init__.py"], id="tests-do-not-count"),
            pytest.param(["ds/__init__.py", "ds/sub/__init__.py", "docs/a.py", "setup.py"], id="others-do-not-count"),
        ],
    )
    def test_it_is_found(self, paths: list[str]) -> None:
        """The folder at the top with an `__init__.py`."""
        assert package_name(archive(dict.fromkeys(paths, ""))) == "ds"

    @pytest.mark.parametrize(
        "paths",
        [
            pytest.param(["ds/a.py"], id="A58-none"),
            pytest.param(["ds/__init__.py", "docs/__init__.py"], id="A58-two"),
            pytest.param([f"a{number}/__init__.py" for number in range(1000)], id="very-many"),
            pytest.param(["src/ds/__init__.py"], id="below-src"),
            pytest.param(["tests/__init__.py"], id="only-tests"),
            pytest.param(["__init__.py"], id="root-itself"),
            pytest.param(["my-ds/__init__.py"], id="no-identifier"),
        ],
    )
    def test_none_or_several_are_refused(self, paths: list[str]) -> None:
        """Which one is meant is not guessed."""
        with pytest.raises(ArchiveError) as caught:
            package_name(archive(dict.fromkeys(paths, "")))
        assert caught.value.reason == "not-one-package"
        assert len(str(caught.value)) < 200


LINES = st.sampled_from(
    [
        "Metadata-Version: 2.4",
        "Name: demo",
        "Version: 1.0",
        "Requires-Dist: a; extra == 'x'",
        "Dynamic: x",
        " more",
        ":",
    ]
)
TABLE_LINES = st.sampled_from(["[project]", 'name = "demo"', 'version = "1.0"', "dependencies = []", "dynamic = ['x']"])


@settings(max_examples=200, deadline=None)
@given(st.lists(LINES | st.text(max_size=20), max_size=8), st.lists(TABLE_LINES | st.text(max_size=9), max_size=6))
def test_whatever_stands_in_the_files_is_read_or_refused(info: list[str], table: list[str]) -> None:
    """No text makes anything but metadata or an `ArchiveError`."""
    files = {
        "PKG-INFO": "\n".join(info).encode("utf-8", "replace"),
        "pyproject.toml": "\n".join(table).encode("utf-8", "replace"),
    }
    try:
        metadata = read_metadata(archive(files))
    except ArchiveError:
        return
    assert (metadata.name, metadata.version) == ("demo", "1.0")


CANARY = "open(__file__ + '.ran', 'w').write('ran')\n"
CANARIES: dict[str, str | bytes] = {
    "PKG-INFO": NEW_INFO + 'Requires-Dist: a>=1; python_version < "4"\n',
    "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    '[project]\nname = "demo"\nversion = "1.0"\ndynamic = ["dependencies"]\n',
    "setup.cfg": "[metadata]\nname = demo\n",
    "demo.pth": f"import os; {CANARY}",
    ".ropeproject/config.py": CANARY,
    **dict.fromkeys(
        ["setup.py", "backend.py", "conftest.py", "sitecustomize.py", "usercustomize.py", "demo/__init__.py"], CANARY
    ),
}
# Everything is loaded by reading once; from then on reading may do nothing that an audit hook can see.
WATCHED_READING = """
import io, sys
from micropkgd.sdist.metadata import package_name, read_metadata
from micropkgd.sdist.reader import read_sdist

def read(data):
    sdist = read_sdist(io.BytesIO(data))
    return len(sdist.members), read_metadata(sdist), package_name(sdist)

data = sys.stdin.buffer.read()
read(data)
seen = []
sys.addaudithook(lambda event, args: seen.append((event, args[0] if args else None)))
found = read(data)
events = [one for one in seen if one[0] != "builtins.id"]  # which newer versions of Python tell of, and is nothing
print(found[0], found[1].requirements, found[2], sorted(set(events)))
"""


def test_reading_runs_and_writes_nothing(tmp_path: Path) -> None:
    """P5: no code of an archive is compiled, imported, executed or spawned, and no file is opened at all.

    The one thing compiled is the quoted text in the marker, which `packaging` gives to `ast.literal_eval`.
    """
    command = [sys.executable, "-c", WATCHED_READING]
    environment = {"PYTHONPATH": str(REPOSITORY)}
    run = subprocess.run(
        command, input=project(CANARIES), capture_output=True, check=True, cwd=tmp_path, env=environment
    )
    expected = (len(CANARIES), ('a>=1; python_version < "4"',), "demo", [("compile", b'"4"')])
    assert run.stdout.decode().strip() == " ".join(map(str, expected))
    assert list(tmp_path.iterdir()) == []
