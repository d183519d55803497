"""Archives at other addresses that fsspec has a driver for, where the project's policy names the protocol.

Promise: an archive that changes while it is read is not taken. Rules: one file system of one class from the table
below, never a chain, a wrapper or a way to files of this machine; an argument that names a second target is refused.
What a driver says is not shown, since it quotes arguments.

Drivers block, and may do so for ever: each question has a thread of its own, which nobody waits for at the end.
"""

import asyncio
import json
import random
import threading
from collections.abc import Callable, Mapping
from functools import partial
from hashlib import sha256

from micropkgd.annotations import TYPE_CHECKING, Any
from micropkgd.errors import DocumentError, MicropkgError
from micropkgd.sources.cache import ArchiveCache, TooLargeError
from micropkgd.sources.clients import forget_ambient_settings
from micropkgd.sources.foreign import in_own_thread
from micropkgd.sources.fs_args import name_of
from micropkgd.sources.least_speed import BodyProgress
from micropkgd.sources.retry import FetchError, RetryPolicy, patiently
from micropkgd.sources.source import (
    Answer,
    Failed,
    FailureKind,
    Fetched,
    Progress,
    Request,
    Unchanged,
    Validator,
    not_expected,
    too_large,
)

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_DRIVERS: Mapping[str, str] = {
    "abfs": "adlfs",
    "abfss": "adlfs",
    "adl": "adlfs",
    "az": "adlfs",
    "box": "boxfs",
    "dropbox": "dropboxdrivefs",
    "ftp": "fsspec",
    "gdrive": "gdrive-fsspec",
    "github": "requests",
    "hdfs": "pyarrow",
    "hf": "huggingface_hub",
    "lakefs": "lakefs-spec",
    "memory": "fsspec",
    "oci": "ocifs",
    "oss": "ossfs",
    "smb": "smbprotocol",
    "webdav": "webdav4",
    "webhdfs": "requests",
}
_SECOND_TARGETS = frozenset({"fo", "fs", "get_client", "protocol", "remote_options", "remote_protocol"})
_OURS = frozenset({"asynchronous", "loop", "skip_instance_cache", "use_listings_cache"})
_NO_CONTENT = frozenset({"name", "type", "islink", "atime", "accessed"})
_CHUNK = 1 << 20
_LEAST_PROGRESS = 1024


