from typing import Any

import pytest
from packaging.version import Version

from micropkgd.errors import DocumentError
from micropkgd.model.tree import digest_of
from micropkgd.sources.index.select import Candidate, Criteria, KnownRelease, choose, oldest_python, step_back
from micropkgd.sources.index.simple_api import File
from micropkgd.sources.source import Failed, FailureKind
from tests.kit.canaries import CANARY

ONE, TWO = digest_of(b"1"), digest_of(b"2")


def file(version: str, **fields: Any) -> File:
    """An sdist of `ds`."""
    name = f"ds-{version}.tar.gz"
    return File(name, f"https://host/{name}")._replace(**fields)


def pick(criteria: str, *files: File | str, python: str = "", **asked: Any) -> str:
    """The version that is chosen."""
    listed = [one if isinstance(one, File) else file(one) for one in files]
    chosen = choose(Criteria.parse(criteria, python), listed, **asked)
    assert isinstance(chosen, Candidate), chosen
    return str(chosen.version)


def refuse(criteria: str, *files: File | str, python: str = "", **asked: Any) -> Failed:
    """Why nothing is chosen."""
    listed = [one if isinstance(one, File) else file(one) for one in files]
    failed = choose(Criteria.parse(criteria, python), listed, **asked)
    assert isinstance(failed, Failed), failed
    return failed


class TestWish:
    """What may be asked for."""

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            pytest.param("ds[extra]>=1", "extras", id="extras"),
            pytest.param("ds>=1; python_version<'3'", "environment marker", id="marker"),
            pytest.param(f"ds @ https://u:{CANARY}@host/ds.tar.gz", "names an address", id="address"),
            pytest.param("ds>=one", "is not a requirement", id="no-requirement"),
            pytest.param(f"ds>={'1' * 5000}", "is not a requirement", id="too-long"),
        ],
    )
    def test_what_cannot_be_honoured(self, text: str, words: str) -> None:
        """Each is refused with its own reason, and an address never shown."""
        with pytest.raises(DocumentError, match=words) as raised:
            Criteria.parse(text, "")
        assert raised.value.hint
        assert CANARY not in str(raised.value)

    @pytest.mark.parametrize(
        ("text", "exact"), [("ds==1.0", True), ("ds===1.0", True), ("ds==1.*", False), ("ds>=1", False), ("ds", False)]
    )
    def test_exact(self, text: str, exact: bool) -> None:
        """Only `==` and `===` of one version name that version."""
        assert Criteria.parse(text, "").exact is exact

    def test_name_is_normalised(self) -> None:
        """As an index does."""
        assert Criteria.parse("My.Data__Science", "").name == "my-data-science"


class TestChoice:
    """Which release answers."""

    @pytest.mark.parametrize(
        ("criteria", "version"),
        [
            pytest.param("ds", "1.10", id="newest-by-number"),
            pytest.param("ds<1.10", "1.9", id="below"),
            pytest.param("ds==1.0", "1.0", id="exact"),
            pytest.param("ds~=1.0.0", "1.0", id="compatible"),
            pytest.param("DS>=1,!=1.10", "1.9", id="without-one"),
            pytest.param("ds==2.0rc1", "2.0rc1", id="named-pre-release"),
            pytest.param("ds>=2.0rc1", "2.0rc1", id="only-a-pre-release-matches"),
        ],
    )
    def test_newest_match(self, criteria: str, version: str) -> None:
        """A pre-release stands in only where no final release matches."""
        assert pick(criteria, "1.9", "1.10", "1.0", "2.0rc1") == version

    def test_pre_release_of_the_range_never_wins_over_a_final(self) -> None:
        """`1.2rc1` is within `>=1,<2`, and newer than `1.1`."""
        assert pick("ds>=1,<2", "1.1", "1.2rc1") == "1.1"

    def test_foreign_files_do_not_count(self) -> None:
        """Other projects, zips, wheels, and names that are none."""
        odd = (
            "dsx-9.tar.gz",
            "ds-9.zip",
            "ds-8-py3-none-any.whl",
            "ds-nine.tar.gz",
            "ds-9.tar.gz.asc",
            "\u212as-9.tar.gz",
        )
        assert pick("ds", "1.0", *(File(name, "https://host/x") for name in odd)) == "1.0"

    def test_either_spelling_of_a_name(self) -> None:
        """Build backends of their day wrote it in many ways."""
        files = [File("My.Pkg-1.0.tar.gz", "u"), File("my_pkg-1.1.tar.gz", "u")]
        assert pick("my-pkg", *files) == "1.1"

    def test_no_match_names_what_exists(self) -> None:
        """The newest first, not all of a long history."""
        failed = refuse("ds>=9", *(f"1.{minor}" for minor in range(12)))
        assert failed.kind is FailureKind.REFUSED
        assert failed.problem.endswith("the index has 1.11, 1.10, 1.9, 1.8, 1.7, 1.6, 1.5, 1.4 and 4 more")

    @pytest.mark.parametrize("others", [(), ("0.9",)], ids=["nothing-else", "older-sdist"])
    def test_only_wheels(self, others: tuple[str, ...]) -> None:
        """The release that would match is named."""
        failed = refuse("ds>=1", File("ds-1.5-py3-none-any.whl", "u"), *others)
        assert "1.5 of `ds` as wheels only" in failed.problem

    def test_nothing_at_all(self) -> None:
        """A page without files is no reason to look elsewhere."""
        assert "no `.tar.gz` sdist of `ds`" in refuse("ds", File("ds-1.zip", "u")).problem


