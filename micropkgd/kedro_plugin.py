"""`kedro micropkg pull` and `kedro micropkg package`, back in any Kedro project, by way of an entry point.

Kedro finds `commands` in the entry point group `kedro.project_commands` and merges it with its own; where it has a
group `micropkg` of its own (0.18, 0.19) this one comes first. Options, phrases and error texts are those that scripts
know, and so is the exit code of what Kedro refuses, too; the work is that of `micropkgd pull` and `micropkgd package`,
but for the requirements file, which is Kedro's.
Every start of `kedro` imports this module: it imports click, which Kedro has loaded, and the rest when it is used.
"""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from micropkgd.annotations import TYPE_CHECKING, Any, Protocol
from micropkgd.errors import MicropkgError

if TYPE_CHECKING:
    from types import SimpleNamespace as Namespace

    from micropkgd.model.outcome import Outcome
    from micropkgd.model.packaged import PackageOutcome

_REQUIREMENTS = "requirements.txt"  # what Kedro's command kept
_KEDRO_REFUSES = (2, 6)
_REJECTED = {
    "ArchiveRejected/root": "Invalid sdist was extracted: exactly one directory was expected",
    "ArchiveRejected/not-one-package": "Invalid package contents: exactly one package was expected",
}
_MODULE = re.compile(r"[\w.]+")
_NO_PULL = "Please specify a package path or add '--all' to pull all micro-packages in the 'pyproject.toml' package \
manifest section."
_NO_PACKAGE = "Please specify a micro-package name or add '--all' to package all micro-packages in the \
'pyproject.toml' package manifest section."
_NOTHING = "Nothing to {}. Please update the 'pyproject.toml' package manifest section."


class Metadata(Protocol):
    """What is used of Kedro's `ProjectMetadata`."""

    project_path: Path
    source_dir: Path
    package_name: str


