"""The folders of this user's config, state and cache, by XDG. Imports next to nothing."""

import os
from collections.abc import Mapping

_OWN = "micropkgd"


def config_home(environ: Mapping[str, str]) -> str:
    """Where the configs of all programs are."""
    return _home(environ, "XDG_CONFIG_HOME", ".config")


def config_folder(environ: Mapping[str, str]) -> str:
    """Where the config of this program is."""
    return os.path.join(config_home(environ), _OWN)


def state_folder(environ: Mapping[str, str]) -> str:
    """Where it keeps what must outlive its cache: its keys."""
    return os.path.join(_home(environ, "XDG_STATE_HOME", ".local/state"), _OWN)


def cache_folder(environ: Mapping[str, str]) -> str:
    """Where it keeps what can be fetched again."""
    return os.path.join(_home(environ, "XDG_CACHE_HOME", ".cache"), _OWN)


def _home(environ: Mapping[str, str], variable: str, usual: str) -> str:
    base = environ.get(variable, "")
    if os.path.isabs(base):  # the specification says to ignore a relative one
        return base
    return os.path.join(environ.get("HOME") or os.path.expanduser("~"), usual)
