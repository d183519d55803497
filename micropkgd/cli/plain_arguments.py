"""Reads command lines in plain form without argparse, which takes a twentieth of a small pull.

Plain: a command, the words it takes side by side, and whole names of its options, each value a word of its own. It is
told of arguments as argparse is, by the same functions; what is not in that form, or is wrong, it declines as a whole,
and argparse reads it or says what is wrong (docs/decisions/0065). A law compares both.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from micropkgd.annotations import Any, Final
from micropkgd.named_tuples import NamedTuple

_FLAGS: Final = frozenset({"store_true", "store_const"})


class NotPlainError(Exception):
    """A command line, or the definition of a command, that is left to argparse."""


class _Argument(NamedTuple):
    """One argument of a command, in the words of argparse."""

    name: str  # the first whole one
    dest: str
    action: str = "store"
    nargs: str | int | None = None
    default: object = None
    const: object = True
    type: Callable[[str], object] = str
    choices: Collection[str] | None = None
    required: bool = False
    metavar: object = None
    help: str = ""

    def value(self, word: str) -> object:
        """What a word stands for."""
        if word.startswith("-") or (self.choices is not None and word not in self.choices):
            raise NotPlainError(word)
        try:
            return self.type(word)
        except Exception as error:
            raise NotPlainError(word) from error

    def take(self, words: Sequence[str]) -> tuple[object, Sequence[str]]:
        """What it gets of the words that are no options, and those that are left."""
        if self.nargs == "*":
            return [self.value(word) for word in words], ()
        if words:
            return self.value(words[0]), words[1:]
        if self.nargs != "?":
            raise NotPlainError(self.dest)
        return self.default, ()


class _Choice:
    """Options of which one may be given, or must be."""

    def __init__(self, command: "PlainCommand", *, required: bool) -> None:
        self._command = command
        self._required = required
        self._among: set[str] = set()

    def add_argument(self, *names: str, **how: Any) -> None:
        """Take note of one of them."""
        self._among.add(self._command.add_argument(*names, **how).name)

    def check(self, said: Mapping[str, object]) -> None:
        """Decline what is against it."""
        chosen = self._among & said.keys()
        if len(chosen) > 1 or (self._required and not chosen):
            raise NotPlainError(chosen)


class PlainCommand:
    """A command that is told of its arguments as one of argparse is, and reads what is said to it."""

    def __init__(self) -> None:
        self._options: dict[str, _Argument] = {}
        self._places: list[_Argument] = []
        self._defaults: dict[str, object] = {}
        self._choices: list[_Choice] = []

    def add_argument(self, *names: str, **how: Any) -> _Argument:
        """Take note of an argument."""
        name = next((name for name in names if name.startswith("--")), names[0])
        default: dict[str, object] = {"default": False} if how.get("action") == "store_true" else {}
        argument = _Argument(name, **{"dest": name.lstrip("-").replace("-", "_"), **default, **how})
        if name.startswith("-"):
            self._options |= dict.fromkeys(names, argument)
            self._defaults.setdefault(argument.dest, argument.default)
        else:
            self._places.append(argument)
        return argument

    def add_mutually_exclusive_group(self, *, required: bool = False) -> _Choice:
        """Take note of options of which one may be given."""
        self._choices.append(choice := _Choice(self, required=required))
        return choice

    def add_subparsers(self, **how: Any) -> Any:
        """Leave commands that have actions to argparse."""
        raise NotPlainError(how)

    def set_defaults(self, **values: object) -> None:
        """Take note of what holds where nothing is said."""
        self._defaults |= values

    def read(self, words: Sequence[str]) -> dict[str, object]:
        """What these words ask for."""
        said, places = self._options_in(words)
        self._check(said)
        values = self._defaults | {self._options[name].dest: value for name, value in said.items()}
        for argument in self._places:
            values[argument.dest], places = argument.take(places)
        if places:
            raise NotPlainError(places)
        return values

    def _options_in(self, words: Sequence[str]) -> tuple[Mapping[str, object], Sequence[str]]:
        """The options with what they are set to, and the words that are no options."""
        said: dict[str, object] = {}
        places: list[str] = []
        ended = False  # there was an option behind the words that are none: argparse takes no more of them
        rest = iter(words)
        for word in rest:
            argument = self._options.get(word)
            if argument is None:
                if word.startswith("-") or ended:
                    raise NotPlainError(word)
                places.append(word)
                continue
            ended = bool(places)
            said.pop(argument.name, None)  # of options for the same thing the last one counts
            said[argument.name] = self._set_to(argument, rest)
        return said, places

    @staticmethod
    def _set_to(argument: _Argument, rest: Iterator[str]) -> object:
        if argument.action in _FLAGS:
            return argument.const
        if argument.action != "store" or argument.nargs is not None:
            raise NotPlainError(argument.dest)
        return argument.value(next(rest, "-"))

    def _check(self, said: Mapping[str, object]) -> None:
        """Decline what lacks an option, or says two that exclude each other."""
        for argument in self._options.values():
            if argument.required and argument.name not in said:
                raise NotPlainError(argument.dest)
        for choice in self._choices:
            choice.check(said)
