"""Text and mappings: the only home of tomllib, tomli-w and yaml.

Nothing here knows what the mappings mean. Heavy libraries are imported by the function that needs them. This face reads
and writes whole documents, plain ones by `plain` and `plain_writer`. Those that a person wrote are edited by `edits`
(one row), `lists` (the texts of an array) and `moves` (one table): `statements` finds where each part of a text stands,
`rows` writes new rows as their table is written, and `meaning` compares. `yaml_lists` adds to a list of a YAML text.
`syntax` tells by its name what a document is, and what keeps it from being read. `conflicts` takes apart what git left
in the middle of a merge, and `keys` says where those of YAML stand; `key_paths` are those that Kedro compares,
`yaml_layout` tells a formatter's work from an edit. `syntax_trees` parses Python.
"""

import re
from collections.abc import Iterator, Mapping

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.errors import DocumentError
from micropkgd.named_tuples import NamedTuple

if TYPE_CHECKING:
    import yaml

_MAX_YAML_BYTES = 64 * 1024
_MAX_YAML_DEPTH = 8
_DEEPEST_YAML = 100  # of parameters, which are never built
_IN_QUOTES = "put a text into quotes"
_MAX_KEY_PARTS = 100
_PART = r"""(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*"""
_LONG_KEY = rf"(?<![\w-])(?:{_PART}){{{_MAX_KEY_PARTS}}}"
_VARIABLE = r"\$\{(?:oc\.env:)?([A-Za-z_]\w*)(?:,([^}]*))?\}"


def read_toml(data: bytes) -> dict[str, object]:
    """Parse TOML; `DocumentError` names line and column, and a conflict marker for what it is."""
    from micropkgd.documents.plain import read_plain

    text = decode(data)
    plain = read_plain(text)
    if plain is not None:
        return plain
    import tomllib

    _refuse_long_keys(text)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        _refuse_conflict_markers(text)
        raise DocumentError(f"invalid TOML: {_uncapitalised(str(error))}", hint=_bare_path(text, error)) from error
    except ValueError as error:  # `int` takes only so many digits
        raise DocumentError("invalid TOML: a number in it is too long") from error
    except RecursionError as error:
        raise DocumentError("invalid TOML: nested too deeply") from error


def _bare_path(text: str, error: Exception) -> str:
    """What helps where a path stands as a key without quotes."""
    found = re.search(r"at line (\d+)", str(error))
    lines = text.split("\n")
    line = lines[int(found[1]) - 1] if found and int(found[1]) <= len(lines) else ""
    key = re.match(r"\s*([\w.:@-]*/[\w./:@-]*)\s*=", line)
    return f'put the key into quotes: `"{key[1]}" = ...`' if key else ""


def _refuse_long_keys(text: str) -> None:
    """Name a key of more parts than anybody writes: the standard library's parser takes time in their square."""
    for number, line in enumerate(text.split("\n") if text.count(".") >= _MAX_KEY_PARTS else (), start=1):
        if line.count(".") >= _MAX_KEY_PARTS and re.search(_LONG_KEY, line):
            raise DocumentError(f"invalid TOML: the key on line {number} has more than {_MAX_KEY_PARTS} parts")


def _refuse_conflict_markers(text: str) -> None:
    """Name what a text that is not TOML has of a merge that is not finished."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.startswith(("<<<<<<< ", ">>>>>>> ")):
            raise DocumentError(f"line {number} is a git conflict marker", hint="finish the merge, then run again")


def write_toml(document: Mapping[str, object]) -> str:
    """Write a mapping as TOML in the order it has."""
    from micropkgd.documents.plain_writer import write_plain

    text = write_plain(document)
    if text is None:
        import tomli_w

        text = tomli_w.dumps(document)
    return text


def read_yaml(data: bytes) -> Mapping[str, object]:
    """Parse a small YAML mapping with the safe C loader; aliases, tags and deep nesting are refused.

    No message tells a value, which may be a secret: a password that begins with `!` is read as a tag, and one like
    `2024-13-45` as a date that there is not (docs/threats.md, T15 and T23).
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
        depth = 0
        for event in yaml.parse(decode(data), Loader=yaml.CSafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST_YAML:  # the parser takes time in the square of it
                raise DocumentError(f"line {_line(event)}: nested deeper than {_DEEPEST_YAML} levels")
    except yaml.YAMLError as error:
        raise DocumentError(f"invalid YAML: {_one_line(error)}") from error


class Value(NamedTuple):
    """A text of a YAML document: the key it stands under, and where it is written, quotes included."""

    key: str
    text: str
    start: int
    end: int


def values_in(text: str) -> Iterator[Value]:
    """The texts that stand under keys, however deep; `DocumentError` where a text is no YAML. Nothing is built."""
    import yaml

    check_yaml(text.encode())
    last: list[yaml.Token] = []
    for token in yaml.scan(text, Loader=yaml.CSafeLoader):
        last = [*last[-3:], token]
        match last:
            case [yaml.KeyToken(), yaml.ScalarToken(value=key), yaml.ValueToken(), yaml.ScalarToken(value=value)]:
                yield Value(key, value, token.start_mark.index, token.end_mark.index)


def interpolate(value: object, environ: Mapping[str, str]) -> object:
    """Replace `${VAR}` and `${oc.env:VAR}` in every text of a document; a missing variable is an error.

    A default may follow a comma, as OmegaConf's `oc.env` resolver has it.
    """
    if isinstance(value, str):
        head = value[: value.rfind("}") + 1]  # behind it each `${` would be searched to the end for one
        return re.sub(_VARIABLE, lambda match: _variable(match, environ), head) + value[len(head) :]
    if isinstance(value, dict):
        return {key: interpolate(item, environ) for key, item in value.items()}
    if isinstance(value, list):
        return [interpolate(item, environ) for item in value]
    return value


def variables_of(value: object) -> set[str]:
    """The names of the variables that a document asks for."""
    if isinstance(value, str):
        return {match.group(1) for match in re.finditer(_VARIABLE, value[: value.rfind("}") + 1])}
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return set().union(*map(variables_of, inner))


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


def _line(event: "yaml.Event") -> int:
    return event.start_mark.line + 1 if event.start_mark else 0


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _uncapitalised(text: str) -> str:
    return text[:1].lower() + text[1:]
