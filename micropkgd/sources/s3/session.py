"""The HTTP session of an S3 client: aiobotocore's, but it goes nowhere else.

aiohttp follows redirects by itself, to any host, and takes `X-Amz-Security-Token` along; S3 knows other regions by an
error code, which botocore understands. To learn the region botocore asks for the bucket, and where a server redirects
that question too it would ask again, and again, until Python has no room left.
"""

from typing import Any

from aiobotocore.httpsession import AIOHTTPSession


class StraightSession(AIOHTTPSession):  # type: ignore[misc]  # the library has no types
    """Gives a redirect back as the answer that it is."""

    async def _get_session(self, proxy_url: str | None) -> "_Straight":
        return _Straight(await super()._get_session(proxy_url))


def ask_for_a_region_once(client: Any) -> None:
    """Let the question for a bucket's region be redirected nowhere; what its answer says of the region still counts."""
    client.meta.events.register("before-call.s3.HeadBucket", _mark_as_redirected)


def _mark_as_redirected(context: dict[str, Any], **_: object) -> None:
    context.setdefault("s3_redirect", {})["redirected"] = True


class _Straight:
    """All that is used of a session."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def request(self, *arguments: Any, **named: Any) -> Any:
        """Ask, and stay."""
        return self._session.request(*arguments, allow_redirects=False, **named)
