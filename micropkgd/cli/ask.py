"""Questions to a person at a terminal: asked on stderr, answered on stdin. Elsewhere nobody is asked anything."""

import sys
from collections.abc import Sequence

from micropkgd.cli.lines import plain
from micropkgd.cli.streams import aside


def on_terminal() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str, usual: str = "") -> str:
    """What a person answers; what is usual where it is an empty line. The end of input is an interruption."""
    aside(f"{plain(question)}{f' [{plain(usual)}]' if usual else ''}: ")
    line = sys.stdin.readline()
    if not line:
        aside("\n")
        raise KeyboardInterrupt
    return line.strip() or usual


def agrees(question: str) -> bool:
    """Whether a person says yes, which is usual."""
    while (answer := ask(f"{question} (y/n)", "y").lower()) not in {"y", "yes", "n", "no"}:
        aside("please answer y or n\n")
    return answer[0] == "y"


def choose(question: str, among: Sequence[str]) -> str:
    """Which of several a person means, by its name or its number."""
    for number, name in enumerate(among, start=1):
        aside(f"  {number}  {plain(name)}\n")
    while True:
        answer = ask(question, among[0])
        if answer in among:
            return answer
        if answer.isdecimal() and 0 < int(answer) <= len(among):
            return among[int(answer) - 1]
        aside(f"please answer with a name or a number up to {len(among)}\n")
