"""The tables of a `pyproject.toml` that are read, and what they say of the project itself. Pure."""

import re
from collections.abc import Mapping

from micropkgd.model.fields import Fields, ManifestError, Table, TablePath, table_at
from micropkgd.model.place_names import is_dotted_name, parse_base_env
from micropkgd.model.tree import managed_path
from micropkgd.named_tuples import NamedTuple

KEDRO_PULL: TablePath = ("tool", "kedro", "micropkg", "pull")
OWN_PULL: TablePath = ("tool", "micropkgd", "pull")
KEDRO_PACKAGE: TablePath = ("tool", "kedro", "micropkg", "package")
OWN_PACKAGE: TablePath = ("tool", "micropkgd", "package")
OWN: TablePath = ("tool", "micropkgd")

_REPOSITORY = ("repository", "source", "sourcecode", "github", "gitlab", "code")


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

    @classmethod
    def from_mapping(cls, document: Table) -> "ProjectTables":
        """Read it of a whole `pyproject.toml`; `ManifestError` names the first fault."""
        own = table_at(document, (*OWN, "project"))
        kedro = table_at(document, ("tool", "kedro"))
        if own is None and "package_name" not in (kedro or {}):
            raise ManifestError(
                "nothing says which package this is about: `[tool.kedro]` has no `package_name`"
                if kedro is not None
                else "nothing says which package this is about: neither `[tool.kedro]` nor `[tool.micropkgd.project]`",
                ("tool", "kedro"),
                hint=_in_a_workspace(document) or "`micropkgd init` finds the package and says it here",
            )
        fields = Fields(own or {}, (*OWN, "project"))
        fields.known(("package", "source-dir", "tests", "conf", "base-env"))
        legacy = Fields(kedro or {}, ("tool", "kedro"))
        package = fields.text("package") or legacy.text("package_name")
        if not package or not is_dotted_name(package):
            raise ManifestError(f"package name `{package}` is not a Python name", (*OWN, "project", "package"))
        return cls(
            package=package,
            source_dir=_folder(fields, "source-dir") or _folder(legacy, "source_dir") or "src",
            init_version=legacy.text("kedro_init_version") or legacy.text("project_version") or "",
            tests_dir=_folder(fields, "tests"),
            conf_dir=_folder(fields, "conf"),
            base_env=fields.checked("base-env", parse_base_env),
            requires_python=Fields(table_at(document, ("project",)) or {}, ("project",)).text("requires-python") or "",
            repository=_repository(table_at(document, ("project",)) or {}),
        )


def _in_a_workspace(document: Table) -> str:
    """What to do at the root of several projects; nothing elsewhere."""
    tools = [name for name in ("uv", "rye", "hatch") if table_at(document, ("tool", name, "workspace")) is not None]
    return "this is a workspace: run in the folder of a member, or name it with `--project`" if tools else ""


def _repository(project: Table) -> str:
    """The address of the source code, under the labels that PyPI knows; what is odd there is nothing of ours."""
    urls = project.get("urls")
    rows = urls.items() if isinstance(urls, Mapping) else ()
    known = {re.sub(r"[\W_]", "", label).lower(): url for label, url in rows if isinstance(url, str)}
    return next((known[label] for label in _REPOSITORY if label in known), "")


def _folder(fields: Fields, key: str) -> str | None:
    return fields.checked(key, lambda text: text if text == "." else managed_path(text.removesuffix("/")))
