"""Reads the machine's config from plain mappings, never text, and from the variables that come before them.

A key may come from the file or from the environment (`limits.passes` is `MICROPKGD_LIMITS_PASSES`); `origins` of the
settings remembers which, for `micropkgd config show --origin`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from micropkgd.annotations import Any, Final
from micropkgd.errors import DocumentError
from micropkgd.model.fields import Table, dotted, kind_of, nearest
from micropkgd.model.kinds import (
    ARGV,
    BUCKET,
    COUNT,
    CRON,
    DURATION,
    FLAG,
    LISTEN,
    NAMES,
    PATH,
    PUBLISHERS,
    SIGNERS,
    SIZE,
    TEXT,
    TEXTS,
    TIME,
    URL,
    ValueKind,
    choice,
    origins_of,
)
from micropkgd.model.settings import (
    Group,
    Hooks,
    Http,
    Level,
    Limits,
    LogFormat,
    Queue,
    Settings,
    SignatureTable,
    Trust,
    Webhook,
    WebhookForm,
    is_loopback,
)
from micropkgd.model.variables import CONFIG, PREFIX, TOLD_TO_HOOKS

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


class SettingsError(DocumentError):
    """The machine's owner must mend the config, or a variable; `path` is the address of what is at fault."""

    def __init__(self, problem: str, path: Sequence[str] = (), *, hint: str = "") -> None:
        super().__init__(problem, hint=hint)
        self.path = tuple(path)


KEYS: Final[Mapping[str, ValueKind]] = {
    "projects": TEXTS,
    "every": TIME,
    "jitter": DURATION,
    "cron": CRON,
    "watch": FLAG,
    "trust": choice(Trust),
    "allowed-origins": origins_of("allowed-origins"),
    "publish-origins": origins_of("publish-origins"),
    "credential-endpoints": origins_of("credential-endpoints"),
    "environment": NAMES,
    "scan-every": TIME,
    "full-check": TIME,
    "max-staleness": TIME,
    "drain": DURATION,
    "socket": PATH,
    "limits.passes": COUNT,
    "limits.downloads": COUNT,
    "limits.downloads-per-host": COUNT,
    "limits.bytes-per-second": SIZE,
    "limits.source-wait": TIME,
    "limits.download-time": TIME,
    "limits.least-bytes-per-second": SIZE,
    "format": TEXTS,
    "signing-key": PATH,
    "cache.dir": PATH,
    "cache.remote": BUCKET,
    "hooks.before-commit": ARGV,
    "hooks.after-commit": ARGV,
    "hooks.on-held": ARGV,
    "hooks.on-stalled": ARGV,
    "hooks.timeout": TIME,
    "hooks.webhook-url": URL,
    "hooks.webhook-secret-file": PATH,
    "hooks.touch-file": PATH,
    "hooks.heartbeat-url": URL,
    "http.listen": LISTEN,
    "http.token-file": PATH,
    "http.allow-remote": FLAG,
    "http.certificate": PATH,
    "http.allowed-hosts": TEXTS,
    "http.probes": LISTEN,
    "http.metrics": FLAG,
    "http.ready-projects": TEXTS,
    "log.format": choice(LogFormat),
    "log.level": choice(Level),
}
"""Every key with one value, by its dotted name."""

GROUP: Final[Mapping[str, ValueKind]] = {
    "paths": TEXTS, "every": TIME, "jitter": DURATION, "cron": CRON, "watch": FLAG,
    "allowed-origins": KEYS["allowed-origins"], "publish-origins": KEYS["publish-origins"],
}  # fmt: skip
WEBHOOK: Final[Mapping[str, ValueKind]] = {"secret-file": PATH, "form": choice(WebhookForm), "projects": TEXTS}
QUEUE: Final[Mapping[str, ValueKind]] = {
    "url": URL, "region": TEXT, "endpoint-url": URL, "profile": TEXT, "projects": TEXTS,
}  # fmt: skip
SIGNATURES: Final[Mapping[str, ValueKind]] = {
    "origins": origins_of("origins"), "signers": SIGNERS, "signers-file": PATH,
    "publishers": PUBLISHERS, "trusted-root": PATH,
}  # fmt: skip
_TABLES: Final = ("project", "webhook", "queue", "signatures")


def read_settings(document: Table, file: str, environ: Mapping[str, str]) -> Settings:
    """Check a whole config and the variables that come before it; `SettingsError` names the first fault.

    `file` is how the file is called in `origins`; an empty document stands for none.
    """
    values: dict[str, object] = {}
    origins: dict[str, str] = {}
    for name, path, value in _leaves(document):
        values[name] = _checked(KEYS[name], value, path, name)
        origins[name] = file
    for variable, text in sorted(environ.items()):
        if (key := _key_of(variable)) is not None:
            values[key] = _from_variable(KEYS[key], variable, text)
            origins[key] = variable
    return _settings(document, values, origins)


