"""The parser of the command line. The README shows its help texts, and a test compares them."""

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace as Namespace

from micropkgd import __version__
from micropkgd.annotations import TYPE_CHECKING, Final
from micropkgd.cli.arguments import (
    Definition,
    add_allow_downgrade,
    add_allow_empty,
    add_common,
    add_config,
    add_lock_modes,
    add_lock_timeout,
    add_project,
    add_projects,
    add_projects_or_globs,
    add_pull_options,
    add_sources,
)
from micropkgd.cli.plain_arguments import NotPlainError, PlainCommand
from micropkgd.named_tuples import NamedTuple

if TYPE_CHECKING:
    from micropkgd.cli.command_parser import CommandParser

EXIT_CODES = """\
exit codes: 0 in sync; 1 an entry failed; 2 usage, config, manifest or a bad
name; 3 changes pending (--check, --locked, lock --check); 4 held by local
edits; 5 a source is unreachable or throttled, try again; 6 verification
failed or archive rejected; 7 another process holds the project; 130, 143
ended by a signal. When several apply, the first of 2, 6, 1, 5, 4, 3."""


_CHOICES: Final[Mapping[str, str]] = {
    "keep": "keep your edited files",
    "take": "take the new version; your files are kept aside",
    "merge": "merge both, where nothing collides",
    "merged": "take what you made of the merge that lies beside",
}


class Command(NamedTuple):
    """One command: its help, its arguments, and the module below `commands` that carries it out."""

    what: str
    arguments: Callable[[Definition], None] | None  # None: `parser_service` has them, by home
    home: str

    def define(self, command: Definition) -> None:
        """Tell a parser of the arguments; those of the service are imported where one of its commands is asked for."""
        if self.arguments is not None:
            self.arguments(command)
            return
        from micropkgd.cli.parser_service import ARGUMENTS

        ARGUMENTS[self.home](command)


def parse(words: Sequence[str]) -> Namespace:
    """What a command line asks for."""
    try:
        return _plain(words)
    except NotPlainError:
        return make_parser(words).parse_args(words, Namespace())


def _plain(words: Sequence[str]) -> Namespace:
    name = words[0] if words else ""
    if name not in COMMANDS:
        raise NotPlainError(name)
    COMMANDS[name].define(command := PlainCommand())
    return Namespace(command=name, **command.read(words[1:]))


def make_parser(words: Sequence[str] = ()) -> "CommandParser":
    """The whole command line, or as much of it as these words need: each command costs some time to define."""
    from micropkgd.cli.command_parser import CommandParser

    parser = CommandParser(
        prog="micropkgd",
        description="Keep micro-packages, code that projects copy in and own, equal to what pyproject.toml asks for.",
        epilog=EXIT_CODES,
    )
    parser.add_argument("--version", action="version", version=f"micropkgd {__version__}")
    # Without `prog` argparse formats a usage text to find it.
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, prog="micropkgd")
    wanted = words[:1] if words and words[0] in COMMANDS else COMMANDS
    for name in wanted:
        what = COMMANDS[name].what
        COMMANDS[name].define(commands.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}."))
    return parser


def _reconcile(command: Definition) -> None:
    add_common(command)
    command.add_argument("--once", action="store_true", help="run one pass and end; without it, serve until a signal")
    add_config(command)
    add_lock_modes(command)
    command.add_argument("--dry-run", action="store_true", help="say what would be done, and write nothing")
    command.add_argument("--check", action="store_true", help="like --dry-run, and exit 3 where something is pending")
    command.add_argument(
        "--summary", choices=["markdown"], help="print it as Markdown, for a pull request or the summary of a CI job"
    )
    add_allow_downgrade(command)
    add_allow_empty(command)
    add_sources(command)
    command.add_argument(
        "--shard",
        metavar="I/N",
        help="with --once: part I of N of the projects, each in exactly one part; `auto`, or `auto/N`: as the "
        "variables of Kubernetes, AWS Batch or GitLab say",
    )
    add_projects_or_globs(command)


def _lock(command: Definition) -> None:
    add_common(command)
    command.add_argument(
        "--check", action="store_true", help="write nothing, and exit 3 where the lock is not up to date"
    )
    command.add_argument(
        "--upgrade",
        nargs="*",
        metavar="REF",
        help='follow these refs (all, if none is named) despite update = "locked"',
    )
    command.add_argument(
        "--merge-driver",
        nargs=3,
        metavar=("BASE", "OURS", "THEIRS"),
        help="merge three locks into OURS, as git asks a merge driver to (docs/git.md)",
    )
    add_allow_downgrade(command)
    add_allow_empty(command)
    add_sources(command)
    add_project(command)


def _add(command: Definition) -> None:
    add_common(command)
    command.add_argument(
        "ref", metavar="REF", nargs="?", help="path, address or requirement of the archive (default: asked for)"
    )
    add_pull_options(command)
    command.add_argument("--index", metavar="URL", help="index that a requirement is looked up in")
    command.add_argument("--sha256", metavar="HEX", help="install these bytes and no others")
    command.add_argument("--dry-run", action="store_true", help="say what would be done, and write nothing")
    add_sources(command)
    add_project(command)


