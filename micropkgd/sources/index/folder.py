"""Selects the archive of a folder for a requirement: by its name, then by what it says inside.

A folder says nothing of an archive but its name and, in a bucket, which content it has. The `requires-python` is read
from the archive itself: one that the project's Python cannot run is passed over, and remembered, so that it is fetched
once. Rule: decides and remembers; who asks is told what to fetch next (`Choice.next`) and brings the answer (`judge`).
"""

from collections.abc import Callable, Mapping, Sequence

from packaging.version import Version

from micropkgd.model.tree import Digest
from micropkgd.named_tuples import NamedTuple
from micropkgd.sources.cache import CachedArchive
from micropkgd.sources.index.search import Memory, PassedOver, Search
from micropkgd.sources.index.select import choose, runs_on
from micropkgd.sources.index.simple_api import File
from micropkgd.sources.redaction import redacted
from micropkgd.sources.source import Answer, Failed, FailureKind, PythonOf, Unchanged, Validator

_NAMES_AT_MOST = 5  # in a message

Folder = Mapping[str, Sequence[File]]
"""The archives of a folder by name, in the form that indexes compare."""

Find = Callable[[Digest], CachedArchive | None]
"""Gives an archive that was fetched."""


class PickedArchive(NamedTuple):
    """The archive that is to be fetched."""

    version: Version
    file: File
    validator: Validator | None  # of the same file when it was fetched last, where only asking says if it changed


class Choice:
    """The choice for one requirement among the files of a folder."""

    def __init__(self, search: Search, folder: Folder, find: Find) -> None:
        self._search = search
        self._folder = folder
        self._files = folder.get(search.criteria.name, ())
        self._find = find
        self._passed = {one.name: one for one in (search.memory.passed if search.memory is not None else ())}

    def next(self) -> PickedArchive | Answer:
        """What to fetch, or the answer where nothing need be."""
        search, memory = self._search, self._search.memory
        if not self._files:
            return _none_of_it(search, self._folder)
        files = [file._replace(requires_python=self._python_of(file)) for file in self._files]
        chosen = choose(search.criteria, files, version=search.version, digest=search.request.expected)
        if isinstance(chosen, Failed):
            return chosen
        version, file = chosen
        if (objection := search.objection(version, None)) is not None:
            return objection
        same = memory is not None and memory.had.version == version and memory.url == file.url
        if memory is None or not same:
            return PickedArchive(version, file, None)
        if file.mark and file.mark == (memory.file or "").partition("\n")[0]:
            return self._as_remembered(memory)
        return PickedArchive(version, file, None if file.mark else memory.file)

    def judge(self, pick: PickedArchive, answer: Answer) -> Answer | None:
        """What the answer to the file's own request means for the requirement; None: another file must be chosen."""
        search = self._search
        if isinstance(answer, Failed):
            listed = f"`{pick.file.name}` is listed, but {answer.problem}"
            return answer._replace(problem=listed) if answer.kind is FailureKind.GONE else answer
        if isinstance(answer, Unchanged):
            return self._as_remembered(search.memory) if search.memory else _unasked(pick)
        if (objection := search.objection(pick.version, answer.digest)) is not None:
            return objection
        if not self._suits(pick.file, answer.digest):
            return None
        memory = Memory(
            version=str(pick.version),
            digest=answer.digest,
            url=pick.file.url,
            page=None,
            file=answer.validator,
            mark=search.mark,
            listed=True,
            passed=self._still_passed(),
        )
        return answer._replace(validator=memory.text, release=search.release(pick.version, pick.file.url))

    def _suits(self, file: File, digest: Digest) -> bool:
        """Whether the project's Python can run an archive; where it cannot, that is remembered."""
        search, python_of = self._search, self._search.lookup.python_of
        by_name = search.version is not None or search.request.expected is not None
        if by_name or python_of is None or search.criteria.oldest_python is None:
            return True
        read = file._replace(requires_python=self._stated(digest, python_of))
        if runs_on(search.criteria.oldest_python, read):
            return True
        self._passed[file.name] = PassedOver(file.name, file.mark, read.requires_python)
        return False

    def _stated(self, digest: Digest, python_of: PythonOf) -> str:
        found = self._find(digest)
        if found is None:
            return ""
        with found.reading() as stream:
            return python_of(stream)

    def _python_of(self, file: File) -> str:
        """What was read in a file, while it is the same."""
        known = self._passed.get(file.name)
        return known.requires_python if known is not None and known.mark == file.mark else ""

    def _still_passed(self) -> tuple[PassedOver, ...]:
        names = {file.name for file in self._files}
        return tuple(self._passed[name] for name in sorted(self._passed.keys() & names))

    def _as_remembered(self, memory: Memory) -> Answer:
        """What is had is what is there; what may be had can have changed since."""
        search, had = self._search, memory.had
        renewed = memory._replace(mark=search.mark, listed=True, passed=self._still_passed())
        known = Unchanged(search.release(had.version, memory.url), None if renewed == memory else renewed.text)
        return search.objection(had.version, had.digest) or known


def _none_of_it(search: Search, folder: Folder) -> Failed:
    """A folder without the name may be the wrong one: what is in it tells."""
    where = redacted(search.index_url) if "://" in search.index_url else search.index_url
    names = sorted(folder)
    more = f" and {len(names) - _NAMES_AT_MOST} more" if len(names) > _NAMES_AT_MOST else ""
    shown = ", ".join(names[:_NAMES_AT_MOST])
    hint = f"it has archives of {shown}{more}" if names else "no `NAME-VERSION.tar.gz` is there"
    return Failed(FailureKind.GONE, f"`{where}` has no archive of `{search.criteria.name}`", hint)


def _unasked(pick: PickedArchive) -> Failed:
    return Failed(FailureKind.UNREACHABLE, f"`{pick.file.url}` says `not modified` to a first question")
