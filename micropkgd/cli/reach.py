"""The cache and the sources of one command: made when the first pass needs them, and shared by all."""

import os
from contextlib import ExitStack
from types import SimpleNamespace as Namespace

from micropkgd.annotations import TYPE_CHECKING, Final
from micropkgd.cli.machine import settings_of, tell_once
from micropkgd.cli.progress import Downloads

if TYPE_CHECKING:
    from micropkgd.model.settings import Settings
    from micropkgd.reconcile.package.publish import Publisher, Sign
    from micropkgd.reconcile.resolve.fetcher import Fetcher
    from micropkgd.sources.cache import ArchiveCache
    from micropkgd.sources.gather import Sources
    from micropkgd.sources.remote_cache import RemoteCache


SOURCE_WAIT: Final = 30.0  # seconds, as the config has it where nobody wrote one


class Reach:
    """The cache and the sources of one command, made when the first pass needs them and shared by all."""

    def __init__(self, options: Namespace, stack: ExitStack, *, goes_on: bool = False) -> None:
        self._options = options
        self._goes_on = goes_on  # whether passes go on without sources that are slow
        self._stack = stack
        self._shared: tuple[Sources, ArchiveCache] | None = None
        self._remote: RemoteCache | None = None
        self._settings: Settings | None = None  # of this machine, where it has any

    def wait_for_late(self) -> bool:
        """Wait until a download that a pass went on without has ended; False where there is none."""
        return self._shared is not None and self._shared[0].wait_for_late()

    def fetcher(self, root: str) -> "Fetcher":
        """What one project's pass reaches archives with."""
        from micropkgd.reconcile.resolve.fetcher import Fetcher

        sources, cache = self._shared = self._shared or self._make()
        fetcher = Fetcher(root, sources, cache, os.environ, remote=self._remote)
        if self._settings is None or not (self._settings.format or self._settings.signing_key):
            return fetcher
        from micropkgd.machine.config import formatter_of, signer_of

        return fetcher._replace(formatter=formatter_of(self._settings, root), sign=signer_of(self._settings, root))

    def publisher(self, root: str) -> "Publisher":
        """What one project's archives are published with."""
        from micropkgd.reconcile.package.publish import Publisher

        sources, _ = self._shared = self._shared or self._make()
        return Publisher(root, sources, os.environ, self._remote, self._sign(root))

    def _sign(self, root: str) -> "Sign | None":
        """What signs with the key that a person names, or else the machine's config: it may ask for a passphrase."""
        named = getattr(self._options, "sign", None)  # not an option of every command
        key = named or (self._settings.signing_key if self._settings is not None else None)
        if key is None:
            return None
        from micropkgd.cli.signer import signer

        return signer(root, key, os.environ)

    def _make(self) -> "tuple[Sources, ArchiveCache]":
        from micropkgd.sources.cache import ArchiveCache, default_cache_folder
        from micropkgd.sources.gather import Sources

        progress = self._stack.enter_context(Downloads(quiet=self._options.quiet or self._options.json))
        offline = getattr(self._options, "offline", False)  # not an option of every command
        settings = self._settings = settings_of(self._options)
        if settings is None:
            cache = ArchiveCache(default_cache_folder(os.environ))
            wait = SOURCE_WAIT if self._goes_on else None
            return self._stack.enter_context(Sources(cache, offline=offline, progress=progress, wait=wait)), cache
        from micropkgd.machine.config import cache_of, least_speed_of, permits_of, rate_limit_of, remote_cache_of

        cache = cache_of(settings)
        sources = Sources(
            cache,
            offline=offline,
            progress=progress,
            at_once=settings.limits.downloads,
            per_host=settings.limits.downloads_per_host,
            permits=permits_of(settings),
            rate_limit=rate_limit_of(settings),
            least_speed=least_speed_of(settings),
            wait=settings.limits.source_wait if self._goes_on else None,
        )
        self._stack.enter_context(sources)
        self._remote = None if offline else remote_cache_of(settings, sources, _warn)
        if self._remote is not None:
            self._stack.enter_context(self._remote.sources)
        return sources, cache


def _warn(text: str) -> None:
    tell_once(f"warning: {text}\n")
