"""Publish an archive: look what is there, put it where nothing is, read it back by digest.

Equal bytes that are there already are as good as published; other bytes under the same name stay, unless the entry says
`overwrite`. Even then what this machine did not put there itself is replaced only once a copy is kept, and only while
it is what was looked at. A failure is the entry's own, its archive stays, and the next pass tries again.
"""

import os
from collections.abc import Mapping
from typing import Final, NamedTuple

from micropkgd.errors import MicropkgError, TreeError
from micropkgd.model.condition import Failure
from micropkgd.model.manifest import PackageEntry
from micropkgd.model.packaged import Archived, Published, Sent
from micropkgd.model.publish import Target
from micropkgd.model.ref import RefKind
from micropkgd.model.tree import Digest, digest_of
from micropkgd.reconcile.package.replaced import keep_copy
from micropkgd.reconcile.resolve.fetcher import failure_of, load_fs_args
from micropkgd.sources.gather import Sources
from micropkgd.sources.source import Failed, FailureKind, Fetched, Lookup, Request
from micropkgd.sources.upload import Upload
from micropkgd.workspace.reading import read_regular

_TRIES: Final = 3  # where somebody else puts something there between look and upload


class Publisher(NamedTuple):
    """What is needed to publish the archives of one project."""

    root: str
    sources: Sources
    environ: Mapping[str, str]

    def publish(self, entry: PackageEntry, target: Target, archived: Archived, ours: Published | None = None) -> Sent:
        """See to it that the archive is at its target; `ours` is what this machine put there last."""
        try:
            return self._send(self._upload(entry, target, archived), target, ours)
        except MicropkgError as error:
            return Sent(Failure.of(error))

    def _send(self, upload: Upload, target: Target, ours: Published | None) -> Sent:
        notes: tuple[str, ...] = ()
        for _ in range(_TRIES):
            found = self._look(upload)
            if isinstance(found, Failure) or not _goes_there(upload, found):
                return Sent(_verdict(upload, target, found), notes)
            if found is not None and ours != Published(target.text, found.digest):
                notes = (*notes, self._keep(upload, found.digest))
            stored = self.sources.put(upload._replace(replaces=found.validator if found else None), self.root)
            if isinstance(stored, Failed):
                return Sent(failure_of(stored), notes)
            if stored.written or target.kind is RefKind.INDEX or not upload.overwrite:
                return Sent(_verdict(upload, target, self._look(upload)), notes)
        problem = f"`{upload.file}` at `{target.text}` is replaced by others all the time"
        return Sent(Failure(5, "Unreachable", problem, "give each machine a name of its own", transient=True), notes)

    def _keep(self, upload: Upload, digest: Digest) -> str:
        """Keep a copy of what is there, and say where it is."""
        data = self.sources.read(digest)
        if data is None:
            raise TreeError("what it would replace cannot be kept", where=upload.file, hint="run again")
        where = keep_copy(self.root, upload.file, data, digest)
        return f"replaced what somebody else had put there as `{upload.file}`; a copy is {where}"

    def _upload(self, entry: PackageEntry, target: Target, archived: Archived) -> Upload:
        file = os.path.basename(archived.path)
        options = {} if entry.fs_args is None else self._options(entry.fs_args)
        return Upload(
            ref=target.ref(file, archived.name, archived.version),
            url=target.upload_url,
            file=file,
            name=archived.name,
            version=archived.version,
            data=self._read(archived),
            digest=archived.digest,
            overwrite=entry.overwrite,
            options=options,
            lookup=self._lookup(target),
        )

    def _options(self, path: str) -> Mapping[str, object]:
        return load_fs_args(self.root, path, self.environ, self.sources.permits_for(self.root).variables)

    def _read(self, archived: Archived) -> bytes:
        try:
            data = read_regular(os.path.join(self.root, archived.path))
        except OSError as error:
            raise TreeError.unreadable(error, archived.path) from error
        if digest_of(data) != archived.digest:
            raise TreeError("the archive changed before it could be published", where=archived.path, hint="run again")
        return data

    def _lookup(self, target: Target) -> Lookup | None:
        if target.kind is not RefKind.INDEX:
            return None
        from micropkgd.sources.index.login import index_for

        index = index_for(target.folder, self.environ)
        return Lookup(index.url, index.login)

    def _look(self, upload: Upload) -> Fetched | Failure | None:
        """What is there; None where nothing is."""
        request = Request(upload.ref, upload.options, lookup=upload.lookup)
        (answer,) = self.sources.answer([request], self.root, publishing=True)
        if isinstance(answer, Fetched):
            return answer
        if isinstance(answer, Failed):
            return None if answer.kind in _nothing_there(upload) else failure_of(answer)
        return Failure(5, "Unreachable", f"`{upload.ref.text}` says `unchanged` to a first question", transient=True)


def _goes_there(upload: Upload, found: Fetched | None) -> bool:
    """Whether an archive is to be put where nothing is, or other bytes that may be replaced."""
    return found is None or (found.digest != upload.digest and upload.overwrite)


def _verdict(upload: Upload, target: Target, found: Fetched | Failure | None) -> Published | Failure:
    """What it means that this is there."""
    if found is None:
        return _not_there(upload, target)
    if isinstance(found, Failure):
        return found
    digest = found.digest
    return Published(target.text, digest) if digest == upload.digest else _taken(upload, target, digest)


def _nothing_there(upload: Upload) -> frozenset[FailureKind]:
    """The answers of a place that lacks an archive: some indexes then lead to another index, which is not asked."""
    refused = {FailureKind.REFUSED} if upload.lookup is not None else set[FailureKind]()
    return frozenset({FailureKind.GONE, *refused})


def _taken(upload: Upload, target: Target, found: Digest) -> Failure:
    problem = f"`{target.text}` has other bytes under `{upload.file}` ({found}), which are not replaced"
    hint = "an index replaces no archive: give the module a new version"
    if target.kind is not RefKind.INDEX:
        hint = "give the module a new version, or set `overwrite = true`"
    return Failure(1, "Taken", problem, hint)


def _not_there(upload: Upload, target: Target) -> Failure:
    problem = f"`{upload.file}` was sent to `{target.text}` and is not listed there yet"
    return Failure(5, "Unreachable", problem, "the next pass looks again", transient=True)
