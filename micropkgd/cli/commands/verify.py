"""`verify`: whether every installed file is what the lock says."""

from collections.abc import Iterator
from types import SimpleNamespace as Namespace

from micropkgd.actions.verify import Verification, verify_files
from micropkgd.cli.lines import plain
from micropkgd.cli.say import say_json, say_words
from micropkgd.workspace.root import find_root


def verify(options: Namespace) -> int:
    """Compare every installed file with the lock."""
    report = verify_files(find_root(options.project))
    if options.json:
        say_json(options, {"projects": [report.document()]}, exit_code=report.exit_code)
    else:
        say_words(plain(line) for line in _lines(report))
    return report.exit_code


def _lines(report: Verification) -> Iterator[str]:
    yield from (f"{what:<9} {path}" for path, what in report.differing)
    accepted = f", {len(report.accepted)} with an accepted edit" if report.accepted else ""
    yield f"{report.checked} files checked, {len(report.differing)} not as locked{accepted}"
