"""The machine's config as values: which projects are served, how often, within which limits, who is told and asked."""

from collections.abc import Mapping
from enum import StrEnum

from micropkgd.named_tuples import NamedTuple


class LogFormat(StrEnum):
    """The form of log lines."""

    CONSOLE = "console"
    JSON = "json"


class Level(StrEnum):
    """The least weighty log lines that are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class WebhookForm(StrEnum):
    """How the sender of a webhook proves who it is."""

    GITHUB = "github"  # HMAC-SHA256 of the body in X-Hub-Signature-256
    TOKEN = "token"  # noqa: S105 - the secret itself in Authorization: Bearer, or X-Gitlab-Token
    PUBSUB = "pubsub"  # Google Pub/Sub push, the secret in the query `token`


class Trust(StrEnum):
    """In which projects the service acts that only a glob finds."""

    ASK = "ask"  # in those that a person has trusted with `micropkgd trust`
    EVERYTHING = "everything"  # in all, whoever put them there


class Group(NamedTuple):
    """Projects that are served alike."""

    paths: tuple[str, ...]  # folders and globs, `~` for the home folder
    every: float | None = 300.0  # seconds between two looks at the sources; None: by cron, or never
    jitter: float = 30.0  # seconds, at most, that are added by chance
    cron: str | None = None  # five fields, UTC, weekdays as cron has them (0 and 7 are Sunday)
    watch: bool = True  # whether file events lead to passes
    allowed_origins: tuple[str, ...] | None = None  # where archives may come from; None: anywhere
    publish_origins: tuple[str, ...] | None = None  # where they may go to; None: as `allowed_origins` has it


class Limits(NamedTuple):
    """What the service may use at once."""

    passes: int = 2
    downloads: int = 8
    downloads_per_host: int = 4
    bytes_per_second: int | None = None  # of all downloads together
    source_wait: float = 30.0  # seconds that a pass waits for its sources before it goes on without the slow ones
    download_time: float = 3600.0  # seconds after which a download is given up
    least_bytes_per_second: int = 1024  # below which one is given up, on the whole, after its first minute


class Hooks(NamedTuple):
    """What is run or told when something happens: argv lists, never a shell, only from the machine's config."""

    before_commit: tuple[str, ...] = ()  # may veto
    after_commit: tuple[str, ...] = ()
    on_held: tuple[str, ...] = ()
    on_stalled: tuple[str, ...] = ()
    timeout: float = 60.0  # seconds
    webhook_url: str | None = None
    webhook_secret_file: str | None = None  # signs the body with HMAC-SHA256
    touch_file: str | None = None  # after each commit
    heartbeat_url: str | None = None  # asked after each pass that ends in sync


class Http(NamedTuple):
    """The opt-in listener on TCP, and the one for probes alone."""

    listen: str | None = None  # host:port
    token_file: str | None = None  # None: made in the state folder
    allow_remote: bool = False  # whether another address than loopback may be listened on
    certificate: str | None = None  # PEM with the key in it; a must where others may connect
    allowed_hosts: tuple[str, ...] = ()  # names beside localhost that requests may be addressed to
    probes: str | None = None  # host:port for /livez, /readyz, /startupz alone
    metrics: bool = True  # whether there is /metrics, on either listener
    ready_projects: tuple[str, ...] = ()  # paths and globs of those that /readyz depends on; none: every project


class Webhook(NamedTuple):
    """One name below `/hooks/`."""

    name: str
    secret_file: str
    form: WebhookForm = WebhookForm.GITHUB
    projects: tuple[str, ...] = ()  # paths and globs; none: every project


class Queue(NamedTuple):
    """One SQS queue that S3 sends its event notifications to."""

    name: str
    url: str
    region: str | None = None
    endpoint_url: str | None = None
    profile: str | None = None
    projects: tuple[str, ...] = ()  # paths and globs; none: those that pull from the bucket


class SignatureTable(NamedTuple):
    """Archives from these places must be signed by one of these."""

    signers: tuple[str, ...] = ()  # lines of `allowed_signers`
    signers_file: str | None = None  # such a file, beside them
    publishers: tuple[str, ...] = ()  # who must have attested it, in their place
    trusted_root: str | None = None  # of the Sigstore that saw it; None: the public one
    origins: tuple[str, ...] | None = None  # None: wherever they come from


class Settings(NamedTuple):
    """All of it, with what holds where nothing is said."""

    only: tuple[str, ...] = ()  # projects that the command line names, and that are served in place of all of these
    usual: Group = Group(())  # the paths of `projects`, and the schedule of whatever has none of its own
    tables: tuple[Group, ...] = ()  # projects with a schedule of their own
    trust: Trust = Trust.ASK
    credential_endpoints: tuple[str, ...] = ()  # servers that get this machine's logins although projects name them
    environment: tuple[str, ...] | None = None  # variables that `${VAR}` of a project may read; None: all
    limits: Limits = Limits()
    hooks: Hooks = Hooks()
    http: Http = Http()
    webhooks: tuple[Webhook, ...] = ()
    queues: tuple[Queue, ...] = ()
    signatures: tuple[SignatureTable, ...] = ()
    format: tuple[str, ...] = ()  # what formats the three versions of a file that cannot be merged otherwise
    signing_key: str | None = None  # of SSH: signs what is published, and nothing is published without it
    cache_dir: str | None = None
    cache_remote: str | None = None  # a folder of a bucket, shared with other machines
    log_format: LogFormat = LogFormat.CONSOLE
    log_level: Level = Level.INFO
    socket: str | None = None  # None: in the runtime folder
    scan_every: float = 600.0  # seconds between two passes that no event asked for
    full_check: float = 86400.0  # seconds after which bytes are compared although the validator is the same
    max_staleness: float = 86400.0  # seconds without an answer from a source after which its entries are Stale
    drain: float = 5.0  # seconds that passes under way have to end when the service is stopped
    origins: Mapping[str, str] = {}  # by dotted key: the file, or the variable, that it is from

    @property
    def groups(self) -> tuple[Group, ...]:
        """All projects; what a table says of one comes before what is usual."""
        if self.only:
            return (self.usual._replace(paths=self.only),)
        return (*self.tables, self.usual) if self.usual.paths else self.tables


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach `host:port`."""
    host = address.rpartition(":")[0]
    return host in {"localhost", "[::1]"} or _is_127(host)


def _is_127(host: str) -> bool:
    first, *others = host.split(".")
    return first == "127" and len(others) == 3 and all(part.isdecimal() and len(part) <= 3 for part in others)
