"""Names the libraries by which sources are reached, and says which of them are installed. None is imported for that."""

from collections.abc import Mapping

from micropkgd.annotations import Final

DRIVERS: Final = {"s3fs": "s3://", "gcsfs": "gs://", "fsspec": "other protocols", "keyring": "logins of indexes"}


def installed_drivers() -> Mapping[str, str | None]:
    """The version of each library; None where it is missing."""
    from importlib.metadata import PackageNotFoundError, version

    found: dict[str, str | None] = {}
    for name in DRIVERS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def drivers_said() -> str:
    """One line for people."""
    there = (
        f"{name} {version or 'is not installed'} ({DRIVERS[name]})" for name, version in installed_drivers().items()
    )
    return ", ".join(there)
