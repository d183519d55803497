"""A rendering as a value, and what says whether one is still the answer; making one is `render`'s.

They stand apart because a pass that renders nothing must not pay for importing the rewriter.
"""

import json
from collections.abc import Mapping

from micropkgd.annotations import TYPE_CHECKING, Final
from micropkgd.model.layout import Layout, Place
from micropkgd.model.pull_entry import PullEntry
from micropkgd.model.ref import RefKind
from micropkgd.model.tree import Digest, RelPath, digest_of
from micropkgd.named_tuples import NamedTuple

if TYPE_CHECKING:
    from micropkgd.relocate import Finding
    from micropkgd.relocate.at_top import Imports

_encode: Final = json.JSONEncoder(separators=(",", ":")).encode


class Rendering(NamedTuple):
    """The files of one entry, and what was seen on the way."""

    name: str
    version: str
    place: Place
    files: Mapping[RelPath, bytes]
    scaffolds: tuple[RelPath, ...]  # `__init__.py` of the folders above: made where missing, owned by nobody
    requirements: tuple[str, ...]
    findings: "tuple[tuple[RelPath, Finding], ...]"  # imports that could not be rewritten
    executables: frozenset[RelPath] = frozenset()  # the files that the archive means to be run
    requires_python: str = ""
    package: str = ""  # as the archive calls it
    moved: Mapping[str, str] = {}  # the members that stand elsewhere, as a person moved them
    imports: Mapping[Digest, "Imports"] = {}  # of the project's own, in each file that was parsed


def requested(entry: PullEntry, layout: Layout) -> Digest:
    """Digest of everything but the archive that shapes a rendering: says whether a lock block still answers."""
    facts = [
        entry.ref.text,
        entry.alias,
        entry.destination,
        entry.env or layout.base_env,
        layout.package,
        layout.source_dir,
        layout.tests_dir,
        layout.conf_dir,
        *([entry.index_url] if entry.ref.kind is RefKind.INDEX else []),
        *(["rewrite-parameters"] if entry.rewrite_parameters else []),
    ]
    return digest_of(_encode(facts).encode())
