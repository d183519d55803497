"""Reads the small YAML file of a project that says how an archive is reached: its fs-args, variables replaced."""

import os
from collections.abc import Collection, Mapping, Sequence

from micropkgd import documents
from micropkgd.errors import DocumentError
from micropkgd.model.tree import rel_path
from micropkgd.workspace.reading import TEXT, read_regular


def load_fs_args(
    root: str, path: str, environ: Mapping[str, str], readable: Collection[str] | None = None
) -> Mapping[str, object]:
    """Read a file of options; `DocumentError` has its path. It may name the `readable` variables; None: all."""
    try:
        found = documents.read_yaml(read_regular(os.path.join(root, rel_path(path)), at_most=TEXT))
        if readable is not None:
            _refuse_variables(sorted(documents.variables_of(found) - set(readable)))
        options = documents.interpolate(found, environ)
    except FileNotFoundError as error:
        raise no_such_file(path) from error
    except OSError as error:
        raise DocumentError.unreadable(error, path) from error
    except DocumentError as error:
        raise error.at(path) from error
    return options if isinstance(options, dict) else {}


def no_such_file(path: str) -> DocumentError:
    """What is wrong where a row names a file that is not there."""
    return DocumentError("fs-args file is missing", where=path, hint="its path counts from the project's folder")


def _refuse_variables(names: Sequence[str]) -> None:
    if names:
        from micropkgd.model.permits import VARIABLES_KEY

        problem = f"projects may not read the variable `{names[0]}` on this machine"
        hint = f"whoever runs this machine may add it to `{VARIABLES_KEY}` in the config"
        raise DocumentError(problem, hint=hint)
