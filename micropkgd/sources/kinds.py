"""The table of what fetches which kind of ref: each source is imported when the first ref of its kind is asked."""

from collections.abc import Callable, Mapping

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.model.ref import RefKind
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.source import Answer, Failed, FailureKind, Progress, Request, Source

if TYPE_CHECKING:
    from micropkgd.model.permits import Bounds
    from micropkgd.sources.retry import RetryPolicy


class MissingDriver:
    """Stands for a source whose library is not installed."""

    def __init__(self, library: str) -> None:
        self._library = library

    async def fetch(self, request: Request, cache: ArchiveCache, progress: Progress) -> Answer:
        """Say what to install."""
        del cache, progress
        return self._missing(request.ref.location)

    async def list_folder(self, folder: str, options: Mapping[str, object]) -> Mapping[str, str] | Failed:
        """Say what to install."""
        del options
        return self._missing(folder)

    async def close(self) -> None:
        """Have nothing to close."""

    def _missing(self, location: str) -> Failed:
        problem = f"the driver for `{location.partition('://')[0]}://` refs is not installed"
        return Failed(FailureKind.REFUSED, problem, f"pip install {self._library}")


def _is_installed(library: str) -> bool:
    from importlib.util import find_spec

    return find_spec(library) is not None


def _http(bounds: "Bounds", patience: "RetryPolicy") -> Source:
    from micropkgd.sources.http.source import HttpSource

    return HttpSource(patience, bounds=bounds)


def _s3(bounds: "Bounds", patience: "RetryPolicy") -> Source:
    del bounds  # it follows no redirect: what it reaches is known before it asks
    if not _is_installed("s3fs"):
        return MissingDriver("s3fs")
    from micropkgd.sources.s3.source import S3Source

    return S3Source(patience)


def _gcs(bounds: "Bounds", patience: "RetryPolicy") -> Source:
    if not _is_installed("gcsfs"):
        return MissingDriver("gcsfs")
    from micropkgd.sources.gcs.source import GcsSource

    return GcsSource(patience, origins=bounds.origins)


def _index(bounds: "Bounds", patience: "RetryPolicy") -> Source:
    from micropkgd.sources.http.client import HttpClient
    from micropkgd.sources.index.source import IndexSource

    return IndexSource(HttpClient.usual(bounds, patience))


def _other(bounds: "Bounds", patience: "RetryPolicy") -> Source:
    del bounds  # it is never asked under a list
    from micropkgd.sources.other import OtherSource

    return OtherSource(patience)


REMOTE: Mapping[RefKind, Callable[["Bounds", "RetryPolicy"], Source]] = {
    RefKind.HTTP: _http,
    RefKind.S3: _s3,
    RefKind.GCS: _gcs,
    RefKind.INDEX: _index,
    RefKind.OTHER: _other,
}
