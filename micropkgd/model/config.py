"""How the machine's config is read: from plain mappings, never text, and from the variables that come before them.

A key may come from the file or from the environment (`limits.passes` is `MICROPKGD_LIMITS_PASSES`); `origins` of the
settings remembers which, for `micropkgd config show --origin`.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from micropkgd.errors import DocumentError
from micropkgd.model.fields import Table, dotted, kind_of, nearest
from micropkgd.model.settings import (
    Group,
    Hooks,
    Http,
    Level,
    Limits,
    LogFormat,
    Queue,
    Settings,
    Webhook,
    WebhookForm,
    is_loopback,
)

ENV_PREFIX: Final = "MICROPKGD_"
CONFIG_VARIABLE: Final = "MICROPKGD_CONFIG"

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?(B|KiB|MiB|GiB|kB|MB|GB)")
_BYTES: Final = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_CRON = re.compile(r"\S+( +\S+){4}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


class SettingsError(DocumentError):
    """The machine's owner must mend the config, or a variable; `path` is the address of what is at fault."""

    def __init__(self, problem: str, path: Sequence[str] = (), *, hint: str = "") -> None:
        super().__init__(problem, hint=hint)
        self.path = tuple(path)


class _Kind(NamedTuple):
    """How the value of a key is read, from TOML and from a variable."""

    read: Callable[[object], object]  # raises ValueError with what was wanted
    split: bool = False  # whether a variable holds several, parted by commas
    convert: Callable[[str], object] = str  # of a variable's text into what TOML would have


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a text that is not empty")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise ValueError("a list of texts")
    return tuple(value)


def _argv(value: object) -> tuple[str, ...]:
    words = _texts(value)
    if not words:
        raise ValueError("a list with the program and its arguments")
    return words


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")  # noqa: TRY004 - one family of errors for all kinds
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 1000:
        raise ValueError("a number from 1 to 1000")
    return value


def _duration(value: object) -> float:
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('a time such as "30s", "5m", "2h" or "1d"')
    return float(match[1]) * _SECONDS[match[2]]


def _some_time(value: object) -> float:
    seconds = _duration(value)
    if seconds < 1:
        raise ValueError("a time of at least a second")
    return seconds


def _size(value: object) -> int:
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    size = int(float(match[1]) * _BYTES[match[2]]) if match is not None else 0
    if size < 1:
        raise ValueError('a size such as "500KiB" or "20MiB"')
    return size


def _cron(value: object) -> str:
    if not isinstance(value, str) or not _CRON.fullmatch(value):
        raise ValueError('five fields of cron, such as "*/15 8-18 * * 1-5"')
    return value


def _listen(value: object) -> str:
    host, colon, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    if not host or not colon or not port.isdecimal() or int(port) > 65535:
        raise ValueError('an address such as "127.0.0.1:8473"')
    return f"{host}:{int(port)}"


def _path(value: object) -> str:
    if not isinstance(value, str) or not value.startswith(("/", "~/")):
        raise ValueError("an absolute path")
    return value


def _url(value: object) -> str:
    if not isinstance(value, str) or not value.startswith(("https://", "http://")):
        raise ValueError("an address that begins with https://")
    return value


def _choice(words: type[StrEnum]) -> Callable[[object], StrEnum]:
    def read(value: object) -> StrEnum:
        try:
            return words(str(value))
        except ValueError:
            raise ValueError(f"one of {', '.join(words)}") from None

    return read


def _truth(text: str) -> object:
    return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)


def _number(text: str) -> object:
    return int(text) if text.isdecimal() else text


_TEXT, _TEXTS, _ARGV = _Kind(_text), _Kind(_texts, split=True), _Kind(_argv, split=True)
_FLAG, _COUNT = _Kind(_flag, convert=_truth), _Kind(_count, convert=_number)
_DURATION_KIND, _TIME, _SIZE_KIND = _Kind(_duration), _Kind(_some_time), _Kind(_size)
_CRON_KIND, _LISTEN, _URL, _PATH = _Kind(_cron), _Kind(_listen), _Kind(_url), _Kind(_path)

KEYS: Final[Mapping[str, _Kind]] = {
    "projects": _TEXTS,
    "every": _TIME,
    "jitter": _DURATION_KIND,
    "cron": _CRON_KIND,
    "watch": _FLAG,
    "allowed-origins": _TEXTS,
    "scan-every": _TIME,
    "full-check": _TIME,
    "max-staleness": _TIME,
    "drain": _DURATION_KIND,
    "socket": _PATH,
    "limits.passes": _COUNT,
    "limits.downloads": _COUNT,
    "limits.downloads-per-host": _COUNT,
    "limits.bytes-per-second": _SIZE_KIND,
    "cache.dir": _PATH,
    "hooks.before-commit": _ARGV,
    "hooks.after-commit": _ARGV,
    "hooks.on-held": _ARGV,
    "hooks.on-stalled": _ARGV,
    "hooks.timeout": _TIME,
    "hooks.webhook-url": _URL,
    "hooks.webhook-secret-file": _PATH,
    "hooks.touch-file": _PATH,
    "hooks.heartbeat-url": _URL,
    "http.listen": _LISTEN,
    "http.token-file": _PATH,
    "http.allow-remote": _FLAG,
    "http.certificate": _PATH,
    "http.allowed-hosts": _TEXTS,
    "http.probes": _LISTEN,
    "http.metrics": _FLAG,
    "log.format": _Kind(_choice(LogFormat)),
    "log.level": _Kind(_choice(Level)),
}
"""Every key with one value, by its dotted name."""

