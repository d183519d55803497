"""The README shows what the program says. After a change: `python -m tests.cli.test_readme` writes the blocks anew."""

import re
import subprocess
import sys

from tests.kit.places import REPOSITORY

README = REPOSITORY / "README.md"
BLOCK = re.compile(r"(<!-- help:(micropkgd[a-z ]*) -->\n).*?(<!-- help:end -->)", re.DOTALL)


def help_text(command: str) -> str:
    """What `command --help` prints on a terminal of 100 columns."""
    words = [sys.executable, "-m", *command.split(), "--help"]
    result = subprocess.run(words, capture_output=True, text=True, check=True, env={"COLUMNS": "100", "NO_COLOR": "1"})
    return result.stdout.rstrip()


def with_help(text: str) -> str:
    """A text with its help blocks as they should be."""
    return BLOCK.sub(lambda block: f"{block[1]}\n```text\n{help_text(block[2])}\n```\n\n{block[3]}", text)


def test_help_blocks_are_what_the_program_prints() -> None:
    """The README's help blocks equal `--help`."""
    text = README.read_text()

    assert len(BLOCK.findall(text)) == 2
    assert with_help(text) == text


def test_links_lead_somewhere() -> None:
    """Every relative link of the README names a file of the repository."""
    links = re.findall(r"\]\(([^):#]+)\)", README.read_text())

    assert [link for link in links if not (README.parent / link).exists()] == []


if __name__ == "__main__":
    README.write_text(with_help(README.read_text()))
