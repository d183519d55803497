"""Laws of modules that move inside their package: imports name the same things, and moved back all is as it was."""

import ast

from hypothesis import given
from hypothesis import strategies as st

from micropkgd.relocate import module_of
from micropkgd.relocate.within import ModuleMoves

PATHS = ["ds/__init__.py", "ds/a.py", "ds/b.py", "ds/sub/__init__.py", "ds/sub/c.py", "ds/sub/deep/d.py"]
ELSEWHERE = ["ds/x.py", "ds/sub/y.py", "ds/other/z.py", "ds/sub/deep/w.py"]
MODULES = {module_of(path)[0] for path in PATHS}


def moves_of(files: dict[str, str]) -> ModuleMoves:
    """The moves of these files, among all modules."""
    gone = {module_of(old)[0]: module_of(new)[0] for old, new in files.items()}
    return ModuleMoves(files, {module: gone.get(module, module) for module in MODULES})


def back(files: dict[str, str]) -> ModuleMoves:
    """The same moves the other way."""
    there = moves_of(files)
    return ModuleMoves(
        {new: old for old, new in files.items()}, {new: old for old, new in there.modules.items()}
    )  # fmt: skip


def imported(source: bytes, path: str) -> list[tuple[str, ...]]:
    """Everything that a file imports, by its whole name, with the name that it has there."""
    module, is_package = module_of(path)
    found: list[tuple[str, ...]] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            parts = module.split(".")
            above = parts[: len(parts) - node.level + is_package] if node.level else []
            home = ".".join([*above, *([node.module] if node.module else [])])
            found += [(home, alias.name, alias.asname or alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            found += [(alias.name, alias.asname or "") for alias in node.names]
    return found


def where(name: tuple[str, ...], moves: ModuleMoves) -> tuple[str, ...]:
    """What an import of the old package must name in the new one."""
    at = moves.modules
    if len(name) == 2:
        return (at.get(name[0], name[0]), name[1])
    home, thing, local = name
    if (module := at.get(f"{home}.{thing}")) is not None:
        parent, _, last = module.rpartition(".")
        return (parent, last, local)
    return (at.get(home, home), thing, local)


def relative(path: str, module: str) -> str:
    """A module as a file names it with dots."""
    own, is_package = module_of(path)
    here = own.split(".") if is_package else own.split(".")[:-1]
    there = module.split(".")
    shared = 0
    while shared < min(len(here), len(there)) and here[shared] == there[shared]:
        shared += 1
    return "." * (len(here) - shared + 1) + ".".join(there[shared:])


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, bytes, dict[str, str]]:
    """A file with imports of its package, and files that move."""
    path = draw(st.sampled_from(PATHS))
    lines = []
    for module in draw(st.lists(st.sampled_from(sorted(MODULES - {"ds"})), max_size=4)):
        parent, _, name = module.rpartition(".")
        lines.append(
            draw(
                st.sampled_from(
                    [
                        f"from {relative(path, module)} import thing\n",
                        f"from {relative(path, parent)} import {name}\n",
                        f"from {relative(path, parent)} import {name} as other, more\n",
                        f"from {module} import (\n    thing,  # why\n    more as less,\n)\n",
                        f"from {parent} import {name} as it\n",
                        f"import {module} as whole\n",
                        "import os\n",
                    ]
                )
            )
        )
    movable = draw(st.lists(st.sampled_from([one for one in PATHS if "__init__" not in one]), unique=True, max_size=2))
    places = draw(st.permutations(ELSEWHERE))
    return path, "".join(lines).encode(), dict(zip(movable, places, strict=False))


@given(cases())
def test_every_import_names_the_same_thing(case: tuple[str, bytes, dict[str, str]]) -> None:
    """Where it is now, under the local name that it had; and a file that names nothing of it keeps its bytes."""
    path, source, files = case
    moves = moves_of(files)
    after = moves.followed(source, path)
    wanted = [where(name, moves) for name in imported(source, path)]
    assert sorted(imported(after, files.get(path, path))) == sorted(wanted)
    if wanted == imported(source, path) and path not in files:
        assert after == source


@given(cases())
def test_what_is_moved_back_names_what_it_did(case: tuple[str, bytes, dict[str, str]]) -> None:
    """Every import, whatever it was spelled like on the way."""
    path, source, files = case
    there = moves_of(files).followed(source, path)
    again = back(files).followed(there, files.get(path, path))
    assert sorted(imported(again, path)) == sorted(imported(source, path))


def test_code_that_cannot_be_parsed_stays_as_it_is() -> None:
    """A template is nobody's import."""
    assert moves_of({"ds/a.py": "ds/x.py"}).followed(b"from .a import {{ name }}\n", "ds/b.py") == (
        b"from .a import {{ name }}\n"
    )
