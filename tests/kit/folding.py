"""A layer between the program and the disk, under which names are as on a Mac: case and form of accents do not count.

A name that is not there as it is spelt is looked for as others spell it; one that is made keeps its spelling. It holds
for what the program asks of `os` and `open` in this process. Nothing of it was compared with a Mac.
"""

import builtins
import os
import unicodedata
from collections.abc import Callable
from typing import Any, Final

import pytest

_FOLLOWING: Final = (
    "open",
    "stat",
    "lstat",
    "mkdir",
    "unlink",
    "remove",
    "rmdir",
    "access",
    "readlink",
    "scandir",
    "listdir",
)
_lstat, _listdir = os.lstat, os.listdir


def folded(name: str) -> str:
    """What two names have in common that such a file system takes for one."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())


def spelled(path: Any, dir_fd: int | None = None) -> Any:
    """A path as it is spelt on the disk, as far as it is there."""
    if not isinstance(path, str) or not path:
        return path
    found, first = dir_fd, True
    where = ""
    for part in path.split("/"):
        name = part if part in {"", ".", ".."} else _one(part, where, found)
        where = name if first else f"{where}/{name}"
        first = False
    return where


def _one(name: str, above: str, dir_fd: int | None) -> str:
    try:
        _lstat(f"{above}/{name}" if above or dir_fd is None else name, dir_fd=dir_fd)
    except OSError:
        pass
    else:
        return name
    try:
        if dir_fd is None:
            names = _listdir(f"{above}/" if above != "" else "/")
        elif above:
            return name
        else:
            names = _listdir(dir_fd)
    except OSError:
        return name
    return next((other for other in names if folded(other) == folded(name)), name)


def folding(patch: pytest.MonkeyPatch) -> None:
    """Have the layer in the way."""
    for name in _FOLLOWING:
        patch.setattr(os, name, _wrapped(getattr(os, name)))
    for name in ("rename", "link", "replace"):
        patch.setattr(os, name, _wrapped_pair(getattr(os, name)))
    patch.setattr(builtins, "open", _wrapped(builtins.open))


def _wrapped(call: Callable[..., Any]) -> Callable[..., Any]:
    def spelt(path: Any = ".", *arguments: Any, **options: Any) -> Any:
        return call(spelled(path, options.get("dir_fd")), *arguments, **options)

    return spelt


def _wrapped_pair(call: Callable[..., Any]) -> Callable[..., Any]:
    def spelt(old: str, new: str, **options: Any) -> Any:
        source, target = spelled(old, options.get("src_dir_fd")), spelled(new, options.get("dst_dir_fd"))
        same = source == target and options.get("src_dir_fd") == options.get("dst_dir_fd")
        return call(source, new if same else target, **options)  # a rename to itself is one to another spelling

    return spelt
