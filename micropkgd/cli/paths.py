"""Paths on the command line are those of the working folder; a manifest has them from the project on."""

import os

from micropkgd.errors import DocumentError
from micropkgd.model.ref import Ref, RefKind


def ref_from(text: str, root: str) -> str:
    """A ref as a manifest would write it; what cannot be read as one is for the reader of the manifest to refuse."""
    try:
        ref = Ref.parse(text)
    except DocumentError:
        return text
    is_path = ref.kind is RefKind.LOCAL and not ref.text.startswith("file:")
    return from_project(text, root) if is_path else text


def from_project(path: str, root: str) -> str:
    """A path as a manifest would write it: one that stands in the working folder was meant so, else in the project."""
    if not os.path.exists(path):
        return path
    below = os.path.relpath(path, root)
    return path if os.path.isabs(path) and below.startswith("..") else below
