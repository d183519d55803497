"""Parsing Python, from many threads and with everything that code may warn of."""

import gc
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from micropkgd.documents.syntax_trees import syntax_tree

SOURCE = "\n".join(f"def f{n}(a, b=({n}, [1, 2])):\n    return {{'x': a + b}}\n" for n in range(300))


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


@pytest.mark.usefixtures("turns")
def test_threads_do_not_disturb_each_other() -> None:
    """`ast.parse` itself fails within half a second (`AST constructor recursion depth mismatch`)."""
    until, errors = time.monotonic() + 1.5, list[BaseException]()

    def work() -> None:
        try:
            while time.monotonic() < until and not errors:
                for _ in range(20):
                    Cycle()
                syntax_tree(SOURCE)
        except BaseException as error:  # noqa: BLE001 - whatever ends a thread
            errors.append(error)

    threads = [threading.Thread(target=deep, args=(work, levels)) for levels in (0, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert gc.isenabled()


@pytest.mark.filterwarnings("error")
def test_code_that_python_would_warn_of_is_taken_without_a_word() -> None:
    """It is somebody's, and not run."""
    assert syntax_tree(b"x = '\\d'\n").body
