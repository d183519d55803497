"""Completions, tried in the shells themselves, and the manual, read by man(1)."""

import subprocess
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
