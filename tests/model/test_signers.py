"""The places that a rule of signatures covers: no way of writing an address gets around one."""

import pytest

from micropkgd.model.origins import Origins
from micropkgd.model.ref import Ref
from micropkgd.model.signers import SignatureRule, beside

RULE = SignatureRule((), Origins.parse(["https://i.example/team/", "s3://bucket/team/", "/srv/share"]))


@pytest.mark.parametrize(
    "place",
    [
        "https://i.example/team/a.tar.gz",
        "http://i.example/team/a.tar.gz",
        "http://I.EXAMPLE.:8080/team/a.tar.gz",
        "https://i.example/%74eam/a.tar.gz",
        "https://i.example//team/a.tar.gz",
        "https://i.example/other/../team/a.tar.gz",
        "https://i.example/other/..%2fteam/a.tar.gz",
        "s3://bucket/team/a.tar.gz",
        "/srv/share/a.tar.gz",
        "file:///srv/share/a.tar.gz",
    ],
)
def test_covered(place: str) -> None:
    """In whatever way a server may read it."""
    assert RULE.covers([place])
    assert RULE.covers(["https://elsewhere.example/", place])


@pytest.mark.parametrize(
    "place", ["https://i.example/teams/a.tar.gz", "https://other.example/team/a", "gs://bucket/team/a", "/srv/shared/a"]
)
def test_not_covered(place: str) -> None:
    """Another place is another place; a rule without places covers all."""
    assert not RULE.covers([place])
    assert SignatureRule(()).covers([place])


@pytest.mark.parametrize(
    ("ref", "signature"),
    [
        ("dist/ds.tar.gz", "dist/ds.tar.gz.sig"),
        ("dist/what?.tar.gz", "dist/what?.tar.gz.sig"),
        ("https://i.example/ds.tar.gz?branch=main", "https://i.example/ds.tar.gz.sig?branch=main"),
        ("s3://b/ds.tar.gz?versionId=7", "s3://b/ds.tar.gz.sig"),
        ("gs://b/ds.tar.gz#17", "gs://b/ds.tar.gz.sig"),
    ],
)
def test_beside(ref: str, signature: str) -> None:
    """The version that a ref pins is the archive's own."""
    assert beside(Ref.parse(ref)).location == signature
