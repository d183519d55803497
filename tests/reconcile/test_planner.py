"""The three-way table of docs/merging.md, row by row and as laws."""

from collections.abc import Mapping
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micropkgd.model.choice import Conflict
from micropkgd.model.plan import Blocked, ChangeKind, EntryPlan
from micropkgd.model.tree import Digest, Found, Obstacle, RelPath, digest_of
from micropkgd.reconcile.plan.planner import EntryFacts, contested, plan_entry

PATH = RelPath("src/shop/ds/nodes.py")
INIT = RelPath("src/shop/ds/__init__.py")
A, B, C, M = (digest_of(text) for text in (b"a", b"b", b"c", b"merged"))


def subject(
    base: Digest | None,
    ours: Found,
    theirs: Digest | None,
    conflict: Conflict = Conflict.MERGE,
    merged: Digest | None = None,
    other: Digest | None = None,
    keep_deleted: tuple[str, ...] = (),
    doubtful: Digest | None = None,
) -> EntryFacts:
    """One entry with one path that matters, and one that stands as it should."""

    def at(digest: Digest | None) -> dict[RelPath, Digest]:
        return {} if digest is None else {PATH: digest}

    return EntryFacts(
        "ds.tar.gz",
        RelPath("src/shop/ds"),
        theirs={**at(theirs), INIT: A},
        found={PATH: ours, INIT: A},
        base={**at(base), INIT: A},
        other=at(other),
        doubtful=at(doubtful),
        conflict=conflict,
        merges=at(merged),
        keep_deleted=keep_deleted,
    )


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "kind"),
    [
        pytest.param(A, A, A, None, id="same-same"),
        pytest.param(A, A, B, ChangeKind.UPDATE, id="same-changed"),
        pytest.param(None, None, A, ChangeKind.CREATE, id="absent-added"),
        pytest.param(A, A, None, ChangeKind.DELETE, id="same-removed"),
        pytest.param(A, B, A, None, id="edited-same"),
        pytest.param(A, B, B, ChangeKind.ADOPT, id="edited-changed-equal"),
        pytest.param(A, B, C, ChangeKind.HOLD, id="edited-changed"),
        pytest.param(A, None, A, ChangeKind.RESTORE, id="missing-same"),
        pytest.param(A, None, B, ChangeKind.HOLD, id="missing-changed"),
        pytest.param(None, A, A, ChangeKind.ADOPT, id="foreign-equal"),
        pytest.param(None, B, A, ChangeKind.HOLD, id="foreign-other"),
        pytest.param(A, B, None, ChangeKind.HOLD, id="edited-removed"),
        pytest.param(A, None, None, None, id="missing-removed"),
    ],
)
def test_each_row_of_the_table(
    base: Digest | None, ours: Found, theirs: Digest | None, kind: ChangeKind | None
) -> None:
    """Each row of the three-way table gives its change and no other."""
    plan = plan_entry(subject(base, ours, theirs))

    assert [change.kind for change in plan.changes] == ([] if kind is None else [kind])


@pytest.mark.parametrize(
    ("conflict", "merged", "kind", "after"),
    [
        pytest.param(Conflict.MERGE, M, ChangeKind.MERGE, M, id="merge-clean"),
        pytest.param(Conflict.MERGE, None, ChangeKind.HOLD, C, id="merge-conflict"),
        pytest.param(Conflict.HOLD, M, ChangeKind.HOLD, C, id="hold"),
        pytest.param(Conflict.OVERWRITE, None, ChangeKind.UPDATE, C, id="overwrite"),
        pytest.param(Conflict.TAKE, None, ChangeKind.UPDATE, C, id="take"),
    ],
)
def test_an_edit_that_meets_a_change(
    conflict: Conflict, merged: Digest | None, kind: ChangeKind, after: Digest
) -> None:
    """The policy or the person's choice says what becomes of an edited file that changed upstream."""
    (change,) = plan_entry(subject(A, B, C, conflict, merged)).changes

    assert (change.kind, change.before, change.after) == (kind, B, after)


