"""The lock: which archive answers each entry, and what each rendered file is (design.md section 4).

It holds only what any machine can recompute, so it has no time, no validator and no credential. It is data from a
repository, not an order: `stray_paths` names what a hostile or merged lock lists outside the entry's own places.
"""

from collections.abc import Mapping
from typing import NamedTuple, TypeVar

from micropkgd.errors import DocumentError
from micropkgd.model.entry_key import EntryKey
from micropkgd.model.fields import kind_of
from micropkgd.model.layout import Layout
from micropkgd.model.tree import Digest, RelPath, parse_digest, rel_path

LOCK_VERSION = "1.0"
LOCK_NAME = RelPath("micropkg.lock")
BY_HAND = RelPath(".micropkgd/by-hand.lock")  # the same form, for what `micropkgd pull` placed on this machine

T = TypeVar("T")

_NEWER = "update micropkgd, or restore the lock that this version wrote"


class Release(NamedTuple):
    """What an index answered a requirement with."""

    name: str
    version: str
    url: str  # of the file, without anything that may be secret
    index_url: str


class Block(NamedTuple):
    """What the lock says of one entry; ref + target is the entry's identity."""

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

    @property
    def key(self) -> EntryKey:
        """The entry's identity."""
        return EntryKey(self.ref, self.target)

    @property
    def release(self) -> Release | None:
        """The release that answers a requirement; None for an archive with an address of its own."""
        return Release(self.name, self.version, self.url, self.index_url) if self.index_url else None


class Lock(NamedTuple):
    """All blocks, sorted by identity."""

    blocks: tuple[Block, ...] = ()

    @classmethod
    def of(cls, blocks: Mapping[EntryKey, Block]) -> "Lock":
        """Put blocks into the order in which the lock is written."""
        return cls(tuple(blocks[key] for key in sorted(blocks)))

    @classmethod
    def from_mapping(cls, document: Mapping[str, object]) -> "Lock":
        """Check a whole lock document; `DocumentError` names the package at fault."""
        version = document.get("lock-version")
        if not isinstance(version, str) or version.partition(".")[0] != "1":
            raise DocumentError(f"lock-version {kind_of(version)} is not one this version can read", hint=_NEWER)
        if document.get("created-by") != "micropkgd":
            raise DocumentError("this lock was not written by micropkgd", hint="move it away and run again")
        packages = document.get("packages", [])
        if not isinstance(packages, list):
            raise DocumentError(f"`packages` must be a list of tables, found {kind_of(packages)}")
        blocks: dict[EntryKey, Block] = {}
        for number, package in enumerate(packages, start=1):
            block = _block(package, f"packages[{number}]")
            if block.key in blocks:
                raise DocumentError(f"`{block.ref}` for {block.target} is locked twice", hint="remove one block")
            blocks[block.key] = block
        return cls.of(blocks)

    def to_mapping(self) -> dict[str, object]:
        """The document to write; `from_mapping` gives the same lock back."""
        return {
            "lock-version": LOCK_VERSION,
            "created-by": "micropkgd",
            "packages": [_table(block) for block in self.blocks],
        }

    def by_key(self) -> dict[EntryKey, Block]:
        """The blocks by identity."""
        return {block.key: block for block in self.blocks}


def stray_paths(block: Block, layout: Layout) -> tuple[RelPath, ...]:
    """The files of a block that lie outside the places an entry with this target may have (reliability.md, T17)."""
    inner = block.target.removeprefix(f"{layout.package_folder}/")
    if inner == block.target:
        return (block.target,)
    roots = (f"{block.target}/", f"{layout.tests_dir}/{inner}/")
    conf = f"{layout.conf_dir}/"
    return tuple(
        path
        for path in block.files
        if not path.startswith(roots) and not (path.startswith(conf) and "parameters" in path.removeprefix(conf))
    )


def _table(block: Block) -> dict[str, object]:
    archive = {"url": block.url, "size": block.size, "hashes": {"sha256": block.archive.partition(":")[2]}}
    return {
        "name": block.name,
        "version": block.version,
        **({"index": block.index_url, "sdist": archive} if block.index_url else {"archive": archive}),
        "tool": {
            "micropkgd": {
                "ref": block.ref,
                "requested": block.requested,
                "target": block.target,
                "renderer": block.renderer,
                "requirements": list(block.requirements),
                "files": {path: block.files[path] for path in sorted(block.files)},
            }
        },
    }


def _block(package: object, where: str) -> Block:
    own = _get(_get(package, "tool", dict, where), "micropkgd", dict, f"{where}.tool")
    of_index = isinstance(package, Mapping) and "index" in package
    kind = "sdist" if of_index else "archive"
    archive = _get(package, kind, dict, where)
    inside = f"{where}.tool.micropkgd"
    files = _get(own, "files", dict, inside)
    requirements = _get(own, "requirements", list, inside)
    try:
        return Block(
            name=_get(package, "name", str, where),
            version=_get(package, "version", str, where),
            url=_get(archive, "url", str, f"{where}.{kind}"),
            size=_get(archive, "size", int, f"{where}.{kind}"),
            archive=parse_digest(_get(_get(archive, "hashes", dict, f"{where}.{kind}"), "sha256", str, where)),
            ref=_get(own, "ref", str, inside),
            requested=parse_digest(_get(own, "requested", str, inside)),
            target=rel_path(_get(own, "target", str, inside)),
            renderer=_get(own, "renderer", int, inside),
            requirements=tuple(str(requirement) for requirement in requirements),
            files={rel_path(path): parse_digest(digest) for path, digest in files.items()},
            index_url=_get(package, "index", str, where) if of_index else "",
        )
    except DocumentError as error:
        raise DocumentError(f"in `{where}`: {error.problem}", hint=error.hint) from error


def _get(table: object, key: str, kind: type[T], where: str) -> T:
    if not isinstance(table, Mapping):
        raise DocumentError(f"`{where}` must be a table, found {kind_of(table)}")
    value = table.get(key)
    if not isinstance(value, kind):
        raise DocumentError(f"`{where}.{key}` must be of kind {kind.__name__}, found {kind_of(value)}")
    return value
