import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micropkgd.model.tree import digest_of
from micropkgd.sources.index.simple_api import JSON, File, PageError, parse_page
from micropkgd.sources.source import FailureKind

URL = "https://host/simple/ds/"
SHA = digest_of(b"x").removeprefix("sha256:")


def rows(*files: dict[str, Any], version: str = "1.1") -> bytes:
    """A JSON page."""
    return json.dumps({"meta": {"api-version": version}, "name": "ds", "files": files}).encode()


def parse_html(body: str, content_type: str = "text/html; charset=utf-8") -> tuple[File, ...]:
    """Read an HTML page at `URL`."""
    return parse_page(body.encode(), content_type, URL)


def refusal(body: bytes, content_type: str = JSON) -> PageError:
    """Read what is no page."""
    with pytest.raises(PageError) as raised:
        parse_page(body, content_type, URL)
    return raised.value


ROW = {"filename": "ds-1.0.tar.gz", "url": "ds-1.0.tar.gz", "hashes": {}}


class TestJson:
    """PEP 691 and PEP 700."""

    def test_every_field(self) -> None:
        """Name, absolute address, hashes, Python, why it was yanked, size."""
        row = ROW | {"hashes": {"sha256": SHA.upper()}, "requires-python": ">=3.9", "yanked": "broken", "size": 7}
        (file,) = parse_page(rows(row), JSON, URL)
        assert file == File("ds-1.0.tar.gz", f"{URL}ds-1.0.tar.gz", {"sha256": SHA}, ">=3.9", "broken", 7)
        assert file.sha256 == f"sha256:{SHA}"

    def test_only_what_must_be_there(self) -> None:
        """Indexes leave out, or set to nothing, what they do not know."""
        row = ROW | {"requires-python": None, "yanked": False, "size": None, "hashes": None}
        plain = File("ds-1.0.tar.gz", f"{URL}ds-1.0.tar.gz")
        assert parse_page(rows(row, ROW), JSON, URL) == (plain, plain)
        assert plain.sha256 is None

    @pytest.mark.parametrize(("said", "yanked"), [(True, ""), ("why", "why"), (False, None), ("", None)])
    def test_yanked(self, said: object, yanked: str | None) -> None:
        """Truth without words is a yank without a reason."""
        assert parse_page(rows(ROW | {"yanked": said}), JSON, URL)[0].yanked == yanked

    @pytest.mark.parametrize(
        ("address", "whole"),
        [
            pytest.param("../../+f/ab/ds.tar.gz", "https://host/+f/ab/ds.tar.gz", id="relative"),
            pytest.param("/p/ds.tar.gz#sha256=ab", "https://host/p/ds.tar.gz", id="fragment"),
            pytest.param("https://files/ds.tar.gz", "https://files/ds.tar.gz", id="elsewhere"),
        ],
    )
    def test_address(self, address: str, whole: str) -> None:
        """It is relative to the page."""
        assert parse_page(rows(ROW | {"url": address}), JSON, URL)[0].url == whole

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param(b'{"meta": {}, "files": [', id="cut"),
            pytest.param(b"[" * 200_000, id="deep"),
            pytest.param(b'{"files": [], "x": ' + b"9" * 5000 + b"}", id="long-number"),
            pytest.param(b"\xff\xfe", id="no-text"),
            pytest.param(b"[]", id="list"),
            pytest.param(b'{"meta": {"api-version": "1.0"}}', id="no-files"),
            pytest.param(rows({"filename": 1, "url": "x"}), id="name-of-wrong-type"),
            pytest.param(rows({"filename": "x"}), id="no-address"),
            pytest.param(rows(ROW | {"hashes": {"sha256": "\x1b[31m"}}), id="hash-that-is-none"),
            pytest.param(rows(ROW | {"url": "http://host:port/"}), id="address-that-is-none"),
            pytest.param(rows(ROW | {"size": "big"}), id="size-of-wrong-type"),
        ],
    )
    def test_broken_page(self, body: bytes) -> None:
        """It is refused as a whole: the row that cannot be read may be the newest release."""
        assert refusal(body).kind is FailureKind.CORRUPT

    def test_later_version(self) -> None:
        """It may mean anything; a later minor version adds only what may be ignored."""
        assert "version 2.0" in refusal(rows(version="2.0")).problem
        assert parse_page(rows(version="1.99"), JSON, URL) == ()

    @pytest.mark.parametrize(
        "content_type", ["", "application/json", "text/plain", "application/vnd.pypi.simple.v2+json"]
    )
    def test_other_type(self, content_type: str) -> None:
        """What says to be something else is not guessed at."""
        assert refusal(rows(ROW), content_type).kind is FailureKind.REFUSED


