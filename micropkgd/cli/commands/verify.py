"""`verify`: whether every installed file is what the lock says."""

from collections.abc import Iterator
from types import SimpleNamespace as Namespace

from micropkgd.actions.verification import Verification
from micropkgd.actions.verify import verify_files
from micropkgd.cli.lines import plain
from micropkgd.cli.paths import ask_each, projects_at
from micropkgd.cli.say import say_each


def verify(options: Namespace) -> int:
    """Compare every installed file with the lock."""
    found = ask_each(projects_at(options.project), verify_files)
    return say_each(options, found, Verification.document, _lines, lambda report: report.exit_code)


def _lines(report: Verification) -> Iterator[str]:
    yield from (plain(f"{what:<9} {path}") for path, what in report.differing)
    accepted = f", {len(report.accepted)} with an accepted edit" if report.accepted else ""
    yield f"{report.checked} files checked, {len(report.differing)} not as locked{accepted}"
