"""Detects requests that would take this machine's own logins to a server that only the project named.

The AWS chain, Google's defaults, a profile and a token file are the user's, and meant for the services that gave them
out. A project may say where its store is (`endpoint_url`, a proxy before it); such a server gets the login that stands
beside in fs-args, or none, unless the machine's config lists it. netrc, keyrings and logins in pip's addresses are kept
by host, so they need no rule here: `http.client` gives them to the hosts that a ref names, and to no others.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import urlsplit

from micropkgd.annotations import Final
from micropkgd.model.origins import Origins
from micropkgd.model.permits import ENDPOINTS_KEY
from micropkgd.model.ref import RefKind
from micropkgd.sources.allowed import place_of, table_of, texts_among
from micropkgd.sources.redaction import origin
from micropkgd.sources.source import Failed, FailureKind, Request, StrPath
from micropkgd.sources.upload import Upload

REASON: Final = "LoginWithheld"

# Below amazonaws.com stand servers of anybody (EC2, load balancers, API gateways), so S3 is known by its own labels.
_REGION: Final = r"[a-z]{2}(?:-[a-z]+)+-\d{1,2}"
_S3: Final = re.compile(
    rf"(?:[a-z0-9.-]+\.)?(?:s3|s3-fips|s3-accelerate|s3-{_REGION})(?:\.dualstack)?(?:\.{_REGION})?(?:\.vpce)?"
    r"\.(?:amazonaws\.com|amazonaws\.com\.cn|api\.aws)"
)
_GOOGLE: Final = re.compile(r"(?:[a-z0-9-]+\.)*googleapis\.com")
_LOGIN_WITHIN: Final = re.compile(r"(?:AccountKey|SharedAccessSignature)=.")
_OWN_KEYS: Final = (("key", "secret"), ("username", "password"))
_SERVERS: Final = frozenset(
    {"account_host", "base_url", "domain", "endpoint", "endpoint_url", "hostname", "host", "hub_url", "server", "url"}
)  # what drivers of other protocols call it


def withheld(endpoints: Origins, asked: Request | Upload, root: StrPath) -> Failed | None:
    """Why a request is not made; nothing where no login of this machine could go to a server that a project named."""
    return BY_KIND[place_of(asked).kind](endpoints, asked, root)


def _of_s3(endpoints: Origins, asked: Request | Upload, _: StrPath) -> Failed | None:
    if _s3_login_beside(asked.options):
        return None
    servers = _s3_servers(asked.options)
    return _objection(endpoints, asked, servers, "AWS credentials", "`key` and `secret`, or `anon: true`")


def _of_google(endpoints: Origins, asked: Request | Upload, root: StrPath) -> Failed | None:
    if _google_login_beside(asked.options, root):
        return None
    servers = _foreign(_GOOGLE, texts_among(asked.options.get("endpoint_url")))
    return _objection(
        endpoints, asked, servers, "Google credentials", "`token`, as a text or a table, or `token: anon`"
    )


def _of_driver(endpoints: Origins, asked: Request | Upload, _: StrPath) -> Failed | None:
    servers = _other_servers(asked.options)
    return _objection(endpoints, asked, servers, "logins", "no server at all: name it in the ref")


def _nothing(endpoints: Origins, asked: Request | Upload, root: StrPath) -> None:
    """Nothing of this machine is sent without being asked for; netrc and keyring go by the host that asks."""


BY_KIND: Final[Mapping[RefKind, Callable[[Origins, Request | Upload, StrPath], Failed | None]]] = {
    RefKind.LOCAL: _nothing,
    RefKind.HTTP: _nothing,
    RefKind.INDEX: _nothing,
    RefKind.S3: _of_s3,
    RefKind.GCS: _of_google,
    RefKind.OTHER: _of_driver,
}


def _objection(
    endpoints: Origins, asked: Request | Upload, servers: Iterator[str], what: str, beside: str
) -> Failed | None:
    for server in servers:
        if not endpoints.allows(server):
            problem = (
                f"`{asked.ref.text}` would take this machine's {what} to {origin(server)}, which only the project names"
            )
            hint = (
                f"put {beside}, into fs-args; or whoever runs this machine lists it in `{ENDPOINTS_KEY}` of the config"
            )
            return Failed(FailureKind.REFUSED, problem, hint, reason=REASON)
    return None


def _s3_login_beside(options: Mapping[str, object]) -> bool:
    if options.get("anon") is True:
        return True
    client = table_of(options, "client_kwargs")
    return any(all(options.get(name) for name in names) for names in _OWN_KEYS) or all(
        client.get(name) for name in ("aws_access_key_id", "aws_secret_access_key")
    )


def _s3_servers(options: Mapping[str, object]) -> Iterator[str]:
    """The servers that a project puts in the place of AWS, or in the way to it."""
    client, config = table_of(options, "client_kwargs"), table_of(options, "config_kwargs")
    yield from _foreign(_S3, texts_among(options.get("endpoint_url"), client.get("endpoint_url")))
    yield from (
        text if "://" in text else f"http://{text}" for text in texts_among(*table_of(config, "proxies").values())
    )
    if options.get("use_ssl") is False or client.get("use_ssl") is False:
        yield "http://s3.amazonaws.com"  # where anyone on the way can read what is sent


def _google_login_beside(options: Mapping[str, object], root: StrPath) -> bool:
    """Whether the project brings its own login, or none: a file of it may lie in the project, and nowhere else."""
    token = options.get("token")
    if not isinstance(token, str) or not token:
        return isinstance(token, Mapping)
    if os.path.isabs(token):
        return os.path.realpath(token).startswith(f"{os.path.realpath(root)}{os.sep}")
    return token not in {"google_default", "cloud"}


def _other_servers(options: Mapping[str, object]) -> Iterator[str]:
    """Where a driver would go that finds logins by itself: it cannot be told to leave them at home."""
    for key, value in options.items():
        if isinstance(value, Mapping):
            yield from _other_servers(value)
        elif key == "connection_string" and _LOGIN_WITHIN.search(str(value)):
            continue  # of Azure: server and login in one
        elif isinstance(value, str) and ("://" in value or key in _SERVERS):
            yield value if "://" in value else f"https://{value}"


def _foreign(own: re.Pattern[str], addresses: Iterator[str]) -> Iterator[str]:
    """The addresses that are none of a service's own, over TLS."""
    for address in addresses:
        try:
            parts = urlsplit(address)
            known = (
                parts.scheme == "https" and own.fullmatch((parts.hostname or "").lower()) and parts.port in {None, 443}
            )
        except ValueError:
            known = None
        if not known:
            yield address
