"""The outcome of a pass as the versioned document of docs/json.md, and back: keys are only ever added. Pure.

The command line prints it, the service hands it to whoever asked for the pass.
"""

from collections.abc import Mapping, Sequence

from micropkgd.annotations import Any
from micropkgd.errors import DocumentError
from micropkgd.model.choice import Conflict
from micropkgd.model.collision import Collision, HeldQuestion, LineRange
from micropkgd.model.condition import Failure
from micropkgd.model.outcome import EntryOutcome, Installed, Outcome, RequirementsNote, StepBack
from micropkgd.model.packaged import Archived, LeftOut, PackageOutcome, Published, Step
from micropkgd.model.plan import Change, ChangeKind, EntryPlan, MergeWay
from micropkgd.model.tree import RelPath, parse_digest, rel_path

Document = Mapping[str, Any]

_SIDES = ("ours", "theirs", "merged")


def outcome_document(outcome: Outcome) -> dict[str, object]:
    """One project's outcome for programs."""
    return {
        "project": outcome.root,
        "exit_code": outcome.exit_code,
        "applied": outcome.applied,
        "recovered": outcome.recovered,
        "set_aside": outcome.set_aside,
        "pending": outcome.pending,
        "failure": failure_document(outcome.failure),
        "lock_holds": outcome.lock_holds or None,
        "entries": [_entry_document(entry) for entry in outcome.entries],
        "shared": [_change_document(change) for change in outcome.shared],
        "requirements": outcome.requirements._asdict() if outcome.requirements else None,
        "packages": [package_document(package) for package in outcome.packages],
    }


def package_document(outcome: PackageOutcome) -> dict[str, object]:
    """One package entry's outcome for programs."""
    archived = outcome.archived
    return {
        "module": outcome.module,
        "action": outcome.step.value,
        "condition": outcome.condition.value,
        "archive": _archive_document(archived) if archived else None,
        "left_out": [left._asdict() for left in archived.left_out] if archived else [],
        "published": outcome.published._asdict() if outcome.published else None,
        "sent": outcome.sent,
        "unreleased": outcome.unreleased or None,
        "failure": failure_document(outcome.failure),
        "notes": list(outcome.told),
    }


def failure_document(failure: Failure | None) -> dict[str, object] | None:
    """A failure for programs."""
    return None if failure is None else {**failure._asdict(), "code": failure.code}


