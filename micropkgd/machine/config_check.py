"""Checks a config for what this machine lacks, and for what is dangerous: `config check`.

A fault of the config itself is found when it is read.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence

from micropkgd.annotations import Final
from micropkgd.errors import words_of
from micropkgd.machine.hook_check import runs_the_project
from micropkgd.machine.places import socket_path
from micropkgd.machine.projects import find_projects
from micropkgd.machine.trust import found_by
from micropkgd.model.settings import Hooks, Settings

_NAMED: Final = 10  # untrusted folders that are named one by one
_SOCKET_AT_MOST = 103 if sys.platform == "darwin" else 107  # bytes; the kernel's limit, unix(7)


def doubts(settings: Settings, environ: Mapping[str, str]) -> Iterator[str]:
    """One line for each unreadable file, home that nobody has, socket with too long a path, stranger, unsafe hook."""
    for key, path in _files(settings):
        if problem := _unreadable(path):
            yield f"`{key}` names {path}: {problem}"
    socket = socket_path(settings.socket, environ)
    if len(os.fsencode(socket)) > _SOCKET_AT_MOST:
        yield f"the socket's path is longer than {_SOCKET_AT_MOST} bytes: {socket}"
    for path in (path for group in settings.groups for path in group.paths):
        if os.path.expanduser(path).startswith("~"):
            yield f"the project path {path} names a user whom there is not"
    projects = find_projects(settings.groups)
    if settings.groups and not projects:
        yield "no project is at any of the project paths"
    yield from _of_strangers(settings)
    yield from _of_hooks(settings.hooks, projects)
    yield from _of_format(settings.format, projects)


def _of_strangers(settings: Settings) -> Iterator[str]:
    """The folders that a glob finds and nobody trusts yet: the service leaves them alone."""
    _, untrusted = found_by(settings.groups, settings.trust)
    named = sorted(untrusted)
    yield from (f"{root} is left alone: {untrusted[root].problem}" for root in named[:_NAMED])
    if more := named[_NAMED:]:
        yield f"and {len(more)} more folders are left alone, that globs found"


def _of_hooks(hooks: Hooks, projects: Iterable[str]) -> Iterator[str]:
    """The hooks by which a project could run code of its own."""
    for key in ("before-commit", "after-commit", "on-held", "on-stalled"):
        argv: tuple[str, ...] = getattr(hooks, key.replace("-", "_"))
        below = next((word for word in argv[:1] for root in projects if word.startswith(f"{root}/")), None)
        reason = f"`{below}` is a program of a project" if below else runs_the_project(argv)
        if reason:
            yield f"`hooks.{key}` can run code of the project it works in: {reason}"


def _of_format(argv: Sequence[str], projects: Iterable[str]) -> Iterator[str]:
    below = next((word for word in argv[:1] for root in projects if word.startswith(f"{root}/")), None)
    reason = f"`{below}` is a program of a project" if below else runs_the_project(argv)
    if reason:
        yield f"`format` can run code of a project: {reason}"


def _files(settings: Settings) -> Iterator[tuple[str, str]]:
    """The files that must be there, by the key that names them; a token is made where it is missing."""
    if settings.http.certificate is not None:
        yield "http.certificate", settings.http.certificate
    if settings.hooks.webhook_secret_file is not None:
        yield "hooks.webhook-secret-file", settings.hooks.webhook_secret_file
    yield from ((f"webhook.{webhook.name}.secret-file", webhook.secret_file) for webhook in settings.webhooks)


def _unreadable(path: str) -> str:
    try:
        with open(os.path.expanduser(path), "rb"):
            return ""
    except OSError as error:
        return words_of(error)
