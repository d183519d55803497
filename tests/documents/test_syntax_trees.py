"""Parsing Python, from many threads and with everything that code may warn of."""

import ast
import gc
import sys
import threading
import warnings
from collections.abc import Callable, Iterator

import pytest

from micropkgd.documents.syntax_trees import syntax_tree

SOURCE = "\n".join(f"def f{n}(a, b=({n}, [1, 2])):\n    return {{'x': a + b}}\n" for n in range(300))
ODD = "x = '\\d'\n" * 20
ROUNDS = 150


class Cycle:
    """What only the collector finds, and what then runs."""

    def __init__(self) -> None:
        self.me = self

    def __del__(self) -> None:
        for _ in range(50):
            pass


@pytest.fixture
def turns() -> Iterator[None]:
    """Threads that take turns all the time."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def deep(work: Callable[[], None], levels: int) -> None:
    """Do something so far down the stack."""
    if levels:
        deep(work, levels - 1)
    else:
        work()


def in_threads(work: Callable[[], object]) -> list[BaseException]:
    """Do something again and again in two threads, at two depths; what ended them."""
    errors = list[BaseException]()

    def again() -> None:
        try:
            for _ in range(ROUNDS):
                for _ in range(20):
                    Cycle()
                work()
        except BaseException as error:  # noqa: BLE001 - whatever ends a thread
            errors.append(error)

    threads = [threading.Thread(target=deep, args=(again, levels)) for levels in (0, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


@pytest.mark.usefixtures("turns")
def test_threads_do_not_disturb_each_other() -> None:
    """`ast.parse` itself fails in the first rounds (`AST constructor recursion depth mismatch`)."""
    assert in_threads(lambda: syntax_tree(SOURCE)) == []
    assert gc.isenabled()


@pytest.mark.usefixtures("turns")
def test_nobody_else_parses_in_the_midst_of_a_tree() -> None:
    """The collector, which would let another thread run there, looks for garbage between trees alone."""
    amid = list[bool]()

    def note(phase: str, info: object) -> None:
        amid.append(sys._getframe(1).f_code.co_filename == ast.__file__)

    gc.callbacks.append(note)
    try:
        assert in_threads(lambda: syntax_tree(SOURCE)) == []
    finally:
        gc.callbacks.remove(note)
    assert amid
    assert not any(amid)


@pytest.mark.usefixtures("turns")
@pytest.mark.filterwarnings("error")
def test_threads_leave_warnings_and_the_collector_as_they_were() -> None:
    """Neither what one of them silences is heard in another, nor is it silent for ever."""
    before = list(warnings.filters)
    assert in_threads(lambda: syntax_tree(ODD)) == []
    assert (warnings.filters, gc.isenabled()) == (before, True)


@pytest.mark.parametrize("code", ["a b", "\0", "(" * 5000, "-" * 50_000 + "1"])
def test_what_cannot_be_parsed_holds_nobody_up(code: str) -> None:
    """The next one has its turn, and the collector works on."""
    with pytest.raises((SyntaxError, ValueError, MemoryError, RecursionError)):
        syntax_tree(code)
    assert gc.isenabled()
    assert syntax_tree("a = 1\n").body


def test_a_collector_that_rests_is_not_woken() -> None:
    """Whoever stopped it did so for a reason."""
    gc.disable()
    try:
        assert syntax_tree("a = 1\n").body
        assert not gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.filterwarnings("error")
def test_code_that_python_would_warn_of_is_taken_without_a_word() -> None:
    """It is somebody's, and not run."""
    assert syntax_tree(b"x = '\\d'\n").body
