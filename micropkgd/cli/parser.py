"""What can be asked on the command line. The README shows these help texts, and a test compares them."""

from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from typing import TYPE_CHECKING

from micropkgd import __version__

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    Commands = _SubParsersAction[ArgumentParser]

_EXIT_CODES = """\
exit codes: 0 in sync; 1 an entry failed; 2 usage, config, manifest or a bad name; 3 changes pending (--check,
--locked, lock --check); 4 held by local edits; 5 a source is unreachable or throttled, try again; 6 verification
failed or archive rejected; 7 another process holds the project; 130, 143 ended by a signal. When several apply,
the first of 2, 6, 1, 5, 4, 3."""


def make_parser() -> ArgumentParser:
    """The whole command line."""
    parser = ArgumentParser(
        prog="micropkgd",
        description="Keep the micro-packages of Kedro projects equal to what their pyproject.toml asks for.",
        epilog=_EXIT_CODES,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"micropkgd {__version__}")
    # Without `prog` argparse formats a usage text to find it, and imports shutil for its width.
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, prog="micropkgd")
    _reconcile(commands)
    _lock(commands)
    _edit(commands)
    _look(commands)
    _resolve(commands)
    _history(commands)
    _pull(commands)
    _package(commands)
    _care(commands)
    _cache(commands)
    return parser


def _reconcile(commands: "Commands") -> None:
    command = _command(commands, "reconcile", "bring projects into line with their manifest and lock")
    command.add_argument("--once", action="store_true", help="run one pass and end (the service is not built yet)")
    _add_lock_modes(command)
    command.add_argument("--dry-run", action="store_true", help="say what would be done, and write nothing")
    command.add_argument("--check", action="store_true", help="like --dry-run, and exit 3 where something is pending")
    _add_allow_downgrade(command)
    _add_sources(command)
    _add_projects(command)


def _lock(commands: "Commands") -> None:
    command = _command(commands, "lock", "bring micropkg.lock up to date and leave the tree as it is")
    command.add_argument(
        "--check", action="store_true", help="write nothing, and exit 3 where the lock is not up to date"
    )
    command.add_argument(
        "--upgrade",
        nargs="*",
        metavar="REF",
        help='follow these refs (all, if none is named) despite update = "locked"',
    )
    _add_allow_downgrade(command)
    _add_sources(command)
    _add_project(command)


def _edit(commands: "Commands") -> None:
    command = _command(commands, "add", "add a pull entry to pyproject.toml and reconcile")
    command.add_argument("ref", metavar="REF", help="path, address or requirement of the archive")
    _add_pull_options(command)
    command.add_argument("--index", metavar="URL", help="index that a requirement is looked up in")
    command.add_argument("--sha256", metavar="HEX", help="install these bytes and no others")
    _add_sources(command)
    _add_project(command)
    command = _command(commands, "remove", "remove a pull entry from pyproject.toml and reconcile")
    command.add_argument("ref", metavar="REF", help="ref, target folder or name of the entry")
    _add_sources(command)
    _add_project(command)


def _look(commands: "Commands") -> None:
    command = _command(commands, "status", "say how each entry stands, without asking any source")
    _add_project(command)
    command = _command(commands, "diff", "show as a unified diff what a pass would change")
    command.add_argument("ref", metavar="REF", nargs="?", help="only this entry: its ref, target folder or name")
    _add_lock_modes(command)
    _add_allow_downgrade(command)
    _add_sources(command)
    _add_project(command)
    command = _command(commands, "verify", "hash every installed file and compare it with the lock")
    _add_project(command)


def _resolve(commands: "Commands") -> None:
    command = _command(commands, "resolve", "decide what becomes of an entry that local edits hold")
    command.add_argument("ref", metavar="REF", help="ref, target folder or name of the entry")
    choice = command.add_mutually_exclusive_group(required=True)
    choice.add_argument("--keep", action="store_const", const="keep", dest="choice", help="keep your edited files")
    choice.add_argument(
        "--take",
        action="store_const",
        const="take",
        dest="choice",
        help="take the new version; your files are kept aside",
    )
    choice.add_argument(
        "--merge", action="store_const", const="merge", dest="choice", help="merge both, where that has no conflict"
    )
    _add_sources(command)
    _add_project(command)


def _history(commands: "Commands") -> None:
    command = _command(commands, "history", "list the commits that are kept, newest first: when, and which files")
    _add_project(command)
    command = _command(commands, "rollback", "take back the last commit, but for files that were edited since")
    command.add_argument("ref", metavar="REF", nargs="?", help="only this entry: its ref, target folder or name")
    command.add_argument("--to", metavar="ID", help="take back every commit since this one of `micropkgd history`")
    _add_lock_timeout(command)
    _add_project(command)


