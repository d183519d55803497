"""The fs-args of a `gs://` ref, in the words of gcsfs.

Rule: a token is said in full, is an absolute path, or is left to the usual Google chain; what would open a browser or
unpickle a file is refused.
"""

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from micropkgd.errors import DocumentError
from micropkgd.named_tuples import NamedTuple
from micropkgd.sources.fs_args import name_of, refuse_unknown, text_at

_TEXTS = ("project", "access", "endpoint_url")
_KEYS = ("token", "requester_pays", *_TEXTS)
_WITHOUT_EFFECT = (
    "asynchronous",
    "block_size",
    "cache_timeout",
    "check_connection",
    "consistency",
    "default_location",
    "listings_expiry_time",
    "max_paths",
    "requests_timeout",
    "secure_serialize",
    "skip_instance_cache",
    "timeout",
    "use_listings_cache",
    "version_aware",
)
_CHAINS = frozenset({"google_default", "cloud", "anon"})
_ACCESS = ("read_only", "read_write", "full_control")


class GcsOptions(NamedTuple):
    """How to ask one store. Build it with `parse`, which checks."""

    name: str
    arguments: Mapping[str, object]  # for the file system
    raw_token: str | None = None  # an access token itself

    @classmethod
    def parse(cls, given: Mapping[str, object]) -> "GcsOptions":
        """Read fs-args; `DocumentError` names the key that cannot be honoured."""
        refuse_unknown(given, (*_KEYS, *_WITHOUT_EFFECT), "fs-args", "no gcs source")
        arguments: dict[str, object] = {key: text_at(given, key) for key in _TEXTS if given.get(key) is not None}
        _check_endpoint(str(arguments.get("endpoint_url", "https://")))
        if arguments.setdefault("access", "read_only") not in _ACCESS:
            raise DocumentError("fs-args key `access` has no known value", hint=f"write one of {', '.join(_ACCESS)}")
        pays = given.get("requester_pays", False)
        if not isinstance(pays, bool | str):
            raise DocumentError("fs-args key `requester_pays` must be true, false or the name of a project")
        token, raw_token = _token(given.get("token"))
        return cls(name_of(given), {**arguments, "requester_pays": pays, "token": token}, raw_token)


def _check_endpoint(text: str) -> None:
    """What is no address of a server looks later like one that does not answer."""
    try:
        there = urlsplit(text)
        sound = there.scheme in {"http", "https"} and there.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise DocumentError("fs-args key `endpoint_url` is not an address", hint="write it like `https://host`")


def _token(given: object) -> tuple[object, str | None]:
    if given is None or isinstance(given, Mapping):
        return given, None
    if not isinstance(given, str):
        raise DocumentError("fs-args key `token` must be a text or a table")
    if given in {"browser", "cache"}:
        raise DocumentError(f"fs-args key `token` is `{given}`, which needs a person", hint="use `google_default`")
    if given in _CHAINS or os.path.isabs(given):
        return given, None
    if given.endswith(".json"):
        raise DocumentError("fs-args key `token` is a relative path", hint="write an absolute one, or the table itself")
    if not given.isprintable():
        raise DocumentError("fs-args key `token` has a line end or another control character")
    return "anon", given  # gcsfs would show it to a server of Google's before its first use
