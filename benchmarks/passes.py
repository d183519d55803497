"""Passes against their floors, as ratios taken in one run on one machine (docs/performance.md).

Run it with `python -m benchmarks.passes [ENTRIES ...]`. Floors: a script that writes and syncs the same files, `git
status` on the same tree, `python -c pass`. Medians of several rounds; nothing is asserted, for machines differ.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.kit import archives

FILES = 10
ROUNDS = 5


def median(action: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Seconds of the middle round."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def make_project(folder: Path, entries: int) -> Path:
    """A project with so many entries of ten files each."""
    project = folder / "project"
    (project / "src/shop").mkdir(parents=True)
    (project / "dist").mkdir()
    rows = []
    for number in range(entries):
        name = f"pack{number}"
        files: dict[str, str | bytes] = {
            f"{name}/module{at}.py": f"from {name} import module0\nVALUE = {at}\n" * 20 for at in range(FILES - 1)
        }
        files |= {f"{name}/__init__.py": '__version__ = "1.0"\n'}
        files |= {"PKG-INFO": f"Metadata-Version: 2.2\nName: {name}\nVersion: 1.0\n"}
        data = archives.project(files, root=f"{name}-1.0")
        (project / f"dist/{name}.tar.gz").write_bytes(data)
        rows.append(f'"dist/{name}.tar.gz" = {{destination = "pipelines"}}\n')
    manifest = '[tool.kedro]\npackage_name = "shop"\nproject_name = "shop"\nkedro_init_version = "0.19.15"\n'
    (project / "pyproject.toml").write_text(manifest + "[tool.micropkgd.pull]\n" + "".join(rows))
    return project


def write_and_sync(source: Path, target: Path) -> None:
    """The floor of a first pull: the same files written, each synced, then their folders."""
    folders = set()
    for path in source.rglob("*.py"):
        to = target / path.relative_to(source)
        to.parent.mkdir(parents=True, exist_ok=True)
        with open(to, "wb") as stream:
            stream.write(path.read_bytes())
            stream.flush()
            os.fsync(stream.fileno())
        folders.add(to.parent)
    for folder in folders:
        descriptor = os.open(folder, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def run(words: Sequence[str], project: Path) -> None:
    """Run a command to its end, silently."""
    environ = {**os.environ, "MICROPKGD_CACHE_DIR": str(project / "cache")}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)  # as installed: the byte code is there
    subprocess.run(words, cwd=project, check=True, capture_output=True, env=environ)


def measure(entries: int) -> None:
    """Print the ratios for one size."""
    program = [str(Path(sys.executable).parent / "micropkgd"), "reconcile", "--once"]
    with tempfile.TemporaryDirectory(dir=".") as name:
        folder = Path(name).resolve()
        project = make_project(folder, entries)
        # Copies, for nothing may be deleted between: ext4 takes long to find inodes where many went a moment ago.
        copies = iter([shutil.copytree(project, folder / f"copy{number}") for number in range(ROUNDS)])
        first = median(lambda: run(program, next(copies)))
        run(program, project)
        places = (folder / f"floor{number}" for number in range(ROUNDS))
        floor = median(lambda: write_and_sync(project / "src", next(places)))
        nothing = median(lambda: run(program, project))
        identity = ["-c", "user.name=x", "-c", "user.email=x@x"]
        for words in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-qm", "x"]):
            run(["git", *words], project)
        run(["git", "status"], project)
        status = median(lambda: run(["git", "status"], project))
        bare = median(lambda: run([sys.executable, "-c", "pass"], project))
    print(f"{entries} entries, {entries * FILES} files")
    print(f"  first pull       {first * 1e3:8.1f} ms   {first / floor:5.2f}x the same files written and synced")
    ratios = f"{nothing / status:5.2f}x git status, {nothing / bare:.2f}x python"
    print(f"  nothing to do    {nothing * 1e3:8.1f} ms   {ratios}")


if __name__ == "__main__":
    for size in [int(word) for word in sys.argv[1:]] or [1, 20, 100]:
        measure(size)