def read_outcome(document: Document) -> Outcome:
    """The outcome that a document tells of, without the bytes of its changes; `DocumentError` where it is none."""
    try:
        return Outcome(
            root=str(document["project"]),
            entries=tuple(_entry(row) for row in document["entries"]),
            packages=tuple(_package(row) for row in document["packages"]),
            shared=_changes(document["shared"]),
            requirements=_requirements(document.get("requirements")),
            applied=bool(document["applied"]),
            recovered=bool(document["recovered"]),
            set_aside=None if document["set_aside"] is None else RelPath(str(document["set_aside"])),
            failure=_failure(document["failure"]),
            lock_holds=str(document.get("lock_holds") or ""),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DocumentError(f"not the outcome of a pass: {error!r}") from error


def _entry_document(entry: EntryOutcome) -> dict[str, object]:
    plan = entry.plan
    return {
        "ref": entry.ref,
        "target": entry.target,
        "name": entry.name,
        "action": entry.verb.value,
        "condition": entry.condition.value,
        "before": _installed_document(entry.before),
        "after": _installed_document(entry.after),
        "changes": [_change_document(change) for change in plan.changes] if plan else [],
        "drifted": list(plan.drifted) if plan else [],
        "formatted": list(plan.formatted) if plan else [],
        "unfetched": list(plan.unfetched) if plan else [],
        "waiting": _installed_document(entry.waiting),
        **_question_document(entry.question),
        "failure": failure_document(entry.failure),
        "last_failure": failure_document(entry.last_failure),
        "failing_since": entry.failing_since or None,
        "moved_from": entry.moved_from or None,
        "notes": list(entry.told),
        "unaccepted": list(entry.unaccepted),
        "advice": entry.advice or None,
        "index_url": entry.index_url or None,
        "step_back": entry.step_back.value if entry.step_back else None,
        "signed_by": entry.signed_by or None,
    }


def _entry(row: Document) -> EntryOutcome:
    target = None if row["target"] is None else rel_path(row["target"])
    plan = None
    if target is not None and (row["changes"] or row["drifted"] or row.get("unfetched")):
        plan = EntryPlan(str(row["ref"]), target, _changes(row["changes"]), _paths(row["drifted"]))
        plan = plan._replace(formatted=_paths(row.get("formatted", [])), unfetched=_paths(row.get("unfetched", [])))
    return EntryOutcome(
        ref=str(row["ref"]),
        target=target,
        name=str(row["name"]),
        before=_installed(row["before"]),
        after=_installed(row["after"]),
        plan=plan,
        failure=_failure(row["failure"]),
        notes=tuple(map(str, row["notes"])),
        waiting=_installed(row["waiting"]),
        question=_question(row),
        last_failure=_failure(row.get("last_failure")),
        failing_since=str(row["failing_since"] or ""),
        moved_from=RelPath(str(row["moved_from"] or "")),
        unaccepted=_paths(row.get("unaccepted", ())),
        advice=str(row["advice"] or ""),
        index_url=str(row.get("index_url") or ""),
        step_back=StepBack(row["step_back"]) if row.get("step_back") else None,
        signed_by=str(row.get("signed_by") or ""),
    )


def _package(row: Document) -> PackageOutcome:
    failure, notes, archived, published = _failure(row["failure"]), tuple(map(str, row["notes"])), None, None
    if (found := row["archive"]) is not None:
        archived = Archived(
            str(found["path"]),
            str(found["name"]),
            str(found["version"]),
            parse_digest(found["digest"]),
            parse_digest(found["content"]),
            () if failure else notes,
            tuple(LeftOut(str(left["path"]), str(left["reason"])) for left in row["left_out"]),
        )
    if (found := row["published"]) is not None:
        published = Published(str(found["to"]), parse_digest(found["digest"]))
    return PackageOutcome(
        module=str(row["module"]),
        step=Step(row["action"]),
        archived=archived,
        failure=failure,
        notes=notes if failure is not None or archived is None else (),
        published=published,
        sent=bool(row.get("sent")),
        unreleased=str(row.get("unreleased") or ""),
    )


def _archive_document(archived: Archived) -> dict[str, str]:
    return {field: str(getattr(archived, field)) for field in ("path", "name", "version", "digest", "content")}


def _installed_document(installed: Installed | None) -> dict[str, str] | None:
    return None if installed is None else {"version": installed.version, "archive": installed.archive}


def _installed(row: Document | None) -> Installed | None:
    return None if row is None else Installed(str(row["version"]), parse_digest(row["archive"]))


def _requirements(row: Document | None) -> RequirementsNote | None:
    return None if row is None else RequirementsNote(rel_path(row["path"]), str(row["command"]))


def _question_document(question: HeldQuestion) -> dict[str, object]:
    return {
        "beside": question.folder or None,
        "collisions": [_collision_document(collision) for collision in question.collisions],
        "decided": [{"path": path, "choice": choice.value} for path, choice in question.decided.items()],
        "joined": list(question.joined),
        "marked": list(question.marked),
    }


def _question(row: Document) -> HeldQuestion:
    return HeldQuestion(
        folder=RelPath(str(row.get("beside") or "")),
        is_laid=bool(row.get("beside")),
        collisions=tuple(map(_collision, row.get("collisions", ()))),
        decided={rel_path(one["path"]): Conflict(one["choice"]) for one in row.get("decided", ())},
        joined=_paths(row.get("joined", ())),
        marked=_paths(row.get("marked", ())),
    )


def _collision_document(collision: Collision) -> dict[str, object]:
    return {**collision._asdict(), **{side: lines._asdict() for side, lines in zip(_SIDES, collision[1:], strict=True)}}


def _collision(row: Document) -> Collision:
    ours, theirs, merged = (LineRange(int(row[side]["first"]), int(row[side]["last"])) for side in _SIDES)
    return Collision(rel_path(row["path"]), ours, theirs, merged)


def _change_document(change: Change) -> dict[str, object]:
    return {**change._asdict(), "kind": change.kind.value, "way": change.way.value if change.way else None}


def _changes(rows: Sequence[Document]) -> tuple[Change, ...]:
    return tuple(
        Change(
            ChangeKind(row["kind"]),
            rel_path(row["path"]),
            None if row["before"] is None else parse_digest(row["before"]),
            None if row["after"] is None else parse_digest(row["after"]),
            str(row["reason"]),
            bool(row["executable"]),
            MergeWay(row["way"]) if row.get("way") else None,
        )
        for row in rows
    )


def _paths(rows: Sequence[object]) -> tuple[RelPath, ...]:
    return tuple(rel_path(str(row)) for row in rows)


def _failure(row: Document | None) -> Failure | None:
    return None if row is None else Failure(**{field: row[field] for field in Failure._fields if field in row})
