"""Finds the addresses that a request would reach, and checks that this machine allows them all.

Rules: what fs-args name counts like the ref itself - an endpoint, a proxy, a server that gives out tokens - because
they are the project's, and so does what stands in a token file that they name (judged where it is read). What the
machine names (`AWS_ENDPOINT_URL`, a profile, a proxy of the environment) is its own affair. A file of the project is
always allowed, one elsewhere is judged by where its links lead. A driver that may go anywhere cannot be held to a list,
so it is not let run under one.
"""

import os
from collections.abc import Callable, Iterator, Mapping

from micropkgd.annotations import Final
from micropkgd.model.index import archive_in, index_kind
from micropkgd.model.origins import Origins
from micropkgd.model.ref import Ref, RefKind
from micropkgd.sources.redaction import origin
from micropkgd.sources.source import Failed, FailureKind, Request, StrPath
from micropkgd.sources.upload import Upload

REASON = "OriginNotAllowed"
JUDGED_WHOLE = frozenset({RefKind.LOCAL, RefKind.OTHER})  # by the path, or not at all

_GOOGLE = Origins.parse(("https://*.googleapis.com", "https://accounts.google.com"))


def objection(origins: Origins, asked: Request | Upload, root: StrPath) -> Failed | None:
    """Why a request must not be made; nothing where all that it would reach is allowed."""
    ref = place_of(asked)
    if ref.kind is RefKind.LOCAL:
        return _of_path(origins, ref.location, root)
    if ref.kind is RefKind.OTHER:
        problem = f"`{ref.text}` is fetched by a driver that no list of {origins.key} can hold back"
        hint = f"`{origins.key}` can name places of https, s3 and gs"
        return Failed(FailureKind.REFUSED, problem, hint, reason=REASON)
    own = _GOOGLE if ref.kind is RefKind.GCS else None
    for address in _addresses(asked, ref):
        if not origins.allows(address) and not (own is not None and own.allows(address)):
            return not_allowed(address if address == ref.location else origin(address), origins.key)
    return None


def objection_to_token(origins: Origins, token: Mapping[str, object]) -> Failed | None:
    """Why Google credentials must not be used: an address in them is neither allowed nor Google's own."""
    for address in _addresses_in(token):
        if not origins.allows(address) and not _GOOGLE.allows(address):
            return not_allowed(origin(address), origins.key)
    return None


def not_allowed(place: str, key: str) -> Failed:
    """Answer for a place that is not named; `place` is fit to be shown, `key` is of the config."""
    return Failed(
        FailureKind.REFUSED,
        f"{place} is not among the {key} of this machine",
        f"whoever runs this machine may add it to `{key}` in the config",
        reason=REASON,
    )


def _of_path(origins: Origins, location: str, root: StrPath) -> Failed | None:
    """Judge a path by where its links lead: a link in the project must not lead out of it."""
    path, home = (os.path.realpath(one) for one in (os.path.join(root, location), root))
    if path.startswith(f"{home}{os.sep}") or origins.allows(path):
        return None
    return not_allowed(f"the path `{location}`", origins.key)


def place_of(asked: Request | Upload) -> Ref:
    """What is reached: the ref, or an archive of the folder that a requirement is looked up in."""
    index_url = asked.lookup.index_url if asked.lookup is not None else ""
    in_folder = asked.ref.kind is RefKind.INDEX and index_url and index_kind(index_url) is not RefKind.INDEX
    return archive_in(index_url, "x.tar.gz") if in_folder else asked.ref


def _addresses(asked: Request | Upload, ref: Ref) -> Iterator[str]:
    options = asked.options
    if ref.kind is RefKind.INDEX:
        if asked.lookup is not None:
            yield asked.lookup.index_url
        if isinstance(asked, Upload):
            yield asked.url
    else:
        yield ref.location
    yield from NAMED_BY_OPTIONS[ref.kind](options)


def _by_s3fs(options: Mapping[str, object]) -> Iterator[str]:
    yield from texts_among(options.get("endpoint_url"), table_of(options, "client_kwargs").get("endpoint_url"))
    yield from map(_proxy, texts_among(*table_of(table_of(options, "config_kwargs"), "proxies").values()))


def _by_gcsfs(options: Mapping[str, object]) -> Iterator[str]:
    yield from texts_among(options.get("endpoint_url"))
    yield from _addresses_in(table_of(options, "token"))


def _by_http(options: Mapping[str, object]) -> Iterator[str]:
    return map(_proxy, texts_among(options.get("proxy"), table_of(options, "client_kwargs").get("proxy")))


def _addresses_in(token: Mapping[str, object]) -> Iterator[str]:
    return (text for text in texts_among(*token.values()) if "://" in text)


def table_of(options: Mapping[str, object], key: str) -> Mapping[str, object]:
    """A table of fs-args; an empty one where something else stands there."""
    value = options.get(key)
    return value if isinstance(value, Mapping) else {}


def texts_among(*values: object) -> Iterator[str]:
    """Those of some values of fs-args that are texts."""
    return (value for value in values if isinstance(value, str) and value)


def _proxy(text: str) -> str:
    return text if "://" in text else f"http://{text}"


NAMED_BY_OPTIONS: Final[Mapping[RefKind, Callable[[Mapping[str, object]], Iterator[str]]]] = {
    RefKind.HTTP: _by_http,
    RefKind.INDEX: _by_http,
    RefKind.S3: _by_s3fs,
    RefKind.GCS: _by_gcsfs,
}
"""The addresses that fs-args name beside the ref. Local paths, and drivers that nothing can hold back, have none."""
