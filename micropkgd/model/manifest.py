"""The manifest: what the owner asks for, as values (docs/formats.md).

Reads plain mappings, never text, so that it is tested with literals. Every error names the table and the key it is
about; `documents.statements.line_of` turns that address into a line.
"""

import keyword
import re
import sys
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.errors import DocumentError
from micropkgd.model.distribution_name import NAME, normalised
from micropkgd.model.entry_key import MOST_ENTRIES
from micropkgd.model.fields import Fields, ManifestError, Table, TablePath, table_at
from micropkgd.model.index import index_kind, parse_index
from micropkgd.model.portable import portable
from micropkgd.model.ref import Ref, RefKind, parse_mirror
from micropkgd.model.tree import Digest, RelPath, managed_path, parse_digest, rel_path
from micropkgd.named_tuples import NamedTuple

if TYPE_CHECKING:
    from micropkgd.model.publish import ArchiveFolder, PublishTarget
    from micropkgd.model.signers import SignatureRule

KEDRO_PULL: TablePath = ("tool", "kedro", "micropkg", "pull")
OWN_PULL: TablePath = ("tool", "micropkgd", "pull")
KEDRO_PACKAGE: TablePath = ("tool", "kedro", "micropkg", "package")
OWN_PACKAGE: TablePath = ("tool", "micropkgd", "package")
_POLICY: TablePath = ("tool", "micropkgd")

