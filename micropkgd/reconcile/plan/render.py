"""Renders the files that one entry should have: a pure function of archive, entry and layout.

Whoever changes what the same archive renders to bumps `model.lock.RENDERER`.
"""

import keyword
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from micropkgd.annotations import TYPE_CHECKING, Final
from micropkgd.errors import CodeError, DocumentError
from micropkgd.model.contents import Content, Contents, size_of
from micropkgd.model.layout import Layout, Place
from micropkgd.model.parameters import is_parameters, renamed
from micropkgd.model.pull_entry import PullEntry
from micropkgd.model.tree import RelPath, rel_path
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.resolve.rendering import Rendering
from micropkgd.relocate import (
    CODE,
    Finding,
    Move,
    Relocated,
    Relocation,
    is_importable,
    module_of,
    packages_among,
    relocate_or_keep,
)
from micropkgd.sdist.metadata import package_name, read_metadata
from micropkgd.sdist.names import check_portable, shown
from micropkgd.sdist.reader import Member, Sdist
from micropkgd.workspace.reading import TEXT

if TYPE_CHECKING:
    from micropkgd.relocate.at_top import Imports

Keep = Callable[[Iterable[bytes]], Content]
"""Takes the bytes of a file, and gives what holds them."""

NOT_MOVED: Final[Mapping[str, str]] = MappingProxyType({})


def render(
    sdist: Sdist, entry: PullEntry, layout: Layout, keep: Keep = b"".join, moved: Mapping[str, str] = NOT_MOVED
) -> Rendering:
    """Render one archive; `ArchiveError` or `CodeError` where it holds no micro-package that can be rendered.

    `moved` are members that a person moved in this project: those of them that can be moved are in what comes out.
    """
    if moved:
        from micropkgd.reconcile.plan.rearranged import moves_in, rearranged

        moved = moves_in((member.path for member in sdist.members), moved)
        sdist = rearranged(sdist, moved, keep)
    metadata = read_metadata(sdist)
    package = package_name(sdist)
    way = MemberMapping.of((member.path for member in sdist.members), package, entry, layout)
    way = way._replace(relocation=way.relocation._replace(distribution=metadata.name))
    place, leaf = way.place, way.leaf
    files: dict[RelPath, Content] = {}
    findings: list[tuple[RelPath, Finding]] = []
    executables = set()
    imports: dict[RelPath, Imports] = {}
    for member in sdist.members:
        if not way.takes(member.path):
            continue
        path = way.target(member.path)
        if path in files:
            raise DocumentError(
                f"the alias `{leaf}` makes two of its files one: `{path}`", hint="give the entry another `alias`"
            )
        executables |= {path} if member.executable else set()
        if not way.looks_into(member):
            files[path] = member.content
            continue
        rewritten = way.rendered(member)
        files[path] = keep([rewritten.source])
        if rewritten.imports is not None:
            imports[path] = _own(rewritten.imports, layout)
        findings += ((path, finding) for finding in rewritten.findings)
    has_tests = any(path.startswith(f"{place.tests}/") for path in files)
    scaffolds = layout.scaffolds(entry.destination, tests=has_tests)
    contents = Contents(files)
    digests = contents.digests()
    return Rendering(
        metadata.name,
        metadata.version,
        place,
        contents,
        scaffolds,
        metadata.requirements,
        tuple(findings),
        frozenset(executables),
        metadata.requires_python,
        package,
        moved,
        {digests[path]: found for path, found in imports.items()},
    )


class MemberMapping(NamedTuple):
    """How the members of one archive get to their places in one project."""

    package: str
    leaf: str
    place: Place
    relocation: Relocation
    packages: frozenset[str]
    rewrite_parameters: bool

    @classmethod
    def of(cls, members: Iterable[str], package: str, entry: PullEntry, layout: Layout) -> "MemberMapping":
        """The way of these members of a package."""
        paths = list(members)
        leaf = entry.alias or _importable(package)
        place = layout.place(entry.destination, leaf, entry.env)
        modules = {module_of(path)[0] for path in paths if path.endswith(CODE) and _is_wanted(path, package)}
        relocation = _relocation(modules, package, place)
        return cls(package, leaf, place, relocation, packages_among(paths), entry.rewrite_parameters)

    def takes(self, member: str) -> bool:
        """Whether a member travels."""
        return _is_wanted(member, self.package)

    def target(self, member: str) -> RelPath:
        """Where a member goes: tests, parameters, or code."""
        return _target(member, self.package, self.leaf, self.place)

    def looks_into(self, member: Member) -> bool:
        """Whether a file may be changed, or told of: code and parameters, and other text that somebody wrote."""
        text = member.path.endswith(CODE) or self.target(member.path).startswith(f"{self.place.conf}/")
        return text or size_of(member.content) <= TEXT

    def rendered(self, member: Member) -> Relocated:
        """A member under its new names."""
        path = self.target(member.path)
        if not path.startswith(f"{self.place.conf}/"):
            return _relocated(member, self.relocation, self.packages)
        from micropkgd.relocate.parameters import relocate_parameters

        return relocate_parameters(
            member.data, name=path, relocation=self.relocation, rewrite=self.rewrite_parameters
        )  # fmt: skip


def _own(imports: "Imports", layout: Layout) -> "Imports":
    """Those of the project's own modules."""
    top = layout.package.partition(".")[0]
    return {one: line for one, line in imports.items() if one.level or one.module.partition(".")[0] == top}


def _importable(package: str) -> str:
    """The package's own name, where an import can spell it."""
    if keyword.iskeyword(package):
        raise DocumentError(
            f"the package in the archive is called `{package}`, a word of Python that no import can name",
            hint=f'give the entry an alias, like `alias = "{package.lower()}_"`',
        )
    return package


def _relocation(modules: Iterable[str], package: str, place: Place) -> Relocation:
    found = frozenset(modules)
    folders = {module.rpartition(".")[0] for module in found if "." in module}
    moves = (Move(package, place.module), Move("tests", place.tests_module))
    return Relocation(moves, found | folders, frozenset({package, "tests"}))


def _relocated(member: Member, relocation: Relocation, packages: frozenset[str]) -> Relocated:
    """A file under its new names; code that needs none of them need not even be Python that we can read."""
    if not member.path.endswith(CODE):
        data = member.data
        from micropkgd.relocate.mentions import mentions

        return Relocated(data, mentions(data, name=member.path, relocation=relocation))
    module, is_package = module_of(member.path)
    try:
        return relocate_or_keep(
            member.data,
            module=module,
            is_package=is_package,
            relocation=relocation,
            importable=is_importable(member.path, packages),
        )
    except CodeError as error:
        raise error.at(member.path) from error


def _is_wanted(member: str, package: str) -> bool:
    """Whether a member travels: the package and its tests do, without Python's caches."""
    top, _, rest = member.partition("/")
    return bool(rest) and top in {package, "tests"} and "__pycache__/" not in rest and not rest.endswith(".pyc")


def _target(member: str, package: str, leaf: str, place: Place) -> RelPath:
    """Where a member goes: tests, parameters, or code."""
    top, _, rest = member.partition("/")
    check_portable(rest, shown(member))
    if top == "tests":
        return rel_path(f"{place.tests}/{rest}")
    config = rest.removeprefix("config/")
    if config != rest and is_parameters(config):
        return rel_path(f"{place.conf}/{renamed(config, package, leaf)}")
    return rel_path(f"{place.code}/{rest}")
