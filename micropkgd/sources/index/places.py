"""Folders of archives that answer requirements: on disk, and in buckets.

What is in a folder is asked once for all requirements that are asked at a time; the archive that is chosen is then
asked for like any other ref of its kind.
"""

import os
from collections.abc import Mapping, Sequence

from micropkgd.errors import DocumentError
from micropkgd.model.index import archive_in, folder_of
from micropkgd.sources.abilities import Checker, Lister
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.fs_args import name_of
from micropkgd.sources.index.folder import Choice, Folder, PickedArchive
from micropkgd.sources.index.search import Search
from micropkgd.sources.index.select import by_name
from micropkgd.sources.index.simple_api import File
from micropkgd.sources.local import fetch_local
from micropkgd.sources.source import (
    Answer,
    Failed,
    FailureKind,
    Progress,
    Request,
    Source,
    StrPath,
    Unchanged,
)
from micropkgd.sources.together import Together


class LocalFolders:
    """Folders on disk, each listed once; made anew for each round of questions."""

    def __init__(self, project_root: StrPath, cache: ArchiveCache) -> None:
        self._root = project_root
        self._cache = cache
        self._known: dict[str, Folder | Failed] = {}

    def fetch(self, request: Request) -> Answer:
        """Answer one requirement."""
        try:
            search = Search.of(request)
        except DocumentError as error:
            return Failed(FailureKind.REFUSED, error.problem, error.hint)
        folder = self._folder(search.index_url)
        if isinstance(folder, Failed):
            return folder
        choice = Choice(search, folder, self._cache.find)
        while isinstance(pick := choice.next(), PickedArchive):
            answer = choice.judge(pick, fetch_local(_of_file(search, pick), self._root, self._cache))
            if answer is not None:
                return answer
        return pick

    def _folder(self, index_url: str) -> Folder | Failed:
        if index_url not in self._known:
            self._known[index_url] = self._listed(index_url)
        return self._known[index_url]

    def _listed(self, index_url: str) -> Folder | Failed:
        path = os.path.join(self._root, os.path.dirname(archive_in(index_url, "x").location))
        try:
            with os.scandir(path) as found:
                return _folder(index_url, {one.name: "" for one in found if one.is_file()})
        except OSError as error:
            return _refused(error, index_url)


class BucketFolders:
    """Folders in the buckets of one kind of store, whose own source lists them and fetches."""

    def __init__(self, store: Source) -> None:
        self._store = store

    async def fetch(self, request: Request, cache: ArchiveCache, progress: Progress) -> Answer:
        """Answer one requirement."""
        try:
            search = Search.of(request)
        except DocumentError as error:
            return Failed(FailureKind.REFUSED, error.problem, error.hint)
        together = search.lookup.together or Together()
        key = search.index_url, name_of(request.options)
        folder = await together.once(key, lambda: self._listed(search.index_url, request.options))
        if isinstance(folder, Failed):
            return folder
        choice = Choice(search, folder, cache.find)
        while isinstance(pick := choice.next(), PickedArchive):
            answer = choice.judge(pick, await self._store.fetch(_of_file(search, pick), cache, progress))
            if answer is not None:
                return answer
        return pick

    async def survey(self, requests: Sequence[Request]) -> list[Request | Unchanged]:
        """Let the requests share listings."""
        return joined(requests)

    def check(self, request: Request) -> None:
        """See that a request, its fs-args above all, can be honoured."""
        search = Search.of(request)
        if isinstance(self._store, Checker):
            self._store.check(request._replace(ref=archive_in(search.index_url, "x.tar.gz"), lookup=None))

    async def close(self) -> None:
        """Leave connections to the store's own source."""

    async def _listed(self, index_url: str, options: Mapping[str, object]) -> Folder | Failed:
        if not isinstance(self._store, Lister):  # its driver is not installed
            return Failed(
                FailureKind.REFUSED, f"`{index_url}` cannot be listed", "see `micropkgd doctor`: its driver is missing"
            )
        found = await self._store.list_folder(folder_of(index_url), options)
        return found if isinstance(found, Failed) else _folder(index_url, found)


def joined(requests: Sequence[Request]) -> list[Request | Unchanged]:
    """The same requests, as one round of questions."""
    together = Together()
    return [
        request if request.lookup is None else request._replace(lookup=request.lookup._replace(together=together))
        for request in requests
    ]


def _folder(index_url: str, marks: Mapping[str, str]) -> Folder:
    above = folder_of(index_url)
    return by_name(File(name, f"{above}{name}", mark=mark) for name, mark in marks.items())


def _of_file(search: Search, pick: PickedArchive) -> Request:
    """The request for one archive of the folder."""
    ref = archive_in(search.index_url, pick.file.name)
    return search.request._replace(ref=ref, validator=pick.validator, lookup=None)


def _refused(error: OSError, index_url: str) -> Failed:
    if isinstance(error, FileNotFoundError):
        return Failed(FailureKind.GONE, f"there is no folder `{index_url}`", "make it, or mount it; or mend `index`")
    if isinstance(error, NotADirectoryError):
        return Failed(FailureKind.REFUSED, f"`{index_url}` is not a folder", "`index` names a folder of archives")
    kind = FailureKind.DENIED if isinstance(error, PermissionError) else FailureKind.UNREACHABLE
    return Failed(kind, f"`{index_url}` cannot be listed: {(error.strerror or '').lower()}", "see `ls -ld` of it")
