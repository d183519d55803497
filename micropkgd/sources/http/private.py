"""Addresses that only this machine or its network reaches, and a resolver that keeps away from them.

Rule: a server on the internet does not choose what we ask on our own network (docs/threats.md, T12; docs/faults.md,
F46). What a name stands for is judged on the very numbers that are connected to: asking the name a second time could
give others.
"""

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

_NAT64 = IPv6Network("64:ff9b::/96")


class PrivateAddressError(OSError):
    """A name stands for nothing but private addresses."""


class RecordingResolver(AbstractResolver):
    """Resolves names and notes in `private` which of them stand for private addresses; may refuse those."""

    def __init__(
        self, private: dict[str, bool], *, only_public: bool, resolver: AbstractResolver | None = None
    ) -> None:
        self._private = private
        self._only_public = only_public
        self._resolver = resolver or aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The numbers of a name; `PrivateAddressError` where all of them are private and none may be."""
        found = await self._resolver.resolve(host, port, family)
        public = [one for one in found if not is_private(one["host"])]
        self._private[host] = len(public) < len(found)
        if self._only_public and found and not public:
            raise PrivateAddressError
        return public if self._only_public else found

    async def close(self) -> None:
        """Let go of what resolves."""
        await self._resolver.close()


def is_private(host: str) -> bool:
    """Whether a host, judged by its text, is this machine or on a private network; a mere name is taken for public."""
    name = host.removesuffix(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    number = _number(name)
    return number is not None and (not number.is_global or number.is_multicast)


def _number(name: str) -> IPv4Address | IPv6Address | None:
    """The number a text stands for, in whatever way it is written; of one that wraps an IPv4 number, that one."""
    try:
        number = ip_address(name)
    except ValueError:
        try:
            return IPv4Address(socket.inet_aton(name))  # `127.1`, `0x7f000001`, `2130706433`
        except (OSError, UnicodeError):
            return None
    if isinstance(number, IPv4Address):
        return number
    embedded = IPv4Address(int(number) & 0xFFFFFFFF) if number in _NAT64 else None
    return number.ipv4_mapped or number.sixtofour or embedded or number
