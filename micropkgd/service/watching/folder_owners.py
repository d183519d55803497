"""The owners of watched folders: each folder once, however many projects want it. Pure."""

from collections.abc import Collection, Iterable, Mapping

from micropkgd.annotations import Final

_NOBODY: Final = frozenset[str]()


class FolderOwners:
    """The folders of each owner, and the owners of each folder; a change costs what it changes."""

    def __init__(self) -> None:
        self._folders: dict[str, frozenset[str]] = {}
        self._owners: dict[str, set[str]] = {}

    @property
    def folders(self) -> Mapping[str, frozenset[str]]:
        """By owner."""
        return self._folders

    def of(self, owner: str) -> frozenset[str]:
        """What one wants watched."""
        return self._folders.get(owner, _NOBODY)

    def owners(self, *folders: str) -> Collection[str]:
        """Who wants any of these watched."""
        return _NOBODY.union(*(self._owners.get(folder, _NOBODY) for folder in folders))

    def claim(self, owner: str, folders: frozenset[str]) -> set[str]:
        """Let an owner want these and no others: the folders that nobody wants any more."""
        before = self.of(owner)
        self._folders[owner] = folders
        for folder in folders - before:
            self._owners.setdefault(folder, set()).add(owner)
        return self._leave(owner, before - folders)

    def drop(self, owner: str) -> set[str]:
        """Let an owner want nothing: the folders that nobody wants any more."""
        return self._leave(owner, self._folders.pop(owner, _NOBODY))

    def unclaimed(self, folders: Iterable[str]) -> set[str]:
        """Those of some folders that nobody wants."""
        return {folder for folder in folders if folder not in self._owners}

    def _leave(self, owner: str, folders: Iterable[str]) -> set[str]:
        for folder in folders:
            self._owners[folder].discard(owner)
            if not self._owners[folder]:
                del self._owners[folder]
        return self.unclaimed(folders)
