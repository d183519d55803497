"""Hints for a held entry: what a person can do about it, as lines that can be pasted into a shell. Pure."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain

from micropkgd.model.entry_key import EntryKey


def short_names(keys: Sequence[EntryKey], names: Mapping[str, str] | None = None) -> Mapping[str, str]:
    """What each ref can be called on the command line: the last part of its target where no other has it, quoted."""
    called = [{key.ref, key.target, key.name, (names or {}).get(key.ref, "")} - {""} for key in keys]
    owners = Counter(chain.from_iterable(called))
    return {key.ref: _quoted(key.name if key.name and owners[key.name] == 1 else key.ref) for key in keys}


def choices(name: str, ways: Collection[str], folder: str = "", *, waits: bool = True) -> Iterator[str]:
    """The commands that settle an entry in these ways, one a line, each with what it does."""
    joined = f"you made of {folder}/merged" if folder else "was joined"
    does = {
        "keep": "your files stay as they are",
        "take": f"{'the new version' if waits else 'the entry goes, with your edits'}; `rollback` undoes it",
        "merge": "both, where nothing collides",
        "edit": "join both in your editor",
        "merged": f"take what {joined}",
    }
    rows = [(f"micropkgd diff {name}", "what changed on both sides")] if waits else []  # else it left the manifest
    rows += [(f"micropkgd resolve {name} --{way}", does[way]) for way in ways]
    width = max(len(command) for command, _ in rows)
    yield from (f"{command:<{width}}  # {what}" for command, what in rows)


def _quoted(text: str) -> str:
    from shlex import quote

    return quote(text)