_PULL_KEYS = ("alias", "destination", "env", "fs-args", "fs_args", "index", "sha256", "keep-deleted")
_PACKAGE_KEYS = ("alias", "destination", "env", "publish", "publish-when", "overwrite", "fs-args")
_POLICY_KEYS = (
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
_PARTS = ("pull", "package", "project", "origin")  # the last: what an archive says of itself, once unpacked
_BELOW = "write a place below the package folder, like `pipelines`"
_MODULE = r"[^\W\d]\w*(\.[^\W\d]\w*)*"
_REPOSITORY = ("repository", "source", "sourcecode", "github", "gitlab", "code")
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


class PublishWhen(StrEnum):
    """When an archive is published by itself."""

    SAVED = "saved"  # as soon as it was made
    COMMITTED = "committed"  # once the files it was made from are those of git's HEAD
    ASKED = "asked"  # never: `micropkgd publish` does it


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


class ProjectTables(NamedTuple):
    """What the manifest itself says of the project's layout; the rest is seen on disk."""

    package: str
    source_dir: str = "src"
    init_version: str = ""  # Kedro's `kedro_init_version`; empty in plain Python projects
    tests_dir: str | None = None
    conf_dir: str | None = None
    base_env: str | None = None
    requires_python: str = ""
    repository: str = ""  # its address, as `[project.urls]` says it


class Manifest(NamedTuple):
    """Everything one `pyproject.toml` asks of micropkgd."""

    project: ProjectTables
    pulls: tuple[PullEntry, ...]
    packages: tuple[PackageEntry, ...]
    policy: Policy

    @classmethod
    def from_mapping(cls, document: Table) -> "Manifest":
        """Check a whole `pyproject.toml`; `ManifestError` names the first fault."""
        project = _project(document)
        policy = _policy(document)
        homes = (KEDRO_PULL, OWN_PULL)
        _refuse_too_many(document, homes)
        pulls = [_pull_entry(key, row, home, policy) for home in homes for key, row in _rows(document, home)]
        _refuse_twice((entry.ref.text, entry.home) for entry in pulls)
        _refuse_below_twice(pulls, project)
        homes = (KEDRO_PACKAGE, OWN_PACKAGE)
        _refuse_too_many(document, homes)
        packages = [_package_entry(key, row, home) for home in homes for key, row in _rows(document, home)]
        _refuse_twice((entry.module, entry.home) for entry in packages)
        _refuse_cycles(pulls, packages)
        return cls(project, tuple(pulls), tuple(packages), policy)


def stays_deleted(path: RelPath, patterns: Collection[str]) -> bool:
    """Whether an entry's `keep-deleted` names a file."""
    if not patterns:
        return False
    from micropkgd.model.patterns import matches

    return any(matches(path, pattern) for pattern in patterns)


def check_name(name: str, what: str) -> str:
    """Check a name that becomes the last part of a module path; `DocumentError` says which rule it breaks."""
    if not name.isidentifier():
        raise DocumentError(f"{what} `{name}` is not a Python name", hint=_name_hint(name, what))
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        raise DocumentError(f"{what} `{name}` is a Python keyword", hint=f"write it like `{name}_`")
    if name in sys.stdlib_module_names:
        problem = f"{what} `{name}` is the name of a standard library module"
        raise DocumentError(problem, hint=f"write it like `{name}_`, so that no import takes one for the other")
    return portable(name, what)


def _name_hint(name: str, what: str) -> str:
    """A name with folders in it, or with characters that no name has."""
    *folders, leaf = name.replace("/", ".").strip(".").split(".")
    if what == "alias" and folders and all(map(str.isidentifier, (*folders, leaf))):
        return f'an alias is one name: `alias = "{leaf}"` with `destination = "{"/".join(folders)}"`'
    spelt = re.sub(r"\W", "_", name)
    return f"write it like `{spelt}`" if spelt.isidentifier() else "use letters, digits and underscores"


def parse_destination(text: str) -> tuple[str, ...]:
    """Read `pipelines/nested` or `pipelines.nested`: folders below the package folder."""
    if "\\" in text:
        raise DocumentError(f"destination `{text}` has a backslash", hint="write paths with forward slashes")
    parts = tuple(text.removeprefix("./").strip("/").split("/")) if "/" in text else tuple(text.split("."))
    if text.startswith("/"):
        raise DocumentError(f"destination `{text}` is an absolute path", hint=_BELOW)
    if ".." in parts or text == "..":
        raise DocumentError(f"destination `{text}` leaves the package folder", hint=_BELOW)
    if text in {"", ".", "./"}:
        hint = "leave `destination` out: what is pulled then stands right below the package folder"
        raise DocumentError(f"destination `{text}` is the package folder itself", hint=hint)
    if "" in parts or "." in parts:
        raise DocumentError(f"destination `{text}` is not in its shortest form", hint=_BELOW)
    for part in parts:
        if not part.isidentifier() or keyword.iskeyword(part):
            spelt = f"{part}_" if keyword.iskeyword(part) else re.sub(r"\W", "_", part)
            hint = f"write it like `{spelt}`" if spelt.isidentifier() else _BELOW
            what = "is a word of Python" if keyword.iskeyword(part) else "is not a Python name"
            raise DocumentError(f"destination `{text}` is not a package path: `{part}` {what}", hint=hint)
        portable(part, "destination")
    return parts


def parse_env(text: str) -> str:
    """Check the name of a config environment: a folder directly or deeper below the config folder."""
    try:
        env = rel_path(text)
    except DocumentError as error:
        raise DocumentError(f"env `{text}` leaves the config folder", hint="write a name like `base`") from error
    return portable(env, "env")


def parse_base_env(text: str) -> str:
    """Check the name of the base environment; `.` is the config folder itself, of a project that has no others."""
    return text if text == "." else parse_env(text)


def _in_a_workspace(document: Table) -> str:
    """What to do at the root of several projects; nothing elsewhere."""
    tools = [name for name in ("uv", "rye", "hatch") if table_at(document, ("tool", name, "workspace")) is not None]
    return "this is a workspace: run in the folder of a member, or name it with `--project`" if tools else ""


def _project(document: Table) -> ProjectTables:
    own = table_at(document, (*_POLICY, "project"))
    kedro = table_at(document, ("tool", "kedro"))
    if own is None and "package_name" not in (kedro or {}):
        raise ManifestError(
            "nothing says which package this is about: `[tool.kedro]` has no `package_name`"
            if kedro is not None
            else "nothing says which package this is about: neither `[tool.kedro]` nor `[tool.micropkgd.project]`",
            ("tool", "kedro"),
            hint=_in_a_workspace(document) or "`micropkgd init` finds the package and says it here",
        )
    fields = Fields(own or {}, (*_POLICY, "project"))
    fields.known(("package", "source-dir", "tests", "conf", "base-env"))
    legacy = Fields(kedro or {}, ("tool", "kedro"))
    package = fields.text("package") or legacy.text("package_name")
    if not package or not re.fullmatch(_MODULE, package):
        raise ManifestError(f"package name `{package}` is not a Python name", (*_POLICY, "project", "package"))
    return ProjectTables(
        package=package,
        source_dir=_folder(fields, "source-dir") or _folder(legacy, "source_dir") or "src",
        init_version=legacy.text("kedro_init_version") or legacy.text("project_version") or "",
        tests_dir=_folder(fields, "tests"),
        conf_dir=_folder(fields, "conf"),
        base_env=fields.checked("base-env", parse_base_env),
        requires_python=Fields(table_at(document, ("project",)) or {}, ("project",)).text("requires-python") or "",
        repository=_repository(table_at(document, ("project",)) or {}),
    )


def _repository(project: Table) -> str:
    """The address of the source code, under the labels that PyPI knows; what is odd there is nothing of ours."""
    urls = project.get("urls")
    rows = urls.items() if isinstance(urls, Mapping) else ()
    known = {re.sub(r"[\W_]", "", label).lower(): url for label, url in rows if isinstance(url, str)}
    return next((known[label] for label in _REPOSITORY if label in known), "")


def _folder(fields: Fields, key: str) -> str | None:
    return fields.checked(key, lambda text: text if text == "." else managed_path(text.removesuffix("/")))


def _pull_entry(key: str, row: object, home: TablePath, policy: Policy) -> PullEntry:
    fields = Fields.of_row(key, row, home, _PULL_KEYS)
    try:
        ref = Ref.parse(key)
    except DocumentError as error:
        raise ManifestError(error.problem, (*home, key), hint=error.hint) from error
    if fields.text("fs-args") is not None and fields.text("fs_args") is not None:
        raise ManifestError("`fs-args` and `fs_args` are the same key", (*home, key, "fs_args"))
    index_url = fields.checked("index", parse_index)
    if index_url is not None and ref.kind is not RefKind.INDEX:
        raise ManifestError(f"`{key}` is not a package of an index", (*home, key, "index"), hint="remove `index`")
    return PullEntry(
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


def _package_entry(key: str, row: object, home: TablePath) -> PackageEntry:
    from micropkgd.model.publish import PublishTarget

    fields = Fields.of_row(key, row, home, _PACKAGE_KEYS)
    if not re.fullmatch(_MODULE, key):
        meant = ".".join(filter(None, key.removesuffix(".py").split("/")))
        hint = (
            f'write a path with dots, below the package: `"{meant}"`'
            if "/" in key
            else 'write it like `"pipelines.features"`'
        )
        raise ManifestError(f"`{key}` is not a module path", (*home, key), hint=hint)
    publish, publish_when = fields.checked("publish", PublishTarget.parse), fields.choice("publish-when", PublishWhen)
    if publish_when is not None and publish is None:
        problem = "`publish-when` says when to publish, and nothing says where"
        raise ManifestError(problem, (*home, key, "publish-when"), hint='add `publish = "s3://bucket/folder/"`')
    return PackageEntry(
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


def _policy(document: Table) -> Policy:
    fields = Fields(table_at(document, _POLICY) or {}, _POLICY)
    fields.known((*_POLICY_KEYS, *_PARTS))
    if fields.text("requirements-file") and fields.text("requirements-group"):
        raise ManifestError(
            "requirements go to a file or to a group, not to both", (*_POLICY, "requirements-group"), hint="keep one"
        )
    return Policy(
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
        follow_branches=fields.texts("follow-branches", default=Policy().follow_branches),
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


def _rows(document: Table, home: TablePath) -> Iterable[tuple[str, object]]:
    table = table_at(document, home)
    return () if table is None else table.items()


def _refuse_too_many(document: Table, homes: tuple[TablePath, ...]) -> None:
    rows = {home: len(table_at(document, home) or ()) for home in homes}
    if sum(rows.values()) > MOST_ENTRIES:
        problem = f"{sum(rows.values()):,} rows are more than the {MOST_ENTRIES:,} that one project may have"
        raise ManifestError(problem, max(rows, key=lambda home: rows[home]), hint="split the project")


def _refuse_twice(rows: Iterable[tuple[str, TablePath]]) -> None:
    seen: dict[str, TablePath] = {}
    for key, home in rows:
        if key in seen:
            raise ManifestError(
                f"`{key}` is asked for twice, in [{'.'.join(seen[key])}] and in [{'.'.join(home)}]",
                (*home, key),
                other=(*seen[key], key),
                hint="keep one of the two rows",
            )
        seen[key] = home


def _refuse_below_twice(pulls: Iterable[PullEntry], project: ProjectTables) -> None:
    """A destination is below the package folder, an env below the config folder: neither names that once more."""
    package = tuple(project.package.split("."))
    conf = project.conf_dir or "conf"
    for pull in pulls:
        if pull.env is not None and f"{pull.env}/".startswith(f"{conf}/"):
            inner = pull.env.removeprefix(conf).strip("/")
            raise ManifestError(
                f"env `{pull.env}` names the config folder, below which it is anyway",
                (*pull.home, pull.ref.text, "env"),
                hint=f"write `{inner}`" if inner else "leave it out",
            )
    for pull in pulls:
        for above in ((*project.source_dir.split("/"), *package), package):
            if pull.destination[: len(above)] == above:
                rest = "/".join(pull.destination[len(above) :])
                raise ManifestError(
                    f"destination `{'/'.join(pull.destination)}` names the package folder, below which it is anyway",
                    (*pull.home, pull.ref.text, "destination"),
                    hint=f"write `{rest}`" if rest else "leave it out",
                )


def _refuse_cycles(pulls: Iterable[PullEntry], packages: Collection[PackageEntry]) -> None:
    """What is pulled from where the project itself publishes it would change for ever."""
    if all(package.publish is None for package in packages):
        return
    from micropkgd.model.publish import name_in, places_of

    by_name = dict["tuple[ArchiveFolder, str]", PackageEntry]()
    by_module = dict["tuple[ArchiveFolder, str]", PackageEntry]()
    for package in packages:
        for place in package.publish.places if package.publish is not None else ():
            by_name.setdefault((place, normalised(package.alias or package.module.rpartition(".")[2])), package)
            by_module.setdefault((place, package.module), package)
    for pull in pulls:
        # A pulled module is packaged under the name it came with.
        module = "" if pull.alias is None else ".".join((*pull.destination, pull.alias))
        for place in places_of(pull.ref, pull.index_url):
            again = by_name.get((place, normalised(name_in(pull.ref)))) or by_module.get((place, module))
            if again is not None and again.publish is not None:
                cycle = f"`{again.module}` -> `{again.publish.text}` -> `{pull.ref.text}`"
                raise ManifestError(
                    f"a cycle: {cycle} is published by this project and pulled by it again",
                    (*pull.home, pull.ref.text),
                    other=(*again.home, again.module),
                    hint="remove the pull entry, or publish elsewhere",
                )
