"""Completion scripts for shells, made from the tree of commands. Pure."""

from collections.abc import Callable, Iterator, Mapping

from micropkgd.annotations import Final
from micropkgd.cli.argument_names import ArgumentKind, arguments_of, named_by, names_function, names_function_of_fish
from micropkgd.cli.command_tree import CommandNode, OptionShape

_OF_ENTRIES: Final = (ArgumentKind.PULLS, ArgumentKind.MODULES, ArgumentKind.ENTRIES)


def bash(tree: CommandNode) -> Iterator[str]:
    """For `eval "$(micropkgd completion bash)"`."""
    yield "# bash completion of micropkgd, made by `micropkgd completion bash`"
    yield from names_function("_micropkgd_names")
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
            for name in option.names if option.takes and not option.choices else ():
                yield f"    {_quoted_words(node, name)}) {_bash_values(named_by(node, option))}return ;;"
    yield "  esac"
    yield '  case "$command" in'
    for node in (tree, *_nodes(tree)):
        words = " ".join((*(name for option in node.options for name in option.names or option.choices), *_names(node)))
        names = "" if node.inner else _bash_values(arguments_of(node))
        yield f"    {_quoted_words(node)}) {names}COMPREPLY+=($(compgen -W '{words}' -- \"$current\")) ;;"
    yield "  esac"
    yield "}"
    yield "complete -o default -F _micropkgd micropkgd"


def _bash_values(named: ArgumentKind) -> str:
    """What completes the current word by the names of a kind; `compgen -W` expands them: none has a letter for that."""
    if named in _OF_ENTRIES:
        return f'COMPREPLY=($(compgen -W "$(_micropkgd_names \'{named}\')" -- "$current")); '
    return "compopt -o dirnames 2> /dev/null; " if named is ArgumentKind.FOLDERS else ""


def zsh(tree: CommandNode) -> Iterator[str]:
    """For a file `_micropkgd` in a folder of `fpath`, or to be read by `source`."""
    yield "#compdef micropkgd"
    yield "# zsh completion of micropkgd, made by `micropkgd completion zsh`"
    yield from names_function("_micropkgd_names")
    for number, named in enumerate(_OF_ENTRIES):
        yield f"_micropkgd_offer_{number}() {{ compadd -- ${{(f)\"$(_micropkgd_names '{named}')\"}} }}"
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
    yield from (f"    {spec} \\" for option in node.options for spec in _zsh_specs(node, option))
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


def _zsh_specs(node: CommandNode, option: OptionShape) -> Iterator[str]:
    takes = ""
    if option.takes:
        values = f"({' '.join(option.choices)})" if option.choices else _zsh_values(named_by(node, option))
        takes = f":{option.takes.lower()}:{values}".replace("{", "").replace("}", "")
    what = option.what.replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")
    if not option.names:
        arguments = [one for one in node.options if not one.names]
        last = option is arguments[-1]  # which takes all the words that follow; zsh knows one such
        yield _single(f"{'*' if last else arguments.index(option) + 1}{takes}")
    for name in option.names:
        yield _single(f"{name}[{what}]{takes}")


def _zsh_values(named: ArgumentKind) -> str:
    """The function that offers the names of a kind."""
    if named in _OF_ENTRIES:
        return f"_micropkgd_offer_{_OF_ENTRIES.index(named)}"
    return {ArgumentKind.FOLDERS: "_files -/", ArgumentKind.FILES: "_files"}.get(named, "")


def fish(tree: CommandNode) -> Iterator[str]:
    """For `~/.config/fish/completions/micropkgd.fish`."""
    yield "# fish completion of micropkgd, made by `micropkgd completion fish`"
    yield from names_function_of_fish("__micropkgd_names")
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
            elif not option.names and (values := _fish_values(named_by(node, option))):
                yield f"complete -c micropkgd {here} -f{values}"
            elif option.names:
                names = " ".join(
                    f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names
                )
                values = _fish_values(named_by(node, option))
                takes = f" -x -a {_fish(' '.join(option.choices))}" if option.choices else " -r" if option.takes else ""
                takes = f" -x{values}" if values else takes
                yield f"complete -c micropkgd {here} {names}{takes} -d {_fish(option.what)}"


def _fish_values(named: ArgumentKind) -> str:
    """What offers the names of a kind; files are offered by fish itself."""
    if named in _OF_ENTRIES:
        return f" -a \"(__micropkgd_names '{named}')\""
    return " -a '(__fish_complete_directories)'" if named is ArgumentKind.FOLDERS else ""


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


def _single(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _fish(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
