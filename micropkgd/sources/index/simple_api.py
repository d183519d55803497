"""The page an index has for one project, read into values: HTML (PEP 503, 592) or JSON (PEP 691, 700). Pure.

Rules: a page is read as a whole or refused, since a row that cannot be read may be the newest release; addresses are
made absolute and lose what may not be told on; what a page says is not believed here, only understood.
"""

import json
import re
from codecs import lookup
from collections.abc import Iterator, Mapping
from html import unescape
from urllib.parse import unquote, urljoin, urlsplit

from micropkgd.annotations import Final, TypeVar
from micropkgd.model.tree import Digest
from micropkgd.named_tuples import NamedTuple
from micropkgd.sources.source import FailureKind

T = TypeVar("T")

JSON: Final = "application/vnd.pypi.simple.v1+json"
ACCEPT: Final = f"{JSON}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"

_HTML: Final = frozenset({"text/html", "application/vnd.pypi.simple.v1+html"})
_TAG: Final = re.compile(r"<!--|<(a|base|meta)(?=[\s/>])", re.IGNORECASE)
_ATTRIBUTE: Final = re.compile(r"[\s/\"']*([^\s=>/\"']+)\s*(?:=\s*(\"[^\"]*\"|'[^']*'|[^\s>\"']*))?")
_HASH: Final = re.compile(r"(md5|sha1|sha224|sha256|sha384|sha512|blake2b|blake2s|sha3_\d+)=([0-9a-fA-F]+)")
_MOST_FILES: Final = 100_000  # the largest project of PyPI has a tenth
_MOST_TABLES, _MOST_VALUES = 5 * _MOST_FILES, 20 * _MOST_FILES  # of a page; what is read takes many times its bytes
_LONGEST_ADDRESS: Final = 2048  # characters, as browsers have it
_TOLD: Final = frozenset({"content", "data-requires-python", "data-yanked", "href", "name"})  # attributes
_NO_CHARSETS: Final = frozenset({"idna", "punycode", "raw_unicode_escape", "undefined", "unicode_escape"})
"""What Python has codecs of and no page is in; one takes time in the square of its text."""
_HEX: Final = re.compile(r"[0-9a-fA-F]+")


class PageError(Exception):
    """What was sent is no page of an index: a signal to the source, which answers `Failed`."""

    def __init__(self, kind: FailureKind, problem: str) -> None:
        super().__init__(problem)
        self.kind = kind
        self.problem = problem


class File(NamedTuple):
    """One file of a project, as the index describes it."""

    name: str  # of the file
    url: str  # absolute, without fragment
    hashes: Mapping[str, str] = {}  # hex digits by the algorithm's name
    requires_python: str = ""
    yanked: str | None = None  # why it was taken back, maybe in no words; None where it was not
    size: int | None = None  # bytes
    mark: str = ""  # of its content, where a listing says it: equal marks are equal bytes
    provenance: str = ""  # where its attestations are (PEP 740), absolute

    @property
    def sha256(self) -> Digest | None:
        """The digest its bytes should have, where the index says one."""
        return Digest(f"sha256:{self.hashes['sha256']}") if "sha256" in self.hashes else None


def parse_page(body: bytes, content_type: str, url: str) -> tuple[File, ...]:
    """Read a page of this type from this address; `PageError` where it is none."""
    media_type, _, parameters = content_type.partition(";")
    media_type = media_type.strip().lower()
    if media_type == JSON:
        return _parse_json(body, url)
    if media_type in _HTML:
        return _parse_html(body, parameters, url)
    raise PageError(FailureKind.REFUSED, f"it is `{_shown(media_type)}`, which no page of an index is")


def parse_listing(body: bytes, content_type: str, url: str) -> tuple[File, ...]:
    """Read the listing of a folder that a web server makes: the files directly in it, whatever else it links to."""
    media_type, _, parameters = content_type.partition(";")
    if media_type.strip().lower() not in _HTML:
        raise PageError(FailureKind.GONE, f"it is `{_shown(media_type)}`, which no listing of a folder is")
    above = url.partition("?")[0].rpartition("/")[0]
    found = _parse_html(body, parameters, url)
    return tuple(file for file in found if file.url.rpartition("/")[0] == above and "?" not in file.url)


def _parse_json(body: bytes, url: str) -> tuple[File, ...]:
    if body.count(b"{") + body.count(b"[") > _MOST_TABLES or body.count(b",") > _MOST_VALUES:
        raise PageError(FailureKind.REFUSED, f"it has more in it than a list of {_MOST_FILES} files")
    try:
        page = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _broken("it is not valid JSON") from error
    meta = _typed(page, dict, "the page").get("meta", {})
    _check_version(_typed(meta, dict, "`meta`").get("api-version"))
    rows = _typed(page.get("files"), list, "`files`")
    _check_count(len(rows))
    return tuple(_of_row(_typed(row, dict, "a row of `files`"), url) for row in rows)


