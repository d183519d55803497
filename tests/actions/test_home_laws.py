"""The law of the round trip: an edit that is taken home, packaged there and pulled again is the edit, or is told."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micropkgd.actions.entry_edits import EditedFile, EntryEdits
from micropkgd.actions.homeward import homeward
from micropkgd.model.layout import Layout
from micropkgd.model.lock import Version
from micropkgd.model.module_origin import TABLE, ModuleOrigin, read_module_origin
from micropkgd.model.pull_entry import PullEntry
from micropkgd.model.ref import Ref
from micropkgd.model.tree import RelPath, digest_of
from micropkgd.reconcile.package.build import Builder
from micropkgd.reconcile.package.inputs import Input, PackagedModule
from micropkgd.reconcile.plan.render import MemberMapping, render
from micropkgd.sdist.metadata import own_table
from micropkgd.sdist.reader import Sdist, read_sdist
from micropkgd.sdist.writer import Packing
from tests.package.test_round_trip import CONF, PLACE, Tree, data, names, travelling, trees

pytestmark = pytest.mark.no_cover

HERE = Layout("team", "src", "tests", "conf", "base", RelPath("requirements.in"), RelPath("requirements.txt"))
ENTRY = PullEntry(Ref.parse("dist/x.tar.gz"), alias="ds", destination=("lib",))
CODE, TESTS = "src/team/lib/ds", "tests/lib/ds"
ORIGIN = ModuleOrigin("pipelines.ds", "demo", "src", "tests", CONF)
STATEMENTS = [
    "from team.lib.ds import {}", "import team.lib.ds.{} as m", "from team.lib.ds.{} import x", "from . import {}",
    "from tests.lib.ds.{} import x", "from team.own import {}", "from ..ds import {}", "x = 'team.lib.ds.{}'", "{} = 1",
    "import team.lib.ds.{}", "from team.lib import ds as {}", "def {}(:", "from demo.pipelines.ds import {}",
]  # fmt: skip

code = st.lists(st.tuples(st.sampled_from(STATEMENTS), names), max_size=4).map(
    lambda found: "".join(f"{form.format(name)}\n" for form, name in found).encode()
)


def packaged(tree: Tree, name: str) -> Sdist:
    """The archive that is made at home."""
    module = PackagedModule(PLACE, "ds", name, home=ORIGIN)
    files = [Input(path, member, False, len(tree[path])) for path, member in travelling(tree, name).items()]
    builder = Builder(module, files, lambda file: [tree[file.path]], pulled={}, of_newer_python=True)
    return read_sdist(b"".join(Packing(f"{name}-1.0").pack(builder.parts("1.0", ()))))


@st.composite
def edited(draw: st.DrawFn, pulled: Mapping[RelPath, bytes]) -> dict[str, bytes]:
    """What somebody makes of what was pulled: lines added and gone, files of all kinds."""
    after: dict[str, bytes] = {str(path): text for path, text in pulled.items()}
    for path in draw(st.lists(st.sampled_from(sorted(pulled)), max_size=3, unique=True)):
        if path != f"{CODE}/__init__.py" and draw(st.booleans()):
            del after[path]
        elif path.endswith(".py"):
            lines = pulled[path].splitlines(keepends=True)
            place = draw(st.integers(0, len(lines)))
            gone = draw(st.integers(0, 1))
            after[path] = b"".join((*lines[:place], draw(code), *lines[place + gone :]))
        else:
            after[path] = draw(data)
    for number in range(draw(st.integers(0, 2))):
        after[f"{draw(st.sampled_from([CODE, TESTS]))}/new{number}.py"] = draw(code)
    return after


def edits_of(sdist: Sdist, name: str, pulled: Mapping[RelPath, bytes], after: Mapping[str, bytes]) -> EntryEdits:
    """The edits as a value, as `entry_edits` finds them in a tree."""
    place = HERE.place(("lib",), "ds", None)
    new = {RelPath(path) for path in after} - pulled.keys()
    members = {path: path.replace(CODE, name).replace(TESTS, "tests") for path in new}
    mapping = MemberMapping.of([*(one.path for one in sdist.members), *members.values()], name, ENTRY, HERE)
    members |= {mapping.target(one.path): one.path for one in sdist.members if mapping.takes(one.path)}
    files = [Input(path, members[path], False, 0) for path in sorted({*pulled, *new})]
    changed = [path for path in sorted({*pulled, *new}) if pulled.get(path) != after.get(path)]
    found = [EditedFile(path, members[path], pulled.get(path), after.get(path)) for path in changed]
    version = Version("1.0", "", 1, digest_of(b""), (), {}, place.code)
    return EntryEdits(ENTRY, version, sdist, PackagedModule(place, "ds", name), HERE, tuple(files), tuple(found))


@settings(deadline=None)
@given(trees(), st.sampled_from(["ds", "fcst"]), st.data())
def test_an_edit_comes_back_as_it_is_or_is_told(tree: Tree, name: str, drawn: st.DataObject) -> None:
    """Each change starts from the very file that is there; applied, packaged and pulled it gives the edited copy."""
    sdist = packaged(tree, name)
    table = own_table(sdist, TABLE)
    assert table is not None
    origin = read_module_origin(table)
    pulled = render(sdist, ENTRY, HERE).files
    after = drawn.draw(edited(pulled))
    home = homeward(edits_of(sdist, name, pulled, after), origin)

    assert {change.path: change.before for change in home.changes} == {
        change.path: tree.get(change.path) for change in home.changes
    }
    if any("does not parse" in note for note in home.notes):
        return  # nor is it packaged there
    there = {**tree} | {change.path: change.after for change in home.changes if change.after is not None}
    for change in home.changes:
        if change.after is None:
            del there[change.path]
    again = render(packaged(there, name), ENTRY, HERE).files
    told = {note.partition(":")[0] for note in home.notes}
    differing = {path for path in {*after, *again} if after.get(path) != again.get(RelPath(path))}
    made = {f"{TESTS}/__init__.py"} if not after.get(f"{TESTS}/__init__.py") else set()
    if any(path.endswith(".py") and path not in after for path in pulled):
        differing -= {path for path in after if after[path] == pulled.get(RelPath(path))}  # may name what was deleted
    assert differing - told - made == set()


@settings(deadline=None)
@given(trees(), st.sampled_from(["ds", "fcst"]))
def test_no_edit_is_no_change(tree: Tree, name: str) -> None:
    """Whatever a pull spells otherwise."""
    sdist = packaged(tree, name)
    pulled = render(sdist, ENTRY, HERE).files
    same = {str(path): text for path, text in pulled.items()}
    home = homeward(edits_of(sdist, name, pulled, same), ORIGIN)
    assert home == ((), ())
