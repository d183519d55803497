"""The plain form of TOML, read in a fraction of the time: that of our lock, and of most rows that people write.

A document is plain where each header is written once and each value is a text without escapes, a whole number, a truth,
an array of texts, or an inline table of such. Whatever else it has, `read_plain` declines it as a whole, and the
standard library's parser decides; what it takes, it reads as that parser does (a law in tests/documents/test_plain.py).

Rule: patterns never go back over what they have read (`*+`), so that no text takes longer than its length.
"""

import re

from micropkgd.annotations import Any, Final

_CONTROL = r"\x00-\x1f\x7f"  # control characters stand nowhere, line ends aside
_TEXT: Final = rf"""(?:"[^"\\{_CONTROL}]*+"|'[^'{_CONTROL}]*+')"""
_KEY: Final = rf"(?:[A-Za-z0-9_-]++|{_TEXT})"
_GAP: Final = rf"(?:[ \n]|#[^{_CONTROL}]*+\n)*+"
_ARRAY: Final = rf"\[{_GAP}(?:{_TEXT}{_GAP}(?:,{_GAP}|(?=\])))*+\]"
_SIMPLE: Final = rf"{_TEXT}|true|false|(?:0|[1-9][0-9]{{0,17}}+)(?![0-9])|{_ARRAY}"
_PAIR: Final = rf"({_KEY})[ ]*+=[ ]*+"
_INLINE: Final = rf"\{{[ ]*+(?:{_KEY}[ ]*+=[ ]*+(?:{_SIMPLE})[ ]*+(?:,[ ]*+(?!\}})|(?=\}})))*+\}}"
_END: Final = rf"[ ]*+(?:#[^{_CONTROL}]*+)?\n"

_LINES: Final = re.compile(rf"[ ]*+(?:{_PAIR}({_SIMPLE}|{_INLINE}))?{_END}|([\s\S]++)")  # else all that follows
_HEADER: Final = re.compile(rf"(\[?)\[({_KEY}(?:\.{_KEY}){{0,15}}+)\](\]?){_END}")
_PART: Final = re.compile(_KEY)
_INNER: Final = rf"{_PAIR}({_SIMPLE})"  # compiled by `re` where there are any
_ITEM: Final = rf"#[^{_CONTROL}]*+|({_TEXT})"

Table = dict[str, Any]
_Header = tuple[tuple[str, ...], str, bool, int]
"""The tables above, the name, whether it is a row (`[[name]]`), and its length: no class, which takes time to make."""


class _OtherFormError(Exception):
    """The standard library's parser must look."""


def read_plain(text: str) -> Table | None:
    """The mapping that a plain document is; None where it is not plain, or not TOML."""
    lines = text.replace("\r\n", "\n")
    whole = lines if lines.endswith("\n") else f"{lines}\n"
    document = table = Table()
    ours = {id(document)}  # what headers made; other tables and lists are values, which no header opens
    headers = dict[str, _Header]()  # by their lines: a lock has the same five for each entry
    at = 0
    try:
        while at < len(whole):
            if whole[at] == "[":
                line = whole[at : whole.index("\n", at)]
                header = headers.get(line) or headers.setdefault(line, _header(whole, at))
                table = _opened(document, header, ours)
                at += header[-1]
            end = whole.find("\n[", max(at - 1, 0)) + 1 or len(whole)
            _read_pairs(table, whole[at:end])
            at = end
    except _OtherFormError:
        return None
    return document


def _header(text: str, at: int) -> _Header:
    """Read a header."""
    found = _HEADER.match(text, at)
    if found is None or len(found[1]) != len(found[3]):
        raise _OtherFormError
    *above, name = map(_bare, _PART.findall(found[2]))
    return tuple(above), name, bool(found[1]), found.end() - at


def _opened(document: Table, header: _Header, ours: set[int]) -> Table:
    """The new table that a header opens."""
    above, name, is_row, _ = header
    table = document
    for part in above:
        table = _inside(table, part, ours)
    new = Table()
    ours.add(id(new))
    if not is_row:
        _put(table, name, new)
        return new
    if name not in table:
        table[name] = []
        ours.add(id(table[name]))
    rows = table[name]
    if not isinstance(rows, list) or id(rows) not in ours:
        raise _OtherFormError
    rows.append(new)
    return new


def _inside(table: Table, part: str, ours: set[int]) -> Table:
    """The table of a name on the way of a header, made where there is none; of several, the last."""
    if part not in table:
        table[part] = Table()
        ours.add(id(table[part]))
    inner = table[part]
    if id(inner) not in ours:
        raise _OtherFormError
    found: Table = inner[-1] if isinstance(inner, list) else inner
    return found


def _read_pairs(table: Table, text: str) -> None:
    """Read what stands below a header, up to the next one."""
    if text.startswith('"') and _read_quoted(table, text):
        return
    for key, value, other in _LINES.findall(text):
        if other:
            raise _OtherFormError
        if key:
            _put(table, _bare(key), _value(value))


def _read_quoted(table: Table, text: str) -> bool:
    """Read lines of nothing but `"key" = "text"` at once: these are the thousands of a lock."""
    words = text.split('"')
    *ends, last = words[4::4] or [""]
    inside = "".join(words[1::2])
    if len(words) % 4 != 1 or set(words[2::4]) != {" = "} or not {"\n"}.issuperset(ends) or last not in {"\n", "\n\n"}:
        return False
    if "\\" in inside or not inside.isprintable():  # also refuses some that may stand in a text: they are read by line
        return False
    table.update(zip(words[1::4], words[3::4], strict=True))
    if len(table) * 4 != len(words) - 1:
        raise _OtherFormError
    return True


def _put(table: Table, name: str, value: object) -> None:
    if name in table:
        raise _OtherFormError
    table[name] = value


def _bare(word: str) -> str:
    """A key or text without its quotes."""
    return word[1:-1] if word[0] in "\"'" else word


def _value(word: str) -> object:
    match word[0]:
        case '"' | "'":
            return word[1:-1]
        case "[":
            return [item[1:-1] for item in re.findall(_ITEM, word) if item]
        case "{":
            inner = Table()
            for key, value in re.findall(_INNER, word):
                _put(inner, _bare(key), _value(value))
            return inner
        case "t" | "f":
            return word == "true"
        case _:
            return int(word)
