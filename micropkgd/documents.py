"""Text and mappings: the only home of tomllib, tomli-w, tomlkit and yaml.

Nothing here knows what the mappings mean. Heavy libraries are imported by the function that needs them.
"""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from micropkgd.errors import DocumentError

if TYPE_CHECKING:
    import tomlkit
    import yaml
    from tomlkit.items import Table

_MAX_YAML_BYTES = 64 * 1024
_MAX_YAML_DEPTH = 8
_IN_QUOTES = "put a text into quotes"
_VARIABLE = re.compile(r"\$\{(?:oc\.env:)?([A-Za-z_]\w*)(?:,([^}]*))?\}")


def read_toml(data: bytes) -> dict[str, object]:
    """Parse TOML; `DocumentError` names line and column, and a conflict marker for what it is."""
    import tomllib

    text = decode(data)
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith(("<<<<<<< ", ">>>>>>> ")):
            raise DocumentError(f"line {number} is a git conflict marker", hint="finish the merge, then run again")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DocumentError(f"invalid TOML: {_uncapitalised(str(error))}") from error
    except ValueError as error:  # `int` takes only so many digits
        raise DocumentError("invalid TOML: a number in it is too long") from error
    except RecursionError as error:
        raise DocumentError("invalid TOML: nested too deeply") from error


def write_toml(document: Mapping[str, object]) -> str:
    """Write a mapping as TOML in the order it has."""
    import tomli_w

    return tomli_w.dumps(document)


def read_yaml(data: bytes) -> Mapping[str, object]:
    """Parse a small YAML mapping with the safe C loader; aliases, tags and deep nesting are refused.

    No message tells a value, which may be a secret: a password that begins with `!` is read as a tag, and one like
    `2024-13-45` as a date that there is not (reliability.md, T15 and T23).
    """
    import yaml

    if len(data) > _MAX_YAML_BYTES:
        raise DocumentError(f"{len(data)} bytes are too many for an options file: at most {_MAX_YAML_BYTES}")
    text = decode(data)
    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.AliasEvent):
                raise DocumentError(f"line {_line(event)}: YAML aliases are not allowed here", hint=_IN_QUOTES)
            if getattr(event, "tag", None) is not None:
                raise DocumentError(f"line {_line(event)}: YAML tags are not allowed here", hint=_IN_QUOTES)
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _MAX_YAML_DEPTH:
                raise DocumentError(f"line {_line(event)}: nested deeper than {_MAX_YAML_DEPTH} levels")
        document = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise DocumentError(f"invalid YAML: {_one_line(error)}") from error
    except ValueError:
        raise DocumentError("invalid YAML: a date or number in it is none", hint=_IN_QUOTES) from None
    if document is None:
        return {}
    if not isinstance(document, dict) or not all(isinstance(key, str) for key in document):
        raise DocumentError("expected a mapping of option names to values")
    return document


def check_yaml(data: bytes) -> None:
    """`DocumentError` where a text is no YAML; nothing is built from it, so tags and aliases do no harm."""
    import yaml

    try:
        for _ in yaml.parse(decode(data), Loader=yaml.CSafeLoader):
            pass
    except yaml.YAMLError as error:
        raise DocumentError(f"invalid YAML: {_one_line(error)}") from error


def interpolate(value: object, environ: Mapping[str, str]) -> object:
    """Replace `${VAR}` and `${oc.env:VAR}` in every text of a document; a missing variable is an error.

    A default may follow a comma, as OmegaConf's `oc.env` resolver has it.
    """
    if isinstance(value, str):
        return _VARIABLE.sub(lambda match: _variable(match, environ), value)
    if isinstance(value, dict):
        return {key: interpolate(item, environ) for key, item in value.items()}
    if isinstance(value, list):
        return [interpolate(item, environ) for item in value]
    return value


