"""A package entry: one module of a project that is made into an archive, and where that is published. Pure."""

from enum import StrEnum

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.model.fields import Fields, ManifestError, TablePath
from micropkgd.model.place_names import check_name, is_dotted_name, parse_env
from micropkgd.model.project_tables import OWN_PACKAGE
from micropkgd.named_tuples import NamedTuple

if TYPE_CHECKING:
    from micropkgd.model.publish import PublishTarget

_KEYS = ("alias", "destination", "env", "publish", "publish-when", "overwrite", "fs-args")


class PublishWhen(StrEnum):
    """When an archive is published by itself."""

    SAVED = "saved"  # as soon as it was made
    COMMITTED = "committed"  # once the files it was made from are those of git's HEAD
    ASKED = "asked"  # never: `micropkgd publish` does it


class PackageEntry(NamedTuple):
    """One row of a package table."""

    module: str  # dotted, below the project's package
    alias: str | None = None
    destination: str = "dist"
    env: str | None = None
    publish: "PublishTarget | None" = None
    overwrite: bool = False  # other bytes under the same name may be replaced
    publish_when: PublishWhen | None = None  # None: what suits the rest, see `reconcile.package.entries`
    fs_args: str | None = None  # for publishing: a YAML file, relative to the project
    home: TablePath = OWN_PACKAGE

    @classmethod
    def of_row(cls, key: str, row: object, home: TablePath) -> "PackageEntry":
        """Check one row of a package table; `ManifestError` names its first fault."""
        from micropkgd.model.publish import PublishTarget

        fields = Fields.of_row(key, row, home, _KEYS)
        if not is_dotted_name(key):
            meant = ".".join(filter(None, key.removesuffix(".py").split("/")))
            hint = (
                f'write a path with dots, below the package: `"{meant}"`'
                if "/" in key
                else 'write it like `"pipelines.features"`'
            )
            raise ManifestError(f"`{key}` is not a module path", (*home, key), hint=hint)
        publish = fields.checked("publish", PublishTarget.parse)
        publish_when = fields.choice("publish-when", PublishWhen)
        if publish_when is not None and publish is None:
            problem = "`publish-when` says when to publish, and nothing says where"
            raise ManifestError(problem, (*home, key, "publish-when"), hint='add `publish = "s3://bucket/folder/"`')
        return cls(
            module=key,
            alias=fields.checked("alias", lambda text: check_name(text, "alias")),
            destination=fields.text("destination") or "dist",
            env=fields.checked("env", parse_env),
            publish=publish,
            overwrite=fields.flag("overwrite", default=False),
            publish_when=publish_when,
            fs_args=fields.text("fs-args"),
            home=home,
        )
