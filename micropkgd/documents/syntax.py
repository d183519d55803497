"""Checks whether a file that a person made still parses as what its name says. Pure: it is parsed and never run."""

import json

from micropkgd import documents
from micropkgd.annotations import Final
from micropkgd.documents.syntax_trees import syntax_tree
from micropkgd.errors import DocumentError

PYTHON: Final = (".py", ".pyi")
YAML: Final = (".yml", ".yaml")


def fault_in(path: str, data: bytes) -> str:
    """What keeps a file from being read, with the line where that is known; empty where nothing does."""
    try:
        if path.endswith(PYTHON):
            syntax_tree(data)
        elif path.endswith(YAML):
            documents.check_yaml(data)
        elif path.endswith(".toml"):
            documents.read_toml(data)
        elif path.endswith(".json"):
            json.loads(data)
    except SyntaxError as error:
        return f"line {error.lineno}: {error.msg}" if error.lineno else error.msg
    except DocumentError as error:
        return error.problem
    except (ValueError, RecursionError, MemoryError) as error:  # the last two: nested without end
        return str(error) or type(error).__name__
    return ""
