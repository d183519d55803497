"""The image, really built by buildah on a small Debian, and containers of it: namespaces, a read-only root, no rights.

The Debian is made once by debootstrap from the machine's own mirror; image and Debian are kept below the cache folder
of pytest. A container has a process tree, mounts, a user and capabilities of its own; the network is the machine's.
"""

import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from tests.kit.places import REPOSITORY

PATIENCE = 60.0  # seconds, for a machine that does much else
CONTEXT = (
    "Dockerfile", ".dockerignore", "pyproject.toml", "README.md", "LICENSE", "requirements-dev.lock", "micropkgd"
)  # fmt: skip
EXTRAS = "s3"  # a name that older builds ask for, and that brings nothing by now

_SUITE = "bookworm"
_DEBIAN = ("python3", "python3-venv", "ca-certificates")
# As the run found it: a test that needs a server may have pointed pip at an index that is none.
_ENVIRON = dict(os.environ)

_RUN = r"""
set -euo pipefail
mount --rbind "$ROOT" "$ROOT"
mount -o remount,bind,ro "$ROOT"
mount -t proc proc "$ROOT/proc"
mount --rbind /dev "$ROOT/dev"
mount --bind "$PROJECT" "$ROOT/project"
mount --bind "$STATE" "$ROOT/state"
exec chroot "$ROOT" /usr/bin/env -i --chdir=/project /usr/bin/setpriv --reuid "$OWNER" --regid 0 --clear-groups \
  --bounding-set=-all --inh-caps=-all --ambient-caps=-all --no-new-privs /usr/bin/env -i "$@"
"""


class Image(NamedTuple):
    """A built image."""

    root: Path  # its files
    config: Mapping[str, Any]  # as `docker inspect` calls it: User, Env, Cmd, Labels, Healthcheck and others


def built(cache: Path) -> Image:
    """The image of the repository as it is now; one process builds it, others wait."""
    for program in ("buildah", "debootstrap"):
        assert shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin"), (
            f"`apt-get install {program}`, or run .ci/run"
        )
    folder = cache / "image"
    folder.mkdir(exist_ok=True)
    done = folder / "done.json"
    with _alone(cache / "image.lock"):
        wanted = _digest_of_context()
        if not done.exists() or json.loads(done.read_text())["context"] != wanted:
            done.unlink(missing_ok=True)
            root, config = _build(folder, _debian(cache))
            done.write_text(json.dumps({"context": wanted, "root": root, "config": config}))
        facts = json.loads(done.read_text())
    return Image(Path(facts["root"]), facts["config"])


