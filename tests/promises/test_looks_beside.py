"""A look beside a pass, by `diff`, `--check` or a dry run: what it shows is the tree before a commit, or after it."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from micropkgd.workspace.transaction.journal import JOURNAL
from tests.kit.canaries import look
from tests.kit.faults import Call, Scene, changing_scene, fast_folder, hooking


@pytest.fixture(scope="module")
def before() -> Iterator[Scene]:
    """A project with every kind of change before it."""
    with fast_folder() as folder:
        yield changing_scene(folder / "before")


def environ_of(scene: Scene) -> Mapping[str, str]:
    """What a command needs to find what the scene pulls."""
    return {**os.environ, "MICROPKGD_CACHE_DIR": str(scene.cache)}


def command(scene: Scene, *arguments: str) -> "subprocess.Popen[str]":
    """A command that looks at the scene."""
    words = [sys.executable, "-m", "micropkgd", *arguments]
    return subprocess.Popen(
        words, cwd=scene.root, env=environ_of(scene), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("step", [1, 6, 11])
@pytest.mark.parametrize("arguments", [("diff",), ("reconcile", "--once", "--dry-run"), ("lock", "--check")])
def test_a_look_waits_for_a_commit_to_end(before: Scene, tmp_path: Path, arguments: tuple[str, ...], step: int) -> None:
    """It neither fails nor shows files of two versions; nobody ever waits for it."""
    scene = before.copy(tmp_path)
    reached, go, seen = threading.Event(), threading.Event(), []

    def stop_amid(call: Call) -> None:
        seen.append(os.path.lexists(scene.root / JOURNAL))
        if sum(seen) == step and not reached.is_set():
            reached.set()
            go.wait(60)

    writer = threading.Thread(target=scene.run, args=(hooking(before=stop_amid),))
    writer.start()
    assert reached.wait(60)
    looking = command(scene, *arguments)
    with suppress(subprocess.TimeoutExpired):  # it must not end before the commit does
        looking.wait(1.5)
    go.set()
    writer.join(60)
    out, err = looking.communicate(timeout=60)
    after = command(scene, *arguments)
    expected = after.communicate(timeout=60)
    look(out + err, "what a look beside a pass printed")

    assert (looking.returncode, out, err) == (after.returncode, *expected)


def test_who_was_killed_amid_a_commit_is_not_waited_for(before: Scene, tmp_path: Path) -> None:
    """The journal stands, and nobody holds the project: the tree is shown as it is."""
    scene = before.copy(tmp_path)

    def die_amid(call: Call) -> None:
        if os.path.lexists(scene.root / JOURNAL) and call.number:
            os._exit(9)

    pid = os.fork()
    if not pid:
        scene.run(hooking(before=die_amid))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
    looking = command(scene, "diff", "--lock-timeout", "3600")
    out, _ = looking.communicate(timeout=60)

    assert (scene.root / JOURNAL).exists()
    assert "src/shop/" in out
