"""The law of one commit: clones of one commit come to the same tree, lock and exit code, whatever a machine remembers.

A state machine plays a team: two people with clones of their own, a bot that moves the lock alone, two publishers,
branches, pulls, merges (one of them with the merge driver), rebases, cherry-picks, reverts, stashes and checkouts of
single files, all with real git; commits are squashed, a bump is reverted, line ends change, and files come to stand in
Git LFS; the project's own layout and its policy change, rows go and come back, files are renamed here and upstream (by
case alone, too), git leaves a part of the tree out, and passes are killed at any call. After each pass a clone of the
same commit, made just now and without any memory, must come to what the clone with the memory came to: a plain one, a
shallow or partial one, a linked work tree, a submodule, or a history that was rewritten into a folder of a monorepo.
What a person wrote into a pulled file stays in the tree until a person takes it away, and a clean switch to a commit
that was in sync stays clean. Edits that were accepted pass the gate, a rollback brings back what stood there,
requirements move whole, and `lock` gets out of each conflict.
`MICROPKGD_TEST_EXAMPLES` sets how many games are played (docs/reliability.md).
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from micropkgd.actions.accept import accept_edits
from micropkgd.actions.rollback import roll_back
from micropkgd.errors import MicropkgError
from micropkgd.model.choice import Conflict, Decision
from micropkgd.model.outcome import Outcome
from micropkgd.model.requirements import blocks_of
from micropkgd.workspace.project import read_project
from tests.kit.faults import Scene, Tree, hooking, in_child, kill_at
from tests.kit.lfs import LargeFiles

pytestmark = pytest.mark.no_cover

EXAMPLES = int(os.environ.get("MICROPKGD_TEST_EXAMPLES", "0"))
GIT = {
    **os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_EDITOR": "true",
    "GIT_AUTHOR_NAME": "x", "GIT_AUTHOR_EMAIL": "x@example.org", "GIT_COMMITTER_NAME": "x",
    "GIT_COMMITTER_EMAIL": "x@example.org",
}  # fmt: skip
PACKAGES = ("ds", "es")
FILES = ("one.py", "two.py")
PLACES = ("", 'alias = "x"', 'destination = "pipelines"')
BRANCHES = ("main", "other")
POLICIES = (
    'on-local-edit = "merge"\n',
    'on-local-edit = "merge"\nmerge = "text"\n',
    'on-local-edit = "hold"\n',
    "prune = false\n",
    'update = "locked"\n',
)
NEEDS = ("", 'requirements-file = "requirements.txt"\n', 'requirements-group = "needs"\n')
DRIVER = f"{sys.executable} -m micropkgd lock --merge-driver %O %A %B"
OUT = ("ds/", "es/", "one.py", "parameters_*", "src/shop/*/ds/")
LAYOUTS = ("", 'tests = "src/tests"\n', 'conf = "config"\n', 'base-env = "shared"\n', 'package = "store"\n')

CLONES = ("plain", "shallow", "partial", "worktree", "submodule", "monorepo")
EXTRAS = ("", "three.py", "renamed.py", "Two.py", "One.py")

people = st.sampled_from(["ann", "bob"])
packages = st.sampled_from(PACKAGES)
files = st.sampled_from(FILES)


class Person(Scene):
    """A clone, in which somebody works; archives and their cache are shared by all."""

    def __init__(self, folder: Path, name: str) -> None:
        super().__init__(folder)
        self.root = folder / name / "shop"

    def git(self, *words: str) -> bool:
        """Let git work; whether it did."""
        command = ["git", *words]
        return not subprocess.run(command, cwd=self.root, env=GIT, capture_output=True, check=False).returncode

    def says(self, *words: str) -> str:
        """What git says."""
        return subprocess.run(["git", *words], cwd=self.root, env=GIT, capture_output=True, text=True).stdout

    @property
    def is_clean(self) -> bool:
        """Whether git sees no change."""
        return not self.says("status", "--porcelain")

    def commit(self, subject: str = "all") -> None:
        """Commit all that is there."""
        self.git("add", "-A")
        self.git("commit", "-q", "-m", subject)

    def write_anew(self) -> None:
        """Let git write each file again."""
        self.git("rm", "-q", "-r", "--cached", ".")
        self.git("reset", "-q", "--hard")

    def solve(self, *, with_lock: bool) -> None:
        """Take the own side of each conflict in git; with `lock`, what both sides locked counts."""
        lock = self.text("micropkg.lock") or ""
        for path in self.says("diff", "--name-only", "--diff-filter=U").splitlines():
            self.git("checkout", "-q", "--ours", path)
        if with_lock and "<<<<<<<" in lock and "<<<<<<<" not in (self.text("pyproject.toml") or ""):
            self.write({"micropkg.lock": lock})
            self.run(lock_only=True)

    def needs(self) -> set[str]:
        """The files in which a requirement of an entry stands."""
        return {
            path
            for path in ("requirements.in", "requirements.txt", "pyproject.toml")
            if "-needs>" in (self.text(path) or "")
        }

    def needs_by_lock(self) -> set[str]:
        """The one in which they stand by the lock; git may have brought back another."""
        try:
            return {str(read_project(str(self.root)).lock.place.path)}
        except MicropkgError:
            return set()

    @property
    def is_told(self) -> bool:
        """Whether each block of requirements has the name of an entry, and lines that are locked.

        Of other blocks that git left `doctor` tells, and other lines are a person's.
        """
        lock = read_project(str(self.root)).lock
        names = {name for block in lock.blocks for name in (block.name, block.target.rpartition("/")[2])}
        texts = [self.text(path) or "" for path in ("requirements.in", "requirements.txt")]
        locked = {line for block in lock.blocks for line in block.requirements}
        lines = {line.strip() for text in texts for line in text.splitlines() if "-needs>" in line}
        return {label.rpartition(".")[2] for text in texts for label in blocks_of(text)} <= names and lines <= locked

    def words(self) -> set[bytes]:
        """The words of people in the source folder and the requirements."""
        found: set[bytes] = set()
        for path in self.root.rglob("*"):
            if path.is_file() and not {".git", ".micropkgd"} & set(path.relative_to(self.root).parts):
                data = path.read_bytes()
                found |= {data[at : at + 8] for at in range(len(data)) if data.startswith(b"word", at)}
        return found

    def tries(self, **options: Any) -> Outcome | None:
        """One pass; None where the project as a whole cannot be worked on."""
        try:
            return self.run(**options)
        except MicropkgError:
            return None

    def files(self) -> Tree:
        """The files of the tree, but for git's own: of empty folders git knows nothing."""
        return {
            path: known for path, known in self.tree().items() if not f"{path}/".startswith(".git/") and self.has(path)
        }

    def has(self, path: str) -> bool:
        """Whether a file stands at a path."""
        return (self.root / path).is_file()


