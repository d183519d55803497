"""The licence that an archive states: an SPDX expression, or words that name one. Nothing else of it is read."""

from micropkgd.annotations import Final
from micropkgd.sdist.metadata import project_table, stated_fields
from micropkgd.sdist.reader import Sdist

_CLASSIFIER: Final = "License :: "
_LONGEST: Final = 200  # characters of what names a licence; what is longer is its text


def stated_licenses(sdist: Sdist) -> tuple[str, ...]:
    """What `[project]` says, else PKG-INFO: the expression (PEP 639), else the names in its classifiers."""
    project = project_table(sdist)
    said = project.get("license")
    texts = said.get("text") if isinstance(said, dict) else said
    fields = stated_fields(sdist)
    for found in ([texts], fields.all("License-Expression"), project.get("classifiers"), fields.all("Classifier")):
        names = [_name(text) for text in found if isinstance(text, str)] if isinstance(found, list) else []
        if any(names):
            return tuple(dict.fromkeys(filter(None, names)))
    return ()


def _name(text: str) -> str:
    """The expression or name; empty where it is a licence's text, or a classifier of something else."""
    if " :: " in text:
        return text.rpartition(" :: ")[2].strip() if text.startswith(_CLASSIFIER) else ""
    return text.strip() if len(text) <= _LONGEST and text.strip().isprintable() else ""
