"""`examples/round-trip`: a fix that goes home by git and comes back by a bucket; the script, run as it stands."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.git import git, hook_of_another, is_untouched
from tests.kit.places import REPOSITORY

SCRIPT = REPOSITORY / "examples/round-trip/round-trip.sh"
CHECK = "from team.sales import nodes, numbers; print(numbers.mean([]), nodes.daily_sales([])['best'])"


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the script prints; it must work."""
    program = tmp_path / "bin/micropkgd"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{REPOSITORY}" exec "{sys.executable}" -m micropkgd "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("MICROPKGD_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    others = hook_of_another(tmp_path)
    command = ["sh", str(SCRIPT), str(tmp_path / "work")]
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=300, check=False, env={**os.environ, **others}
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert is_untouched(tmp_path)
    return ended.stdout


def test_a_fix_goes_home_and_is_no_edit_any_more(told: str, tmp_path: Path) -> None:
    """Each step says what the page says that it says, and both trees have the fix, each under its own names."""
    steps = {part.partition("\n")[0]: part for part in told.split("\n## ")}
    released = steps["The producer releases what is committed"]
    assert released.endswith("features-1.0.tar.gz\n")
    assert steps["Somebody mends the pulled code, and adds a test"].count("drifted: ") == 3
    assert "+    from shop.pipelines.features import numbers\n" in told
    last = steps["Here the next pass takes the release, and nothing is edited any more"]
    assert "1 updated, 1 merged, 2 adopted" in last
    assert "drifted" not in last
    assert "$ micropkgd patch\n$ git diff" in last  # and prints nothing
    there, here = tmp_path / "work/producer", tmp_path / "work/consumer"
    assert git(there, "status", "--porcelain") == ""
    assert (there / "src/shop/pipelines/features/nodes.py").read_text().startswith(
        '"""What the models learn from."""\n\nimport math\n\nfrom ..features import numbers\n'
    )  # fmt: skip
    ran = subprocess.run([sys.executable, "-c", CHECK], cwd=here / "src", capture_output=True, text=True, check=True)
    assert ran.stdout == "0 0\n"
