"""The lock: which archive answers each entry, and what each rendered file is (docs/formats.md).

It is the base that edits are measured against, on every machine: what differs from it on disk is somebody's edit. Where
it moved on and left the tree as it was, `superseded` says what the tree still has (decision 0011). Where somebody
accepted edits, `edited` says which files the tree has in place of the generated ones. Where a person moved files inside
the package, `moved` says so: they, and the imports of them, are rendered as if the archive had them there.

It holds only what any machine can recompute, so it has no time, no validator and no credential. It is data from a
repository, not an order: `stray_paths` names what a hostile or merged lock lists outside the entry's own places.
"""

from collections.abc import Iterator, Mapping

from micropkgd.annotations import TypeVar
from micropkgd.errors import DocumentError
from micropkgd.model.entry_key import MOST_ENTRIES, EntryKey
from micropkgd.model.fields import kind_of
from micropkgd.model.layout import Layout
from micropkgd.model.parameters import is_parameters
from micropkgd.model.requirements_place import USUAL_PLACE, RequirementsPlace, place_in
from micropkgd.model.tree import Digest, RelPath, parse_digest, parse_inventory, rel_path
from micropkgd.named_tuples import NamedTuple

LOCK_VERSION = "1.4"  # that can be read; written is the oldest one that can say all
_PLAIN, _WITH_EDITS, _WITH_MORE = "1.1", "1.2", "1.3"
LOCK_NAME = RelPath("micropkg.lock")
BY_HAND = RelPath(".micropkgd/by-hand.lock")  # the same form, for what `micropkgd pull` placed on this machine

_SHALLOWEST = 2  # folders: a package, and what was pulled into it
_CONFIG = (".yml", ".yaml", ".json", ".toml")

T = TypeVar("T")

RENDERER = 2
"""Names the rules that make files of an archive: bumped when the same archive would render to other bytes, so that
an upgrade of micropkgd shows as a new rendering in the lock and never as tampering."""

_NEWER = "update micropkgd, or restore the lock that this version wrote"


class Release(NamedTuple):
    """What an index answered a requirement with."""

    name: str
    version: str
    url: str  # of the file, without anything that may be secret
    index_url: str


class Version(NamedTuple):
    """One version of an entry, with the files and the requirement lines that it makes in this project."""

    version: str
    url: str
    size: int  # bytes of the archive
    archive: Digest
    requirements: tuple[str, ...]
    files: Mapping[RelPath, Digest]
    target: RelPath
    index_url: str = ""
    moved: Mapping[str, str] = {}  # members of the archive that a person moved here: the new name by the old one


class SignedBy(NamedTuple):
    """Whose signature an archive carries, and the signature itself, for whoever wants to see."""

    identity: str  # as the rule that asked for it names the signer
    archive: Digest
    signature: str  # SSHSIG, in base64


