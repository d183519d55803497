"""Turns what S3 says against a request into answers.

Rules: as in `http.failures`, each fact keeps a name of its own and no text of a library or server stands in a message;
a server's error code does, once it is seen to be a word.
"""

from collections.abc import Mapping
from http import HTTPStatus

import aiohttp
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError
from yarl import URL

from micropkgd.sources.http import failures as http_failures
from micropkgd.sources.redaction import origin
from micropkgd.sources.retry import FetchError
from micropkgd.sources.source import Failed, FailureKind


class HostileAnswerError(aiohttp.ClientError):
    """A store sends more than any document of S3 has, or cut finer than any store does."""


TROUBLE = (OSError, boto.BotoCoreError, boto.ClientError, aiohttp.ClientError, UnicodeError, ValueError)
"""All that the libraries raise for what the world does."""

_EXPIRED = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "InvalidToken", "TokenRefreshRequired", "RequestExpired"}
)
_SLOW = frozenset({"SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "BandwidthLimitExceeded"})
_NO_CREDENTIALS = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.TokenRetrievalError,
    boto.SSOError,
)
_CUT = (boto.IncompleteReadError, boto.ResponseStreamingError, aiohttp.ClientPayloadError)
_WRONG = (boto.FlexibleChecksumError, boto.ChecksumError)
_OURS = (TypeError, AttributeError, FileNotFoundError)  # of the wrong type, or names no file: no network does this
_KEPT_CHANGING = "keeps changing while it is read"


def of_trouble(error: Exception, ref: str, endpoint: str, now: float) -> FetchError:
    """Say what kept a request from being answered, or an answer from being whole."""
    response = getattr(error, "response", None) or getattr(error.__cause__, "response", None)
    if isinstance(response, Mapping):
        return _of_response(response, ref, endpoint, now)
    host = origin(endpoint)
    if isinstance(error, _WRONG):
        problem = f"the answer of {host} is not what its checksum says"
        return FetchError(
            Failed(FailureKind.CORRUPT, problem, "the store, or a proxy before it, is broken"), again=True
        )
    if isinstance(error, _CUT):
        problem = f"the answer of {host} was cut short or is not as long as it says"
        return FetchError(Failed(FailureKind.UNREACHABLE, problem), again=True)
    if isinstance(error, _NO_CREDENTIALS):
        problem = f"there are no valid AWS credentials for `{ref}`"
        return _final(FailureKind.DENIED, problem, "set them in the environment, a profile, or the file of fs-args")
    inner = _innermost(error)
    if isinstance(inner, HostileAnswerError):
        return _final(
            FailureKind.REFUSED, f"{host} {inner}", "check `endpoint_url` of fs-args: it is not a store of S3"
        )
    if not isinstance(inner, _OURS) and isinstance(
        error, boto.HTTPClientError | boto.ConnectionError | ResponseParserError | aiohttp.ClientError | OSError
    ):
        return http_failures.of_exception(inner, URL(endpoint))
    problem = f"`{ref}` cannot be asked for: {_plain_reason(inner)}"
    return _final(FailureKind.REFUSED, problem, "check the ref, its fs-args and the AWS profile")


def status_of(error: BaseException | None) -> int:
    """The status of the answer that an error was made of; 0 where there was none."""
    response = getattr(error, "response", None) or getattr(getattr(error, "__cause__", None), "response", None)
    about = response.get("ResponseMetadata", {}) if isinstance(response, Mapping) else {}
    return int(about.get("HTTPStatusCode", 0))


def _of_response(response: Mapping[str, object], ref: str, endpoint: str, now: float) -> FetchError:
    error, about = (
        part if isinstance(part := response.get(key), Mapping) else {} for key in ("Error", "ResponseMetadata")
    )
    code = _word(error.get("Code"))
    status = int(about.get("HTTPStatusCode", 0))
    said = f"{origin(endpoint)} answered {status}{f' ({code})' if code and code != str(status) else ''} for `{ref}`"
    after = http_failures.retry_after(about.get("HTTPHeaders", {}).get("retry-after"), now)
    return (
        _lasting(status, code, said)
        or _passing(status, code, said, after)
        or _final(
            FailureKind.REFUSED, f"{said}, which is not an archive", "check the ref, and `endpoint_url` of fs-args"
        )
    )


def _lasting(status: int, code: str, said: str) -> FetchError | None:
    """What someone must mend."""
    if code == "NoSuchBucket":
        return _final(FailureKind.GONE, f"{said}: there is no such bucket", "what is installed stays; check the ref")
    if status in {404, 410} or (status == 405 and code in {"", "405", "MethodNotAllowed"}):  # 405: a delete marker
        return _final(FailureKind.GONE, said, "what is installed stays; check the ref")
    if code == "InvalidObjectState":
        return _final(FailureKind.REFUSED, f"{said}: it is in cold storage", "restore it, then try again")
    if status in {301, 307} or code in {"AuthorizationHeaderMalformed", "PermanentRedirect"}:
        return _final(
            FailureKind.REFUSED, said, "name the bucket's region in fs-args: `client_kwargs: {region_name: ...}`"
        )
    # A HEAD has no body to name the reason in, and 400 is how S3 refuses credentials that have expired.
    if status in {401, 403, 407} or code in _EXPIRED or (status == 400 and code in {"", "400"}):
        hint = "check key and secret, or the AWS profile; 403 is also said where nothing is and listing is not allowed"
        return _final(FailureKind.DENIED, said, hint)
    return None


def _passing(status: int, code: str, said: str, after: float | None) -> FetchError | None:
    """What may mend itself."""
    if status == HTTPStatus.PRECONDITION_FAILED:
        return FetchError(Failed(FailureKind.UNREACHABLE, f"{said}: it {_KEPT_CHANGING}"), again=True)
    if status == 429 or code in _SLOW or (status == 503 and after is not None):
        return FetchError(Failed(FailureKind.THROTTLED, said, retry_after=after), again=True)
    if status in http_failures.NOT_NOW or code in {"RequestTimeout", "OperationAborted"}:
        return FetchError(Failed(FailureKind.UNREACHABLE, said, retry_after=after), again=True)
    return None


def _final(kind: FailureKind, problem: str, hint: str) -> FetchError:
    return FetchError(Failed(kind, problem, hint), again=False)


def _word(code: object) -> str:
    """An error code as it may be shown; it comes from the server."""
    return code if isinstance(code, str) and code.isascii() and code.isalnum() and len(code) <= 64 else ""


def _innermost(error: Exception) -> Exception:
    """What the HTTP library said, below what was made of it."""
    inner = error
    while not isinstance(inner, aiohttp.ClientError):
        below = getattr(inner, "kwargs", {}).get("error") or inner.__cause__
        if not isinstance(below, Exception):
            return inner
        inner = below
    return inner


def _plain_reason(error: Exception) -> str:
    """The kind of an error: its text quotes fs-args."""
    name = error.__class__.__name__.removesuffix("Error")
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()
