"""Lines of the requirements file and their owners."""

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from micropkgd.model.requirements import update

HEADER = "# Additional requirements from micro-package `ds`:"


def test_missing_lines_are_appended_under_a_header() -> None:
    """New lines stand sorted in the entry's own block, and the file ends with a newline."""
    assert update("kedro", {}, {"ds": ["pandas>=2", "numpy"]}) == f"kedro\n\n{HEADER}\nnumpy\npandas>=2\n"


def test_lines_follow_the_entry() -> None:
    """A new version's line replaces the old one; Kedro kept both."""
    first = update("kedro\n", {}, {"ds": ["pandas==1.0"]})

    assert update(first, {"ds": ["pandas==1.0"]}, {"ds": ["pandas==2.0"]}) == f"kedro\n\n{HEADER}\npandas==2.0\n"


def test_a_persons_line_that_says_the_same_is_not_repeated() -> None:
    """The same requirement in other words is the same requirement."""
    assert update("Pandas>=1,<3\n", {}, {"ds": ["pandas<3,>=1"]}) == "Pandas>=1,<3\n"


def test_a_persons_line_with_a_number_too_long_to_be_read_stays() -> None:
    """It says nothing of anybody's."""
    line = f"pandas>={'1' * 5000}\n"
    assert update(line, {}, {"ds": ["pandas>=2"]}).startswith(line)


def test_a_persons_line_is_never_removed() -> None:
    """A line outside the block stays, also where the lock names it."""
    assert update("pandas\n", {"ds": ["pandas"]}, {}) == "pandas\n"


def test_a_line_that_was_edited_in_the_block_is_a_persons() -> None:
    """Only lines that are exactly what was written are removed."""
    text = f"kedro\n\n{HEADER}\nnumpy\npandas==1.5\n"

    assert update(text, {"ds": ["numpy", "pandas==1.0"]}, {}) == f"kedro\n\n{HEADER}\npandas==1.5\n"


def test_a_line_that_a_person_removed_is_not_added_again() -> None:
    """Nothing changed upstream, so nothing is asked for again."""
    assert update("kedro\n", {"ds": ["pandas"]}, {"ds": ["pandas"]}) == "kedro\n"


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_line_endings_are_kept(newline: str) -> None:
    """The file's own line ending is used."""
    assert update(f"kedro{newline}", {}, {"ds": ["numpy"]}) == newline.join(["kedro", "", HEADER, "numpy", ""])


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
def test_an_unfinished_last_line_is_finished_as_the_others_are(newline: str) -> None:
    """One LF must not get into a CRLF file."""
    text = newline.join(["kedro", "numpy"])

    assert update(text, {}, {"ds": ["x"]}) == newline.join([text, "", HEADER, "x", ""])


class TestEachEntryHasItsOwnLines:
    """What one entry asks for never depends on another."""

    def test_a_line_that_two_need_stands_under_both(self) -> None:
        """So that it stays while one of them needs it."""
        wanted = {"aa": ["pandas>=2"], "bb": ["numpy", "pandas>=2"]}

        assert update(update("", {}, wanted), wanted, {"bb": wanted["bb"]}) == update("", {}, {"bb": wanted["bb"]})

    def test_a_weak_line_stays_beside_a_strict_one(self) -> None:
        """Both are written: which one wins is for the installer to say."""
        text = update("", {}, {"aa": ["pandas>=2"], "bb": ["pandas>=2,<3"]})

        assert [line for line in text.splitlines() if line.startswith("pandas")] == ["pandas>=2", "pandas>=2,<3"]

    def test_a_block_has_one_place(self) -> None:
        """Whichever of two entries comes first."""
        both = {"aa": ["x"], "bb": ["y"]}

        assert update(update("kedro\n", {}, {"bb": ["y"]}), {"bb": ["y"]}, both) == update("kedro\n", {}, both)

    def test_a_line_of_a_person_in_the_block_of_another_is_that_blocks(self) -> None:
        """It goes nowhere, but it does not speak for this entry either."""
        text = f"# Additional requirements from micro-package `aa`:\nx\npandas>=2\n\n{HEADER}\ny\n"
        before = {"aa": ["x"], "ds": ["y"]}

        assert update(text, before, before | {"ds": ["pandas>=2", "y"]}) == text.replace("y\n", "pandas>=2\ny\n")


