"""The archives that a project's code was copied from as `pylock.toml` (PEP 751), for programs that read one. Pure.

Rules: it says what the lock says, and of the tree only what was edited; requirements of the packages are ranges and
no part of it. Archives of an index that speaks http are its `sdist`, all others an `archive` with an address or a path.
"""

import os
from collections.abc import Mapping, Sequence

from micropkgd.actions.copied import CopiedCode, CopiedPackage, in_order
from micropkgd.errors import UsageError
from micropkgd.model.distribution_name import normalised
from micropkgd.model.tree import Digest

HEADING = "# Written by `micropkgd export`: the archives that code was copied from. Do not edit.\n"


def pylock(code: CopiedCode, folder: str) -> dict[str, object]:
    """The document, for a file in `folder`; `UsageError` where two versions of one package were copied."""
    by_name: dict[str, list[CopiedPackage]] = {}
    for one in in_order(code):
        if not one.by_hand:
            by_name.setdefault(normalised(one.name), []).append(one)
    python = {"requires-python": code.requires_python} if code.requires_python else {}
    packages = [_package(name, copies, code.root, folder) for name, copies in sorted(by_name.items())]
    return {"lock-version": "1.0", **python, "created-by": "micropkgd", "packages": packages}


def _package(name: str, copies: Sequence[CopiedPackage], root: str, folder: str) -> dict[str, object]:
    block = copies[0].block
    if other := next((one for one in copies if one.block.archive != block.archive), None):
        raise UsageError(
            f"two archives of `{name}` are locked, and a pylock.toml has room for one",
            where=f"{block.ref} and {other.block.ref}",
            hint="`--format cyclonedx` lists both",
        )
    requirements = sorted({line for one in copies for line in one.block.requirements})
    own = {"copies": [_copy(one) for one in copies], "requirements": requirements}
    version = {"version": block.version} if _is_version(block.version) else {}
    return {"name": name, **version, **_where_from(copies[0], root, folder), "tool": {"micropkgd": own}}


def _copy(one: CopiedPackage) -> dict[str, object]:
    said: Mapping[str, object] = {
        "edited": list(one.edited),
        "missing": list(one.missing),
        "installed": one.version.version if one.version.version != one.block.version else "",
        "waiting": one.waiting,
    }
    return {"ref": one.block.ref, "target": one.block.target, **{key: value for key, value in said.items() if value}}


def _where_from(one: CopiedPackage, root: str, folder: str) -> dict[str, object]:
    block = one.block
    at = {"url": block.url} if "://" in block.url else {"path": _path(block.url, root, folder)}
    archive = {**at, "size": block.size, "hashes": {"sha256": _hex(block.archive)}}
    if not block.index_url.startswith(("https://", "http://")):
        return {"archive": archive}
    return {"index": block.index_url, "sdist": archive}


def _path(url: str, root: str, folder: str) -> str:
    """Relative to where the document is, with forward slashes; an absolute one stays."""
    return url if os.path.isabs(url) else os.path.relpath(os.path.join(root, url), folder)


def _hex(digest: Digest) -> str:
    return digest.partition(":")[2]


def _is_version(text: str) -> bool:
    from packaging.version import Version

    try:
        Version(text)
    except ValueError:  # InvalidVersion is one; so is a number too long for `int`
        return False
    return True
