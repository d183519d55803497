"""Paths on the command line are those of the working folder; a manifest has them from the project on."""

import os
from collections.abc import Sequence

from micropkgd.errors import DocumentError
from micropkgd.model.ref import Ref, RefKind
from micropkgd.workspace.root import is_workspace, root_around


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


def in_workspaces(paths: Sequence[str]) -> list[str]:
    """The projects that are meant: a workspace that has no tables of its own stands for those in it."""
    return [project for path in paths for project in _projects_at(path)]


def _projects_at(path: str) -> Sequence[str]:
    root = root_around(path)
    if root is None or not is_workspace(root):
        return [path]
    from micropkgd.actions.members import speaking_members

    return speaking_members(root) or [path]
