"""Checks whether a hook's argument list makes a program run what stands in its working folder. Pure.

A hook works in a project, which may come from anywhere. What such a list names by a relative path, and what programs
like `make` or `pytest` find in their working folder, is code of that project. This is a reading of words and no proof:
it knows the usual programs, so that `config check` can warn of the usual mistakes.
"""

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence

from micropkgd.annotations import Final

_WRAPPERS: Final = frozenset(
    {"chronic", "chrt", "doas", "env", "exec", "flock", "ionice", "nice", "nohup", "setsid", "stdbuf", "sudo",
     "systemd-run", "taskset", "time", "timeout"}
)  # fmt: skip
_RUN_WHAT_THEY_FIND: Final = frozenset(
    {"ant", "bazel", "bundle", "cargo", "dvc", "flake8", "gmake", "go", "gradle", "hatch", "invoke", "just", "kedro",
     "make", "mvn", "mypy", "ninja", "nosetests", "nox", "npm", "npx", "pdm", "pipenv", "pnpm", "poetry", "pre-commit",
     "py.test", "pylint", "pytest", "rake", "rye", "snakemake", "task", "tox", "unittest", "uv", "yarn"}
)  # fmt: skip
_SHELLS: Final = frozenset({"bash", "dash", "fish", "ksh", "sh", "zsh"})
_INTERPRETERS: Final = _SHELLS | {"lua", "node", "perl", "php", "ruby", "Rscript"}
_PYTHON: Final = re.compile(r"(python|pypy)[0-9.]*t?")
_ASSIGNMENT: Final = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_SEARCHED: Final = re.compile(r"PATH|PYTHONHOME|LD_PRELOAD|BASH_ENV|ENV|\w+PATH|\w+LIB")
_AMOUNT: Final = re.compile(r"\d[\d.]*[smhd]?")
_PARTS: Final = frozenset({";", "&", "&&", "|", "||", "(", ")", "{", "}", "!", "do", "then", "else", "if", "while"})


def runs_the_project(argv: Sequence[str]) -> str:
    """What of the project a command would run, in words; empty where nothing is seen."""
    return next(_reasons(list(argv)), "")


def _reasons(argv: list[str]) -> Iterator[str]:
    while argv:
        program, *words = argv
        name = program.rpartition("/")[2]
        if found := _ASSIGNMENT.fullmatch(program):
            yield from _of_variable(found[1], found[2])
        elif _is_relative(program):
            yield f"`{program}` is a program of the project"
            return
        elif not (name in _WRAPPERS or program.startswith("-") or _AMOUNT.fullmatch(program)):
            yield from _of_program(name, words)
            return
        argv = words


def _of_variable(name: str, value: str) -> Iterator[str]:
    if _SEARCHED.fullmatch(name) and any(not part.startswith("/") for part in value.split(":")):
        yield f"`{name}={value}` makes programs look into the project"


def _of_program(name: str, words: Sequence[str]) -> Iterator[str]:
    if name in _RUN_WHAT_THEY_FIND:
        yield f"`{name}` runs what it finds in the project"
    elif _PYTHON.fullmatch(name):
        yield from _of_python(words)
    elif name in {".", "source"} and words and not words[0].startswith("/"):
        yield f"`{words[0]}` is a file of the project"
    elif name in _INTERPRETERS:
        yield from _of_interpreter(name, words)


def _of_python(words: Sequence[str]) -> Iterator[str]:
    """`-m` and `-c` look into the working folder, but for `-I`, `-P` and the variable that hooks get since 3.11."""
    isolated = False
    rest = iter(enumerate(words, start=1))
    for number, word in rest:
        if not word.startswith("-") or word == "-":
            yield from _of_file(word)
            return
        options, argument = _split_options(word)
        if options.endswith(("W", "X")) and not argument:
            next(rest, None)
        isolated = isolated or bool({"I", "P"} & set(options))
        if options.endswith(("m", "c")):
            argument = argument or next(iter(words[number:]), "")
            if options.endswith("m") and argument.replace("_", "-") in _RUN_WHAT_THEY_FIND:
                yield f"`{argument}` runs what it finds in the project"
            if not isolated:
                yield "a Python older than 3.11 would look for modules in the project first: add `-I`"
            return


def _split_options(word: str) -> tuple[str, str]:
    """The letters of a word of short options as far as one that ends them, and what stands behind that in the word."""
    if word.startswith("--"):
        return "", ""
    end = next((place for place, letter in enumerate(word) if letter in "mcWX"), len(word) - 1)
    return word[1 : end + 1], word[end + 1 :]


def _of_interpreter(name: str, words: Sequence[str]) -> Iterator[str]:
    for number, word in enumerate(words):
        if name in _SHELLS and re.fullmatch(r"-[a-z]*c", word):
            yield from _of_line(next(iter(words[number + 1 :]), ""))
            return
        if word in {"-e", "-r"} and name not in _SHELLS:  # code stands in the list itself
            return
        if not word.startswith(("-", "+")):
            yield from _of_file(word)
            return


def _of_line(text: str) -> Iterator[str]:
    """Each command of a line for a shell; what this cannot split is not judged."""
    lexer = shlex.shlex(text.replace("\n", ";"), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:
        return
    for command in _commands(words):
        yield from _reasons(command)


def _commands(words: Iterable[str]) -> Iterator[list[str]]:
    command: list[str] = []
    for word in words:
        if word in _PARTS:
            yield command
            command = []
        else:
            command.append(word)
    yield command


def _of_file(word: str) -> Iterator[str]:
    if word != "-" and not word.startswith("/"):
        yield f"`{word}` is a file of the project"


def _is_relative(program: str) -> bool:
    return "/" in program and not program.startswith("/")
