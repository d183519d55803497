"""Parses Python: the one home of `ast.parse`, safe from any number of threads.

One tree at a time, and the collector rests meanwhile. CPython before 3.11.8 counts in one place for all threads how
deep it is in a tree, and says `SystemError` where another thread began one meanwhile (python/cpython#106905). A thread
that makes a tree lets no other one run, except where the collector runs somebody's finalizer in the midst of it; and
other code than ours parses, too, as to show a traceback. To wait for each other costs nothing, for two threads would
not make their trees at the same time anyway; nor do they take back each other's setting of the collector, or of
warnings. A tree makes much to look at and nothing to collect, so that the rest saves time, too.
"""

import gc
from _thread import allocate_lock  # `threading` would make the end of the process wait for threads
from collections.abc import Iterator
from contextlib import contextmanager

from micropkgd.annotations import TYPE_CHECKING, Final, Literal, cast

if TYPE_CHECKING:
    import ast

_TURN: Final = allocate_lock()


def syntax_tree(code: bytes | str, *, type_comments: bool = False) -> "ast.Module":
    """The tree of a module; what of it is odd is nobody's concern who does not run it, so it warns of nothing."""
    return cast("ast.Module", _parsed(code, "exec", type_comments=type_comments))


def syntax_tree_of(code: str, kind: Literal["eval", "func_type"]) -> "ast.AST":
    """The tree of an expression, or of the signature in a type comment."""
    return _parsed(code, kind)


@contextmanager
def collector_rests() -> Iterator[None]:
    """For as long as a tree is made, also one of YAML: one thread at a time, and nothing is collected."""
    with _TURN:
        collects = gc.isenabled()
        gc.disable()
        try:
            yield
        finally:
            if collects:
                gc.enable()


def _parsed(code: bytes | str, mode: str, *, type_comments: bool = False) -> "ast.AST":
    import ast  # only where code is parsed, which most files of most packages are not
    import warnings

    with collector_rests(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(code, mode=mode, type_comments=type_comments)
