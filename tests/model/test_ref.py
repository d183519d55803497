"""What the text of a ref names: the text alone decides."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micropkgd.errors import DocumentError
from micropkgd.model.ref import Ref, RefKind
from tests.kit.canaries import CANARY


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("dist/ds-0.1.tar.gz", RefKind.LOCAL),
        ("ds.tar.gz", RefKind.LOCAL),
        ("./ds.tar.gz", RefKind.LOCAL),
        ("../shared/ds.tar.gz", RefKind.LOCAL),
        ("/abs/ds.tar.gz", RefKind.LOCAL),
        ("with space/größe.tar.gz", RefKind.LOCAL),
        ("file:///abs/ds.tar.gz", RefKind.LOCAL),
        ("file://localhost/abs/ds.tar.gz", RefKind.LOCAL),
        ("http://host/x.tar.gz", RefKind.HTTP),
        ("HTTPS://host/x.tar.gz?v=1", RefKind.HTTP),
        ("https://[2001:db8::1]:8443/x.tar.gz", RefKind.HTTP),
        ("s3://bucket/x.tar.gz", RefKind.S3),
        ("gs://bucket/x.tar.gz", RefKind.GCS),
        ("gcs://bucket/x.tar.gz", RefKind.GCS),
        ("abfs://box/x.tar.gz", RefKind.OTHER),
        ("reporting", RefKind.INDEX),
        ("reporting>=1,<2", RefKind.INDEX),
        ("reporting[extra]~=1.4", RefKind.INDEX),
        ("reporting == 1.*, != 1.5", RefKind.INDEX),
    ],
)
def test_what_a_text_names(text: str, kind: RefKind) -> None:
    """Scheme, then path, then requirement; the text itself is kept."""
    ref = Ref.parse(text)

    assert (ref.kind, ref.text) == (kind, text)


@pytest.mark.parametrize(
    "text",
    ["", " ds.tar.gz", "ds.tar.gz ",
     "ds\n.tar.gz", "ds\u202e.tar.gz", "ds-0.1.tgz", "ds.zip", "ds-0.1-py3-none-any.whl",
     "ds-0.1", "a b", "ds==",
     "ds=1.0", "ds>=1,", "ds~1", "dist\\ds.tar.gz", "simplecache::s3://b/x.tar.gz", "https://[::1]/a::b.tar.gz", "file://dist/ds.tar.gz",
     "file:///a%00.tar.gz", "file:///a%0A.tar.gz"],
)  # fmt: skip
def test_what_names_nothing(text: str) -> None:
    """Slips are errors: none falls through to a package index."""
    with pytest.raises(DocumentError):
        Ref.parse(text)


@pytest.mark.parametrize(
    "text",
    [f"https://user:{CANARY}@host/x.tar.gz", f"https://{CANARY}@host/x.tar.gz",
     f"https://host/x.tar.gz?token={CANARY}", f"https://host/x.tar.gz?a=1&X-Amz-Signature={CANARY}",
     f"s3://b/x.tar.gz?sig={CANARY}"],
)  # fmt: skip
def test_a_credential_is_refused_and_not_repeated(text: str) -> None:
    """A ref is committed twice; the message does not say the secret again."""
    with pytest.raises(DocumentError) as caught:
        Ref.parse(text)

    assert CANARY not in f"{caught.value} {caught.value.hint}"


def test_a_fragment_is_refused() -> None:
    """Whoever writes `#sha256=...`, as pages of an index do, must not believe it pinned."""
    with pytest.raises(DocumentError, match="fragment") as caught:
        Ref.parse("https://host/x.tar.gz#sha256=00")

    assert "sha256 =" in caught.value.hint
    assert Ref.parse("s3://bucket/x#1.tar.gz").kind is RefKind.S3


def test_a_file_address_is_unquoted() -> None:
    """The path is the one that the address means."""
    assert Ref.parse("file:///far%20away/ds.tar.gz").location == "/far away/ds.tar.gz"


@given(st.text())
def test_any_text_is_a_ref_or_a_documented_error(text: str) -> None:
    """No text brings another exception."""
    with suppress(DocumentError):
        assert Ref.parse(text).text == text
