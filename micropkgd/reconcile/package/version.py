"""The version of a module, read and never run: where it is stated, and where that leads.

Rules: the module's `__version__`, of a pulled module the version it came with, that of the project's package, that of
`[project]`. A text that another file holds, or that the installed project would say, is read from that file or from
`pyproject.toml`; what leads out of the project, in a circle or to code that has to be run is an error.
"""

import re
from collections.abc import Mapping, Sequence

from micropkgd import documents
from micropkgd.annotations import TYPE_CHECKING, Final
from micropkgd.errors import CodeError, DocumentError
from micropkgd.model.distribution_name import same_name
from micropkgd.model.layout import Layout
from micropkgd.model.tree import RelPath, rel_path
from micropkgd.reconcile.package.inputs import signature
from micropkgd.reconcile.package.metadata import normal_version
from micropkgd.reconcile.package.static_text import DistributionVersion, FileText, ImportedName, Text, bindings_of
from micropkgd.reconcile.package.walk import unreadable
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.reading import TEXT

if TYPE_CHECKING:
    from micropkgd.workspace.memory.state import Signature

_NAME: Final = "__version__"
_MANIFEST: Final = RelPath("pyproject.toml")
_SETUP: Final = RelPath("setup.cfg")
_FURTHEST: Final = 8  # files that lead to one another
_HINT: Final = 'write it as a text: `__version__ = "1.0"`'
_HATCH: Final = r"""(?i)(?:__version__|VERSION)(?: ?: ?str)? *= *(["'])v?([^"']+)\1"""


