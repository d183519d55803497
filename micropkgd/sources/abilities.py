"""The protocols of what only some sources can do; whoever would ask for it looks first whether a source has one."""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from micropkgd.sources.source import Failed, Request, Unchanged


@runtime_checkable
class Checker(Protocol):
    """A source that can tell a mistake in a request without asking anybody."""

    def check(self, request: Request) -> None:
        """See that a request, its fs-args above all, can be honoured; `DocumentError` says why not."""


@runtime_checkable
class BatchSource(Protocol):
    """A source that can answer many requests together, for less than one by one."""

    async def survey(self, requests: Sequence[Request]) -> list[Request | Unchanged]:
        """Say of each request, in order, that nothing changed, or what is left to ask."""


@runtime_checkable
class Lister(Protocol):
    """A source that can say what is in a folder."""

    async def list_folder(self, folder: str, options: Mapping[str, object]) -> Mapping[str, str] | Failed:
        """Of each file directly in a folder (an address with a slash at its end) what its validator begins with."""
