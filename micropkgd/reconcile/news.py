"""The short way of a pass that asks sources: nothing moved on this machine, and none of them has news.

A pass in sync leaves with its record (`record.short_way`) what its sources are asked. Here they are asked again, by
the policy and under the git of now, before a document of the project is parsed. Rule: what they say is said once: where
one has news, or fails, the whole pass goes on with all that was heard (`heard`), and decides.
"""

import time
from collections.abc import Callable, Mapping

from micropkgd.errors import DocumentError
from micropkgd.model.manifest import Manifest
from micropkgd.model.outcome import Outcome
from micropkgd.model.policy import OnDowngrade, Policy, Update
from micropkgd.model.project_tables import ProjectTables
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.options import PassOptions
from micropkgd.reconcile.resolve.fetcher import Fetcher, Follow, Resolution, fetcher_for
from micropkgd.reconcile.resolve.modes import as_wanted, follow_of, why_lock_holds
from micropkgd.reconcile.resolve.question import EntryQuestion
from micropkgd.reconcile.resolve.rules import rules_of
from micropkgd.workspace.git import checked_out
from micropkgd.workspace.memory.settling import Settled

MakeFetcher = Callable[[str], Fetcher]


class SourceNews(NamedTuple):
    """What came of asking."""

    outcome: Outcome | None = None  # what a whole pass would come to; None where one must look
    heard: Mapping[tuple[EntryQuestion, Follow], Resolution] = {}  # what the sources have said, for that pass

    def telling(self, make_fetcher: MakeFetcher) -> MakeFetcher:
        """What makes fetchers that know it."""
        return lambda root: make_fetcher(root)._replace(heard=self.heard)


def asking(manifest: Manifest, questions: "list[EntryQuestion]") -> Mapping[str, object] | None:
    """What a record must say so that these can be asked again; None where no source is to be asked."""
    if not questions:
        return None
    policy = manifest.policy
    return {
        "questions": questions,
        "update": policy.update,
        "follow-branches": policy.follow_branches,
        "on-downgrade": policy.on_downgrade,
        "protocols": policy.protocols,
        "mirrors": policy.mirrors,
        "requires-python": manifest.project.requires_python,
    }


def seek_news(settled: Settled, options: PassOptions, make_fetcher: MakeFetcher) -> SourceNews:
    """Ask the sources of a project in which nothing moved."""
    try:
        manifest, questions = _read(settled.asking)
    except (ValueError, KeyError, TypeError, DocumentError):
        return SourceNews()
    root, policy = settled.outcome.root, manifest.policy
    head = checked_out(root)
    if head is not None and head.turning:  # a whole pass waits for git, or says why it does not
        return SourceNews()
    fetcher = as_wanted(fetcher_for(root, manifest, make_fetcher), policy, options, time.time())
    if rules_of(root, policy, fetcher):  # of which a record knows nothing
        return SourceNews()
    lock_holds = why_lock_holds(policy, options, head)
    blocks = [one.block for one in questions]
    follow = follow_of(manifest, {block.ref: block for block in blocks}, options, lock_holds)
    known = {one.ref: one.known for one in questions if one.known is not None}
    answers = fetcher.resolve(list(zip(manifest.pulls, blocks, strict=True)), known, follow)
    if all(map(_is_no_news, questions, answers)):
        return SourceNews(settled.outcome._replace(lock_holds=lock_holds))
    return SourceNews(heard={(one, follow[one.ref]): answer for one, answer in zip(questions, answers, strict=True)})


def _is_no_news(question: EntryQuestion, answer: Resolution) -> bool:
    """Whether a whole pass would find nothing to do, to say or to remember."""
    plain = Resolution(question.archive, answer.known, question.block.release, asked=answer.asked)
    return answer._replace(answered=False) == plain and answer.known in {None, question.known}


def _read(said: Mapping[str, object]) -> tuple[Manifest, list[EntryQuestion]]:
    """As much of a manifest as its sources are asked by, and what they are asked."""
    questions = [EntryQuestion.parse(row) for row in _list(said["questions"])]
    policy = Policy(
        update=Update(str(said["update"])),
        on_downgrade=None if said["on-downgrade"] is None else OnDowngrade(str(said["on-downgrade"])),
        protocols=_texts(said["protocols"]),
        mirrors=_texts(said["mirrors"]),
        follow_branches=_texts(said["follow-branches"]),
    )
    tables = ProjectTables(package="", requires_python=str(said["requires-python"]))
    return Manifest(tables, tuple(one.entry for one in questions), (), policy), questions


def _list(value: object) -> "list[list[object]]":
    if not isinstance(value, list) or not all(isinstance(row, list) for row in value):
        raise TypeError(value)
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError(value)
    return tuple(map(str, value))
