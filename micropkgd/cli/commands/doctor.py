"""`doctor`: say what micropkgd sees here, and what is wrong with it."""

import os
from collections.abc import Iterator
from types import SimpleNamespace as Namespace

from micropkgd.actions.doctor import Diagnosis, examine, examine_machine, examine_project
from micropkgd.cli.lines import plain
from micropkgd.cli.paths import in_workspaces, one_project
from micropkgd.cli.say import say_json, say_one, say_words
from micropkgd.errors import TreeError, words_of
from micropkgd.model.condition import worst
from micropkgd.sdist.writer import Packing, Part
from micropkgd.workspace.root import find_root, root_around

_ROOT = "micropkgd-report"


def doctor(options: Namespace) -> int:
    """Examine the project and its machine, or write down what can be sent to whoever mends micropkgd."""
    if options.bundle is not None:
        return _bundle(options)
    found = _diagnoses(options.project)
    exit_code = worst(one.exit_code for one in found)
    if options.json:
        say_json(options, {"projects": [one.document() for one in found]}, exit_code=exit_code)
        return exit_code
    for one in found:
        told = [line for line in _lines(one) if not options.quiet or not line.startswith("ok ")]
        say_one(one.root if len(found) > 1 else "", [plain(line) for line in told])
    troubles = sum(finding.trouble for one in found for finding in one.findings)
    say_words([f"{troubles} {'trouble' if troubles == 1 else 'troubles'}" if troubles else "all is well"])
    return exit_code


def _diagnoses(start: str) -> list[Diagnosis]:
    """Of a workspace the machine once, under its root, then each member."""
    members = in_workspaces([start])
    if members == [start]:
        return [examine(start, os.environ)]
    return [examine_machine(find_root(start), os.environ), *map(examine_project, members)]


def _lines(diagnosis: Diagnosis) -> Iterator[str]:
    for finding in diagnosis.findings:
        yield f"{'trouble' if finding.trouble else 'ok':<8} {finding.topic:<12} {finding.text}"
        if finding.hint:
            yield f"  hint: {finding.hint}"


def _bundle(options: Namespace) -> int:
    """Write the report where nothing stands yet, and say what is in it."""
    from micropkgd.actions.bug_report import bug_report

    if root_around(options.project) is not None:
        one_project(options.project)
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
