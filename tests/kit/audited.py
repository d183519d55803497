"""A process that runs command lines under an audit hook, and tells what it saw of code being run: see `test_audit`.

`python tests/kit/audited.py ORDER`: ORDER is a JSON document with the project's `root`, the `names` that nothing may
import, the `token` that stands in every canary, and the `commands`; a command that is a text is Python to run instead,
for the tests of the alarm itself. An audit hook cannot be removed, so it has a process of its own.
"""

import builtins
import json
import os
import sys
import threading
from ast import PyCF_ONLY_AST
from collections.abc import Iterator
from types import CodeType
from typing import Any

SPAWNS = {
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.fork",
    "os.forkpty",
    "pty.spawn",
}


class Watch:
    """The hook, and what rang the alarm."""

    def __init__(self, root: str, names: list[str], token: str) -> None:
        self.root, self.names, self.token = root, set(names), token
        self.alarms: list[str] = []
        self.seen: dict[str, int] = {}
        self._parsing = threading.local()
        self._compile = builtins.compile
        builtins.compile = self.compile

    def compile(self, source: Any, filename: Any, mode: str, flags: int = 0, *rest: Any, **named: Any) -> Any:
        """`compile`, noting for the hook, which is not told the flags, whether this is only parsing.

        Of a syntax tree that becomes code the hook is not told at all.
        """
        self._parsing.now = bool(flags & PyCF_ONLY_AST)
        if not self._parsing.now and self.is_handled(source, filename):
            self.ring("compile", filename)
        try:
            return self._compile(source, filename, mode, flags, *rest, **named)
        finally:
            self._parsing.now = False

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Look at one event."""
        if event in SPAWNS:
            self.ring(event, arguments[0] if arguments else "")
        elif event == "import" and arguments[0].partition(".")[0] in self.names:
            self.ring(event, arguments[0])
        elif event == "compile":
            self.count("parse" if getattr(self._parsing, "now", False) else "compile")
            if not getattr(self._parsing, "now", False) and self.is_handled(*arguments):
                self.ring(event, arguments[1])
        elif event == "exec" and isinstance(arguments[0], CodeType):
            self.count(event)
            if any(self.is_handled(text, arguments[0].co_filename) for text in texts_in(arguments[0])):
                self.ring(event, arguments[0].co_filename)
        elif event == "ctypes.dlopen" and self.is_below(arguments[0]):
            self.ring(event, arguments[0])

    def is_handled(self, source: Any, filename: Any) -> bool:
        """Whether this is code of the project or of an archive."""
        data = (
            source.encode("utf-8", "surrogatepass")
            if isinstance(source, str)
            else source
            if isinstance(source, bytes)
            else b""
        )
        return self.token.encode() in data or self.is_below(filename)

    def is_below(self, path: Any) -> bool:
        """Whether a file name is one of the project's."""
        text = os.fsdecode(path) if isinstance(path, str | bytes) else ""
        return os.path.abspath(text).startswith(self.root) and not text.startswith("<") and text != ""

    def ring(self, event: str, what: Any) -> None:
        """Remember what may not be."""
        self.alarms.append(f"{event}: {what}")

    def count(self, event: str) -> None:
        """Remember that there was something to look at."""
        self.seen[event] = self.seen.get(event, 0) + 1

    def leftovers(self) -> Iterator[str]:
        """Modules that came from the project, however they did."""
        for name, module in list(sys.modules.items()):
            if self.is_below(getattr(module, "__file__", None)):
                yield f"module: {name}"


def texts_in(code: CodeType) -> Iterator[str]:
    """The texts that stand in code, and in the code in it; at least one."""
    yield ""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from texts_in(constant)
        elif isinstance(constant, str):
            yield constant


def main(order: dict[str, Any]) -> dict[str, Any]:
    """Run the commands, and say how they ended and what was seen."""
    watch = Watch(order["root"], order["names"], order["token"])
    sys.addaudithook(watch.hook)
    from micropkgd.cli.run import run

    codes = []
    for command in order["commands"]:
        if isinstance(command, str):
            exec(command, {})
            codes.append(0)
            continue
        try:
            codes.append(run(command))
        except SystemExit as end:
            codes.append(end.code if isinstance(end.code, int) else 1)
    return {"codes": codes, "alarms": [*watch.alarms, *watch.leftovers()], "seen": watch.seen}


if __name__ == "__main__":
    report = main(json.loads(sys.argv[1]))
    sys.stdout.flush()
    sys.stdout.write(f"\n{json.dumps(report)}\n")
