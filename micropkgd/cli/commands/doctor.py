"""`doctor`: say what micropkgd sees here, and what is wrong with it."""

import os
from collections.abc import Iterator
from types import SimpleNamespace as Namespace

from micropkgd.actions.doctor import Diagnosis, examine
from micropkgd.cli.lines import plain
from micropkgd.cli.say import say_json, say_words
from micropkgd.errors import TreeError, words_of
from micropkgd.sdist.writer import Packing, Part

_ROOT = "micropkgd-report"


def doctor(options: Namespace) -> int:
    """Examine the project and its machine, or write down what can be sent to whoever mends micropkgd."""
    if options.bundle is not None:
        return _bundle(options)
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


def _bundle(options: Namespace) -> int:
    """Write the report where nothing stands yet, and say what is in it."""
    from micropkgd.actions.bug_report import bug_report

    files = bug_report(options.project, os.environ)
    data = b"".join(Packing(_ROOT).pack(Part(name, len(text), False, [text]) for name, text in files.items()))
    try:
        with open(options.bundle, "xb") as stream:
            stream.write(data)
    except OSError as error:
        hint = "name a file that is not there yet"
        raise TreeError(f"cannot be written: {words_of(error)}", where=options.bundle, hint=hint) from error
    if options.json:
        say_json(options, {"projects": [], "bundle": options.bundle, "files": [*files]}, exit_code=0)
    else:
        say_words(
            [
                plain(f"wrote {options.bundle}: {', '.join(files)}"),
                "names of people, machines and hosts were taken out; read it before you send it",
            ]
        )
    return 0
