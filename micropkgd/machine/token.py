"""The token that requests over TCP must carry: 32 random bytes in a file that only its owner may read."""

import os
import secrets
from collections.abc import Mapping

from micropkgd.errors import TreeError, words_of
from micropkgd.machine.places import state_place
from micropkgd.machine.replaced import replace_file


def token_file(chosen: str | None, environ: Mapping[str, str]) -> str:
    """Where the token is: as the config says, else in the state folder of the unit or of the user."""
    if chosen is not None:
        return os.path.abspath(os.path.expanduser(chosen))
    return os.path.join(state_place(environ), "token")


def read_token(path: str) -> str:
    """The token, made where there is none yet; `TreeError` where it can be neither read nor made."""
    try:
        with open(path, encoding="ascii") as stream:
            found = stream.read().strip()
    except FileNotFoundError:
        return rotate_token(path)
    except (OSError, UnicodeDecodeError) as error:
        raise TreeError(f"the token cannot be read: {error}", where=path) from error
    if len(found) < 32:
        raise TreeError("not a valid token: fewer than 32 characters", where=path, hint="micropkgd token rotate")
    return found


def rotate_token(path: str) -> str:
    """Make a new token in place of the old one."""
    secret = secrets.token_urlsafe(32)
    try:
        replace_file(path, f"{secret}\n".encode(), private=True)
    except OSError as error:
        raise TreeError(
            f"the token cannot be written: {words_of(error)}",
            where=path,
            hint="name another place with `http.token-file`",
        ) from error
    return secret
