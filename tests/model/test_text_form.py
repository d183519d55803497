"""A text in another form is the same text, and any other difference is one."""

from hypothesis import given
from hypothesis import strategies as st

from micropkgd.model.text_form import Form, form_of, in_form, plain, same_texts
from micropkgd.model.tree import digest_of

lines = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0\ufeff"), max_size=4), min_size=1)
texts = lines.map(lambda found: "".join(f"{line}\n" for line in found).encode())
forms = st.builds(Form, st.booleans(), st.booleans())


@given(texts, forms, forms)
def test_every_form_is_the_same_text(text: bytes, one: Form, other: Form) -> None:
    """Whichever form stands here, and whichever the archive has."""
    here, there = in_form(text, one), in_form(text, other)

    assert digest_of(there) in set(same_texts(here))
    cut = text[:-1]
    assert (digest_of(in_form(cut, other)) in set(same_texts(here))) == (not cut.endswith(b"\n") and cut != b"")
    assert plain(here) == text
    assert form_of(here) == one


@given(texts, texts, forms)
def test_another_text_is_another(text: bytes, other: bytes, form: Form) -> None:
    """A blank last line, too."""
    assert (digest_of(in_form(other, form)) in set(same_texts(text))) == (text == other)


def test_what_is_no_text_has_no_other_form() -> None:
    """Bytes, and line ends of both kinds."""
    assert list(same_texts(b"a\0\r\n")) == list(same_texts(b"a\r\nb\n")) == []
