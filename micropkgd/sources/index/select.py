"""Selects the file of an index for a requirement. Pure: no clock, disk, log or network.

Rules: only `.tar.gz` sdists count. All of them are collected before any is left out, so that a pre-release stands in
only where no final release matches; then the project's Python and what was yanked narrow the matches. The newest wins.
Imported with the index source alone, so it may import `packaging`. What that cannot read is a `ValueError`: its own
errors are such, and so is that of a number too long for `int`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename
from packaging.version import Version

from micropkgd.annotations import Final
from micropkgd.errors import DocumentError
from micropkgd.model.tree import Digest
from micropkgd.named_tuples import NamedTuple
from micropkgd.sources.index.simple_api import File
from micropkgd.sources.redaction import redacted
from micropkgd.sources.source import Failed, FailureKind

_SHOWN_AT_MOST: Final = 8  # versions in a message
_WORDS_AT_MOST: Final = 120  # characters of a publisher's reason


class Criteria(NamedTuple):
    """What a requirement asks for. Build it with `parse`, which checks."""

    text: str
    name: str  # normalised
    specifier: SpecifierSet
    oldest_python: Version | None  # that the project is to run on; None: it does not say
    place: str = "the index"  # as messages call it

    @classmethod
    def parse(cls, text: str, requires_python: str, index_url: str = "") -> "Criteria":
        """Read a requirement, and the project's `requires-python`; `DocumentError` says what cannot be honoured."""
        try:
            asked = Requirement(text)
            hash(asked.specifier)  # reads the versions, too
        except ValueError as error:
            raise DocumentError(f"`{text}` is not a requirement", hint="write it like `name>=1,<2`") from error
        if asked.url is not None:
            raise DocumentError(f"`{asked.name}` names an address", hint="make the address itself the ref")
        if asked.extras:
            problem = f"`{text}` asks for extras, and a micro-package has none: its code is taken over as it is"
            raise DocumentError(problem, hint=f"write `{asked.name}{asked.specifier}`")
        if asked.marker is not None:
            problem = f"`{text}` has an environment marker, and a project's tree is the same on every machine"
            raise DocumentError(problem, hint=f"write `{asked.name}{asked.specifier}`")
        place = f"`{redacted(index_url) if '://' in index_url else index_url}`" if index_url else "the index"
        return cls(text, canonicalize_name(asked.name), asked.specifier, oldest_python(requires_python), place)

    @property
    def exact(self) -> bool:
        """Whether it names one version: such a wish is honoured even where that release was yanked."""
        return any(one.operator == "===" or (one.operator == "==" and "*" not in one.version) for one in self.specifier)


class Candidate(NamedTuple):
    """An sdist that the index has, and its version."""

    version: Version
    file: File


class KnownRelease(NamedTuple):
    """A release that an entry has, or had: in the lock, or in this machine's memory."""

    version: Version
    digest: Digest


def by_name(files: Iterable[File]) -> Mapping[str, Sequence[File]]:
    """The sdists among the files of a folder, by the name of what they are."""
    found: dict[str, list[File]] = {}
    for file in files:
        if (sdist := _sdist(file)) is not None:
            found.setdefault(sdist[0], []).append(file)
    return found


def oldest_python(requires_python: str) -> Version | None:
    """The oldest Python that a `requires-python` lets in; `DocumentError` where it is no specifier.

    Upper bounds are a guess of their author's about the future: only the oldest Python is sure to be meant.
    """
    try:
        asked = SpecifierSet(requires_python)
        bounds = {Version(one.version.removesuffix(".*")) for one in asked}
    except ValueError as error:
        raise DocumentError(f"the project's requires-python `{requires_python}` is not a version specifier") from error
    series = {Version(f"3.{minor}") for minor in range(100)} | {Version("2.7")}
    return min(asked.filter(bounds | series, prereleases=True), default=None) if requires_python.strip() else None


def choose(
    criteria: Criteria, files: Sequence[File], *, version: Version | None = None, digest: Digest | None = None
) -> Candidate | Failed:
    """The file that answers a wish.

    `digest` is the archive that was pinned or locked, which is taken wherever the wish allows its version; `version`
    the one that was locked, in place of which nothing else is taken.
    """
    found = list(_candidates(criteria.name, files))
    for candidate in found:
        if digest is not None and candidate.file.sha256 == digest and _allows(criteria, version, candidate):
            return candidate
    if version is not None:
        same = [candidate for candidate in found if candidate.version == version]
        return _best(same) if same else _no_longer_there(criteria, version)
    matching = list(criteria.specifier.filter(found, key=lambda candidate: candidate.version))
    if not matching:
        return _no_match(criteria, found, files)
    suitable = [candidate for candidate in matching if runs_on(criteria.oldest_python, candidate.file)]
    if not suitable:
        return _other_python(criteria, _best(matching))
    offered = [candidate for candidate in suitable if candidate.file.yanked is None]
    if not offered and not criteria.exact:
        return _yanked(criteria, _best(suitable))
    return _best(offered or suitable)