class OtherSource:
    """Asks file systems; they are kept, one for each way of asking."""

    def __init__(
        self,
        patience: RetryPolicy = RetryPolicy(),  # noqa: B008 - a frozen value
        *,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._patience = patience
        self._chance = chance
        self._open: dict[tuple[str, str], AbstractFileSystem] = {}

    async def fetch(self, request: Request, cache: ArchiveCache, progress: Progress) -> Answer:
        """Answer one request, trying again at once where that may help."""
        try:
            protocol = _allowed(request)
        except DocumentError as error:
            return Failed(FailureKind.REFUSED, error.problem, error.hint)

        async def attempt() -> Answer:
            return await _Reading(request, cache, progress).result(
                lambda: self._file_system(protocol, request), self._patience
            )

        return await patiently(attempt, self._patience, self._chance)

    def check(self, request: Request) -> None:
        """See that a request, its fs-args above all, can be honoured."""
        _allowed(request)

    async def close(self) -> None:
        """Let go of file systems."""
        self._open.clear()

    def _file_system(self, protocol: str, request: Request) -> "AbstractFileSystem":
        """Called in a thread: drivers ask the network when they are made."""
        import fsspec

        forget_ambient_settings()
        name = (request.ref.location.partition("://")[2].partition("/")[0], name_of({protocol: dict(request.options)}))
        if name not in self._open:
            made = fsspec.get_filesystem_class(protocol)
            told = made._get_kwargs_from_urls(request.ref.location)  # noqa: SLF001 - what every driver has for this
            plain = {"skip_instance_cache": True, "use_listings_cache": False}
            self._open[name] = made(**{**told, **request.options, **plain})
        return self._open[name]


class _Reading:
    """One archive being read by a thread of its own."""

    def __init__(self, request: Request, cache: ArchiveCache, progress: Progress) -> None:
        self._request = request
        self._cache = cache
        self._progress = progress
        self._received = 0
        self._given_up = threading.Event()

    async def result(self, connect: Callable[[], "AbstractFileSystem"], patience: RetryPolicy) -> Answer:
        """Wait for the thread, while it gets on."""
        reading = asyncio.ensure_future(
            in_own_thread(partial(self._guarded, connect), f"read {self._request.ref.text}")
        )
        try:
            result = await self._in_time(reading, patience)
        finally:
            self._given_up.set()
            reading.cancel()
        if isinstance(result, Exception):
            raise result
        return result

    async def _in_time(self, reading: "asyncio.Task[Answer | Exception]", patience: RetryPolicy) -> Answer | Exception:
        now, waited = asyncio.get_running_loop().time, BodyProgress(patience.least_speed)
        ref, before = self._request.ref.text, -_LEAST_PROGRESS
        while self._received >= before + _LEAST_PROGRESS:
            before, asked = self._received, now()
            done, _ = await asyncio.wait({reading}, timeout=min(patience.silence, waited.left))
            if done:
                return reading.result()
            waited.note(self._received - before, now() - asked)
            if waited.fault:
                return FetchError(Failed(FailureKind.UNREACHABLE, f"`{ref}` {waited.fault}"), again=False)
        problem = f"`{ref}` gave less than {_LEAST_PROGRESS} bytes in {patience.silence:g} s"
        return FetchError(Failed(FailureKind.UNREACHABLE, problem), again=True)

    def _guarded(self, connect: Callable[[], "AbstractFileSystem"]) -> Answer | Exception:
        try:
            return self._read(connect())
        except (MicropkgError, FetchError) as error:
            return error
        except Exception as error:  # noqa: BLE001 - drivers raise what they like
            return _failure(self._request, error)

    def _read(self, fs: "AbstractFileSystem") -> Answer:
        request = self._request
        path = fs._strip_protocol(request.ref.location)  # noqa: SLF001 - what every driver has for this
        before = fs.info(path)
        validator = _validator(before)
        if request.validator is not None and validator == request.validator:
            return Unchanged()
        if before.get("type") == "directory":
            return Failed(FailureKind.REFUSED, f"`{request.ref.text}` is a folder", "name the `.tar.gz` itself")
        if isinstance(before.get("size"), int) and before["size"] > request.max_bytes:
            return too_large(request, before["size"])
        with self._cache.writer(request.max_bytes) as writer:
            try:
                with fs.open(path, "rb") as file:
                    while (chunk := file.read(_CHUNK)) and not self._given_up.is_set():
                        writer.write(chunk)
                        self._received = writer.size
                        self._progress(request.ref, writer.size, before.get("size"))
            except TooLargeError:
                return too_large(request)
            if _validator(fs.info(path)) != validator or before.get("size") not in {None, writer.size}:
                problem = f"`{request.ref.text}` changed while it was read"
                raise FetchError(Failed(FailureKind.UNREACHABLE, problem), again=True)
            if request.expected not in {None, writer.digest}:
                return not_expected(request, writer.digest)
            return Fetched(*writer.commit(), validator)


def _allowed(request: Request) -> str:
    protocol = request.ref.location.partition("://")[0].lower()
    if protocol in {"sftp", "ssh"}:
        raise DocumentError(
            f"`{protocol}://` refs are not fetched, since their driver trusts any server that answers",
            hint="serve the archive over https, or as an object of a bucket",
        )
    if protocol not in _DRIVERS:
        git = "a git repository is not pulled from: name an archive (`.tar.gz`) that was made of it"
        hint = git if "git" in protocol else "write https://, s3://, gs://, a path, or see docs/sources.md for others"
        raise DocumentError(f"`{protocol}://` names no place that archives are fetched from", hint=hint)
    if protocol not in request.protocols:
        raise DocumentError(
            f"the project's policy does not allow `{protocol}://` refs",
            hint=f'add it to `protocols = ["{protocol}"]` in [tool.micropkgd]',
        )
    for key in request.options:
        if key in _SECOND_TARGETS or key.startswith("target_"):
            raise DocumentError(f"fs-args has the key `{key}`, which names a second target", hint="leave it away")
        if key in _OURS:
            raise DocumentError(f"fs-args has the key `{key}`, which is not for fs-args", hint="leave it away")
    return protocol


def _validator(info: Mapping[str, Any]) -> Validator | None:
    """All that a driver says of the content, if that is more than its size."""
    said = {key: str(value) for key, value in info.items() if key not in _NO_CONTENT and value is not None}
    if not said.keys() - {"size"}:
        return None
    return Validator(sha256(json.dumps(said, sort_keys=True).encode()).hexdigest())


def _failure(request: Request, error: Exception) -> FetchError:
    """Drivers raise what they like: what is known of an error is its kind, and a status if there is one."""
    ref = request.ref.text
    status = getattr(error, "status_code", None) or getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, ImportError):
        driver = _DRIVERS[ref.partition("://")[0].lower()]
        problem = f"the driver of `{ref}` is not installed"
        return FetchError(Failed(FailureKind.REFUSED, problem, f"pip install '{driver}'"), again=False)
    if isinstance(error, FileNotFoundError) or status in {404, 410}:
        return FetchError(Failed(FailureKind.GONE, f"there is nothing at `{ref}`", "check the ref"), again=False)
    if isinstance(error, PermissionError) or status in {401, 403}:
        return FetchError(Failed(FailureKind.DENIED, f"`{ref}` may not be read", "check fs-args"), again=False)
    if status == 429:
        return FetchError(Failed(FailureKind.THROTTLED, f"`{ref}` is asked for too often"), again=True)
    if isinstance(error, TypeError | ValueError):
        problem = f"the driver of `{ref}` does not take these fs-args, or this address"
        hint = "check the ref and the file of fs-args against the documentation of the driver"
        return FetchError(Failed(FailureKind.REFUSED, problem, hint), again=False)
    problem = f"`{ref}` cannot be reached ({error.__class__.__name__})"
    return FetchError(Failed(FailureKind.UNREACHABLE, problem), again=True)
