"""From the edited files of an entry to changes of the files where its module lives. Pure.

Names are rewritten twice, by the same rules as ever: from here to the archive as when packaging, and from the archive
home as when pulling there. What that would spell otherwise than the original is taken from the original, line by line,
so that a change holds nothing but the edit. What an edit says that cannot be said at home, or would come back in other
words, is told.
"""

from collections.abc import Iterator, Sequence
from itertools import islice, zip_longest

from micropkgd.actions.entry_edits import EditedFile, EntryEdits
from micropkgd.annotations import Final
from micropkgd.errors import CodeError, MicropkgError
from micropkgd.merge.effort import one_effort, opcodes
from micropkgd.merge.versions import CollisionError
from micropkgd.model.module_origin import ModuleOrigin
from micropkgd.model.tree import RelPath
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.package.build import Builder
from micropkgd.reconcile.package.inputs import Input, PackagedModule
from micropkgd.reconcile.package.spellings import RewrittenText, way_home
from micropkgd.reconcile.plan.render import MemberMapping
from micropkgd.relocate import Finding
from micropkgd.relocate.notes import notes_of
from micropkgd.sdist.reader import Member

_TOLD: Final = 3  # lines of a file that come back in other words


class HomeChange(NamedTuple):
    """What an edit comes to in one file where the module lives."""

    path: str
    before: bytes | None  # None: there is no such file
    after: bytes | None
    was_executable: bool = False
    is_executable: bool = False
    blob: str = ""  # git's name of what is there before, where that is another text than `before`


class Homeward(NamedTuple):
    """The changes, and what is to be told of them."""

    changes: tuple[HomeChange, ...]
    notes: tuple[str, ...]


def homeward(edits: EntryEdits, origin: ModuleOrigin | None) -> Homeward:
    """The edits as changes at home; without an origin as changes of the archive's own files."""
    way = _WayHome(edits, origin)
    changes = [change for one in edits.edited if (change := way.change(one)) is not None]
    return Homeward(tuple(changes), tuple(dict.fromkeys(way.notes)))


class _WayHome:
    """The way home of one entry's files, and back here."""

    def __init__(self, edits: EntryEdits, origin: ModuleOrigin | None) -> None:
        self.notes: list[str] = []
        self._edits = edits
        self._origin = origin
        self._inputs = {file.member: file for file in edits.files}
        self._archived = {one.path: one for one in edits.sdist.members}
        members = [*self._archived, *self._inputs]
        self._home = None if origin is None else way_home(origin, edits.module.name, members)
        self._packer = _Packer(edits.module, edits.files)
        deleted = {one.member for one in edits.edited if one.after is None}
        left = [file for file in edits.files if file.member not in deleted]
        self._packer_there = None if origin is None else _Packer(*self._module_there(origin, left))
        self._here = MemberMapping.of((file.member for file in left), edits.module.name, edits.entry, edits.layout)

    def change(self, one: EditedFile) -> HomeChange | None:
        """What one edit comes to; None where nothing is to be done at home."""
        path = self._path(one.member)
        if one.before is None and one.after is not None:
            after = self._carried(one, b"", one.after)
            return HomeChange(path, None, after, is_executable=one.is_executable)
        original, blob = self._original(one.member)
        if self._origin is not None and one.member in self._origin.made:
            if one.after is None:
                return None  # the archive made it of nothing
            return HomeChange(path, None, self._carried(one, b"", one.after), is_executable=one.is_executable)
        if one.after is None:
            return HomeChange(path, original, None, one.was_executable, blob=blob)
        after = original if one.after == one.before else self._carried(one, original, one.after)
        return HomeChange(path, original, after, one.was_executable, one.is_executable, blob)

    def _path(self, member: str) -> str:
        if self._origin is None or self._home is None:
            return member
        if member in self._origin.inside:
            return f"{self._origin.place.code}/{member.partition('/')[2]}"
        return self._home.target(member)

    def _original(self, member: str) -> tuple[bytes, str]:
        """A file as it is at home; and git's name of it where that is known and the text is not."""
        back = self._at_home(self._archived[member])
        spelling = self._origin.spelled.get(member) if self._origin is not None else None
        if spelling is None:
            return back, ""
        restored = spelling.restored(back)
        if restored is not None:
            return restored, ""
        self.notes.append(f"{self._path(member)}: it is spelled otherwise there, and nothing says how")
        return back, spelling.blob

    def _at_home(self, member: Member) -> bytes:
        return member.data if self._home is None else self._home.rendered(member).source

    def _carried(self, one: EditedFile, original: bytes, after: bytes) -> bytes:
        """An edited text as it is at home, in the original's words where those were not edited."""
        try:
            base, edited = (self._rewritten(one, text) for text in (one.before or b"", after))
        except CodeError as error:
            return self._by_lines(one, original, after, error)
        self._tell_findings(one, base.findings, edited.findings)
        joined = edited.text if base.text == original else _joined(base.text, original, edited.text).text
        self._tell_spelling(one, joined, after)
        return joined

    def _by_lines(self, one: EditedFile, original: bytes, after: bytes, error: CodeError) -> bytes:
        """A file whose names cannot be rewritten is carried line by line."""
        joined = _joined(one.before or b"", original, after)
        names = ", and the names in them are those of this project" if not joined.clean or one.before is None else ""
        self.notes.append(f"{one.path}: {error.problem}: the edited lines are taken as they are{names}")
        return joined.text

    def _rewritten(self, one: EditedFile, text: bytes) -> "_TextAtHome":
        """A text that stands here, with the names that it has at home."""
        packed = self._packer.packed(self._inputs[one.member], text)
        return _TextAtHome(self._at_home(Member(one.member, packed.packed, one.is_executable)), packed.findings)

    def _tell_findings(self, one: EditedFile, before: Sequence[Finding], after: Sequence[Finding]) -> None:
        """What the edit names that cannot be had at home."""
        known = {finding[1:] for finding in before}
        self.notes += notes_of((one.path, finding) for finding in after if finding[1:] not in known)

    def _tell_spelling(self, one: EditedFile, at_home: bytes, here: bytes) -> None:
        """Where the edit, once it is in a release, would come back in other words."""
        try:
            back = self._pulled_again(one, at_home)
        except MicropkgError as error:
            self.notes.append(f"{one.path}: it cannot be packaged there as it is: {error.problem}")
            return
        for number, line in _differences(here, back):
            self.notes.append(f"{one.path}:{number}: comes back as `{line}`")

    def _pulled_again(self, one: EditedFile, at_home: bytes) -> bytes:
        """What a pull makes here of a text that is packaged at home."""
        data = at_home
        if self._packer_there is not None:
            file = self._inputs[one.member]._replace(path=RelPath(self._path(one.member)))
            data = self._packer_there.packed(file, at_home).packed
        return self._here.rendered(Member(one.member, data, one.is_executable)).source

    def _module_there(self, origin: ModuleOrigin, files: Sequence[Input]) -> tuple[PackagedModule, Sequence[Input]]:
        name, rewrites = self._edits.module.name, origin.rewrites_parameters
        module = PackagedModule(origin.place, origin.leaf, name, rewrite_parameters=rewrites)
        return module, [file._replace(path=RelPath(self._path(file.member))) for file in files]


