"""`token`: the secret that requests over HTTP must carry."""

import os
from types import SimpleNamespace as Namespace

from micropkgd.cli.say import say, say_json
from micropkgd.machine.config import load
from micropkgd.machine.places import find_config
from micropkgd.machine.token import read_token, rotate_token, token_file


def token(options: Namespace) -> int:
    """Show the token of the HTTP listener, or make another."""
    settings = load(find_config(options.config, os.environ), os.environ)
    path = token_file(settings.http.token_file, os.environ)
    secret = rotate_token(path) if options.action == "rotate" else read_token(path)
    if options.json:
        say_json(options, {"projects": [], "file": path, "token": secret}, exit_code=0)
    else:
        say([secret])
    return 0
