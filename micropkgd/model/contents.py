"""The bytes of many files, of which only those that are asked for need to be in memory."""

from collections.abc import Iterable, Iterator, Mapping

from micropkgd.annotations import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from micropkgd.model.tree import Digest

K = TypeVar("K")


class OutsideMemory(Protocol):
    """Bytes that lie somewhere else."""

    @property
    def size(self) -> int:
        """How many there are."""

    @property
    def digest(self) -> "Digest":
        """Their sha256."""

    def pieces(self) -> Iterator[bytes]:
        """All of them, in pieces."""


Content = bytes | OutsideMemory


class Contents(Mapping[K, bytes]):
    """A mapping to bytes; what is taken out of it whole is in memory for as long as its taker keeps it."""

    def __init__(self, held: Mapping[K, Content]) -> None:
        self.held = held

    def __getitem__(self, key: K) -> bytes:
        return whole(self.held[key])

    def __iter__(self) -> Iterator[K]:
        return iter(self.held)

    def __len__(self) -> int:
        return len(self.held)

    def __contains__(self, key: object) -> bool:
        return key in self.held

    def digests(self) -> "Mapping[K, Digest]":
        """The sha256 of each."""
        from micropkgd.model.tree import digest_of

        return {key: digest_of(one) if isinstance(one, bytes) else one.digest for key, one in self.held.items()}


def whole(content: Content) -> bytes:
    """All bytes of one file."""
    return content if isinstance(content, bytes) else b"".join(content.pieces())


def size_of(content: Content) -> int:
    """How many bytes a file has."""
    return len(content) if isinstance(content, bytes) else content.size


def pieces_of(contents: Mapping[K, bytes], key: K) -> Iterable[bytes]:
    """The bytes of one file, in pieces where they are not in memory anyway."""
    content = contents.held[key] if isinstance(contents, Contents) else contents[key]
    return [content] if isinstance(content, bytes) else content.pieces()


def digests_of(contents: Mapping[K, bytes]) -> "Mapping[K, Digest]":
    """The sha256 of each file."""
    return Contents(held_in(contents)).digests()


def by_digest(contents: Mapping[K, bytes]) -> "Mapping[Digest, Content]":
    """What a mapping holds, by what it is."""
    held = held_in(contents)
    return {digest: held[key] for key, digest in digests_of(contents).items()}


def held_in(contents: Mapping[K, bytes]) -> Mapping[K, Content]:
    """What a mapping holds, without taking anything into memory that is not there."""
    return contents.held if isinstance(contents, Contents) else contents
