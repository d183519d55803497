"""The recipes for CI, run as far as that can be without the vendor: each script of each job, with a real git remote."""

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kit.git import commit_all, git
from tests.kit.places import REPOSITORY
from tests.kit.world import World

GITHUB = REPOSITORY / "examples/ci/github.yml"
GITLAB = REPOSITORY / "examples/ci/gitlab.yml"
RENOVATE = REPOSITORY / "examples/ci/renovate.json"
HOOKS = REPOSITORY / ".pre-commit-hooks.yaml"


class Runner:
    """A machine with git, micropkgd, and a `gh` that writes down what it was asked."""

    def __init__(self, tmp_path: Path, world: World) -> None:
        self.world = world
        self.asked = tmp_path / "asked"
        self.temp = tmp_path / "runner"
        self.temp.mkdir()
        self.bin = tmp_path / "bin"
        self.bin.mkdir()
        self.program("micropkgd", f'PYTHONPATH="{REPOSITORY}" exec "{sys.executable}" -m micropkgd "$@"')
        self.program("python", f'exec "{sys.executable}" "$@"')
        self.program("gh", f'printf "%s\\n" "$*" >> "{self.asked}"')
        self.remote = tmp_path / "remote.git"
        git(tmp_path, "init", "-q", "--bare", str(self.remote))
        git(self.remote, "config", "receive.advertisePushOptions", "true")

    def program(self, name: str, line: str) -> None:
        """Put a program in place."""
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def run(self, script: str, shell: str = "bash -e") -> "subprocess.CompletedProcess[str]":
        """Run one step as the vendor does."""
        own = {
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "RUNNER_TEMP": str(self.temp),
            "GITHUB_STEP_SUMMARY": str(self.temp / "step-summary"),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "UPDATE_REMOTE": str(self.remote),
        }
        command = [*shell.split(), "-c", script]
        environ = {**os.environ, **own}
        return subprocess.run(
            command, cwd=self.world.root, env=environ, capture_output=True, text=True, timeout=120, check=False
        )


@pytest.fixture
def runner(tmp_path: Path, world: World) -> Runner:
    """A project that is committed and pushed, whose entry has a newer release."""
    made = Runner(tmp_path, world)
    world.publish({"nodes.py": "A = 1\n"}, to="../shelf/ds-1.0.tar.gz")
    world.manifest('"ds>=1" = {index = "../shelf/"}')
    world.write(".gitignore", ".micropkgd/\n")
    world.sync()
    git(world.root, "init", "-q")
    commit_all(world.root)
    git(world.root, "remote", "add", "origin", str(made.remote))
    git(world.root, "push", "-q", "origin", "main")
    world.publish(
        {"nodes.py": "A = 2\n", "CHANGELOG.md": "## 2.0\n\n- better\n"}, version="2.0", to="../shelf/ds-2.0.tar.gz"
    )
    return made


def steps(job: str) -> list[str]:
    """The scripts of a job at GitHub, but for the installation."""
    recipe: dict[str, Any] = yaml.safe_load(GITHUB.read_text())
    runs = [step["run"] for step in recipe["jobs"][job]["steps"] if "run" in step]
    return [run for run in runs if not run.startswith("pip ")]


def installations() -> dict[str, str]:
    """How each job installs micropkgd."""
    github, gitlab = yaml.safe_load(GITHUB.read_text()), yaml.safe_load(GITLAB.read_text())
    rows = {f"github {name}": job["steps"][2]["run"] for name, job in github["jobs"].items()}
    return {**rows, "gitlab": "\n".join(gitlab["default"]["before_script"])}


def script(job: str) -> str:
    """The script of a job at GitLab."""
    recipe: dict[str, Any] = yaml.safe_load(GITLAB.read_text())
    return "\n".join(recipe[job]["script"])


def pushed(runner: Runner) -> str:
    """What is on the branch that was pushed."""
    return git(runner.remote, "show", "micropkgd/update:src/shop/ds/nodes.py")


@pytest.mark.parametrize("job", installations())
def test_pip_is_given_one_address(runner: Runner, job: str) -> None:
    """The shell takes the quotes away, which pip would take for a part of the name."""
    runner.program("pip", f'printf "%s\\n" "$@" > "{runner.asked}"')
    assert runner.run(installations()[job]).returncode == 0
    verb, address = runner.asked.read_text().splitlines()
    assert verb == "install"
    assert re.fullmatch(r"git\+https://git(hub|lab)\.com/OWNER/micropkgd", address)


