"""The documents that the service hands out say the same as the values they are made of."""

import json

import pytest

from micropkgd.cli.output import outcome_lines
from micropkgd.errors import DocumentError
from micropkgd.model.condition import Failure, Standing
from micropkgd.model.outcome import Outcome
from micropkgd.model.outcome_json import outcome_document, read_outcome
from micropkgd.model.packaged import Archived, LeftOut, PackageOutcome, Published, Step
from micropkgd.model.status import EntryStatus, PackageStatus, PassStatus, ProjectStatus, read_status
from micropkgd.model.tree import RelPath
from tests.kit.world import World
from tests.service.test_conditions import ARCHIVE, entry

GONE = Failure(1, "Gone", "404", "ask them", retry_after=3.0)
ARCHIVED = Archived("dist/a-1.tar.gz", "a", "1", ARCHIVE, ARCHIVE, ("a note",), (LeftOut("x", "hidden"),))
OUTCOMES = [
    pytest.param(Outcome("/p"), id="empty"),
    pytest.param(Outcome("/p", failure=GONE, recovered=True, applied=False), id="failed"),
    pytest.param(Outcome("/p", (entry(), entry(GONE, "2026-01-01T00:00:00Z"))), id="entries"),
    pytest.param(
        Outcome("/p", (entry(drifted=(RelPath("a.py"),))._replace(notes=("n",), advice="do", index_url="../x/"),)),
        id="notes",
    ),
    pytest.param(
        Outcome("/p", packages=(PackageOutcome("m", Step.CREATE, ARCHIVED, None, (), Published("s3://b", ARCHIVE)),)),
        id="package",
    ),
    pytest.param(
        Outcome("/p", packages=(PackageOutcome("m", Step.FAIL, ARCHIVED._replace(notes=()), GONE, ("n",)),)),
        id="failed-package",
    ),
]


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_an_outcome_comes_back_as_it_was(outcome: Outcome) -> None:
    """Through JSON, and said to people in the same words."""
    document = json.loads(json.dumps(outcome_document(outcome)))
    back = read_outcome(document)

    assert outcome_document(back) == outcome_document(outcome)
    assert list(outcome_lines(back, verbose=True)) == list(outcome_lines(outcome, verbose=True))
    assert back.exit_code == outcome.exit_code
    assert [entry[-2:] for entry in back.entries] == [entry[-2:] for entry in outcome.entries]


def test_real_passes_come_back_as_they_were(world: World) -> None:
    """An install, an update with an edit, and a dry run."""
    world.publish({"a.py": "x = 1\n", "b.py": "y = 1\n"})
    world.asks_for()
    for step in (
        lambda: None,
        lambda: world.write("src/shop/ds/a.py", "x = 3\n"),
        lambda: world.publish({"a.py": ""}, "2"),
    ):
        step()
        for mode in ("--check", "--allow-downgrade"):
            (document,) = json.loads(world.reconcile("--json", mode).out)["projects"]
            assert outcome_document(read_outcome(document)) == document


@pytest.mark.parametrize("change", [{"entries": 3}, {"entries": [{}]}, {"project": None, "packages": [{"module": 1}]}])
def test_what_is_no_outcome_is_said(change: dict[str, object]) -> None:
    """Whatever a service of another version may answer."""
    with pytest.raises(DocumentError):
        read_outcome({**outcome_document(Outcome("/p")), **change})
    with pytest.raises(DocumentError):
        read_status(change)


def test_a_status_comes_back_as_it_was() -> None:
    """With everything in it."""
    standing = Standing("Retrying", "Unreachable", "no answer", "2026-01-01T00:00:00Z", "2026-01-01T00:00:05Z")
    status = ProjectStatus(
        "/p",
        standing,
        (EntryStatus("ref", "src/shop/ds", "1", ARCHIVE, standing, (RelPath("a"),), "2"),),
        (PackageStatus("m", "dist/m.tar.gz", "1", standing),),
        interrupted=True,
        running=True,
        watching="scans",
        last_pass=PassStatus("id", "start", "2026-01-01T00:00:00Z", 0.5, 5),
        next_pass="2026-01-01T00:01:00Z",
    )

    document = json.loads(json.dumps(status.document()))
    assert read_status(document) == status
    for row in (document, document["standing"], document["last_pass"], *document["entries"], *document["packages"]):
        row["later"] = "what a newer service says besides"
    for row in (*document["entries"], *document["packages"]):
        row["standing"]["later"] = 1
    assert read_status(document) == status
