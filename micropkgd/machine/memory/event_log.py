"""The events of a service on disk: two files of lines in the user's state folder, the older one and the one in use.

Promise: bounded by count and bytes; whatever ends the process, also in the middle of a line, no reader is ever shown
half an event, and numbers go on where they were. A disk that refuses keeps nobody from anything: what could not be
written waits, is written when that is over, and the oldest of it is lost.

A line is written before anybody is told of it, in one call and not synced: the kernel has it, so that a killed service
has lost nothing; what a loss of power takes is no more than the last moments of a diary.
"""

import json
import os
import stat
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress

from micropkgd.annotations import Final
from micropkgd.errors import words_of
from micropkgd.model.event import Event, read_event

_TRIES: Final = 3  # to read both files as they were at one time
SHOWN: Final = 1000  # events that are remembered; a file holds as many
LARGEST: Final = 1 << 20  # bytes of a file
_LONGEST: Final = 8192  # characters of one message
_CURRENT: Final = "events.jsonl"
_OLDER: Final = "events.1.jsonl"


def read_events(folder: str) -> list[Event]:
    """What is kept, oldest first; nothing where nothing is, or nothing that can be read.

    The file in use is read first: should it become the older one meanwhile, it is read twice and nothing is missed.
    Should that happen twice, there is a gap, and both are read again.
    """
    found: dict[int, Event] = {}
    for _ in range(_TRIES):
        found = {event.id: event for name in (_CURRENT, _OLDER) for event in _events_in(os.path.join(folder, name))}
        if not found or max(found) - min(found) < len(found):
            break
    return [found[number] for number in sorted(found)][-SHOWN:]


class EventLog:
    """Keeps the events of the one service that may write there."""

    def __init__(self, folder: str) -> None:
        self.problem = ""  # why nothing can be kept at present
        self._folder = folder
        self._path = os.path.join(folder, _CURRENT)
        self._descriptor: int | None = None
        self._count = self._size = 0  # of the file in use: its lines, and its bytes that are whole lines
        self._waiting: deque[Event] = deque(maxlen=SHOWN)

    def keep(self, event: Event) -> None:
        """Write an event, after those that could not be written before it; `problem` says whether that went well."""
        self._waiting.append(event)
        try:
            while self._waiting:
                self._write(_line(self._waiting[0]))
                self._waiting.popleft()
            self.problem = ""
        except OSError as error:
            self.problem = f"{self._path}: {words_of(error)}"

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self, line: bytes) -> None:
        descriptor = self._in_use()
        if self._size and (self._count >= SHOWN or self._size + len(line) > LARGEST):
            os.replace(self._path, os.path.join(self._folder, _OLDER))
            self.close()
            descriptor = self._in_use()
        written = 0
        try:
            written = os.write(descriptor, line)
        finally:
            if written != len(line):  # who opens it anew takes away what is half a line
                self.close()
        if written != len(line):
            raise OSError("only half of a line could be written")
        self._count, self._size = self._count + 1, self._size + len(line)

    def _in_use(self) -> int:
        """The file that has the name: somebody may have taken away the one that was opened."""
        if self._descriptor is not None:
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(self._descriptor), os.lstat(self._path)):
                    return self._descriptor
            self.close()
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(self._path, flags, 0o600)
        try:
            data = _content(descriptor)
            size = os.fstat(descriptor).st_size
            if torn := len(data) - (data.rfind(b"\n") + 1):  # a process that was killed left it, or a full disk
                size -= torn
                os.ftruncate(descriptor, size)
        except OSError:
            os.close(descriptor)
            raise
        self._descriptor, self._count, self._size = descriptor, data.count(b"\n"), size
        return descriptor


def _line(event: Event) -> bytes:
    short = event.message if len(event.message) <= _LONGEST else f"{event.message[:_LONGEST]}..."
    return json.dumps(event._replace(message=short).document()).encode() + b"\n"


def _events_in(path: str) -> Iterable[Event]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return []
    try:
        return list(_whole(_content(descriptor)))
    except OSError:
        return []
    finally:
        os.close(descriptor)


def _content(descriptor: int) -> bytes:
    """The whole file, or as much of its end as one of ours can have."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise OSError("not a regular file")
    with open(descriptor, "rb", closefd=False) as stream:
        stream.seek(max(0, status.st_size - 2 * LARGEST))
        return stream.read()


def _whole(data: bytes) -> Iterator[Event]:
    """The events of whole lines; what was torn, or written by somebody else, is none."""
    for line in data.split(b"\n")[:-1]:
        with suppress(ValueError, RecursionError):
            event = read_event(json.loads(line))
            if event is not None:
                yield event
