"""Turns what a server, or the way to it, may do to us into answers.

Rules: each fact keeps a name of its own (promise P6), and no text of a library stands in a message, since those
quote addresses and headers.
"""

import os
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from ssl import SSLCertVerificationError

import aiohttp
from yarl import URL

from micropkgd.annotations import Final
from micropkgd.sources.redaction import origin
from micropkgd.sources.retry import FetchError
from micropkgd.sources.source import Failed, FailureKind

LONGEST_RETRY_AFTER = 3600.0
_LOOK: Final = "open the address in a browser, or with `curl -I`: it must be the `.tar.gz` itself"
NOT_NOW = frozenset({408, 425, 500, 502, 503, 504})


def of_status(status: int, headers: Mapping[str, str], url: URL, now: float) -> FetchError:
    """Say what an answer without an archive means."""
    said = f"{origin(str(url))} answered {status}"
    if status in {401, 403, 407}:
        return FetchError(Failed(FailureKind.DENIED, said, _denied_hint(status)), again=False)
    if status in {404, 410}:
        return FetchError(Failed(FailureKind.GONE, said, "what is installed stays; check the ref"), again=False)
    after = retry_after(headers.get("Retry-After"), now)
    if status == 429 or (status == 503 and after is not None):
        return FetchError(Failed(FailureKind.THROTTLED, said, retry_after=after), again=True)
    if status in NOT_NOW:
        return FetchError(Failed(FailureKind.UNREACHABLE, said, retry_after=after), again=True)
    if status == 304:
        return FetchError(
            Failed(FailureKind.UNREACHABLE, f"{said} (not modified) to a request without conditions, a fault of it"),
            again=True,
        )
    return FetchError(Failed(FailureKind.REFUSED, f"{said}, which is not an archive", _LOOK), again=False)


def _denied_hint(status: int) -> str:
    if status == 407:
        return "put user and password into the proxy's address"
    hint = 'put a login into ~/.netrc, or `auth: ["${INDEX_USER}", "${INDEX_PASSWORD}"]` into a file that fs-args names'
    return hint if status == 401 else f"{hint}; many servers answer 403 where nothing is"


def retry_after(text: str | None, now: float) -> float | None:
    """Read a `Retry-After`, which is seconds or a date, as seconds from now; nothing where it is neither."""
    if not text:
        return None
    if text.isascii() and text.isdigit():
        seconds = float(text) if len(text) < 10 else LONGEST_RETRY_AFTER
    else:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - now
        except (ValueError, OverflowError):
            return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


def of_exception(error: Exception, url: URL) -> FetchError:
    """Say what kept a request from being answered, or an answer from being whole."""
    host = origin(str(url))
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return FetchError(_distrusted(error, host), again=False)
    if isinstance(error, aiohttp.InvalidURL):
        problem = f"{host} is not an address that can be asked"
        return FetchError(Failed(FailureKind.REFUSED, problem, "check the ref, or `index`"), again=False)
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return (
            of_status(error.status, {}, url, 0.0) if error.status == 407 else _unreachable("the proxy refuses it", host)
        )
    if isinstance(error, aiohttp.ClientPayloadError):
        return FetchError(
            Failed(FailureKind.UNREACHABLE, f"the answer of {host} was cut short or is not as long as it says"),
            again=True,
        )
    return _unreachable(_reason(error), host)


def _unreachable(reason: str, host: str) -> FetchError:
    return FetchError(Failed(FailureKind.UNREACHABLE, f"cannot reach {host}: {reason}"), again=True)


def _distrusted(error: aiohttp.ClientConnectorCertificateError, host: str) -> Failed:
    cause = error.certificate_error
    reason = cause.verify_message if isinstance(cause, SSLCertVerificationError) else "its certificate is not valid"
    return Failed(
        FailureKind.REFUSED,
        f"{host} cannot be trusted: {reason.rstrip('.')}",
        "check the clock and the certificate; a certificate authority of your own is named by SSL_CERT_FILE",
    )


def _reason(error: Exception) -> str:
    """Give the first kind that fits: the more special ones stand first."""
    if isinstance(error, aiohttp.ClientConnectorDNSError | UnicodeError):  # the latter: a label above 63 letters
        return "its name cannot be resolved"
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return "no TLS connection could be made"
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return f"its proxy does not answer ({_system_words(error)})"
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return "no connection in time"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "it closed the connection without an answer"
    if isinstance(error, aiohttp.ClientResponseError):
        return "its answer is not HTTP"
    return _system_words(error) if isinstance(error, OSError) else "the connection broke"


def _system_words(error: OSError) -> str:
    """Give what the system says of its own number: the text beside it is a library's."""
    return os.strerror(error.errno).lower() if error.errno else "the connection broke"
