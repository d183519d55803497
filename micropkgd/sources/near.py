"""Answers without a network: archives in the file system, and requirements whose index is a folder there."""

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.local import fetch_local
from micropkgd.sources.source import Answer, Request, StrPath

if TYPE_CHECKING:
    from micropkgd.sources.index.places import LocalFolders


class Near:
    """The file system, for one round of questions: each folder is listed once."""

    def __init__(self, project_root: StrPath, cache: ArchiveCache) -> None:
        self._root = project_root
        self._cache = cache
        self._folders: LocalFolders | None = None

    def fetch(self, request: Request) -> Answer:
        """Answer one request."""
        if request.lookup is None:
            return fetch_local(request, self._root, self._cache)
        if self._folders is None:
            from micropkgd.sources.index.places import LocalFolders  # with `packaging`: only where a folder is an index

            self._folders = LocalFolders(self._root, self._cache)
        return self._folders.fetch(request)
