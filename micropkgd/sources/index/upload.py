"""An archive as indexes take it: the form that all upload tools send.

Rule: an index that has other bytes under the name says so itself (409, or 400 with some); it is never told to replace.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
from yarl import URL

from micropkgd.sources.redaction import origin
from micropkgd.sources.source import Failed, FailureKind
from micropkgd.sources.upload import TAKEN, Stored, Upload


@contextmanager
def form_of(upload: Upload) -> Iterator[aiohttp.FormData]:
    """The form, while it is sent; made anew for each try, since sending one uses it up."""
    form = aiohttp.FormData(default_to_multipart=True)
    fields = {
        ":action": "file_upload",
        "protocol_version": "1",
        "metadata_version": "2.2",
        "name": upload.name,
        "version": upload.version,
        "filetype": "sdist",
        "pyversion": "source",
        "sha256_digest": upload.digest.removeprefix("sha256:"),
    }
    for key, value in fields.items():
        form.add_field(key, value)
    with upload.payload.open() as stream:
        form.add_field("content", stream, filename=upload.file, content_type="application/gzip")
        yield form


def stored(status: int, url: URL) -> Stored | Failed:
    """What the answer of an index means."""
    if status in TAKEN or 200 <= status < 300:
        return Stored(written=status not in TAKEN)
    problem = f"{origin(str(url))} answered {status} and does not take the archive"
    return Failed(FailureKind.REFUSED, problem, "check the address; an index may refuse a version that it had before")
