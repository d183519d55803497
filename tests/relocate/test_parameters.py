"""Names of modules in parameters: edited under the keys that name code if asked for, told if not."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from micropkgd.relocate import Finding, Move, Relocated, Relocation
from micropkgd.relocate.parameters import relocate_parameters

MOVES = Relocation(
    (Move("ds", "shop.pipelines.fc"), Move("tests", "tests.pipelines.fc")),
    frozenset({"ds", "ds.nodes", "tests"}),
    frozenset({"ds", "tests"}),
)
HINT = "; `rewrite-parameters = true` rewrites what is under such a key"


def parameters(text: str, *, rewrite: bool = True, name: str = "parameters_ds.yml") -> Relocated:
    """One file, pulled."""
    return relocate_parameters(text.encode(), name=name, relocation=MOVES, rewrite=rewrite)


FORMS = [
    pytest.param("ds:\n  _target_: ds.nodes.make  # ds.nodes\n  x: 1\n", id="hydra"),
    pytest.param('a: {type: \'ds.Table\', "class": "ds.nodes.X"}\n', id="flow"),
    pytest.param("- func: ds.nodes:run\n- module: ds\r\n- object: ds.nodes.${x}\n", id="list"),
    pytest.param('{"a": {"type": "ds.nodes.T"}}', id="json"),
    pytest.param("\ufeff# é😀\nfunction: ds.nodes.f\n", id="mark"),
    pytest.param("a:\n  ? callable\n  : ds.nodes.f\n", id="question"),
]


class TestRewritten:
    """Where the project asks for it."""

    @pytest.mark.parametrize("text", FORMS)
    def test_name_under_a_key_that_names_code_is_edited(self, text: str) -> None:
        """In place: all else stays as it is written."""
        wanted = text
        for old in ("ds.nodes", "ds.Table", "module: ds"):
            wanted = wanted.replace(old, old.replace("ds", "shop.pipelines.fc"))
        comment = "  # shop.pipelines.fc.nodes"
        found = parameters(text)
        assert found.source.decode() == wanted.replace(comment, "  # ds.nodes")
        assert [finding.line for finding in found.findings] == ([2] if comment in wanted else [])

    @pytest.mark.parametrize(
        "text",
        [
            "type: ds\n",
            "type: ds2.nodes.T\n",
            "note: ds\n",
            "type: parquet.ds\n",
            "type: ds.csv\n",
            "ds:\n  type: csv\n",
        ],
    )
    def test_what_is_no_name_of_ours_stays(self, text: str) -> None:
        """A word that is also the package's, another package, a key."""
        assert parameters(text).source.decode() in {text, text.replace("ds.csv", "shop.pipelines.fc.csv")}

    @pytest.mark.parametrize(
        "text", ["type: !!str ds.nodes.T\n", "type: &a ds.nodes.T\n", 'type: "ds\\u002enodes.T"\nx: ds.nodes\n']
    )
    def test_what_is_spelled_otherwise_is_told(self, text: str) -> None:
        """Anchors, tags and escapes: the name stays, loudly."""
        found = parameters(text)
        assert (found.source.decode(), [finding.kind for finding in found.findings]) == (text, ["mention"])

    @pytest.mark.parametrize("text", ["{{ x }}: [\ntype: ds.nodes.T\n", "type: ds.nodes.T\n\0"])
    def test_what_is_no_yaml_is_told(self, text: str) -> None:
        """A template; it is taken as it is."""
        found = parameters(text)
        assert (found.source.decode(), len(found.findings)) == (text, 1)

    def test_bytes_that_are_no_text_are_told(self) -> None:
        """The name is seen all the same."""
        source = b"# \xff\ntype: ds.nodes.T\n"
        found = relocate_parameters(source, name="parameters.yml", relocation=MOVES, rewrite=True)
        assert (found.source, [finding.line for finding in found.findings]) == (source, [2])

    def test_project_called_like_the_package(self) -> None:
        """The new name begins with the old one, and is not told as such."""
        moves = MOVES._replace(moves=(Move("ds", "ds.pipelines.ds"),))
        found = relocate_parameters(b"type: ds.nodes.T\n", name="p.yml", relocation=moves, rewrite=True)
        assert found == Relocated(b"type: ds.pipelines.ds.nodes.T\n", ())

    @given(
        st.recursive(
            st.sampled_from(["ds.nodes.x", "ds.T", "ds", "text", "1"]),
            lambda inner: (
                st.dictionaries(st.sampled_from(["type", "_target_", "ds", "x"]), inner, min_size=1) | st.lists(inner)
            ),
            max_leaves=12,
        ),
        st.booleans(),
        st.sampled_from(["", '"', "'"]),
    )
    def test_only_values_change(self, document: object, flow: bool, quote: str) -> None:
        """Read back, the document is the same but for the names, however it is written."""
        text = yaml.safe_dump(document, default_flow_style=flow, default_style=quote or None)
        assert yaml.safe_load(parameters(text).source) == _renamed(document)


def _renamed(document: object, key: str = "") -> object:
    if isinstance(document, dict):
        return {name: _renamed(value, name) for name, value in document.items()}
    if isinstance(document, list):
        return [_renamed(value) for value in document]
    ours = key in {"type", "_target_"} and isinstance(document, str) and document.startswith("ds.")
    return f"shop.pipelines.fc{document[2:]}" if ours and isinstance(document, str) else document


class TestTold:
    """Where it does not."""

    @pytest.mark.parametrize("text", FORMS)
    def test_name_is_told_with_what_would_rewrite_it(self, text: str) -> None:
        """And nothing changes."""
        found = parameters(text, rewrite=False)
        assert found.source == text.encode()
        assert found.findings
        assert all(finding.reason.endswith(HINT) for finding in found.findings if "? callable" not in text)

    def test_finding_is_whole(self) -> None:
        """Line, name, new name."""
        reason = f"text that names a moved module, left as it is: now `shop.pipelines.fc`{HINT}"
        assert parameters("x: 1\ntype: ds.Table\n", rewrite=False).findings == (Finding(2, "ds", reason, "mention"),)

    def test_name_under_another_key_is_told_without_hint(self) -> None:
        """The policy would not change it."""
        (finding,) = parameters("note: ds.nodes\n", rewrite=False).findings
        assert HINT not in finding.reason
