"""Run one command of the machine's config: with `machine/unasked` the only place that starts another program unasked.

Asked by a person at a terminal, `cli/merge_tool` does, too.

Promise: a command gets words and never a line for a shell, a few named variables and no others, no open file of ours,
and a limited time; when it ends, or its time does, whatever it left in its process group ends with it. What it prints
is kept as far as it can be shown in a line.
Rule: a command works in a project, and a project may be hostile. No program is found in or below it, whatever PATH
says, and Python does not look there for modules (`PYTHONSAFEPATH`).
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

from micropkgd.annotations import Final, Protocol
from micropkgd.machine.safe_path import path_beside
from micropkgd.model.variables import PREFIX
from micropkgd.named_tuples import NamedTuple

_INHERITED: Final = ("PATH", "HOME", "LANG", "TMPDIR", "XDG_RUNTIME_DIR")
_KEPT: Final = 4096  # bytes of the end of what a command prints
_SHOWN_LINES: Final = 5
_SHOWN: Final = 500  # characters
_LONGEST: Final = 30_000  # characters of a variable, of up to four bytes; Linux takes 128 KiB
_GRACE: Final = 1.0  # seconds between asking a command to end and ending it


class CommandResult(NamedTuple):
    """How a command ended."""

    problem: str  # empty where it ended well
    said: str  # the last lines of its output, in one line that can be shown

    def __str__(self) -> str:
        return ": ".join(part for part in (self.problem or "ended well", self.said) if part)


class HookClock(Protocol):
    """Is told how long a hook took, and whether it failed."""

    def __call__(self, hook: str, seconds: float, *, failed: bool) -> None:
        """Take note of it."""


def unmeasured(hook: str, seconds: float, *, failed: bool) -> None:
    """Take note of nothing."""
    del hook, seconds, failed


def environment(facts: Mapping[str, str], own: Mapping[str, str], project: str) -> dict[str, str]:
    """The variables of a command: those of `own` that every program needs, and what happened, as `MICROPKGD_...`."""
    kept = {name: own[name] for name in _INHERITED if name in own}
    safe = {"PATH": path_beside(project, kept.get("PATH", os.defpath)), "PYTHONSAFEPATH": "1"}
    return kept | safe | {f"{PREFIX}{name}": _fitting(value) for name, value in facts.items()}


async def run(argv: Sequence[str], facts: Mapping[str, str], folder: str, seconds: float) -> CommandResult:
    """Run a command in a folder of the project `facts["PROJECT"]`; that it cannot be run is a way of ending too."""
    if "/" in argv[0] and not os.path.isabs(argv[0]):
        return CommandResult(f"`{argv[0]}` is not run: it would be a program of the project; write its whole path", "")
    async with _pipe() as (output, write_end):
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                cwd=folder,
                env=environment(facts, os.environ, facts.get("PROJECT", folder)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=write_end,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            return CommandResult(_cannot_be_run(argv[0], error), "")
        finally:
            os.close(write_end)
        return CommandResult(await _outlast(process, seconds), shown(await output()))


async def _outlast(process: asyncio.subprocess.Process, seconds: float) -> str:
    """Wait for the end, or make it: what is wrong with it."""
    try:
        async with asyncio.timeout(seconds):
            return _problem_of(await process.wait())
    except TimeoutError:
        _signal(process.pid, signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(_GRACE):
                await process.wait()
        return f"took longer than {seconds:g} s"
    finally:
        _signal(process.pid, signal.SIGKILL)


@asynccontextmanager
async def _pipe() -> AsyncIterator[tuple[Callable[[], Awaitable[bytes]], int]]:
    """A pipe of our own, as what asyncio makes keeps `wait` waiting for whoever inherited it: its end is read on.

    Gives the end of what was written, once nobody writes any more or a moment has passed, and the end to write to,
    which the caller closes.
    """
    read_end, write_end = os.pipe()
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(read_end, "rb", 0))
    kept = bytearray()

    async def read_on() -> None:
        while chunk := await reader.read(65536):
            kept.extend(chunk)
            del kept[:-_KEPT]

    reading = asyncio.create_task(read_on())

    async def output() -> bytes:
        await asyncio.wait({reading}, timeout=_GRACE)  # a child in a session of its own may hold the pipe for ever
        return bytes(kept)

    try:
        yield output, write_end
    finally:
        reading.cancel()
        transport.close()


def _cannot_be_run(program: str, error: OSError | ValueError) -> str:
    reason = (getattr(error, "strerror", None) or str(error)).lower()
    what = getattr(error, "filename", None)
    return f"`{program}` cannot be run: {reason}{'' if what in {None, program} else f': {what}'}"


def _fitting(value: str) -> str:
    """What the kernel takes for a variable: without NUL, and with its last lines left out where it is too long."""
    plain = value.replace("\0", "")
    if len(plain) <= _LONGEST:
        return plain
    return plain[:_LONGEST].rpartition("\n")[0] + "\n..."


def _problem_of(code: int) -> str:
    if code < 0:
        return f"was ended by signal {-code}"
    return f"ended with {code}" if code else ""


def _signal(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def shown(output: bytes) -> str:
    """The last lines of what a command printed, as one line without control characters."""
    lines = [line.strip() for line in output.decode(errors="replace").splitlines()]
    text = " | ".join([line for line in lines if line][-_SHOWN_LINES:])
    clean = "".join(character if character.isprintable() else " " for character in text)
    return clean if len(clean) <= _SHOWN else f"...{clean[-_SHOWN:]}"
