"""The part of `doctor` for the machine: versions, drivers, what can be watched, the cache, the way to the network."""

import os
import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

from micropkgd import __version__
from micropkgd.actions.finding import DoctorFinding
from micropkgd.model.variables import CACHE_DIR
from micropkgd.sources.cache import default_cache_folder
from micropkgd.sources.drivers import drivers_said, installed_drivers

_INOTIFY = "/proc/sys/fs/inotify"
_FEW_WATCHES = 8192
_FEW_INSTANCES = 16
_NETWORK = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "netrc")
_AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE")


def _versions(_: Mapping[str, str]) -> Iterator[DoctorFinding]:
    """Of the program, of Python and of the system."""
    system = f"{platform.system()} {platform.release()}"
    yield DoctorFinding("micropkgd", f"{__version__}, Python {platform.python_version()}, {system}")


def _drivers(_: Mapping[str, str]) -> Iterator[DoctorFinding]:
    """Which libraries of sources are installed; those that come with micropkgd should be."""
    lacking = [name for name, version in installed_drivers().items() if version is None and name != "keyring"]
    hint = f"pip install {' '.join(lacking)}" if lacking else ""
    yield DoctorFinding("drivers", drivers_said(), trouble=bool(lacking), hint=hint)


def _inotify(_: Mapping[str, str]) -> Iterator[DoctorFinding]:
    """How many files can be watched for the service."""
    limits = {}
    for name in ("max_user_watches", "max_user_instances"):
        try:
            with open(f"{_INOTIFY}/{name}", encoding="ascii") as stream:
                limits[name] = int(stream.read())
        except (OSError, ValueError):
            yield DoctorFinding("inotify", "this machine does not say its limits")
            return
    watches, instances = limits.values()
    few = watches < _FEW_WATCHES or instances < _FEW_INSTANCES
    hint = "sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=512" if few else ""
    yield DoctorFinding("inotify", f"{watches} watches and {instances} instances a user", trouble=few, hint=hint)


def _cache(environ: Mapping[str, str]) -> Iterator[DoctorFinding]:
    """Where archives are kept, and how many."""
    folder = default_cache_folder(environ)
    sizes = list(_sizes(folder))
    above = folder
    while not os.path.lexists(above):
        above = os.path.dirname(above)
    text = f"{folder}: {len(sizes)} {'archive' if len(sizes) == 1 else 'archives'}, {sum(sizes)} bytes"
    if os.path.isdir(above) and os.access(above, os.W_OK | os.X_OK):
        yield DoctorFinding("cache", text)
    else:
        hint = f"mend the folder, or set {CACHE_DIR} to another one"
        yield DoctorFinding("cache", f"{text}; it cannot be written to", trouble=True, hint=hint)


def _sizes(folder: str) -> Iterator[int]:
    for here, _, names in os.walk(os.path.join(folder, "archives")):
        for name in names:
            with suppress(FileNotFoundError):
                yield os.lstat(os.path.join(here, name)).st_size


def _network(environ: Mapping[str, str]) -> Iterator[DoctorFinding]:
    """Which variables change how sources are reached."""
    named = sorted(name for name in environ if name.lower() in _NETWORK or name in _AUTHORITIES)
    yield DoctorFinding(
        "network", f"set in the environment: {', '.join(named)}" if named else "no proxy and no authority set"
    )
    for name in _AUTHORITIES:
        if environ.get(name) and not os.path.exists(environ[name]):
            hint = "unset it, or give the file or folder with your authorities"
            yield DoctorFinding("network", f"{name} names nothing that is there", trouble=True, hint=hint)


MACHINE_CHECKS: Mapping[str, Callable[[Mapping[str, str]], Iterator[DoctorFinding]]] = {
    "micropkgd": _versions,
    "drivers": _drivers,
    "inotify": _inotify,
    "cache": _cache,
    "network": _network,
}
"""The questions by topic; each is given the environment."""
