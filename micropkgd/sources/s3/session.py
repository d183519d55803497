"""The HTTP session of an S3 client: aiobotocore's, but it goes nowhere else, and reads nothing without end.

aiohttp follows redirects by itself, to any host, and takes `X-Amz-Security-Token` along; S3 knows other regions by an
error code, which botocore understands. To learn the region botocore asks for the bucket, and where a server redirects
that question too it would ask again, and again, until Python has no room left. And botocore lets aiohttp announce an
upload (`Expect: 100-continue`), which waits for ever for a server that knows no such thing.
"""

import re
from functools import partial

from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.session import AioSession

from micropkgd.annotations import Any, Final
from micropkgd.sources.download import ChunkSizes
from micropkgd.sources.s3.failures import HostileAnswerError

_BUFFER: Final = 1 << 20  # bytes that may wait for their reader: with fewer the line is stopped again and again
_TAGS: Final = 100_000  # of a document: a thousand objects have thirty each, and each takes many times its bytes
_MULTIPLY: Final = (b"<!ENTITY", b"\0")  # words for long texts, or UTF-16, in which they would not be seen
_MORE: Final = rb"<(LastModified|Size|StorageClass|ChecksumAlgorithm|ChecksumType)>[^<]*</\1>"  # beside key and ETag
_DOCUMENT: Final = 16 * 1024 * 1024  # bytes of a listing or an error; a page of a thousand long names has a tenth


class StraightSession(AIOHTTPSession):  # type: ignore[misc]  # the library has no types
    """Gives a redirect back as the answer that it is."""

    async def _get_session(self, proxy_url: str | None) -> "_Straight":
        return _Straight(await super()._get_session(proxy_url))


def ask_for_a_region_once(client: Any) -> None:
    """Let the question for a bucket's region be redirected nowhere; what its answer says of the region still counts."""
    client.meta.events.register("before-call.s3.HeadBucket", _mark_as_redirected)


def send_without_asking(client: Any) -> None:
    """Let an upload be sent at once: what may be sent was asked for before."""
    client.meta.events.register("request-created.s3.PutObject", _without_expect)


def _without_expect(request: Any, **_: object) -> None:
    del request.headers["Expect"]


def read_only_marks(client: Any) -> None:
    """Let all else in listings be, which nobody looks at: the times alone take botocore longer than all the rest."""
    client.meta.events.register("before-parse.s3.ListObjectsV2", _without_more)


def _without_more(response_dict: dict[str, Any], **_: object) -> None:
    response_dict["body"] = re.sub(_MORE, b"", response_dict["body"])


def session_for(profile: object) -> AioSession:
    """A session that does not look for all services that there are, a thousand folders, to know that there is S3."""
    session = AioSession(profile=profile)
    session.get_component("data_loader").list_available_services = lambda _: _Services()
    return session


class _Services:
    """Says of any service that there is one: who loads it finds out."""

    def __contains__(self, name: object) -> bool:
        return True


def _mark_as_redirected(context: dict[str, Any], **_: object) -> None:
    context.setdefault("s3_redirect", {})["redirected"] = True


class _Straight:
    """All that is used of a session."""

    def __init__(self, session: Any) -> None:
        self._session = session

    async def request(self, *arguments: Any, **named: Any) -> Any:
        """Ask, and stay; what is read whole, which no archive is, is read within bounds."""
        response = await self._session.request(*arguments, allow_redirects=False, read_bufsize=_BUFFER, **named)
        response.content = _AnswerBody(response.content)
        response.read = partial(_read, response)
        return response


class _AnswerBody:
    """The body of an answer, read as it comes, while it is not cut too fine."""

    def __init__(self, content: Any) -> None:
        self._content = content
        self._sizes = ChunkSizes()

    def __getattr__(self, name: str) -> Any:
        """All else as it is."""
        return getattr(self._content, name)

    async def read(self, amount: int) -> bytes:
        """What came next, whatever amount is asked for; nothing at the end."""
        del amount
        at_end = True
        while at_end and not self._content.at_eof():
            data, at_end = await self._content.readchunk()
            self._sizes.note(len(data))
            if fault := self._sizes.fault:
                raise HostileAnswerError(fault)
            if data:
                return bytes(data)
        return b""


async def _read(response: Any) -> bytes:
    """A document of a store: botocore reads them to their end, and a hostile store sends none."""
    read = bytearray()
    try:
        while chunk := await response.content.read(_DOCUMENT):
            read += chunk
            if len(read) > _DOCUMENT:
                raise HostileAnswerError(f"sends a document of more than {_DOCUMENT} bytes")
        if read.count(b"<") > _TAGS or any(one in read for one in _MULTIPLY):
            raise HostileAnswerError("sends a document that becomes more than any of S3 when it is read")
    except HostileAnswerError:
        response.close()
        raise
    return bytes(read)