def value_of(settings: Settings) -> Mapping[str, object]:
    """The value of every key that holds one, by its dotted name, and the rows of each table."""
    found: dict[str, object] = {}
    for name in KEYS:
        table, _, key = name.rpartition(".")
        field = key.replace("-", "_")
        if table in {"cache", "log"}:
            found[name] = getattr(settings, f"{table}_{field}")
        elif table:
            found[name] = getattr(getattr(settings, table), field)
        elif name == "projects":
            found[name] = settings.usual.paths
        else:
            found[name] = getattr(settings.usual if field in Group._fields else settings, field)
    for number, group in enumerate(settings.tables):
        found[f"project.{number}"] = _row(group)
    found.update({f"webhook.{webhook.name}": _row(webhook) for webhook in settings.webhooks})
    found.update({f"queue.{queue.name}": _row(queue) for queue in settings.queues})
    found.update({f"signatures.{number}": _row(row) for number, row in enumerate(settings.signatures)})
    return found


def _row(row: Group | Webhook | Queue | SignatureTable) -> Mapping[str, object]:
    """A row of a table by its keys, without what is not set."""
    unset = {key: default for key, default in type(row)._field_defaults.items() if default in {None, ()}}
    return {key.replace("_", "-"): value for key, value in row._asdict().items() if (key, value) not in unset.items()}


def variable_of(name: str) -> str:
    """The environment variable of a key."""
    return PREFIX + name.replace(".", "_").replace("-", "_").upper()


_BY_VARIABLE: Final = {variable_of(name): name for name in KEYS}


def _settings(document: Table, values: Mapping[str, object], origins: Mapping[str, str]) -> Settings:
    usual = _schedule(values, Group(()))
    tables = [_schedule(fields, usual) for fields in _rows(document, "project", GROUP, ("paths",))]
    webhooks = [
        Webhook(name, **_keywords(fields)) for name, fields in _named(document, "webhook", WEBHOOK, ("secret-file",))
    ]
    queues = [Queue(name, **_keywords(fields)) for name, fields in _named(document, "queue", QUEUE, ("url",))]
    plain = {
        "scan-every",
        "full-check",
        "max-staleness",
        "drain",
        "socket",
        "trust",
        "credential-endpoints",
        "environment",
        "format",
        "signing-key",
    }
    settings = Settings(
        usual=usual._replace(paths=_tuple(values.get("projects"))),
        tables=tuple(tables),
        limits=Limits(**_below(values, "limits")),
        hooks=Hooks(**_below(values, "hooks")),
        http=Http(**_below(values, "http")),
        webhooks=tuple(webhooks),
        queues=tuple(queues),
        signatures=tuple(
            SignatureTable(**_keywords(fields)) for fields in _rows(document, "signatures", SIGNATURES, ())
        ),
        origins=origins,
        **_keywords({name: values[name] for name in plain & values.keys()}),
        **{f"cache_{key}": value for key, value in _below(values, "cache").items()},
        **{f"log_{key}": value for key, value in _below(values, "log").items()},
    )
    _check_together(settings)
    return settings


def _check_together(settings: Settings) -> None:
    """What no single key can say."""
    http = settings.http
    for key, address in (("listen", http.listen), ("probes", http.probes)):
        if address is not None and not http.allow_remote and not is_loopback(address):
            raise SettingsError(
                f"`http.{key}` names `{address}`, which other machines can reach",
                ("http", key),
                hint="listen on 127.0.0.1, or set `http.allow-remote = true` (and `http.certificate` for `listen`)",
            )
    if http.listen is not None and not is_loopback(http.listen) and http.certificate is None:
        raise SettingsError("a listener that others can reach needs `http.certificate`", ("http", "listen"))
    if http.listen is not None and http.listen == http.probes and not http.listen.endswith(":0"):  # :0 is any free one
        raise SettingsError("`http.probes` is another address than `http.listen`", ("http", "probes"))
    for row in settings.signatures:
        signers = bool(row.signers) or row.signers_file is not None
        if not signers and not row.publishers:
            hint = "write `signers`, lines of allowed_signers, `signers-file`, or `publishers`"
            raise SettingsError("a [[signatures]] names nobody who may sign", ("signatures",), hint=hint)
        if signers and row.publishers:
            hint = "each row must be met: write two, where both are wanted"
            raise SettingsError("a [[signatures]] names signers and publishers", ("signatures",), hint=hint)
        if row.trusted_root is not None and not row.publishers:
            raise SettingsError("`trusted-root` is for `publishers`", ("signatures",), hint="take it out")
    if settings.webhooks and http.listen is None:
        raise SettingsError("webhooks need a listener", ("webhook",), hint='set `http.listen = "127.0.0.1:8473"`')
    if settings.hooks.webhook_secret_file is not None and settings.hooks.webhook_url is None:
        raise SettingsError("there is no `hooks.webhook-url` to sign for", ("hooks", "webhook-secret-file"))