def _init(command: Definition) -> None:
    add_common(command)
    command.add_argument("-y", "--yes", action="store_true", help="write it without asking")
    command.add_argument("--dry-run", action="store_true", help="show what would be written, and write nothing")
    command.add_argument("--package", metavar="NAME", help="the package that holds what is pulled (default: seen)")
    command.add_argument(
        "--update", choices=["follow", "locked"], help="whether a pass takes what is newer by itself (default: follow)"
    )
    command.add_argument(
        "--requirements-group",
        metavar="NAME",
        help="keep what pulled packages require in this dependency group (default: in requirements.in)",
    )
    command.add_argument(
        "--only-manifest", action="store_true", help="leave .gitattributes and .pre-commit-config.yaml alone"
    )
    add_lock_timeout(command)
    add_projects(command)


def _remove(command: Definition) -> None:
    add_common(command)
    command.add_argument("ref", metavar="REF", help="ref, target folder or name of the entry")
    choice = command.add_mutually_exclusive_group()
    for word, what in (
        ("keep", "an entry that you edited becomes wholly yours: all its files stay"),
        ("take", "remove your edits with the rest; they are kept for rollback"),
    ):
        choice.add_argument(f"--{word}", action="store_const", const=word, dest="choice", help=what)
    command.add_argument("--dry-run", action="store_true", help="say what would be done, and write nothing")
    add_sources(command)
    add_project(command)


def _status(command: Definition) -> None:
    add_common(command)
    command.add_argument("--all", action="store_true", help="every project that the running service serves")
    command.add_argument("--watch", action="store_true", help="say it again whenever it changes, until interrupted")
    add_config(command)
    add_project(command)


def _diff(command: Definition) -> None:
    add_common(command)
    command.add_argument("ref", metavar="REF", nargs="?", help="only this entry: its ref, target folder or name")
    command.add_argument(
        "--edits", action="store_true", help="show instead what was edited here, against the installed version"
    )
    add_lock_modes(command)
    add_allow_downgrade(command)
    add_sources(command)
    add_project(command)


def _verify(command: Definition) -> None:
    add_common(command)
    add_project(command)


def _accept(command: Definition) -> None:
    add_common(command)
    command.add_argument("ref", metavar="REF", nargs="?", help="only this entry: its ref, target folder or name")
    command.add_argument("--dry-run", action="store_true", help="say what would be accepted, and write nothing")
    add_lock_timeout(command)
    add_project(command)


def _resolve(command: Definition) -> None:
    add_common(command)
    command.add_argument(
        "ref", nargs="?", metavar="REF", help="ref, target folder or name of the entry (default: the one that is held)"
    )
    command.add_argument(
        "paths", nargs="*", metavar="PATH", help="only these held files, or those in these folders (default: all)"
    )
    choice = command.add_mutually_exclusive_group(required=True)
    choice.add_argument("--edit", action="store_true", help="join both in git's merge tool, or your editor")
    for name, what in _CHOICES.items():
        choice.add_argument(f"--{name}", action="store_const", const=name, dest="choice", help=what)
    command.add_argument("--dry-run", action="store_true", help="say what would be done, and write nothing")
    add_sources(command)
    add_project(command)


def _history(command: Definition) -> None:
    add_common(command)
    add_project(command)


def _rollback(command: Definition) -> None:
    add_common(command)
    command.add_argument("ref", metavar="REF", nargs="?", help="only this entry: its ref, target folder or name")
    command.add_argument("--to", metavar="ID", help="take back every commit since this one of `micropkgd history`")
    command.add_argument("--dry-run", action="store_true", help="say what would be done, and write nothing")
    add_lock_timeout(command)
    add_project(command)


def _pull(command: Definition) -> None:
    add_common(command)
    command.add_argument("ref", metavar="REF", nargs="?", help="path, address or requirement of the archive")
    command.add_argument("--all", action="store_true", help="run one pass over the pull tables instead")
    add_pull_options(command)
    add_sources(command)
    add_project(command)


def _package(command: Definition) -> None:
    add_common(command)
    command.add_argument("module", metavar="MODULE", nargs="?", help="module below the project's package")
    command.add_argument("--all", action="store_true", help="package every row of the package table")
    command.add_argument("--alias", metavar="NAME", help="name the package differently in the archive")
    command.add_argument("-d", "--destination", metavar="DIR", help="folder of the archive (default: dist)")
    command.add_argument("-e", "--env", metavar="ENV", help="config environment its parameters are taken from")
    add_lock_timeout(command)
    add_project(command)


def _publish(command: Definition) -> None:
    add_common(command)
    command.add_argument("modules", nargs="*", metavar="MODULE", help="modules (default: each row that has `publish`)")
    command.add_argument(
        "--sign", metavar="KEY", help="let ssh-keygen sign each archive with this key, and put that beside it"
    )
    command.add_argument("--dry-run", action="store_true", help="ask the places, say what would be done, write nothing")
    add_lock_timeout(command)
    add_project(command)


def _outdated(command: Definition) -> None:
    add_common(command)
    add_project(command)


