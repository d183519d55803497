"""Prints what a command did: data to stdout, all else to stderr, or one JSON document."""

import sys
from collections.abc import Callable, Iterable, Sequence
from types import SimpleNamespace as Namespace

from micropkgd.annotations import TYPE_CHECKING, TextIO, TypeVar
from micropkgd.cli.lines import plain
from micropkgd.cli.streams import aside, put
from micropkgd.cli.terminal import columns, fitted, in_colour, painted
from micropkgd.model.condition import EXIT_PENDING, Failure, worst

if TYPE_CHECKING:
    from micropkgd.model.outcome import Outcome
    from micropkgd.reconcile.resolve.fetcher import Fetcher

    MakeFetcher = Callable[[str], Fetcher]

Answer = TypeVar("Answer")


def exit_code_of(outcomes: "Sequence[Outcome]", *, check: bool = False) -> int:
    """The exit code of a command over these projects; `check` counts what is pending."""
    codes = [outcome.exit_code for outcome in outcomes]
    if check and any(outcome.pending for outcome in outcomes):
        codes.append(EXIT_PENDING)
    return worst(codes)


def say_outcomes(options: Namespace, outcomes: "Sequence[Outcome]", **also: object) -> None:
    """Say what came of each project, in the form that was asked for; `also` is for the document alone."""
    if options.json:
        from micropkgd.model.outcome_json import outcome_document

        documents = [outcome_document(outcome) for outcome in outcomes]
        say_json(
            options,
            {**also, "projects": documents},
            exit_code=exit_code_of(outcomes, check=getattr(options, "check", False)),
        )
        return
    if getattr(options, "summary", None):
        from micropkgd.cli.output_summary import summary_lines

        say(summary_lines(outcomes))
        return
    from micropkgd.cli.output import outcome_lines

    for outcome in outcomes:
        if len(outcomes) > 1:
            heading = [f"{plain(outcome.root)}:"]
            say(heading) if outcome.failure is None else say_aside(heading)
        if outcome.failure is not None:
            say_problems(outcome)
            continue
        say_words(outcome_lines(outcome, verbose=options.verbose, quiet=options.quiet))
        if outcome.packages:
            from micropkgd.cli.output_package import package_lines

            words = package_lines(
                outcome.packages, verbose=options.verbose, quiet=options.quiet, applied=outcome.applied
            )
            say_words(words)


def say_each(
    options: Namespace,
    found: Sequence[tuple[str, Answer | Failure]],
    document: Callable[[Answer], dict[str, object]],
    lines: Callable[[Answer], Iterable[str]],
    exit_code_of: Callable[[Answer], int] = lambda _: 0,
) -> int:
    """Say what each project answered, where there are several below its folder; the exit code of all."""
    codes = [answer.exit_code if isinstance(answer, Failure) else exit_code_of(answer) for _, answer in found]
    exit_code = worst(codes)
    if options.json:
        rows = [
            failed_row(root, one) if isinstance(one, Failure) else {"project": root, **document(one)}
            for root, one in found
        ]
        say_json(options, {"projects": rows}, exit_code=exit_code)
        return exit_code
    for root, one in found:
        say_one(root if len(found) > 1 else "", one if isinstance(one, Failure) else [*lines(one)])
    return exit_code


def say_one(heading: str, said: Failure | Sequence[str]) -> None:
    """What one project has to say, below its folder where that is told; nothing where it has nothing to say."""
    above = [plain(f"{heading}:")] if heading and said else []
    if not isinstance(said, Failure):
        say_words([*above, *said])
        return
    from micropkgd.cli.output import failure_lines

    say_aside([*above, *failure_lines(said)])


def failed_row(root: str, failure: Failure) -> dict[str, object]:
    """The document of a project that could not answer."""
    from micropkgd.model.outcome_json import failure_document

    return {"project": root, "failure": failure_document(failure)}


def say_problems(outcome: "Outcome") -> None:
    """What kept a project from being worked on, or an entry from being shown, goes to stderr."""
    from micropkgd.cli.output import failure_lines

    failures = [outcome.failure] if outcome.failure else [entry.failure for entry in outcome.entries if entry.failure]
    for failure in failures:
        say_aside(failure_lines(failure))


def say_aside(lines: Iterable[str]) -> None:
    """Print lines that are no data."""
    aside("".join(f"{line}\n" for line in _for_people(lines, sys.stderr)))


def say_json(options: Namespace, document: dict[str, object], *, exit_code: int) -> None:
    """Print a result as the versioned document of docs/json.md."""
    import json

    from micropkgd.cli.output import JSON_SCHEMA

    document = {"schema": JSON_SCHEMA, "command": options.command, "exit_code": exit_code, **document}
    say([json.dumps(document, indent=2)])


def say(lines: Iterable[str]) -> None:
    """Print lines of data."""
    put("".join(f"{line}\n" for line in lines))  # at once: a thousand small writes take a while


def say_words(lines: Iterable[str]) -> None:
    """Print lines for people."""
    say(_for_people(lines, sys.stdout))


def local(stamp: str) -> str:
    """A moment as people on stdout are told it: by their clock, with how long ago; where a program reads, as it is."""
    if columns(sys.stdout) is None:
        return stamp
    import time

    from micropkgd.cli.ages import moment

    return moment(stamp, time.time())


def _for_people(lines: Iterable[str], stream: TextIO) -> Iterable[str]:
    """Lines as wide as the terminal, the word that each begins with marked where colours are seen."""
    width = columns(stream)
    fit = lines if width is None else (part for line in lines for part in fitted(line, width))
    return map(painted, fit) if in_colour(stream) else fit