class TestYanked:
    """PEP 592."""

    def test_yanked_release_is_passed_over(self) -> None:
        """The next best is taken."""
        assert pick("ds>=1", "1.0", file("1.1", yanked="broken")) == "1.0"

    def test_yanked_release_is_taken_when_named(self) -> None:
        """Whoever pins it has it."""
        assert pick("ds==1.1", "1.0", file("1.1", yanked="broken")) == "1.1"

    def test_only_yanked_releases_match(self) -> None:
        """They are refused with the publisher's words, made harmless."""
        failed = refuse("ds>=1", "0.9", file("1.1", yanked="bad\x1b[31m"))
        assert failed.kind is FailureKind.REFUSED
        assert "the newest is 1.1 (bad\\x1b[31m)" in failed.problem
        assert "`ds==1.1`" in failed.hint

    def test_no_pre_release_stands_in_for_a_yanked_final(self) -> None:
        """A yank must not lead onto a pre-release unseen."""
        assert "yanked" in refuse("ds", file("1.0", yanked=""), "2.0rc1").problem


class TestPython:
    """The Python that the project runs on."""

    @pytest.mark.parametrize(
        ("asked", "oldest"),
        [
            (">=3.9", "3.9"), (">=3.9.2,<4", "3.9.2"), (">3.9", "3.10"), ("~=3.11", "3.11"), ("==3.12.*", "3.12"),
            (">=2.7,!=3.0.*", "2.7"), ("<3.12", "2.7"), ("", None), (" ", None),
        ],
    )  # fmt: skip
    def test_oldest(self, asked: str, oldest: str | None) -> None:
        """The first one that is let in."""
        assert oldest_python(asked) == (None if oldest is None else Version(oldest))

    def test_no_specifier(self) -> None:
        """The project must mend it."""
        with pytest.raises(DocumentError, match="requires-python `three`"):
            Criteria.parse("ds", "three")

    @pytest.mark.parametrize(
        ("python", "version"),
        [
            pytest.param(">=3.9", "1.0", id="older-python"),
            pytest.param(">=3.12", "1.1", id="newer-python"),
            pytest.param("", "1.1", id="project-does-not-say"),
        ],
    )
    def test_release_must_run_on_the_oldest(self, python: str, version: str) -> None:
        """An older release that does is taken; bounds above are guesses and leave nothing out."""
        files = (file("1.0", requires_python=">=3.8,<3.13"), file("1.1", requires_python=">=3.12"))
        assert pick("ds", *files, python=python) == version

    def test_no_release_runs(self) -> None:
        """Both sides are named."""
        failed = refuse("ds", file("1.1", requires_python=">=3.12"), python=">=3.9")
        assert "runs on Python 3.9" in failed.problem
        assert "1.1 needs `>=3.12`" in failed.problem

    def test_unreadable_bound_excludes_nothing(self) -> None:
        """Old releases have odd ones."""
        assert pick("ds", file("1.0", requires_python=">=3.x"), python=">=3.9") == "1.0"
        assert pick("ds", file("1.0", requires_python=f">=3.{'1' * 5000}"), python=">=3.9") == "1.0"


class TestLocked:
    """The very archive that was locked or pinned."""

    FILES = (file("1.0", hashes={"sha256": ONE[7:]}, yanked=""), file("1.1", hashes={"sha256": TWO[7:]}))

    def test_digest_finds_its_file(self) -> None:
        """Yanked or not, and whatever is newer."""
        assert pick("ds>=1", *self.FILES, digest=ONE) == "1.0"

    def test_digest_of_a_version_that_is_not_wished(self) -> None:
        """A pin does not widen the requirement."""
        assert pick("ds>=1.1", *self.FILES, digest=ONE) == "1.1"

    def test_version_without_hash(self) -> None:
        """Where the index gives no hashes the version says which file it was."""
        assert pick("ds", "1.0", "1.1", version=Version("1.0"), digest=ONE) == "1.0"

    def test_version_that_is_gone(self) -> None:
        """Nothing else is taken in its place."""
        assert refuse("ds", *self.FILES, version=Version("0.9"), digest=digest_of(b"3")).kind is FailureKind.GONE


class TestStepBack:
    """What an index that was taken over, or set back, would do."""

    @pytest.mark.parametrize(
        ("version", "digest", "had", "kind"),
        [
            pytest.param("1.0", ONE, [("1.1", TWO)], FailureKind.REFUSED, id="older"),
            pytest.param("1.1", ONE, [("1.1", TWO)], FailureKind.CORRUPT, id="other-bytes"),
            pytest.param("1.1", TWO, [("1.1", TWO)], None, id="same"),
            pytest.param("1.1.0", TWO, [("1.1", TWO)], None, id="same-in-other-words"),
            pytest.param("1.2", ONE, [("1.1", TWO)], None, id="newer"),
            pytest.param("1.1", None, [("1.1", TWO)], None, id="bytes-not-known-yet"),
            pytest.param("1.0", ONE, [("0.9", TWO), ("1.1", TWO)], FailureKind.REFUSED, id="older-than-once-seen"),
            pytest.param("1.0", ONE, [("1.0", ONE), ("1.1", TWO)], None, id="as-locked"),
            pytest.param("1.0", ONE, [], None, id="first-time"),
        ],
    )
    def test_verdict(self, version: str, digest: Any, had: list[Any], kind: FailureKind | None) -> None:
        """Older is refused, other bytes of the same release are corrupt."""
        before = [KnownRelease(Version(one), its) for one, its in had]
        failed = step_back(Criteria.parse("ds", ""), Version(version), digest, before)
        assert (failed.kind if failed else None) == kind