def _patch(command: Definition) -> None:
    add_common(command)
    command.add_argument(
        "ref", metavar="REF", nargs="?", help="ref, target folder or name of the entry (default: the one with edits)"
    )
    command.add_argument(
        "paths", nargs="*", metavar="PATH", help="only these edited files, or those in these folders (default: all)"
    )
    command.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="PATH",
        help="leave out this edited file or folder (repeatable)",
    )
    command.add_argument("-o", "--output", metavar="FILE", help="write it to this file (default: standard output)")
    command.add_argument("--mail", action="store_true", help="make it a mail for `git am`, from who git says you are")
    command.add_argument(
        "--as-archived", action="store_true", help="paths and names of the archive, whatever it says of its origin"
    )
    add_sources(command)
    add_project(command)


def _export(command: Definition) -> None:
    add_common(command)
    command.add_argument(
        "--format",
        choices=["pylock", "cyclonedx"],
        required=True,
        help="pylock.toml (PEP 751) of the locked archives, or a CycloneDX bill of materials of the copied code",
    )
    command.add_argument("-o", "--output", metavar="FILE", help="write it to this file (default: standard output)")
    command.add_argument("--offline", action="store_true", help="ask no source over the network")
    add_project(command)


def _migrate(command: Definition) -> None:
    add_common(command)
    command.add_argument("--dry-run", action="store_true", help="show the change as a unified diff, and write nothing")
    add_sources(command)
    add_project(command)


def _explain(command: Definition) -> None:
    add_common(command)
    command.add_argument("code", metavar="CODE", nargs="?", help="like MPK104 (default: list all codes)")


def _completion(command: Definition) -> None:
    add_common(command)
    command.add_argument("shell", choices=["bash", "fish", "zsh"], help="the shell that is to complete")


def _doctor(command: Definition) -> None:
    add_common(command)
    command.add_argument(
        "--bundle",
        metavar="FILE",
        help="write a report for the makers to a new .tar.gz, names of people and hosts taken out",
    )
    add_project(command)


COMMANDS: Final[Mapping[str, Command]] = {
    "init": Command("set up a project: find its package, show what would be written, and ask", _init, "init"),
    "reconcile": Command("bring projects into line with their manifest and lock", _reconcile, "reconcile"),
    "lock": Command("bring micropkg.lock up to date and leave the tree as it is", _lock, "lock"),
    "add": Command("add a pull entry to pyproject.toml and reconcile", _add, "add"),
    "remove": Command("remove a pull entry from pyproject.toml and reconcile", _remove, "remove"),
    "status": Command("say how each entry stands, without asking any source", _status, "status"),
    "diff": Command("show as a unified diff what a pass would change, or what was edited here", _diff, "diff"),
    "verify": Command("hash every installed file and compare it with the lock", _verify, "verify"),
    "accept": Command("write local edits into the lock as meant, for `verify` and --locked", _accept, "accept"),
    "resolve": Command("decide what becomes of an entry that local edits hold", _resolve, "resolve"),
    "history": Command(
        "list the commits that are kept, newest first: when, by what, which entries and files", _history, "history"
    ),
    "rollback": Command(
        "take back what the last command did, but for files that were edited since", _rollback, "rollback"
    ),
    "pull": Command("pull an archive that is in no manifest, and remember it on this machine only", _pull, "pull"),
    "package": Command("turn a module of the project into an archive that others can pull", _package, "package"),
    "outdated": Command(
        "say what is newer than the lock, and change nothing; exit 3 where anything is", _outdated, "outdated"
    ),
    "patch": Command("print the edits of an entry as a patch for the repository its module lives in", _patch, "patch"),
    "export": Command("list what was copied in, in a form that other programs read", _export, "export"),
    "publish": Command("package modules and put the archives where their rows say", _publish, "publish"),
    "migrate": Command(
        "move [tool.kedro.micropkg] to [tool.micropkgd], comments kept, and reconcile", _migrate, "migrate"
    ),
    "doctor": Command("say what micropkgd sees here, and what is wrong with it", _doctor, "doctor"),
    "why": Command("say which entry, archive, pass and trigger put a file here", None, "why"),
    "suspend": Command("leave a project, or entries of it, alone on this machine", None, "suspend"),
    "resume": Command("look after what was suspended again", None, "suspend"),
    "trigger": Command("ask the running service for a pass, and do not wait for it", None, "trigger"),
    "events": Command("say what happened lately, also without a running service", None, "events"),
    "trust": Command("let the service act in a project that only a glob of its config finds", None, "trust"),
    "token": Command("look after the token that HTTP requests must carry", None, "token"),
    "ui": Command("open the status page of the running service, logged in", None, "ui"),
    "service": Command(
        "look after the systemd units of this user's service, and the projects that its config names",
        None,
        "service",
    ),
    "health": Command("ask whether the running service is alive: exit 0 for yes, 1 for no", None, "health"),
    "config": Command("look at the machine's config", None, "config"),
    "explain": Command("say what the code of an error means, and what to do", _explain, "explain"),
    "completion": Command("print a script by which a shell completes this command line", _completion, "completion"),
    "cache": Command("look after the archives that all projects of a user share", None, "cache"),
}
