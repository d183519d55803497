"""Give an account of a pass that changed something, so that `why` can say which pass put a file where it is."""

import os
from collections.abc import Iterator

from micropkgd.model.outcome import Outcome
from micropkgd.model.packaged import Step
from micropkgd.reconcile.this_pass import Pass
from micropkgd.workspace.memory.pass_log import Deed, PassRecord, note
from micropkgd.workspace.transaction.kept import KEPT


def give_account(this: Pass, outcome: Outcome) -> None:
    """Note what a pass did to each entry; one that did nothing leaves no page (promise P11)."""
    commits = tuple(sorted({*this.fs.names(KEPT)} - this.kept | {*this.options.joins}))
    if (deeds := tuple(deeds_of(outcome))) or commits:
        pass_id = this.options.pass_id or os.urandom(6).hex()
        note(this.fs, PassRecord(pass_id, this.stamp, this.options.trigger, deeds, commits))


def deeds_of(outcome: Outcome) -> Iterator[Deed]:
    """What was done to each entry and module."""
    for entry in outcome.entries:
        changes = entry.plan.writes if entry.plan is not None else ()
        if changes and entry.failure is None:
            version = entry.after or entry.before
            yield Deed(
                entry=entry.ref,
                action=entry.verb.value,
                target=entry.target or "",
                version=version.version if version else "",
                archive=version.archive if version else "",
                paths=tuple(change.path for change in changes),
            )
    for package in outcome.packages:
        archived = package.archived
        if archived is not None and package.step in {Step.CREATE, Step.UPDATE}:
            yield Deed(package.module, "package", archived.path, archived.version, archived.digest, (archived.path,))
        if archived is not None and package.sent and package.published is not None:
            yield Deed(package.module, "publish", package.published.to, archived.version, archived.digest, ())
