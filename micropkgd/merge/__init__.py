"""Join a person's edit and a new version of one file: by its text, else by its structure, or not at all.

Pure: texts in, a text or nothing out; the code is parsed and never run. A merge is clean where no part was changed by
both sides in two ways (`versions`), and where what comes out parses, doubles no definition or key, and lacks no name
that a side relied on (`soundness`, which `overlap` tells where to look, `names` what Python binds, `membership`
what belongs to what, and `values` what TOML, JSON and INI files say). `returning` says what must stay away.
`files` is the story, within one `effort`.
`text` joins lines. Structure is told by `units`: a block of code or parameters as named units,
which `spans` cuts along their lines, `rows` joins one by one, by their names or in step, and `order` puts in a row;
`python/`, `parameters` (YAML), `tables` (TOML) and `flows` (JSON, and YAML between brackets) join what both sides
changed of one. `meaning` says when two texts of Python are
one in all but their formatting: formatters are not people.

So many beside each other: the formats that are joined, and the checks of what comes out, each know one thing.
"""

from micropkgd.merge.files import MergedFile, merge_files
from micropkgd.merge.meaning import is_only_formatted
from micropkgd.merge.text import is_nearer
from micropkgd.merge.versions import CollisionError, ThreeVersions

__all__ = ["CollisionError", "MergedFile", "ThreeVersions", "is_nearer", "is_only_formatted", "merge_files"]
