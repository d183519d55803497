"""The lines that `output` and the short way of `everyday` both say. Pure, and imports nothing."""

NOTHING_WRITTEN = " (dry run, nothing was written)"


def plain(text: str) -> str:
    """Make control and direction characters of foreign names visible (docs/threats.md, T25)."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character == "\t" else ascii(character)[1:-1] for character in text
    )


def standing_line(word: str, name: str, place: str, version: str) -> str:
    """One entry or module, where it is, and which version stands there."""
    return f"{word:<10} {name}{f' -> {place}' if place else ''}  {version}".rstrip()


def version_said(version: str, digest: str) -> str:
    """Which version, where that is known, of which archive."""
    return f"{version} ({digest.removeprefix('sha256:')[:12]})".lstrip()


def drifted_line(path: str, *, formatted: bool = False) -> str:
    """A file that holds a local edit."""
    return f"  drifted: {plain(path)} ({'formatting only' if formatted else 'your edit is kept'})"


def left_out_line(count: int) -> str:
    """How many files git leaves out of this checkout."""
    return f"  left out of this checkout by git: {count} {'file' if count == 1 else 'files'}"


def unfetched_line(path: str) -> str:
    """A file in whose place a pointer stands."""
    return f"  not fetched: {plain(path)} (a pointer of Git LFS: `git lfs pull`)"


def entries_line(total: int, said: str) -> str:
    """How many entries there are, and how they stand."""
    return f"{total} {'entry' if total == 1 else 'entries'}{f': {said}' if said else ''}"


def modules_line(total: int, said: str) -> str:
    """How many packaged modules there are, and how they stand."""
    return f"{total} {'module' if total == 1 else 'modules'}: {said}"
