"""Rows that a slip took out of the manifest: a header that is missing or misspelt must not remove what is installed.

An empty pull table that still stands is meant, and so is a row that went where no other header looks like its own.
"""

from collections.abc import Sequence

from micropkgd import documents
from micropkgd.model.fields import ManifestError, Table, dotted, table_at
from micropkgd.model.lookalikes import lookalikes, table_with
from micropkgd.model.project_tables import KEDRO_PULL, OWN_PULL
from micropkgd.workspace.project import located, read_document
from micropkgd.workspace.root import MANIFEST_NAME

_MEANT = "--allow-empty takes the manifest at its word"


def refuse_slip(root: str, lost: Sequence[str]) -> None:
    """`ManifestError` where it seems that the rows of these locked refs, or all rows that there are, went by a slip."""
    data = read_document(root, MANIFEST_NAME)
    if not lost and b"pul" not in data.lower():
        return
    document = documents.read_toml(data)
    stands = any(table_at(document, home) is not None for home in (OWN_PULL, KEDRO_PULL))
    if stands and not lost:
        return
    if error := _slip(document, lost, stands=stands):
        raise located(error, documents.decode(data))


def _slip(document: Table, lost: Sequence[str], *, stands: bool) -> ManifestError | None:
    """The nearest header that explains where the rows are; else the table that is missing."""
    others = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
    left = f", and `{lost[0]}`{others} left the manifest" if lost else ""
    alike = ((path, ours) for path, ours in lookalikes(document) if ours in {OWN_PULL, KEDRO_PULL})
    for path, ours in alike:
        hint = f"did you mean [{dotted(ours)}]? {_MEANT}"
        return ManifestError(f"[{dotted(path)}] is a table that nothing reads{left}", path, hint=hint)
    other = table_with(document, lost)
    if other is not None:
        hint = f"the header [{dotted(OWN_PULL)}] is missing above them; {_MEANT}"
        return ManifestError(f"rows of micro-packages stand in [{dotted(other)}]{left}", other, hint=hint)
    if lost and not stands:
        hint = f"write an empty [{dotted(OWN_PULL)}] where nothing is to be pulled; {_MEANT}"
        return ManifestError(f"there is no pull table any more{left}", OWN_PULL, hint=hint)
    return None
