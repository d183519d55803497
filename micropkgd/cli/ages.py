"""Times and sizes as a person says them: by the local clock, with how long ago, and in units that fit. Pure."""

from micropkgd.annotations import Final

_UNITS: Final = ((86_400, "day"), (3_600, "h"), (60, "min"), (1, "s"))
_SIZES: Final = ("bytes", "KiB", "MiB", "GiB", "TiB")


def moment(stamp: str, now: float) -> str:
    """An ISO 8601 stamp as `20:36 (5 min ago)`, with its day where that is another one than now."""
    from datetime import datetime  # a download says sizes alone

    at = datetime.fromisoformat(stamp).astimezone()
    today = datetime.fromtimestamp(now).astimezone()
    clock = f"{at:%H:%M}" if at.date() == today.date() else f"{at:%Y-%m-%d %H:%M}"
    seconds = now - at.timestamp()
    return f"{clock} ({age(seconds)} ago)" if seconds >= 0 else f"{clock} (in {age(-seconds)})"


def age(seconds: float) -> str:
    """A length of time in its largest whole unit."""
    for length, unit in _UNITS:
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''}"
    return "0 s"


def size(count: float) -> str:
    """A number of bytes in the unit that leaves few digits."""
    unit = 0
    while round(count, 1) >= 1024 and unit + 1 < len(_SIZES):
        count, unit = count / 1024, unit + 1
    if unit == 0:
        return f"{int(count)} {'byte' if count == 1 else 'bytes'}"
    return f"{count:.1f} {_SIZES[unit]}"
