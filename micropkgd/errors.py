"""The errors that people see, sorted by who must act.

Every error a person can cause or can mend is a `MicropkgError`: it says what is wrong, where, why, and (as
`hint`) what to do, and knows the exit code of docs/json.md. Anything else that escapes is a bug.
"""

import errno

from micropkgd.annotations import ClassVar, Final, Self

_SHORT: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOLCK, errno.ENOSPC, errno.EDQUOT})


class MicropkgError(Exception):
    """Base of all errors shown without a traceback.

    `problem` is one sentence in lower case without a final stop; `where` names a file, key, ref or member;
    `hint` says what to do about it. `lasting` is False where trying the same again may help.
    """

    exit_code: ClassVar[int] = 1
    lasting: ClassVar[bool] = True

    def __init__(self, problem: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.where = where
        self.hint = hint

    @classmethod
    def unreadable(cls, error: OSError, where: str, hint: str = "") -> "MicropkgError":
        """What the machine says when a file or folder cannot be read; for want of something, nobody need act."""
        kind = ShortageError if is_shortage(error) else cls
        return kind(f"cannot be read: {words_of(error)}", where=where, hint=hint)

    def at(self, where: str) -> Self:
        """Give the error the address it did not know where it was raised; the innermost address stays."""
        if not self.where:
            self.where = where
        return self

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}" if self.where else self.problem


class UsageError(MicropkgError):
    """The caller must change the command: an option, a project argument or a name in it."""

    exit_code = 2


class DocumentError(MicropkgError):
    """The owner must mend a file: manifest, lock, settings or fs-args."""

    exit_code = 2


class ArchiveError(MicropkgError):
    """The publisher must mend the archive. `reason` is one of the stable words of docs/archives.md."""

    exit_code = 6

    def __init__(self, reason: str, problem: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(problem, where=where, hint=hint)
        self.reason = reason


class CodeError(MicropkgError):
    """The author must mend a Python file that cannot be parsed or decoded."""

    exit_code = 1


class TreeError(MicropkgError):
    """The user must change something on disk: permissions, a link or a folder in the way, free space."""

    exit_code = 1


class ShortageError(TreeError):
    """The machine is short of something for now: descriptors, memory or room on its disk."""

    lasting = False

    @classmethod
    def of(cls, error: OSError, where: str = "") -> Self:
        """What the machine refused somewhere that no better word was known."""
        return cls(words_of(error), where=str(error.filename or where))


class OutOfStepError(MicropkgError):
    """Manifest and lock disagree where the command forbids to change either (`--locked`)."""

    exit_code = 3


class StillHeldError(MicropkgError):
    """Somebody must go on with what a held entry asks: what they made of it cannot be taken yet."""

    exit_code = 4


class ProjectBusyError(MicropkgError):
    """Another process holds the project."""

    exit_code = 7
    lasting = False


def is_shortage(error: OSError) -> bool:
    """Whether the machine refused for want of something that it may have again later."""
    return error.errno in _SHORT


def words_of(error: OSError) -> str:
    """Why the machine refused, as part of a sentence."""
    return (error.strerror or str(error)).lower()
