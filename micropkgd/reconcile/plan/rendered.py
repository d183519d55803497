"""Renders the archives of entries that need it, and holds what comes of it against the lock."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from micropkgd.errors import ArchiveError, MicropkgError
from micropkgd.model.condition import Failure
from micropkgd.model.contents import digests_of
from micropkgd.model.layout import Layout
from micropkgd.model.lock import RENDERER, Block, Release, Version
from micropkgd.model.policy import OnDanglingImport
from micropkgd.model.pull_entry import PullEntry
from micropkgd.model.tree import RelPath
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.plan.byte_store import ByteStore, DigestStore, NotKeptError
from micropkgd.reconcile.plan.desired import Desired
from micropkgd.reconcile.resolve.fetcher import Fetcher, WantedArchive, location
from micropkgd.reconcile.resolve.rendering import Rendering, requested
from micropkgd.sources.cache import CachedArchive
from micropkgd.workspace.project import Project

_OLDER_RULES = Failure(
    3, "OutOfStep", "it was locked by an older micropkgd, which rewrote code otherwise", "run `micropkgd lock`"
)


class RenderJob(NamedTuple):
    """One archive that must be rendered for an entry, and the members of it that stand elsewhere."""

    wanted: WantedArchive
    moved: Mapping[str, str]

    @classmethod
    def of_locked(cls, entry: PullEntry, block: Block) -> "RenderJob":
        """What makes the files of a block again."""
        return cls(WantedArchive(entry, block.archive, block.release), block.moved)


def with_bytes(project: Project, fetcher: Fetcher, wanted: Sequence[Desired]) -> list[Desired]:
    """Render again what was taken from the lock, for the entries whose bytes are needed after all."""
    known = [
        (number, RenderJob.of_locked(desired.entry, desired.after))
        for number, desired in enumerate(wanted)
        if desired.entry is not None and desired.after is not None
    ]
    result = list(wanted)
    for (number, _), rendered in zip(known, render_all(project, fetcher, [job for _, job in known]), strict=True):
        result[number] = _same_as_locked(wanted[number], rendered)
    return result


def with_moved(project: Project, fetcher: Fetcher, desired: Desired, moved: Mapping[str, str]) -> Desired:
    """An entry whose archive has these members elsewhere; with a failure where that cannot be rendered."""
    if desired.entry is None or desired.after is None:
        return desired
    job = RenderJob.of_locked(desired.entry, desired.after)._replace(moved=moved)
    (rendered,) = render_all(project, fetcher, [job])
    if rendered.after is None or rendered.rendering is None:
        return desired._replace(failure=rendered.failure)
    block = desired.after._replace(files=rendered.after.files, moved=rendered.after.moved)
    return desired._replace(after=block, rendering=rendered.rendering, remarks=rendered.remarks)


def base_contents(
    project: Project, fetcher: Fetcher, entry: PullEntry, version: Version
) -> Mapping[RelPath, bytes] | Failure:
    """The files that an older version makes here, for merging: from the cache, else fetched again by its digest."""
    rendering = rendering_of(project, fetcher, entry, version)
    return rendering if isinstance(rendering, Failure) else rendering.files


def rendering_of(project: Project, fetcher: Fetcher, entry: PullEntry, version: Version) -> Rendering | Failure:
    """What an older version makes here: from the cache, else fetched again by its digest."""
    release = Release("", version.version, version.url, version.index_url) if version.index_url else None
    (archive,) = fetcher.materialise([WantedArchive(entry, version.archive, release)])
    if isinstance(archive, Failure):
        return archive
    try:
        store = ByteStore(fetcher.cache.scratch)
        return _read_and_render(archive, entry, project.layout, store, moved=version.moved)
    except MicropkgError as error:
        return Failure.of(error)


def render_all(
    project: Project, fetcher: Fetcher, jobs: Sequence[RenderJob], *, installs: bool = True
) -> list[Desired]:
    """Fetch and render what the jobs want, each as an entry of which nothing else is known yet."""
    found = fetcher.materialise([job.wanted for job in jobs])
    store = (ByteStore if installs else DigestStore)(fetcher.cache.scratch)
    return [_render_one(project, job, one, store) for job, one in zip(jobs, found, strict=True)]


def _render_one(project: Project, job: RenderJob, found: CachedArchive | Failure, store: ByteStore) -> Desired:
    """Read and render one archive; what is wrong with it is this entry's failure and nobody else's."""
    entry, _, release = job.wanted
    ref = entry.ref.text
    if isinstance(found, Failure):
        return Desired(ref, entry, None, None, failure=found)
    try:
        rendering = _read_and_render(found, entry, project.layout, store, release, job.moved)
    except NotKeptError:  # code that is larger than any that people write
        return _render_one(project, job, found, store.anew())
    except MicropkgError as error:
        return Desired(ref, entry, None, None, failure=_rejected(error))
    block = _block_of(rendering, job, found, project.layout)
    failure, remarks = _dangling(rendering, project), _remarks(rendering, project, entry)
    return Desired(ref, entry, None, block, rendering, failure, remarks=remarks)


def _block_of(rendering: Rendering, job: RenderJob, found: CachedArchive, layout: Layout) -> Block:
    """What the lock is to say of an entry that is rendered."""
    entry, archive, release = job.wanted
    return Block(
        name=rendering.name,
        version=rendering.version,
        url=release.url if release is not None else location(entry.ref),
        size=found.size,
        archive=archive,
        ref=entry.ref.text,
        requested=requested(entry, layout),
        target=rendering.place.code,
        renderer=RENDERER,
        requirements=rendering.requirements,
        files=digests_of(rendering.files),
        index_url=release.index_url if release is not None else "",
        moved=rendering.moved,
    )


def _dangling(rendering: Rendering, project: Project) -> Failure | None:
    """Why an entry is not installed whose imports leave it, where the policy says so."""
    leaves = any(finding.kind == "leaves" for _, finding in rendering.findings)
    if not leaves or project.manifest.policy.on_dangling_import is not OnDanglingImport.ERROR:
        return None
    hint = 'see the notes, or set on-dangling-import = "warn"'
    return Failure(1, "DanglingImport", "imports leave the micro-package", hint)


def _remarks(rendering: Rendering, project: Project, entry: PullEntry) -> tuple[str, ...]:
    """What is said of an archive's requirements and code, and of the folders that its row makes."""
    folders: Iterable[str] = ()
    if entry.destination or entry.env is not None:
        from micropkgd.workspace.new_folders import notes_on, pulled_into

        folders = notes_on(project.root, pulled_into(project.layout, entry.destination, entry.env))
    return (*_of_requirements(rendering), *_of_code(rendering), *folders)