def _pull(commands: "Commands") -> None:
    command = _command(commands, "pull", "pull an archive that is in no manifest, and remember it on this machine only")
    command.add_argument("ref", metavar="REF", nargs="?", help="path, address or requirement of the archive")
    command.add_argument("--all", action="store_true", help="run one pass over the pull tables instead")
    _add_pull_options(command)
    _add_sources(command)
    _add_project(command)


def _package(commands: "Commands") -> None:
    command = _command(commands, "package", "turn a module of the project into an archive that others can pull")
    command.add_argument("module", metavar="MODULE", nargs="?", help="module below the project's package")
    command.add_argument("--all", action="store_true", help="package every row of the package table")
    command.add_argument("--alias", metavar="NAME", help="name the package differently in the archive")
    command.add_argument("-d", "--destination", metavar="DIR", help="folder of the archive (default: dist)")
    command.add_argument("-e", "--env", metavar="ENV", help="config environment its parameters are taken from")
    _add_lock_timeout(command)
    _add_project(command)


def _care(commands: "Commands") -> None:
    command = _command(
        commands, "migrate", "move [tool.kedro.micropkg] to [tool.micropkgd], comments kept, and reconcile"
    )
    command.add_argument("--dry-run", action="store_true", help="show the change as a unified diff, and write nothing")
    _add_sources(command)
    _add_project(command)
    command = _command(commands, "doctor", "say what micropkgd sees here, and what is wrong with it")
    _add_project(command)


def _cache(commands: "Commands") -> None:
    what = "look after the archives that all projects of a user share"
    command = commands.add_parser("cache", help=what, description=f"{what[0].upper()}{what[1:]}.")
    actions = command.add_subparsers(dest="action", metavar="ACTION", required=True, prog="micropkgd cache")
    _command(actions, "info", "say where the archives are, how many, and how large")
    action = _command(actions, "gc", "remove archives that nobody used for long, and what dead downloads left")
    action.add_argument("--older-than", type=_days, default=90.0, metavar="DAYS", help="how long is long (default: 90)")
    _command(actions, "verify", "hash every archive, and remove and name those that are damaged")


def _days(text: str) -> float:
    """Read a number of days, not below nothing."""
    try:
        days = float(text)
    except ValueError:
        days = -1
    if not 0 <= days < float("inf"):
        raise ArgumentTypeError(f"`{text}` is no number of days")
    return days


def _command(commands: "Commands", name: str, what: str) -> ArgumentParser:
    command = commands.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}.")
    command.add_argument("--json", action="store_true", help="print the result as JSON (docs/json.md)")
    command.add_argument("-v", "--verbose", action="store_true", help="name every changed file, and log more")
    command.add_argument("-q", "--quiet", action="store_true", help="print only what needs somebody's attention")
    command.add_argument(
        "--log-format", choices=["console", "json"], default="console", help="form of the log lines on stderr"
    )
    return command


def _add_pull_options(command: ArgumentParser) -> None:
    command.add_argument("--alias", metavar="NAME", help="name the package differently here")
    command.add_argument("-d", "--destination", metavar="DEST", help="folder below the package folder, like pipelines")
    command.add_argument("-e", "--env", metavar="ENV", help="config environment for its parameters")
    command.add_argument("--fs-args", metavar="FILE", help="YAML file with options for reaching the archive")


def _add_lock_modes(command: ArgumentParser) -> None:
    modes = command.add_mutually_exclusive_group()
    modes.add_argument(
        "--locked", action="store_true", help="install exactly the lock; exit 3 if the manifest disagrees"
    )
    modes.add_argument(
        "--frozen", action="store_true", help="install the lock without looking at the manifest's wishes"
    )


def _add_allow_downgrade(command: ArgumentParser) -> None:
    command.add_argument(
        "--allow-downgrade",
        action="store_true",
        help="let a requirement go back to an older release, or to other bytes of the same one",
    )


def _add_sources(command: ArgumentParser) -> None:
    command.add_argument("--offline", action="store_true", help="ask no source over the network")
    _add_lock_timeout(command)


def _add_lock_timeout(command: ArgumentParser) -> None:
    command.add_argument(
        "--lock-timeout",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="how long to wait for another process that holds the project (default: 60)",
    )


def _add_project(command: ArgumentParser) -> None:
    command.add_argument(
        "--project", default=".", metavar="FOLDER", help="the project (default: the one around this folder)"
    )


def _add_projects(command: ArgumentParser) -> None:
    command.add_argument(
        "projects", nargs="*", default=["."], metavar="PROJECT", help="projects (default: the one around this folder)"
    )
