"""The client of Google's storage: gcsfs's credentials, endpoint and session, and requests of our own.

Promise: an access token goes to the endpoint it was given for, and never over plain http. Rules: gcsfs's own calls are
not used, since they try again for half a minute, print tracebacks and hold a whole body in memory; its probe of the
bucket's kind is off, which costs up to 90 s a call where nobody answers it.
"""

import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from micropkgd import __version__
from micropkgd.annotations import TYPE_CHECKING, Any, BinaryIO
from micropkgd.named_tuples import NamedTuple
from micropkgd.sources import announced
from micropkgd.sources.allowed import objection_to_token
from micropkgd.sources.buckets import BucketObject
from micropkgd.sources.clients import forget_ambient_settings
from micropkgd.sources.download import pieces, watched
from micropkgd.sources.foreign import in_own_thread
from micropkgd.sources.gcs.options import GcsOptions
from micropkgd.sources.http.environment import environment_proxy, keeps_secrets
from micropkgd.sources.http.failures import of_exception, of_status
from micropkgd.sources.redaction import origin
from micropkgd.sources.retry import FetchError, RetryPolicy
from micropkgd.sources.source import Failed, FailureKind
from micropkgd.sources.upload import LEAST_RATE, PIECE, TAKEN, Upload

if TYPE_CHECKING:
    from gcsfs import GCSFileSystem

    from micropkgd.model.origins import Origins

_BUFFER = 1 << 20
_LONGEST_TEXT = 16 << 20
_LONGEST_KEY = 1 << 20  # bytes of a token file, which may be the project's
_PATIENCE_FOR_THE_CHAIN = 3  # times a connection's, for all that is asked before credentials are given up
_DENIED = "check `token` of fs-args, or the Google credentials of this machine; 403 is also said where nothing is"