class Team(RuleBasedStateMachine):
    """Two people, their publishers, and git."""

    def __init__(self) -> None:
        super().__init__()
        memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
        self.folder = Path(tempfile.mkdtemp(dir=memory))
        self.rows: dict[str, str | None] = dict.fromkeys(PACKAGES, "")
        self.layout, self.policy, self.needs = "", POLICIES[0], ""
        self.count = 0
        self.other_ends = False  # whether some tree has other line ends than what is committed
        self.large = LargeFiles(self.folder)
        self.settled: set[str] = set()  # commits in which a pass had nothing to do, without anything followed since

    @initialize()
    def begin(self) -> None:
        """Both packages are installed, and both people have the commit."""
        hub = self.folder / "hub.git"
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(hub)], env=GIT, check=True)
        ann = self.people = {"ann": Person(self.folder, "ann")}
        ann["ann"].root.mkdir(parents=True)
        self.release("ds", 1, "")
        self.release("es", 1, "")
        person = ann["ann"]
        person.write({"requirements.txt": "own\n", ".gitignore": ".micropkgd\n", "src/shop/__init__.py": ""})
        person.write({".gitattributes": "micropkg.lock merge=micropkgd\n"})
        self.say(person)
        assert person.run().exit_code == 0
        for words in ("init -q -b main", "add -A", "commit -q -m begin", f"remote add origin {hub}"):
            assert person.git(*words.split()), words
        assert person.git("branch", "other")
        assert person.git("push", "-q", "origin", "main", "other")
        subprocess.run(["git", "clone", "-q", str(hub), str(self.folder / "bob/shop")], env=GIT, check=True)
        self.people["bob"] = Person(self.folder, "bob")
        self.people["bob"].git("branch", "other", "origin/other")
        self.people["bob"].git("config", "merge.micropkgd.driver", DRIVER)
        self.settled.add(person.says("rev-parse", "HEAD"))

    def say(self, person: Person) -> None:
        """Write a person's manifest; its dependency groups stay."""
        rows = "".join(
            f'"../../dist/{name}.tar.gz" = {{{options}}}\n'
            for name, options in self.rows.items()
            if options is not None
        )
        layout = self.layout if "package" in self.layout else f'package = "shop"\n{self.layout}'
        manifest = f"[tool.micropkgd]\n{self.policy}{self.needs}[tool.micropkgd.project]\n{layout}"
        groups = (person.text("pyproject.toml") or "").partition("[dependency-groups]\n")
        person.write({"pyproject.toml": f"{manifest}[tool.micropkgd.pull]\n{rows}{''.join(groups[1:])}"})

    def release(self, name: str, version: int, extra: str) -> None:
        """Publish a version for all; `two.py` may have another name in it."""
        publisher = Scene(self.folder)
        publisher.root = self.folder
        text = "".join(f"line_{number} = {number}\n" for number in range(8))
        texts: dict[str, str | bytes] = {
            f"{name}/{file}": text.replace("line_1 = 1", f"line_1 = {version}") for file in FILES
        }
        texts |= {f"{name}/config/parameters_{name}.yml": f"version: {version}\n"}
        if extra in {"renamed.py", "Two.py"}:
            texts[f"{name}/{extra}"] = texts.pop(f"{name}/two.py")
        elif extra:
            texts[f"{name}/{extra}"] = "EXTRA = 1\n"
        publisher.publish(name, texts, str(version), requires=f"{'both' if version > 3 else name}-needs>={version}")

    @rule(name=packages, version=st.integers(1, 5), extra=st.sampled_from(EXTRAS))
    def publish(self, name: str, version: int, extra: str) -> None:
        """A version, newer or older."""
        self.release(name, version, extra)
        self.settled.clear()

    @rule(who=people, number=st.integers(0, 20), at=st.sampled_from(["top", "end", "line_1"]))
    def edit(self, who: str, number: int, at: str) -> None:
        """Somebody adds a word to a pulled file, somewhere."""
        person = self.people[who]
        found = self.pulled(person)
        if not found:
            return
        file, word = found[number % len(found)], self.word()
        lines = file.read_text().splitlines(keepends=True)
        where = {"top": 0, "end": len(lines), "line_1": min(2, len(lines))}[at]
        file.write_text("".join([*lines[:where], f"{word} = 1\n", *lines[where:]]))

    def pulled(self, person: Person) -> list[Path]:
        """The pulled modules that a person may change."""
        return sorted(person.root.glob("src/s*/**/[otrTO]*.py"))

    @rule(who=people, number=st.integers(0, 20), how=st.sampled_from(["rename", "delete", "crlf", "format"]))
    def treat(self, who: str, number: int, how: str) -> None:
        """Somebody renames or deletes a pulled file, or their tools write it otherwise."""
        if not (found := self.pulled(self.people[who])):
            return
        file = found[number % len(found)]
        data = file.read_bytes()
        if how == "rename":
            file.rename(file.with_name(f"t{file.name}"))
        elif how == "delete":
            file.unlink()
        elif how == "crlf":
            file.write_bytes(data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
        else:
            file.write_bytes(data.replace(b" = ", b"  =  "))

    def word(self) -> str:
        """A word nobody has used yet."""
        self.count += 1
        return f"word{self.count:04d}"

    @rule(who=people)
    def write_requirement(self, who: str) -> None:
        """Somebody adds a line to the requirements."""
        for file in self.people[who].root.glob("requirements.*"):
            file.write_text(f"{self.word()}\n{file.read_text()}")

    @rule(who=people, name=packages, place=st.sampled_from(PLACES))
    def move(self, who: str, name: str, place: str) -> None:
        """An entry gets another place."""
        self.rows = {**self.rows, name: place}
        self.say(self.people[who])

    @rule(who=people, name=packages)
    def drop(self, who: str, name: str) -> None:
        """A row goes, or comes back."""
        self.rows = {**self.rows, name: "" if self.rows[name] is None else None}
        self.say(self.people[who])

    @rule(who=people, policy=st.sampled_from(POLICIES))
    def agree(self, who: str, policy: str) -> None:
        """The policy changes."""
        self.policy = policy
        self.say(self.people[who])

    @rule(who=people, needs=st.sampled_from(NEEDS))
    def move_requirements(self, who: str, needs: str) -> None:
        """Requirements get another place: nothing of what stood in one that was in sync is left there, or lost."""
        person = self.people[who]
        before = person.words()
        settled = person.tries(locked=True)
        old, said, self.needs = person.needs(), person.needs_by_lock(), needs
        is_told = settled is not None and person.is_told
        self.say(person)
        done = person.tries(locked=False)
        assert before <= person.words()
        if settled is None or settled.exit_code or done is None or done.exit_code or old != said or not is_told:
            return
        asked = "-needs>" in (person.text("micropkg.lock") or "")
        assert len(person.needs()) == asked, (old, person.needs())

    @rule(who=people, layout=st.sampled_from(LAYOUTS))
    def lay_out(self, who: str, layout: str) -> None:
        """Somebody changes the project's own layout; its package gets its new name by their hand."""
        person, self.layout = self.people[who], layout
        old, new = ("shop", "store") if "store" in layout else ("store", "shop")
        if (person.root / "src" / old).is_dir() and not (person.root / "src" / new).exists():
            (person.root / "src" / old).rename(person.root / "src" / new)
        self.say(person)

    @rule(who=people)
    def save(self, who: str) -> None:
        """Somebody commits everything."""
        self.people[who].commit()

    @rule(who=people, solve=st.booleans())
    def exchange(self, who: str, solve: bool) -> None:
        """Somebody pulls and pushes; a conflict is solved by their own side, as a person might, the lock by `lock`."""
        person = self.people[who]
        person.commit()
        branch = person.says("rev-parse", "--abbrev-ref", "HEAD").strip()
        if not person.git("pull", "-q", "--no-rebase", "--no-edit", "origin", branch):
            person.solve(with_lock=solve)
            person.commit()
            if (person.root / ".git/MERGE_HEAD").exists():
                person.git("merge", "--abort")
        person.git("push", "-q", "origin", branch)

    @rule(who=people, branch=st.sampled_from(BRANCHES))
    def switch(self, who: str, branch: str) -> None:
        """Somebody goes to another branch with a clean tree; what was in sync there still is."""
        person = self.people[who]
        person.commit()
        if not person.git("checkout", "-q", branch) or not person.is_clean:
            return
        if person.says("rev-parse", "HEAD") in self.settled:
            outcome = person.run(locked=True)
            is_gated = any(entry.unaccepted for entry in outcome.entries)  # by edits beside those that were accepted
            assert outcome.exit_code == (4 if is_gated else 0), outcome
            assert person.is_clean, person.says("status", "--porcelain")

    @rule(who=people, out=st.sampled_from(OUT))
    def look_at_a_part(self, who: str, out: str) -> None:
        """Somebody has git leave something out of their tree for a while: passes bring nothing of it back."""
        person = self.people[who]
        person.commit()
        before, words = person.files(), person.words()
        if not person.is_clean or not person.git("sparse-checkout", "set", "--no-cone", "/*", f"!{out}"):
            return
        narrowed, is_settled = person.files(), person.says("rev-parse", "HEAD") in self.settled
        for _ in range(2):
            outcome = person.tries()
            assert not (back := [path for path in before.keys() - narrowed.keys() if person.has(path)]), back
            if is_settled:
                assert outcome is not None
                assert outcome.exit_code == 0, outcome
                assert not (found := _differing(person.files(), narrowed)), found
                assert person.is_clean, person.says("status", "--porcelain")
        assert person.git("sparse-checkout", "disable")
        assert words <= person.words()

    @rule(who=people)
    def revert(self, who: str) -> None:
        """Somebody takes the last commit back, in git."""
        person = self.people[who]
        person.commit()
        if person.git("rev-parse", "-q", "--verify", "HEAD~1") and not person.git("revert", "--no-edit", "HEAD"):
            person.git("revert", "--abort")

    @rule(who=people, branch=st.sampled_from(BRANCHES), back=st.integers(0, 3), how=st.sampled_from(["pick", "rebase"]))
    def take_over(self, who: str, branch: str, back: int, how: str) -> None:
        """Somebody picks a commit of a branch, or puts their own on top of it; where that is too much, they stop."""
        person = self.people[who]
        person.commit()
        if how == "rebase":
            if not person.git("rebase", "-q", branch):
                person.git("rebase", "--abort")
        elif not person.git("cherry-pick", "--allow-empty", f"{branch}~{back}"):
            person.git("cherry-pick", "--abort")

    @rule(who=people, branch=st.sampled_from([*BRANCHES, "HEAD~1"]), number=st.integers(0, 30))
    def check_out_a_file(self, who: str, branch: str, number: int) -> None:
        """Somebody takes a single file as another commit has it: code, parameters, lock or manifest."""
        person = self.people[who]
        person.commit()
        if known := person.says("ls-tree", "-r", "--name-only", branch).splitlines():
            person.git("checkout", "-q", branch, "--", known[number % len(known)])

    @rule(who=people, pop=st.booleans())
    def stash(self, who: str, pop: bool) -> None:
        """Somebody puts their changes aside, or takes them back where git can."""
        person = self.people[who]
        if not pop:
            person.git("stash", "-q")
        elif person.is_clean and not person.git("stash", "pop", "-q"):
            person.git("checkout", "-q", "--theirs", ".")
            person.commit()

    @rule(who=people)
    def bump(self, who: str) -> None:
        """A bot moves the lock on, and commits that alone."""
        person = self.people[who]
        person.commit()
        if person.tries(lock_only=True) is not None:
            person.commit("bump")

    @rule(who=people)
    def revert_a_bump(self, who: str) -> None:
        """Somebody takes back what a bot did, however long ago."""
        person = self.people[who]
        person.commit()
        if bumps := person.says("log", "--format=%H", "--grep=^bump").split():
            person.git("revert", "--no-edit", bumps[0]) or person.git("revert", "--abort")

    @rule(who=people, back=st.integers(1, 3), subject=st.sampled_from(["fixup", "squash"]))
    def squash(self, who: str, back: int, subject: str) -> None:
        """Somebody makes their changes a part of an older commit."""
        person = self.people[who]
        person.git("add", "-A")
        if person.git("rev-parse", "-q", "--verify", f"HEAD~{back + 1}"):
            person.git("commit", "-q", f"--{subject}=HEAD~{back}", "--allow-empty", "--no-edit")
            command = ("-c", "sequence.editor=true", "rebase", "-q", "-i", "--autosquash", f"HEAD~{back + 2}")
            person.git(*command) or person.git("rebase", "--abort")

    @rule(who=people, ends=st.sampled_from(["true", "input", "false"]))
    def write_line_ends(self, who: str, ends: str) -> None:
        """Somebody's git writes text with the line ends of their system from now on."""
        person = self.people[who]
        person.commit()
        if person.is_clean:
            self.other_ends |= ends != "false"
            person.git("config", "core.autocrlf", ends)
            person.write_anew()

    @rule(who=people, fetches=st.booleans())
    def store_large_files(self, who: str, fetches: bool) -> None:
        """The parameters of packages come to stand in Git LFS; who does not fetch them has pointers."""
        person = self.people[who]
        person.commit()
        if not person.is_clean:
            return
        for key, value in self.large.config(fetches=fetches).items():
            person.git("config", key, value)
        attributes = person.text(".gitattributes") or ""
        if "filter=lfs" not in attributes:
            person.write({".gitattributes": f"{attributes}parameters_*.yml filter=lfs -text\n"})
            person.git("add", "--renormalize", ".")
            person.commit()
        person.write_anew()

    @rule(who=people, name=packages, choice=st.sampled_from([Conflict.KEEP, Conflict.TAKE, Conflict.MERGE]))
    def decide(self, who: str, name: str, choice: Conflict) -> None:
        """Somebody decides what becomes of a held entry."""
        person = self.people[who]
        before = person.words()
        person.tries(choices={f"../../dist/{name}.tar.gz": Decision(choice)})
        if choice is not Conflict.TAKE:
            assert before <= person.words()

    @rule(who=people)
    def accept(self, who: str) -> None:
        """Somebody accepts the edits that there are: what was in sync passes the gate, and a clone is the same."""
        person = self.people[who]
        outcome = person.tries()
        if outcome is None or outcome.exit_code:
            return
        accept_edits(str(person.root), None, 5)
        gate = person.run(locked=True)
        assert gate.exit_code == 0, gate
        person.commit()

    @rule(who=people)
    def take_back(self, who: str) -> None:
        """Somebody takes back what a pass just did: everything is as it was, and comes again as it came."""
        person = self.people[who]
        before = person.files()
        outcome = person.tries()
        after = person.files()
        if outcome is None or outcome.exit_code or before == after or outcome.recovered:
            return
        undone = roll_back(str(person.root), None, None, 5)
        assert undone.exit_code == 0, undone
        assert not (found := _differing(person.files(), before)), found
        again = person.run()
        assert again.exit_code == 0, again
        assert not (found := _differing(person.files(), after)), found

    @rule(who=people)
    def forget(self, who: str) -> None:
        """Somebody's machine loses its memory."""
        shutil.rmtree(self.people[who].root / ".micropkgd", ignore_errors=True)

    @rule(
        who=people,
        options=st.sampled_from([{}, {}, {"locked": True}, {"offline": True}]),
        how=st.sampled_from(CLONES),
    )
    def reconcile(self, who: str, options: dict[str, bool], how: str = "plain") -> None:
        """A pass, beside the same pass on a clone without memory."""
        person = self.people[who]
        person.commit()
        if not person.is_clean:  # git is in the middle of something
            return
        self.compare(person, options, how=how)

    @rule(who=people, number=st.integers(1, 60))
    def crash(self, who: str, number: int) -> None:
        """A pass is killed at some call, and the next one comes to what an undisturbed one comes to."""
        person = self.people[who]
        person.commit()
        if person.is_clean:
            self.compare(person, {}, killed_at=number)

    def stranger(self, person: Person, how: str) -> Person:
        """A checkout of what a person has committed, made just now."""
        made, top = Person(self.folder, "stranger"), self.folder / "stranger"
        shutil.rmtree(top, ignore_errors=True)
        person.git("worktree", "prune")
        person.git("branch", "-q", "-D", "beside")
        source, place = str(person.root), str(made.root)
        clone = ["git", "clone", "-q"]
        commands = {
            "plain": [[*clone, source, place]],
            "shallow": [[*clone, "--depth=1", f"file://{source}", place]],
            "partial": [[*clone, "--filter=blob:none", f"file://{source}", place]],
            "worktree": [["git", "-C", source, "worktree", "add", "-q", "-b", "beside", place]],
            "submodule": [
                ["git", "init", "-q", str(top)],
                ["git", "-C", str(top), "-c", "protocol.file.allow=always", "submodule", "add", "-q", source, "shop"],
            ],
            "monorepo": [
                [*clone, source, str(top)],
                ["git", "-C", str(top), "read-tree", "--empty"],
                ["git", "-C", str(top), "read-tree", "--prefix=shop/", "HEAD"],
                ["git", "-C", str(top), "commit", "-q", "--amend", "-m", "all, in its folder"],
                ["git", "-C", str(top), "reset", "-q", "--hard"],
                ["git", "-C", str(top), "clean", "-q", "-fdx"],
            ],
        }
        person.git("config", "uploadpack.allowFilter", "true")
        for command in commands[how]:
            subprocess.run(command, env=GIT, check=True, capture_output=True)
        return made

    def same(self, tree: Tree) -> Tree:
        """A tree by what its texts are: not by the line ends that git writes, nor by whether LFS was asked."""
        plain = {path: (mode, self.large.content(data)) for path, (mode, data) in tree.items()}
        if not self.other_ends:
            return plain
        return {path: (mode, data.replace(b"\r\n", b"\n")) for path, (mode, data) in plain.items()}

    def compare(self, person: Person, options: dict[str, bool], killed_at: int = 0, how: str = "plain") -> None:
        """Both come to the same, and no word of a person leaves the tree."""
        stranger = self.stranger(person, how)
        before = person.words()
        if killed_at:
            in_child(lambda: person.run(hooking(before=kill_at(killed_at))))
        mine, theirs = person.tries(**options), stranger.tries(**options)
        assert (mine is None) == (theirs is None)
        assert before <= person.words(), before - person.words()
        if mine is None or theirs is None:
            return
        asks_nobody = options == {"offline": True} or 'update = "locked"' in (person.text("pyproject.toml") or "")
        # What is known of a hold then tells more than a clone can know.
        assert asks_nobody or mine.exit_code == theirs.exit_code, (mine, theirs)
        if mine.exit_code == theirs.exit_code:
            found = _differing(self.same(person.files()), self.same(stranger.files()))
            assert not found, found
        if mine.exit_code == 0 and person.is_clean and not options:
            self.settled.add(person.says("rev-parse", "HEAD"))

    def teardown(self) -> None:
        """All commit and meet, and one last pass of each is the same everywhere."""
        try:
            if hasattr(self, "people"):
                for name in self.people:
                    self.exchange(name, solve=True)
                    self.reconcile(name, {})
        finally:
            shutil.rmtree(self.folder)


def _differing(one: Tree, other: Tree) -> dict[str, tuple[object, object]]:
    """What is not the same in two trees."""
    return {path: (one.get(path), other.get(path)) for path in one | other if one.get(path) != other.get(path)}


TestOneTree = Team.TestCase
TestOneTree.settings = settings(
    max_examples=EXAMPLES or 25,
    stateful_step_count=40 if EXAMPLES else 16,
    derandomize=not EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
