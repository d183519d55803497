"""Works out what every entry should have: from its lock block where that still answers, else by rendering."""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence

from micropkgd.errors import ArchiveError, MicropkgError
from micropkgd.model.condition import Failure
from micropkgd.model.contents import digests_of
from micropkgd.model.entry_key import NOWHERE, EntryKey
from micropkgd.model.layout import Layout
from micropkgd.model.lock import RENDERER, Block, Release, SignedBy, Version, stray_paths
from micropkgd.model.manifest import OnDanglingImport, PullEntry
from micropkgd.model.outcome import StepBack
from micropkgd.model.tree import Digest, RelPath, parents
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.plan.backwards import emptied, hold_of, is_held, step_back, why_held
from micropkgd.reconcile.plan.byte_store import ByteStore, DigestStore, NotKeptError
from micropkgd.reconcile.resolve.blocks import current_blocks
from micropkgd.reconcile.resolve.fetcher import Fetcher, Resolution, WantedArchive, location
from micropkgd.reconcile.resolve.rendering import Rendering, requested
from micropkgd.sources.cache import CachedArchive
from micropkgd.workspace.memory.state import Hold
from micropkgd.workspace.new_folders import notes_on, pulled_into
from micropkgd.workspace.project import Project

_OLDER_RULES = Failure(
    3, "OutOfStep", "it was locked by an older micropkgd, which rewrote code otherwise", "run `micropkgd lock`"
)


class Arranged(NamedTuple):
    """The version that an entry has in the tree, as if its archive had the files where a person moved them."""

    version: Version
    old: Mapping[RelPath, Digest]  # what stood where they are now, before any import followed


class _Job(NamedTuple):
    """One archive that must be rendered, of the entry with this number."""

    number: int
    wanted: WantedArchive
    moved: Mapping[str, str]


class Desired(NamedTuple):
    """One entry on its way through a pass."""

    ref: str
    entry: PullEntry | None  # None: it left the manifest
    before: Block | None  # its block in the lock as found; of a ref that is new, the one that stood in its place
    after: Block | None  # its block once applied; None: it is leaving, or nothing is known of it
    rendering: Rendering | None = None  # only where bytes are, or may be, needed
    failure: Failure | None = None
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()  # on the code that was rendered: told by the pass that renders it, and not again
    asked: bool = True  # False: its source was not asked, or did not answer
    step_back: StepBack | None = None  # an update that goes backwards, made or held
    held_back: Hold | None = None  # the version that it would go back to, and does not
    waits: Block | None = None  # the version that waits for a checkout that has all files
    arranged: Arranged | None = None  # where a person moved files of it since the last pass
    elsewhere: frozenset[RelPath] = frozenset()  # files that are moved, and must not come back, while the lock stays

    @property
    def target(self) -> RelPath | None:
        """Where its code stands, as far as that is known."""
        block = self.after or self.before
        return block.target if block else None

    @property
    def key(self) -> EntryKey:
        """The entry's identity."""
        return EntryKey(self.ref, self.target or NOWHERE)

    @property
    def files(self) -> Mapping[RelPath, Digest]:
        """What it should have."""
        return self.after.files if self.after else {}


