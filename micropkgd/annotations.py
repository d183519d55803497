"""The words of annotations, which cost nothing to import: to a type checker they are those of `typing`.

That takes a sixteenth of a small pull to import, and while a command runs nothing reads what annotations say, so that
each word may be the same empty one (docs/decisions/0064). What does something at run time, as `Generic`,
`runtime_checkable` and a type variable that one of these or an alias takes, is taken from `typing` itself.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import (
        Any,
        BinaryIO,
        ClassVar,
        Final,
        Literal,
        NewType,
        NoReturn,
        Protocol,
        Self,
        TextIO,
        TypeVar,
        cast,
    )
else:

    class _Word:
        """A word of which any form may be written, and which is itself in all of them."""

        def __getitem__(self, item: object) -> "_Word":
            return self

        def __or__(self, other: object) -> "_Word":
            return self

        __ror__ = __or__

    class Protocol:
        """What is asked of a value."""

        def __class_getitem__(cls, item: object) -> type:
            return cls

    Any = BinaryIO = ClassVar = Final = Literal = NoReturn = Self = TextIO = _Word()

    def TypeVar(name: str, **of: object) -> _Word:  # noqa: N802 - named like those that it stands for
        """A type that is not known yet."""
        del name, of
        return Any

    def NewType(name: str, of: type) -> type:  # noqa: N802
        """A kind of another type."""
        del name
        return of

    def cast(kind: object, value: object) -> object:
        """A value of which more is known than a type checker sees."""
        del kind
        return value


__all__ = [
    "TYPE_CHECKING", "Any", "BinaryIO", "ClassVar", "Final", "Literal", "NewType", "NoReturn", "Protocol",
    "Self", "TextIO", "TypeVar", "cast",
]  # fmt: skip
