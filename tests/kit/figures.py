"""The figures of docs/reliability.md: `python -m tests.kit.figures` counts what the suites of harm do.

What is counted is what was done: wrappers stand between the tests and the tools of `tests.kit.faults` that they use.
"""

import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from micropkgd.errors import ArchiveError
from micropkgd.sdist import reader
from tests.kit import faults
from tests.kit.places import REPOSITORY

PAGE = REPOSITORY / "docs" / "reliability.md"
BLOCK = re.compile(r"(<!-- figures:begin -->\n).*?(<!-- figures:end -->)", re.DOTALL)
SUITES = (
    "promises/test_crashes.py", "workspace/test_transaction.py", "promises/test_races.py", "actions/test_rollback.py",
    "promises/test_convergence.py", "sdist", "promises/test_hostile_project.py", "promises/test_hostile_laws.py",
    "promises/test_audit.py",
)  # fmt: skip
SAID = {
    "kills": "passes, recoveries and rollbacks killed at a call or system call of their own",
    "errors": "calls that the disk was made to refuse",
    "states": "states of the disk after a power loss",
    "races": "saves, deletions and swapped links between two calls of a pass",
    "swaps": "trades of folders for links by another process while passes ran",
    "games": "games of the convergence law",
    "planted": "projects with planted locks, journals, commits and states",
    "audited": "command lines run under an audit hook",
    "refused": "hostile or broken archives refused",
    "accepted": "archives read",
}


class Counting:
    """Counts what the tests do, through wrappers put in place before their modules are imported."""

    def __init__(self) -> None:
        self.done: Counter[str] = Counter(dict.fromkeys(SAID, 0))

    def wrap_tools(self) -> None:
        """Stand in front of the tools that test modules import by name."""
        in_child, states, read = faults.in_child, faults.states_after_power_loss, reader.read_sdist

        def counted_child(work: Callable[[], object]) -> int:
            status = in_child(work)
            self.done["kills"] += status == -9
            return status

        def counted_states(*arguments: Any) -> Iterator[faults.State]:
            for state in states(*arguments):
                self.done["states"] += 1
                yield state

        def counted_read(*arguments: Any, **options: Any) -> reader.Sdist:
            try:
                sdist = read(*arguments, **options)
            except ArchiveError:
                self.done["refused"] += 1
                raise
            self.done["accepted"] += 1
            return sdist

        tools = {"in_child": counted_child, "states_after_power_loss": counted_states,
                 "fail_at": self.counted("errors", faults.fail_at)}  # fmt: skip
        vars(faults).update(tools)
        vars(reader).update(read_sdist=counted_read)

    def counted(
        self, what: str, call: Callable[..., Any], amount: Callable[..., int] = lambda *arguments: 1
    ) -> Callable[..., Any]:
        """The same call, counted."""

        def count(*arguments: Any) -> Any:
            self.done[what] += amount(*arguments)
            return call(*arguments)

        return count

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Stand in front of what the test modules themselves define."""
        modules = {item.getparent(pytest.Module).obj for item in session.items}  # type: ignore[union-attr]
        for module in modules:
            if hasattr(module, "once_at"):
                vars(module).update(once_at=self.counted("races", module.once_at))
            if hasattr(module, "swapping"):
                vars(module).update(swapping=self.counted("swaps", module.swapping, lambda *arguments: arguments[2]))
            if hasattr(module, "audited"):
                audited = self.counted("audited", module.audited, lambda _, *commands: len(commands))
                vars(module).update(audited=audited)
            if hasattr(module, "apt_locks"):
                vars(module).update(in_place=self.counted("planted", module.in_place))
            if hasattr(module, "Game"):
                module.Game.teardown = self.counted("games", module.Game.teardown)


def figures() -> str:
    """Run the suites, and say what was done."""
    counting, began = Counting(), time.monotonic()
    counting.wrap_tools()
    code = pytest.main([f"tests/{suite}" for suite in SUITES], plugins=[counting])
    if code != 0:
        sys.exit(f"the suites failed ({code}): no figures were written")
    rows = "".join(f"| {words} | {counting.done[what]:,} |\n" for what, words in SAID.items())
    seconds = time.monotonic() - began
    return f"\n| in the last run, of {seconds:.0f} seconds | |\n|---|---:|\n{rows}\n"


if __name__ == "__main__":
    text = figures()
    PAGE.write_text(BLOCK.sub(lambda block: f"{block[1]}{text}{block[2]}", PAGE.read_text()))