def desire(
    project: Project,
    fetcher: Fetcher,
    resolutions: Sequence[Resolution],
    *,
    frozen: bool = False,
    chosen: Collection[str] = (),
    holds: Mapping[str, Hold] = {},
    installs: bool = True,
) -> list[Desired]:
    """Say what each entry of the manifest, and each block that left it, comes to.

    `frozen` takes every block at its word, also where the manifest has come to say something else. The refs in `chosen`
    may go backwards: somebody takes what they have. `holds` are what earlier passes found, by ref. Where the pass
    `installs` nothing, larger files are not kept.
    """
    blocks = current_blocks(project)
    entries = project.manifest.pulls
    wanted = []
    for entry, resolution in zip(entries, resolutions, strict=True):
        block = blocks[entry.ref.text]
        answers = block is not None and bool(block.files) and (frozen or _answers(block, entry, project.layout))
        wanted.append(_from_block(entry, block, resolution, answers=answers))
    stale = [
        _Job(
            number,
            WantedArchive(entries[number], resolution.archive, resolution.release),
            block.moved if (block := blocks[entries[number].ref.text]) is not None else {},
        )
        for number, resolution in enumerate(resolutions)
        if wanted[number] is None and resolution.archive is not None
    ]
    leaving = {block.target: block for block in project.lock.blocks if block.ref not in blocks}
    for job, desired in zip(stale, _rendered(project, fetcher, stale, installs=installs), strict=True):
        identified = _as_identified(desired, blocks[job.wanted.entry.ref.text], leaving)
        may_go_back = fetcher.allow_downgrade or desired.ref in chosen
        wanted[job.number] = _unless_backwards(project, identified, may_go_back=may_go_back)
    signed = {entry.ref.text: found.signed for entry, found in zip(entries, resolutions, strict=True) if found.signed}
    wanted = [desired and _with_signature(desired, signed.get(desired.ref)) for desired in wanted]
    staying = [
        _still_held(desired._replace(notes=(*resolution.notes, *desired.notes), asked=resolution.asked), holds)
        for desired, resolution in zip(wanted, resolutions, strict=True)
        if desired is not None
    ]
    staying = refuse_overlaps(staying)
    return staying + _leaving(project, staying)


def with_bytes(project: Project, fetcher: Fetcher, wanted: Sequence[Desired]) -> list[Desired]:
    """Render again what was taken from the lock, for the entries whose bytes are needed after all."""
    jobs = [
        _Job(
            number,
            WantedArchive(desired.entry, desired.after.archive, desired.after.release),
            desired.after.moved,
        )
        for number, desired in enumerate(wanted)
        if desired.entry is not None and desired.after is not None
    ]
    result = list(wanted)
    for job, rendered in zip(jobs, _rendered(project, fetcher, jobs), strict=True):
        result[job.number] = _same_as_locked(wanted[job.number], rendered)
    return result


def with_moved(project: Project, fetcher: Fetcher, desired: Desired, moved: Mapping[str, str]) -> Desired:
    """An entry whose archive has these members elsewhere; with a failure where that cannot be rendered."""
    if desired.entry is None or desired.after is None:
        return desired
    after = desired.after
    job = _Job(0, WantedArchive(desired.entry, after.archive, after.release), moved)
    (rendered,) = _rendered(project, fetcher, [job])
    if rendered.after is None or rendered.rendering is None:
        return desired._replace(failure=rendered.failure)
    block = after._replace(files=rendered.after.files, moved=rendered.after.moved)
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


def _answers(block: Block, entry: PullEntry, layout: Layout) -> bool:
    """Whether a block was made for this very entry, layout and set of rules."""
    return block.requested == requested(entry, layout) and block.renderer == RENDERER


def _from_block(entry: PullEntry, block: Block | None, resolution: Resolution, *, answers: bool) -> Desired | None:
    """Take an entry's files from the lock where it still answers; None where it must be rendered."""
    ref = entry.ref.text
    if resolution.failure is not None:
        # What is locked is still wanted: a missing file can come back from the cache while its source is away.
        return Desired(
            ref, entry, block, block if answers and resolution.is_trusted else None, failure=resolution.failure
        )
    if block is not None and answers and block.archive == resolution.archive:
        return Desired(ref, entry, block, block)
    return None


def _rendered(project: Project, fetcher: Fetcher, jobs: Sequence[_Job], *, installs: bool = True) -> list[Desired]:
    found = fetcher.materialise([job.wanted for job in jobs])
    store = (ByteStore if installs else DigestStore)(fetcher.cache.scratch)
    return [_render_one(project, job, one, store) for job, one in zip(jobs, found, strict=True)]


