"""Completions, tried in the shells themselves, and the manual, read by man(1)."""

import os
import pty
import re
import select
import subprocess
import time
from pathlib import Path

import pytest

from micropkgd.cli.command_tree import tree_of
from micropkgd.cli.completions import SHELLS
from micropkgd.cli.parser import COMMANDS, make_parser
from tests.kit.places import REPOSITORY
from tests.kit.world import World

ZSH = """
zmodload zsh/zpty
await() { local seen= part; repeat 600 { while zpty -rt z part; do seen+=$part; done
  [[ $seen == *$1* ]] && break; sleep 0.05 }; print -r -- $seen }
zpty -b z zsh -f -i
zpty -w z "PS1=; autoload -U compinit; compinit -u -D; source SCRIPT; print REA''DY"
await READY
for words in 'reconcile --onc|once' 'service ins|install' 'init --update f|follow' 'completion z|zsh'; do
  zpty -w -n z "micropkgd ${words%|*}"$'\\t'
  await ${words#*|}
  zpty -w -n z $'\\x15'
done
zpty -d z
"""
PAGE = REPOSITORY / "micropkgd" / "man" / "micropkgd.1"


def bash(script: Path, *words: str) -> list[str]:
    """What bash offers for the last of these words."""
    asked = f"source {script}; COMP_WORDS=(micropkgd {' '.join(words)}); COMP_CWORD={len(words)}; _micropkgd"
    if words[-1] == "''":
        asked = asked.replace("''", '""')
    command = ["bash", "--norc", "-c", f'{asked}; printf "%s\\n" "${{COMPREPLY[@]}}"']
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


@pytest.fixture
def script(world: World) -> Path:
    """The script for bash."""
    return world.write("completion", world.run("completion", "bash").out)


def test_bash_completes(script: Path) -> None:
    """Commands, actions, options, and what an option may take."""
    assert set(COMMANDS) <= set(bash(script, "''"))
    assert bash(script, "recon") == ["reconcile"]
    assert bash(script, "reconcile", "--onc") == ["--once"]
    assert bash(script, "reconcile", "--once", "--loc") == ["--locked", "--lock-timeout"]
    assert bash(script, "service", "ins") == ["install"]
    assert bash(script, "service", "install", "--so") == ["--socket"]
    assert bash(script, "init", "--update", "f") == ["follow"]
    assert bash(script, "completion", "--log-format", "''") == ["console", "json"]
    assert bash(script, "completion", "z") == ["zsh"]
    assert bash(script, "add", "../sha") == []  # files are for bash itself


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("recon", "reconcile"),
        ("reconcile --onc", "--once"),
        ("service ins", "install"),
        ("init --update f", "follow"),
        ("completion z", "zsh"),
    ],
)
def test_fish_completes(world: World, words: str, offered: str) -> None:
    """The same, as fish is asked."""
    path = world.write("completion.fish", world.run("completion", "fish").out)
    command = ["fish", "--no-config", "-c", f"source {path}; complete -C 'micropkgd {words}'"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)

    assert [line.partition("\t")[0] for line in said.stdout.splitlines()] == [offered]
    assert said.stderr == ""


def test_zsh_completes(world: World) -> None:
    """The same, as typed into zsh at a terminal of its own."""
    script = world.write("_micropkgd", world.run("completion", "zsh").out)
    driver = world.write("driver", ZSH.replace("SCRIPT", str(script)))
    said = subprocess.run(["zsh", "-f", str(driver)], capture_output=True, text=True, check=True, timeout=120).stdout

    for line in ("reconcile --once", "service install", "init --update follow", "completion zsh"):
        assert f"micropkgd {line}" in said


NAMES = """
[tool.micropkgd.pull]
"dist/ds.tar.gz" = {alias = "ds"}
  "../share/nice-1.0.tar.gz" = {}
plain = {}  # a comment
"https://x.example/$(touch pwned).tar.gz" = {}
"`touch pwned`" = {}
"$(touch${IFS}pwned)" = {}
"~root" = {}
"-rf" = {}
[tool.micropkgd.package]
"pipelines.features" = {publish = "s3://team/"}
cleaning = {}
[tool.kedro.micropkg.package]
other = {}
[tool.micropkgd]
merge = "text"
"""
PULLS = ["dist/ds.tar.gz", "../share/nice-1.0.tar.gz", "plain", "ds"]
MODULES = ["pipelines.features", "cleaning", "other"]
OFFERED = [
    ("resolve", PULLS), ("diff", PULLS), ("rollback", PULLS), ("lock --upgrade", PULLS), ("package", MODULES),
    ("publish", MODULES), ("suspend", [*PULLS, *MODULES]), ("explain Throt", ["Throttled"]),
    ("explain MPK10", [f"MPK10{number}" for number in range(1, 7)]),
]  # fmt: skip


@pytest.fixture
def below(world: World) -> Path:
    """A folder deep in a project whose manifest names much, some of it hostile."""
    world.write("pyproject.toml", NAMES)
    world.write("micropkg.lock", '[[packages]]\nname = "ds"\nversion = "1.0"\n\n[packages.archive]\nname = "no"\n')
    for name in ("a folder", "afile"):
        (world.root / "deep" / name).mkdir(parents=True) if " " in name else world.write(f"deep/{name}", "")
    return world.root / "deep"


def words_in_bash(script: str, words: list[str]) -> list[str]:
    """What bash offers, without the options."""
    quoted = " ".join(f"'{word}'" for word in words)
    asked = f"source {script}; COMP_WORDS=(micropkgd {quoted}); COMP_CWORD={len(words)}; _micropkgd"
    return ["bash", "--norc", "-c", f'{asked}; printf "%s\\n" "${{COMPREPLY[@]}}"']


