"""A real systemd, as the first process of namespaces of its own: it starts the units of one folder and nothing else.

The machine's systemd, if it has one, is not asked. What units may write (`/var`, `/srv`, `/run`, `/etc`) is a copy in
memory that goes away with it; look at it from outside below `root`. It needs to be root, as `.ci/run` mostly is.
"""

import os
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.kit.places import REPOSITORY

PATIENCE = 60.0  # seconds, for a machine that does much else

# Paths by which the program is found inside, also where home folders are hidden.
_BOOT = r"""
set -euo pipefail
mkdir "$CGROUP"
echo $$ > "$CGROUP/cgroup.procs"
exec unshare --cgroup --pid --fork --mount --uts --ipc --kill-child --propagation private bash -c '
  set -euo pipefail
  memory() { mount -t tmpfs -o mode=0755 tmpfs "$1"; }
  above() {
    mkdir -p "/run/above$1/new" "/run/above$1/work"
    mount -t overlay -o "lowerdir=$1,upperdir=/run/above$1/new,workdir=/run/above$1/work" overlay "$1"
  }
  mount -t proc proc /proc
  memory /mnt
  mkdir /mnt/repository /mnt/packages /mnt/python /mnt/units
  mount --bind "$REPOSITORY" /mnt/repository
  mount --bind "$PACKAGES" /mnt/packages
  mount --bind "$PYTHON" /mnt/python
  mount --bind "$UNITS" /mnt/units
  memory /run
  for place in /etc /var /usr/local/bin; do above "$place"; done
  memory /srv
  memory /home
  umount -l /sys/fs/cgroup
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
  mount --bind /proc/sys /proc/sys
  mount -o remount,bind,ro /proc/sys
  echo "$USERS" >> /etc/passwd
  echo /mnt/python/lib > /etc/ld.so.conf.d/python.conf
  ldconfig
  printf "%s\n" "#!$INTERPRETER" "import sys" "sys.dont_write_bytecode = True" \
    "sys.path[:0] = [\"/mnt/repository\", \"/mnt/packages\"]" \
    "from micropkgd.__main__ import main" "sys.exit(main())" > /usr/local/bin/micropkgd
  chmod 755 /usr/local/bin/micropkgd
  mkdir -p /run/systemd
  exec env -i container=other SYSTEMD_UNIT_PATH=/mnt/units PATH=/usr/local/bin:/usr/bin:/bin /lib/systemd/systemd \
    --log-target=console --show-status=no
'
"""
_TARGETS = ("default.target", "basic.target", "sysinit.target", "shutdown.target", "network-online.target")


class Systemd:
    """Use it in a `with`. `units` are files to load; `users` get an account with their uid."""

    def __init__(self, folder: Path, units: Mapping[str, str], users: Mapping[str, int]) -> None:
        self._folder = folder
        self._users = users
        self._units = folder / "units"
        self._units.mkdir(parents=True)
        for name in _TARGETS:
            (self._units / name).write_text(f"[Unit]\nDescription={name}\nAllowIsolate=yes\nDefaultDependencies=no\n")
        for name, text in units.items():
            (self._units / name).write_text(text)
            if name.endswith(".service"):  # nobody here keeps a journal
                (self._units / f"{name}.d").mkdir()
                (self._units / f"{name}.d" / "log.conf").write_text(
                    "[Service]\nStandardOutput=append:/mnt/units/said\nStandardError=append:/mnt/units/said\n"
                )
        self.log = folder / "log"
        self._process: subprocess.Popen[bytes]
        self._cgroup = _cgroup_folder() / f"micropkgd-test-{os.getpid()}-{folder.name}"
        self._pid = 0

    def __enter__(self) -> Self:
        interpreter = Path(sys.executable).resolve()
        prefix = Path(sys.base_prefix).resolve()
        environ = {
            "PATH": "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin",
            "CGROUP": str(self._cgroup),
            "REPOSITORY": str(REPOSITORY),
            "PACKAGES": sysconfig.get_path("purelib"),
            "PYTHON": str(prefix),
            "INTERPRETER": f"/mnt/python/{interpreter.relative_to(prefix)}",
            "UNITS": str(self._units),
            "USERS": "\n".join(f"{name}:x:{uid}:{uid}::/home/{name}:/bin/sh" for name, uid in self._users.items()),
        }
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(["bash", "-c", _BOOT], env=environ, stdout=log, stderr=log)
        self._until(lambda: self._find_pid() and self.systemctl("is-system-running").stdout.strip() in _UP)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()  # and with it, all that is in the namespaces
        self._process.wait(PATIENCE)
        for folder, _, _ in os.walk(self._cgroup, topdown=False):
            self._until(lambda folder=folder: _removed(folder))  # type: ignore[misc]

    @property
    def said(self) -> str:
        """What units have written to their output."""
        return (self._units / "said").read_text()

    @property
    def root(self) -> Path:
        """The root folder that units see, from outside."""
        return Path(f"/proc/{self._pid}/root")

    def systemctl(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Ask the real systemctl."""
        return self.inside("systemctl", "--no-pager", *words)

    def as_user(self, name: str, *command: str) -> "subprocess.CompletedProcess[str]":
        """Run a command in the namespaces as a user who has logged in."""
        uid = self._users[name]
        environ = ["PATH=/usr/local/bin:/usr/bin:/bin", f"HOME=/home/{name}", f"XDG_RUNTIME_DIR=/run/user/{uid}"]
        drop = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
        return self.inside(*drop, "env", "-i", "-C", "/", *environ, *command)

    def inside(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """Run a command in the namespaces, as root."""
        enter = ["nsenter", "--target", str(self._pid), "--mount", "--pid", "--cgroup", "--", *command]
        return subprocess.run(enter, capture_output=True, text=True, timeout=PATIENCE, check=False)

    def show(self, unit: str, name: str) -> str:
        """One property of a unit."""
        return self.systemctl("show", unit, "--value", "--property", name).stdout.strip()

    def until(self, unit: str, **wanted: str) -> None:
        """Wait until properties of a unit are as wanted."""
        self._until(lambda: all(self.show(unit, name) == value for name, value in wanted.items()))

    def until_holds(self, holds: Callable[[], object]) -> None:
        """Wait for anything else."""
        self._until(holds)

    def until_text(self, unit: str, name: str, part: str) -> None:
        """Wait until a property of a unit begins in some way."""
        self._until(lambda: self.show(unit, name).startswith(part))

    def _find_pid(self) -> bool:
        try:
            children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
            self._pid = int(children[0])
            return Path(f"/proc/{self._pid}/comm").read_text().strip() == "systemd"
        except (OSError, IndexError):
            return False

    def _until(self, holds: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not holds():
            assert self._process.poll() is None or self._process.returncode == -signal.SIGKILL, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)


_UP = frozenset({"running", "degraded"})


def _cgroup_folder() -> Path:
    """Where this process may make control groups of version 2."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    place = next(fields[1] for fields in mounts if fields[2] == "cgroup2")
    own = next(line for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))
    return Path(place, own.removeprefix("0::").strip("/"))


def _removed(folder: str) -> bool:
    try:
        os.rmdir(folder)
    except FileNotFoundError:
        return True
    except OSError:  # a process of it is still ending
        return False
    return True