def test_github_checks(runner: Runner) -> None:
    """In step is 0; a tree that differs from its lock is not."""
    (check,) = steps("check")
    assert runner.run(check).returncode == 0
    (runner.world.root / "src/shop/ds/nodes.py").unlink()
    assert runner.run(check).returncode == 3


def test_github_offers_an_update(runner: Runner) -> None:
    """A branch with the update, and a pull request whose body says what it is; once more there is nothing to do."""
    for step in steps("update"):
        ended = runner.run(step)
        assert ended.returncode == 0, ended
    assert pushed(runner) == "A = 2\n"
    body = (runner.temp / "summary.md").read_text()
    assert "- better" in body
    assert body == (runner.temp / "step-summary").read_text()
    assert runner.asked.read_text().startswith("pr create --fill --head micropkgd/update --body-file ")
    runner.asked.unlink()
    for step in steps("update"):
        assert runner.run(step).returncode == 0
    assert not runner.asked.exists()


def test_github_says_what_is_held(runner: Runner) -> None:
    """An edit that is in the way is no failure of the job, and the body names it."""
    runner.world.write("src/shop/ds/nodes.py", "A = 'mine'\n")
    commit_all(runner.world.root)
    first, *_ = steps("update")
    assert runner.run(first).returncode == 0
    assert "is **held**" in (runner.temp / "summary.md").read_text()


def test_gitlab_checks(runner: Runner) -> None:
    """As above."""
    assert runner.run(script("check micro-packages")).returncode == 0


def test_gitlab_offers_an_update(runner: Runner) -> None:
    """A push that asks for a merge request."""
    ended = runner.run(script("update micro-packages"))
    assert ended.returncode == 0, ended
    assert pushed(runner) == "A = 2\n"
    assert "summary.md" not in git(runner.remote, "ls-tree", "-r", "--name-only", "micropkgd/update")


@pytest.mark.parametrize("hook", yaml.safe_load(HOOKS.read_text()), ids=lambda hook: str(hook["id"]))
def test_hooks_of_pre_commit(runner: Runner, hook: dict[str, Any]) -> None:
    """Each passes where all is in step, and fails where it should."""
    assert {"id", "name", "entry", "language"} <= hook.keys()
    assert runner.run(hook["entry"]).returncode == 0
    if hook["id"] == "micropkgd-lock":
        runner.world.manifest('"ds>=2" = {index = "../shelf/"}')
    else:
        runner.world.write("src/shop/ds/nodes.py", "A = 3\n")
    assert runner.run(hook["entry"]).returncode != 0


def test_the_recipes_have_no_secret_and_no_host() -> None:
    """They are examples: an owner to fill in, and tokens by their names."""
    for path in (GITHUB, GITLAB):
        assert "OWNER" in path.read_text()
        json.dumps(yaml.safe_load(path.read_text()), default=str)


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ('"ds>=1,<2" = {index = "https://i.example/simple/"}', ("ds", ">=1,<2", "https://i.example/simple/")),
        ('"a-b ==1.0"={alias="c", index="https://i.example/x"}', ("a-b", "==1.0", "https://i.example/x")),
        ('"ds" = {index = "https://i.example/simple/"}', None),  # nothing of it is kept out
        ('"ds>=1" = {index = "../shelf/"}', None),
        ('"https://i.example/ds-1.0.tar.gz" = {}', None),
    ],
)
def test_renovate_sees_a_row(row: str, found: tuple[str, ...] | None) -> None:
    """By the pattern of the recipe, which is JavaScript's but for how groups are named."""
    (pattern,) = json.loads(RENOVATE.read_text())["customManagers"][0]["matchStrings"]
    match = re.search(pattern.replace("(?<", "(?P<"), f"[tool.micropkgd.pull]\n{row}\n")
    assert (match and match.groups()) == found


def test_renovate_changes_a_row(runner: Runner) -> None:
    """Its command makes one request of it, which passes the check."""
    runner.world.manifest('"ds>=1,<2" = {index = "../shelf/"}')
    runner.world.sync()
    assert runner.world.read("src/shop/ds/nodes.py") == "A = 1\n"
    runner.world.manifest('"ds>=2,<3" = {index = "../shelf/"}')
    (check,) = steps("check")
    assert runner.run(check).returncode == 3
    (rule,) = json.loads(RENOVATE.read_text())["packageRules"]
    for command in rule["postUpgradeTasks"]["commands"]:
        assert runner.run(command).returncode == 0
    assert runner.world.read("src/shop/ds/nodes.py") == "A = 2\n"
    assert runner.run(check).returncode == 0
