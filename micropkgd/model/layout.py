"""The layout of one project: Kedro 0.18, 0.19, 1.x or plain Python (docs/kedro.md, "Layouts")."""

from micropkgd.annotations import Final
from micropkgd.model.requirements_place import RequirementsPlace
from micropkgd.model.tree import RelPath, rel_path
from micropkgd.named_tuples import NamedTuple

SETTINGS: Final = ("settings.py", "settings/__init__.py")
"""Where Kedro's settings are, below the package folder: the first that is there says them."""


class Place(NamedTuple):
    """Where one entry's files go."""

    code: RelPath  # "src/shop/pipelines/forecast"
    tests: RelPath  # "tests/pipelines/forecast"
    conf: RelPath  # "conf/base"
    module: str  # "shop.pipelines.forecast"
    tests_module: str  # "tests.pipelines.forecast"
    requirements_label: str  # names the entry in the requirements file: "pipelines.forecast"


class Layout(NamedTuple):
    """The folders of one project, relative to it. All of it that shapes a rendering enters `requested`."""

    package: str  # "shop"; dotted where it is nested
    source_dir: str  # "src", or "." for a package beside pyproject.toml
    tests_dir: str  # "tests", or "src/tests" before Kedro 0.19.4
    conf_dir: str  # Kedro's CONF_SOURCE
    base_env: str  # where parameters go when the entry names no env
    requirements: RelPath  # the file that is kept: "requirements.in"
    requirements_seed: RelPath  # what it is made from when missing: "requirements.txt"
    requirements_group: str = ""  # of PEP 735, where `requirements` is the manifest
    conf_doubt: str = ""  # why `conf_dir` is only what is usual; empty where it is known
    env_doubt: str = ""  # the same of `base_env`

    @property
    def requirements_place(self) -> RequirementsPlace:
        """Where requirement lines are to stand."""
        return RequirementsPlace(self.requirements, self.requirements_group)

    @property
    def package_folder(self) -> RelPath:
        """The project's own package: everything pulled as code stands below it."""
        return _below(self.source_dir, tuple(self.package.split(".")))

    @property
    def settings(self) -> tuple[RelPath, ...]:
        """Where Kedro's settings may be."""
        return tuple(RelPath(f"{self.package_folder}/{name}") for name in SETTINGS)

    @property
    def floors(self) -> frozenset[RelPath]:
        """The project's own folders, which stay also when nothing is left in them."""
        return frozenset((RelPath(self.source_dir), self.package_folder, RelPath(self.conf_dir)))

    def place(self, destination: tuple[str, ...], leaf: str, env: str | None) -> Place:
        """Say where an entry with this destination and final name has its files."""
        inner = (*destination, leaf)
        return Place(
            code=_below(self.package_folder, inner),
            tests=_below(self.tests_dir, inner),
            conf=self._environment(env or self.base_env),
            module=".".join((self.package, *inner)),
            tests_module=".".join((self.tests_dir.rpartition("/")[2], *inner)),
            requirements_label=".".join(inner),
        )

    def _environment(self, name: str) -> RelPath:
        """The folder of a config environment; `.` is the config folder itself, for projects that have but one."""
        return RelPath(self.conf_dir) if name == "." else _below(self.conf_dir, tuple(name.split("/")))

    def scaffolds(self, destination: tuple[str, ...], *, tests: bool) -> tuple[RelPath, ...]:
        """The `__init__.py` files that the folders above an entry need to be packages (docs/kedro.md, defect 10)."""
        roots = (self.package_folder, self.tests_dir) if tests else (self.package_folder,)
        return tuple(
            RelPath(f"{_below(root, destination[: depth + 1])}/__init__.py")
            for root in roots
            for depth in range(len(destination))
        )


def _below(folder: str, parts: tuple[str, ...]) -> RelPath:
    inner = "/".join(parts)
    return rel_path(inner if folder in {"", "."} else f"{folder}/{inner}")
