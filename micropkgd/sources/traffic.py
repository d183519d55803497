"""Counts what the sources of one process fetched, and what they need not. Written and read on their loop alone."""


class Traffic:
    """Downloads that ended well, since the start."""

    def __init__(self) -> None:
        self.downloads = 0
        self.bytes = 0
        self.seconds = 0.0
        self.from_shared = 0  # of the downloads: from the cache that machines share

        self.cached = 0  # archives that were needed and lay in the cache of this machine

    def note(self, size: int, seconds: float, *, shared: bool) -> None:
        """Count one more."""
        self.downloads += 1
        self.bytes += size
        self.seconds += seconds
        self.from_shared += shared

    def note_cached(self, archives: int) -> None:
        """Count archives that need not be fetched."""
        self.cached += archives