class TestHtml:
    """PEP 503 and PEP 592."""

    def test_every_field(self) -> None:
        """Attributes are unescaped, hashes come with the address, the name from its path."""
        anchor = f'<a href="/p/ds-1.0.tar.gz#sha256={SHA}" data-requires-python="&gt;=3.9" data-yanked="broken">x</a>'
        (file,) = parse_html(f"<html><body>{anchor}</body></html>")
        assert file == File("ds-1.0.tar.gz", "https://host/p/ds-1.0.tar.gz", {"sha256": SHA}, ">=3.9", "broken")

    def test_attribute_without_value_yanks(self) -> None:
        """The attribute is enough."""
        assert parse_html("<a href=ds-1.tar.gz data-yanked>x</a>")[0].yanked == ""

    def test_name_is_unquoted(self) -> None:
        """`+` and `!` of versions are often quoted in addresses."""
        assert parse_html('<a href="ds-1%21%32%2Blocal.tar.gz">x</a>')[0].name == "ds-1!2+local.tar.gz"

    def test_base_of_the_page(self) -> None:
        """Addresses are relative to it, and it to the page."""
        assert parse_html('<base href="/files/"><a href="ds-1.tar.gz">x</a>')[0].url == "https://host/files/ds-1.tar.gz"

    def test_anchor_without_address(self) -> None:
        """It is no file."""
        assert parse_html("<a name=top>x</a><p>nothing</p>") == ()

    def test_later_version(self) -> None:
        """The page says its version in its head."""
        body = b'<meta name="pypi:repository-version" content="2.0"><a href=x>x</a>'
        assert refusal(body, "text/html").kind is FailureKind.REFUSED

    def test_character_set(self) -> None:
        """What nobody knows is refused, what cannot be decoded hides no other file."""
        assert refusal(b"x", "text/html; charset=klingon").kind is FailureKind.CORRUPT
        assert len(parse_page(b"<a href=\xff>x</a><a href=y>y</a>", "text/html", URL)) == 2

    def test_comments_and_other_tags_say_nothing(self) -> None:
        """What stands in a comment is no file, whatever it looks like."""
        assert parse_html("<!-- <a href=x-1.tar.gz> --><abbr href=y><![odd[z]]><A HREF='z-1.tar.gz' href=w>z</A>") == (
            File("z-1.tar.gz", f"{URL}z-1.tar.gz"),
        )

    def test_bound_that_is_not_escaped(self) -> None:
        """Some servers leave `>` as it is."""
        (file,) = parse_html("<a data-requires-python=\">=3.9\"  href='x'  data-yanked >x</a>")
        assert (file.requires_python, file.yanked) == (">=3.9", "")

    @pytest.mark.parametrize(
        "body",
        [pytest.param("<a href=x><!-- ", id="comment"), pytest.param(f"<a href=&#{'9' * 5000};>", id="character")],
    )
    def test_broken_page(self, body: str) -> None:
        """What cannot be read may have been a file."""
        assert refusal(body.encode(), "text/html").kind is FailureKind.CORRUPT

    @pytest.mark.parametrize(
        "piece",
        ["<a href=", "<", "<a x='", '<a x="', "<a ", "&", "<!", "</", "<a/", "<a =", "<a x = ", "<meta\n", "<!-->"],
    )
    def test_time_goes_with_the_length(self, piece: str) -> None:
        """No page, however it is made, keeps the process busy: a megabyte of it takes less than seconds."""
        start = time.process_time()
        with suppress(PageError):
            parse_html(piece * (1_000_000 // len(piece)))
        assert time.process_time() - start < 5


@given(st.binary(max_size=300), st.sampled_from([JSON, "text/html", "text/html; charset=utf-16"]))
def test_any_bytes_are_a_page_or_refused(body: bytes, content_type: str) -> None:
    """Nothing else comes out, whatever is sent."""
    with suppress(PageError):
        assert isinstance(parse_page(body, content_type, URL), tuple)
