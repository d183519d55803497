"""Python files by their path in an archive: the module that each is, and whether anything can import it."""

from collections.abc import Container, Iterable

CODE = (".py", ".pyi")
_OWN = "/__init__.py"


def module_of(path: str) -> tuple[str, bool]:
    """The dotted name of a file below a top-level package, and whether it is a package's own file."""
    dotted = path.rpartition(".")[0].replace("/", ".")
    if dotted.endswith(".__init__"):
        return dotted.removesuffix(".__init__"), True
    return dotted, False


def packages_among(paths: Iterable[str]) -> frozenset[str]:
    """The folders that are packages."""
    return frozenset(path.removesuffix(_OWN) for path in paths if path.endswith(_OWN))


def is_importable(path: str, packages: Container[str]) -> bool:
    """Whether a file is a module of a package; else, such as a template, it is data that looks like code."""
    *folders, _ = path.split("/")
    module, _ = module_of(path)
    above = ("/".join(folders[:size]) for size in range(1, len(folders) + 1))
    return (
        path.endswith(".py")
        and all(map(str.isidentifier, module.split(".")))
        and all(map(packages.__contains__, above))
    )
