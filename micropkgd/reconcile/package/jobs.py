"""The packaging jobs: what, under which name, to where; all that can be said before a file is looked at.

Rules: a row of the manifest is the beginning, options of the command line come before it; the name must be one that
indexes, readers and Python take; a module that was itself pulled goes back under the name it came with.
"""

import json
import os
import posixpath
import re
from collections.abc import Sequence

from micropkgd.errors import DocumentError, UsageError
from micropkgd.model.layout import Place
from micropkgd.model.lock import Block, Lock
from micropkgd.model.manifest import Manifest
from micropkgd.model.module_origin import LONGEST_ADDRESS, ModuleOrigin
from micropkgd.model.package_entry import PackageEntry
from micropkgd.model.place_names import check_name, is_dotted_name
from micropkgd.model.tree import rel_path
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.package.inputs import IGNORE_FILE, PackagedModule
from micropkgd.reconcile.package.names import archive_stem
from micropkgd.workspace.project import Project

RULES = 4  # of all that makes an archive: bumped when the same files would give other bytes

_NAME = r"(?a)[A-Za-z](\w*[A-Za-z0-9])?"
_RESERVED = frozenset({"tests"})


class PackageRequest(NamedTuple):
    """What the command line asks for: one module with options of its own, or every row of the manifest."""

    module: str | None = None  # None: every row
    alias: str | None = None
    destination: str | None = None
    env: str | None = None


class Job(NamedTuple):
    """One entry, made concrete."""

    subject: PackagedModule
    origin: Block | None  # the lock's block, where the module was itself pulled
    folder: str  # where the archive goes, relative to the project or absolute; empty for the project itself
    wish: str  # what but files shapes the archive: another text means that it must be made again

    @property
    def output(self) -> str:
        """What two entries must not have in common: the archive's path as far as its version."""
        return posixpath.join(self.folder, archive_stem(self.subject.name, ""))

    @property
    def label(self) -> str:
        """Names the job in the record."""
        return f"{self.subject.place.module} -> {self.output}"

    def archive(self, version: str) -> str:
        """The path of the archive, relative to the project or absolute."""
        return f"{self.output}{version}.tar.gz"


def entries_of(project: Project, wanted: PackageRequest) -> Sequence[PackageEntry]:
    """The rows that a command line means; `UsageError` where the module's name is none."""
    if wanted.module is None:
        return project.manifest.packages
    _check_module(project, wanted.module)
    row = next(
        (entry for entry in project.manifest.packages if entry.module == wanted.module), PackageEntry(wanted.module)
    )
    return [
        row._replace(
            alias=wanted.alias or row.alias,
            destination=wanted.destination or row.destination,
            env=wanted.env or row.env,
        )
    ]


def row_for(module: str) -> str:
    """The row that lets a module be published, to be pasted."""
    return f'write `"{module}" = {{publish = "../share/"}}` below [tool.micropkgd.package] in pyproject.toml'


def published_entries(manifest: Manifest, modules: Sequence[str]) -> Sequence[PackageEntry]:
    """The rows to publish by hand, all that have a place if none is named; `UsageError` where one has none."""
    rows = {entry.module: entry for entry in manifest.packages}
    for module in modules:
        if module not in rows:
            others = f"rows are: {', '.join(rows)}; " if rows else ""
            hint = f"{others}{row_for(module)}"
            raise UsageError(f"no package entry is for the module `{module}`", hint=hint)
        if rows[module].publish is None:
            hint = 'add `publish = "s3://bucket/folder/"` to its row'
            raise UsageError(f"`{module}` has no `publish`, so nothing says where", hint=hint)
    return [rows[module] for module in dict.fromkeys(modules)] or [one for one in rows.values() if one.publish]


