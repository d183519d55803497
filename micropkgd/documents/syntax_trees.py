"""Parses Python: the one home of `ast.parse`, safe from any number of threads.

CPython 3.11 counts in one place, for all threads, how deep it is in a tree. Where the collector runs somebody's
finalizer in the midst of that, another thread may parse, and the first one ends with `SystemError`. So the collector
rests meanwhile, which saves time, too, for a tree makes much to look at and nothing to collect; and since another
thread may wake it, what was disturbed all the same is parsed once more. Whether it rests now is never asked: who asks
while another thread parses would let it rest for ever.
"""

import gc

from micropkgd.annotations import TYPE_CHECKING, Final, Literal, cast

if TYPE_CHECKING:
    import ast

_COLLECTS: Final = gc.isenabled()  # in this process, where nobody parses
_TRIES: Final = 100  # each disturbed by another thread: nobody has seen two in a row


def syntax_tree(code: bytes | str, *, type_comments: bool = False) -> "ast.Module":
    """The tree of a module; what of it is odd is nobody's concern who does not run it, so it warns of nothing."""
    return cast("ast.Module", _parsed(code, "exec", type_comments=type_comments))


def syntax_tree_of(code: str, kind: Literal["eval", "func_type"]) -> "ast.AST":
    """The tree of an expression, or of the signature in a type comment."""
    return _parsed(code, kind)


def _parsed(code: bytes | str, mode: str, *, type_comments: bool = False) -> "ast.AST":
    import ast  # only where code is parsed, which most files of most packages are not
    import warnings

    for left in reversed(range(_TRIES)):
        gc.disable()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return ast.parse(code, mode=mode, type_comments=type_comments)
        except SystemError:
            if not left:
                raise
        finally:
            if _COLLECTS:
                gc.enable()
    raise AssertionError
