"""`init`: what a project needs to begin, shown, agreed to, and written."""

import os
from collections.abc import Iterator, Sequence
from types import SimpleNamespace as Namespace

from micropkgd.actions.init import (
    ATTRIBUTES,
    DRIVER,
    PRE_COMMIT,
    InitPlan,
    InitWishes,
    candidates,
    is_set_up,
    may_have_group,
    offers,
    plan_init,
)
from micropkgd.actions.members import members_of
from micropkgd.cli.ask import agrees, choose, on_terminal
from micropkgd.cli.lines import plain
from micropkgd.cli.output import diff_lines
from micropkgd.cli.say import say, say_aside, say_json, say_words
from micropkgd.errors import MicropkgError, UsageError
from micropkgd.model.condition import EXIT_PENDING
from micropkgd.model.policy import Update
from micropkgd.model.tree import RelPath
from micropkgd.workspace.root import MANIFEST_NAME, find_root

_GROUP = "micropkg"
_GROUP_QUESTION = f"keep what pulled packages require in the dependency group `{_GROUP}`, not in requirements.in?"
_QUESTIONS = {
    ATTRIBUTES: "let git merge micropkg.lock by itself (.gitattributes)?",
    PRE_COMMIT: "check the lock before each commit (.pre-commit-config.yaml)?",
}


def init(options: Namespace) -> int:
    """Plan each project, show it, and write it once somebody agrees; 3 where nobody was there to."""
    asks = on_terminal() and not (options.yes or options.dry_run or options.json)
    roots = _roots(options)
    plans = [_planned(options, root, asks=asks, several=len(roots) > 1) for root in roots]
    pending = any(plan.files for plan in plans)
    if not options.json:
        _say_plans(options, plans)
    written = pending and not options.dry_run and (options.yes or (asks and agrees("write this?")))
    if written:
        for plan in plans:
            if plan.files:
                plan.apply(options.lock_timeout)
    exit_code = EXIT_PENDING if pending and not written and not options.dry_run else 0
    if options.json:
        say_json(options, {"projects": [_document(plan, written=written) for plan in plans]}, exit_code=exit_code)
    elif written or not pending:
        _say_next(options, plans, written=written)
    elif not options.dry_run:
        say_aside(["nothing was written" if asks else "nothing was written: --yes writes it"])
    return exit_code


def _roots(options: Namespace) -> list[str]:
    """The projects that are meant; of a workspace that has no package of its own, all its members."""
    roots: dict[str, None] = {}
    for project in options.projects or ["."]:
        root = find_root(project)
        members = members_of(root)
        roots |= dict.fromkeys(members if members and not is_set_up(root) and not candidates(root) else [root])
    if options.package and len(roots) > 1:
        raise UsageError("--package is for one project", hint="name the project, like `micropkgd init packages/shop`")
    return [*roots]


def _planned(options: Namespace, root: str, *, asks: bool, several: bool) -> InitPlan:
    """What one project needs; where there are several, what is wrong is said with its folder, and none is written."""
    try:
        return plan_init(root, _wishes(options, root, asks=asks))
    except MicropkgError as error:
        if several:
            error.where = os.path.join(root, error.where)
        raise


def _wishes(options: Namespace, root: str, *, asks: bool) -> InitWishes:
    beside = frozenset[RelPath]() if options.only_manifest else InitWishes().beside
    wishes = InitWishes(options.package, Update(options.update or Update.FOLLOW), options.requirements_group, beside)
    if not asks:
        return wishes
    found = candidates(root)
    if wishes.package is None and len(found) > 1:
        names = [guess.package for guess in found]
        wishes = wishes._replace(package=choose("which package shall hold what is pulled?", names))
    if options.update is None and not is_set_up(root):
        follows = agrees("follow newer versions by itself (update)?")
        wishes = wishes._replace(update=Update.FOLLOW if follows else Update.LOCKED)
    if options.requirements_group is None and may_have_group(root) and agrees(_GROUP_QUESTION):
        wishes = wishes._replace(group=_GROUP)
    offered = [path for path in offers(root) if path in beside]
    return wishes._replace(beside=frozenset(path for path in offered if agrees(_QUESTIONS[path])))


def _say_plans(options: Namespace, plans: Sequence[InitPlan]) -> None:
    for plan in plans:
        say(map(plain, _plan_lines(plan, quiet=options.quiet)))
        say_aside(plain(f"note: {note}") for note in plan.notes)


def _plan_lines(plan: InitPlan, *, quiet: bool) -> Iterator[str]:
    if quiet:
        return
    yield f"{plan.root}: package {plan.package} in {plan.source_dir} (by {plan.reason})"
    yield from _diff(plan)
    if not plan.files:
        yield f"{MANIFEST_NAME} says what it needs to: nothing to write"


def _diff(plan: InitPlan) -> list[str]:
    before = {path: old or b"" for path, old, _ in plan.files}
    after = {change.after: new for change, (_, _, new) in zip(plan.changes, plan.files, strict=True) if change.after}
    return list(diff_lines(plan.changes, before, after))


def _say_next(options: Namespace, plans: Sequence[InitPlan], *, written: bool) -> None:
    if not options.quiet:
        say_words([*(["written"] if written else []), "next:", *(f"  {line}" for line in _next(plans))])


def _next(plans: Sequence[InitPlan]) -> Iterator[str]:
    """What to do now, each with why."""
    if any(plan.rows for plan in plans):
        yield f"{'micropkgd reconcile --once':<34}  # bring the tree into line"
    yield f"{'micropkgd add REF':<34}  # pull a micro-package"
    yield f"{'micropkgd package MODULE':<34}  # release one of yours"
    if any(path == ATTRIBUTES for plan in plans for path, _, _ in plan.files):
        yield f"{DRIVER}  # once in each clone"


def _document(plan: InitPlan, *, written: bool) -> dict[str, object]:
    changes = [{"path": change.path, "kind": change.kind.value} for change in plan.changes]
    return {
        "project": plan.root,
        "package": plan.package,
        "source_dir": plan.source_dir,
        "reason": plan.reason,
        "changes": changes,
        "diff": _diff(plan),
        "applied": written,
        "notes": list(plan.notes),
    }
