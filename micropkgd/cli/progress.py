"""Shows the progress of long downloads: a bar on a terminal, else one plain line."""

import sys

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.cli.streams import aside
from micropkgd.model.ref import Ref

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

_LONG = 1024 * 1024  # bytes: what is smaller is over before a bar could be read


class Downloads:
    """Told of every chunk of every download; use it in a `with`."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._bars: Bars | None = None
        self._tasks: dict[str, TaskID | None] = {}

    def __enter__(self) -> "Downloads":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    def __call__(self, ref: Ref, received: int, total: int | None) -> None:
        """Show how far one download is."""
        if self._quiet or (total if total is not None else received) < _LONG:
            return
        if sys.stderr.isatty():
            self._draw(ref, received, total)
        elif ref.text not in self._tasks:
            self._tasks[ref.text] = None
            from micropkgd.cli.ages import size

            whole = f" ({size(total)})" if total is not None else ""
            aside(f"downloading {ref.text}{whole}\n")

    def _draw(self, ref: Ref, received: int, total: int | None) -> None:
        bars = self._bars = self._bars or _make_bars()
        task = self._tasks.get(ref.text)
        if task is None:
            task = self._tasks[ref.text] = bars.add_task(ref.text, total=total)
        bars.update(task, completed=received)


def _make_bars() -> "Bars":
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    bars = Progress(*columns, console=Console(stderr=True), transient=True)
    bars.start()
    return bars
