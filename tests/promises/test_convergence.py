"""The law of convergence: whatever people, sources, crashes and commands do in turn, nothing a person saved is lost.

And when all are quiet, two passes come to rest: what is left to do is nothing, or a hold that waits for a person.

A state machine plays with one project, which is a git repository. Everything a person saves has a word of its own, and
the ledger holds the words that no person has replaced: each must be in the tree or below `.micropkgd`. What a person
lets git take away is given up, what it brings back is saved anew. `MICROPKGD_TEST_EXAMPLES` sets how many
games are played (docs/reliability.md).
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from micropkgd.actions.rollback import roll_back
from micropkgd.errors import MicropkgError, UsageError
from micropkgd.model.choice import Conflict, Decision
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.transaction import kept
from tests.kit.faults import Call, Scene, hooking, in_child, kill_at

pytestmark = pytest.mark.no_cover

EXAMPLES = int(os.environ.get("MICROPKGD_TEST_EXAMPLES", "0"))
NAMES = ("ds", "es")
REQUIREMENTS = "requirements.in"
FILES = ("one.py", "two.py", "three.py", "config/parameters.yml")
PLACES = ("", 'alias = "x"', 'alias = "y"', 'destination = "pipelines"', 'alias = "x", destination = "pipelines"')

GIT = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}

names = st.sampled_from(NAMES)
calls = st.integers(1, 60)
MEANWHILE = (
    "checkout -q one", "checkout -q two", "stash push -q -u", "stash pop -q", "reset -q --hard", "clean -q -f -d -x",
    "rebase -q one", "rebase -q two",
)  # fmt: skip
folders = ("ds", "es", "x", "y", "pipelines/x", "pipelines/ds")
foreign = st.sampled_from([f"src/shop/{folder}/{file}" for folder in folders for file in FILES[:3]])
targets = st.one_of(st.integers(0, 20), st.integers(0, 20), foreign)  # a number names one of the files that are there


class Project(Scene):
    """The project, with the rows of its manifest and the ledger of what people saved."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.rows: dict[str, str] = {}
        self.policy = "merge"
        self.ledger: set[bytes] = set()
        self.words = 0

    def say(self) -> None:
        """Write the manifest."""
        rows = "".join(f'"dist/{name}.tar.gz" = {{{options}}}\n' for name, options in self.rows.items())
        policy = f'[tool.micropkgd]\non-local-edit = "{self.policy}"\n[tool.micropkgd.project]\npackage = "shop"\n'
        self.write({"pyproject.toml": f"{policy}[tool.micropkgd.pull]\n{rows}", "src/shop/__init__.py": ""})

    def release(self, name: str, version: int, files: list[str]) -> None:
        """Publish a version with these files, of which the first lines tell the version."""
        texts = {f"{name}/{file}": _text(file, name, version) for file in files}
        self.publish(name, texts, str(version), requires=f"{name}-needs=={version}")

    def named(self, path: int | str) -> str:
        """The path that is meant: a number stands for one of the modules that are there."""
        if isinstance(path, str):
            return path
        files = sorted(str(file.relative_to(self.root)) for file in (self.root / "src/shop").glob("**/[ot]*.py"))
        return files[path % len(files)] if files else "src/shop/ds/one.py"

    def word(self) -> bytes:
        """A word nobody has used yet."""
        self.words += 1
        return b"word%04d" % self.words

    def save(self, path: str, data: bytes, *, by_rename: bool) -> None:
        """Save as an editor does; what the file held before is replaced by a person."""
        file = self.root / path
        self.forgo(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        if by_rename:
            draft = file.with_name(".draft")
            draft.write_bytes(data)
            draft.rename(file)
        else:
            file.write_bytes(data)
        self.ledger |= _words(data)

    def forgo(self, path: str) -> None:
        """What stands in a file is given up by a person."""
        file = self.root / path
        self.ledger -= _words(file.read_bytes()) if file.is_file() else set()

    def git(self, *words: str) -> bool:
        """Let git work on the tree, as a person does."""
        before, kept_before = self.in_tree(), self.in_state()
        command = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *words]
        ended = subprocess.run(command, cwd=self.root, env=GIT, capture_output=True, check=False, timeout=30)
        after, kept_after = self.in_tree(), self.in_state()
        self.ledger = (self.ledger - (before - after) - (kept_before - kept_after)) | after
        return ended.returncode == 0

    def in_tree(self) -> set[bytes]:
        """The words in the tree itself."""
        hidden = {self.root / ".git", self.root / ".micropkgd"}
        files = (path for path in self.root.rglob("*") if path.is_file() and not hidden & set(path.parents))
        return set().union(*(_words(path.read_bytes()) for path in files))

    def in_state(self) -> set[bytes]:
        """The words below `.micropkgd`, which `git clean` may take away with all they are in."""
        return set().union(*(_words(data) for data in self.stowed()))

    def lost(self) -> set[bytes]:
        """The words that are nowhere."""
        everywhere = b"\n".join(path.read_bytes() for path in self.root.rglob("*") if path.is_file())
        return {word for word in self.ledger if word not in everywhere}


