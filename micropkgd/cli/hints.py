"""Hints for a held entry: what a person can do about it, as lines that can be pasted into a shell. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from micropkgd.model.collision import HeldQuestion
from micropkgd.model.entry_key import EntryKey


def short_names(keys: Sequence[EntryKey], names: Mapping[str, str] | None = None) -> Mapping[str, str]:
    """What each ref can be called on the command line: the last part of its target where no other has it, quoted."""
    called = [{key.ref, key.target, key.name, (names or {}).get(key.ref, "")} - {""} for key in keys]
    owners = Counter(chain.from_iterable(called))
    return {key.ref: _quoted(key.name if key.name and owners[key.name] == 1 else key.ref) for key in keys}


def choices(name: str, question: HeldQuestion, *, waits: bool = True) -> Iterator[str]:
    """The commands that settle an entry, one a line, each with what it does."""
    rows = [
        (f"micropkgd diff {name}", "what changed upstream, what was edited here, what collides"),
        (f"micropkgd resolve {name} --keep", "your files stay as they are"),
        (f"micropkgd resolve {name} --take", "the new version; your files are kept for `micropkgd rollback`"),
    ]
    if not waits:  # it left the manifest
        rows = rows[1:]
    if question.collisions:
        rows.append((f"micropkgd resolve {name} --edit", "join both in your merge tool or editor"))
        joined = f"you made of {question.folder}/merged" if question.folder else "was joined"
        rows.append((f"micropkgd resolve {name} --merged", f"take what {joined}"))
    elif question.joined:
        rows.append((f"micropkgd resolve {name} --merge", "both, where nothing collides"))
    width = max(len(command) for command, _ in rows)
    yield from (f"{command:<{width}}  # {what}" for command, what in rows)


def _quoted(text: str) -> str:
    from shlex import quote

    return quote(text)