def _check_alias(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """Kedro's rules for names, in its words; micropkgd's own come later."""
    del context, parameter
    problem = f"'{value}' is not a valid Python package name. It must "
    if value and not re.match(r"[A-Za-z_]", value):
        raise click.ClickException(f"{problem}start with a letter or underscore.")
    if len(value) == 1:
        raise click.ClickException(f"{problem}be at least 2 characters long.")
    if value and not re.fullmatch(r"\w+", value):
        raise click.ClickException(f"{problem}contain only letters, digits, and/or underscores.")
    return value


def _check_module(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    del context, parameter
    if value and not _MODULE.fullmatch(value):
        raise click.ClickException("The micro-package location you provided is not a valid Python module path")
    return value


def _shared_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--alias", default="", callback=_check_alias, help="Another name for the package."),
        click.option("-e", "--env", default="", help="Config environment of its parameters; the base one by default."),
        click.option("-a", "--all", "all_flag", is_flag=True, help="Every row of the manifest in pyproject.toml."),
        click.option("-v", "--verbose", is_flag=True, help="Name every changed file."),
    ):
        command = option(command)
    return command


@click.group(name="micropkgd")
def commands() -> None:
    """Take over Kedro's micro-packages with micropkgd."""


@commands.group()
def micropkg() -> None:
    """Pull and package micro-packages (by micropkgd)."""


@micropkg.command("pull")
@click.argument("package_path", required=False)
@_shared_options
@click.option("-d", "--destination", default="", help="Module location below the package folder, like pipelines.")
@click.option("--fs-args", type=click.Path(exists=True, dir_okay=False), help="YAML options for reaching the package.")
@click.pass_obj
def pull(metadata: Metadata, /, package_path: str | None, **given: Any) -> None:
    """Pull and unpack a micro-package, or all of the manifest."""
    if given["all_flag"]:
        _pull_all(metadata, given)
    elif package_path:
        _pull_one(metadata, package_path, given)
    else:
        click.echo(_NO_PULL)
        click.get_current_context().exit(1)


@micropkg.command("package")
@click.argument("module_path", required=False, callback=_check_module)
@_shared_options
@click.option("-d", "--destination", default="", help="Folder of the sdist; `dist` in the project by default.")
@click.pass_obj
def package(metadata: Metadata, /, module_path: str | None, **given: Any) -> None:
    """Package a module, or all of the manifest, as a source distribution."""
    if given["all_flag"]:
        _package_all(metadata, given)
    elif module_path:
        _package_one(metadata, module_path, given)
    else:
        click.echo(_NO_PACKAGE)
        click.get_current_context().exit(1)


def _pull_one(metadata: Metadata, ref: str, given: dict[str, Any]) -> None:
    from micropkgd.cli.commands.pull import pull_one
    from micropkgd.cli.say import exit_code_of, say_outcomes

    with _shown_errors():
        options = _options(metadata, given, "pull", ref, *_words(given, "alias", "destination", "env", "fs_args"))
        outcomes = pull_one(options, options.project, _REQUIREMENTS)
        say_outcomes(options, outcomes)
        _say_why(outcomes)
    if not (exit_code := exit_code_of(outcomes)):
        click.secho(f"Micro-package {ref} pulled and unpacked{_as(given)}!", fg="green")
    _end(exit_code)


def _pull_all(metadata: Metadata, given: dict[str, Any]) -> None:
    from micropkgd.cli.commands.pull import pull_all
    from micropkgd.cli.say import exit_code_of, say_outcomes
    from micropkgd.workspace.project import read_manifest

    with _shown_errors():
        rows = read_manifest(str(metadata.project_path)).pulls
        options = _options(metadata, given, "pull", "--all")
        outcomes = pull_all(options, options.project, _REQUIREMENTS)
        say_outcomes(options, outcomes)
        _say_why(outcomes)
    exit_code = exit_code_of(outcomes)
    done = [entry.ref for outcome in outcomes for entry in outcome.entries if not entry.exit_code and entry.after]
    for ref in done:
        click.echo(f"Pulled and unpacked '{ref}'!")
    if not rows:
        click.secho(_NOTHING.format("pull"), fg="yellow")
    elif not exit_code:
        click.secho("Micro-packages pulled and unpacked!", fg="green")
    _end(exit_code)


def _say_why(outcomes: "Sequence[Outcome]") -> None:
    """Say in Kedro's words, too, what it refused."""
    for failure in (entry.failure for outcome in outcomes for entry in outcome.entries if entry.failure):
        if phrase := _REJECTED.get(failure.reason):
            click.secho(f"{phrase}: {failure.problem}", fg="red")


def _package_one(metadata: Metadata, module: str, given: dict[str, Any]) -> None:
    folder = Path(metadata.source_dir, metadata.package_name, *module.split("."))
    if not folder.is_dir():
        raise click.ClickException(f"Directory '{folder}' doesn't exist.")
    if not any(folder.iterdir()):
        raise click.ClickException(f"'{folder}' is an empty directory.")
    outcomes, exit_code = _packaged(metadata, given, module)
    for problem in _bad_requirements(folder / _REQUIREMENTS) if exit_code else ():
        click.secho(f"InvalidRequirement: {problem}", fg="red")
    for archived in (outcome.archived for outcome in outcomes if outcome.archived and not exit_code):
        where = os.path.join(metadata.project_path, archived.path)
        message = f"'{metadata.package_name}.{module}' packaged{_as(given)}! Location: {where}"
        click.secho(message, fg="green")
    _end(exit_code)


def _bad_requirements(path: Path) -> Iterator[str]:
    """What the library that Kedro used says of the lines that are not requirements."""
    from packaging.requirements import InvalidRequirement, Requirement

    lines = path.read_text(errors="replace").splitlines() if path.is_file() else []
    for line in (line.partition(" #")[0].strip() for line in lines):
        if line and not line.startswith("#"):
            try:
                Requirement(line)
            except InvalidRequirement as error:
                yield str(error)


def _package_all(metadata: Metadata, given: dict[str, Any]) -> None:
    outcomes, exit_code = _packaged(metadata, given, None)
    for outcome in outcomes:
        if not outcome.exit_code:
            click.echo(f"Packaged '{outcome.module}' micro-package!")
    if not outcomes:
        click.secho(_NOTHING.format("package"), fg="yellow")
    elif not exit_code:
        click.secho("Micro-packages packaged!", fg="green")
    _end(exit_code)


def _packaged(
    metadata: Metadata, given: dict[str, Any], module: str | None
) -> tuple["tuple[PackageOutcome, ...]", int]:
    """Package one module, or every row, and say what came of it."""
    from micropkgd.cli.output_package import package_lines
    from micropkgd.cli.say import say
    from micropkgd.model.condition import worst
    from micropkgd.model.packaged import Step
    from micropkgd.reconcile.package.entries import run_package
    from micropkgd.reconcile.package.jobs import PackageRequest

    with _shown_errors():
        # Kedro took it from the working folder, not from the project.
        folder = os.path.abspath(given["destination"]) if given["destination"] else None
        wanted = (
            PackageRequest(module, given["alias"] or None, folder, given["env"] or None) if module else PackageRequest()
        )
        outcomes = run_package(str(metadata.project_path), wanted)
        for archived in (one.archived for one in outcomes if one.archived and one.step is Step.UPDATE):
            where = os.path.join(metadata.project_path, archived.path)
            click.secho(f"Package file {where} will be overwritten!", fg="yellow")
        say(package_lines(outcomes, verbose=given["verbose"]) if outcomes else ())
    return outcomes, worst(outcome.exit_code for outcome in outcomes)


def _options(metadata: Metadata, given: dict[str, Any], *words: str) -> "Namespace":
    """The options of our own command line that mean the same."""
    from micropkgd.cli.parser import parse
    from micropkgd.workspace.root import find_root

    verbose = ["--verbose"] if given["verbose"] else []
    arguments = [*words, *verbose, "--project", find_root(str(metadata.project_path))]
    return parse(arguments)


def _words(given: dict[str, Any], *names: str) -> list[str]:
    return [f"--{name.replace('_', '-')}={given[name]}" for name in names if given[name]]


def _end(exit_code: int) -> None:
    """End as Kedro did where it, too, had refused: our codes for a bad command, name, row or archive are its 1."""
    click.get_current_context().exit(1 if exit_code in _KEDRO_REFUSES else exit_code)


def _as(given: dict[str, Any]) -> str:
    return f" as '{given['alias']}'" if given["alias"] else ""


@contextmanager
def _shown_errors() -> Iterator[None]:
    """Show our errors as our own command line does."""
    from micropkgd.cli.output import error_lines

    try:
        yield
    except MicropkgError as error:
        for line in error_lines(error):
            click.echo(line, err=True)
        _end(error.exit_code)
