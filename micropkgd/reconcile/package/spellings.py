"""Finds what would be lost on the way into an archive and home again, and says it in the archive. Pure.

An archive is rendered as a pull in the very project it was made in would: where that gives a file back in another
spelling (`from ..ds import x` came back as an absolute import), its `[tool.micropkgd.origin]` has the lines of the
original. So who carries an edit home starts from the text that is there (`actions.patch`), and git knows it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby

from micropkgd.annotations import Final
from micropkgd.errors import MicropkgError
from micropkgd.model.module_origin import ModuleOrigin, OriginalSpelling, Run, blob_name
from micropkgd.model.pull_entry import PullEntry
from micropkgd.model.ref import Ref
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.package.inputs import Input
from micropkgd.reconcile.plan.render import MemberMapping
from micropkgd.relocate import CODE, Finding
from micropkgd.sdist.reader import Member

_TEXTS: Final = (*CODE, ".yml", ".yaml", ".json")
_AT_MOST: Final = 64 << 10  # characters: readers take a pyproject.toml of 256 KiB
_ROW: Final = 100  # characters beside the names and lines
_ANY: Final = Ref.parse("home-1.0.tar.gz")


class RewrittenText(NamedTuple):
    """One text, as it is in the project and in the archive."""

    here: bytes
    packed: bytes
    findings: tuple[Finding, ...] = ()  # what could not be rewritten


def with_spellings(
    home: ModuleOrigin | None,
    name: str,
    files: Mapping[str, Input],
    rewritten: Callable[[Input], RewrittenText | None],
) -> ModuleOrigin | None:
    """What an archive says of its home, with what of its files, by member, would be lost; each is looked at once."""
    if home is None:
        return None
    tests = {"tests/__init__.py"} if any(member.startswith("tests/") for member in files) else set()
    made = {f"{name}/__init__.py", *tests} - files.keys()
    way = way_home(home, name, [*files, *made])
    lost = ((member, _lost(way, file, rewritten)) for member, file in sorted(files.items()) if member.endswith(_TEXTS))
    inside = tuple(member for member, file in sorted(files.items()) if file.path != way.target(member))
    return home._replace(made=tuple(sorted(made)), inside=inside, spelled=_bounded(lost))


def way_home(home: ModuleOrigin, name: str, members: Iterable[str]) -> MemberMapping:
    """How the members of an archive are rendered in the project that they came from."""
    entry = PullEntry(
        _ANY, alias=home.leaf, destination=home.destination, rewrite_parameters=home.rewrites_parameters
    )  # fmt: skip
    return MemberMapping.of(members, name, entry, home.layout)


def _lost(
    way: MemberMapping, file: Input, rewritten: Callable[[Input], RewrittenText | None]
) -> OriginalSpelling | None:
    """What makes the original of a file; None where nothing is lost, or what is cannot be told."""
    texts = rewritten(file)
    if texts is None:
        return None
    try:
        back = way.rendered(Member(file.member, texts.packed, file.executable)).source
    except MicropkgError:
        return None
    return spelled(back, texts.here) if back != texts.here else None


def spelled(text: bytes, original: bytes) -> OriginalSpelling:
    """What makes the original of a text that was rewritten back."""
    blob = blob_name(original)
    try:
        found = OriginalSpelling(blob, tuple(_runs(text.splitlines(keepends=True), original.splitlines(keepends=True))))
        return found if found.restored(text) == original else OriginalSpelling(blob)
    except UnicodeDecodeError:
        return OriginalSpelling(blob)


def _runs(text: list[bytes], original: list[bytes]) -> Iterator[Run]:
    """The lines that differ; as one run where there are more or fewer of them."""
    if len(text) != len(original):
        start = _alike(text, original)
        end = _alike(text[start:][::-1], original[start:][::-1])
        yield start + 1, len(text) - end - start, b"".join(original[start : len(original) - end]).decode()
        return
    numbers = (number for number, (one, other) in enumerate(zip(text, original, strict=True)) if one != other)
    for _, run in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        lines = [number for _, number in run]
        yield lines[0] + 1, len(lines), b"".join(original[lines[0] : lines[-1] + 1]).decode()


def _alike(one: list[bytes], other: list[bytes]) -> int:
    """How many lines both begin with."""
    pairs = zip(one, other, strict=False)
    return next((number for number, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _bounded(lost: Iterable[tuple[str, OriginalSpelling | None]]) -> Mapping[str, OriginalSpelling]:
    """As much as a reader takes."""
    left, found = _AT_MOST, dict[str, OriginalSpelling]()
    for member, one in lost:
        if one is not None:
            left -= len(member) + _ROW + sum(len(text) for _, _, text in one.runs)
            if left >= 0:
                found[member] = one
    return found
