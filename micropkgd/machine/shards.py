"""Divides projects among machines that do not know each other: `--shard`. Pure.

Rendezvous hashing: each project is given to the shard whose number, hashed with the project's path, gives the greatest
value. So a project that comes or goes moves no other one, and one shard more takes an N-th of the projects, from all
others alike, and moves nothing else.
"""

import os
from collections.abc import Iterable, Mapping
from hashlib import blake2b

from micropkgd.errors import UsageError
from micropkgd.named_tuples import NamedTuple

_LARGEST = 10_000
_HINT = "say --shard I/N, with I from 1 to N, or --shard auto"
# By the variable that numbers a runner's jobs: the number of the first, and the variable that says how many they are.
_INDEXES = {
    "CI_NODE_INDEX": (1, "CI_NODE_TOTAL"),  # GitLab's `parallel:`
    "AWS_BATCH_JOB_ARRAY_INDEX": (0, "AWS_BATCH_JOB_ARRAY_SIZE"),  # array jobs of AWS Batch
    "JOB_COMPLETION_INDEX": (0, None),  # Indexed Jobs of Kubernetes, which do not say how many they are
}


class Shard(NamedTuple):
    """Part `number`, from 1 on, of `total`. Build it with `parse`, which checks."""

    number: int
    total: int

    @classmethod
    def parse(cls, text: str, environ: Mapping[str, str]) -> "Shard":
        """Read `I/N`, or `auto` and `auto/N`, for which the runner's variables say what is left open."""
        number, slash, count = text.partition("/")
        if number == "auto":
            return _checked(*_of_runner(count if slash else None, environ))
        return _checked(number, count, f"`{text}`")

    def takes(self, project: str) -> bool:
        """Whether this part is the one for a project, which has the same name on every machine."""
        own = _weight(self.number, project)
        return all(_weight(other, project) <= own for other in range(1, self.total + 1) if other != self.number)

    def of(self, roots: Iterable[str], folder: str) -> list[str]:
        """The projects of this part; those below a folder are called as they are from there."""
        return [root for root in roots if self.takes(name_of(root, folder))]


def name_of(root: str, folder: str) -> str:
    """What a project is called for all machines: its path from a folder on, or the whole one where it is elsewhere."""
    root, folder = os.path.abspath(os.path.join(folder, root)), os.path.abspath(folder)
    return os.path.relpath(root, folder) if os.path.commonpath([root, folder]) == folder else root


def _weight(number: int, project: str) -> bytes:
    return blake2b(os.fsencode(project), digest_size=8, key=number.to_bytes(4)).digest()


def _of_runner(count: str | None, environ: Mapping[str, str]) -> tuple[str, str, str]:
    """The number and count that the runner's variables say, and where they are from."""
    for variable, (first, total) in _INDEXES.items():
        index = environ.get(variable, "")
        if not index:
            continue
        said = count if count is not None else environ.get(total, "") if total is not None else ""
        if not said:
            missing = f"${variable} is {index}, and nothing says how many shards there are"
            raise UsageError(missing, hint="say --shard auto/N: N is the Job's `completions`")
        number = str(int(index) - first + 1) if index.isdecimal() else index
        return number, said, f"${variable}={index}" + (f", ${total}={said}" if count is None else f" of {count}")
    raise UsageError(
        f"--shard auto finds none of {', '.join(f'${one}' for one in _INDEXES)}",
        hint="say which part this is and of how many: --shard 2/8",
    )


def _checked(number: str, count: str, where: str) -> Shard:
    digits = number.isascii() and number.isdecimal() and count.isascii() and count.isdecimal()
    if not digits or len(number) > len(str(_LARGEST)) or len(count) > len(str(_LARGEST)):
        raise UsageError(f"{where} is not a part such as 2/8", hint=_HINT)
    if not 1 <= int(number) <= int(count) <= _LARGEST:
        problem = f"{where} is out of range: parts go from 1 to {count}, and there are {_LARGEST:,} at the most"
        raise UsageError(problem, hint=_HINT)
    return Shard(int(number), int(count))
