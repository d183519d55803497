"""The names that become places in a project: modules, folders of its package, config environments. Pure.

Python must take them, and so must every tree that they are checked out in, for trees are committed and shared. What a
tree can hold is by the rules of git's `protectNTFS` and `protectHFS` (the characters that HFS+ looks past are format
characters, which no name here may have anyway) and of Windows itself.
"""

import keyword
import re
import sys

from micropkgd.annotations import Final
from micropkgd.errors import DocumentError
from micropkgd.model.tree import rel_path

_BELOW: Final = "write a place below the package folder, like `pipelines`"
_RENAME: Final = "rename it, so that the tree can be committed and checked out everywhere"
_MEANINGS: Final = {
    "git": "git keeps its own under that name and refuses it",
    "device": "Windows has a device of that name",
    "character": "Windows gives that character another meaning",
    "end": "Windows drops a space or dot at the end of a name",
}
_PATTERN: Final = r"""(?ix)
    (?:\A|/) (?P<git>\.git|git~1) (?=[ .]*(?:/|:|\Z))
    | (?:\A|/) (?P<device>con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[1-9¹²³]) (?=[ ]*(?:\.[^/]*)?(?:/|:|\Z))
    | (?P<character>[<>:"|?*])
    | (?P<end>[ .])(?=/|\Z)
"""
_WITH_MEANING: Final = frozenset('<>:"|?* ')
_TAKEN: Final = frozenset(
    {
        "con",
        "prn",
        "aux",
        "nul",
        "conin$",
        "conout$",
        "git~1",
        "",
        *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10)),
    }
)


def why_not_portable(path: str) -> str:
    """What is wrong with a part of a path; empty if nothing is."""
    if _is_plain(path):
        return ""
    found = re.search(_PATTERN, path)
    return _MEANINGS[found.lastgroup or ""] if found else ""


def _is_plain(path: str) -> bool:
    """Whether nothing in a path needs the pattern, which takes four times as long: so it is with nearly all paths."""
    stems = {part.partition(".")[0] for part in path.lower().split("/")}  # empty where a name begins with a dot
    return path.isascii() and _WITH_MEANING.isdisjoint(path) and _TAKEN.isdisjoint(stems) and "./" not in f"{path}/"


def portable(path: str, what: str) -> str:
    """Check a name or path; `DocumentError` says which system cannot hold it."""
    if reason := why_not_portable(path):
        raise DocumentError(f"{what} `{path}` cannot be held by every system: {reason}", hint=_RENAME)
    return path


def is_dotted_name(text: str) -> bool:
    """Whether a text is of the form `pipelines.features`, however short."""
    return all(map(str.isidentifier, text.split(".")))


def check_name(name: str, what: str) -> str:
    """Check a name that becomes the last part of a module path; `DocumentError` says which rule it breaks."""
    if not name.isidentifier():
        raise DocumentError(f"{what} `{name}` is not a Python name", hint=_name_hint(name, what))
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        raise DocumentError(f"{what} `{name}` is a Python keyword", hint=f"write it like `{name}_`")
    if name in sys.stdlib_module_names:
        problem = f"{what} `{name}` is the name of a standard library module"
        raise DocumentError(problem, hint=f"write it like `{name}_`, so that no import takes one for the other")
    return portable(name, what)


def _name_hint(name: str, what: str) -> str:
    """A name with folders in it, or with characters that no name has."""
    *folders, leaf = name.replace("/", ".").strip(".").split(".")
    if what == "alias" and folders and all(map(str.isidentifier, (*folders, leaf))):
        return f'an alias is one name: `alias = "{leaf}"` with `destination = "{"/".join(folders)}"`'
    spelt = re.sub(r"\W", "_", name)
    return f"write it like `{spelt}`" if spelt.isidentifier() else "use letters, digits and underscores"


def parse_destination(text: str) -> tuple[str, ...]:
    """Read `pipelines/nested` or `pipelines.nested`: folders below the package folder."""
    if "\\" in text:
        raise DocumentError(f"destination `{text}` has a backslash", hint="write paths with forward slashes")
    parts = tuple(text.removeprefix("./").strip("/").split("/")) if "/" in text else tuple(text.split("."))
    if text.startswith("/"):
        raise DocumentError(f"destination `{text}` is an absolute path", hint=_BELOW)
    if ".." in parts or text == "..":
        raise DocumentError(f"destination `{text}` leaves the package folder", hint=_BELOW)
    if text in {"", ".", "./"}:
        hint = "leave `destination` out: what is pulled then stands right below the package folder"
        raise DocumentError(f"destination `{text}` is the package folder itself", hint=hint)
    if "" in parts or "." in parts:
        raise DocumentError(f"destination `{text}` is not in its shortest form", hint=_BELOW)
    for part in parts:
        if not part.isidentifier() or keyword.iskeyword(part):
            spelt = f"{part}_" if keyword.iskeyword(part) else re.sub(r"\W", "_", part)
            hint = f"write it like `{spelt}`" if spelt.isidentifier() else _BELOW
            what = "is a word of Python" if keyword.iskeyword(part) else "is not a Python name"
            raise DocumentError(f"destination `{text}` is not a package path: `{part}` {what}", hint=hint)
        portable(part, "destination")
    return parts


def parse_env(text: str) -> str:
    """Check the name of a config environment: a folder directly or deeper below the config folder."""
    try:
        env = rel_path(text)
    except DocumentError as error:
        raise DocumentError(f"env `{text}` leaves the config folder", hint="write a name like `base`") from error
    return portable(env, "env")


def parse_base_env(text: str) -> str:
    """Check the name of the base environment; `.` is the config folder itself, of a project that has no others."""
    return text if text == "." else parse_env(text)
