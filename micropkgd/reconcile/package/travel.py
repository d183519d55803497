"""Sorts out files that never travel, by name and by how they begin (docs/packaging.md, "What travels"). Pure.

Data files go along; hidden files, caches, what editors, sync tools and merges leave lying about, catalogs, credentials
and keys do not, and what somebody could miss is told. A name counts without regard to case, as half of all disks do.
"""

import re

from micropkgd.annotations import Final

HEAD: Final = 64 << 10  # bytes at the beginning of a file that are looked at

_CACHES: Final = ("__pycache__",)
_COMPILED: Final = (".pyc", ".pyo")
_CODE: Final = (".py", ".pyi")
_CATALOGS: Final = (".yml", ".yaml", ".json")

_BACKUPS: Final = ("~", ".bak", ".orig", ".rej", ".swp", ".swo", ".swn", "___jb_tmp___", "___jb_old___")
_UNFINISHED: Final = (".tmp", ".part", ".partial", ".crdownload", ".!sync")
_SYSTEMS: Final = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "icon\r"})
# Patterns are compiled by `re` when they are first needed: modules with names as usual need none of them.
_COPY: Final = (
    r"(?i)\.sync-conflict-\d"  # Syncthing
    r"|\([^()]*\b(conflicted copy|konflikt stehende kopie|copie en conflit|copia en conflicto)\b"  # Dropbox, Nextcloud
    r"|\((case |unicode encoding |selective sync |sf|box ?)?conflict\b"  # Dropbox, Seafile, Box, Google Drive
    r"|[_-]conflict-\d{8}"  # ownCloud
    r"|\[conflict\]"
    r"|\.[a-z]+\.(mine|theirs|r\d+)$"  # Subversion
)
_NUMBERED_COPY: Final = (
    r"-(DESKTOP|LAPTOP)-[A-Z0-9]{7,8}(-\d+)?\.[^.]+$"  # OneDrive: the name that Windows gives a machine
    r"|_(BACKUP|BASE|LOCAL|REMOTE)_\d+\.[^.]+$"  # `git mergetool`
)
_COPIED_CODE: Final = r"(?i)( \(\d+\)| - copy( \(\d+\))?| copy( \d+)?| \d+)\.pyi?$"  # by hand

_KEYS: Final = (".key", ".p12", ".pfx", ".jks", ".keystore", ".ppk", ".kdbx", ".ovpn", ".tfstate", ".tfvars")
_KEY_NAMES: Final = r"id_(rsa|dsa|ecdsa|ed25519)(_sk)?|_netrc|netrc|htpasswd|kubeconfig|wallet\.dat|pgpass"
_CREDENTIALS: Final = (
    r"credentials.*|.*[_-]credentials(\.[^.]+)?|(client|app)[_-]?secrets?.*|secrets?(\.[^.]+)?|passwords?(\.[^.]+)?"
    r"|service[_-]?account.*\.json|.*firebase-adminsdk.*\.json|.+\.env"
)
_PRIVATE_KEY: Final = rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----|\APuTTY-User-Key-File-"
_LFS_POINTER: Final = b"version https://git-lfs.github.com/spec/"


def is_cache(name: str) -> bool:
    """Whether a file or folder can be made again and is nobody's concern."""
    return name in _CACHES or name.endswith(_COMPILED)


def why_not_folder(name: str) -> str:
    """Why nothing in a folder of that name travels; empty where it may."""
    return "hidden files never travel" if name.startswith(".") else _left_lying(name)


def why_not_file(name: str) -> str:
    """Why a file of that name stays behind; empty where it may travel."""
    lower = name.lower()
    if name.startswith("."):
        return "hidden files never travel"
    if reason := _left_lying(name):
        return reason
    if lower.endswith(_CODE):
        return ""
    if lower.endswith(_KEYS) or re.fullmatch(_KEY_NAMES, lower):
        return "private keys never travel"
    if re.fullmatch(_CREDENTIALS, lower):
        return "credentials files never travel"
    if lower.startswith("catalog") and lower.endswith(_CATALOGS):
        return "catalog files never travel"
    return ""


def why_not_content(name: str, head: bytes) -> str:
    """Why a file that begins like this stays behind, whatever it is called; empty where it travels."""
    if name.lower().endswith(_CODE):
        return ""
    return "private keys never travel" if re.search(_PRIVATE_KEY, head) else ""


def doubt_of(head: bytes) -> str:
    """What the receiver will miss of a file that begins like this; empty where it is what it seems to be."""
    return "is a pointer of Git LFS, not the file itself: see `git lfs pull`" if head.startswith(_LFS_POINTER) else ""


def _left_lying(name: str) -> str:
    lower = name.lower()
    if lower.endswith(_BACKUPS) or (name.startswith("#") and name.endswith("#")) or name.startswith("~$"):
        return "is the backup of an editor"
    if lower.endswith(_UNFINISHED):
        return "is a temporary file"
    if lower in _SYSTEMS:
        return "is a file of the desktop"
    if not _is_usual(name) and any(re.search(one, name) for one in (_COPY, _NUMBERED_COPY, _COPIED_CODE)):
        return "is a copy that a sync tool, a merge or somebody made"
    return ""


def _is_usual(name: str) -> bool:
    """Whether a name is what modules and their folders are called: who makes a copy gives it none like that."""
    return name.removesuffix(".py").isidentifier() and name.islower()
