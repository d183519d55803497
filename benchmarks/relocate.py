"""What rewriting the imports of one 500-line module costs, as ratios of medians taken in one run.

Run `python benchmarks/relocate.py`. Rope and LibCST are measured too where they are installed. Each is asked for the
same thing: the module `demo.pipelines.ds` becomes `ds`, and this file of it follows.
"""

import ast
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from micropkgd.relocate import Move, Relocation, relocate

OLD = "demo.pipelines.ds"
RELOCATION = Relocation((Move(OLD, "ds"),), frozenset({OLD, f"{OLD}.nodes", f"{OLD}.sub"}), frozenset({"demo"}))
FUNCTION = '''
def step_{0}(frame, *, limit=10, columns=("a", "b")):
    """Clean one frame: see the catalog for what the columns mean."""
    rows = [row for row in frame if row.score > limit and row.name not in columns]
    totals = {{row.name: sum(row.values) / max(len(row.values), 1) for row in rows}}
    for name, total in sorted(totals.items()):
        if total > limit * 2.5:
            logger.info("large: %s %s", name, f"{{total:.2f}}")
        else:
            totals[name] = total + nodes.scale(limit)
    return totals
'''
FROM_IMPORTS = (
    f"import logging\nfrom {OLD} import nodes\nfrom {OLD}.sub import run as go\nlogger = logging.getLogger(__name__)\n"
)
PLAIN_IMPORTS = f"import logging\nimport {OLD}.nodes\nimport {OLD}.sub\nlogger = logging.getLogger(__name__)\n"


def module(head: str, nodes: str) -> bytes:
    """A module of about 500 lines."""
    return (head + "".join(FUNCTION.format(i) for i in range(45)).replace("nodes.scale", f"{nodes}.scale")).encode()


MODULES = {
    "from-imports": module(FROM_IMPORTS, "nodes"),
    "plain imports, 45 dotted uses": module(PLAIN_IMPORTS, f"{OLD}.nodes"),
    "none of our words": module("import logging\nfrom . import nodes\n", "nodes"),
}


def ours(source: bytes) -> None:
    """The rewriter itself."""
    relocate(source, module=f"{OLD}.sub", is_package=False, relocation=RELOCATION)


def libcst(source: bytes) -> None:
    """LibCST, with its own command for the purpose (it cannot rename to a name without a dot)."""
    from libcst import parse_module
    from libcst.codemod import CodemodContext
    from libcst.codemod.commands.rename import RenameCommand

    RenameCommand(CodemodContext(), OLD, "shop.ds").transform_module(parse_module(source))


def rope(source: bytes) -> None:
    """Rope, as Kedro calls it: the module moves to the root of a small project of its own."""
    from rope.base.project import Project
    from rope.refactor.move import MoveModule

    folder = Path(tempfile.mkdtemp())
    package = folder / "demo" / "pipelines" / "ds"
    package.mkdir(parents=True)
    for name in ("demo", "demo/pipelines", "demo/pipelines/ds"):
        (folder / name / "__init__.py").touch()
    (package / "nodes.py").write_text("def scale(x): return x\n")
    (package / "sub.py").write_bytes(source)
    project = Project(str(folder), ropefolder=None)
    project.do(MoveModule(project, project.get_folder("demo/pipelines/ds")).get_changes(project.root))
    project.close()
    shutil.rmtree(folder)


def medians(works: Mapping[str, Callable[[bytes], object]], source: bytes, times: int) -> dict[str, float]:
    """Seconds that one call of each takes, in the middle of many; taken in turns, so that all see the same machine."""
    spans: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(times):
        for name, work in works.items():
            begin = time.perf_counter()
            work(source)
            spans[name].append(time.perf_counter() - begin)
    return {name: statistics.median(found) for name, found in spans.items()}


def main() -> None:
    """Print one line for each kind of module."""
    others = {name: work for name, work in {"rope": rope, "libcst": libcst}.items() if find_spec(name)}
    for name, source in MODULES.items():
        found = medians({"parse": ast.parse, "ours": ours}, source, 80)
        parse, mine = found["parse"], found["ours"]
        line = f"{name}: ast.parse {parse * 1e3:.2f} ms, relocate {mine / parse:.2f}x, on top {mine / parse - 1:+.2f}x"
        for other, span in medians(others, source, 5).items():
            line += f", {other} {span / mine:.0f}x ours"
        print(line)


if __name__ == "__main__":
    main()
