"""Whether requirements can hold together, told by their specifiers alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from micropkgd.model.requirement_conflicts import at_odds, can_hold


@pytest.mark.parametrize(
    ("specifiers", "expected"),
    [
        ((">=2", "<2"), False),
        ((">=2", "<3"), True),
        (("==1.0", "==1.0.0"), True),
        (("==1.0", "==1.1"), False),
        (("==1.4.*", "~=1.4"), True),
        (("==1.4.*", "!=1.4.*"), False),
        ((">1", "<1.0.1"), True),
        (("!=1.9", ">=1.9,<2"), True),
        ((">=1!1", "<2"), False),
        ((">=2.0rc1", "<2.0"), False),
        (("<=0.0", "!=0.0"), True),  # 0.0rc1
        (("==2.0.*", "<=2.0,!=2.0"), True),  # 2.0rc1
        (("==2.0.*", "<=2.0,!=2.0,!=2.0.dev0"), True),
        ((">=2.0,!=2.0", "<2.0.0.1"), True),  # 2.0.post1
        (("===abc", "===abc"), True),
        (("", ""), True),
        ((">=3.12", ">=3.9,<3.12"), False),
        pytest.param((f">={'1' * 5000}", "<2"), True, id="too long to be read"),
    ],
)
def test_specifiers_hold_together_or_not(specifiers: tuple[str, ...], expected: bool) -> None:
    """Bounds, series, epochs, and what is excluded."""
    assert can_hold(*specifiers) is expected


@pytest.mark.parametrize(
    ("line", "other", "expected"),
    [
        ("pandas>=2", "Pandas<2", True),
        ("pandas>=2", "polars<2", False),
        ("numpy<2; python_version < '3.12'", "numpy>=2; python_version >= '3.12'", False),
        ("numpy<2; python_version < '3.12'", "numpy>=2; python_version < '3.12'", True),
        ("numpy[x]<2", "numpy>=2", True),
        ("numpy @ https://h/numpy.tar.gz", "numpy>=2", False),
        ("-r other.txt", "numpy>=2", False),
        ("numpy>=2 --hash=x", "numpy<2", False),
    ],
)
def test_lines_are_at_odds_or_not(line: str, other: str, expected: bool) -> None:
    """Of one project, under the same marker; what is no requirement says nothing."""
    assert list(at_odds([line], [other])) == ([(line, other)] if expected else [])


VERSIONS = [
    f"{major}.{minor}{pre}" for major in range(3) for minor in range(3) for pre in ("", "rc1", ".post1", ".0.1")
]
_SPECIFIERS = st.builds(
    str.__add__, st.sampled_from([">=", "<=", "<", ">", "==", "!="]), st.sampled_from(VERSIONS)
) | st.builds(
    lambda how, release: f"{how}{release}.*", st.sampled_from(["==", "!="]), st.sampled_from(["1", "1.1", "2.0"])
)


@given(st.lists(_SPECIFIERS, min_size=1, max_size=4))
@settings(max_examples=500, deadline=None)
def test_what_some_version_satisfies_can_hold(specifiers: list[str]) -> None:
    """No note is ever wrong: where any version of a dense list satisfies all, nothing is said."""
    wanted = SpecifierSet(",".join(specifiers))
    dense = (
        Version(f"{version}{more}")
        for version in VERSIONS
        for more in ("", ".1", ".9")
        if version.replace(".", "").isdigit() or not more
    )
    if any(wanted.contains(version, prereleases=True) for version in (*dense, Version("0"), Version("9"))):
        assert can_hold(*specifiers)
