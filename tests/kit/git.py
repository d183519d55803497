"""git, run as a person whose settings are nobody's."""

import os
import subprocess
from pathlib import Path

_WHO = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}


def git(folder: Path, *words: str) -> str:
    """Run one command, which must work, and give what it printed."""
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(folder)}
    command = ["git", "-c", "init.defaultBranch=main", "-c", "gc.auto=0", *words]
    ended = subprocess.run(command, cwd=folder, env={**os.environ, **_WHO, **own}, capture_output=True, check=True)
    return ended.stdout.decode("utf-8", "surrogateescape")


def hook_of_another(folder: Path) -> dict[str, str]:
    """What git tells the hooks of a repository, an empty one that is made: no other one may be taken for it."""
    git(folder, "init", "-q", "another")
    return {"GIT_DIR": str(folder / "another/.git"), "GIT_INDEX_FILE": str(folder / "another/.git/index")}


def is_untouched(folder: Path) -> bool:
    """Whether nothing came into that repository."""
    return not git(folder / "another", "for-each-ref") and not (folder / "another/.git/index").exists()


def commit_all(folder: Path, subject: str = "all") -> None:
    """Commit everything that there is."""
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", subject)