def variables_of(value: object) -> set[str]:
    """The names of the variables that a document asks for."""
    if isinstance(value, str):
        return {match.group(1) for match in _VARIABLE.finditer(value)}
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return set().union(*map(variables_of, inner))


def add_row(text: str, table: Sequence[str], key: str, options: Mapping[str, str]) -> str:
    """Add `"key" = {options}` to a table of a TOML text, making the table where it is missing; all else stays.

    The new lines end as those of the text do.
    """
    import tomlkit

    document = tomlkit.parse(text)
    row = tomlkit.inline_table()
    row.update(options)
    _made(document, table)[key] = row
    added = tomlkit.dumps(document)
    return re.sub("\r?\n", "\r\n", added) if "\r\n" in text else added


def remove_row(text: str, table: Sequence[str], key: str) -> str:
    """Remove one key of a table of a TOML text; comments and layout of all else stay."""
    import tomlkit
    from tomlkit.container import Container
    from tomlkit.items import Table

    document = tomlkit.parse(text)
    here: object = document
    for name in table:
        here = here[name] if isinstance(here, (Table, Container)) else None
    if not isinstance(here, Table):
        raise DocumentError(f"`{'.'.join(table)}` cannot be edited", hint="remove the row by hand")
    here.remove(key)
    return tomlkit.dumps(document)


def move_table(text: str, old: Sequence[str], new: Sequence[str]) -> str:
    """Move what stands below one table of a TOML text below another one; comments, order and all else stay.

    Headers are renamed; where the new table is there already, the rows follow its own. Inline tables and dotted keys
    are tomlkit's work. `DocumentError` where the text does not then say just the same.
    """
    wanted = _moved(read_toml(text.encode()), old, new)
    for edited in (_with_blocks_moved, _with_rows_moved):
        moved = edited(text, old, new)
        if moved is not None and _says(moved, wanted, old):
            return moved
    raise DocumentError(f"`{'.'.join(old)}` is written in a way that cannot be moved", hint="move its rows by hand")


def _with_blocks_moved(text: str, old: Sequence[str], new: Sequence[str]) -> str | None:
    blocks = re.split(r"(?m)^(?=[ \t]*\[)", text)
    names = r"^([ \t]*\[[ \t]*)" + r"\s*\.\s*".join(map(re.escape, old)) + r"(?=\s*[.\]])"
    places = {_header(block): number for number, block in enumerate(blocks)}
    for number, block in enumerate(blocks):
        header = _header(block)
        if header[: len(old)] != tuple(old):
            continue
        target = places.get((*new, *header[len(old) :]))
        if target is None:
            blocks[number] = re.sub(names, rf"\g<1>{'.'.join(new)}", block, count=1)
            continue
        first, _, body = block.partition("\n")
        note = first[first.index("#") :] + "\n" if "#" in first else ""
        rows, rest = _split_after_rows(body)
        above, below = _split_after_rows(blocks[target])
        blocks[target], blocks[number] = above + note + rows + below, rest
    return "".join(blocks)


