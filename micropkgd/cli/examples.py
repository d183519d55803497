"""The end of each help text: examples, and the variables of the environment that count."""

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap

from micropkgd.annotations import Final
from micropkgd.cli.terminal import width_of_help
from micropkgd.model.variables import CACHE_DIR, CONFIG, PREFIX

Examples = Mapping[str, tuple[tuple[str, str], ...]]

_EXAMPLES: Final[Examples] = {
    "": (
        ("init", "set up the project around this folder"),
        ("add https://example.com/ds-0.1.tar.gz", "pull a micro-package"),
        ("reconcile --once", "bring the project into line"),
        ("status", "see how it stands"),
    ),
    "init": (
        ("init", "show what would be written, and ask"),
        ("init --yes --update locked", "write it, for a project that follows only when asked"),
    ),
    "reconcile": (
        ("reconcile --once", "one pass over the project around this folder"),
        ("reconcile --once --locked --check", "in CI: 0 if manifest, lock and tree agree"),
        ("reconcile --once 'packages/*'", "one pass over each project of a repository"),
        ("reconcile ~/src/shop", "serve it until a signal"),
    ),
    "lock": (
        ("lock", "also in the middle of a merge"),
        ("lock --upgrade ds", 'follow one entry despite update = "locked"'),
    ),
    "add": (
        ("add", "be asked for the row"),
        ("add ../shared/ds-0.1.tar.gz -d pipelines", "into src/<package>/pipelines/ds"),
        ("add 'ds>=1,<2' --index s3://team/micropkgs/", "the newest of a folder that it allows"),
    ),
    "remove": (("remove ds", "its untouched files go, edited ones stay"),),
    "status": (
        ("status", "the project around this folder"),
        ("status --watch", "drawn again whenever it changes"),
        ("status --all", "all that are served"),
    ),
    "diff": (
        ("diff", "what a pass would do"),
        ("diff ds", "of one entry; of a held one, why it is held"),
        ("diff --edits", "what was edited here"),
    ),
    "patch": (
        ("patch ds -o ds.patch", "what was edited here, for where it is from"),
        ("patch ds --exclude src/shop/ds/local.py", "but not this file"),
    ),
    "verify": (
        ("verify", "exit 6 where a file is not what the lock says, 4 where it was edited beside accepted edits"),
    ),
    "accept": (("accept ds --dry-run", "see which edits it has"), ("accept ds", "they are meant")),
    "resolve": (
        ("resolve ds --keep", "your files stay as they are"),
        ("resolve ds src/shop/ds/nodes.py --edit", "join both sides of one file"),
        ("resolve ds --merged", "take what was joined"),
        ("resolve ds --take --dry-run", "what the new version would do"),
    ),
    "history": (("history", "newest first"),),
    "rollback": (("rollback --dry-run", "what would be taken back"), ("rollback", "take it back")),
    "pull": (("pull ../ds-0.1.tar.gz -d pipelines", "in no manifest"), ("pull --all", "one pass over the manifest")),
    "package": (
        ("package pipelines.features", "into dist/features-VERSION.tar.gz"),
        ("package --all", "every row of the package table"),
    ),
    "outdated": (("outdated", "exit 3 where anything is newer"), ("outdated --json", "for a script")),
    "export": (
        ("export --format cyclonedx -o sbom.json", "for who asks what code is in here"),
        ("export --format pylock -o pylock.copied.toml", "for programs that read PEP 751"),
    ),
    "publish": (
        ("publish --dry-run", "ask the places"),
        ("publish pipelines.features", "one module"),
        ("publish --sign ~/.ssh/id_ed25519", "signed, also where it is published already"),
    ),
    "migrate": (("migrate --dry-run", "the change as a diff"), ("migrate", "make it, and reconcile")),
    "doctor": (
        ("doctor", "look at the project and the machine"),
        ("doctor --bundle report.tar.gz", "for a bug report"),
    ),
    "why": (("why src/shop/pipelines/ds/nodes.py", "where this file is from"),),
    "suspend": (("suspend ds", "until `micropkgd resume ds`"),),
    "resume": (("resume", "all of the project"),),
    "trigger": (("trigger", "of the project around this folder"), ("trigger --all", "of all that are served")),
    "events": (("events -f", "and go on"), ("events --all", "of every project")),
    "trust": (("trust --dry-run", "see what it would be allowed"), ("trust", "allow it")),
    "token": (("token show", "print it"), ("token rotate", "make a new one")),
    "ui": (("ui", "in this browser"), ("ui --print", "the address, for another one")),
    "service": (
        ("service install", "write a systemd unit"),
        ("service add ~/src/shop", "name a project"),
        ("service reload", "after an edit of the config"),
    ),
    "health": (("health", "for a container's probe"), ("health --ready", "whether all projects stand as they should")),
    "config": (("config check", "read it as the service would"), ("config show --origin", "and where each is from")),
    "explain": (("explain MPK104", "what it means, and what to do"), ("explain", "all codes")),
    "completion": (
        ("completion bash > ~/.micropkgd.bash", "for bash, with `source` of it in ~/.bashrc"),
        ("completion zsh > ~/.zfunc/_micropkgd", "for zsh, with that folder in fpath"),
        ("completion fish > ~/.config/fish/completions/micropkgd.fish", "for fish"),
    ),
    "cache": (("cache info", "how large it is"), ("cache gc --older-than 30", "make room")),
}
_ENVIRONMENT: Final = (
    (CONFIG, "the machine's config, where --config does not name one"),
    (CACHE_DIR, "where archives are kept (default: ~/.cache/micropkgd)"),
    (f"{PREFIX}<KEY>", f"a key of the config, like {PREFIX}LIMITS_PASSES"),
    ("NO_COLOR, FORCE_COLOR", "no colour, or colour also where nobody looks"),
)


def help_end(program: str) -> str:
    """What follows the options in the help of a command; an action has that of its command."""
    name, width = "".join(program.split()[1:2]), width_of_help()
    rows = [(f"micropkgd {words}", what) for words, what in _EXAMPLES.get(name, ())]
    parts = (*_part("examples", rows, width), "", *_part("environment", _ENVIRONMENT, width))
    return "\n" + "".join(f"{line}\n" for line in parts)


def examples_of(command: str) -> Sequence[tuple[str, str]]:
    """The words behind the program's name, and what they are for."""
    return _EXAMPLES[command]


def example_lines() -> Iterator[tuple[str, str]]:
    """Every command with the words behind its name, as an example has them."""
    return ((name, words) for name, rows in _EXAMPLES.items() for words, _ in rows)


def _part(title: str, rows: Sequence[tuple[str, str]], width: int) -> Iterator[str]:
    """Two columns; what does not fit beside the first stands below it."""
    yield f"{title}:"
    first = max((len(left) for left, right in rows if len(left) + len(right) + 4 <= width), default=0)
    for left, right in rows:
        if 4 + max(first, len(left)) + len(right) <= width:
            yield f"  {left:<{first}}  {right}"
        else:
            yield f"  {left}"
            yield from wrap(right, width, initial_indent="      ", subsequent_indent="      ")