def step_back(
    criteria: Criteria, version: Version, digest: Digest | None, had: Sequence[KnownRelease]
) -> Failed | None:
    """Why an entry must not go from what it had to this release: an older one, or other bytes of the same.

    Either is what an index would do that was taken over or set back; what the requirement rules out it is a person's
    word to leave; `digest` is None where it is not known yet.
    """
    if any(one.version == version and digest in {None, one.digest} for one in had):
        return None
    index = criteria.place
    for one in had:
        if not criteria.specifier.contains(one.version, prereleases=True):
            continue  # a person has ruled it out
        if version < one.version:
            newest = f"the newest release of {index} that answers `{criteria.text}`"
            problem = f"{newest} is {version}, older than {one.version} before"
            hint = "what is installed stays; `micropkgd reconcile --once --allow-downgrade` goes back"
            return Failed(FailureKind.REFUSED, problem, hint, reason="Downgrade")
        if version == one.version:
            release = f"`{criteria.name}` {version} of {index}"
            problem = f"{release} has other bytes than before: expected {one.digest}, found {digest}"
            hint = "find out who changed it, for a release never does; `micropkgd lock --allow-downgrade` takes it"
            return Failed(FailureKind.CORRUPT, problem, hint, reason="Rebuilt")
    return None


def _candidates(name: str, files: Iterable[File]) -> Iterator[Candidate]:
    for file in files:
        its_name, version = _sdist(file) or ("", None)
        if version is not None and its_name == name:
            yield Candidate(version, file)


def _sdist(file: File) -> tuple[str, Version] | None:
    """Name and version of a file that is an sdist."""
    if not file.name.endswith(".tar.gz") or not file.name.isascii() or not file.name.isprintable():
        return None
    try:
        return parse_sdist_filename(file.name)
    except ValueError:
        return None


def _best(candidates: Sequence[Candidate]) -> Candidate:
    return max(candidates, key=lambda candidate: (candidate.version, candidate.file.name))


def _allows(criteria: Criteria, version: Version | None, candidate: Candidate) -> bool:
    if version is not None:
        return candidate.version == version
    return criteria.specifier.contains(candidate.version, prereleases=True)


def runs_on(python: Version | None, file: File) -> bool:
    """A `requires-python` that cannot be read excludes nothing, as installers have it."""
    try:
        return python is None or SpecifierSet(file.requires_python).contains(python, prereleases=True)
    except ValueError:
        return True


def _no_match(criteria: Criteria, found: Sequence[Candidate], files: Sequence[File]) -> Failed:
    wheels = sorted(_wheel_versions(criteria, files), reverse=True)
    if wheels:
        problem = (
            f"{criteria.place} has {_listed(wheels)} of `{criteria.name}` as wheels only, not as a `.tar.gz` sdist"
        )
        hint = "a micro-package is taken from its sdist: ask its publisher for one (`micropkgd package` makes it)"
        return Failed(FailureKind.REFUSED, problem, hint)
    if not found:
        problem = f"{criteria.place} has no `.tar.gz` sdist of `{criteria.name}`"
        return Failed(FailureKind.REFUSED, problem, "check the name; its publisher makes one by `micropkgd publish`")
    versions = sorted({candidate.version for candidate in found}, reverse=True)
    problem = f"no release matches `{criteria.text}`: {criteria.place} has {_listed(versions)}"
    return Failed(FailureKind.REFUSED, problem, _nearer(criteria, versions))


def _nearer(criteria: Criteria, versions: Sequence[Version]) -> str:
    """What to ask for instead: the newest there is, which is where most slips are."""
    finals = [version for version in versions if not version.is_prerelease]
    if not finals:
        return f"they are pre-releases: `{criteria.name}=={versions[0]}` asks for the newest"
    return (
        f"ask for one that is there, like `{criteria.name}=={finals[0]}`, or look whether `index` names the right one"
    )


def _wheel_versions(criteria: Criteria, files: Iterable[File]) -> set[Version]:
    """The releases that would match if they had an sdist."""
    versions = set()
    for file in files:
        try:
            name, version, _, _ = parse_wheel_filename(file.name)
        except ValueError:
            continue
        if name == criteria.name:
            versions.add(version)
    return set(criteria.specifier.filter(versions))


def _listed(versions: Sequence[Version]) -> str:
    """The newest first, and not all of a long history."""
    shown = ", ".join(map(str, versions[:_SHOWN_AT_MOST]))
    return f"{shown} and {len(versions) - _SHOWN_AT_MOST} more" if len(versions) > _SHOWN_AT_MOST else shown


def _other_python(criteria: Criteria, best: Candidate) -> Failed:
    problem = (
        f"no release of {criteria.place} that matches `{criteria.text}` runs on Python {criteria.oldest_python}, which"
        f" the project's requires-python lets in: {best.version} needs `{SpecifierSet(best.file.requires_python)}`"
    )
    return Failed(FailureKind.REFUSED, problem, "raise the project's requires-python, or ask for an older release")


def _yanked(criteria: Criteria, best: Candidate) -> Failed:
    words = ascii((best.file.yanked or "")[:_WORDS_AT_MOST])[1:-1]
    reason = f" ({words})" if words else ""
    which = f"every release of {criteria.place} that matches `{criteria.text}`"
    hint = f"ask for another one, or for this very one: `{criteria.name}=={best.version}`"
    return Failed(FailureKind.REFUSED, f"{which} was yanked; the newest is {best.version}{reason}", hint)


def _no_longer_there(criteria: Criteria, version: Version) -> Failed:
    problem = f"{criteria.place} no longer has `{criteria.name}` {version}, which is locked"
    return Failed(FailureKind.GONE, problem, "what is installed stays; `micropkgd lock --upgrade` asks for another one")
