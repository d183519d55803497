"""Where the time of a test run went: its slowest files, said at its end."""

from collections import defaultdict
from typing import Final

import pytest

_SHOWN: Final = 10
_WORTH: Final = 1.0  # seconds: a file that took less is not named


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how long each of the slowest files took, set-up and tear-down counted; on several workers they overlap."""
    spent: defaultdict[str, float] = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                spent[report.nodeid.partition("::")[0]] += report.duration
    slowest = sorted(((taken, file) for file, taken in spent.items() if taken >= _WORTH), reverse=True)
    if slowest:
        terminalreporter.section("slowest files")
    for taken, file in slowest[:_SHOWN]:
        terminalreporter.write_line(f"{taken:7.1f} s  {file}")
