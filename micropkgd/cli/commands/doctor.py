"""`doctor`: say what micropkgd sees here, and what is wrong with it."""

import os
from argparse import Namespace
from collections.abc import Iterator

from micropkgd.actions.doctor import Diagnosis, examine
from micropkgd.cli.lines import plain
from micropkgd.cli.say import say_json, say_words


def doctor(options: Namespace) -> int:
    """Examine the project and its machine."""
    diagnosis = examine(options.project, os.environ)
    if options.json:
        say_json(options, {"projects": [diagnosis.document()]}, exit_code=diagnosis.exit_code)
    else:
        told = (line for line in _lines(diagnosis) if not options.quiet or not line.startswith("ok "))
        say_words(plain(line) for line in told)
    return diagnosis.exit_code


def _lines(diagnosis: Diagnosis) -> Iterator[str]:
    for finding in diagnosis.findings:
        yield f"{'trouble' if finding.trouble else 'ok':<8} {finding.topic:<12} {finding.text}"
        if finding.hint:
            yield f"  hint: {finding.hint}"
    troubles = sum(finding.trouble for finding in diagnosis.findings)
    yield f"{troubles} {'trouble' if troubles == 1 else 'troubles'}" if troubles else "all is well"