def _leaves(document: Table) -> Iterable[tuple[str, tuple[str, ...], object]]:
    """Every key of one value, with its dotted name and its address."""
    parts = {name.partition(".")[0] for name in KEYS}
    for key, value in document.items():
        if key in _TABLES:
            continue
        if key not in parts:
            raise _unknown(key, (), sorted({*parts, *_TABLES}))
        if key in KEYS:
            yield key, (key,), value
            continue
        if not isinstance(value, Mapping):
            raise SettingsError(f"`{key}` must be a table, found {kind_of(value)}", (key,))
        for inner, item in value.items():
            if f"{key}.{inner}" not in KEYS:
                known = [name.partition(".")[2] for name in KEYS if name.startswith(f"{key}.")]
                raise _unknown(inner, (key,), known)
            yield f"{key}.{inner}", (key, inner), item


def _rows(
    document: Table, name: str, kinds: Mapping[str, ValueKind], needed: Sequence[str]
) -> Iterable[Mapping[str, object]]:
    """The checked rows of an array of tables."""
    rows = document.get(name, [])
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise SettingsError(f"`{name}` must be an array of tables", (name,), hint=f"write `[[{name}]]`")
    for row in rows:
        for key in row:
            if key not in kinds:
                raise _unknown(key, (name,), list(kinds))
        for key in needed:
            if key not in row:
                raise SettingsError(f"a [[{name}]] has no `{key}`", (name,))
        yield {key: _checked(kinds[key], value, (name, key), f"{name}.{key}") for key, value in row.items()}


def _named(
    document: Table, name: str, kinds: Mapping[str, ValueKind], needed: Sequence[str]
) -> Iterable[tuple[str, Mapping[str, object]]]:
    """The checked rows of an array of tables, each with a name of its own."""
    taken: set[str] = set()
    for fields in _rows(document, name, {"name": TEXT, **kinds}, ("name", *needed)):
        label = str(fields["name"])
        if not _NAME.fullmatch(label) or label in taken:
            problem = f"`{label}` stands twice" if label in taken else f"`{label}` is not a name"
            raise SettingsError(problem, (name, "name"), hint="letters, digits, `-` and `_`, each name once")
        taken.add(label)
        yield label, {key: value for key, value in fields.items() if key != "name"}


def _schedule(values: Mapping[str, object], defaults: Group) -> Group:
    """A group from its own values: a cron it has takes the place of an interval it has not, and the other way."""
    if "every" in values and "cron" in values:
        raise SettingsError("`every` and `cron` exclude each other", ("cron",))
    fields = {key: values[key] for key in GROUP if key in values}
    if "cron" in values:
        fields["every"] = None
    elif "every" in values:
        fields["cron"] = None
    return defaults._replace(**_keywords(fields))


def _checked(kind: ValueKind, value: object, path: Sequence[str], name: str) -> object:
    try:
        return kind.read(value)
    except ValueError as error:
        raise SettingsError(f"`{name}` must be {error}, found {kind_of(value)}", path) from error
    except DocumentError as error:
        raise SettingsError(error.problem, path, hint=error.hint) from error


def _from_variable(kind: ValueKind, variable: str, text: str) -> object:
    value: object = [part.strip() for part in text.split(",") if part.strip()] if kind.split else kind.convert(text)
    try:
        return kind.read(value)
    except ValueError as error:
        raise SettingsError(f"{variable} must be {error}, found `{text}`") from error
    except DocumentError as error:
        raise SettingsError(f"{variable}: {error.problem}", hint=error.hint) from error


def _key_of(variable: str) -> str | None:
    """The key that a variable stands for; None where it is not ours, an error where it is nobody's."""
    if not variable.startswith(PREFIX) or variable == CONFIG or variable in TOLD_TO_HOOKS:
        return None
    if variable not in _BY_VARIABLE:
        near = nearest(variable.removeprefix(PREFIX), [name.removeprefix(PREFIX) for name in _BY_VARIABLE])
        hint = f"did you mean {PREFIX}{near}?" if near else "see `micropkgd config show` for every key"
        raise SettingsError(f"{variable} means nothing to micropkgd", hint=hint)
    return _BY_VARIABLE[variable]


def _unknown(key: str, path: Sequence[str], known: Sequence[str]) -> SettingsError:
    near = nearest(key, known)
    hint = f"did you mean `{near}`?" if near else f"known keys: {', '.join(known)}"
    where = f" in [{dotted(tuple(path))}]" if path else ""
    return SettingsError(f"unknown key `{key}`{where}", (*path, key), hint=hint)


def _below(values: Mapping[str, object], table: str) -> dict[str, Any]:
    return _keywords({name.partition(".")[2]: value for name, value in values.items() if name.startswith(f"{table}.")})


def _keywords(values: Mapping[str, object]) -> dict[str, Any]:
    return {name.replace("-", "_"): value for name, value in values.items()}


def _tuple(value: object) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()
