"""The place of the requirement lines of entries: a file, or a dependency group of the manifest. Pure."""

from collections.abc import Mapping

from micropkgd.annotations import Final
from micropkgd.errors import DocumentError
from micropkgd.model.tree import RelPath, managed_path
from micropkgd.named_tuples import NamedTuple

_FILE: Final = "requirements-file"
_GROUP: Final = "requirements-group"
_MANIFEST: Final = RelPath("pyproject.toml")


class RequirementsPlace(NamedTuple):
    """A place for requirement lines."""

    path: RelPath
    group: str = ""  # of PEP 735, where `path` is the manifest

    @property
    def table(self) -> dict[str, str]:
        """What the lock says of it; nothing of the usual one."""
        if self == USUAL_PLACE:
            return {}
        return {_GROUP: self.group} if self.group else {_FILE: self.path}

    @property
    def spoken(self) -> str:
        """It, in a message."""
        return f"the dependency group `{self.group}`" if self.group else self.path


USUAL_PLACE: Final = RequirementsPlace(RelPath("requirements.in"))


def place_in(document: Mapping[str, object]) -> RequirementsPlace:
    """The place that a lock names; `DocumentError` where it can be none."""
    group, path = document.get(_GROUP, ""), document.get(_FILE, USUAL_PLACE.path)
    if not isinstance(group, str) or not isinstance(path, str):
        raise DocumentError(f"`{_FILE}` and `{_GROUP}` must be texts")
    return RequirementsPlace(_MANIFEST, group) if group else RequirementsPlace(managed_path(path))
