"""The table of docs/merging.md: `python -m tests.kit.merge_table [FOLDER]` says what becomes of the corpus of merges.

Three parts: the cases by hand, each edit of `merge_edits` against each other one, and each edit against what really
came with the next release of some projects. Their wheels of pure Python are in the folder, or pip fetches them; nothing
in them is run.
"""

import random
import subprocess
import sys
import tempfile
import tokenize
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from micropkgd.merge import ThreeVersions, merge_files
from micropkgd.model.tree import RelPath
from tests.kit.merge_edits import PYTHON, YAML, MergeEdit, is_named, meaning, targets, yaml_meaning
from tests.kit.merges import MergeCase, by_hand, texts
from tests.kit.servers.venvs import ENVIRON

RELEASES = (
    ("anyio", "4.8.0", "4.9.0"),
    ("attrs", "24.2.0", "25.3.0"),
    ("click", "8.1.7", "8.2.1"),
    ("fsspec", "2024.10.0", "2025.3.0"),
    ("packaging", "24.2", "25.0"),
    ("pluggy", "1.5.0", "1.6.0"),
    ("rich", "13.9.4", "14.0.0"),
    ("structlog", "24.4.0", "25.4.0"),
    ("werkzeug", "3.0.6", "3.1.3"),
)
_PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps")
_EACH = 2  # edits of one kind in the files of one project
_LOOKED_AT = 8  # places of a file


class MergeVerdict(NamedTuple):
    """What became of one case: clean and right, clean and wrong, or held; each with "git", "text" and "structure"."""

    git: str
    text: str
    structure: str


def judged(case: MergeCase, folder: Path) -> MergeVerdict:
    """What git, the lines and the structure make of a case."""
    files = ThreeVersions(*(text.encode() for text in (case.base, case.ours, case.theirs)))
    path = RelPath(case.name)
    found = [git_merge(files, folder)]
    for structure in (False, True):
        merged = merge_files(path, files, structure=structure)
        found.append(None if merged is None else merged.data.decode())
    return MergeVerdict(*(_verdict(case, text) for text in found))


def git_merge(files: ThreeVersions[bytes], folder: Path) -> str | None:
    """What `git merge-file` makes of three files; None where it leaves a conflict."""
    for name, data in files._asdict().items():
        (folder / name).write_bytes(data)
    command = ["git", "merge-file", "--stdout", "ours", "base", "theirs"]
    ended = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    return ended.stdout.decode() if ended.returncode == 0 else None


def each_against_each() -> Iterator[MergeCase]:
    """Each edit here against each edit there. Where their order matters, a person must be asked."""
    for edits, text, name in ((PYTHON, texts()["NODES"], "nodes.py"), (YAML, texts()["PARAMETERS"], "parameters.yml")):
        places = {"function": "clean", "class": "Model", "constant": "SEED", "module": "shop.schemas", "key": "horizon"}
        for ours in edits:
            for theirs in edits:
                target = [places.get(edit.needs, "") for edit in (ours, theirs)]
                yield from _both(text, (ours, target[0]), (theirs, target[1]), name)


def _both(text: str, ours: tuple[MergeEdit, str], theirs: tuple[MergeEdit, str], name: str) -> Iterator[MergeCase]:
    def made(of: str | None, edit: tuple[MergeEdit, str], who: str) -> str | None:
        return None if of is None else edit[0].make(of, edit[1], who)

    here, there = made(text, ours, "ours"), made(text, theirs, "theirs")
    if here is None or there is None:
        return
    if here == there:
        yield MergeCase(f"{ours[0].row} against {theirs[0].row}", name, text, here, there, here)
        return
    wanted = {made(there, ours, "ours"), made(here, theirs, "theirs")}
    says = yaml_meaning if name.endswith(".yml") else meaning
    agreed = None not in wanted and len({says(one) for one in wanted if one is not None}) == 1
    row = f"{ours[0].row} against {theirs[0].row}"
    yield MergeCase(row, name, text, here, there, wanted.pop() if agreed else None)


