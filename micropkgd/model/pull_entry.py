"""A pull entry: one archive that a project asks for, and where it goes. Pure."""

from collections.abc import Collection

from micropkgd.errors import DocumentError
from micropkgd.model.fields import Fields, ManifestError, TablePath
from micropkgd.model.index import index_kind, parse_index
from micropkgd.model.place_names import check_name, parse_destination, parse_env
from micropkgd.model.policy import Policy
from micropkgd.model.project_tables import OWN_PULL
from micropkgd.model.ref import Ref, RefKind
from micropkgd.model.tree import Digest, RelPath, parse_digest
from micropkgd.named_tuples import NamedTuple

_KEYS = ("alias", "destination", "env", "fs-args", "fs_args", "index", "sha256", "keep-deleted")


class PullEntry(NamedTuple):
    """One row of a pull table."""

    ref: Ref
    alias: str | None = None
    destination: tuple[str, ...] = ()  # folders below the package folder
    env: str | None = None  # None: the project's base environment
    fs_args: str | None = None  # a YAML file, relative to the project
    index_url: str | None = None  # of a requirement: its own, else the policy's
    sha256: Digest | None = None  # a pin: nothing else is ever installed
    keep_deleted: tuple[str, ...] = ()  # paths that stay deleted when the user deleted them
    home: TablePath = OWN_PULL
    rewrite_parameters: bool = False  # the policy's

    @property
    def kind(self) -> RefKind:
        """Which source answers: that of the ref, and of a requirement that of its index."""
        return self.ref.kind if self.index_url is None else index_kind(self.index_url)

    @classmethod
    def of_row(cls, key: str, row: object, home: TablePath, policy: Policy) -> "PullEntry":
        """Check one row of a pull table; `ManifestError` names its first fault."""
        fields = Fields.of_row(key, row, home, _KEYS)
        try:
            ref = Ref.parse(key)
        except DocumentError as error:
            raise ManifestError(error.problem, (*home, key), hint=error.hint) from error
        if fields.text("fs-args") is not None and fields.text("fs_args") is not None:
            raise ManifestError("`fs-args` and `fs_args` are the same key", (*home, key, "fs_args"))
        index_url = fields.checked("index", parse_index)
        if index_url is not None and ref.kind is not RefKind.INDEX:
            raise ManifestError(f"`{key}` is not a package of an index", (*home, key, "index"), hint="remove `index`")
        return cls(
            ref=ref,
            alias=fields.checked("alias", lambda text: check_name(text, "alias")),
            destination=fields.checked("destination", parse_destination) or (),
            env=fields.checked("env", parse_env),
            fs_args=fields.text("fs-args") or fields.text("fs_args"),
            index_url=index_url or (policy.index_url if ref.kind is RefKind.INDEX else None),
            sha256=fields.checked("sha256", parse_digest),
            keep_deleted=fields.texts("keep-deleted"),
            home=home,
            rewrite_parameters=policy.rewrite_parameters,
        )


def stays_deleted(path: RelPath, patterns: Collection[str]) -> bool:
    """Whether an entry's `keep-deleted` names a file."""
    if not patterns:
        return False
    from micropkgd.model.patterns import matches

    return any(matches(path, pattern) for pattern in patterns)
