"""PATH for a program that is run for a project, which may be hostile: no program is found in or below it."""

import os


def path_beside(project: str, path: str) -> str:
    """PATH without what leads into the project: its folders, and those that depend on where a command works."""
    home = os.path.join(os.path.realpath(project), "")
    entries = (entry for entry in path.split(os.pathsep) if os.path.isabs(entry))
    kept = [entry for entry in entries if not os.path.join(os.path.realpath(entry), "").startswith(home)]
    return os.pathsep.join(kept) or os.defpath  # an empty PATH would mean the working folder
