"""The systemd units of one user: their text for this machine, and putting them in place or taking them away.

Nothing is started or stopped here. What a person has changed is told by a digest in the first line, and is not touched
unless that is asked for.
"""

import hashlib
import os
import re
import sys
from collections.abc import Mapping, Sequence

from micropkgd.annotations import Final
from micropkgd.errors import TreeError, words_of
from micropkgd.folders import config_home
from micropkgd.machine.replaced import replace_file
from micropkgd.named_tuples import NamedTuple

SERVICE: Final = "micropkgd.service"
SOCKET: Final = "micropkgd.socket"

_TEXTS: Final = os.path.join(os.path.dirname(__file__), "unit_files")
_EXEC_START: Final = re.compile(r"^ExecStart=.*$", re.MULTILINE)
_FIRST_LINE: Final = re.compile(rb"# Written by `micropkgd service install`; sha256 of what follows: ([0-9a-f]{64})\n")


class UnitStep(NamedTuple):
    """One thing done, or to be done, on disk."""

    what: str  # "write", "keep" or "remove"
    path: str


def unit_folder(environ: Mapping[str, str]) -> str:
    """Where a user's own units are."""
    return os.path.join(config_home(environ), "systemd", "user")


def program_words(started_as: str) -> list[str]:
    """How this program is started again: as it was itself, or by the interpreter where that was a module."""
    path = os.path.abspath(started_as)
    if os.path.basename(path) == "micropkgd" and os.access(path, os.X_OK) and os.path.isfile(path):
        return [path]
    return [sys.executable, "-m", "micropkgd"]


def unit_text(name: str, words: Sequence[str]) -> str:
    """The text of a unit, as it is shipped but for the command that it runs."""
    with open(os.path.join(_TEXTS, name), encoding="utf-8") as stream:
        shipped = stream.read()
    # Variables are replaced in every word but the program's.
    command = " ".join([_quoted(words[0]), *(_quoted(word).replace("$", "$$") for word in words[1:])])
    return _EXEC_START.sub(lambda _: f"ExecStart={command}", shipped)


def install(folder: str, units: Mapping[str, str], *, force: bool, dry_run: bool) -> list[UnitStep]:
    """Put units in place, all or none; `TreeError` where one stands there that somebody has changed."""
    steps = []
    for name, text in units.items():
        path = os.path.join(folder, name)
        found = _read(path)
        if found is not None and not force:
            _refuse_changed(path, found)
        steps.append(UnitStep("keep" if found == _signed(text) else "write", path))
    if not dry_run:
        for step, text in zip(steps, units.values(), strict=True):
            if step.what == "write":
                _write(step.path, _signed(text))
    return steps


def uninstall(folder: str, *, force: bool, dry_run: bool) -> list[UnitStep]:
    """Take the units away, and the links by which they are enabled."""
    steps = []
    for name in (SERVICE, SOCKET):
        path = os.path.join(folder, name)
        found = _read(path)
        if found is None:
            continue
        if not force:
            _refuse_changed(path, found)
        steps += [UnitStep("remove", link) for link in _links(folder, name)]
        steps.append(UnitStep("remove", path))
    if not dry_run:
        for step in steps:
            _remove(step.path)
    return steps


def _links(folder: str, name: str) -> list[str]:
    """Where `systemctl enable` has noted that a unit is to be started."""
    wanting = [entry.path for entry in os.scandir(folder) if entry.name.endswith((".wants", ".requires"))]
    paths = [os.path.join(place, name) for place in sorted(wanting)]
    return [path for path in paths if os.path.islink(path)]


def _signed(text: str) -> bytes:
    data = text.encode()
    digest = hashlib.sha256(data).hexdigest()
    return f"# Written by `micropkgd service install`; sha256 of what follows: {digest}\n".encode() + data


def _refuse_changed(path: str, found: bytes) -> None:
    match = _FIRST_LINE.match(found)
    if match is None or hashlib.sha256(found[match.end() :]).hexdigest().encode() != match[1]:
        raise TreeError(
            "this unit was changed, or is not from here",
            where=path,
            hint="put your changes into a drop-in (`systemctl --user edit micropkgd.service`), or use --force",
        )


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _trouble("cannot be read", path, error) from error


def _write(path: str, data: bytes) -> None:
    try:
        replace_file(path, data)
    except OSError as error:
        raise _trouble("cannot be written", path, error) from error


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError as error:
        raise _trouble("cannot be removed", path, error) from error


def _trouble(what: str, path: str, error: OSError) -> TreeError:
    return TreeError(f"{what}: {words_of(error)}", where=path, hint="see `ls -ld` of its folder")


def _quoted(word: str) -> str:
    """A word as systemd reads it in ExecStart= (systemd.service(5), systemd.unit(5) on specifiers)."""
    plain = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return plain if re.fullmatch(r"[\w@%+=:,./-]+", word, re.ASCII) else f'"{plain}"'
