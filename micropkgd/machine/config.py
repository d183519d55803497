"""Read the machine's config."""

import os
from collections.abc import Callable, Mapping
from functools import cache

from micropkgd import documents
from micropkgd.annotations import TYPE_CHECKING, Any, BinaryIO
from micropkgd.errors import DocumentError, UsageError, words_of
from micropkgd.machine.projects import group_of
from micropkgd.model.config import SettingsError, read_settings
from micropkgd.model.origins import CONFIG_KEY, PUBLISH_KEY, Origins
from micropkgd.model.permits import ENDPOINTS_KEY, Permits
from micropkgd.model.publishers import parse_publishers
from micropkgd.model.settings import Group, Settings, SignatureTable
from micropkgd.model.signers import SignatureRule, parse_signers
from micropkgd.model.tree import Digest, RelPath
from micropkgd.sources.cache import ArchiveCache, default_cache_folder
from micropkgd.sources.least_speed import LeastSpeed

if TYPE_CHECKING:
    from micropkgd.sources.gather import Sources
    from micropkgd.sources.rate_limit import RateLimit
    from micropkgd.sources.remote_cache import RemoteCache


def load(path: str | None, environ: Mapping[str, str]) -> Settings:
    """Read the config at a path, or none; what is wrong with it names file and line."""
    data = _read(path) if path is not None else b""
    try:
        return read_settings(documents.read_toml(data), path or "", environ)
    except SettingsError as error:
        from micropkgd.documents.statements import line_of

        line = line_of(documents.decode(data), error.path) if error.path and path else None
        if error.path:
            error.where = f"{path}:{line}" if line else path or ""
        raise
    except DocumentError as error:
        raise error.at(path or "") from error


def check_schedules(settings: Settings, path: str | None) -> None:
    """See that each cron can be read, which only who plans by it needs to know."""
    from micropkgd.machine.cron import read_cron

    for group in (*settings.tables, settings.usual):
        try:
            if group.cron is not None:
                read_cron(group.cron)
        except DocumentError as error:
            raise error.at(path or "") from error


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except FileNotFoundError as error:
        raise UsageError("there is no such config", where=path, hint="see `micropkgd config --help`") from error
    except OSError as error:
        raise UsageError.unreadable(error, path) from error


def permits_of(settings: Settings) -> Callable[[str], Permits]:
    """What each project may reach, by its folder: the first group that the config has it in says so.

    It holds whoever starts the pass, and for projects that the command line names. Where no group has a list of its
    own, nothing is looked for.
    """
    rules = tuple(map(_signature_rule, settings.signatures))
    by_group = {
        group: _permits(settings, group)._replace(signatures=rules) for group in (*settings.tables, settings.usual)
    }
    usual = by_group[settings.usual]
    if all(permits == usual for permits in by_group.values()):
        return lambda _: usual
    groups = (*settings.tables, settings.usual)
    return cache(lambda root: by_group[group_of(groups, root) or settings.usual])


def _permits(settings: Settings, group: Group) -> Permits:
    reading = _origins(group.allowed_origins, CONFIG_KEY)
    return Permits(
        reading=reading,
        publishing=reading if group.publish_origins is None else _origins(group.publish_origins, PUBLISH_KEY),
        endpoints=Origins.parse(settings.credential_endpoints, ENDPOINTS_KEY),
        variables=None if settings.environment is None else frozenset(settings.environment),
    )


def _signature_rule(table: SignatureTable) -> SignatureRule:
    """Who must have signed what comes from these places; a list that cannot be read is an error, and not empty."""
    signers = parse_signers(table.signers)
    if table.signers_file is not None:
        path = os.path.expanduser(table.signers_file)
        try:
            with open(path, encoding="utf-8") as stream:
                signers += parse_signers(stream)
        except (OSError, ValueError) as error:
            why = words_of(error) if isinstance(error, OSError) else "the file is not UTF-8"
            raise DocumentError(f"the signers cannot be read: {why}", where=path) from error
        except DocumentError as error:
            raise error.at(path) from error
    root = os.path.expanduser(table.trusted_root) if table.trusted_root is not None else ""
    origins = _origins(table.origins, "origins")
    return SignatureRule(signers, origins, publishers=parse_publishers(table.publishers), trusted_root=root)


def _origins(texts: tuple[str, ...] | None, key: str) -> Origins | None:
    return None if texts is None else Origins.parse(texts, key)


def cache_of(settings: Settings) -> ArchiveCache:
    """The archives that all projects of this user share."""
    chosen = settings.cache_dir
    return ArchiveCache(os.path.expanduser(chosen) if chosen else default_cache_folder(os.environ))


def remote_cache_of(
    settings: Settings, beside: "Sources", tell: Callable[[str], None], **how: Any
) -> "RemoteCache | None":
    """The archives that this machine shares with others; `how` its bucket is asked, in the words of `Sources`."""
    if settings.cache_remote is None:
        return None
    from micropkgd.sources.gather import Sources
    from micropkgd.sources.remote_cache import RemoteCache

    limits = settings.limits
    sources = Sources(
        cache_of(settings),
        at_once=limits.downloads,
        per_host=limits.downloads,
        wait=limits.source_wait,
        beside=beside,
        **how,
    )
    return RemoteCache(settings.cache_remote, sources, tell)


def formatter_of(settings: Settings, root: str) -> Callable[[RelPath, bytes], bytes | None] | None:
    """What formats the files of a project, where the owner of this machine wants it."""
    if not settings.format:
        return None
    from micropkgd.machine.formatter import Formatter

    return Formatter(settings.format, root).formatted


def signer_of(settings: Settings, root: str) -> Callable[[BinaryIO, Digest], bytes] | None:
    """What signs the archives that a project publishes by itself, where the owner of this machine wants it."""
    if settings.signing_key is None:
        return None
    from micropkgd.machine.signer import SigningKey

    return SigningKey(settings.signing_key, root).sign


def least_speed_of(settings: Settings) -> LeastSpeed:
    """What is asked of a download."""
    return LeastSpeed(settings.limits.download_time, settings.limits.least_bytes_per_second)


def rate_limit_of(settings: Settings) -> "RateLimit | None":
    """What holds downloads back; None for nothing."""
    limit = settings.limits.bytes_per_second
    if limit is None:
        return None
    from micropkgd.sources.rate_limit import RateLimit

    return RateLimit(limit)
