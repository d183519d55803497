"""Reads a requirements file as pip does: encoding, lines, what each says, how they end. Pure."""

import codecs
import re
from collections.abc import Iterable, Iterator

from micropkgd.annotations import Final
from micropkgd.errors import DocumentError
from micropkgd.model.distribution_name import NAME, normalised

_COMMENT: Final = r"(^|\s+)#.*$"
_ENDS: Final = "\r\n"
_MARKS: Final = (  # of two that begin alike the longer one comes first
    (codecs.BOM_UTF8, "UTF-8"),
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_COOKIE: Final = rb"[ \t\f]*#.*?coding[:=][ \t]*([-_.a-zA-Z0-9]+)"
_FILE_OPTION: Final = r"(?:-r|-c|--requirement|--constraint)(?:\s+|=|(?<=-[rc]))(\S.*)"
_HASH_OPTION: Final = r"(?:^|\s)--hash(?:=|\s)|^--require-hashes\b"
_PIN: Final = r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[([^\]]*)\])?\s*===?\s*([^\s;,*]+)"
_CONFLICT: Final = ("<<<<<<< ", ">>>>>>> ")
_OF_OTHER_FILES: Final = r"[\[{<].*|---|[A-Za-z0-9_-]+:(?:\s.*)?"


def encoding_of(data: bytes) -> str:
    """What a file is written in by its mark, or by a `coding` comment in its first two lines; else UTF-8."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return name
    for line in data.split(b"\n", 2)[:2]:
        if (cookie := re.match(_COOKIE, line)) and line.lstrip().startswith(b"#"):
            name = cookie[1].decode()
            return "UTF-8" if name.lower() in {"utf-8", "utf8", "utf_8"} else name
    return "UTF-8"


def text_of(data: bytes) -> str:
    """The text of a file in any encoding that pip reads, without its mark; `DocumentError` where it cannot be read."""
    encoding = encoding_of(data)
    try:
        text = data.decode("utf-8-sig" if encoding == "UTF-8" else encoding)
    except (UnicodeError, LookupError) as error:
        raise DocumentError(f"it cannot be read as {encoding}", hint="save it as UTF-8") from error
    if "\0" in text:
        raise DocumentError("it has zero bytes, as UTF-16 without a mark", hint="save it as UTF-8")
    return text


def logical_lines(text: str) -> list[str]:
    """The lines with what ends them; one that ends with a backslash goes on in the next, as pip has it."""
    lines: list[str] = []
    goes_on = False
    for line in text.splitlines(keepends=True):
        if goes_on:
            lines[-1] += line
        else:
            lines.append(line)
        goes_on = line.rstrip(_ENDS).endswith("\\") and not line.lstrip().startswith("#")
    return lines


def stated(line: str) -> str:
    """What a logical line says: without its comment, and on one line."""
    parts = (re.sub(_COMMENT, "", part) for part in line.splitlines())
    return "".join(part.removesuffix("\\") for part in parts).strip()


def line_end(text: str) -> str:
    """What most lines of a text end with."""
    if "\n" not in text:
        return "\r" if "\r" in text else "\n"
    return "\r\n" if text.count("\r\n") * 2 > text.count("\n") else "\n"


def oddity(text: str) -> str:
    """What keeps lines from being added to a text: a merge under way, or another kind of document. Mostly empty."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith(_CONFLICT):
            return f"line {number} is a git conflict marker"
    first = next((said for line in logical_lines(text) if (said := stated(line))), "")
    return (
        f"it is not a requirements file: it begins with `{first[:40]}`" if re.fullmatch(_OF_OTHER_FILES, first) else ""
    )


def wants_hashes(text: str) -> bool:
    """Whether pip takes lines with hashes alone from a file like this."""
    return "hash" in text and any(re.search(_HASH_OPTION, stated(line)) for line in logical_lines(text))


def included(text: str) -> Iterator[str]:
    """The files that a file includes by `-r` and `-c`, as it names them."""
    for line in logical_lines(text):
        if found := re.fullmatch(_FILE_OPTION, stated(line)):
            yield found[1].strip("\"'")


def pins(texts: Iterable[str]) -> dict[str, str]:
    """The one version that files allow of a project, by its name."""
    lines = (stated(line) for text in texts for line in logical_lines(text))
    return {name_in(found[1]): found[3] for line in lines if (found := re.match(_PIN, line))}


def allows(wanted: str, version: str) -> bool:
    """Whether a requirement is answered by a version; an empty one answers nothing."""
    from packaging.requirements import Requirement

    try:
        asked = Requirement(wanted)
        plain = asked.url is None and not asked.extras
        return bool(version) and plain and asked.specifier.contains(version, prereleases=True)
    except ValueError:  # of a version that is none
        return False


def says(line: str, wanted: str) -> bool:
    """Whether a logical line asks for the same as a canonical requirement; options of pip behind it do not matter."""
    text = stated(line)
    if text == wanted:
        return True
    if name_in(text) != name_in(wanted):
        return False
    meaning = _meaning(text)
    return text.startswith(f"{wanted} ") if meaning is None else meaning == _meaning(wanted)


def name_in(text: str) -> str:
    """The name that a requirement begins with, as indexes compare names."""
    found = re.match(NAME, text)
    return normalised(found[0]) if found else ""


def _meaning(text: str) -> object:
    """What two requirements must share to ask for the same; None for what is none."""
    from packaging.requirements import Requirement

    try:
        asked = Requirement(text)
        meaning = name_in(asked.name), frozenset(asked.extras), asked.specifier, asked.url, str(asked.marker)
        hash(meaning)  # reads the versions, too
    except ValueError:  # InvalidRequirement is one; so is a number too long for `int`
        return None
    return meaning
