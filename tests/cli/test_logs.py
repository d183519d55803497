"""Log lines: what libraries say comes out as ours, without secrets, and not without end."""

import json
import logging
from collections.abc import Iterator

import pytest

from micropkgd.cli.logs import Logs, Repeats


@pytest.fixture(autouse=True)
def root_logger() -> Iterator[None]:
    """The handlers of the root logger are as they were afterwards."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before[0], before[1]
    logging.captureWarnings(capture=False)


def test_libraries_speak_with_our_voice(capsys: pytest.CaptureFixture[str]) -> None:
    """Their warnings are our lines; what is less than that is not said, and addresses lose their secrets."""
    Logs("json", level="info").bring_in_others()
    try:
        raise ValueError("the secret of a local variable")
    except ValueError:
        logging.getLogger("library").exception("cannot reach https://user:pass@host/x?sig=abc now")
    logging.getLogger("library").info("chatter")
    (line,) = capsys.readouterr().err.splitlines()
    said = json.loads(line)

    assert said["event"] == "library"
    assert said["message"] == "cannot reach https://host/x?sig=*** now"
    assert said["error"] == "ValueError"
    assert "secret" not in line
    assert "pass@" not in line


def test_the_same_words_come_once_in_a_while(capsys: pytest.CaptureFixture[str]) -> None:
    """A library that says the same a thousand times fills no disk."""
    Logs("json", level="info").bring_in_others()
    for _ in range(1000):
        logging.getLogger("library").warning("again")

    assert len(capsys.readouterr().err.splitlines()) == 1


def test_repeats_are_counted() -> None:
    """After the pause they are said again, with how often they were left out."""
    repeats = Repeats(every=60.0)

    assert repeats.admit("a", 0.0) == 0
    assert [repeats.admit("a", 1.0), repeats.admit("a", 59.0)] == [None, None]
    assert repeats.admit("b", 59.0) == 0
    assert repeats.admit("a", 60.0) == 2
    assert repeats.admit("a", 121.0) == 0


def test_repeats_forget_what_would_fill_the_memory() -> None:
    """A library with ever new words costs no more than a thousand of them."""
    repeats = Repeats()
    for number in range(100_000):
        assert repeats.admit(number, 0.0) == 0

    assert len(repeats._known) <= 1000