class Versions:
    """Finds versions in one project; `seen` has every file that was asked."""

    def __init__(self, fs: FsOps, root: str, layout: Layout) -> None:
        self._fs = fs
        self._root = root
        self._layout = layout
        self._way: list[tuple[str, str]] = []  # the names that are being followed
        self.seen: dict[str, Signature | None] = {}

    def of_module(self, path: RelPath) -> str | None:
        """The version that a module states; None where it states none."""
        return self._stated(path, self._read(path) or b"", _NAME)

    def of_project(self) -> str | None:
        """The version of the project's package, else of the project; None where neither states one."""
        package = RelPath(f"{self._layout.package_folder}/__init__.py")
        return self._stated(package, self._read(package) or b"", _NAME) or self._of_documents()

    def _stated(self, path: RelPath, source: bytes, name: str) -> str | None:
        if name.encode() not in source:
            return None
        if (path, name) in self._way or len(self._way) >= _FURTHEST:
            raise CodeError(f"`{name}` leads in a circle", where=path, hint=_HINT)
        from micropkgd.relocate.text import Text as Source

        try:
            bindings = bindings_of(name, Source.decode(source).tree())
        except CodeError as error:
            raise error.at(path) from error
        self._way.append((path, name))
        try:
            found = [self._certain(path, name, line, text) for line, text in bindings]
        finally:
            self._way.pop()
        return found[-1] if found else None

    def _certain(self, path: RelPath, name: str, line: int, text: Text) -> str:
        found = text if isinstance(text, str) else self._followed(path, text)
        if found is None:
            raise CodeError(_unknown(name, text), where=f"{path}:{line}", hint=_HINT)
        return normal_version(found, f"{path}:{line}")

    def _followed(self, path: RelPath, text: FileText | DistributionVersion | ImportedName | None) -> str | None:
        folder = path.split("/")[:-1]
        match text:
            case FileText(up=up, parts=parts):
                return self._text_at([*folder[: len(folder) - up], *parts]) if up <= len(folder) else None
            case DistributionVersion(name=name):
                return self._of_documents(name or path)
            case ImportedName(level=level, module=module, name=name) if level <= len(folder):
                return self._of_name(folder[: len(folder) - level + 1] if level else self._source_dir, module, name)
        return None

    @property
    def _source_dir(self) -> list[str]:
        return [] if self._layout.source_dir in {"", "."} else self._layout.source_dir.split("/")

    def _of_name(self, above: Sequence[str], module: str, name: str) -> str | None:
        """What a name of a module below a folder means; None where there is no such module."""
        inner = [*above, *module.split(".")] if module else [*above]
        for place in ("/".join(inner) + ".py", "/".join((*inner, "__init__.py"))):
            path = self._sound(place)
            source = self._read(path) if path is not None else None
            if path is not None and source is not None:
                return self._stated(path, source, name)
        return None

    def _of_documents(self, asked: str = "") -> str | None:
        """The version by the project's documents; `asked` is the distribution, or the file, that it should be of."""
        project = _table(self._document(), "project")
        name = project.get("name") or _table(self._document(), "tool", "poetry").get("name")
        if asked and not self._is_own(asked, name if isinstance(name, str) else ""):
            return None
        version = project.get("version") or self._by_backend()
        return normal_version(version, _MANIFEST) if isinstance(version, str) else None

    def _is_own(self, asked: str, name: str) -> bool:
        """Whether a distribution, or that which a file is part of, is the project."""
        if asked.endswith(".py"):
            asked = self._layout.package if asked == f"{self._layout.package_folder}/__init__.py" else ""
        return bool(name) and same_name(asked, name)

    def _by_backend(self) -> str | None:
        """What the build backends' own tables lead to, as far as no code of theirs has to be run."""
        tool = _table(self._document(), "tool")
        dynamic = _table(tool, "setuptools", "dynamic").get("version")
        hatch, pdm = _table(tool, "hatch", "version"), _table(tool, "pdm", "version")
        if isinstance(dynamic, Mapping):
            return self._of_setuptools(dynamic.get("attr"), dynamic.get("file"))
        usual = hatch.get("source", "regex") in {"regex", "code"} and not {"pattern", "expression"} & hatch.keys()
        for place in (hatch.get("path") if usual else None, pdm.get("path") if pdm.get("source") == "file" else None):
            if found := self._in_file(place):
                return found
        poetry = _table(tool, "poetry").get("version")
        return poetry if isinstance(poetry, str) else self._of_setup()

    def _of_setuptools(self, attr: object, file: object) -> str | None:
        if isinstance(attr, str):
            module, _, name = attr.rpartition(".")
            return self._of_name(self._source_dir, module, name) or self._of_name([], module, name)
        files = file if isinstance(file, list) else [file]
        return self._text_at(files[0].split("/")) if len(files) == 1 and isinstance(files[0], str) else None

    def _of_setup(self) -> str | None:
        """The `version` of `setup.cfg`."""
        from configparser import ConfigParser, Error

        parser = ConfigParser(interpolation=None)
        try:
            parser.read_string(documents.decode(self._read(_SETUP) or b""))
        except (Error, DocumentError):
            return None
        version = parser.get("metadata", "version", fallback="").strip()
        kind, _, rest = version.partition(":")
        if kind in {"attr", "file"}:
            return self._of_setuptools(*((rest.strip(), None) if kind == "attr" else (None, rest.strip())))
        return version or None

    def _in_file(self, place: object) -> str | None:
        """The version that a line of a file states, as hatch looks for it."""
        path = self._sound(place) if isinstance(place, str) else None
        source = self._read(path) if path is not None else None
        if path is None or source is None:
            return None
        if path.endswith(".py"):
            return self._stated(path, source, _NAME) or self._stated(path, source, "VERSION")
        matches = (re.match(_HATCH, line) for line in source.decode(errors="replace").splitlines())
        return next((found[2] for found in matches if found), None)

    def _text_at(self, parts: Sequence[str]) -> str | None:
        """The text of a file of the project that holds nothing else."""
        path = self._sound("/".join(parts))
        data = self._read(path) if path is not None else None
        text = "" if data is None else data.decode(errors="replace").strip()
        return text if text and text.isprintable() else None

    def _document(self) -> Mapping[str, object]:
        try:
            return documents.read_toml(self._read(_MANIFEST) or b"")
        except DocumentError as error:
            raise error.at(_MANIFEST) from error

    def _sound(self, place: str) -> RelPath | None:
        """A path of the project; None for one that leads out of it."""
        try:
            return rel_path(place.removeprefix("./"))
        except DocumentError:
            return None

    def _read(self, path: RelPath) -> bytes | None:
        self.seen[path] = signature(self._root, path)
        try:
            return self._fs.read(path, at_most=TEXT)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise unreadable(error) from error


def _unknown(name: str, text: Text) -> str:
    match text:
        case FileText(parts=parts):
            return f"`{name}` is the text of {'/'.join(parts)}, which does not say a version"
        case DistributionVersion(name=asked) if asked:
            return f"`{name}` is what `{asked}` says when it is installed, and no document of the project says it"
        case ImportedName(module=module):
            return f"`{name}` comes from `{module or '.'}`, which does not state it as a text"
    return f"`{name}` can only be known by running the code"


def _table(document: Mapping[str, object], *path: str) -> Mapping[str, object]:
    """A table of a document; an empty one where something else stands."""
    here: object = document
    for key in path:
        here = here.get(key) if isinstance(here, Mapping) else None
    return here if isinstance(here, Mapping) else {}
