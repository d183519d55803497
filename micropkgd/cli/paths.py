"""The projects and paths that a command line means.

Rule for a workspace that has no tables of its own: a command that means all of a project means all of each member, in
the order of a pass; one that is about a single entry, module, file or commit asks for the member (`one_project`).
Paths on the command line are those of the working folder; a manifest has them from the project on.
"""

import os
from collections.abc import Callable, Sequence

from micropkgd.annotations import Final, TypeVar
from micropkgd.errors import DocumentError, MicropkgError, UsageError
from micropkgd.model.condition import Failure
from micropkgd.workspace.root import find_root, is_workspace, root_around

_NAMED: Final = 4  # members that a hint names

Answer = TypeVar("Answer")


def projects_at(*starts: str) -> list[str]:
    """The projects around these folders, each once; a workspace stands for those in it."""
    roots = [*dict.fromkeys(map(find_root, starts))]
    if not any(map(is_workspace, roots)):
        return roots
    return [*dict.fromkeys(in_workspaces(roots))]


def one_project(start: str) -> str:
    """The project around a folder, for what is about one: at the root of a workspace somebody must say which."""
    root = find_root(start)
    if is_workspace(root):
        _ask_which(root)
    return root


def _ask_which(root: str) -> None:
    import shlex

    from micropkgd.actions.members import members_of

    members = [os.path.relpath(member) for member in members_of(root)]
    if not members:
        return
    others = f" (or {', '.join(members[1:_NAMED])})" if members[1:] else ""
    problem = f"a workspace of {len(members)} {'project' if len(members) == 1 else 'projects'}, and this is about one"
    hint = f"run in its folder, or add `--project {shlex.quote(members[0])}`{others}"
    raise UsageError(problem, where=root, hint=hint)


def ask_each(roots: Sequence[str], ask: Callable[[str], Answer]) -> list[tuple[str, Answer | Failure]]:
    """The answer of each project. One of several that cannot answer does not stop the others (promise P7)."""
    return [(root, ask(root)) for root in roots] if len(roots) == 1 else [(root, _asked(root, ask)) for root in roots]


def _asked(root: str, ask: Callable[[str], Answer]) -> Answer | Failure:
    try:
        return ask(root)
    except MicropkgError as error:
        return Failure.of(error)


def in_workspaces(paths: Sequence[str]) -> list[str]:
    """The projects that are meant: a workspace that has no tables of its own stands for those in it."""
    return [project for path in paths for project in _projects_at(path)]


def _projects_at(path: str) -> Sequence[str]:
    root = root_around(path)
    if root is None or not is_workspace(root):
        return [path]
    from micropkgd.actions.members import speaking_members

    return speaking_members(root) or [path]


def ref_from(text: str, root: str) -> str:
    """A ref as a manifest would write it; what cannot be read as one is for the reader of the manifest to refuse."""
    from micropkgd.model.ref import Ref, RefKind

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
