"""What belongs to what is told block by block, and is the same as line by line."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from micropkgd.merge import membership

PIECES = [
    "def f(a,\n",
    "    b):\n",
    "class C:\n",
    "    def g(self):\n",
    "        return 1\n",
    "async def h(): pass\n",
    "@deco\n",
    "@deco(\n",
    "    x\n",
    ")\n",
    "# top\n",
    "    # deep\n",
    "\n",
    "  \n",
    "A = [\n",
    "    1,\n",
    "]\n",
    "'''text\n",
    "key: 1\n",
    "other:\n",
    "  inner: 2\n",
    "  - item: 1\n",
    "- x\n",
    "{a: 1}\n",
    "  # why\n",
    "last",
    "\x0cdef z():\n",
    "if x:\n",
    "\u2003odd: 1\n",
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)


@given(TEXTS, st.booleans())
@example("@a\n    # deep\ndef f(a,\n", True)
@example("def f(a,\n@deco\n- x\n    b):\n", True)
@example("  # why\n@deco\ndef f(a,\n    b):\n", False)
@example("x: 1\n# top\n  # deep\nkey: 1\n", False)
def test_by_blocks_as_by_lines(text: str, python: bool) -> None:
    """Every name has the same lines, in one order, whatever stands above and below it."""
    pattern = membership._DEFINITION if python else membership._KEY
    whole = membership._members_of(text, pattern, plain=python, ends=True)
    assert membership._members(text, pattern, {}, plain=python) == whole


@pytest.mark.parametrize(
    "line", ["# comment\n", "@deco\n", "\n", "A = 1\n", "  # deep\n", "    # deep\nA = 1\n", "def f(): pass\n"]
)
def test_many_lines_of_a_kind_take_no_more_than_lines(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line is looked at a few times, not once for each other one."""
    text = line * 3000
    looked = 0
    really = membership._members_of

    def counted(part: str, *rest: object, **how: bool) -> object:
        nonlocal looked
        looked += part.count("\n")
        return really(part, *rest, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(membership, "_members_of", counted)
    membership._members(text, membership._DEFINITION, {}, plain=True)
    assert looked <= 3 * text.count("\n")