class _TextAtHome(NamedTuple):
    """A text with the names that it has at home."""

    text: bytes
    findings: tuple[Finding, ...]


class _Joined(NamedTuple):
    """A text joined of two; `clean` says that no line was changed in both."""

    text: bytes
    clean: bool


class _Packer:
    """Rewrites texts as packaging a module does."""

    def __init__(self, module: PackagedModule, files: Sequence[Input]) -> None:
        self._text = b""
        self._builder = Builder(module, files, lambda _: [self._text], pulled={}, of_newer_python=True)

    def packed(self, file: Input, text: bytes) -> RewrittenText:
        """One text, in the place of a file of the module."""
        self._text = text
        return self._builder.rewritten(file._replace(size=len(text))) or RewrittenText(text, text)


def _joined(base: bytes, original: bytes, edited: bytes) -> _Joined:
    """The edited text, in the original's words wherever its lines are still those of the base."""
    if any(b"\0" in text for text in (base, original, edited)):
        return _Joined(edited, clean=False)
    old, own, new = (text.splitlines(keepends=True) for text in (base, original, edited))
    try:
        with one_effort():
            words = [op[1:] for op in opcodes(old, own) if op[0] != "equal"]
            edits = opcodes(old, new)
    except CollisionError:  # thousands of equal lines
        return _Joined(edited, clean=False)
    lines, used = list[bytes](), 0
    for kind, start, end, new_start, new_end in edits:
        if kind != "equal":
            lines += new[new_start:new_end]
            continue
        inside = [op for op in words if start <= op[0] and op[1] <= end and (op[0] < end or op[0] == len(old))]
        used += len(inside)
        here = start
        for first, last, own_first, own_last in inside:
            lines += [*old[here:first], *own[own_first:own_last]]
            here = last
        lines += old[here:end]
    return _Joined(b"".join(lines), clean=used == len(words))


def _differences(here: bytes, back: bytes) -> Iterator[tuple[int, str]]:
    """The lines that come back otherwise, as many as are worth telling."""
    pairs = zip_longest(here.splitlines(), back.splitlines(), fillvalue=b"")
    differing = ((number, line) for number, (mine, line) in enumerate(pairs, start=1) if mine != line)
    for number, line in islice(differing, _TOLD):
        yield number, line.decode(errors="replace").strip()
