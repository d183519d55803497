"""The name and mail address of who commits here, by the environment or `[user]` of git's config. git is not run.

Read is what `git config user.name` writes: sections, keys and values of one line, quoted or not. What a config includes
from elsewhere is not followed.
"""

import os
import re
from collections.abc import Iterator, Mapping

from micropkgd.annotations import Final
from micropkgd.named_tuples import NamedTuple
from micropkgd.workspace.git import git_folder
from micropkgd.workspace.reading import read_regular

_SECTION: Final = re.compile(r"\s*\[\s*([\w.-]+)\s*(\"[^\"]*\")?\s*\]\s*(?:[#;].*)?")
_VALUE: Final = re.compile(r"\s*(\w+)\s*=\s*(.*)")
_PIECES: Final = re.compile(r'"((?:\\.|[^"\\])*)"|((?:\\.|[^"#;\\])+)|[#;].*')


class GitIdentity(NamedTuple):
    """A name and a mail address."""

    name: str
    mail: str


def git_identity(root: str, environ: Mapping[str, str]) -> GitIdentity | None:
    """Who makes commits here; None where nothing says both."""
    found = {"name": environ.get("GIT_AUTHOR_NAME", ""), "email": environ.get("GIT_AUTHOR_EMAIL", "")}
    for path in _configs(root, environ):
        said = _user_in(path)
        found = {key: value or said.get(key, "") for key, value in found.items()}
    name, mail = (re.sub(r"[\x00-\x1f\x7f<>]", "", found[key]).strip() for key in ("name", "email"))
    return GitIdentity(name, mail) if name and mail else None


def _configs(root: str, environ: Mapping[str, str]) -> Iterator[str]:
    """The files, those that count more first."""
    folder = git_folder(root)
    if folder is not None:
        yield os.path.join(folder, "config")
    home = environ.get("HOME", "")
    if chosen := environ.get("GIT_CONFIG_GLOBAL"):
        yield chosen
    elif home:
        yield os.path.join(home, ".gitconfig")
        yield os.path.join(environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config"), "git", "config")
    if not environ.get("GIT_CONFIG_NOSYSTEM"):
        yield "/etc/gitconfig"


def _user_in(path: str) -> Mapping[str, str]:
    try:
        lines = read_regular(path).decode(errors="replace").splitlines()
    except OSError:
        return {}
    section, found = "", dict[str, str]()
    for line in lines:
        if heading := _SECTION.fullmatch(line):
            section = "" if heading[2] else heading[1].lower()
        elif section == "user" and (value := _VALUE.fullmatch(line)):
            found[value[1].lower()] = _unquoted(value[2])
    return found


def _unquoted(value: str) -> str:
    pieces = (match[1] or match[2] or "" for match in _PIECES.finditer(value))
    return "".join(re.sub(r"\\(.)", r"\1", piece) for piece in pieces).strip()
