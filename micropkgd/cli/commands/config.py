"""`config check` and `config show`: what the machine's config says, and from where."""

import json
import os
from collections.abc import Iterator, Mapping
from types import SimpleNamespace as Namespace

from micropkgd.annotations import Final
from micropkgd.cli.lines import plain
from micropkgd.cli.say import say, say_json, say_words
from micropkgd.machine.config import check_schedules, load
from micropkgd.machine.config_check import doubts
from micropkgd.machine.places import find_config, usual_places
from micropkgd.model.config import value_of
from micropkgd.model.settings import Group, Settings
from micropkgd.sources.drivers import drivers_said, installed_drivers
from micropkgd.sources.redaction import origin

_SECRET: Final = ("hooks.webhook-url", "hooks.heartbeat-url")  # addresses that let in whoever knows them


def config(options: Namespace) -> int:
    """Check the config, or show what holds."""
    path = find_config(options.config, os.environ)
    settings = load(path, os.environ)
    check_schedules(settings, path)
    if options.action == "check":
        _say_checked(options, path, settings)
    else:
        _say_settings(options, settings, path)
    return 0


def _say_checked(options: Namespace, path: str | None, settings: Settings) -> None:
    if options.json:
        often = [{"paths": group.paths, "asked": _asked(group)} for group in settings.groups]
        found: dict[str, object] = {
            "config": path,
            "schedules": often,
            "doubts": [*doubts(settings, os.environ)],
            "drivers": installed_drivers(),
            "projects": [],
        }
        say_json(options, found, exit_code=0)
        return
    if path is None:
        user, system = usual_places(os.environ)
        say_words([f"no config at {user} or {system}: everything is as it is by default"])
    else:
        count = sum(len(group.paths) for group in settings.groups)
        say_words([f"{path} is in order: {count} project {'path' if count == 1 else 'paths'}"])
    say_words(f"  {plain(', '.join(group.paths))}: {_often(group, settings.scan_every)}" for group in settings.groups)
    say_words([f"  drivers: {drivers_said()}"])
    say_words(f"  note: {plain(doubt)}" for doubt in doubts(settings, os.environ))


def _often(group: Group, scan_every: float) -> str:
    """When projects are looked at by themselves."""
    saves = "when they are saved and " if group.watch else ""
    return f"sources are asked {_asked(group)}; files are looked at {saves}every {_time(scan_every)}"


def _asked(group: Group) -> str:
    """How often the sources of projects are asked."""
    if group.every is not None:
        jitter = min(group.jitter, group.every)
        return f"every {_time(group.every)}{f', up to {_time(jitter)} later' if jitter else ''}"
    if group.cron is None:
        return "at the start and on command alone"
    late = f", up to {_time(group.jitter)} later" if group.jitter else ""
    return f"by cron `{group.cron}` in UTC{late}"


def _say_settings(options: Namespace, settings: Settings, path: str | None) -> None:
    values = dict(value_of(settings))
    for name in _SECRET:  # who pastes this somewhere does not think of them
        values[name] = f"{origin(str(values[name]))}/..." if values[name] else None
    origins = {name: settings.origins.get(name) or _table_origin(name, path) for name in values}
    if options.json:
        rows = {name: {"value": value, "origin": origins[name]} for name, value in values.items()}
        say_json(options, {"settings": rows, "projects": []}, exit_code=0)
    else:
        say(_lines(values, origins, with_origin=options.origin))


def _table_origin(name: str, path: str | None) -> str:
    """Where a row of a table is from: only the file has them."""
    table = name.partition(".")[0]
    return (path or "default") if table in {"project", "webhook", "queue"} else "default"


def _lines(values: Mapping[str, object], origins: Mapping[str, str], *, with_origin: bool) -> Iterator[str]:
    for name, value in values.items():
        origin = f"  # {origins[name]}" if with_origin else ""
        shown = _shown(_size(value) if isinstance(value, int) and name.endswith("bytes-per-second") else value)
        yield f"{name} = {shown}{origin}"


def _shown(value: object) -> str:
    """A value as TOML writes it; what is not set has no such form."""
    if value is None:
        return "(not set)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_shown, value))}]"
    if isinstance(value, Mapping):
        rows = (f"{key} = {_shown(inner)}" for key, inner in value.items() if inner is not None)
        return f"{{{', '.join(rows)}}}"
    return json.dumps(_time(value) if isinstance(value, float) else value, ensure_ascii=False)


def _size(count: int) -> str:
    """A size as the config says it."""
    unit, length = next((row for row in (("MiB", 1 << 20), ("KiB", 1 << 10)) if count % row[1] == 0), ("B", 1))
    return f"{count // length}{unit}"


def _time(seconds: float) -> str:
    """A time as the config says it."""
    units = (("d", 86_400), ("h", 3600), ("m", 60))
    unit, length = next((row for row in units if seconds and seconds % row[1] == 0), ("s", 1))
    return f"{seconds / length:g}{unit}"