class TestEditsInABlock:
    """What a person made of a block stays, and hides nothing from an update."""

    @pytest.mark.parametrize(
        ("edited", "above"),
        [
            pytest.param("# not on this box: pandas==1.0\n", "numpy\n", id="note"),
            pytest.param("# pandas==1.0\n", "numpy\n", id="commented-out"),
            pytest.param("#pandas==1.0 breaks the reports\n", "", id="commented-out-with-a-reason"),
            pytest.param("pandas==1.0,<1.5\n", "", id="capped"),
            pytest.param("pandas==1.0  # as the reports need it\n", "numpy\n", id="annotated"),
            pytest.param("pandas==1.0 \\\n  --hash=sha256:00\n", "", id="continued"),
        ],
    )
    def test_edits_stay(self, edited: str, above: str) -> None:
        """What went is taken away and what is new added, and the edit is where it was."""
        text = f"kedro\n\n{HEADER}\n{above}{edited}zlib\n\nflask\n"
        after = update(text, {"ds": ["numpy", "pandas==1.0", "zlib"]}, {"ds": ["numpy", "pandas==2.0"]})

        assert after == f"kedro\n\n{HEADER}\n{above}pandas==2.0\n{edited}\nflask\n"

    def test_a_comment_does_not_end_a_block(self) -> None:
        """The lines below it went stale for ever."""
        text = f"{HEADER}\n# of the reports\npandas==1.0\n"

        assert update(text, {"ds": ["pandas==1.0"]}, {"ds": ["pandas==2.0"]}) == (
            f"{HEADER}\npandas==2.0\n# of the reports\n"
        )

    @pytest.mark.parametrize(
        "line", ["# pandas>=2", "#pandas>=2 breaks the reports", "pandas>=2  # mine", "Pandas >= 2"]
    )
    def test_what_was_decided_in_a_block_is_not_asked_for_again(self, line: str) -> None:
        """Also where the requirement went for a while."""
        text = f"{HEADER}\nnumpy\n{line}\n"
        without = {"ds": ["numpy"]}

        assert update(text, without, {"ds": ["numpy", "pandas>=2"]}) == text

    def test_a_line_that_was_removed_stays_away_when_another_changes(self) -> None:
        """The lock said it before and says it still: it is not new."""
        text = f"{HEADER}\nnumpy==1\n"
        after = update(text, {"ds": ["numpy==1", "pandas"]}, {"ds": ["numpy==2", "pandas"]})

        assert after == f"{HEADER}\nnumpy==2\n"

    def test_a_line_that_was_moved_out_is_a_persons(self) -> None:
        """It is not added again, and it stays when its entry goes."""
        text = f"pandas>=2\n\n{HEADER}\nnumpy\n"
        before = {"ds": ["numpy", "pandas>=2"]}

        assert update(text, before, {"ds": ["pandas>=2"]}) == f"pandas>=2\n\n{HEADER}\n"
        assert update(text, before, {}) == "pandas>=2\n"

    def test_lines_behind_a_block_stay(self) -> None:
        """`echo flask >> requirements.in` lands in the block, and is a person's."""
        text = f"kedro\n\n{HEADER}\nnumpy\nflask\n"

        assert update(text, {"ds": ["numpy"]}, {}) == f"kedro\n\n{HEADER}\nflask\n"

    def test_an_edited_block_moves_along_with_its_entry(self) -> None:
        """An entry that got another alias is the same entry."""
        text = f"{HEADER}\nnumpy\npandas>=2,<3\n"
        lines = ["numpy", "pandas>=2"]

        assert update(text, {"ds": lines}, {"fc": lines}, {"ds": "fc"}) == text.replace("`ds`", "`fc`")

    def test_a_block_that_was_not_edited_goes_to_its_own_place(self) -> None:
        """As if it had always had its new name."""
        old, new = {"aa": ["x"], "bb": ["y"]}, {"bb": ["y"], "cc": ["x"]}

        assert update(update("kedro\n", {}, old), old, new, {"aa": "cc"}) == update("kedro\n", {}, new)


names = st.sampled_from(["numpy", "pandas>=2", "requests[socks]", "x==1.0", "y; python_version < '3.9'"])
wishes = st.dictionaries(st.sampled_from(["ds", "pipelines.fcst", "utils"]), st.lists(names, unique=True), max_size=3)
files = st.lists(st.sampled_from(["kedro~=0.19", "-r more.txt", "# mine", "", "flask"]), max_size=6).map(
    lambda lines: "".join(f"{line}\n" for line in lines)
)


class TestLinesHaveOwners:
    """Laws of the requirements file."""

    @given(files, wishes, wishes)
    def test_updating_twice_is_updating_once(
        self, text: str, first: dict[str, list[str]], then: dict[str, list[str]]
    ) -> None:
        """The second update with the same wishes changes nothing."""
        once = update(update(text, {}, first), first, then)

        assert update(once, then, then) == once

    @given(files, wishes)
    def test_leaving_gives_the_file_back(self, text: str, wanted: dict[str, list[str]]) -> None:
        """What was added is removed with its entry; the person's file is as before, byte for byte."""
        assert update(update(text, {}, wanted), wanted, {}) == text

    @given(files, wishes, wishes)
    def test_a_persons_lines_stay(self, text: str, first: dict[str, list[str]], then: dict[str, list[str]]) -> None:
        """Every line that was there before is there after, in the same order."""
        after = iter(update(update(text, {}, first), first, then).splitlines())

        assert all(line in after for line in text.splitlines())


PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # of a machine under load
LABELS = ("aa", "bb", "pipelines.cc")
LATEST = 4
Versions = Mapping[str, int]


class Life(NamedTuple):
    """A requirement line, and the versions of its entry that have it: it comes once and goes once."""

    line: str
    first: int
    gone: int


