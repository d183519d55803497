"""What each command does: build what it needs, run it, say what came of it, give the exit code."""

import json
import os
import signal
import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from micropkgd.cli import output
from micropkgd.cli.logs import Logs
from micropkgd.cli.parser import make_parser
from micropkgd.cli.progress import Downloads
from micropkgd.errors import MicropkgError, UsageError
from micropkgd.model.condition import EXIT_PENDING, Outcome, Verb, worst
from micropkgd.reconcile import inspect
from micropkgd.reconcile.cycle import Options, fail, run_pass
from micropkgd.reconcile.edit import add_entry, match_entry, remove_entry
from micropkgd.reconcile.planner import Conflict
from micropkgd.reconcile.resolve import Fetcher
from micropkgd.sources.cache import ArchiveCache, default_cache_folder
from micropkgd.sources.gather import Sources
from micropkgd.workspace.project import find_root, read_manifest

_INTERRUPTED = 130
_TERMINATED = 143


def run(arguments: Sequence[str]) -> int:
    """Run one command line; what a person can cause is an error message and an exit code, never a traceback."""
    signal.signal(signal.SIGTERM, _terminate)
    options = make_parser().parse_args(arguments)
    try:
        return _COMMANDS[options.command](options)
    except MicropkgError as error:
        _say_error(error)
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; what was begun is finished or taken back by the next pass\n")
        return _INTERRUPTED
    except BrokenPipeError:
        # Who read us has read enough; nothing is left to say, also not by the interpreter at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE


def _terminate(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise SystemExit(_TERMINATED)


def _reconcile(options: Namespace) -> int:
    if not options.once and not options.dry_run and not options.check:
        raise UsageError("the service is not built yet", hint="run one pass with `micropkgd reconcile --once`")
    wanted = Options(
        apply=not (options.dry_run or options.check),
        locked=options.locked,
        frozen=options.frozen,
        lock_timeout=options.lock_timeout,
    )
    outcomes = _passes(options, options.projects, wanted)
    _say_outcomes(options, outcomes)
    return _exit_code(outcomes, check=options.check)


def _lock(options: Namespace) -> int:
    root = find_root(options.project)
    refs = frozenset[str]()
    if options.upgrade is not None:
        entries = read_manifest(root).pulls
        named = [match_entry(root, text) for text in options.upgrade]
        refs = frozenset(named or (entry.ref.text for entry in entries))
    wanted = Options(apply=not options.check, lock_only=True, upgrade=refs, lock_timeout=options.lock_timeout)
    outcomes = _passes(options, [root], wanted)
    _say_outcomes(options, outcomes)
    return _exit_code(outcomes, check=options.check)


def _add(options: Namespace) -> int:
    root = find_root(options.project)
    given = {"alias": options.alias, "destination": options.destination, "env": options.env,
             "fs-args": options.fs_args, "sha256": options.sha256}  # fmt: skip
    undo = add_entry(root, options.ref, {key: value for key, value in given.items() if value}, options.lock_timeout)
    outcomes = _passes(options, [root], Options(lock_timeout=options.lock_timeout))
    added = [entry for outcome in outcomes for entry in outcome.entries if entry.ref == options.ref]
    if any(entry.verb is Verb.FAIL and entry.failure and not entry.failure.transient for entry in added):
        undo()
        sys.stderr.write(f"`{options.ref}` was not added: pyproject.toml is as before\n")
    _say_outcomes(options, outcomes)
    return _exit_code(outcomes)


def _remove(options: Namespace) -> int:
    root = find_root(options.project)
    remove_entry(root, match_entry(root, options.ref), options.lock_timeout)
    outcomes = _passes(options, [root], Options(lock_timeout=options.lock_timeout))
    _say_outcomes(options, outcomes)
    return _exit_code(outcomes)


def _resolve(options: Namespace) -> int:
    root = find_root(options.project)
    ref = match_entry(root, options.ref)
    inspect.require_held(root, ref)
    wanted = Options(choices={ref: Conflict(options.choice)}, lock_timeout=options.lock_timeout)
    outcomes = _passes(options, [root], wanted)
    _say_outcomes(options, outcomes)
    return _exit_code(outcomes)


def _diff(options: Namespace) -> int:
    root = find_root(options.project)
    only = match_entry(root, options.ref) if options.ref else None
    (outcome,) = _passes(options, [root], Options(apply=False, locked=options.locked, frozen=options.frozen))
    changes = [
        change
        for entry in outcome.entries
        if entry.plan is not None and only in {None, entry.ref}
        for change in entry.plan.changes
        if change.before != change.after
    ]
    changes += outcome.shared if only is None else ()
    if options.json:
        _say_outcomes(options, [outcome])
    else:
        before = inspect.read_files(root, (change.path for change in changes if change.before))
        _say(output.diff_lines(changes, before, outcome.contents))
        _say_problems(outcome)
    return outcome.exit_code


def _status(options: Namespace) -> int:
    report = inspect.status(find_root(options.project))
    if options.json:
        _say_json(options, {"projects": [report.document()]}, exit_code=0)
    else:
        _say(output.plain(line) for line in report.lines())
    return 0


def _verify(options: Namespace) -> int:
    report = inspect.verify(find_root(options.project))
    if options.json:
        _say_json(options, {"projects": [report.document()]}, exit_code=report.exit_code)
    else:
        _say(output.plain(line) for line in report.lines())
    return report.exit_code


_COMMANDS = {
    "reconcile": _reconcile,
    "lock": _lock,
    "add": _add,
    "remove": _remove,
    "resolve": _resolve,
    "diff": _diff,
    "status": _status,
    "verify": _verify,
}


def _passes(options: Namespace, projects: Iterable[str], wanted: Options) -> list[Outcome]:
    """Run one pass for each project; one that cannot be worked on does not stop the others (promise P7)."""
    logs = Logs(options.log_format, verbose=options.verbose, quiet=options.quiet)
    outcomes = []
    with _fetchers(options) as (sources, cache):
        for project in projects:
            try:
                root = find_root(project)
                outcome = run_pass(root, wanted, lambda root: Fetcher(root, sources, cache, os.environ))
            except MicropkgError as error:
                outcome = fail(project, error)
            if outcome.recovered:
                logs.warning("recovered", project=outcome.root, what="an interrupted pass was finished or taken back")
            logs.info("pass ended", project=outcome.root, exit_code=outcome.exit_code, pending=outcome.pending)
            outcomes.append(outcome)
    return outcomes


@contextmanager
def _fetchers(options: Namespace) -> Iterator[tuple[Sources, ArchiveCache]]:
    cache = ArchiveCache(default_cache_folder(os.environ))
    quiet = options.quiet or options.json
    with Downloads(quiet=quiet) as progress, Sources(cache, offline=options.offline, progress=progress) as sources:
        yield sources, cache


def _exit_code(outcomes: Sequence[Outcome], *, check: bool = False) -> int:
    codes = [outcome.exit_code for outcome in outcomes]
    if check and any(outcome.pending for outcome in outcomes):
        codes.append(EXIT_PENDING)
    return worst(codes)


def _say_outcomes(options: Namespace, outcomes: Sequence[Outcome]) -> None:
    if options.json:
        documents = [output.outcome_document(outcome) for outcome in outcomes]
        _say_json(
            options, {"projects": documents}, exit_code=_exit_code(outcomes, check=getattr(options, "check", False))
        )
        return
    for outcome in outcomes:
        if outcome.failure is not None:
            _say_problems(outcome)
            continue
        if len(outcomes) > 1:
            _say([f"{outcome.root}:"])
        _say(output.outcome_lines(outcome, verbose=options.verbose, quiet=options.quiet))


def _say_problems(outcome: Outcome) -> None:
    """What kept a project from being worked on, or an entry from being shown, goes to stderr."""
    failures = [outcome.failure] if outcome.failure else [entry.failure for entry in outcome.entries if entry.failure]
    for failure in failures:
        sys.stderr.writelines(f"{line}\n" for line in output.failure_lines(failure))


def _say_json(options: Namespace, document: dict[str, object], *, exit_code: int) -> None:
    document = {"schema": output.JSON_SCHEMA, "command": options.command, "exit_code": exit_code, **document}
    _say([json.dumps(document, indent=2)])


def _say(lines: Iterable[str]) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


def _say_error(error: MicropkgError) -> None:
    sys.stderr.writelines(f"{line}\n" for line in output.error_lines(error))
