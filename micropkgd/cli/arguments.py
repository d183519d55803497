"""Options that several commands have in common."""

from collections.abc import Callable

from micropkgd.annotations import Any, Protocol


class Definition(Protocol):
    """What is told of the arguments of a command: a parser of argparse, or the reader of plain command lines."""

    def add_argument(self, *names: str, **how: Any) -> object:
        """Take one more argument."""

    def add_mutually_exclusive_group(self, *, required: bool = False) -> Any:
        """Take options of which one may be given."""

    @property
    def add_subparsers(self) -> Callable[..., Any]:
        """Has actions, each with arguments of its own."""

    def set_defaults(self, **values: Any) -> None:
        """Know what holds where nothing is said."""


def add_common(command: Definition) -> None:
    """What every command takes."""
    command.add_argument("--json", action="store_true", help="print the result as JSON (docs/json.md)")
    command.add_argument("-v", "--verbose", action="store_true", help="name every changed file, and log more")
    command.add_argument("-q", "--quiet", action="store_true", help="print only what needs somebody's attention")
    command.add_argument(
        "--log-format", choices=["console", "json"], help="form of the log lines on stderr (default: console)"
    )


def add_pull_options(command: Definition) -> None:
    """What a pull entry may say."""
    command.add_argument("--alias", metavar="NAME", help="name the package differently here")
    command.add_argument("-d", "--destination", metavar="DEST", help="folder below the package folder, like pipelines")
    command.add_argument("-e", "--env", metavar="ENV", help="config environment for its parameters")
    command.add_argument("--fs-args", metavar="FILE", help="YAML file with options for reaching the archive")


def add_lock_modes(command: Definition) -> None:
    """Whether the lock comes before the manifest."""
    modes = command.add_mutually_exclusive_group()
    modes.add_argument(
        "--locked", action="store_true", help="install exactly the lock; exit 3 if the manifest disagrees"
    )
    modes.add_argument(
        "--frozen", action="store_true", help="install the lock without looking at the manifest's wishes"
    )


def add_allow_downgrade(command: Definition) -> None:
    """Whether an entry may go back."""
    command.add_argument(
        "--allow-downgrade",
        action="store_true",
        help="let an entry go back to an older version, or to other bytes of the same one",
    )


def add_allow_empty(command: Definition) -> None:
    """Whether a manifest that seems to have lost its rows is taken at its word."""
    command.add_argument(
        "--allow-empty",
        action="store_true",
        help="remove what left the manifest also where its pull table is gone or its header misspelt",
    )


def add_sources(command: Definition) -> None:
    """How sources are reached."""
    command.add_argument("--offline", action="store_true", help="ask no source over the network")
    add_lock_timeout(command)


def add_lock_timeout(command: Definition) -> None:
    """How long another process is waited for."""
    command.add_argument(
        "--lock-timeout",
        type=seconds,
        default=60.0,
        metavar="SECONDS",
        help="how long to wait for another process that holds the project (default: 60)",
    )


def add_config(command: Definition) -> None:
    """Which config of the machine holds."""
    command.add_argument(
        "--config", metavar="FILE", help="the machine's config (default: the user's, else the system's)"
    )


def add_project(command: Definition) -> None:
    """Which project is meant."""
    command.add_argument(
        "--project", default=".", metavar="FOLDER", help="the project (default: the one around this folder)"
    )


def add_projects(command: Definition) -> None:
    """Which projects are meant."""
    command.add_argument(
        "projects", nargs="*", metavar="PROJECT", help="projects (default: the one around this folder)"
    )


def add_projects_or_globs(command: Definition) -> None:
    """The same, where the machine's config counts, too."""
    command.add_argument(
        "projects",
        nargs="*",
        metavar="PROJECT",
        help="projects, or globs in quotes (default: the one around this folder; the service adds those of its config, "
        "and --once takes them where this folder is in none)",
    )


def days(text: str) -> float:
    """Read a number of days, not below nothing."""
    return _number_of("days", text)


def seconds(text: str) -> float:
    """Read a number of seconds, not below nothing."""
    return _number_of("seconds", text)


def _number_of(what: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not 0 <= number < float("inf"):
        from argparse import ArgumentTypeError

        raise ArgumentTypeError(f"`{text}` is not a number of {what}")
    return number