def _render_one(project: Project, job: _Job, found: CachedArchive | Failure, store: ByteStore) -> Desired:
    """Read and render one archive; what is wrong with it is this entry's failure and nobody else's."""
    entry, archive, release = job.wanted
    ref = entry.ref.text
    if isinstance(found, Failure):
        return Desired(ref, entry, None, None, failure=found)
    try:
        rendering = _read_and_render(found, entry, project.layout, store, release, job.moved)
    except NotKeptError:  # code that is larger than any that people write
        return _render_one(project, job, found, store.anew())
    except MicropkgError as error:
        return Desired(ref, entry, None, None, failure=_rejected(error))
    block = Block(
        name=rendering.name,
        version=rendering.version,
        url=release.url if release is not None else location(entry.ref),
        size=found.size,
        archive=archive,
        ref=ref,
        requested=requested(entry, project.layout),
        target=rendering.place.code,
        renderer=RENDERER,
        requirements=rendering.requirements,
        files=digests_of(rendering.files),
        index_url=release.index_url if release is not None else "",
        moved=rendering.moved,
    )
    remarks: tuple[str, ...] = (*_of_requirements(rendering), *_of_code(rendering))
    leaving = any(finding.kind == "leaves" for _, finding in rendering.findings)
    failure: Failure | None = None
    if leaving and project.manifest.policy.on_dangling_import is OnDanglingImport.ERROR:
        failure = Failure(
            1, "DanglingImport", "imports leave the micro-package", 'see the notes, or set on-dangling-import = "warn"'
        )
    remarks += tuple(notes_on(project.root, pulled_into(project.layout, entry.destination, entry.env)))
    return Desired(ref, entry, None, block, rendering, failure, remarks=remarks)


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


def _as_identified(rendered: Desired, block: Block | None, left: Mapping[RelPath, Block]) -> Desired:
    """Join a fresh rendering with the block that says what its entry has, wherever that is: a move is no first pull.

    A ref that is new in the manifest goes on from the block that stands in its place and whose ref `left`: a row that
    came to name `ds-0.2.tar.gz` in place of `ds-0.1.tar.gz` is an update, with the edits that there are.
    """
    if rendered.after is None:
        return rendered._replace(before=block)
    block = block or left.get(rendered.after.target)
    return rendered._replace(before=block, after=None if rendered.failure is not None else rendered.after)


def _unless_backwards(project: Project, desired: Desired, *, may_go_back: bool) -> Desired:
    """Hold an update that goes backwards, and refuse one to nothing at all; the entry keeps what it has."""
    before, after, entry, rendering = desired.before, desired.after, desired.entry, desired.rendering
    if before is None or after is None or entry is None or rendering is None:
        return desired
    kept = desired._replace(after=before if _answers(before, entry, project.layout) else None, rendering=None)
    if (failure := emptied(before, after, rendering.files)) is not None:
        return kept._replace(failure=failure)
    step = step_back(before, after) if before.ref == desired.ref else None  # another ref is a person's word
    free = may_go_back or entry.sha256 is not None or project.in_conflict  # so is a pin, and a merge
    if step is None or free or not is_held(step, project.manifest.policy.on_downgrade):
        return desired._replace(step_back=step)
    hold = hold_of(before, after, step, rendering.place.requirements_label)
    return kept._replace(failure=why_held(before, hold), step_back=step, held_back=hold, remarks=())


def _with_signature(desired: Desired, signed: SignedBy | None) -> Desired:
    """The entry with whose signature its archive carries."""
    after, held_back = desired.after, desired.held_back
    if signed is not None and held_back is not None and held_back.archive == signed.archive:
        return desired._replace(held_back=held_back._replace(signature=signed.signature))
    if signed is None or after is None or after.archive != signed.archive or after.signed == signed:
        return desired
    return desired._replace(after=after._replace(signed=signed))