def _text(file: str, name: str, version: int) -> str:
    if file.endswith(".yml"):
        return f"version: {version}\nname: {name}\n"
    return "".join(f"line_{number} = {number}\n" for number in range(6)).replace("1", f"1{version}", 2)


def _words(data: bytes) -> set[bytes]:
    return {data[at : at + 8] for at in range(len(data)) if data.startswith(b"word", at)}


class Game(RuleBasedStateMachine):
    """People, sources, crashes and commands take turns."""

    def __init__(self) -> None:
        super().__init__()
        memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
        self.folder = Path(tempfile.mkdtemp(dir=memory))
        self.keeping_all = patch.object(kept, "_COMMITS_KEPT_A_DAY", 10_000)
        self.keeping_all.start()

    @initialize()
    def begin(self) -> None:
        """One entry is installed, another could be."""
        self.project = Project(self.folder)
        self.project.rows = {"ds": ""}
        self.project.write({"requirements.txt": "own\n"})
        self.project.say()
        for name in NAMES:
            self.project.release(name, 1, ["one.py", "two.py"])
        self.project.run()
        self.project.write({".gitignore": "/dist\n"})  # what is published does not depend on the branch
        for command in ("init -q -b one --template=", "add -A", "commit -q -m begin"):
            assert self.project.git(*command.split()), command
        shutil.copy(self.project.root / ".git/refs/heads/one", self.project.root / ".git/refs/heads/two")

    @rule(name=names, version=st.integers(1, 9), files=st.lists(st.sampled_from(FILES), unique=True))
    def publish(self, name: str, version: int, files: list[str]) -> None:
        """A new version, with fewer or more files."""
        self.project.release(name, version, files)

    @rule(path=targets, by_rename=st.booleans())
    def save_anew(self, path: int | str, by_rename: bool) -> None:
        """A managed file is replaced, or a foreign one comes to stand where an entry may want to be."""
        self.project.save(self.project.named(path), self.project.word() + b" = 1\n", by_rename=by_rename)

    @rule(path=targets, by_rename=st.booleans())
    def append(self, path: int | str, by_rename: bool) -> None:
        """A line is added to what stands there."""
        name = self.project.named(path)
        file = self.project.root / name
        if file.is_file():
            self.project.save(name, file.read_bytes() + self.project.word() + b" = 1\n", by_rename=by_rename)

    @rule(path=targets)
    def delete(self, path: int | str) -> None:
        """A file is deleted."""
        name = self.project.named(path)
        self.project.forgo(name)
        (self.project.root / name).unlink(missing_ok=True)

    @rule()
    def edit_requirements(self) -> None:
        """A person adds a line to the requirements."""
        file = self.project.root / REQUIREMENTS
        before = file.read_bytes() if file.is_file() else b""
        self.project.save(REQUIREMENTS, before + self.project.word() + b"\n", by_rename=False)

    @rule(name=names, place=st.sampled_from([*PLACES, None]))
    def edit_manifest(self, name: str, place: str | None) -> None:
        """An entry moves, leaves or comes back."""
        rows = {key: options for key, options in self.project.rows.items() if key != name}
        self.project.rows = rows if place is None else {**rows, name: place}
        self.project.say()

    @rule(policy=st.sampled_from(["merge", "hold", "overwrite"]))
    def edit_policy(self, policy: str) -> None:
        """Another answer to local edits."""
        self.project.policy = policy
        self.project.say()

    @rule(branch=st.sampled_from(["one", "two"]))
    def switch_branch(self, branch: str) -> None:
        """Another branch; git takes what is not committed along, or refuses."""
        self.project.git("checkout", "-q", branch)

    @rule()
    def commit(self) -> None:
        """All that is there, the lock too."""
        self.project.git("add", "-A")
        self.project.git("commit", "-q", "-m", "all")

    @rule()
    def stash(self) -> None:
        """All that is not committed goes away for a while."""
        self.project.git("stash", "push", "-q", "-u")

    @rule()
    def unstash(self) -> None:
        """And comes back, where nothing stands against it."""
        if not self.project.git("stash", "pop", "-q"):
            self.project.git("checkout", "-q", "-f", "HEAD")

    @rule()
    def reconcile(self) -> None:
        """A pass."""
        self.project.run()

    @rule()
    def lock_only(self) -> None:
        """The lock is brought up to date, and the tree left."""
        self.project.run(lock_only=True)

    @rule(name=names, choice=st.sampled_from([Conflict.KEEP, Conflict.TAKE, Conflict.MERGE]))
    def resolve(self, name: str, choice: Conflict) -> None:
        """A person decides."""
        self.project.run(choices={f"dist/{name}.tar.gz": Decision(choice)})

    @rule(number=calls, words=st.sampled_from(MEANWHILE))
    def git_meanwhile(self, number: int, words: str) -> None:
        """Git works on the tree in the middle of a pass, which may end with a message for that."""
        self._meanwhile(number, partial(self.project.git, *words.split()))
        self.project.git("rebase", "--abort")

    @rule(number=calls, path=targets, by_rename=st.booleans())
    def save_meanwhile(self, number: int, path: int | str, by_rename: bool) -> None:
        """An editor saves in the middle of a pass."""
        self._meanwhile(number, partial(self.save_anew, path, by_rename))

    @rule(number=calls, name=names, place=st.sampled_from([*PLACES, None]))
    def edit_manifest_meanwhile(self, number: int, name: str, place: str | None) -> None:
        """The manifest changes in the middle of a pass."""
        self._meanwhile(number, partial(self.edit_manifest, name, place))

    def _meanwhile(self, number: int, act: Callable[[], object]) -> None:
        def hook(call: Call) -> None:
            if call.number == number:
                act()

        with suppress(MicropkgError):
            self.project.run(hooking(hook))

    @rule(number=calls)
    def crash(self, number: int) -> None:
        """A pass is killed at one of its calls."""
        in_child(partial(self.project.run, hooking(kill_at(number))))

    @rule(name=st.sampled_from([None, *NAMES]))
    def rollback(self, name: str | None) -> None:
        """The last commit is taken back."""
        self._roll_back(name, FsOps)

    @rule(number=calls)
    def crash_in_rollback(self, number: int) -> None:
        """Taking back is killed at one of its calls."""
        in_child(partial(self._roll_back, None, hooking(kill_at(number))))

    def _roll_back(self, name: str | None, fsops: Callable[[str], FsOps]) -> None:
        with suppress(UsageError):  # nothing of it changed
            roll_back(str(self.project.root), name and f"dist/{name}.tar.gz", None, 5, fsops=fsops)

    @invariant()
    def nothing_is_lost(self) -> None:
        """Every word that no person replaced is somewhere."""
        if hasattr(self, "project"):
            assert self.project.lost() == set()

    def teardown(self) -> None:
        """All are quiet: two passes come to rest."""
        try:
            if hasattr(self, "project"):
                self.comes_to_rest()
        finally:
            self.keeping_all.stop()
            shutil.rmtree(self.folder)

    def comes_to_rest(self) -> None:
        """After two passes the plan is empty or holds only, and nothing is lost."""
        self.project.run()
        self.project.run()
        outcome = self.project.run(apply=False)
        plans = [entry.plan for entry in outcome.entries if entry.plan is not None]
        assert [plan for plan in plans if plan.changes and not plan.held] == []
        assert not outcome.pending
        assert self.project.lost() == set()
        assert self.project.own("txn") == []


TestConvergence = Game.TestCase
TestConvergence.settings = settings(
    max_examples=EXAMPLES or 150,
    stateful_step_count=40 if EXAMPLES else 14,
    derandomize=not EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
