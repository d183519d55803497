"""Which files of a module never travel, by their names (docs/packaging.md, "What travels"). Pure.

Data files go along; hidden files, caches, backups of editors, catalogs and credentials do not, and what somebody could
miss is told.
"""

from typing import Final

_CACHES: Final = ("__pycache__",)
_COMPILED: Final = (".pyc", ".pyo")
_BACKUPS: Final = ("~", ".bak", ".orig", ".rej", ".swp", ".swo")
_CODE: Final = (".py", ".pyi")
_CATALOGS: Final = (".yml", ".yaml", ".json")


def is_cache(name: str) -> bool:
    """Whether a file or folder can be made again and is nobody's concern."""
    return name in _CACHES or name.endswith(_COMPILED)


def why_not(inner: str) -> str:
    """Why a file of a module stays behind; empty where it travels."""
    file = inner.rpartition("/")[2]
    if file.startswith("."):
        return "hidden files never travel"
    if file.endswith(_BACKUPS) or (file.startswith("#") and file.endswith("#")):
        return "is the backup of an editor"
    if file.startswith("credentials") and not file.endswith(_CODE):
        return "credentials files never travel"
    if file.startswith("catalog") and file.endswith(_CATALOGS):
        return "catalog files never travel"
    return ""