_GROUP: Final = {
    "paths": _TEXTS, "every": _TIME, "jitter": _DURATION_KIND, "cron": _CRON_KIND, "watch": _FLAG,
}  # fmt: skip
_WEBHOOK: Final = {"secret-file": _PATH, "form": _Kind(_choice(WebhookForm)), "projects": _TEXTS}
_QUEUE: Final = {
    "url": _URL, "region": _TEXT, "endpoint-url": _URL, "profile": _TEXT, "projects": _TEXTS,
}  # fmt: skip
_TABLES: Final = ("project", "webhook", "queue")


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
    defaults = settings.groups[0] if settings.groups else Group(())
    found: dict[str, object] = {}
    for name in KEYS:
        table, _, key = name.rpartition(".")
        field = key.replace("-", "_")
        if table in {"cache", "log"}:
            found[name] = getattr(settings, f"{table}_{field}")
        elif table:
            found[name] = getattr(getattr(settings, table), field)
        elif name != "projects":
            found[name] = getattr(defaults if field in Group._fields else settings, field)
    for number, group in enumerate(settings.groups):
        found[f"project.{number}"] = _row(group)
    found.update({f"webhook.{webhook.name}": _row(webhook) for webhook in settings.webhooks})
    found.update({f"queue.{queue.name}": _row(queue) for queue in settings.queues})
    return found


def _row(row: Group | Webhook | Queue) -> list[str]:
    """A row of a table as `key=value`, without what is not set."""
    return [f"{key.replace('_', '-')}={value}" for key, value in row._asdict().items() if value not in {None, ()}]


def variable_of(name: str) -> str:
    """The environment variable of a key."""
    return ENV_PREFIX + name.replace(".", "_").replace("-", "_").upper()


_BY_VARIABLE: Final = {variable_of(name): name for name in KEYS}


def _settings(document: Table, values: Mapping[str, object], origins: Mapping[str, str]) -> Settings:
    defaults = _schedule(values, Group(()))
    own = (defaults._replace(paths=paths),) if (paths := _tuple(values.get("projects"))) else ()
    groups = [_schedule(fields, defaults) for fields in _rows(document, "project", _GROUP, ("paths",))]
    webhooks = [
        Webhook(name, **_keywords(fields)) for name, fields in _named(document, "webhook", _WEBHOOK, ("secret-file",))
    ]
    queues = [Queue(name, **_keywords(fields)) for name, fields in _named(document, "queue", _QUEUE, ("url",))]
    plain = {"scan-every", "full-check", "max-staleness", "drain", "socket", "allowed-origins"}
    settings = Settings(
        groups=(*own, *groups),
        limits=Limits(**_below(values, "limits")),
        hooks=Hooks(**_below(values, "hooks")),
        http=Http(**_below(values, "http")),
        webhooks=tuple(webhooks),
        queues=tuple(queues),
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
    document: Table, name: str, kinds: Mapping[str, _Kind], needed: Sequence[str]
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
    document: Table, name: str, kinds: Mapping[str, _Kind], needed: Sequence[str]
) -> Iterable[tuple[str, Mapping[str, object]]]:
    """The checked rows of an array of tables, each with a name of its own."""
    taken: set[str] = set()
    for fields in _rows(document, name, {"name": _TEXT, **kinds}, ("name", *needed)):
        label = str(fields["name"])
        if not _NAME.fullmatch(label) or label in taken:
            problem = f"`{label}` stands twice" if label in taken else f"`{label}` is no name"
            raise SettingsError(problem, (name, "name"), hint="letters, digits, `-` and `_`, each name once")
        taken.add(label)
        yield label, {key: value for key, value in fields.items() if key != "name"}


def _schedule(values: Mapping[str, object], defaults: Group) -> Group:
    """A group from its own values: a cron it has takes the place of an interval it has not, and the other way."""
    if "every" in values and "cron" in values:
        raise SettingsError("`every` and `cron` exclude each other", ("cron",))
    fields = {key: values[key] for key in ("paths", "every", "jitter", "cron", "watch") if key in values}
    if "cron" in values:
        fields["every"] = None
    elif "every" in values:
        fields["cron"] = None
    return defaults._replace(**_keywords(fields))


def _checked(kind: _Kind, value: object, path: Sequence[str], name: str) -> object:
    try:
        return kind.read(value)
    except ValueError as error:
        raise SettingsError(f"`{name}` must be {error}, found {kind_of(value)}", path) from error


def _from_variable(kind: _Kind, variable: str, text: str) -> object:
    value: object = [part.strip() for part in text.split(",") if part.strip()] if kind.split else kind.convert(text)
    try:
        return kind.read(value)
    except ValueError as error:
        raise SettingsError(f"{variable} must be {error}, found `{text}`") from error


def _key_of(variable: str) -> str | None:
    """The key that a variable stands for; None where it is not ours, an error where it is nobody's."""
    if not variable.startswith(ENV_PREFIX) or variable == CONFIG_VARIABLE:
        return None
    if variable not in _BY_VARIABLE:
        near = nearest(variable, list(_BY_VARIABLE))
        hint = f"did you mean {near}?" if near else "see `micropkgd config show` for every key"
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
