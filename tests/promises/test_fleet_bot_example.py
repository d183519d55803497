"""`examples/fleet-bot`: thirty checkouts in three parts, twice; the script, run as it stands."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.kit.git import commit_all, git
from tests.kit.places import REPOSITORY
from tests.kit.servers.indexes import sdist
from tests.kit.world import World

SCRIPT = REPOSITORY / "examples/fleet-bot/fleet_bot.py"
COUNT, PARTS = 30, 3
BRANCH = "micropkgd/update"
CODE = "src/shop/ds/__init__.py"
HELD, DIRTY, BROKEN, OFFERED, THEIRS, BEHIND = (f"p{number:02}" for number in range(6))


class Fleet(NamedTuple):
    """Repositories, each with a checkout of it."""

    remotes: Path
    checkouts: Path
    shelf: Path
    bodies: Path

    @property
    def names(self) -> list[str]:
        """All checkouts."""
        return sorted(path.name for path in self.checkouts.iterdir())

    def run(self, part: int) -> "subprocess.Popen[str]":
        """Start one part."""
        command = [sys.executable, str(SCRIPT), "--part", f"{part}/{PARTS}", "--bodies", str(self.bodies)]
        own = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "MICROPKGD_CACHE_DIR": str(self.bodies.parent / "cache")}
        roots = [str(self.checkouts / name) for name in self.names]
        return subprocess.Popen([*command, *roots], env=own, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def night(self) -> tuple[dict[str, tuple[str, str]], list[int]]:
        """All parts at the same time: what was said of each checkout, and the exit codes."""
        rows: dict[str, tuple[str, str]] = {}
        parts = [self.run(part) for part in range(1, PARTS + 1)]
        for part in parts:
            out, err = part.communicate(timeout=300)
            assert err == ""
            for line in out.splitlines()[2:]:
                _, name, what, note, _ = (word.strip() for word in line.split("|"))
                assert name not in rows
                rows[name] = what, note
        return rows, [part.returncode for part in parts]

    def elsewhere(
        self, name: str, path: str, text: str, branch: str = "main", who: str = "person@team.example"
    ) -> None:
        """Commit to a repository from another place than its checkout."""
        folder = self.bodies.parent / "elsewhere"
        git(folder.parent, "clone", "-q", str(self.remotes / name), str(folder))
        git(folder, "checkout", "-qB", branch)
        (folder / path).write_text(text)
        own = {f"GIT_{role}_{field}": who for role in ("AUTHOR", "COMMITTER") for field in ("NAME", "EMAIL")}
        subprocess.run(["git", "commit", "-qam", "Elsewhere"], cwd=folder, env={**os.environ, **own}, check=True)
        git(folder, "push", "-qf", "origin", branch)
        shutil.rmtree(folder)

    def offered(self, name: str) -> str:
        """The commit that stands on the branch of the bot; empty: none."""
        return git(self.remotes / name, "for-each-ref", "--format=%(objectname)", f"refs/heads/{BRANCH}").strip()

    def states(self) -> dict[str, tuple[str, str, str]]:
        """What somebody who works in a checkout sees of it."""
        asked = (("rev-parse", "HEAD"), ("status", "--porcelain"), ("worktree", "list"))
        found = {}
        for name in self.names:
            head, status, trees = (git(self.checkouts / name, *words) for words in asked)
            found[name] = head, status, trees
        return found


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """Thirty of them, all at `ds` 1.0; one and the other has something special, and 1.1 is out."""
    made = Fleet(*(tmp_path / name for name in ("remotes", "checkouts", "shelf", "bodies")))
    for folder in (made.remotes, made.checkouts, made.shelf):
        folder.mkdir()
    (made.shelf / "ds-1.0.tar.gz").write_bytes(sdist("ds", "1.0"))
    first = World(tmp_path / "first")
    first.write(".gitignore", ".micropkgd/\n")
    first.asks_for("ds>=1", index=f"{made.shelf}/")
    assert first.run("reconcile", "--once", str(first.root)).code == 0
    git(first.root, "init", "-q", "-b", "main")
    commit_all(first.root)
    for number in range(COUNT):
        name = f"p{number:02}"
        git(tmp_path, "clone", "-q", "--bare", str(first.root), str(made.remotes / name))
        git(tmp_path, "clone", "-q", str(made.remotes / name), str(made.checkouts / name))
    text = first.read(CODE)
    made.elsewhere(HELD, CODE, text.replace("1.0", "1.0.ours"))
    made.elsewhere(BROKEN, "pyproject.toml", "[tool.micropkgd\n")
    made.elsewhere(BEHIND, "requirements.txt", "kedro>=0.19\n")
    made.elsewhere(OFFERED, "requirements.txt", "stale\n", BRANCH, "micropkgd-bot@users.noreply.example")
    made.elsewhere(THEIRS, "requirements.txt", "pandas\n", BRANCH)
    (made.checkouts / DIRTY / CODE).write_text("half a thought")
    (made.checkouts / DIRTY / "note.txt").write_text("mine")
    (made.shelf / "ds-1.1.tar.gz").write_bytes(sdist("ds", "1.1"))
    return made


def test_each_is_offered_once_and_held_ones_are_listed(fleet: Fleet) -> None:
    """Every checkout is in one part; none is changed; what cannot be done is said, and stops nobody."""
    before = fleet.states()
    stale, theirs = fleet.offered(OFFERED), fleet.offered(THEIRS)
    rows, codes = fleet.night()

    special = {HELD, BROKEN, THEIRS}
    assert sorted(rows) == fleet.names
    assert {name: what for name, (what, _) in rows.items() if name not in special} == dict.fromkeys(
        set(fleet.names) - special, "offered"
    )
    assert rows[HELD] == ("up to date", "something is held")
    assert rows[BROKEN][0] == "failed"
    assert "exit code 2" in rows[BROKEN][1]
    assert rows[THEIRS] == ("left alone", f"{BRANCH} has commits of person@team.example")
    assert codes == [4, 0, 1]  # something is held; all is well; something failed
    assert fleet.states() == before
    assert (fleet.checkouts / DIRTY / CODE).read_text() == "half a thought"
    assert (fleet.offered(HELD), fleet.offered(BROKEN), fleet.offered(THEIRS)) == ("", "", theirs)
    assert fleet.offered(OFFERED) != stale
    for name in sorted(set(fleet.names) - special):
        remote = fleet.remotes / name
        assert "'1.1'" in git(remote, "show", f"{BRANCH}:{CODE}")
        assert git(remote, "rev-parse", f"{BRANCH}^") == git(remote, "rev-parse", "main")
        assert "1.0" in (fleet.bodies / f"{name}.md").read_text()
        assert "1.1" in (fleet.bodies / f"{name}.md").read_text()
    assert "kedro>=0.19" in git(fleet.remotes / BEHIND, "show", f"{BRANCH}:requirements.txt")
    assert "stale" not in git(fleet.remotes / OFFERED, "show", f"{BRANCH}:requirements.txt")
    assert "--take" in (fleet.bodies / f"{HELD}.md").read_text()
    assert not (fleet.bodies / f"{THEIRS}.md").exists()

    offers = {name: fleet.offered(name) for name in fleet.names}
    again, _ = fleet.night()
    assert {what for name, (what, _) in again.items() if name not in special} == {"as offered"}
    assert {name: again[name] for name in special} == {name: rows[name] for name in special}
    assert {name: fleet.offered(name) for name in fleet.names} == offers
    assert fleet.states() == before


@pytest.mark.parametrize("part", ["0/3", "4/3", "3", "a/b", "1/0", "-1/3"])
def test_a_part_that_is_none_is_refused(tmp_path: Path, part: str) -> None:
    """Before anything is asked."""
    command = [sys.executable, str(SCRIPT), f"--part={part}", "--bodies", str(tmp_path / "bodies"), "checkout"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (1, f"--part {part} is not a part such as 2/8\n")
