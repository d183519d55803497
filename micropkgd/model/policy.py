"""The policy, `[tool.micropkgd]`: how a project wants to be treated. Pure."""

import re
from collections.abc import Iterable
from enum import StrEnum

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.errors import DocumentError
from micropkgd.model.distribution_name import NAME
from micropkgd.model.fields import Fields, ManifestError, Table, table_at
from micropkgd.model.index import parse_index
from micropkgd.model.project_tables import OWN
from micropkgd.model.ref import parse_mirror
from micropkgd.model.tree import RelPath, managed_path
from micropkgd.named_tuples import NamedTuple

if TYPE_CHECKING:
    from micropkgd.model.signers import SignatureRule

_KEYS = (
    "on-local-edit",
    "merge",
    "prune",
    "update",
    "requirements-file",
    "requirements-group",
    "on-dangling-import",
    "on-downgrade",
    "protocols",
    "index-url",
    "mirrors",
    "rewrite-parameters",
    "follow-branches",
    "signatures",
)
_TABLES = ("pull", "package", "project", "origin")  # the last: what an archive says of itself, once unpacked
_OTHER_DOCUMENTS = (".py", ".toml", ".yml", ".yaml", ".json", ".cfg", ".ini", ".ipynb")


class OnLocalEdit(StrEnum):
    """What happens where a local edit and a new version meet."""

    MERGE = "merge"
    HOLD = "hold"
    OVERWRITE = "overwrite"


class MergePolicy(StrEnum):
    """How far a pass goes to join a local edit and a new version."""

    STRUCTURE = "structure"  # definition by definition and key by key, where the lines collide
    TEXT = "text"  # by lines alone


class Update(StrEnum):
    """Whether a pass follows the refs or stays with the lock."""

    FOLLOW = "follow"
    LOCKED = "locked"


class OnDanglingImport(StrEnum):
    """What happens with an import that leaves its micro-package."""

    WARN = "warn"
    ERROR = "error"


class OnDowngrade(StrEnum):
    """What happens with a ref that goes back to an older version, or to other bytes under the same one."""

    FOLLOW = "follow"
    HOLD = "hold"


class Policy(NamedTuple):
    """`[tool.micropkgd]`: how the project wants to be treated."""

    on_local_edit: OnLocalEdit = OnLocalEdit.MERGE
    prune: bool = True
    update: Update = Update.FOLLOW
    requirements_file: str = "requirements.in"
    on_dangling_import: OnDanglingImport = OnDanglingImport.WARN
    on_downgrade: OnDowngrade | None = None  # None: an older version is held, other bytes under the same one are taken
    protocols: tuple[str, ...] = ()  # of refs beyond those that every project may use
    index_url: str | None = None  # of requirements that name no index; None: what the machine says
    mirrors: tuple[str, ...] = ()  # where archives are by digest, too
    rewrite_parameters: bool = False  # whether names of moved modules in parameters follow
    follow_branches: tuple[str, ...] = ("*",)  # of git, where sources are followed without anybody asking
    merge: MergePolicy = MergePolicy.STRUCTURE
    requirements_group: str = ""  # of `[dependency-groups]`, in place of a file
    signatures: "tuple[SignatureRule, ...]" = ()  # whose its archives must carry, beside what the machine asks for

    @classmethod
    def from_mapping(cls, document: Table) -> "Policy":
        """What a whole `pyproject.toml` says of it; `ManifestError` names the first fault."""
        fields = Fields(table_at(document, OWN) or {}, OWN)
        fields.known((*_KEYS, *_TABLES))
        if fields.text("requirements-file") and fields.text("requirements-group"):
            raise ManifestError(
                "requirements go to a file or to a group, not to both", (*OWN, "requirements-group"), hint="keep one"
            )
        return cls(
            on_local_edit=fields.choice("on-local-edit", OnLocalEdit) or OnLocalEdit.MERGE,
            merge=fields.choice("merge", MergePolicy) or MergePolicy.STRUCTURE,
            prune=fields.flag("prune", default=True),
            update=fields.choice("update", Update) or Update.FOLLOW,
            requirements_file=fields.checked("requirements-file", _requirements_file) or "requirements.in",
            requirements_group=fields.checked("requirements-group", _group_name) or "",
            on_dangling_import=fields.choice("on-dangling-import", OnDanglingImport) or OnDanglingImport.WARN,
            on_downgrade=fields.choice("on-downgrade", OnDowngrade),
            protocols=fields.texts("protocols"),
            index_url=fields.checked("index-url", parse_index),
            mirrors=fields.all_checked("mirrors", parse_mirror),
            rewrite_parameters=fields.flag("rewrite-parameters", default=False),
            follow_branches=fields.texts("follow-branches", default=cls().follow_branches),
            signatures=_signatures(fields.tables("signatures")),
        )


def _signatures(rows: Iterable[Fields]) -> "tuple[SignatureRule, ...]":
    """`[[tool.micropkgd.signatures]]`: what a project asks for itself; it takes nothing from what the machine asks."""
    found = []
    for row in rows:
        from micropkgd.model.origins import Origins
        from micropkgd.model.publishers import parse_publishers
        from micropkgd.model.signers import SignatureRule, parse_signers

        row.known(("origins", "signers", "publishers"))
        origins = row.read("origins", Origins.parse) if "origins" in row.table else None
        by_key = "publishers" not in row.table or "signers" in row.table
        signers = row.read("signers", parse_signers) if by_key else ()
        publishers = row.read("publishers", parse_publishers) if "publishers" in row.table else ()
        if signers and publishers:
            raise DocumentError("a row of `signatures` names signers and publishers", hint="write two, to have both")
        found.append(SignatureRule(signers, origins, "this project", publishers))
    return tuple(found)


def _requirements_file(text: str) -> RelPath:
    """Lines are written into it, which would be the end of code and of documents that others read."""
    if text.casefold() == "micropkg.lock" or text.casefold().endswith(_OTHER_DOCUMENTS):
        raise DocumentError(f"`{text}` is not a file for requirements", hint="name one like `requirements.in`")
    return managed_path(text)


def _group_name(text: str) -> str:
    """PEP 735 has the names of groups as those of projects."""
    if not re.fullmatch(NAME, text):
        raise DocumentError(f"`{text}` is not a name for a dependency group", hint='write it like "micropkg"')
    return text
