"""The whole way: what was asked is parsed, and the one module that carries it out is imported."""

from collections.abc import Sequence
from importlib import import_module
from types import SimpleNamespace as Namespace

from micropkgd.cli.parser import COMMANDS, parse
from micropkgd.errors import MicropkgError


def execute(arguments: Sequence[str]) -> int:
    """Run the command that was asked for; what a person can cause is an error message and an exit code."""
    options = parse(arguments)
    home = import_module(f"micropkgd.cli.commands.{COMMANDS[options.command].home}")
    try:
        exit_code: int = getattr(home, options.command)(options)
    except MicropkgError as error:
        _say_error(options, error)
        return error.exit_code
    except BrokenPipeError:
        raise
    except OSError as error:
        from micropkgd.cli.passes import of_the_machine

        problem = of_the_machine(error)
        _say_error(options, problem)
        return problem.exit_code
    return exit_code


def _say_error(options: Namespace, error: MicropkgError) -> None:
    """Say what is wrong with the command as a whole: who asked for a document gets one."""
    if options.json:
        from micropkgd.cli.say import say_json
        from micropkgd.model.condition import Failure
        from micropkgd.model.outcome_json import failure_document

        failure = failure_document(Failure.of(error))
        say_json(options, {"projects": [], "failure": failure}, exit_code=error.exit_code)
    else:
        from micropkgd.cli.output import error_lines
        from micropkgd.cli.say import say_aside

        say_aside(error_lines(error))
