"""The codes that log in once."""

from micropkgd.service.http.login import Codes


def test_a_code_is_good_once_and_whatever_else_is_sent_is_none() -> None:
    """JSON may hold half a character, which no text can."""
    codes = Codes()
    code = codes.make(0.0)
    assert not codes.take("\ud800", 1.0)
    assert codes.take(code, 1.0)
    assert not codes.take(code, 1.0)