def _split_after_rows(block: str) -> tuple[str, str]:
    """A block up to the end of its last line that says something, and the blanks and comments behind it."""
    lines = block.splitlines(keepends=True)
    last = max((at for at, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#")), default=-1)
    return "".join(lines[: last + 1]), "".join(lines[last + 1 :])


def _with_rows_moved(text: str, old: Sequence[str], new: Sequence[str]) -> str | None:
    """Take the rows of each part, with the comments between them, to the end of the same part of the new table."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError
    from tomlkit.items import Comment, InlineTable, Table, Whitespace

    document = tomlkit.parse(text)
    try:
        above: Any = document
        for name in old[:-1]:
            above = above[name]
        for part, rows in above[old[-1]].items():
            target = _made(document, (*new, part))
            for key, item in rows.value.body if isinstance(rows, (Table, InlineTable)) else ():
                if isinstance(item, (Comment, Whitespace)):
                    target.add(item)
                else:
                    target.append(key, item)
        del above[old[-1]]
    except (TOMLKitError, AttributeError, DocumentError):
        return None
    return tomlkit.dumps(document)


def _moved(document: Mapping[str, object], old: Sequence[str], new: Sequence[str]) -> Mapping[str, object]:
    """The same on plain mappings: what the moved text must say."""
    here: Any = document
    for name in old[:-1]:
        here = here[name]
    parts = here.pop(old[-1])
    target: Any = document
    for name in new:
        target = target.setdefault(name, {})
    for part, rows in parts.items():
        target.setdefault(part, {}).update(rows)
    return _pruned(document, old[:-1])


def _says(text: str, wanted: Mapping[str, object], old: Sequence[str]) -> bool:
    try:
        return _pruned(read_toml(text.encode()), old[:-1]) == wanted
    except DocumentError:
        return False


def _pruned(document: Mapping[str, object], path: Sequence[str]) -> Mapping[str, object]:
    """Leave out the tables of a path that have nothing in them: a header may have made them, or not."""
    if not path:
        return document
    inner = document.get(path[0])
    if isinstance(inner, dict):
        left = _pruned(inner, path[1:])
        return {key: left if key == path[0] else value for key, value in document.items() if key != path[0] or left}
    return document


def _made(document: "tomlkit.TOMLDocument", path: Sequence[str]) -> "Table":
    """The table at a path, made where it is missing."""
    import tomlkit
    from tomlkit.items import Table

    here: Table | tomlkit.TOMLDocument = document
    for depth, name in enumerate(path):
        if name not in here:
            here.add(name, tomlkit.table(is_super_table=depth < len(path) - 1))
        inner = here[name]
        if not isinstance(inner, Table):
            raise DocumentError(f"`{'.'.join(path)}` cannot be extended", hint="write it as a [table] of its own")
        here = inner
    if not isinstance(here, Table):
        raise DocumentError("a document has no rows of its own")
    return here


def line_of(text: str, path: Sequence[str]) -> int | None:
    """Find the line of a key in TOML text, for messages only: tomllib keeps no positions.

    Looks for the deepest part of `path` that has a line of its own, as a header or as a key.
    """
    best: int | None = None
    header: tuple[str, ...] = ()
    matched = 0
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if stripped.startswith("["):
            here = header = _header(stripped)
        elif "=" in stripped and not stripped.startswith("#"):
            here = (*header, *_keys(stripped))
        else:
            continue
        if here == tuple(path[: len(here)]) and len(here) > matched:
            best, matched = number, len(here)
    return best


def decode(data: bytes) -> str:
    """Decode UTF-8, a byte order mark left out; `DocumentError` names the first bad byte."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentError(f"not UTF-8: byte {error.start} is 0x{data[error.start]:02x}") from error


def _variable(match: re.Match[str], environ: Mapping[str, str]) -> str:
    value = environ.get(match.group(1), match.group(2))
    if value is None:
        raise DocumentError(
            f"environment variable `{match.group(1)}` is not set", hint="set it, or give a default: ${oc.env:NAME,x}"
        )
    return value


_KEY = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*(\.?)""")


def _header(text: str) -> tuple[str, ...]:
    """The name of the table that a text begins with; empty where it begins with something else."""
    line = text.strip().partition("\n")[0]
    return _keys(line.strip("[]")) if line.startswith("[") else ()


def _keys(text: str) -> tuple[str, ...]:
    """Read a dotted TOML key from the start of a line."""
    keys = []
    position = 0
    while match := _KEY.match(text, position):
        keys.append(next(part for part in match.group(1, 2, 3) if part is not None))
        position = match.end()
        if not match.group(4):
            break
    return tuple(keys)


def _line(event: "yaml.Event") -> int:
    return event.start_mark.line + 1 if event.start_mark else 0


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _uncapitalised(text: str) -> str:
    return text[:1].lower() + text[1:]
