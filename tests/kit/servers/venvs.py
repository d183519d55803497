"""Servers that come from the package index, each in an environment of its own: their dependencies clash with ours.

An environment is made once for each set of requirements, below the cache folder of pytest, and used by all runs after.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

# As the run found it: a test that needs a server may have pointed pip at an index that is none.
ENVIRON = dict(os.environ)


def environment(cache: Path, *requirements: str) -> Path:
    """The folder of an environment that has these requirements, made if need be; one process makes it, others wait."""
    name = hashlib.sha256("\n".join((sys.version, *sorted(requirements))).encode()).hexdigest()[:16]
    folder = cache / f"venv-{name}"
    done = folder / "complete"
    with open(cache / f"venv-{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True, timeout=120)
            python = str(folder / "bin" / "python")
            install = [python, "-m", "pip", "install", "--disable-pip-version-check", *requirements]
            subprocess.run(install, check=True, capture_output=True, timeout=600, env=ENVIRON)
            done.touch()
    return folder


def site_packages(folder: Path) -> Path:
    """Where an environment keeps its packages."""
    return folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