def _read_and_render(
    archive: CachedArchive,
    entry: PullEntry,
    layout: Layout,
    store: ByteStore,
    release: Release | None = None,
    moved: Mapping[str, str] = {},
) -> Rendering:
    """Render an archive, which must be the release that an index was asked for; reader and rewriter load here."""
    from micropkgd.reconcile.plan.render import render
    from micropkgd.sdist.identity import Identity, agreed_identity
    from micropkgd.sdist.reader import read_sdist

    with archive.reading() as stream:
        sdist = read_sdist(stream, keep=store.keep)
    rendering = render(sdist, entry, layout, store.keep, moved)
    if release is not None:
        chosen = Identity("the index", release.name, release.version)
        agreed_identity(Identity("the archive", rendering.name, rendering.version), chosen, root=sdist.root)
    return rendering


def _of_requirements(rendering: Rendering) -> Iterator[str]:
    """Name what a person's pip would fetch from an address of the publisher's choice (docs/threats.md, T4)."""
    if any("@" in line for line in rendering.requirements):
        from micropkgd.sdist.requirements import direct_address
        from micropkgd.sources.redaction import redacted

        for line in rendering.requirements:
            if address := direct_address(line):
                name = line.partition("@")[0].strip()
                yield f"it requires `{name}` from {redacted(address)}, an address of its own that no index answers for"


def _of_code(rendering: Rendering) -> Iterator[str]:
    """Name what could not be rewritten, with file and line."""
    if rendering.findings:
        from micropkgd.relocate.notes import notes_of

        yield from notes_of(rendering.findings)


def _rejected(error: MicropkgError) -> Failure:
    failure = Failure.of(error)
    return failure._replace(reason=f"ArchiveRejected/{error.reason}") if isinstance(error, ArchiveError) else failure


def _same_as_locked(desired: Desired, rendered: Desired) -> Desired:
    """Nothing reaches the tree whose sha256 is not what the lock says (promise P4)."""
    if rendered.after is None or desired.after is None:
        return desired._replace(failure=desired.failure or rendered.failure, after=None)
    if rendered.after.files != desired.after.files:
        if desired.after.renderer != RENDERER:
            return desired._replace(failure=_OLDER_RULES, after=None)
        problem = "the locked archive renders to other files than the lock lists"
        failure = Failure(6, "Verification", problem, "run `micropkgd lock` and look at what changed in the lock")
        return desired._replace(failure=failure, after=None)
    return desired._replace(rendering=rendered.rendering, remarks=rendered.remarks)
