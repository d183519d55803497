"""The share of one project in the kernel's watches: no project takes all that a user may have."""

from micropkgd.annotations import Final

_LIMIT: Final = "/proc/sys/fs/inotify/max_user_watches"
_PART: Final = 16  # of all that there are
_LEAST: Final = 512
_MOST: Final = 8192


def most_watches() -> int:
    """How many folders of a project are watched; the rest is looked at every few seconds."""
    try:
        with open(_LIMIT, encoding="ascii") as stream:
            return max(_LEAST, min(_MOST, int(stream.read()) // _PART))
    except (OSError, ValueError):
        return _LEAST