class Block(NamedTuple):
    """What the lock says of one entry; ref + target is the entry's identity.

    Without files it is an entry that left the manifest: the next pass removes what it supersedes, and the block.
    """

    name: str
    version: str
    url: str  # where the archive came from, or its path
    size: int  # bytes of the archive
    archive: Digest
    ref: str  # exactly as in the manifest
    requested: Digest  # says whether this block still answers the entry and the layout
    target: RelPath  # folder of the code: "src/shop/pipelines/forecast"
    renderer: int  # which rules made `files`
    requirements: tuple[str, ...]
    files: Mapping[RelPath, Digest]  # the inventory: drift is measured against it, and prune may touch nothing else
    index_url: str = ""  # of the index that was asked; empty where the ref itself is the archive's address
    superseded: Version | None = None  # only where the tree may still have another inventory than `files`
    edited: Mapping[RelPath, Digest] = {}  # the edits that somebody accepted; none: nobody did
    moved: Mapping[str, str] = {}  # as of `made`
    signed: SignedBy | None = None  # only where somebody asks for signatures

    @property
    def key(self) -> EntryKey:
        """The entry's identity."""
        return EntryKey(self.ref, self.target)

    @property
    def release(self) -> Release | None:
        """The release that answers a requirement; None for an archive with an address of its own."""
        return Release(self.name, self.version, self.url, self.index_url) if self.index_url else None

    @property
    def made(self) -> Version:
        """The version that is in the tree once this block is installed."""
        return Version(
            self.version,
            self.url,
            self.size,
            self.archive,
            self.requirements,
            self.files,
            self.target,
            self.index_url,
            self.moved,
        )  # fmt: skip

    @property
    def versions(self) -> tuple[Version, ...]:
        """The version that is locked, and the one that the tree may still have."""
        return (self.made, self.superseded) if self.superseded is not None else (self.made,)

    @property
    def requires(self) -> bool:
        """Whether it asks for requirement lines, or may have some in the tree."""
        return bool(self.requirements or (self.superseded is not None and self.superseded.requirements))

    @property
    def paths(self) -> frozenset[RelPath]:
        """Every file that the block speaks of."""
        return frozenset({*self.files, *(self.superseded.files if self.superseded else ())})

    def as_of(self, version: Version) -> "Block":
        """The block as it was, or would be, with that version in the tree."""
        return self._replace(**version._asdict(), superseded=None)

    def instead_of(self, before: Version | None) -> "Block":
        """The block for a tree that still has the version `before`; nothing is said where that is the same."""
        said = before is not None and (before.files, before.requirements) != (self.files, self.requirements)
        return self._replace(superseded=before if said else None)


class Lock(NamedTuple):
    """All blocks, sorted by identity."""

    blocks: tuple[Block, ...] = ()
    place: RequirementsPlace = USUAL_PLACE  # where what the blocks require was written

    @classmethod
    def of(cls, blocks: Mapping[EntryKey, Block], place: RequirementsPlace = USUAL_PLACE) -> "Lock":
        """Put blocks into the order in which the lock is written; where none requires anything, no place is said."""
        lock = cls(tuple(blocks[key] for key in sorted(blocks)), place)
        return lock if lock.requires else lock._replace(place=USUAL_PLACE)

    @classmethod
    def from_mapping(cls, document: Mapping[str, object]) -> "Lock":
        """Check a whole lock document; `DocumentError` names the package at fault."""
        lock = cls.side_of(document)
        blocks: dict[EntryKey, Block] = {}
        for block in lock.blocks:
            if block.key in blocks:
                raise DocumentError(f"`{block.ref}` for {block.target} is locked twice", hint="remove one block")
            blocks[block.key] = block
        return cls.of(blocks, lock.place)

    @classmethod
    def side_of(cls, document: Mapping[str, object]) -> "Lock":
        """Read what stands on one side of a conflict, where git may have left two blocks of one entry."""
        version = document.get("lock-version")
        if not isinstance(version, str) or version.partition(".")[0] != "1":
            raise DocumentError(f"lock-version {kind_of(version)} is not one this version can read", hint=_NEWER)
        if _minor(version) > _minor(LOCK_VERSION):
            raise DocumentError(f"lock-version {version} was written by a newer micropkgd", hint=_NEWER)
        if document.get("created-by") != "micropkgd":
            raise DocumentError("this lock was not written by micropkgd", hint="move it away and run again")
        packages = document.get("packages", [])
        if not isinstance(packages, list):
            raise DocumentError(f"`packages` must be a list of tables, found {kind_of(packages)}")
        refuse_too_many(len(packages))
        blocks = (_block(package, f"packages[{number}]") for number, package in enumerate(packages, start=1))
        return cls(tuple(blocks), place_in(document))

    def to_mapping(self) -> dict[str, object]:
        """The document to write; `from_mapping` gives the same lock back."""
        return {
            "lock-version": self._oldest_version,
            "created-by": "micropkgd",
            **self.place.table,
            "packages": [_table(block) for block in self.blocks],
        }

    @property
    def requires(self) -> bool:
        """Whether any of its entries asks for requirement lines."""
        return any(block.requires for block in self.blocks)

    @property
    def _oldest_version(self) -> str:
        if any(block.signed for block in self.blocks):
            return LOCK_VERSION
        if self.place.table or any(version.moved for block in self.blocks for version in block.versions):
            return _WITH_MORE
        return _WITH_EDITS if any(block.edited for block in self.blocks) else _PLAIN

    def by_key(self) -> dict[EntryKey, Block]:
        """The blocks by identity."""
        return {block.key: block for block in self.blocks}


