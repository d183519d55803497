"""Finds a module that has itself inside, again and again. Pure.

So it goes where two projects pull from each other into what they pack: each pass packs what the other has packed of the
pass before, and both grow until a limit of archives ends it. Nobody else lays out folders so that the same ones follow
each other four times, one inside the other.
"""

from collections.abc import Iterable

from micropkgd.annotations import Final
from micropkgd.errors import TreeError

_TIMES: Final = 4


class ContainsItselfError(TreeError):
    """The person must say which of the projects the code is of."""


def refuse_nesting(members: Iterable[str], where: str) -> None:
    """`ContainsItselfError` where the folders of a member repeat themselves; `where` is the module."""
    for folder in sorted({member.rpartition("/")[0] for member in members}):
        if period := _period(folder.split("/")):
            problem = f"it contains itself {_TIMES} times: `{folder}` repeats `{period}`"
            hint = (
                "let what is pulled stand outside of the module (`destination`), here or in the project it comes from"
            )
            raise ContainsItselfError(problem, where=where, hint=hint)


def _period(folders: list[str]) -> str:
    """The folders that follow each other several times, one inside the other; empty where none do."""
    for size in range(1, len(folders) // _TIMES + 1):
        for start in range(len(folders) - size * _TIMES + 1):
            part = folders[start : start + size]
            if part * _TIMES == folders[start : start + size * _TIMES]:
                return "/".join(part)
    return ""
