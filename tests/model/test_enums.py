"""A word of a fixed list that is forgotten somewhere would be found by a user: here it is found before."""

from collections.abc import Collection
from enum import StrEnum

import pytest

from micropkgd.cli import logs, output, output_package
from micropkgd.model.choice import Conflict
from micropkgd.model.condition import Condition
from micropkgd.model.outcome import Verb
from micropkgd.model.packaged import Step
from micropkgd.model.plan import ChangeKind
from micropkgd.model.policy import OnLocalEdit
from micropkgd.model.ref import RefKind
from micropkgd.model.settings import Level
from micropkgd.model.standing import _WORST_FIRST
from micropkgd.reconcile.resolve import fetcher
from micropkgd.service import conditions
from micropkgd.sources import allowed, ambient, kinds
from micropkgd.sources.source import FailureKind

NO_NEWS = {Verb.NONE, Verb.HOLD, Verb.SUSPEND, Verb.FAIL}
WAITS = {Verb.HOLD, Verb.FAIL}


@pytest.mark.parametrize(
    ("words", "listed"),
    [
        pytest.param(Verb, output.DONE, id="what a pass did to an entry"),
        pytest.param(Verb, output._QUIET | WAITS, id="what --quiet leaves out"),
        pytest.param(Verb, conditions._DONE.keys() | NO_NEWS, id="what is news"),
        pytest.param(ChangeKind, output.COUNTED, id="what a step does"),
        pytest.param(Step, output_package._DONE, id="what a pass did to a module"),
        pytest.param(Condition, _WORST_FIRST, id="who must act first"),
        pytest.param(FailureKind, fetcher._EXIT_CODES, id="what a failure ends with"),
        pytest.param(RefKind, {*kinds.REMOTE, RefKind.LOCAL}, id="who fetches a ref"),
        pytest.param(RefKind, ambient.BY_KIND, id="whose logins a fetch would take along"),
        pytest.param(RefKind, {*allowed.NAMED_BY_OPTIONS, *allowed.JUDGED_WHOLE}, id="which addresses a fetch reaches"),
        pytest.param(Level, logs._LEVELS, id="how much is logged"),
    ],
)
def test_every_word_has_its_place(words: type[StrEnum], listed: Collection[str]) -> None:
    """And no place has a word that is none."""
    assert {word.value for word in words} == {str(word) for word in listed}


@pytest.mark.parametrize("policy", OnLocalEdit)
def test_every_policy_is_a_choice(policy: OnLocalEdit) -> None:
    """What the manifest says of local edits is what a person may choose."""
    assert Conflict(policy.value)
