"""Guesses the module that somebody meant who named a missing one: only what is on disk is suggested. Pure."""

from collections.abc import Callable, Iterable
from posixpath import normpath

from micropkgd.model.place_names import is_dotted_name


def likely_module(said: str, package_folder: str, stands: Callable[[str], bool]) -> str:
    """The dotted name below the package folder that a path or a name most likely means; empty where none stands.

    A file of it, the folders of the project in front, `pipelines` left out, a dash for an underscore.
    """
    text = normpath(said).strip("/").removesuffix(".py").removesuffix("/__init__")
    dotted = text.replace("/", ".")
    folder = package_folder.replace("/", ".")
    prefixes = (f"{folder}.", f"{folder.rpartition('.')[2]}.")
    inner = next((dotted.removeprefix(prefix) for prefix in prefixes if dotted.startswith(prefix)), dotted)
    for meant in (inner, inner.replace("-", "_"), f"pipelines.{inner}"):
        if is_dotted_name(meant) and stands("/".join((package_folder, *meant.split(".")))):
            return meant
    return ""


def nearest_module(said: str, modules: Iterable[str]) -> str:
    """The module whose name is nearly the one that was said; empty where none is."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(said, sorted(modules), n=1, cutoff=0.75)), "")
