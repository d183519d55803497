"""Limits of what an archive may ask of the machine that reads it."""

from micropkgd.annotations import Final
from micropkgd.named_tuples import NamedTuple

MIB: Final = 1 << 20


class ReadLimits(NamedTuple):
    """Caps of one read. Passing one is an `ArchiveError`, raised before the work it forbids is done."""

    packed: int = 256 * MIB  # bytes of the `.tar.gz`
    unpacked: int = 256 * MIB  # bytes of the tar inside, headers and padding counted
    members: int = 10_000  # files, folders and headers for all members; also folders that names imply
    depth: int = 32  # parts of a member's path, the root folder counted
    component: int = 200  # bytes (UTF-8) of one part of a path
    ratio: int = 200  # unpacked bytes for each packed byte; deflate itself ends at 1,032
    ratio_from: int = 8 * MIB  # unpacked bytes below which the ratio is not looked at


DEFAULT_LIMITS: Final = ReadLimits()
