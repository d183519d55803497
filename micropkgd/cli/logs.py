"""Log lines on stderr by structlog, which is imported when there is something to log: most passes say nothing."""

import sys
from collections.abc import Callable
from io import StringIO

from micropkgd.annotations import TYPE_CHECKING, Final
from micropkgd.cli.lines import plain
from micropkgd.cli.streams import aside

if TYPE_CHECKING:
    from logging import Handler

    from structlog.typing import EventDict

Log = Callable[..., None]
"""Called with the name of an event and its facts as keywords."""

_WORDS_KNOWN: Final = 1000
_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class Logs:
    """The logs of one run."""

    def __init__(self, form: str, *, level: str) -> None:
        self._form = form
        self._level = level
        self._write: Log | None = None

    def info(self, event: str, **facts: object) -> None:
        """What a person looking for the course of things wants to know."""
        self._log("info", event, facts)

    def warning(self, event: str, **facts: object) -> None:
        """What a person should know without asking."""
        self._log("warning", event, facts)

    def bring_in_others(self) -> None:
        """Let what libraries log come out as our own lines: from warnings up, once a minute for the same words."""
        import logging

        logging.captureWarnings(capture=True)
        logging.basicConfig(handlers=[_forwarder(self)], level=logging.WARNING, force=True)

    def _log(self, level: str, event: str, facts: dict[str, object]) -> None:
        if _LEVELS[level] < _LEVELS[self._level]:
            return
        if self._write is None:
            self._write = _structlog(self._form)
        self._write(level, event, **facts)


class Repeats:
    """Which lines were written lately: the same words come once in a while, with how often they were left out."""

    def __init__(self, every: float = 60.0) -> None:
        self._every = every  # seconds
        self._known: dict[object, tuple[float, int]] = {}  # when last written, and how often left out since

    def admit(self, words: object, now: float) -> int | None:
        """How often these words were left out since they were last written; None where they are left out now."""
        when, left_out = self._known.get(words, (now - self._every, 0))
        if now - when < self._every:
            self._known[words] = (when, left_out + 1)
            return None
        if len(self._known) >= _WORDS_KNOWN:
            self._known.clear()
        self._known[words] = (now, 0)
        return left_out


def _forwarder(logs: Logs) -> "Handler":
    import logging
    import time

    from micropkgd.sources.redaction import redacted_text

    repeats = Repeats()

    class Forwarder(logging.Handler):
        """Hands the records of libraries on, without the local variables and addresses that tracebacks show."""

        def emit(self, record: logging.LogRecord) -> None:
            said = redacted_text(record.getMessage())
            left_out = repeats.admit((record.name, said), time.monotonic())
            if left_out is not None:
                error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
                facts = {"message": said, "error": error, "left_out": left_out or None}
                logs.warning(record.name, **{key: value for key, value in facts.items() if value is not None})

    return Forwarder()


def _structlog(form: str) -> Log:
    import structlog

    # Local variables never reach a log line: they hold tokens and addresses (promise P9).
    errors = structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False))
    in_colours = sys.stderr.isatty() and "NO_COLOR" not in _environ()
    render = (
        [structlog.processors.JSONRenderer()]  # which escapes all but ASCII
        if form == "json"
        else [_without_controls, structlog.dev.ConsoleRenderer(colors=in_colours)]
    )
    logger = structlog.wrap_logger(
        structlog.WriteLogger(_Aside()),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            errors,
            *render,
        ],
        wrapper_class=structlog.BoundLogger,
    )

    def write(level: str, event: str, **facts: object) -> None:
        getattr(logger, level)(event, **facts)

    return write


def _without_controls(_logger: object, _level: str, facts: "EventDict") -> "EventDict":
    """The words and facts of a line with nothing in them that moves a cursor, or begins one (docs/threats.md, T25)."""
    return {key: plain(fact) if isinstance(fact, str) else fact for key, fact in facts.items()}


class _Aside(StringIO):
    """Standard error, which may be full."""

    def write(self, text: str) -> int:
        """Write it at once, or lose it."""
        aside(text)
        return len(text)


def _environ() -> "dict[str, str]":
    import os

    return dict(os.environ)