def _of_row(row: dict[str, object], url: str) -> File:
    hashes = _typed(row.get("hashes") or {}, dict, "`hashes`")
    yanked = row.get("yanked") or None
    return File(
        name=_typed(row.get("filename"), str, "`filename`"),
        url=_absolute(url, _typed(row.get("url"), str, "`url`")),
        hashes={_typed(name, str, "`hashes`"): _hex(value) for name, value in hashes.items()},
        requires_python=_typed(row.get("requires-python") or "", str, "`requires-python`"),
        yanked=None if yanked is None else yanked if isinstance(yanked, str) else "",
        size=_typed(row["size"], int, "`size`") if row.get("size") is not None else None,
        provenance=_absolute(url, _typed(row["provenance"], str, "`provenance`")) if row.get("provenance") else "",
    )


def _parse_html(body: bytes, parameters: str, url: str) -> tuple[File, ...]:
    match = re.search(r"charset=[\"']?([A-Za-z0-9_.:-]+)", parameters, re.IGNORECASE)
    try:
        charset = lookup(match[1] if match else "utf-8").name.replace("-", "_")
        text = "" if charset in _NO_CHARSETS else body.decode(charset, "replace")
    except (LookupError, ValueError) as error:  # the latter: codecs like `idna` do not replace what they cannot read
        raise _broken("its character set is not known, or not its own") from error
    if charset in _NO_CHARSETS:
        raise _broken("its character set is not one of pages")
    base, files = url, []
    for tag, attributes in _tags(text):
        if tag == "meta" and attributes.get("name") == "pypi:repository-version":
            _check_version(attributes.get("content"))
        elif tag == "base" and attributes.get("href"):
            base = _absolute(url, attributes["href"])
        elif tag == "a" and attributes.get("href"):
            files.append(_of_anchor(attributes, base))
            _check_count(len(files))
    return tuple(files)


def _tags(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The tags that say something, with their attributes.

    The standard library's parser takes time in the square of a page that was made to that end, and breaks on others;
    every step of this one goes forward.
    """
    at = 0
    while found := _TAG.search(text, at):
        at = found.end()
        if found[1] is None:
            at = text.find("-->", at)
            if at < 0:
                raise _broken("a comment on it has no end")
            continue
        attributes: dict[str, str] = {}
        while attribute := _ATTRIBUTE.match(text, at):
            at = attribute.end()
            if (name := attribute[1].lower()) in _TOLD:
                attributes.setdefault(name, _unescaped((attribute[2] or "").strip("\"'")))
        yield found[1].lower(), attributes


def _unescaped(text: str) -> str:
    try:
        return unescape(text)
    except ValueError as error:  # a number too long for `int`
        raise _broken("a character on it is none") from error


def _of_anchor(anchor: dict[str, str], base: str) -> File:
    whole = _absolute(base, anchor["href"], keep_fragment=True)
    url, _, fragment = whole.partition("#")
    return File(
        name=unquote(urlsplit(url).path.rpartition("/")[2]),
        url=url,
        hashes={name: value.lower() for name, value in _HASH.findall(fragment)},
        requires_python=anchor.get("data-requires-python", ""),
        yanked=anchor.get("data-yanked"),
        provenance=_absolute(base, anchor["data-provenance"]) if anchor.get("data-provenance") else "",
    )


def _check_version(version: object) -> None:
    """A page of a later major version may mean anything; one that says nothing is of the first."""
    if version is not None and str(version).partition(".")[0] != "1":
        problem = f"it speaks version {_shown(str(version))} of the Simple API, and this micropkgd version 1"
        raise PageError(FailureKind.REFUSED, problem)


def _check_count(files: int) -> None:
    if files > _MOST_FILES:
        raise PageError(FailureKind.REFUSED, f"it lists more than {_MOST_FILES} files")


def _absolute(base: str, address: str, *, keep_fragment: bool = False) -> str:
    if len(base) + len(address) > _LONGEST_ADDRESS:
        raise _broken("an address on it is too long")
    try:
        whole = urljoin(base, address.strip())
        urlsplit(whole).port  # noqa: B018 - raises where the port is no number
    except ValueError as error:
        raise _broken("an address on it is none") from error
    return whole if keep_fragment else whole.partition("#")[0]


def _hex(value: object) -> str:
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise _broken("a hash on it is not a hexadecimal number")
    return value.lower()


def _typed(value: object, kind: type[T], what: str) -> T:
    if not isinstance(value, kind):
        raise _broken(f"{what} is of the wrong type")
    return value


def _broken(problem: str) -> PageError:
    return PageError(FailureKind.CORRUPT, problem)


def _shown(text: str) -> str:
    return ascii(text[:60])[1:-1]