def _still_held(desired: Desired, holds: Mapping[str, Hold]) -> Desired:
    """The entry with a step back that an earlier pass held, where this one learnt nothing of its source."""
    hold, before = holds.get(desired.ref), desired.before
    if hold is None or before is None or desired.asked or not hold.step_back or hold.base != before.archive:
        return desired
    failure = desired.failure or why_held(before, hold)
    return desired._replace(failure=failure, step_back=StepBack(hold.step_back), held_back=hold)


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


def refuse_overlaps(staying: Sequence[Desired]) -> list[Desired]:
    """Two entries may not have the same folder, one inside the other, or one file: neither is applied."""
    targets = {desired.target: desired.ref for desired in staying if desired.target is not None}
    owners: dict[RelPath, str] = {}
    overlapping: dict[str, str] = {}
    for desired in staying:
        paths = (desired.target, *desired.files) if desired.target is not None else ()
        folders = {RelPath(path.rpartition("/")[0]) for path in paths}
        others = {owners.setdefault(path, desired.ref) for path in paths}
        others.update(targets.get(above, "") for folder in folders for above in (folder, *parents(folder)))
        for other in sorted(others - {desired.ref, ""}):
            overlapping |= {desired.ref: other, other: desired.ref}
    return [_overlapping(desired, overlapping) for desired in staying]


def _overlapping(desired: Desired, overlapping: Mapping[str, str]) -> Desired:
    other = overlapping.get(desired.ref)
    if other is None:
        return desired
    problem = f"its files and those of `{other}` overlap at {desired.target}"
    hint = "give one of the two another `destination` or `alias`; where one is to replace the other, change its row"
    failure = Failure(2, "Overlap", problem, hint)
    return desired._replace(failure=failure, after=None)


def _leaving(project: Project, staying: Sequence[Desired]) -> list[Desired]:
    """The blocks that no entry answers to any more. An entry that failed keeps its block, wherever it stands.

    A file that git's merge left in two blocks is that of the entry that stays, else of the first.
    """
    stays = [desired.before for desired in staying if desired.before is not None]
    kept = {block.key for block in stays}
    stuck = {desired.ref for desired in staying if desired.failure is not None}
    taken = {path for block in stays for path in block.paths}
    leaving = []
    for block in project.lock.blocks:
        if block.key not in kept and block.ref not in stuck:
            leaving.append(_left(project, _without(block, taken), staying))
            taken |= block.paths
    return leaving


def _without(block: Block, taken: Collection[RelPath]) -> Block:
    if block.paths.isdisjoint(taken):
        return block
    old = block.superseded
    files = {path: digest for path, digest in block.files.items() if path not in taken}
    rest = {path: digest for path, digest in old.files.items() if path not in taken} if old is not None else {}
    return block._replace(files=files, superseded=old._replace(files=rest) if old is not None else None)


def _left(project: Project, block: Block, staying: Sequence[Desired]) -> Desired:
    """A block whose entry left: it goes, unless the policy or what may be its successor wants it to stay."""
    successors = (one.ref for one in staying if one.entry is not None and _may_succeed(one, one.entry, block, project))
    successor = next(successors, None)
    if successor is not None:
        return Desired(block.ref, None, block, block, notes=(f"stays until `{successor}` can be installed",))
    if stray_paths(block, project.layout) and _stands(block, project.root):
        note = f"left the manifest, and {block.target} is a place of another layout: remove its files by hand"
        return Desired(block.ref, None, block, block, notes=(note,))
    if not project.manifest.policy.prune:
        return Desired(block.ref, None, block, block, notes=("left the manifest",))
    return Desired(block.ref, None, block, None)


def _stands(block: Block, root: str) -> bool:
    return any(os.path.lexists(os.path.join(root, path)) for path in block.paths)


def _may_succeed(desired: Desired, entry: PullEntry, block: Block, project: Project) -> bool:
    """Whether an entry of which nothing could be read yet may turn out to have the place of this block."""
    if desired.failure is None or desired.target is not None:
        return False
    return project.layout.place(entry.destination, entry.alias or block.key.name, None).code == block.target
