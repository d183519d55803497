"""What this Python cannot read: an error where an import in it must change, else kept and told."""

import encodings.aliases
import sys
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micropkgd.errors import CodeError
from micropkgd.relocate import (
    Move,
    Relocated,
    Relocation,
    is_importable,
    packages_among,
    relocate,
    relocate_or_keep,
)

MOVES = Relocation(
    (Move("ds", "shop.fc"), Move("tests", "tests.fc")), frozenset({"ds", "ds.nodes"}), frozenset({"ds", "tests"})
)
PYTHON = f"does not parse by Python {sys.version_info.major}.{sys.version_info.minor}"


def kept(source: str | bytes, *, importable: bool = True) -> Relocated:
    """One module of the package, pulled."""
    data = source.encode() if isinstance(source, str) else source
    return relocate_or_keep(data, module="ds.x", is_package=False, relocation=MOVES, importable=importable)


UNREAD = [
    pytest.param("# ds\nprint 'old'\n", 2, "print 'old'", id="python-2"),
    pytest.param("X = 'ds'\nlazy import json\n", 2, "lazy import json", id="newer-syntax"),
    pytest.param("# ds\n{% if x %}\n", 2, "{% if x %}", id="template"),
    pytest.param("# ds\nX = (" + "1, " * 40 + "\n", 2, ("X = (" + "1, " * 40)[:60], id="long-line"),
    pytest.param(b"# ds\nX = '\xe9'\n", 2, "X = '\ufffd'", id="bytes-of-another-encoding"),
    pytest.param("# coding: rot13\n# ds\n", 1, "# coding: rot13", id="no-encoding-of-text"),
    pytest.param("# coding: nonsense\n", 1, "# coding: nonsense", id="unknown-encoding"),
    pytest.param(b"# coding: ascii\nX = '\xe9'\n", 1, "# coding: ascii", id="encoding-that-lies"),
]


class TestKept:
    """Nothing of ours must change in it."""

    @pytest.mark.parametrize(("source", "line", "text"), UNREAD)
    def test_file_is_taken_as_it_is_and_told(self, source: str | bytes, line: int, text: str) -> None:
        """With the line, and with the Python that could not."""
        found = kept(source)
        (finding,) = [one for one in found.findings if one.kind == "unread"]
        assert found.source == (source.encode() if isinstance(source, str) else source)
        assert finding[:2] == (line, text)
        assert PYTHON in finding.reason or "encoding" in finding.reason
        assert finding.reason.endswith("; the file is taken as it is")

    @pytest.mark.parametrize("word", ["fields", "odds", "_ds", "ds_", "ds2", "\xe9ds", "tests_"])
    def test_file_with_our_words_inside_others_is_not_looked_at(self, word: str) -> None:
        """Nor is there anything to tell of it."""
        source = f"{word} = 1\nprint 'old'\n"
        assert kept(source) == Relocated(source.encode(), ())

    def test_file_without_our_words_is_not_looked_at(self) -> None:
        """It costs no parsing, so there is nothing to tell."""
        assert kept("print 'old'\n").findings == ()

    @pytest.mark.parametrize("source", ["from ds.nodes import x\n{{ y y }}\n", "import ds\nprint 1\n"])
    def test_data_is_kept_with_its_imports(self, source: str) -> None:
        """What nothing can import needs no imports that work; that they name a moved module is told."""
        found = kept(source, importable=False)
        assert found.source.decode() == source
        assert [finding.kind for finding in found.findings] == ["mention", "unread"]


class TestRefused:
    """An import of ours would have to change."""

    @pytest.mark.parametrize(
        "source",
        [
            "from ds.nodes import x\nprint 1\n",
            "import os, ds\nprint 1\n",
            "def f():\n\timport tests.helper\n\tprint 1\n",
            "from .. import other\nprint 'ds'\n",
        ],
    )
    def test_module_is_an_error(self, source: str) -> None:
        """With the line, the Python, and what to do."""
        with pytest.raises(CodeError, match=rf"^line \d {PYTHON}: ") as error:
            kept(source)
        assert error.value.hint == "if it is code of another Python, run micropkgd with that one"

    @pytest.mark.parametrize(
        "source", ["# import ds\nprint 1\n", "import ds2\nprint 'ds'\n", "x.ds.import_y()\nprint 'ds'\n"]
    )
    def test_what_only_looks_like_one_is_none(self, source: str) -> None:
        """Comments, longer names, attributes."""
        assert kept(source).source.decode() == source

    @given(
        st.sampled_from(
            sorted({*encodings.aliases.aliases.values(), "undefined", "idna", "punycode", "unicode_escape"})
        ),
        st.binary(max_size=30),
    )
    def test_no_cookie_is_a_traceback(self, codec: str, rest: bytes) -> None:
        """Whatever codec of Python it names, and whatever is in the file."""
        source = f"# coding: {codec}\n".encode() + rest + b"\nimport ds.nodes\n"
        with suppress(CodeError):
            relocate(source, module="ds.x", is_package=False, relocation=MOVES)


class TestData:
    """Which files are modules."""

    PACKAGES = packages_among(["ds/__init__.py", "ds/sub/__init__.py", "ds/{{ x }}/__init__.py", "README.md"])

    @pytest.mark.parametrize(
        ("path", "can"),
        [
            ("ds/nodes.py", True),
            ("ds/sub/__init__.py", True),
            ("ds/template/x.py", False),
            ("ds/sub/template/x.py", False),
            ("ds/{{ x }}/x.py", False),
            ("ds/my-script.py", False),
            ("ds/types.pyi", False),
        ],
    )
    def test_what_a_package_holds_can_be_imported(self, path: str, can: bool) -> None:
        """A folder that is no package, or a name that no import can spell, holds data."""
        assert is_importable(path, self.PACKAGES) is can