def refuse_too_many(blocks: int) -> None:
    """`DocumentError` for more blocks than a lock may have."""
    if blocks > MOST_ENTRIES:
        problem = f"{blocks:,} packages are more than the {MOST_ENTRIES:,} that one lock may have"
        raise DocumentError(problem, hint="pull in several projects")


def stray_paths(block: Block, layout: Layout) -> tuple[RelPath, ...]:
    """The files of a block that lie outside the places an entry with this target may have (docs/threats.md, T17)."""
    inner = block.target.removeprefix(f"{layout.package_folder}/")
    if inner == block.target:
        return (block.target,)
    roots = (f"{block.target}/", f"{layout.tests_dir}/{inner}/")
    conf = "" if layout.conf_dir in {"", "."} else f"{layout.conf_dir}/"
    return tuple(
        path
        for path in sorted(block.files)
        if not path.startswith(roots) and not (path.startswith(conf) and _is_config(path.removeprefix(conf)))
    )


def _is_config(path: str) -> bool:
    """Whether it is a parameters file of an environment, whichever that is, or of a project that has none."""
    return is_parameters(path.partition("/")[2] or path)


def foreign_paths(block: Block, layout: Layout) -> tuple[RelPath, ...]:
    """The files of a block that neither this layout nor another could give to its entry (docs/threats.md, T17).

    A lock outlives a change of layout: in another one, too, code lies below the target, tests in a folder of its name
    inside a tests folder, parameters are such by their name, and nothing is hidden.
    """
    return tuple(path for version in block.versions for path in _foreign(version, layout))


def _foreign(version: Version, layout: Layout) -> Iterator[RelPath]:
    folders = version.target.split("/")
    if len(folders) < _SHALLOWEST or any(part.startswith(".") for part in folders):
        yield version.target
        return
    inside = f"{version.target}/"
    for path in sorted(path for path in version.files if not path.startswith(inside)):
        above, found, _ = path.rpartition(f"/{folders[-1]}/")
        is_test = bool(found) and (
            above.startswith(layout.tests_dir) or any("test" in part for part in above.split("/"))
        )
        hidden = path.startswith(".") or "/." in (above if is_test else path)  # tests may have a `.gitkeep` among them
        if hidden or not (is_test or _is_parameters(path)):
            yield path


def _is_parameters(path: RelPath) -> bool:
    """Whether a path may be one of parameters, below a conf folder and an env whose names nobody knows."""
    return is_parameters(path.partition("/")[2]) and path.endswith(_CONFIG)


def _minor(version: str) -> int:
    """What follows the point, for which a newer one may say more; what cannot be read counts as newest."""
    text = version.partition(".")[2]
    return int(text) if text.isascii() and text.isdigit() else 1 << 30


def _table(block: Block) -> dict[str, object]:
    own: dict[str, object] = {
        "ref": block.ref,
        "requested": block.requested,
        "target": block.target,
        "renderer": block.renderer,
        "requirements": list(block.requirements),
        **_signed_table(block.signed),
        "files": {path: block.files[path] for path in sorted(block.files)},
    }
    if block.edited:
        own["edited"] = {path: block.edited[path] for path in sorted(block.edited)}
    if block.moved:
        own["moved"] = {old: block.moved[old] for old in sorted(block.moved)}
    if block.superseded is not None:
        own["superseded"] = _version_table(block.superseded)
    return {"name": block.name, "version": block.version, **_where_from(block), "tool": {"micropkgd": own}}