class Container:
    """A container of the image, with a project and a state folder; use it in a `with`."""

    def __init__(self, image: Image, folder: Path, project: Path, words: Sequence[str], owner: int) -> None:
        self.image = image
        self.project = project
        self.state = folder / "state"
        self.owner = owner
        self._words = words
        self._log = folder / f"log-{owner}"
        self._pid = 0
        self.process: subprocess.Popen[bytes]
        self.state.mkdir(parents=True, exist_ok=True)
        self.state.chmod(0o770)  # of root, for group 0: as platforms hand volumes out

    def __enter__(self) -> Self:
        environ = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "ROOT": str(self.image.root),
            "PROJECT": str(self.project),
            "STATE": str(self.state),
            "OWNER": str(self.owner),
        }
        apart = ["unshare", "--pid", "--fork", "--mount", "--uts", "--ipc", "--kill-child", "--propagation", "private"]
        command = [*apart, "bash", "-c", _RUN, "bash", *self.image.config["Env"]]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, *self.image.config["Entrypoint"], *self._words], env=environ, stdout=log, stderr=log
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The first process takes its whole namespace with it; `--kill-child` does not reach one that changed its user.
        with suppress(OSError):
            for child in self._children.read_text().split():
                os.kill(int(child), signal.SIGKILL)
        self.process.kill()
        self.process.wait(PATIENCE)

    @property
    def _children(self) -> Path:
        return Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")

    @property
    def said(self) -> str:
        """What it has written to its output."""
        return self._log.read_text()

    def wait(self) -> int:
        """The exit code of its first process, as soon as that ends."""
        return self.process.wait(PATIENCE)

    def signal(self, number: int) -> None:
        """Send a signal to its first process, as `docker kill` does."""
        os.kill(self.pid, number)

    @property
    def pid(self) -> int:
        """Its first process, as the machine counts."""
        self.until(lambda: self._pid or self._children.read_text())
        self._pid = self._pid or int(self._children.read_text().split()[0])
        return self._pid

    def execute(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run a command in it, as its user, as `docker exec` does."""
        enter = ["nsenter", "--target", str(self.pid), "--mount", "--pid", f"--root=/proc/{self.pid}/root", "--wd=/"]
        drop = ["/usr/bin/setpriv", f"--reuid={self.owner}", "--regid=0", "--clear-groups", "--inh-caps=-all"]
        command = [*enter, *drop, "/usr/bin/env", "-i", *self.image.config["Env"], *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)

    def children(self) -> dict[int, str]:
        """The state letter of every child of its first process, by the pid that the child has there."""
        found = {}
        for row in self.execute("sh", "-c", "cat /proc/[0-9]*/stat 2>/dev/null").stdout.splitlines():
            pid, rest = row.split(" ", 1)
            state, parent, *_ = rest.rpartition(") ")[2].split()
            if parent == "1":
                found[int(pid)] = state
        return found

    def until(self, holds: Callable[[], object]) -> None:
        """Wait for something that gives no event, while the container runs."""
        deadline = time.monotonic() + PATIENCE
        while not holds():
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.05)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _digest_of_context() -> str:
    whole = hashlib.sha256()
    for name in CONTEXT:
        top = REPOSITORY / name
        files = sorted(path for path in top.rglob("*") if path.is_file()) if top.is_dir() else [top]
        for path in files:
            if "__pycache__" not in path.parts:
                whole.update(f"{path.relative_to(REPOSITORY)}\0".encode() + path.read_bytes() + b"\0")
    return whole.hexdigest()


def _debian(cache: Path) -> Path:
    """An archive with the files of a minimal Debian."""
    name = hashlib.sha256(" ".join((_SUITE, *_DEBIAN)).encode()).hexdigest()[:16]
    archive = cache / f"debian-{name}.tar"
    if not archive.exists():
        root = cache / f"debian-{name}"
        shutil.rmtree(root, ignore_errors=True)
        include = f"--include={','.join(_DEBIAN)}"
        _run("debootstrap", "--variant=minbase", include, _SUITE, str(root), _mirror())
        # The image must not tell where this machine gets its packages from.
        (root / "etc/apt/sources.list").unlink()
        draft = archive.with_suffix(".new")
        left_out = [f"--exclude=./{path}/*" for path in ("var/cache/apt", "var/lib/apt/lists", "dev")]
        _run("tar", "--numeric-owner", *left_out, "-C", str(root), "-cf", str(draft), ".")
        shutil.rmtree(root)
        draft.rename(archive)
    return archive


def _mirror() -> str:
    """Where the machine gets Debian packages from."""
    rows = _run("apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI)", "Created-By: Packages").split("\n")
    return next(row.split()[1] for row in rows if row.startswith(f"{_SUITE} "))


def _build(folder: Path, debian: Path) -> tuple[str, Mapping[str, Any]]:
    """Build base and image, and lay the image's files out."""
    shutil.rmtree(folder / "storage", ignore_errors=True)
    base = folder / "base"
    base.mkdir(exist_ok=True)
    (base / "Dockerfile").write_text(f"FROM scratch\nADD {debian.name} /\n")
    (base / debian.name).unlink(missing_ok=True)
    os.link(debian, base / debian.name)
    _buildah(folder, "bud", "--isolation", "chroot", "--tag", "localhost/base", str(base))
    pip = folder / "pip.conf"
    options = _pip_options(pip)
    _buildah(
        folder, "bud", "--isolation", "chroot", "--format", "docker", "--tag", "localhost/micropkgd",
        "--build-arg", "BASE=localhost/base", "--build-arg", f"EXTRAS={EXTRAS}", "--secret", f"id=pip,src={pip}",
        *options, str(REPOSITORY),
    )  # fmt: skip
    pip.unlink()
    name = _buildah(folder, "from", "localhost/micropkgd").strip()
    inspected = json.loads(_buildah(folder, "inspect", "--type", "image", "localhost/micropkgd"))
    config: Mapping[str, Any] = inspected["Docker"]["config"]
    return _buildah(folder, "mount", name).strip(), config


def _pip_options(path: Path) -> Iterator[str]:
    """Let the build use the machine's indexes: the config as a secret, and folders that it names as they are."""
    listed = _run(sys.executable, "-m", "pip", "config", "list").splitlines()
    values = {}
    for row in sorted(listed, key=lambda row: row.startswith(":env:")):  # variables come before files
        name, _, value = row.partition("=")
        values[name.removeprefix(":env:").rpartition(".")[2]] = value.strip("'").replace("\\n", " ")
    path.write_text("[global]\n" + "".join(f"{key} = {value}\n" for key, value in values.items()))
    words = {word for value in values.values() for word in value.split()}
    # An index in a folder names files that lie beside it.
    places = {
        os.path.dirname(word.removeprefix("file://").rstrip("/")) for word in words if word.startswith("file:///")
    }
    for place in sorted(places | {word for word in words if word.startswith("/")}):
        if os.path.exists(place) and place != "/":
            yield from ("--volume", f"{place}:{place}:ro")


def _buildah(folder: Path, action: str, *words: str) -> str:
    storage = folder / "storage"
    where = ["--root", str(storage / "root"), "--runroot", str(storage / "run"), "--storage-driver", "vfs"]
    return _run("buildah", *where, action, *words)


def _run(*command: str) -> str:
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=900, check=False, env=_ENVIRON | {"LC_ALL": "C.UTF-8"}
    )
    assert ended.returncode == 0, (ended.stdout + ended.stderr)[-4000:]
    return ended.stdout
