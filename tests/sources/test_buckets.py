"""One listing for many refs: what it costs to match them."""

import asyncio
from collections.abc import Mapping, Sequence

from micropkgd.errors import DocumentError
from micropkgd.model.ref import Ref
from micropkgd.sources.buckets import survey
from micropkgd.sources.s3.options import S3Options
from micropkgd.sources.source import Request, Unchanged, Validator

MANY = 50


def test_fs_args_are_understood_once_for_all_that_share_them() -> None:
    """Not once for each ref; and of refs with others, or with none, each goes by its own."""
    understood: list[Mapping[str, object]] = []
    asked: list[tuple[str, int]] = []

    def read(given: Mapping[str, object]) -> S3Options:
        understood.append(given)
        if "odd" in given:
            raise DocumentError("odd")
        return S3Options.parse(given)

    async def listing(options: S3Options, bucket: str, folder: str, keys: Sequence[str]) -> Mapping[str, str]:
        asked.append((options.name, len(keys)))
        return dict.fromkeys(keys, '"1"')

    ours, theirs = {"key": "a", "secret": "b"}, {"anon": True}
    given = [ours] * MANY + [theirs] * MANY + [{"odd": 1}]
    requests = [
        Request(Ref.parse(f"s3://bucket/p/{number}.tar.gz"), one, Validator('"1"\n'))
        for number, one in enumerate(given)
    ]
    found = asyncio.run(survey(requests, read, "?versionId=", listing))

    assert understood == [ours, theirs, {"odd": 1}]
    assert asked == [(S3Options.parse(one).name, MANY) for one in (ours, theirs)]
    assert found == [Unchanged()] * 2 * MANY + requests[-1:]
