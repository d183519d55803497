"""The other names of watched paths: where something stands behind links, it changes under the name that it has there.

A link may be exchanged, too: the folder that holds it tells of that.
"""

import os
from collections.abc import Iterable

from micropkgd.annotations import Final
from micropkgd.named_tuples import NamedTuple
from micropkgd.service.watching.relevant_paths import RelevantPaths

_MOST: Final = 40  # links on one way, as the kernel has it


class LinkedPaths(NamedTuple):
    """What matters of a project under every name, and the links that lead there."""

    relevant: RelevantPaths
    links: frozenset[str]


def with_links(relevant: RelevantPaths) -> LinkedPaths:
    """What a project depends on, with the names that its paths have behind links as they are now."""
    follower = _Follower({}, set())
    named = relevant._replace(
        documents=follower.all_names(relevant.documents),
        archives=follower.all_names(relevant.archives),
        trees=follower.all_names(relevant.trees),
        indexes=follower.all_names(relevant.indexes),
        commits=follower.all_names(relevant.commits),
    )
    return LinkedPaths(named, frozenset(follower.links))


class _Follower(NamedTuple):
    """Follows links, each looked at once."""

    targets: dict[str, str | None]  # of every path that was looked at; None: no link
    links: set[str]

    def all_names(self, paths: Iterable[str]) -> frozenset[str]:
        """These paths, and what they are called once one link after the other is followed."""
        return frozenset(name for path in paths for name in self._names(path))

    def _names(self, path: str) -> list[str]:
        names = [path]
        while len(names) <= _MOST and (name := self._follow_one(names[-1])) is not None:
            names.append(name)
        return names

    def _follow_one(self, path: str) -> str | None:
        """The path with the first link on its way replaced by what it leads to; None where there is no link."""
        end = path.find("/", 1)
        while True:
            above = path if end < 0 else path[:end]
            target = self._target(above)
            if target is not None:
                self.links.add(above)
                return os.path.normpath(os.path.join(os.path.dirname(above), target) + path[len(above) :])
            if end < 0:
                return None
            end = path.find("/", end + 1)

    def _target(self, path: str) -> str | None:
        if path not in self.targets:
            try:
                self.targets[path] = os.readlink(path)
            except OSError:
                self.targets[path] = None
        return self.targets[path]