def _signed_table(signed: SignedBy | None) -> dict[str, object]:
    return {} if signed is None else {"signed-by": signed.identity, "signature": signed.signature}


def _version_table(old: Version) -> dict[str, object]:
    return {
        "version": old.version,
        **_where_from(old),
        "target": old.target,
        "requirements": list(old.requirements),
        "files": {path: old.files[path] for path in sorted(old.files)},
        **({"moved": {member: old.moved[member] for member in sorted(old.moved)}} if old.moved else {}),
    }


def _where_from(block: Block | Version) -> dict[str, object]:
    archive = {"url": block.url, "size": block.size, "hashes": {"sha256": block.archive.partition(":")[2]}}
    return {"index": block.index_url, "sdist": archive} if block.index_url else {"archive": archive}


def _block(package: object, where: str) -> Block:
    own: dict[str, object] = _get(_get(package, "tool", dict, where), "micropkgd", dict, f"{where}.tool")
    inside = f"{where}.tool.micropkgd"
    try:
        said = _version(package, own, where, inside)
        old = own.get("superseded")
        block = Block(
            name=_get(package, "name", str, where),
            version=said.version,
            url=said.url,
            size=said.size,
            archive=said.archive,
            ref=_get(own, "ref", str, inside),
            requested=parse_digest(_get(own, "requested", str, inside)),
            target=said.target,
            renderer=_get(own, "renderer", int, inside),
            requirements=said.requirements,
            files=said.files,
            index_url=said.index_url,
            superseded=None if old is None else _version(old, old, f"{inside}.superseded", f"{inside}.superseded"),
            edited=_inventory(own, "edited", inside) if "edited" in own else {},
            moved=said.moved,
            signed=_signed(own, said.archive, inside),
        )
    except DocumentError as error:
        raise DocumentError(f"in `{where}`: {error.problem}", hint=error.hint) from error
    if block.renderer > RENDERER:
        raise DocumentError(f"the block of `{block.ref}` was written by a newer micropkgd", hint=_NEWER)
    return block


def _signed(own: Mapping[str, object], archive: Digest, inside: str) -> SignedBy | None:
    if "signature" not in own:
        return None
    return SignedBy(_get(own, "signed-by", str, inside), archive, _get(own, "signature", str, inside))


def _version(package: object, own: object, where: str, inside: str) -> Version:
    """A version and its inventory, which stand in a block twice: as locked, and as superseded."""
    of_index = isinstance(package, Mapping) and "index" in package
    kind = "sdist" if of_index else "archive"
    archive = _get(package, kind, dict, where)
    return Version(
        version=_get(package, "version", str, where),
        url=_get(archive, "url", str, f"{where}.{kind}"),
        size=_get(archive, "size", int, f"{where}.{kind}"),
        archive=parse_digest(_get(_get(archive, "hashes", dict, f"{where}.{kind}"), "sha256", str, where)),
        requirements=tuple(str(requirement) for requirement in _get(own, "requirements", list, inside)),
        files=_inventory(own, "files", inside),
        target=rel_path(_get(own, "target", str, inside)),
        index_url=_get(package, "index", str, where) if of_index else "",
        moved=_moved(own, inside) if isinstance(own, Mapping) and "moved" in own else {},
    )


def _moved(own: object, inside: str) -> dict[str, str]:
    table = _get(own, "moved", dict, inside)
    return {rel_path(old): rel_path(_get(table, old, str, f"{inside}.moved")) for old in table}


def _inventory(own: object, key: str, inside: str) -> dict[RelPath, Digest]:
    return parse_inventory(_get(own, key, dict, inside))


def _get(table: object, key: str, kind: type[T], where: str) -> T:
    if not isinstance(table, (dict, Mapping)):  # a `dict` is told at once
        raise DocumentError(f"`{where}` must be a table, found {kind_of(table)}")
    value = table.get(key)
    if not isinstance(value, kind):
        raise DocumentError(f"`{where}.{key}` must be of kind {kind.__name__}, found {kind_of(value)}")
    return value