def against_releases(folder: Path, each: int = _EACH) -> Iterator[MergeCase]:
    """Edits of files that changed from one release to the next, as near to the changes as may be."""
    chance = random.Random(0)
    for name, old, new in RELEASES:
        pairs = list(_changed(folder, name, old, new))
        for edit in PYTHON:
            made = 0
            for path, base, theirs in chance.sample(pairs, len(pairs)):
                target = _near(base, theirs, edit, chance) if made < each else None
                ours = edit.make(base, target, "ours") if target is not None else None
                if target is None or ours is None:
                    continue
                wanted = _wanted(edit, target, theirs)
                if wanted is not None or not is_named(theirs, target):
                    made += 1
                    yield MergeCase(f"a release against {edit.row}", path, base, ours, theirs, wanted)


def _wanted(edit: MergeEdit, target: str, theirs: str) -> str | None:
    """The same edit, made of the new version; a file that was only formatted holds none, nor one that only moved."""
    gone = bool(target) and not is_named(theirs, target)
    if edit.row == "another format" or (edit.row == "a move" and gone):
        return theirs
    return edit.make(theirs, target, "ours")


def _near(base: str, theirs: str, edit: MergeEdit, chance: random.Random) -> str | None:
    """Where to edit: at a place that the release changed, too, if there is one among a few."""
    places = targets(base, edit.needs)
    known = set(theirs.split("\n"))

    def changed(target: str) -> int:
        made = edit.make(base, target, "ours")
        if made is None:
            return -1
        lines, other = base.split("\n"), made.split("\n")
        at = next((n for n, (one, two) in enumerate(zip(lines, other, strict=False)) if one != two), len(lines))
        return sum(line not in known for line in lines[max(at - 3, 0) : at + 4])

    return max(chance.sample(places, min(len(places), _LOOKED_AT)), key=changed, default=None)


def _changed(folder: Path, name: str, old: str, new: str) -> Iterator[tuple[str, str, str]]:
    """The modules of a project that another release has otherwise."""
    one, other = (zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl") for version in (old, new))
    with one, other:
        for path in sorted(set(one.namelist()) & set(other.namelist())):
            if path.endswith(".py") and (base := one.read(path)) != (theirs := other.read(path)):
                yield path, base.decode(), theirs.decode()


def _verdict(case: MergeCase, merged: str | None) -> str:
    if merged is None:
        return "held"
    says = yaml_meaning if case.name.endswith((".yml", ".yaml")) else meaning if case.name.endswith(".py") else str
    try:
        return "right" if case.wanted is not None and says(merged) == says(case.wanted) else "wrong"
    except (SyntaxError, ValueError, tokenize.TokenError):
        return "wrong"


def fetch(folder: Path) -> None:
    """Have pip put the wheels of the releases into the folder."""
    wanted = [f"{name}=={version}" for name, *versions in RELEASES for version in versions]
    for one in wanted:
        command = [*_PIP, "--only-binary", ":all:", "--dest", str(folder), one]
        subprocess.run(command, check=True, capture_output=True, timeout=300, env=ENVIRON)


def table(cases: Iterable[MergeCase], scratch: Path) -> Iterator[str]:
    """The rows of the table, those first that git holds most, and the sum."""
    rows: dict[str, list[MergeVerdict]] = defaultdict(list)
    for case in cases:
        verdict = judged(case, scratch)
        rows[case.row].append(verdict)
        if "wrong" in verdict[1:]:
            print(f"wrong: {case} {verdict}", file=sys.stderr)
    for row, verdicts in [*rows.items(), ("**all**", [one for each in rows.values() for one in each])]:
        cells = [_cell([verdict[way] for verdict in verdicts]) for way in range(3)]
        yield f"| {row} | {len(verdicts)} | {' | '.join(cells)} |"


def _cell(verdicts: list[str]) -> str:
    right, wrong, held = (verdicts.count(word) for word in ("right", "wrong", "held"))
    return f"{right} / {wrong} / {held}"


def main(folders: list[str]) -> None:
    """Print the three tables."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(folders[0]) if folders else Path(scratch)
        if not folders:
            fetch(folder)
        for title, cases in (
            ("By hand", by_hand()),
            ("Each edit against each", each_against_each()),
            ("Each edit against a release", against_releases(folder)),
        ):
            print(f"\n{title}: right / wrong / held\n\n| | cases | git | lines | structure |\n|---|---|---|---|---|")
            print("\n".join(table(cases, Path(scratch))))


if __name__ == "__main__":
    main(sys.argv[1:])