def job_of(project: Project, entry: PackageEntry) -> Job:
    """Make one entry concrete; `UsageError` or `DocumentError` where its names or places cannot be."""
    *parents, leaf = entry.module.split(".")
    layout = project.layout
    origin = _origin(project, layout.place(tuple(parents), leaf, None).code)
    row = next((row for row in project.manifest.pulls if origin is not None and row.ref.text == origin.ref), None)
    place = layout.place(tuple(parents), leaf, entry.env or (row.env if row is not None else None))
    subject = PackagedModule(
        place=place,
        leaf=leaf,
        name=_check_package_name(entry.alias or _original_name(origin, leaf)),
        env_asked_for=entry.env is not None,
        pulled_config=_config_of(origin, place.conf),
        pulled_rules=rules_pulled(project.lock),
        rewrite_parameters=project.manifest.policy.rewrite_parameters,
        home=_home(project, entry.module, place),
    )
    folder = _folder(entry.destination)
    if f"{folder}/".startswith((f"{place.code}/", f"{place.tests}/")):
        raise UsageError(f"destination `{folder}` lies inside the module, which would then pack its own archive")
    return Job(subject, origin, folder, _wish(project, subject, origin))


def _home(project: Project, module: str, place: Place) -> ModuleOrigin:
    """What the archive says of where it comes from."""
    layout, policy = project.layout, project.manifest.policy
    address = _address(project.manifest.project.repository)
    return ModuleOrigin(
        module, layout.package, layout.source_dir, layout.tests_dir, place.conf, address, policy.rewrite_parameters
    )


def _address(url: str) -> str:
    """The address of the repository, without what only its owner may know."""
    if not url.isprintable() or len(url) > LONGEST_ADDRESS:
        return ""
    if "://" not in url:
        return url
    from micropkgd.sources.redaction import redacted

    return redacted(url)


def _check_module(project: Project, module: str) -> None:
    """`UsageError` where a module's name is none, with the one that is most likely meant."""
    if is_dotted_name(module):
        return
    from micropkgd.reconcile.package.likely import likely_module

    inside = os.path.relpath(module, project.root) if os.path.isabs(module) else module
    likely = likely_module(
        inside, project.layout.package_folder, lambda folder: os.path.isdir(os.path.join(project.root, folder))
    )  # fmt: skip
    if not likely and module.endswith(".py") and os.path.isfile(os.path.join(project.root, inside)):
        raise UsageError(f"`{module}` is a single file", hint="a micro-package is a folder: put the file into one")
    hint = f"did you mean `{likely}`?" if likely else "write it like `pipelines.features`"
    raise UsageError(f"`{module}` is not a module path", hint=hint)


def _origin(project: Project, code: str) -> Block | None:
    return next((block for block in project.lock.blocks if block.target == code), None)


def _original_name(origin: Block | None, leaf: str) -> str:
    return leaf if origin is None else re.sub(r"[-.]+", "_", origin.name)


def _config_of(origin: Block | None, conf: str) -> frozenset[str]:
    """The parameter files that came with a pulled module: a package may bring some under any name."""
    return frozenset(str(path) for path in origin.files if path.startswith(f"{conf}/")) if origin else frozenset()


def rules_pulled(lock: Lock) -> frozenset[str]:
    """The `.gitignore` files that came with packages."""
    return frozenset(path for block in lock.blocks for path in block.files if path.endswith(f"/{IGNORE_FILE}"))


def _check_package_name(name: str) -> str:
    hint = "give it another one with --alias or `alias`"
    try:
        check_name(name, "package name")
    except DocumentError as error:
        raise UsageError(error.problem, hint=error.hint or hint) from error
    if not re.fullmatch(_NAME, name) or name in _RESERVED:
        hint += ": ASCII letters, digits, and underscores inside"
        raise UsageError(f"package name `{name}` cannot be that of an archive", hint=hint)
    return name


def _folder(destination: str) -> str:
    """Where the archive goes: relative to the project, never to the working folder, unless it is absolute."""
    folder = posixpath.normpath(destination)
    if posixpath.isabs(folder):
        return folder
    try:
        return "" if folder == "." else rel_path(folder)
    except DocumentError as error:
        hint = error.hint or "name a folder of the project, or give an absolute path"
        raise UsageError(f"destination `{destination}` leaves the project", hint=hint) from error


def _wish(project: Project, subject: PackagedModule, origin: Block | None) -> str:
    stated = [origin.version, origin.requirements] if origin is not None else []
    policy = project.manifest.policy.on_dangling_import.value
    pulled = (sorted(subject.pulled_config), sorted(subject.pulled_rules))
    facts = [RULES, *subject[:4], *pulled, stated, policy, subject.rewrite_parameters, subject.home]
    return json.dumps(facts, separators=(",", ":"))