@st.composite
def lives(draw: st.DrawFn) -> Life:
    """A line that some versions have."""
    first = draw(st.integers(0, LATEST))
    line = draw(st.sampled_from(["numpy", "pandas>=2", "pandas>=2,<3", "pandas>=3", "x[y]", "zlib"]))
    return Life(line, first, draw(st.integers(first, LATEST + 1)))


class History(NamedTuple):
    """Entries in versions, a file that people have edited, and two ways to the same versions."""

    entries: Mapping[str, Sequence[Life]]
    text: str
    start: Versions
    steps: Sequence[Versions]  # the long way: pass by pass, with entries that fail or come late

    def lines(self, versions: Versions) -> dict[str, list[str]]:
        """What entries ask for in these versions."""
        return {
            label: [life.line for life in self.entries[label] if life.first <= version < life.gone]
            for label, version in versions.items()
        }

    def play(self, *steps: Versions) -> str:
        """The file after passes that came to these versions, one after the other."""
        text, before = self.text, self.start
        for after in steps:
            text = update(text, self.lines(before), self.lines(after))
            before = after
        return text


@st.composite
def edited(draw: st.DrawFn, text: str) -> str:
    """A file that a person has been at.

    Anything, but for the order of untouched lines in one block, and the blank lines that set blocks off.
    """
    lines = text.splitlines()
    for _ in range(draw(st.integers(0, 5))):
        at = draw(st.integers(0, max(len(lines) - 1, 0)))
        kind = draw(st.sampled_from(["comment", "cap", "annotate", "remove", "move", "insert", "append"]))
        if kind == "insert":
            lines.insert(at, draw(st.sampled_from(["# mine", "", "flask", "pandas>=2  # mine", "-r more.txt"])))
        elif kind == "append":
            lines += draw(st.sampled_from([["flask"], ["", "flask"], ["", "# tools", "pandas>=2"], [""]]))
        elif not lines or not lines[at] or lines[at].startswith("# Additional"):
            continue
        elif kind == "remove":
            del lines[at]
        elif kind == "move":
            lines = [lines[at], *lines[:at], *lines[at + 1 :]]
        elif not lines[at].startswith("#"):
            lines[at] = {"comment": "# {}", "cap": "{},<9", "annotate": "{}  # mine"}[kind].format(lines[at])
    return "".join(f"{line}\n" for line in lines).lstrip("\n")


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Entries that go from some versions to others, all at once or by many passes."""
    entries = {
        label: (
            Life(f"core-{label}", 0, LATEST + 1),
            *draw(st.lists(lives(), max_size=4, unique_by=lambda it: it.line)),
        )
        for label in LABELS
    }
    start = draw(st.fixed_dictionaries({}, optional=dict.fromkeys(LABELS, st.integers(0, LATEST))))
    history = History(entries, draw(files), {}, ())
    text = draw(edited(history.play(start)))
    steps, now = [], dict(start)
    for label in draw(st.lists(st.sampled_from(LABELS), max_size=8)):
        now = {**now, label: draw(st.integers(now.get(label, 0), LATEST))}
        steps.append(now)
    gone = draw(st.sets(st.sampled_from(LABELS)))
    for label in draw(st.permutations(sorted(gone))):
        now = {other: version for other, version in now.items() if other != label}
        steps.append(now)
    return history._replace(text=text, start=start, steps=steps)


class TestOnlyWhereItEndsMatters:
    """The file is a function of the person's lines and of the lock."""

    @PATIENT
    @given(histories())
    def test_order_and_failures_leave_no_trace(self, history: History) -> None:
        """Pass by pass, in any order, with entries that failed in between: the same bytes as all at once."""
        assert history.play(*history.steps) == history.play(*history.steps[-1:])

    @PATIENT
    @given(histories())
    def test_a_persons_lines_stay_through_a_history(self, history: History) -> None:
        """What is no exact line of an entry is in the file after, in the order it had."""
        ours = {life.line for own in history.entries.values() for life in own}
        after = iter(history.play(*history.steps).splitlines())
        persons = [line for line in history.text.splitlines() if line and not line.startswith("# Add")]

        assert all(line in after for line in persons if line not in ours)

    @PATIENT
    @given(histories())
    def test_what_is_asked_for_is_there(self, history: History) -> None:
        """Each line that came anew stands in the file, in whatever form a person gave it before."""
        (end,) = history.steps[-1:] or [history.start]
        new = {
            line
            for label, lines in history.lines(end).items()
            for line in set(lines) - set(history.lines(history.start).get(label, ()))
        }
        text = history.play(*history.steps)

        assert all(line in text for line in new)

    @PATIENT
    @given(histories())
    def test_nothing_stale_is_left(self, history: History) -> None:
        """A block has no exact line that its entry had once and has no more, and no entry that went has a block."""
        (end,) = history.steps[-1:] or [history.start]
        text = history.play(*history.steps)
        for label in LABELS:
            had = set(history.lines(history.start).get(label, ()))
            gone = had - set(history.lines(end).get(label, ()))
            _, header, block = text.partition(f"# Additional requirements from micro-package `{label}`:\n")
            own = itertools.takewhile(lambda line: line and not line.startswith("# Add"), block.split("\n"))
            assert not header or gone.isdisjoint(own)
