"""The rules by which archives must be signed: every pass asks for them, and imports the check where there is one."""

from collections.abc import Mapping, Sequence

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.model.policy import Policy
from micropkgd.reconcile.resolve.blocks import current_blocks
from micropkgd.reconcile.resolve.fetcher import Fetcher, Resolution
from micropkgd.workspace.memory.state import Hold
from micropkgd.workspace.project import Project

if TYPE_CHECKING:
    from micropkgd.model.signers import SignatureRule


def rules_of(root: str, policy: Policy, fetcher: Fetcher) -> "tuple[SignatureRule, ...]":
    """Whose signatures the archives must carry: what the machine asks for, and the project beside it."""
    return (*fetcher.sources.signature_rules(root), *policy.signatures)


def as_signed(
    project: Project, fetcher: Fetcher, found: Sequence[Resolution], holds: Mapping[str, Hold]
) -> Sequence[Resolution]:
    """The archives of a manifest's entries as far as they are signed, where somebody asks for that."""
    rules = rules_of(project.root, project.manifest.policy, fetcher)
    if not rules:
        return found
    from micropkgd.reconcile.resolve.signed import SignatureCheck, with_signatures

    blocks = current_blocks(project)
    both = zip(project.manifest.pulls, found, strict=True)
    checks = [SignatureCheck(entry, blocks[entry.ref.text], one, holds.get(entry.ref.text)) for entry, one in both]
    return with_signatures(fetcher, rules, checks)
