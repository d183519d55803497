"""What holds of merged signatures: each parameter is somebody's, and callers by place find what they found."""

import ast

from hypothesis import given, settings
from hypothesis import strategies as st

from micropkgd.merge import ThreeVersions, merge_files
from micropkgd.merge.versions import the_changed
from micropkgd.model.plan import MergeWay
from micropkgd.model.tree import RelPath

Parameter = tuple[str, str]  # annotation and default, empty for none
Signature = tuple[dict[str, Parameter], dict[str, Parameter]]  # by place and by name alone

parameters = st.tuples(st.sampled_from(["", "int", "list[int]"]), st.sampled_from(["0", "1", "'a, b'"]))
signatures = st.tuples(
    st.dictionaries(st.sampled_from("abc"), parameters, min_size=1), st.dictionaries(st.sampled_from("xyz"), parameters)
)


def written(signature: Signature, *, on_lines: bool) -> str:
    """A function that has it."""
    place, name = (
        [f"{key}: {kind} = {default}" if kind else f"{key}={default}" for key, (kind, default) in part.items()]
        for part in signature
    )
    items = [*place, *(["*", *name] if name else [])]
    inner = "\n" + "".join(f"    {one},\n" for one in items) if on_lines else ", ".join(items)
    return f"def fit({inner}):\n    return 1\n"


def read(code: str) -> Signature:
    """The signature of the one function of a module."""
    (node,) = ast.parse(code).body
    assert isinstance(node, ast.FunctionDef)
    parts = ((node.args.args, node.args.defaults), (node.args.kwonlyargs, node.args.kw_defaults))
    place, name = (
        {
            arg.arg: (ast.unparse(arg.annotation) if arg.annotation else "", ast.unparse(default) if default else "")
            for arg, default in zip(args, defaults, strict=True)
        }
        for args, defaults in parts
    )
    return place, name


@st.composite
def edited(draw: st.DrawFn) -> ThreeVersions[Signature]:
    """A signature and what two people made of it."""
    base = draw(signatures)
    sides = []
    for _ in range(2):
        side = (dict(base[0]), dict(base[1]))
        for _ in range(draw(st.integers(0, 2))):
            part, names = draw(st.sampled_from([(side[0], "abc"), (side[1], "xyz")]))
            key = draw(st.sampled_from(names))
            if draw(st.booleans()) or (part is side[0] and len(part) == 1):
                part[key] = draw(parameters)
            else:
                part.pop(key, None)
        sides.append(side)
    return ThreeVersions(base, *sides)


def test_each_parameter_is_somebodys() -> None:
    """Where lines collide: annotations and defaults are of the side that changed them, and so is the order by place."""
    ways: set[MergeWay] = set()

    @settings(deadline=None, max_examples=200)
    @given(edited(), st.booleans())
    def law(versions: ThreeVersions[Signature], on_lines: bool) -> None:
        files = versions.each(lambda one: written(one, on_lines=on_lines).encode())
        merged = merge_files(RelPath("nodes.py"), files)
        if merged is None or merged.way is MergeWay.TEXT:  # whose law is that of lines
            return
        ways.add(merged.way)
        found = read(merged.data.decode())
        assert list(found[0]) == the_changed(versions.each(lambda one: list(one[0])))
        for part in (0, 1):
            for key in {key for one in (found, *versions) for key in one[part]}:
                check(found[part].get(key), ThreeVersions(*(one[part].get(key) for one in versions)))

    law()
    assert MergeWay.STRUCTURE in ways


def check(found: Parameter | None, versions: ThreeVersions[Parameter | None]) -> None:
    """One parameter."""
    if None in versions or found is None:
        assert [found] == [one for one in (versions.ours, versions.theirs) if one != versions.base][:1] or (
            found == versions.ours == versions.theirs == versions.base
        )
        return
    for at in (0, 1):
        assert found[at] == the_changed(ThreeVersions(*(one[at] for one in versions if one is not None)))
