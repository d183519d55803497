"""The README shows what the program says. After a change: `python -m tests.cli.test_readme` writes it anew."""

import re

from tests.kit.places import REPOSITORY
from tests.kit.story import BLOCK, as_run

README = REPOSITORY / "README.md"


def test_its_story_is_true() -> None:
    """Every command of the story can be run, and prints what stands there."""
    text = README.read_text()

    assert len(BLOCK.findall(text)) >= 4
    assert as_run(text) == text, "after a change of what is printed: python -m tests.cli.test_readme"


def test_links_lead_somewhere() -> None:
    """Every relative link of the README names a file of the repository."""
    links = re.findall(r"\]\(([^):#]+)\)", README.read_text())

    assert [link for link in links if not (README.parent / link).exists()] == []


if __name__ == "__main__":
    README.write_text(as_run(README.read_text()))