class GcsClient:
    """Asks one endpoint as one user. Made by `connect`, which is where anything may go wrong."""

    def __init__(self, fs: "GCSFileSystem", patience: RetryPolicy, clock: Callable[[], float]) -> None:
        self._fs = fs
        self._patience = patience
        self._clock = clock
        self.host = origin(str(fs.base))

    async def describe(self, where: BucketObject, ref: str) -> Mapping[str, Any]:
        """What the store says of an object: above all its generation."""
        path = f"{self._fs.base}b/{quote(where.bucket, safe='')}/o/{quote(where.key, safe='')}"
        asked = {"fields": "generation,size,metadata", **({"generation": where.version} if where.version else {})}
        return await self._text(path, asked, ref)

    async def page(self, bucket: str, asked: Mapping[str, str], ref: str) -> Mapping[str, Any]:
        """One page of a listing."""
        return await self._text(f"{self._fs.base}b/{quote(bucket, safe='')}/o", asked, ref)

    @asynccontextmanager
    async def media(self, where: BucketObject, generation: str, ref: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """The bytes of one generation, as they are stored."""
        path = f"{self._fs.base.replace('/storage/', '/download/storage/', 1)}b/{quote(where.bucket, safe='')}"
        asked = {"alt": "media", "generation": generation}
        # An object that is marked as compressed would be unpacked on its way for whoever does not say this.
        async with self._get(f"{path}/o/{quote(where.key, safe='')}", asked, ref, "gzip") as body:
            yield body

    async def upload(self, where: BucketObject, upload: Upload, *, replaces: str) -> bool:
        """Put an object in the place of this generation (0: of none); False where another one is there."""
        path = f"{self._fs.base.replace('/storage/', '/upload/storage/', 1)}b/{quote(where.bucket, safe='')}/o"
        asked = {"uploadType": "multipart", "ifGenerationMatch": replaces}
        boundary = upload.digest.removeprefix("sha256:")  # its own hash is in no file
        kind = {"Content-Type": f"multipart/related; boundary={boundary}"}
        about = {"name": where.key, "contentType": "application/gzip", "metadata": {announced.NAME: boundary}}
        with upload.payload.open() as stream:
            body = _UploadBody(*_frame(boundary, about), stream, upload.payload.size)
            async with self._answer("POST", path, asked, upload.ref.text, kind, body) as response:
                if response.status not in {200, *TAKEN}:
                    raise self._refusal(response, upload.ref.text)
                return response.status == 200

    async def close(self) -> None:
        """Let go of connections."""
        await self._fs.session.close()

    async def _text(self, path: str, asked: Mapping[str, str], ref: str) -> Mapping[str, Any]:
        async with self._get(path, asked, ref, "identity") as body:
            text = bytearray()
            async for chunk in body:
                text += chunk
                if len(text) > _LONGEST_TEXT:
                    break
        try:
            answer = json.loads(text)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            problem = f"{self.host} answered something else than a description of `{ref}`"
            raise FetchError(Failed(FailureKind.UNREACHABLE, problem), again=True)
        return answer

    @asynccontextmanager
    async def _get(
        self, path: str, asked: Mapping[str, str], ref: str, encoding: str
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        async with self._answer("GET", path, asked, ref, {"Accept-Encoding": encoding}) as response:
            if response.status != 200:
                raise self._refusal(response, ref)
            yield watched(pieces(response.content, self.host), self.host, self._patience)

    @asynccontextmanager
    async def _answer(
        self,
        method: str,
        path: str,
        asked: Mapping[str, str],
        ref: str,
        said: Mapping[str, str],
        body: "_UploadBody | None" = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        url = URL(f"{path}?{urlencode({**asked, **self._payer()})}", encoded=True)
        try:
            headers = {**said, **await self._credentials(ref), **(body.headers if body is not None else {})}
            proxy = environment_proxy(url)
            login = {"Proxy-Authorization": aiohttp.encode_basic_auth(*proxy.login)} if proxy and proxy.login else {}
            async with asyncio.timeout(self._patience.silence + (body.size / LEAST_RATE if body is not None else 0.0)):
                response = await self._fs.session.request(
                    method,
                    url,
                    data=body.pieces() if body is not None else None,
                    headers=headers,
                    allow_redirects=False,
                    proxy=proxy.url if proxy else None,
                    proxy_headers=login,
                )
            async with response:
                yield response
        except (aiohttp.ClientError, TimeoutError, OSError, UnicodeError, ValueError) as error:
            raise of_exception(error, URL(self.host)) from error

    def _payer(self) -> dict[str, str]:
        pays = self._fs.requester_pays
        return {"userProject": pays if isinstance(pays, str) else str(self._fs.project)} if pays else {}

    async def _credentials(self, ref: str) -> dict[str, str]:
        """Say who asks; the library may have to ask for a new token first, which blocks."""
        from gcsfs.retry import HttpError, NonRetryableError
        from google.auth.exceptions import GoogleAuthError, TransportError

        headers: dict[str, str] = {}
        try:
            async with asyncio.timeout(self._patience.connect * _PATIENCE_FOR_THE_CHAIN):
                await in_own_thread(partial(self._fs.credentials.apply, headers), f"token for {ref}")
        except TransportError as error:
            problem = f"no access token for `{ref}` can be had: Google's token server cannot be reached"
            raise FetchError(Failed(FailureKind.UNREACHABLE, problem), again=True) from error
        except (GoogleAuthError, HttpError, NonRetryableError) as error:
            problem = f"no access token for `{ref}` can be had with the credentials there are"
            raise FetchError(Failed(FailureKind.DENIED, problem, _DENIED), again=False) from error
        if headers and not keeps_secrets(URL(self.host)):
            problem = f"{self.host} would get an access token over plain http, where anyone can read it"
            raise FetchError(Failed(FailureKind.REFUSED, problem, "write `https://`, or `token: anon`"), again=False)
        return headers

    def _refusal(self, response: aiohttp.ClientResponse, ref: str) -> FetchError:
        said = of_status(response.status, response.headers, response.url, self._clock())
        hint = _DENIED if said.failed.kind is FailureKind.DENIED else said.failed.hint
        return FetchError(
            said.failed._replace(problem=f"{said.failed.problem} for `{ref}`", hint=hint), again=said.again
        )


class _UploadBody(NamedTuple):
    """An object's description and its bytes in one body."""

    before: bytes
    after: bytes
    stream: BinaryIO
    size: int  # of what comes from the stream

    @property
    def headers(self) -> dict[str, str]:
        """How long it is: its end must not be where a connection ends."""
        return {"Content-Length": str(len(self.before) + self.size + len(self.after))}

    async def pieces(self) -> AsyncIterator[bytes]:
        """All of it."""
        yield self.before
        while piece := await asyncio.to_thread(self.stream.read, PIECE):
            yield piece
        yield self.after


def _frame(boundary: str, about: Mapping[str, object]) -> tuple[bytes, bytes]:
    """What stands before an object's bytes, and after them."""
    said = f"--{boundary}\r\nContent-Type: application/json\r\n\r\n{json.dumps(about)}\r\n"
    head = f"--{boundary}\r\nContent-Type: {about['contentType']}\r\n\r\n"
    return f"{said}{head}".encode(), f"\r\n--{boundary}--\r\n".encode()


async def connect(
    options: GcsOptions, patience: RetryPolicy, clock: Callable[[], float], ref: str, origins: "Origins | None" = None
) -> GcsClient:
    """Find credentials, which the library does with blocking requests, and open a session."""
    try:
        async with asyncio.timeout(patience.connect * _PATIENCE_FOR_THE_CHAIN):
            fs = await in_own_thread(partial(_file_system, options, patience, origins), f"credentials for {ref}")
    except TimeoutError as error:
        problem = f"credentials for `{ref}` were not found in time"
        raise FetchError(Failed(FailureKind.UNREACHABLE, problem), again=False) from error
    except FetchError:
        raise
    except Exception as error:  # the chain raises whatever its many links do, with secrets in it
        problem = f"the Google credentials for `{ref}` cannot be used ({error.__class__.__name__})"
        raise FetchError(Failed(FailureKind.DENIED, problem, _DENIED), again=False) from error
    await fs._set_session()  # noqa: SLF001 - opens it as the machine's certificates ask; covered by tests
    return GcsClient(fs, patience, clock)


def _file_system(options: GcsOptions, patience: RetryPolicy, origins: "Origins | None") -> "GCSFileSystem":
    os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")  # read when gcsfs is imported
    import gcsfs
    from google.oauth2.credentials import Credentials

    logging.getLogger("gcsfs").setLevel(logging.CRITICAL)
    forget_ambient_settings()
    session = {
        "headers": {"User-Agent": f"micropkgd/{__version__}"},
        "timeout": aiohttp.ClientTimeout(total=None, sock_connect=patience.connect, sock_read=patience.silence),
        "auto_decompress": False,
        "read_bufsize": _BUFFER,
    }
    token = _token(options.arguments["token"], origins)
    if options.raw_token is not None:
        token = Credentials(options.raw_token)  # type: ignore[no-untyped-call]
    return gcsfs.GCSFileSystem(
        asynchronous=True,
        use_listings_cache=False,
        skip_instance_cache=True,
        session_kwargs=session,
        **{**options.arguments, "token": token},
    )


def _token(given: object, origins: "Origins | None") -> object:
    """Read a token file here, so that what is judged is what is used: it says where its key signs in."""
    if isinstance(given, str) and os.path.isabs(given):
        if not os.path.isfile(given):  # nor a pipe, which would hold this thread for ever
            raise FileNotFoundError(given)
        with open(given, "rb") as stream:
            given = json.loads(stream.read(_LONGEST_KEY))
        if not isinstance(given, dict):
            raise ValueError("no credentials")
    if isinstance(given, Mapping) and origins is not None and (refused := objection_to_token(origins, given)):
        raise FetchError(refused, again=False)
    return given
