"""One word that is part of every credential of the tests, and the search for it in all that a run leaves.

A plugin of the test run. At the end of each process every file below its temporary folder is searched, its name too;
so is what each command line printed and what pytest caught. Where a test or a server itself had to write a credential,
it says so with `hold`, file by file: there, exactly the bytes that were written are let pass.
"""

import base64
import os
import zlib
from collections.abc import Generator, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

CANARY = "canary-3f9c1e7b"

_INFLATED_AT_MOST = 1 << 22
_CHUNK = 1 << 22
_held: dict[str, bytes] = {}
_said: list[str] = []


def hold(path: Path, data: str | bytes) -> Path:
    """Write a credential where a test wants it: the one way to put one into a file."""
    encoded = data.encode() if isinstance(data, str) else data
    path.write_bytes(encoded)
    note_held(path, encoded)
    return path


def note_held(path: Path, data: bytes) -> None:
    """Let exactly these bytes pass in this file, if there is a credential in them."""
    if _tells(data):
        _held[os.path.realpath(path)] = sha256(data).digest()


def look(text: str, where: str) -> None:
    """See that a text has no credential; the failure does not say it again."""
    if _tells(text.encode(errors="replace")):
        raise AssertionError(f"a credential stands in {where}")


def leaks_below(folder: Path) -> Iterator[str]:
    """The files and folders below a folder that tell a credential."""
    for top, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = os.path.join(top, name)
            if _tells(os.fsencode(name)) or (os.path.islink(path) and _tells(_target(path))):
                yield f"{_hidden(path)} (its name)"
        for name in files:
            path = os.path.join(top, name)
            if not os.path.islink(path) and os.path.isfile(path) and _is_found_in(path):
                yield _hidden(path)


def _patterns() -> Iterator[bytes]:
    """The word itself, and what base64 makes of it wherever it stands in what is encoded."""
    yield CANARY.encode()
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + CANARY.encode()).rstrip(b"=")
        yield encoded[-(-shift * 8 // 6) : (shift + len(CANARY)) * 8 // 6]


_FORMS = tuple(_patterns())


def _tells(data: bytes) -> bool:
    """Whether it holds the word: gigabytes are searched, and one after the other is a fourth of a pattern's time."""
    return any(form in data for form in _FORMS)


def _is_found_in(path: str) -> bool:
    held = _held.get(os.path.realpath(path))
    whole = sha256()
    found, tail = False, b""
    try:
        with open(path, "rb") as file:
            start = file.read(_CHUNK)
            chunk = start
            while chunk:
                if held is not None:
                    whole.update(chunk)
                found = found or _tells(tail + chunk)
                tail = chunk[-64:]
                chunk = file.read(_CHUNK)
    except OSError:
        return False
    if start[:2] == b"\x1f\x8b":
        found = found or _tells(_inflated(start))
    return found and (held is None or whole.digest() != held)


def _inflated(data: bytes) -> bytes:
    try:
        return zlib.decompressobj(31).decompress(data, _INFLATED_AT_MOST)
    except zlib.error:
        return b""


def _target(path: str) -> bytes:
    return os.fsencode(os.readlink(path))


def _hidden(path: str) -> str:
    return path.replace(CANARY, "***")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Search what pytest caught of a test's output and log."""
    report = yield
    text = "\n".join(content for _, content in report.sections)
    if _tells(text.encode(errors="replace")):
        _said.append(f"the output or log of {item.nodeid}")
    return report


@pytest.fixture(scope="session", autouse=True)
def no_secret_is_left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """At the end, fail and name every place that tells a credential."""
    yield
    found = [*_said, *leaks_below(tmp_path_factory.getbasetemp())]
    if found:
        pytest.fail("a credential of the tests stands in\n" + "\n".join(found), pytrace=False)
