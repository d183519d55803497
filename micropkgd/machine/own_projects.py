"""The projects that the machine's config names one by one: put in and taken out, with comments and layout kept.

What was edited is read back as the service would read it before it is swapped in, in one step; a link to the config
stays one.
"""

import os
from collections.abc import Callable
from contextlib import suppress

from micropkgd import documents
from micropkgd.documents.edits import edited
from micropkgd.documents.lists import add_items, remove_item
from micropkgd.errors import TreeError, UsageError, words_of
from micropkgd.machine.config import load
from micropkgd.machine.globs import is_glob
from micropkgd.machine.projects import group_of, named_projects
from micropkgd.machine.replaced import replace_file
from micropkgd.model.config import read_settings
from micropkgd.model.settings import Settings

_KEY = ("projects",)


def add_project(config: str, root: str, *, dry_run: bool = False) -> bool:
    """Name a project in a config, which is made where it is missing; False where it is named already."""
    settings = _settings(config)
    if root in named_projects(settings.groups):
        return False
    if is_glob(root):
        hint = "rename the folder, or name it by a link to it"
        raise UsageError("the config would read the `*`, `?` or `[` in it as a wildcard", where=root, hint=hint)
    _edit(config, lambda text: add_items(text, _KEY, [root]), dry_run=dry_run)
    return True


def remove_project(config: str, root: str, *, dry_run: bool = False) -> None:
    """Take a project out of a config; `UsageError` where it is not in its `projects` under its own name."""
    settings = _settings(config)
    spelt = [path for path in settings.usual.paths if not is_glob(path) and _real(path) == root]
    if not spelt:
        raise UsageError(f"not in `projects` of {config}", where=root, hint=_why_not(settings, root))

    def edit(text: str) -> str:
        for path in dict.fromkeys(spelt):
            text = remove_item(text, _KEY, path)
        return text

    _edit(config, edit, dry_run=dry_run)


def _settings(config: str) -> Settings:
    """What the file says; variables do not count, for they cannot be edited."""
    return load(config, {}) if os.path.exists(config) else Settings()


def _why_not(settings: Settings, root: str) -> str:
    if root in named_projects(settings.tables):
        return "a [[project]] table names it in its `paths`: take it out there"
    if group_of(settings.groups, root) is not None:
        return "a wildcard finds it: `micropkgd trust --revoke`, or `micropkgd suspend`, leaves it alone"
    return "see `micropkgd status --all` for what is served"


def _edit(config: str, edit: Callable[[str], str], *, dry_run: bool) -> None:
    path, before = os.path.realpath(config), b""
    try:
        with suppress(FileNotFoundError), open(path, "rb") as stream:
            before = stream.read()
        after = edited(before, edit)
        read_settings(documents.read_toml(after), config, {})
        if not dry_run:
            replace_file(path, after)
    except OSError as error:
        hint = "a config of your own is ~/.config/micropkgd/config.toml, or what --config names"
        raise TreeError(f"the config cannot be written: {words_of(error)}", where=config, hint=hint) from error


def _real(path: str) -> str:
    return os.path.realpath(os.path.expanduser(path))
