"""Every name of a page, section, threat, fault, promise, rule, defect, decision or file leads somewhere."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from micropkgd.sdist.limits import DEFAULT_LIMITS
from tests.docs.mentions import BENCHMARKS, MODULES, PAGES, TESTS, headings, read
from tests.kit.places import REPOSITORY

CODE = [path for path in [*MODULES, *TESTS, *BENCHMARKS] if not path.startswith("tests/docs/")]
NUMBERED = {"T": "docs/threats.md", "F": "docs/faults.md", "P": "docs/reliability.md"}


def mentioned(pattern: str, paths: list[str]) -> Iterator[tuple[str, re.Match[str]]]:
    """Where something is named; line ends count as spaces."""
    for path in paths:
        for match in re.finditer(pattern, re.sub(r"\s*\n\s*", " ", read(path))):
            yield path, match


def rows(page: str) -> list[str]:
    """The first cell of each row of the tables of a page."""
    return re.findall(r"^\| ([^|]+?) \|", read(page), re.MULTILINE)


def rules() -> set[str]:
    """The numbers of the rules of HTTP."""
    section = read("docs/http.md").partition("## Rules\n")[2].partition("\n## ")[0]
    return set(re.findall(r"^(\d+)\. ", section, re.MULTILINE))


def slugs() -> set[str]:
    """The words of the code that say why an archive is refused."""
    pattern = r'(?:ArchiveError\(|_bad_header\([^)]*reason=|reason: str = )\s*"([a-z0-9-]+)"'
    return {match[1] for _, match in mentioned(pattern, [path for path in MODULES if "/sdist/" in path])}


def test_pages() -> None:
    """A page that code names is there, and named from the root of the repository."""
    named = mentioned(r"(?<![\w/.*])((?:[\w-]+/)*[\w.-]+\.md)\b", CODE)
    lost = {(path, match[1]) for path, match in named if match[1].startswith(("docs/", "tests/")) and not _is(match[1])}
    bare = {(path, match[1]) for path, match in mentioned(r"\(([a-z]+\.md)[,;) ]", CODE) if not _is(match[1])}
    assert lost | bare == set()


def test_nobody_left_a_merge_open() -> None:
    """Lines of git that stand between two sides."""
    left = re.compile(r"^(<<<<<<< HEAD|>>>>>>> [0-9a-f]{7,40} )", re.MULTILINE)
    assert [path for path in [*MODULES, *TESTS, *PAGES] if left.search(read(path))] == []


def test_sections() -> None:
    """A section that is named in quotes behind its page is a heading of it."""
    named = list(mentioned(r'(docs/[\w/-]+\.md),? "([^"]+)"', [*CODE, *PAGES]))
    assert named
    assert [(path, match[0]) for path, match in named if match[2] not in headings(match[1])] == []


@pytest.mark.parametrize("letter", NUMBERED)
def test_threats_faults_and_promises(letter: str) -> None:
    """A number is a row of its page."""
    named = {match[1] for _, match in mentioned(rf"(?<![\w-])({letter}\d{{1,2}})(?![\w-])", [*CODE, *PAGES])}
    assert named
    assert named - set(rows(NUMBERED[letter])) == set()


def test_rules_of_http() -> None:
    """A rule of HTTP that code names is one of the page."""
    http = [path for path in CODE if "/http/" in path]
    named = {n for _, match in mentioned(r"\brules? (\d+)(?: and (\d+))?", http) for n in match.groups() if n}
    assert named
    assert named - rules() == set()


def test_defects_of_kedro() -> None:
    """A defect that code names is a row of the page."""
    named = {n for _, match in mentioned(r"\bdefects? (\d+)(?: and (\d+))?", CODE) for n in match.groups() if n}
    assert named
    assert named - set(rows("docs/kedro.md")) == set()


def test_decisions() -> None:
    """A decision that is named by its number is there, and the list of decisions has each."""
    there = {int(path.name[:4]): path.name for path in (REPOSITORY / "docs/decisions").glob("0*.md")}
    named = {int(match[1]) for _, match in mentioned(r"\bdecisions?[ /](\d+)\b", [*CODE, *PAGES])}
    assert named - set(there) == set()
    assert [name for name in there.values() if f"({name})" not in read("docs/decisions/README.md")] == []


def test_reasons_of_refused_archives() -> None:
    """Every word that an archive may be refused with is explained, and no other."""
    told = {word for cell in rows("docs/archives.md") for word in re.findall(r"`([a-z-]+)`", cell)}
    assert told == slugs()


def test_caps_of_the_reader() -> None:
    """The page says the caps that hold."""
    told = read("docs/archives.md").replace("\n", " ")
    caps = DEFAULT_LIMITS
    for text in (f"{caps.packed >> 20} MiB packed", f"{caps.unpacked >> 20} MiB unpacked", f"{caps.ratio} times",
                 f"{caps.members:,} members", f"{caps.depth} parts", f"{caps.component} bytes"):  # fmt: skip
        assert text in re.sub(r" +", " ", told)


def test_files_that_pages_name() -> None:
    """Paths of the repository in the pages exist; tests may be named without their folder `tests/`."""
    folders = "micropkgd|tests|docs|deploy|benchmarks|examples"
    paths = mentioned(
        rf"`((?:{folders})/[a-z][\w./-]+|[a-z]+/test_\w+)`", [page for page in PAGES if page != "CHANGELOG.md"]
    )
    assert [match[0] for _, match in paths if not _is(match[1]) and not _is(f"tests/{match[1]}.py")] == []


def test_links() -> None:
    """Every link from one page to another, or to a heading of one, leads there."""
    lost = []
    for page, match in mentioned(r"\]\(([^)\s:]*?)(?:#([\w-]+))?\)", PAGES):
        target = (Path(page).parent / match[1]).as_posix() if match[1] else page
        anchors = {_anchor(heading) for heading in headings(target)} if match[2] and _is(target) else set()
        if not _is(target) or (match[2] and match[2] not in anchors):
            lost.append((page, match[0]))
    assert lost == []


def _is(path: str) -> bool:
    return (REPOSITORY / path).exists()


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