def test_keep_leaves_the_edit_and_lets_the_entry_go_on() -> None:
    """`resolve --keep` takes the rest of the new version and reports the file as drifted."""
    plan = plan_entry(subject(A, B, C, Conflict.KEEP))

    assert (plan.changes, plan.drifted, plan.held) == ((), (PATH,), ())


def test_overwrite_never_covers_a_foreign_file() -> None:
    """A file that micropkgd did not place is replaced by `resolve --take` only."""
    assert plan_entry(subject(None, B, A, Conflict.OVERWRITE)).held
    assert plan_entry(subject(None, B, A, Conflict.TAKE)).writes


def test_a_file_of_the_other_version_that_the_lock_knows_is_nobodys_edit() -> None:
    """What a block superseded is generated as what it locks is, whichever of them edits started from."""
    assert plan_entry(subject(A, B, C, other=B)).changes[0].kind is ChangeKind.UPDATE
    assert plan_entry(subject(A, B, A, other=B)).changes[0].kind is ChangeKind.UPDATE
    assert plan_entry(subject(A, B, None, other=B)).changes[0].kind is ChangeKind.DELETE


def test_an_edit_of_which_nothing_tells_where_it_started_is_held() -> None:
    """A guess at the base could undo somebody's line; a choice settles it."""
    assert plan_entry(subject(A, C, A, doubtful=B)).held
    assert plan_entry(subject(A, C, A, Conflict.KEEP, doubtful=B)).drifted == (PATH,)
    assert plan_entry(subject(A, C, A, Conflict.TAKE, doubtful=B)).changes[0].kind is ChangeKind.UPDATE


def test_an_entry_of_which_nothing_stands_is_installed() -> None:
    """A checkout without the files is no deletion by a person, also where the new version differs."""
    facts = subject(A, None, B)

    assert not plan_entry(facts._replace(found={})).held
    assert plan_entry(facts).held


@pytest.mark.parametrize(
    ("conflict", "kinds"),
    [
        pytest.param(Conflict.MERGE, {ChangeKind.HOLD, ChangeKind.DELETE}, id="asked"),
        pytest.param(Conflict.OVERWRITE, {ChangeKind.HOLD, ChangeKind.DELETE}, id="whatever-the-policy"),
        pytest.param(Conflict.TAKE, {ChangeKind.DELETE}, id="take"),
        pytest.param(Conflict.KEEP, {ChangeKind.RELEASE}, id="keep"),
    ],
)
def test_an_edited_entry_that_left_is_a_question(conflict: Conflict, kinds: set[ChangeKind]) -> None:
    """Nothing of it is removed until somebody says so; `--keep` makes the whole package the person's own."""
    facts = subject(A, B, None, conflict)._replace(theirs={})

    assert {change.kind for change in plan_entry(facts).changes} == kinds


@pytest.mark.parametrize("conflict", [Conflict.KEEP, Conflict.TAKE])
def test_a_choice_is_for_what_collides(conflict: Conflict) -> None:
    """What merges cleanly merges, whichever side was chosen for the rest."""
    assert plan_entry(subject(A, B, C, conflict, merged=M)).changes[0].kind is ChangeKind.MERGE


def test_an_edit_is_taken_back_only_where_that_is_meant() -> None:
    """`--take` of an entry that is not held means its edits; of a held one it means what collides."""
    assert plan_entry(subject(A, B, A, Conflict.TAKE)).changes == ()
    assert plan_entry(subject(A, B, A, Conflict.TAKE)._replace(retakes=True)).changes[0].kind is ChangeKind.UPDATE


def test_a_deleted_file_stays_deleted_where_the_entry_says_so() -> None:
    """`keep-deleted` names files that are not restored."""
    assert plan_entry(subject(A, None, B, keep_deleted=("src/*/nodes.py",))).changes == ()


