"""What GNU tar makes of an archive: the judge of what our reader takes."""

import os
import re
import shutil
import subprocess
import unicodedata
from pathlib import Path

from micropkgd.sdist.reader import Member, Sdist

_PLAIN = ("--no-same-owner", "--no-same-permissions", "--touch", "--no-overwrite-dir", "--no-selinux", "--no-acls")
_OF_NO_CONSEQUENCE = re.compile(
    r"out of (time|uid|gid)_t range|header ([acm]time|[ug]id)=\S+ is out of range|invalid ([acm]time|uid|gid)="
    r"|obsolescent base-64 headers|Exiting with failure status due to previous errors"
)


def unpacked(data: bytes, folder: Path) -> tuple[Sdist | None, list[str]]:
    """The archive as GNU tar unpacks it into a new folder, in the form of our reader, and its complaints.

    Those about times and owners are left out: neither is taken from an archive. There is
    no archive where there is a link or a device among what it made, or more than one folder at the top.
    """
    folder.mkdir()
    try:
        command = ["tar", "--extract", "--gzip", "--file", "-", *_PLAIN]
        ended = subprocess.run(
            command,
            cwd=folder,
            input=data,
            capture_output=True,
            timeout=120,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
        said = ended.stderr.decode(errors="replace").splitlines() if ended.returncode else []
        return _tree(folder), [line for line in said if not _OF_NO_CONSEQUENCE.search(line)]
    finally:
        subprocess.run(["chmod", "-R", "u+rwx", folder], check=False, capture_output=True)
        shutil.rmtree(folder)


def _tree(folder: Path) -> Sdist | None:
    members = []
    roots = os.listdir(folder)
    for top, folders, files in os.walk(folder):
        if any(os.path.islink(os.path.join(top, name)) for name in folders):
            return None
        for name in files:
            path = os.path.join(top, name)
            if os.path.islink(path) or not os.path.isfile(path) or os.lstat(path).st_nlink != 1:
                return None
            mode = os.lstat(path).st_mode
            os.chmod(path, 0o600)
            below = unicodedata.normalize("NFC", os.path.relpath(path, folder)).partition("/")[2]
            members.append(Member(below, Path(path).read_bytes(), bool(mode & 0o111)))
    if len(roots) != 1:
        return None
    return Sdist(unicodedata.normalize("NFC", roots[0]), tuple(sorted(members)))
