"""Move the manifest from Kedro's table, which Kedro >= 1.0 refuses, to our own: comments, order and all else stay."""

from micropkgd import documents
from micropkgd.actions.edit_manifest import swap
from micropkgd.documents.edits import edited
from micropkgd.documents.moves import move_table
from micropkgd.documents.statements import line_of
from micropkgd.errors import DocumentError
from micropkgd.model.fields import nearest, table_at
from micropkgd.model.manifest import Manifest
from micropkgd.model.project_tables import KEDRO_PACKAGE, KEDRO_PULL
from micropkgd.named_tuples import NamedTuple
from micropkgd.workspace.project import read_document, read_manifest
from micropkgd.workspace.root import MANIFEST_NAME

_OLD = ("tool", "kedro", "micropkg")
_NEW = ("tool", "micropkgd")
_PARTS = ("pull", "package")


class Migration(NamedTuple):
    """What `pyproject.toml` is, and what it is to be."""

    root: str
    before: bytes
    after: bytes
    rows: tuple[str, ...]  # refs and modules that move

    def apply(self, lock_timeout: float) -> None:
        """Write it, in one step."""
        swap(self.root, self.before, self.after, lock_timeout)


def plan_migration(root: str) -> Migration | None:
    """Say how the manifest moves; None where there is nothing to move.

    Raises `DocumentError` where both homes have the same row, or where the table holds what micropkgd does not know.
    """
    manifest, before = read_manifest(root), read_document(root, MANIFEST_NAME)
    document = documents.read_toml(before)
    table = table_at(document, _OLD)
    if table is None:
        return None
    for part in table:
        if part not in _PARTS:
            near = nearest(part, _PARTS)
            line = line_of(documents.decode(before), (*_OLD, part))
            raise DocumentError(
                f"[tool.kedro.micropkg] has `{part}`, which is neither `pull` nor `package`",
                where=f"{MANIFEST_NAME}:{line}" if line else MANIFEST_NAME,
                hint=f"did you mean `{near}`?" if near else "move it away and run again",
            )
    after = edited(before, lambda text: move_table(text, _OLD, _NEW))
    Manifest.from_mapping(documents.read_toml(after))
    rows = [entry.ref.text for entry in manifest.pulls if entry.home == KEDRO_PULL]
    rows += [entry.module for entry in manifest.packages if entry.home == KEDRO_PACKAGE]
    return Migration(root, before, after, tuple(rows))