def words_in_fish(script: str, words: list[str]) -> list[str]:
    """What fish offers."""
    return ["fish", "--no-config", "-c", f"source {script}; complete -C 'micropkgd {' '.join(words)}'"]


def words_in_zsh(script: str, words: list[str]) -> list[str]:
    """What the functions of the script for zsh print."""
    kind = {"package": "package", "publish": "package", "suspend": "pull|package"}.get(words[0], "pull")
    return ["zsh", "-f", "-c", f"compdef() {{ }}; source {script}; _micropkgd_names '{kind}'"]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(("words", "offered"), OFFERED, ids=[words for words, _ in OFFERED])
def test_names_are_completed(world: World, below: Path, shell: str, words: str, offered: list[str]) -> None:
    """Of entries, modules and errors, as the project around says; nothing that a manifest names is run."""
    if shell == "zsh" and words.startswith("explain"):
        return
    script = world.write("completion", world.run("completion", shell).out)
    typed = words.split() if words.startswith("explain") else [*words.split(), ""]
    ask = {"bash": words_in_bash, "fish": words_in_fish, "zsh": words_in_zsh}[shell]
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(below)}  # where no micropkgd is
    said = subprocess.run(
        ask(str(script), typed), cwd=below, env=environ, capture_output=True, text=True, check=True, timeout=60
    )
    found = [line.partition("\t")[0] for line in said.stdout.splitlines()]
    hidden = {"../share/nice-1.0.tar.gz"} if shell == "fish" else set()  # offered to who has typed the dot
    assert {one for one in found if not one.startswith("-")} == {*offered} - hidden
    assert said.stderr == ""
    assert not list(world.root.rglob("pwned"))


def test_zsh_completes_names(world: World, below: Path) -> None:
    """As typed at a terminal, folders too."""
    script = world.write("_micropkgd", world.run("completion", "zsh").out)
    words = {"resolve pl": "resolve plain", "package pip": "package pipelines.features"}
    folder = {f"status --project {below}/a": "a\\ folder", "explain Throt": "explain Throttled"}
    pairs = " ".join(f"'{typed}|{whole}'" for typed, whole in {**words, **folder}.items())
    text = ZSH.replace("SCRIPT", str(script))
    start, end = text.index("for words in ") + len("for words in "), text.index("; do\n  zpty")
    driver = world.write("driver", f"cd {world.root}\n{text[:start]}{pairs}{text[end:]}")
    said = subprocess.run(["zsh", "-f", str(driver)], capture_output=True, text=True, check=True, timeout=120).stdout
    for whole in (*words.values(), "a\\ folder", "explain Throttled"):
        assert whole in said


def test_every_command_and_option_is_in_every_script(world: World) -> None:
    """Nothing is completed in one shell alone."""
    for shell in SHELLS:
        text = world.run("completion", shell).out
        for node in tree_of(make_parser()).inner:
            assert node.words[0] in text
            for option in node.options:
                assert all(name.lstrip("-") in text for name in option.names), (shell, node.words, option)


def test_the_manual_can_be_read() -> None:
    """By man(1), without a warning, with every command in it."""
    command = ["man", "--warnings", "-E", "UTF-8", "-l", str(PAGE)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, env={"MANWIDTH": "80", "TERM": "dumb"})

    assert said.stderr == ""
    assert all(f"micropkgd {name}" in said.stdout for name in COMMANDS)


class Bash:
    """A real bash at a terminal, with our completion; what stands in its line can be asked."""

    def __init__(self, script: Path, folder: Path) -> None:
        ours, theirs = pty.openpty()
        environ = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "TERM": "dumb", "PS1": "$ ", "INPUTRC": "/dev/null"}
        self.process = subprocess.Popen(
            ["bash", "--norc", "-i"],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=folder,
            env=environ,
            start_new_session=True,
        )
        os.close(theirs)
        self._fd = ours
        show = r"""bind -x '"\C-g": printf "<%s>" "$READLINE_LINE"'"""
        os.write(ours, f"bind 'set bell-style none'; source '{script}'; {show}; echo rea''dy\n".encode())
        self._until(rb"\nready")

    def complete(self, words: str) -> str:
        """What the line is after a tab."""
        os.write(self._fd, words.encode() + b"\t\x07")
        return self._until(rb"<([^<>]*)>")[1].decode()

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()
        os.close(self._fd)

    def _until(self, pattern: bytes) -> re.Match[bytes]:
        seen, deadline = b"", time.monotonic() + 60
        while not (found := re.search(pattern, seen)):
            assert select.select([self._fd], [], [], max(0.0, deadline - time.monotonic()))[0], seen
            seen += os.read(self._fd, 65536)
        return found


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("micropkgd add af", "micropkgd add afile "),  # a file, where only bash knows what there is
        ("micropkgd add ../src/sh", "micropkgd add ../src/shop/"),
        ("micropkgd status --project a", "micropkgd status --project a\\ folder/"),  # folders alone
        ("micropkgd service add a", "micropkgd service add a\\ folder/"),
        ("micropkgd export -o af", "micropkgd export -o afile "),
        ("micropkgd reconcile --onc", "micropkgd reconcile --once "),
        ("micropkgd resolve pla", "micropkgd resolve plain "),
        ("micropkgd publish --sign af", "micropkgd publish --sign afile "),
    ],
)
def test_a_real_bash_completes_files_and_folders(world: World, below: Path, typed: str, line: str) -> None:
    """As typed at a terminal: names of ours, files where a file is meant, and folders where a folder is."""
    bash_there = Bash(world.write("completion", world.run("completion", "bash").out), below)
    try:
        assert bash_there.complete(typed) == line
    finally:
        bash_there.close()
    assert not list(world.root.rglob("pwned"))
