"""Names of a package: its archive, the parameter files that belong to it, and what an alias makes of these. Pure.

Rules: a name counts whole, as a file's stem, behind `parameters_`, or as a folder: `ds` never takes a part of `kids`
(kedro.md, defect 13). `.yaml` is `.yml`. Catalogs, credentials and other files that do more than hold values stay.
"""

import re
from typing import Final

_YAML: Final = (".yml", ".yaml")
_CODE: Final = (".py", ".pyi")
_NOT_PARAMETERS: Final = ("catalog", "credentials", "logging", "globals")


def archive_stem(name: str, version: str) -> str:
    """`NAME-VERSION` as an archive and its root folder are called (PEP 625)."""
    return f"{re.sub(r'[-_.]+', '_', name).lower()}-{version}"


def belongs(config: str, name: str) -> bool:
    """Whether a file, by its path below the env folder, has parameters of this package (kedro.md, section (c) 3)."""
    *folders, file = config.split("/")
    in_parameters = bool(folders) and folders[0].startswith("parameters")
    return why_not_parameters(config) == "" and (
        file in {f"parameters_{name}{suffix}" for suffix in _YAML}
        or (in_parameters and file in {f"{name}{suffix}" for suffix in _YAML})
        or (in_parameters and name in folders[1:])
        or (name in folders and file.startswith("parameters"))
    )


def concerns(config: str, name: str) -> bool:
    """Whether a file's path names the package at all, so that leaving it out deserves a word."""
    *folders, file = config.split("/")
    stem = file.partition(".")[0]
    return name in folders or stem == name or stem.endswith(f"_{name}")


def why_not_parameters(config: str) -> str:
    """What keeps a file of an env folder from travelling as parameters, empty if nothing does (reliability.md, T3)."""
    parts = config.split("/")
    for kind in _NOT_PARAMETERS:
        if any(part.startswith(kind) for part in parts):
            return f"{kind} files never travel"
    if config.endswith(_CODE):
        return "code among parameters never travels"
    return "" if any(part.startswith("parameters") for part in parts) else "is no parameters file"


def renamed(config: str, old: str, new: str) -> str:
    """The path below the env folder for a package of another name."""
    names = {old: new, f"parameters_{old}": f"parameters_{new}"}
    return "/".join(_rename(part, names) for part in config.split("/")) if old != new else config


def _rename(part: str, names: dict[str, str]) -> str:
    stem, dot, suffix = part.partition(".")
    return f"{names.get(stem, stem)}{dot}{suffix}"
