"""Names of a package: its archive, and the parameter files that belong to it. Pure.

Rules: a name counts whole (`model/parameters.py`); `.yaml` is `.yml`.
"""

from micropkgd.annotations import Final
from micropkgd.model.distribution_name import normalised
from micropkgd.model.parameters import is_parameters

_YAML: Final = (".yml", ".yaml")


def archive_stem(name: str, version: str) -> str:
    """`NAME-VERSION` as an archive and its root folder are called (PEP 625)."""
    return f"{normalised(name).replace('-', '_')}-{version}"


def belongs(config: str, name: str) -> bool:
    """Whether a file below the env folder has parameters of this package (docs/packaging.md, "What travels")."""
    *folders, file = config.split("/")
    in_parameters = bool(folders) and folders[0].startswith("parameters")
    return is_parameters(config) and (
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
