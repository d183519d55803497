"""The parser of each command: whole option names only, a hint for the nearest that was meant, examples in its help."""

import argparse
import os
import re
from argparse import Action, ArgumentParser, HelpFormatter, Namespace
from collections.abc import Mapping, Sequence

from micropkgd.annotations import Any, NoReturn
from micropkgd.cli.lines import plain
from micropkgd.cli.terminal import width_of_help

# Its words stay English beside ours, whatever catalogs of translations a machine has: to look for one takes `locale`.
vars(argparse).update(_=str, ngettext=lambda one, more, count: one if count == 1 else more)

_ARTICLES = {"COMMAND": "a command", "ACTION": "an action"}
_FEW = 8  # choices that a hint lists
_CHOICE = r"(?s)argument (\S+): invalid choice: '?(.*?)'? \(choose from (.*)\)"


def _formatter(prog: str) -> HelpFormatter:
    """Lays help texts out; argparse makes one for each option that it is told of, and imports shutil for its width."""
    return HelpFormatter(prog, width=width_of_help() - 2)


class CommandParser(ArgumentParser):
    """A command, or an action of one."""

    def __init__(self, **options: Any) -> None:  # as argparse passes them on to the parsers of commands
        super().__init__(allow_abbrev=False, formatter_class=_formatter, **options)

    def parse_known_args(  # type: ignore[override]  # argparse has an overload for other namespaces
        self, args: Sequence[str] | None = None, namespace: Namespace | None = None
    ) -> tuple[Namespace, list[str]]:
        """Refuse here what this command does not know: it knows best what was meant."""
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown:
            first = next((word for word in unknown if word.startswith("-")), unknown[0])
            option = first.partition("=")[0]
            known = re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", self.format_help())
            problem = f"unknown option `{option}`" if first.startswith("-") else f"`{first}` is one argument too many"
            if "--project" in known and not first.startswith("-") and os.path.isdir(first):
                from shlex import quote

                self._refuse(problem, "", (), f"did you mean `--project {quote(first)}`?")
            self._refuse(problem, option if option.startswith("--") else "", known)
        return parsed, unknown

    def arguments(self) -> Sequence[Action]:
        """All that it takes, in the order of its help."""
        return self._actions

    def helps(self) -> Mapping[str, str]:
        """What is said of each command below it."""
        below = (inner for action in self._actions for inner in getattr(action, "_choices_actions", ()))
        return {inner.dest: inner.help or "" for inner in below}

    def format_help(self) -> str:
        """What argparse says, with examples and the names of variables that count."""
        from micropkgd.cli.examples import help_end

        return super().format_help() + help_end(self.prog)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and what may have been meant."""
        if found := re.fullmatch(_CHOICE, message):
            name, word, known = found.groups()
            what = f"a choice of {name}" if name.startswith("-") else _ARTICLES[name]
            choices = re.findall(r"[\w-]+", known)
            few = f"see `{self.prog} --help`: {', '.join(choices)}" if len(choices) <= _FEW else ""
            self._refuse(f"`{word}` is not {what}", word, choices, few)
        self._refuse(message, "", ())

    def _refuse(self, problem: str, word: str, known: Sequence[str], otherwise: str = "") -> NoReturn:
        from micropkgd.cli.say import say_aside
        from micropkgd.model.failure_codes import code_of
        from micropkgd.model.fields import nearest

        near = nearest(word, known) if word else None
        hint = f"did you mean `{near}`?" if near else otherwise or f"see `{self.prog} --help`"
        say_aside([f"error: {plain(problem)} [{code_of('Usage')}]", f"hint: {hint}"])
        self.exit(2)
