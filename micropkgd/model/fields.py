"""Typed reading of one table of a TOML document: each error knows the key it is about."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

from micropkgd.annotations import TypeVar
from micropkgd.errors import DocumentError
from micropkgd.named_tuples import NamedTuple

Table = Mapping[str, object]
TablePath = tuple[str, ...]

T = TypeVar("T")
Choice = TypeVar("Choice", bound=StrEnum)


class ManifestError(DocumentError):
    """The owner must mend `pyproject.toml`.

    `path` is the address of the table or key at fault, `other` of the one it disagrees with: whoever holds the text
    turns them into lines.
    """

    def __init__(self, problem: str, path: TablePath, *, other: TablePath | None = None, hint: str = "") -> None:
        super().__init__(problem, hint=hint)
        self.path = path
        self.other = other


class Fields(NamedTuple):
    """One table and its address."""

    table: Table
    path: TablePath

    @classmethod
    def of_row(cls, key: str, row: object, home: TablePath, allowed: Sequence[str]) -> "Fields":
        """Read one row of a pull or package table, with nothing in it but the allowed keys."""
        path = (*home, key)
        if not isinstance(row, Mapping):
            raise ManifestError(
                f"expected a table of options, found {kind_of(row)}", path, hint=f'write `"{key}" = {{}}`'
            )
        _refuse_unquoted(key, row, path, allowed)
        fields = cls(row, path)
        fields.known(allowed)
        return fields

    def known(self, allowed: Sequence[str]) -> None:
        """Refuse keys that mean nothing, naming the nearest that does."""
        for key in self.table:
            if key not in allowed:
                near = nearest(key, allowed)
                hint = f"did you mean `{near}`?" if near else f"known keys: {', '.join(allowed)}"
                raise ManifestError(f"unknown key `{key}` in [{dotted(self.path)}]", (*self.path, key), hint=hint)

    def text(self, key: str) -> str | None:
        """A text that is not empty, or None where the key is absent."""
        value = self.table.get(key)
        if value is not None and (not isinstance(value, str) or not value):
            raise self._wrong(key, "a text that is not empty")
        return value

    def texts(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A list of texts; the default where the key is absent."""
        value = self.table.get(key, list(default))
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._wrong(key, "a list of texts")
        return tuple(value)

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false."""
        value = self.table.get(key, default)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def choice(self, key: str, kind: type[Choice]) -> Choice | None:
        """One of the words of an enumeration, or None where the key is absent."""
        value = self.table.get(key)
        if value is None:
            return None
        words = [word.value for word in kind]
        if value not in words:
            raise self._wrong(key, f"one of {', '.join(words)}")
        return kind(value)

    def checked(self, key: str, parse: Callable[[str], T]) -> T | None:
        """A text that `parse` accepts; what it says against the text gets this key's address."""
        value = self.text(key)
        return None if value is None else self._parsed(key, value, parse)

    def all_checked(self, key: str, parse: Callable[[str], T]) -> tuple[T, ...]:
        """A list of texts that `parse` accepts, each."""
        return tuple(self._parsed(key, value, parse) for value in self.texts(key))

    def read(self, key: str, parse: Callable[[tuple[str, ...]], T]) -> T:
        """What `parse` makes of a list of texts as a whole."""
        try:
            return parse(self.texts(key))
        except DocumentError as error:
            raise ManifestError(error.problem, (*self.path, key), hint=error.hint) from error

    def tables(self, key: str) -> "list[Fields]":
        """The tables of an array, whose errors have the address of the array."""
        rows = self.table.get(key, [])
        if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
            raise ManifestError(
                f"`{key}` must be an array of tables", (*self.path, key), hint=f"write `[[{dotted(self.path)}.{key}]]`"
            )
        return [Fields(row, (*self.path, key)) for row in rows]

    def _parsed(self, key: str, value: str, parse: Callable[[str], T]) -> T:
        try:
            return parse(value)
        except DocumentError as error:
            raise ManifestError(error.problem, (*self.path, key), hint=error.hint) from error

    def _wrong(self, key: str, wanted: str) -> ManifestError:
        return ManifestError(f"`{key}` must be {wanted}, found {kind_of(self.table[key])}", (*self.path, key))


def table_at(document: Table, path: TablePath) -> Table | None:
    """Walk down to a table; None where it is absent, `ManifestError` where something else stands there."""
    here: object = document
    for depth, key in enumerate(path):
        if not isinstance(here, Mapping):
            raise ManifestError(f"[{dotted(path[:depth])}] must be a table, found {kind_of(here)}", path[:depth])
        if key not in here:
            return None
        here = here[key]
    if not isinstance(here, Mapping):
        raise ManifestError(f"[{dotted(path)}] must be a table, found {kind_of(here)}", path)
    return here


def dotted(path: TablePath) -> str:
    """Write an address as TOML does: parts that need quotes get them."""
    return ".".join(part if part.replace("-", "").replace("_", "").isalnum() else f'"{part}"' for part in path)


def kind_of(value: object) -> str:
    """Name a TOML value for people: `the text "x"`, `the number 3`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'the text "{value}"'
    if isinstance(value, (int, float)):
        return f"the number {value}"
    return "a table" if isinstance(value, Mapping) else "a list" if isinstance(value, list) else f"`{value}`"


def nearest(word: str, known: Sequence[str]) -> str | None:
    """The known word that a misspelt one most likely means."""
    import difflib

    close = difflib.get_close_matches(word, known, n=1)
    return close[0] if close else None


def _refuse_unquoted(key: str, row: Table, path: TablePath, allowed: Sequence[str]) -> None:
    """Explain `pipelines.x = {}`: TOML reads the unquoted dots as tables in tables (docs/kedro.md, defect 22)."""
    parts = [key]
    inner: object = row
    while isinstance(inner, Mapping) and len(inner) == 1:
        (part, inner) = next(iter(inner.items()))
        if part in allowed:
            break
        parts.append(part)
        if isinstance(inner, Mapping):
            whole = ".".join(parts)
            if not inner or any(option in allowed for option in inner):
                raise ManifestError(
                    f"the dots of `{whole}` are not quoted, so TOML reads tables inside tables",
                    (*path, *parts[1:]),
                    hint=f'write `"{whole}" = ...`',
                )
