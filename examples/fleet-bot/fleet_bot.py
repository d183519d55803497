"""Brings many git checkouts up to date, each on a branch of its remote, and writes the body of each pull request.

    python fleet_bot.py --part 2/8 --bodies bodies/ checkouts/*

One job does all, or N jobs one part each: every checkout is in exactly one part. The work is done in a tree beside it,
at the newest commit of its remote, so a checkout stays as it is, whatever lies in it. Rules: what is held is listed and
left to people, never forced; a branch to which somebody else has committed is theirs; what cannot be done in one
repository stops no other one. Exit code: 0; 4 where something is held, 1 where something failed.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

_BOT = ("micropkgd bot", "micropkgd-bot@users.noreply.example")
_SUBJECT = "Update micro-packages"
# Nothing that lies in a checkout is run.
_GIT = ("git", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "commit.gpgSign=false")


class Result(NamedTuple):
    """What came of one checkout."""

    name: str
    what: str  # "offered", "as offered", "up to date", "left alone", "failed"
    note: str = ""
    held: bool = False


class TroubleError(Exception):
    """Why one repository cannot be done."""


class Bot(NamedTuple):
    """How all checkouts are treated."""

    branch: str
    bodies: Path

    def update(self, checkout: Path) -> Result:
        """Bring one up to date: a commit on the branch of its remote, and the body of its pull request."""
        try:
            git(checkout, "fetch", "--quiet", "--prune", "origin")
            git(checkout, "remote", "set-head", "origin", "--auto")
            main = git(checkout, "symbolic-ref", "--short", "refs/remotes/origin/HEAD").partition("/")[2]
            base = git(checkout, "rev-parse", "refs/remotes/origin/HEAD")
            offered = git(checkout, "for-each-ref", "--format=%(objectname)", f"refs/remotes/origin/{self.branch}")
            if offered and (others := authors(checkout, base, offered) - {_BOT[1]}):
                return Result(checkout.name, "left alone", f"{self.branch} has commits of {', '.join(sorted(others))}")
            with tempfile.TemporaryDirectory() as folder:
                tree = Path(folder) / checkout.name
                grow(tree, checkout, main, base)
                return self._reconcile(checkout, tree, base, offered)
        except TroubleError as error:
            return Result(checkout.name, "failed", str(error))

    def _reconcile(self, checkout: Path, tree: Path, base: str, offered: str) -> Result:
        command = [sys.executable, "-m", "micropkgd", "reconcile", "--once", "--summary", "markdown", str(tree)]
        ended = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
        if ended.returncode not in {0, 4}:  # 4: something is held, and the rest is updated all the same
            raise TroubleError(f"exit code {ended.returncode}: {last_line(ended.stderr or ended.stdout)}")
        name, held = checkout.name, ended.returncode == 4
        git(tree, "add", "--all")
        changed = bool(git(tree, "status", "--porcelain"))
        if changed or held:
            (self.bodies / f"{name}.md").write_text(ended.stdout)
        if not changed:
            return Result(name, "up to date", held=held)
        who = [f"{key}.{field}={value}" for key in ("author", "committer") for field, value in zip(("name", "email"), _BOT)]
        git(tree, *(word for one in who for word in ("-c", one)), "commit", "--quiet", "--message", _SUBJECT)
        if offered and same_offer(tree, base, offered):
            return Result(name, "as offered", held=held)
        lease = f"--force-with-lease=refs/heads/{self.branch}:{offered}"
        commit, new = git(tree, "rev-parse", "HEAD"), {"GIT_ALTERNATE_OBJECT_DIRECTORIES": f"{tree}/.git/objects"}
        git(checkout, "push", "--quiet", lease, "origin", f"{commit}:refs/heads/{self.branch}", **new)
        return Result(name, "offered", held=held)


def git(folder: Path, *words: str, **environ: str) -> str:
    """What git says; `TroubleError` where it will not."""
    environ = {**os.environ, **environ}
    ended = subprocess.run([*_GIT, *words], cwd=folder, env=environ, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise TroubleError(f"git {next(word for word in words if word.isalpha())}: {last_line(ended.stderr)}")
    return ended.stdout.strip()


def grow(tree: Path, checkout: Path, branch: str, commit: str) -> None:
    """Make a repository that borrows all objects of a checkout, with one branch: `follow-branches` goes by its name."""
    tree.mkdir()
    git(tree, "init", "--quiet", "--initial-branch", branch)
    objects, shallow = (checkout / git(checkout, "rev-parse", "--git-path", path) for path in ("objects", "shallow"))
    (tree / ".git/objects/info").mkdir(exist_ok=True)
    (tree / ".git/objects/info/alternates").write_text(f"{objects}\n")
    if shallow.exists():
        shutil.copy(shallow, tree / ".git/shallow")
    git(tree, "reset", "--quiet", "--hard", commit)


def authors(checkout: Path, base: str, branch: str) -> set[str]:
    """Who committed to a branch, by address."""
    return set(git(checkout, "log", "--format=%ae%n%ce", f"{base}..{branch}").split())


def same_offer(tree: Path, base: str, offered: str) -> bool:
    """Whether the branch has this already, from the same commit: it is not made anew each night."""
    before = git(tree, "rev-parse", f"{offered}^{{tree}}", f"{offered}^")
    return before.split() == [git(tree, "rev-parse", "HEAD^{tree}"), base]


def last_line(text: str) -> str:
    """The last of what a program says."""
    return (text.strip().splitlines() or ["it says nothing"])[-1]


def part_of(text: str, checkouts: Iterable[Path]) -> list[Path]:
    """The checkouts of one part, by their names; `text` is `I/N`."""
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        sys.exit(f"--part {text} is not a part such as 2/8")
    hashed = {one: int.from_bytes(hashlib.sha256(one.name.encode()).digest()) for one in checkouts}
    return sorted(one for one, value in hashed.items() if value % int(count) == int(number) - 1)


def main() -> int:
    """Do one part, and print what came of it as a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkouts", nargs="+", type=Path)
    parser.add_argument("--part", default="1/1", metavar="I/N")
    parser.add_argument("--branch", default="micropkgd/update")
    parser.add_argument("--bodies", default="bodies", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    options.bodies.mkdir(parents=True, exist_ok=True)
    bot = Bot(options.branch, options.bodies.absolute())
    os.environ["GIT_TERMINAL_PROMPT"] = "0"
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):  # in a hook of git they name its repository
        os.environ.pop(name, None)
    print("| repository | | |\n|---|---|---|")
    results = []
    for checkout in part_of(options.part, (one.absolute() for one in options.checkouts)):
        results.append(result := bot.update(checkout))
        note = "; ".join(filter(None, ("something is held" if result.held else "", result.note)))
        print(f"| {result.name} | {result.what} | {note.replace('|', '/')} |", flush=True)
    return 1 if any(one.what == "failed" for one in results) else 4 if any(one.held for one in results) else 0


if __name__ == "__main__":
    sys.exit(main())
