"""The paths of the config and the socket. Imports next to nothing, for every pass looks whether they exist."""

import os
from collections.abc import Mapping

from micropkgd.annotations import Final
from micropkgd.folders import config_folder, state_folder
from micropkgd.model.variables import CACHE_DIR, CONFIG, PREFIX

_SYSTEM: Final = "/etc/micropkgd/config.toml"
_SOCKET: Final = "ctl.sock"
_SERVICES: Final = "services"


def find_config(named: str | None, environ: Mapping[str, str]) -> str | None:
    """The path of the config: the one that is named, by option or variable, else the user's, else the system's."""
    chosen = named or environ.get(CONFIG)
    if chosen:
        return os.path.abspath(os.path.expanduser(chosen))
    return next((path for path in usual_places(environ) if os.path.exists(path)), None)


def usual_places(environ: Mapping[str, str]) -> tuple[str, str]:
    """Where a config is looked for that nobody named."""
    return os.path.join(config_folder(environ), "config.toml"), _SYSTEM


def is_silent(named: str | None, environ: Mapping[str, str]) -> bool:
    """Whether neither a config nor a variable says anything, but for where the cache is."""
    said = any(name.startswith(PREFIX) and name != CACHE_DIR for name in environ)
    return not said and find_config(named, environ) is None


def state_place(environ: Mapping[str, str]) -> str:
    """Where the service keeps what must outlive its cache: in the state folder of the unit or of the user."""
    if unit := environ.get("STATE_DIRECTORY"):
        return unit.partition(":")[0]
    return state_folder(environ)


def served_by(config: str | None, socket: str | None, environ: Mapping[str, str]) -> str:
    """What a service is the one of, in a word that is the same at every start: its config, or a socket of its own.

    Where there is neither, the config that the user may yet write: it is the same service then.
    """
    path = find_config(config, environ)
    if path is None and socket is not None:
        return socket_path(socket, environ)
    return os.path.realpath(path or usual_places(environ)[0])


def service_place(what: str, environ: Mapping[str, str]) -> str:
    """Where the one service of `what` keeps its own: the lock has this name, and a folder beside it what it knows."""
    from micropkgd.model.hashing import sha256

    name = sha256(what.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return os.path.join(state_place(environ), _SERVICES, name)


def memory_place(what: str, environ: Mapping[str, str]) -> str:
    """The folder in which the one service of `what` remembers what happened."""
    return f"{service_place(what, environ)}.d"


def socket_path(chosen: str | None, environ: Mapping[str, str]) -> str:
    """Where the socket is: as the config says, else in the runtime folder of the unit or of the user."""
    if chosen is not None:
        return os.path.abspath(os.path.expanduser(chosen))
    if unit := environ.get("RUNTIME_DIRECTORY"):
        return os.path.join(unit.partition(":")[0], _SOCKET)
    if user := environ.get("XDG_RUNTIME_DIR"):
        return os.path.join(user, "micropkgd", _SOCKET)
    return f"/tmp/micropkgd-{os.getuid()}/{_SOCKET}"  # noqa: S108 - made 0700, and refused where it is another's
