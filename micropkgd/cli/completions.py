"""Completion scripts for shells, made from the tree of commands. Pure."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from micropkgd.cli.command_tree import CommandNode, OptionShape

_PATHS: Final = frozenset(("FILE", "FOLDER", "PROJECT", "DIR", "PATH", "REF"))


def bash(tree: CommandNode) -> Iterator[str]:
    """For `eval "$(micropkgd completion bash)"`."""
    yield "# bash completion of micropkgd, made by `micropkgd completion bash`"
    yield "_micropkgd() {"
    yield '  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command="" word at'
    yield "  for ((at = 1; at < COMP_CWORD; at++)); do"
    yield "    word=${COMP_WORDS[at]}"
    yield '    case "${command:+$command }$word" in'
    yield f"      {'|'.join(_quoted_words(node) for node in _nodes(tree))}) command=${{command:+$command }}$word ;;"
    yield "    esac"
    yield "  done"
    yield "  COMPREPLY=()"
    yield '  case "$command $before" in'
    for node in (tree, *_nodes(tree)):
        for option in node.options:
            for name in option.names if option.choices else ():
                words = " ".join(option.choices)
                yield f"    {_quoted_words(node, name)}) COMPREPLY=($(compgen -W '{words}' -- \"$current\")); return ;;"
    yield "  esac"
    yield '  case "$command" in'
    for node in (tree, *_nodes(tree)):
        words = " ".join((*(name for option in node.options for name in option.names or option.choices), *_names(node)))
        yield f"    {_quoted_words(node)}) COMPREPLY=($(compgen -W '{words}' -- \"$current\")) ;;"
    yield "  esac"
    yield "}"
    yield "complete -o default -F _micropkgd micropkgd"


def zsh(tree: CommandNode) -> Iterator[str]:
    """For a file `_micropkgd` in a folder of `fpath`, or to be read by `source`."""
    yield "#compdef micropkgd"
    yield "# zsh completion of micropkgd, made by `micropkgd completion zsh`"
    yield from (line for node in reversed([tree, *_nodes(tree)]) for line in _zsh_function(node))
    yield 'if [ "$funcstack[1]" = _micropkgd ]; then _micropkgd "$@"; else compdef _micropkgd micropkgd; fi'


def _zsh_function(node: CommandNode) -> Iterator[str]:
    yield f"{_function(node)}() {{"
    if node.inner:
        yield "  local line state"
        yield "  local -a inner=("
        yield from (f"    {_single(f'{one.words[-1]}:{one.what}')}" for one in node.inner)
        yield "  )"
    yield "  _arguments -C \\"
    yield from (f"    {spec} \\" for option in node.options for spec in _zsh_specs(option))
    if node.inner:
        yield "    '1: :->inner' '*:: :->rest'"
        yield "  case $state in"
        yield "    inner) _describe command inner ;;"
        yield "    rest) case $line[1] in"
        yield from (f"      {one.words[-1]}) {_function(one)} ;;" for one in node.inner)
        yield "    esac ;;"
        yield "  esac"
    else:
        yield "    && return 0"
    yield "}"


def _zsh_specs(option: OptionShape) -> Iterator[str]:
    takes = ""
    if option.takes:
        values = f"({' '.join(option.choices)})" if option.choices else "_files" if _is_path(option) else ""
        takes = f":{option.takes.lower()}:{values}".replace("{", "").replace("}", "")
    what = option.what.replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")
    if not option.names:
        yield _single(f"*{takes}")
    for name in option.names:
        yield _single(f"{name}[{what}]{takes}")


def fish(tree: CommandNode) -> Iterator[str]:
    """For `~/.config/fish/completions/micropkgd.fish`."""
    yield "# fish completion of micropkgd, made by `micropkgd completion fish`"
    yield "complete -c micropkgd -f -n __fish_use_subcommand"
    for node in (tree, *_nodes(tree)):
        seen = " ".join(f"__fish_seen_subcommand_from {word};and" for word in node.words).removesuffix(";and")
        inner = " ".join(one.words[-1] for one in node.inner)
        here = f"-n {_fish(seen or '__fish_use_subcommand')}"
        for one in node.inner:
            when = f"{seen}; and not __fish_seen_subcommand_from {inner}" if seen else "__fish_use_subcommand"
            yield f"complete -c micropkgd -n {_fish(when)} -f -a {one.words[-1]} -d {_fish(one.what)}"
        for option in node.options:
            if option.choices and not option.names:
                yield f"complete -c micropkgd {here} -f -a {_fish(' '.join(option.choices))}"
            elif option.names:
                names = " ".join(
                    f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names
                )
                takes = f" -x -a {_fish(' '.join(option.choices))}" if option.choices else " -r" if option.takes else ""
                yield f"complete -c micropkgd {here} {names}{takes} -d {_fish(option.what)}"


SHELLS: Final[Mapping[str, Callable[[CommandNode], Iterator[str]]]] = {"bash": bash, "fish": fish, "zsh": zsh}


def _nodes(tree: CommandNode) -> Iterator[CommandNode]:
    """Every command and action below."""
    for node in tree.inner:
        yield node
        yield from _nodes(node)


def _names(node: CommandNode) -> Iterator[str]:
    return (one.words[-1] for one in node.inner)


def _quoted_words(node: CommandNode, *more: str) -> str:
    return f"'{' '.join((*(node.words or ([''] if more else [])), *more))}'"


def _function(node: CommandNode) -> str:
    return "_".join(("_micropkgd", *node.words)).replace("-", "_")


def _is_path(option: OptionShape) -> bool:
    return not _PATHS.isdisjoint(option.takes.split())


def _single(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _fish(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
