"""`doctor`: say what micropkgd sees here, and what is wrong with it."""

import os
from argparse import Namespace

from micropkgd.actions.doctor import examine
from micropkgd.cli.lines import plain
from micropkgd.cli.session import say, say_json


def doctor(options: Namespace) -> int:
    """Examine the project and its machine."""
    diagnosis = examine(options.project, os.environ)
    if options.json:
        say_json(options, {"projects": [diagnosis.document()]}, exit_code=diagnosis.exit_code)
    else:
        told = (line for line in diagnosis.lines() if not options.quiet or not line.startswith("ok "))
        say(plain(line) for line in told)
    return diagnosis.exit_code
