"""Tells parameters files from others, and renames them for an alias. Pure.

One rule for what comes in, for what goes out, and for what a lock may list. It keeps a stranger's catalog, credentials
and code out of a project's configuration (docs/threats.md, T3). A path is that below the env folder. A name counts
whole, as a file's stem, behind `parameters_`, or as a folder, so that `ds` never takes a part of `kids` (docs/kedro.md,
defect 11).
"""

from micropkgd.annotations import Final

_NOT_PARAMETERS: Final = ("catalog", "credentials", "logging", "globals")
_CODE: Final = (".py", ".pyi")


def is_parameters(config: str) -> bool:
    """Whether Kedro would load a file as parameters, and as nothing more powerful."""
    return not why_not_parameters(config)


def why_not_parameters(config: str) -> str:
    """What keeps a file of an env folder from travelling as parameters; empty if nothing does."""
    parts = config.split("/")
    for kind in _NOT_PARAMETERS:
        if any(part.startswith(kind) for part in parts):
            return f"{kind} files never travel"
    if config.endswith(_CODE):
        return "code among parameters never travels"
    return "" if any(part.startswith("parameters") for part in parts) else "is not a parameters file"


def renamed(config: str, old: str, new: str) -> str:
    """The path for a package of another name."""
    names = {old: new, f"parameters_{old}": f"parameters_{new}"}
    return "/".join(_rename(part, names) for part in config.split("/")) if old != new else config


def _rename(part: str, names: dict[str, str]) -> str:
    stem, dot, suffix = part.partition(".")
    return f"{names.get(stem, stem)}{dot}{suffix}"
