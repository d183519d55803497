"""Log lines on stderr by structlog, which is imported when there is something to log: most passes say nothing."""

import sys
from collections.abc import Callable
from typing import Final

Log = Callable[..., None]
"""Called with the name of an event and its facts as keywords."""

_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class Logs:
    """The logs of one run."""

    def __init__(self, form: str, *, verbose: bool, quiet: bool) -> None:
        self._form = form
        self._level = "info" if verbose else "error" if quiet else "warning"
        self._write: Log | None = None

    def info(self, event: str, **facts: object) -> None:
        """What a person looking for the course of things wants to know."""
        self._log("info", event, facts)

    def warning(self, event: str, **facts: object) -> None:
        """What a person should know without asking."""
        self._log("warning", event, facts)

    def _log(self, level: str, event: str, facts: dict[str, object]) -> None:
        if _LEVELS[level] < _LEVELS[self._level]:
            return
        if self._write is None:
            self._write = _structlog(self._form)
        self._write(level, event, **facts)


def _structlog(form: str) -> Log:
    import structlog

    # Local variables never reach a log line: they hold tokens and addresses (promise P9).
    errors = structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False))
    render = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty() and "NO_COLOR" not in _environ())
    )
    logger = structlog.wrap_logger(
        structlog.WriteLogger(sys.stderr),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            errors,
            render,
        ],
        wrapper_class=structlog.BoundLogger,
    )

    def write(level: str, event: str, **facts: object) -> None:
        getattr(logger, level)(event, **facts)

    return write


def _environ() -> "dict[str, str]":
    import os

    return dict(os.environ)
