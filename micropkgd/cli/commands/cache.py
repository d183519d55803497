"""`cache info`, `gc` and `verify`: look after the archives that all projects of a user share."""

import os
import time
from collections.abc import Callable, Iterable, Mapping
from types import SimpleNamespace as Namespace

from micropkgd.cli.ages import size
from micropkgd.cli.lines import plain
from micropkgd.cli.say import say_json, say_words
from micropkgd.sources.cache import ArchiveCache, default_cache_folder

_EXIT_DAMAGED = 6
_DAY_SECONDS = 86_400


def cache(options: Namespace) -> int:
    """Do what was asked with the user's cache."""
    return _ACTIONS[options.action](options, ArchiveCache(default_cache_folder(os.environ)))


def _info(options: Namespace, cache: ArchiveCache) -> int:
    sizes = [archive.size for archive in cache.archives()]
    found = {"archives": len(sizes), "bytes": sum(sizes)}
    _tell(options, cache, found, [f"{cache.folder}: {_counted(len(sizes), 'archive')}, {size(sum(sizes))}"])
    return 0


def _gc(options: Namespace, cache: ArchiveCache) -> int:
    removed = cache.discard_unused(time.time() - options.older_than * _DAY_SECONDS)
    partials = cache.sweep()
    freed = sum(archive.size for archive in removed)
    found = {"removed": [archive.digest for archive in removed], "bytes": freed, "partials": partials}
    line = f"removed {_counted(len(removed), 'archive')}, {size(freed)}, and {_counted(partials, 'dead download')}"
    _tell(options, cache, found, [] if options.quiet else [line])
    return 0


def _verify(options: Namespace, cache: ArchiveCache) -> int:
    checked, damaged = cache.discard_damaged()
    exit_code = _EXIT_DAMAGED if damaged else 0
    found = {"checked": checked, "damaged": [archive.digest for archive in damaged]}
    lines = [f"damaged {archive.digest}  (removed; it is fetched again when needed)" for archive in damaged]
    if not options.quiet:
        lines.append(f"{_counted(checked, 'archive')} checked, {len(damaged)} damaged")
    _tell(options, cache, found, lines, exit_code=exit_code)
    return exit_code


_ACTIONS: Mapping[str, Callable[[Namespace, ArchiveCache], int]] = {"info": _info, "gc": _gc, "verify": _verify}


def _tell(
    options: Namespace, cache: ArchiveCache, found: Mapping[str, object], lines: Iterable[str], *, exit_code: int = 0
) -> None:
    if options.json:
        head = {"action": options.action, "folder": cache.folder}
        say_json(options, {**head, **found}, exit_code=exit_code)
    else:
        say_words(plain(line) for line in lines)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
