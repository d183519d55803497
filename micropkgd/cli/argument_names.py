"""The part of completion scripts that names what a project has: entries, modules, folders, codes. Pure.

A shell finds entries itself, in `pyproject.toml` and `micropkg.lock` of the project around, by `awk`: neither the
program nor the service is started for a key press. Rule: a manifest may be anybody's, and a shell may run what it is
given to complete; a name with any letter but plain ones is not offered.
"""

from collections.abc import Iterator
from enum import StrEnum

from micropkgd.annotations import Final
from micropkgd.cli.command_tree import CommandNode, OptionShape


class ArgumentKind(StrEnum):
    """What a word of the command line may name."""

    PULLS = "pull"
    MODULES = "package"
    ENTRIES = "pull|package"
    FOLDERS = "folders"
    FILES = "files"
    NOTHING = ""


_BY_WORD: Final = {
    "ENTRY": ArgumentKind.ENTRIES,
    "FILE": ArgumentKind.FILES,
    "FOLDER": ArgumentKind.FOLDERS,
    "DIR": ArgumentKind.FOLDERS,
    "MODULE": ArgumentKind.MODULES,
    "PATH": ArgumentKind.FILES,
    "PROJECT": ArgumentKind.FOLDERS,
    "REF": ArgumentKind.PULLS,
}
_NEW_REFS: Final = frozenset({("add",), ("pull",)})  # commands whose REF is an archive, and not yet an entry


def named_by(node: CommandNode, option: OptionShape) -> ArgumentKind:
    """What an option or argument of a command names."""
    named = next((_BY_WORD[word] for word in option.takes.split() if word in _BY_WORD), ArgumentKind.NOTHING)
    return ArgumentKind.FILES if named is ArgumentKind.PULLS and node.words in _NEW_REFS else named


def arguments_of(node: CommandNode) -> ArgumentKind:
    """What the arguments of a command name."""
    return next((named_by(node, option) for option in node.options if not option.names), ArgumentKind.NOTHING)


def names_function(name: str) -> Iterator[str]:
    """A function of sh, bash and zsh that prints the names of a kind, a line each."""
    yield f"{name}() {{"
    yield '  local at="$PWD"'
    yield '  while [ -n "$at" ] && [ ! -f "$at/pyproject.toml" ]; do at="${at%/*}"; done'
    yield '  [ -n "$at" ] && awk -v kind="$1" \''
    yield from _AWK
    yield '  \' "$at/pyproject.toml" "$at/micropkg.lock" 2>/dev/null'
    yield "}"


def names_function_of_fish(name: str) -> Iterator[str]:
    """The same for fish."""
    yield f"function {name}"
    yield "  set -l at $PWD"
    yield '  while test -n "$at"; and not test -f "$at/pyproject.toml"'
    yield "    set at (string replace -r '/[^/]*$' '' -- $at)"
    yield "  end"
    yield '  test -n "$at"; and awk -v kind="$argv[1]" \''
    yield from (line.replace("\\", "\\\\") for line in _AWK)
    yield '  \' "$at/pyproject.toml" "$at/micropkg.lock" 2>/dev/null'
    yield "end"


_AWK: Final = tuple(
    r"""
    FNR == 1 { table = "" }
    /^\[/ { table = $0; next }
    FILENAME ~ /pyproject.toml$/ && table ~ ("^[[]tool[.](micropkgd|kedro[.]micropkg)[.](" kind ")[]]") {
      name = $0; sub(/^[ \t]*/, "", name)
      if (name ~ /^"/) { name = substr(name, 2); sub(/".*/, "", name) } else sub(/[ \t]*=.*/, "", name)
      offer(name)
    }
    FILENAME ~ /micropkg.lock$/ && kind ~ /pull/ && table == "[[packages]]" && /^name = / {
      name = $3; gsub(/"/, "", name); offer(name)
    }
    function offer(name) {
      if (name ~ /^[A-Za-z0-9_.][A-Za-z0-9_.\/+-]*$/ && !(name in seen)) { seen[name]; print name }
    }
""".strip("\n").splitlines()
)
