"""`examples/two-boxes`: a commit on one box is in the project of another one; the script, run as it stands."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tests.kit.git import hook_of_another, is_untouched
from tests.kit.places import REPOSITORY

SCRIPT = REPOSITORY / "examples/two-boxes/two_boxes.py"
NEEDED = ("bash", "cat", "git", "grep", "head", "ip", "sh", "sha256sum", "tail")
RELEASE = "s3://releases/pkgs/features-1.1.tar.gz"
ONE = {"127.0.0.1"}
OWN = {"10.77.0.1", "10.77.1.2", "10.77.2.2"}  # the story itself, box A and box B


class Told(NamedTuple):
    """What the script printed."""

    out: str
    err: str

    @property
    def hosts(self) -> set[str]:
        """Where the server was asked from."""
        return set(self.err.rpartition("asked from ")[2].strip().split(", "))


def told(folder: Path, moto_program: Path, *options: str, path: str = os.environ["PATH"]) -> Told:
    """Run it; it must work."""
    own = hook_of_another(folder) | {
        "PATH": f"{path}:{moto_program.parent}",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "HOME": str(folder),
    }
    command = [sys.executable, str(SCRIPT), str(folder / "work"), *options]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env={**os.environ, **own})
    logs = "".join(log.read_text() for log in (folder / "work").glob("state-*/log"))
    assert ended.returncode == 0, ended.stdout + ended.stderr + logs
    assert is_untouched(folder)
    return Told(ended.stdout, ended.stderr)


def makes_networks() -> bool:
    """Whether this machine lets us make a network, found out in another way than the script's."""
    link = ["ip", "link", "add", "here", "type", "veth", "peer", "name", "there"]
    ways = (["unshare", "-n"], ["unshare", "-rn"])
    ends = (subprocess.run([*way, *link], capture_output=True, check=False) for way in ways)
    return bool(shutil.which("unshare") and shutil.which("ip")) and any(end.returncode == 0 for end in ends)


def check(story: str, work: Path) -> None:
    """The bytes went from A by the cache to B, and both people's lines are there."""
    steps = {part.partition("\n")[0]: part for part in story.split("\n## ")}
    merged = steps["B heard of it from the queue, and has merged both"]
    reasons = re.findall(r"because of (.*)", merged)  # on a busy machine one pass may have several
    assert sum(line.split(", ").count(f"queue: releases: {RELEASE}") for line in reasons) == 1
    nodes = (work / "b/src/team/sales/nodes.py").read_text()
    assert '"best": max(amounts, default=0)' in nodes
    assert "if values else 0" in nodes
    last = next(text for step, text in steps.items() if step.startswith("It is what A packaged"))
    digest = re.findall(r"\b[0-9a-f]{64}\b", last)
    assert digest[0] == digest[1]
    assert "/releases/pkgs/features-1.1.tar.gz: GET HEAD PUT\n" in last  # A put it and read it back
    assert f"/archives/cache/sha256/{digest[0][:2]}/{digest[0][2:]}: GET PUT\n" in last


def test_each_box_has_a_network_of_its_own_where_that_may_be(tmp_path: Path, moto_program: Path) -> None:
    """Where the machine makes networks, the server hears from three; where it does not, the story is the same."""
    said = told(tmp_path, moto_program, "--rounds", "2")

    assert said.hosts == (OWN if makes_networks() else ONE), said.err
    assert ("each in a network of its own" in said.err) == makes_networks()
    check(said.out, tmp_path / "work")
    left = [path for path in Path("/proc").glob("[0-9]*/cwd") if _leads_to(path, tmp_path)]
    assert left == []  # neither a service nor the server, nor what kept a network open
    assert re.search(r"2 rounds: median \d+ ms, p99 \d+ ms, worst \d+ ms\n", said.out)


def test_all_are_on_one_network_where_somebody_asks_for_it(tmp_path: Path, moto_program: Path) -> None:
    """Or has no need of another one."""
    said = told(tmp_path, moto_program, "--one-network")

    assert said.hosts == ONE
    assert "# Two boxes, on one network: as was asked for\n" in said.err
    check(said.out, tmp_path / "work")


def test_a_machine_without_the_program_says_so(tmp_path: Path, moto_program: Path) -> None:
    """And tells the story all the same."""
    few = tmp_path / "few"
    few.mkdir()
    for name in NEEDED:
        (few / name).symlink_to(shutil.which(name) or "/nowhere")
    said = told(tmp_path, moto_program, path=str(few))

    assert said.hosts == ONE
    assert "# Two boxes, on one network: the program `unshare` is not installed\n" in said.err
    check(said.out, tmp_path / "work")


def _leads_to(link: Path, folder: Path) -> bool:
    try:
        return Path(os.readlink(link)).is_relative_to(folder)
    except OSError:
        return False
