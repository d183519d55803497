"""`explain`: what the code of an error means, and what to do."""

import sys
from collections.abc import Iterator
from textwrap import wrap
from types import SimpleNamespace as Namespace

from micropkgd.cli.explanations import EXPLANATIONS, reason_of
from micropkgd.cli.say import say, say_json
from micropkgd.cli.terminal import columns
from micropkgd.errors import UsageError
from micropkgd.model.failure_codes import CODES
from micropkgd.model.fields import nearest

_WIDTH = 80
_INDENT = " " * 8


def explain(options: Namespace) -> int:
    """Explain one, or list all."""
    named = [_known(options.code)] if options.code else [*CODES]
    if options.json:
        rows = [{"code": CODES[reason], "reason": reason, **EXPLANATIONS[reason]._asdict()} for reason in named]
        say_json(options, {"errors": rows, "projects": []}, exit_code=0)
    elif options.code is None:
        say(_listed())
    else:
        (reason,) = named
        means, to_do = EXPLANATIONS[reason]
        width = min(_WIDTH, columns(sys.stdout) or _WIDTH)
        say([f"{CODES[reason]} {reason}", "", *wrap(means, width), "", *wrap(f"What to do: {to_do}", width)])
    return 0


def _listed() -> Iterator[str]:
    """All codes, each with what it means."""
    width = min(_WIDTH, columns(sys.stdout) or _WIDTH)
    for reason, code in CODES.items():
        yield f"{code}  {reason}"
        yield from wrap(EXPLANATIONS[reason].means, width, initial_indent=_INDENT, subsequent_indent=_INDENT)


def _known(asked: str) -> str:
    reason = reason_of(asked)
    if reason is not None:
        return reason
    near = nearest(asked.upper(), [*CODES.values()]) or nearest(asked.capitalize(), [*CODES])
    hint = f"did you mean `{near}`?" if near else "`micropkgd explain` lists all codes"
    raise UsageError(f"there is nothing known of `{asked}`", hint=hint)