def test_a_link_in_the_way_blocks_the_entry() -> None:
    """Something that is no regular file is neither followed nor replaced."""
    plan = plan_entry(subject(A, Obstacle("a symbolic link"), B))

    assert plan.blocked == (Blocked(PATH, "a symbolic link"),)
    assert plan.writes == ()


def test_one_held_file_holds_the_entry() -> None:
    """The tree is never a mix of two versions."""
    other = RelPath("src/shop/ds/other.py")
    plan = plan_entry(
        EntryFacts("r", RelPath("src/shop/ds"), {PATH: C, other: C}, {PATH: B, other: A}, {PATH: A, other: A})
    )

    assert [change.kind for change in plan.changes] == [ChangeKind.HOLD, ChangeKind.UPDATE]
    assert plan.writes == ()


digests = st.sampled_from((A, B, C))
maybe = st.none() | digests
paths = st.sampled_from([RelPath(f"src/shop/ds/{name}.py") for name in "abcd"])
trees = st.dictionaries(paths, digests)
subjects = st.builds(
    EntryFacts,
    ref=st.just("r"),
    target=st.just(RelPath("src/shop/ds")),
    theirs=trees,
    found=trees,
    base=trees,
    other=trees,
    doubtful=st.just({}),
    conflict=st.sampled_from(Conflict),
    merges=st.dictionaries(paths, st.just(M)),
)


def apply(plan: EntryPlan, found: Mapping[RelPath, Found]) -> dict[RelPath, Found]:
    """The tree after a plan."""
    after = dict(found)
    for change in plan.writes:
        assert after.get(change.path) == change.before
        after[change.path] = change.after
    return {path: digest for path, digest in after.items() if digest is not None}


class TestPlanIsEnough:
    """A plan that was applied leaves nothing to plan."""

    @given(subjects)
    def test_second_plan_is_empty(self, facts: EntryFacts) -> None:
        """With theirs as the new base, no write is left and nothing is newly held."""
        plan = plan_entry(facts)
        if plan.held:
            assert plan.writes == ()
            return
        found = apply(plan, facts.found)
        gone = tuple(path for path in facts.theirs if path not in found)  # as `resolve --keep` writes them down
        again = plan_entry(
            facts._replace(found=found, base=facts.theirs, other=facts.theirs, keep_deleted=gone, retakes=False)
        )

        assert again.changes == ()


class TestNothingIsLost:
    """No plan overwrites or deletes bytes of a person unless a person or the policy said so."""

    @given(subjects)
    def test_only_known_bytes_are_replaced(self, facts: EntryFacts) -> None:
        """What is updated or deleted is what we generated, or an edit whose merge or replacement was asked for."""
        for change in plan_entry(facts).writes:
            generated = change.before in {None, facts.base.get(change.path), facts.other.get(change.path)}
            asked = facts.conflict in {Conflict.OVERWRITE, Conflict.TAKE}
            assert generated or asked or change.kind is ChangeKind.MERGE

    @given(subjects)
    def test_nothing_outside_the_entry_is_touched(self, facts: EntryFacts) -> None:
        """Every change is on a path that the archive, the lock or this machine's record names."""
        assert {change.path for change in plan_entry(facts).changes} <= {*facts.theirs, *facts.base, *facts.other}


def test_the_table_is_exhaustive() -> None:
    """Every combination of base, ours and theirs has an answer, and only a held one writes nothing it should."""
    for base, ours, theirs in product((None, A, B, C), repeat=3):
        plan = plan_entry(subject(base, ours, theirs))
        after = apply(plan, {PATH: ours} if ours else {})
        assert plan.held or plan.drifted or after.get(PATH) in {theirs, ours}


def test_contested_names_what_a_merge_could_join() -> None:
    """Only an edited file with a base and another new version is worth a merge."""
    assert contested(subject(A, B, C)) == (PATH,)
    assert contested(subject(A, A, C)) == contested(subject(None, B, C)) == contested(subject(A, B, B)) == ()
