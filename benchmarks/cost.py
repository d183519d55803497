"""What a fleet asks for in a day, and what that costs at given prices: `python -m benchmarks.cost [PRICES.toml]`.

Nothing is measured here: the requests of one box are those that `benchmarks.boxes` counted, the rest is multiplication.
Prices come from a file, `benchmarks/prices.toml` where none is named: it says from which lists they are to be checked,
and when somebody did. Put other numbers into `Fleet` for another fleet. A test holds the table of docs/scale.md to this
program.
"""

import sys
import tomllib
from pathlib import Path
from typing import Final, NamedTuple

DAY: Final = 86_400  # seconds
PRICES: Final = Path(__file__).with_name("prices.toml")


class Prices(NamedTuple):
    """US dollars of one request, and of a gigabyte that leaves the region."""

    put_or_list: float
    get_or_head: float
    sqs_request: float  # receive, delete
    gigabyte_out: float
    lists: tuple[str, ...]  # where they are published
    checked: str  # the day when somebody compared them; empty: nobody has

    @classmethod
    def read(cls, path: Path = PRICES) -> "Prices":
        """The prices of a file."""
        table = tomllib.loads(path.read_text())
        s3, sqs = table["s3"], table["sqs"]
        per_request = (
            s3["put-or-list-per-1000"] / 1e3,
            s3["get-or-head-per-1000"] / 1e3,
            sqs["request-per-million"] / 1e6,
        )
        return cls(*per_request, s3["gigabyte-out"], (s3["list"], sqs["list"]), table["checked"])

    @property
    def source(self) -> str:
        """Where they are from, in a sentence."""
        when = f"compared on {self.checked}" if self.checked else "not compared yet"
        return f"prices to be found at {' and '.join(self.lists)}, {when}"


class Fleet(NamedTuple):
    """What is assumed."""

    projects: int = 10_000  # that release
    boxes: int = 100_000  # that follow
    followed: int = 10  # packages of a box
    releases: int = 1000  # of all projects, a day
    archive: int = 50_000  # bytes
    every: int = 900  # seconds between two looks of a box, where no queue wakes it
    poll: int = 20  # seconds of one long poll, the most that SQS allows

    @property
    def followers(self) -> int:
        """Boxes that take one release."""
        return self.boxes * self.followed // self.projects


class Line(NamedTuple):
    """What one part of the day costs."""

    what: str
    lists: int = 0  # and PUT
    gets: int = 0  # and HEAD
    sqs: int = 0
    megabytes: float = 0.0  # out of the buckets

    def dollars(self, prices: Prices) -> float:
        """A day, the boxes being in the region of the buckets."""
        return self.lists * prices.put_or_list + self.gets * prices.get_or_head + self.sqs * prices.sqs_request


def lines(fleet: Fleet) -> list[Line]:
    """The parts of a day."""
    taken = fleet.releases * fleet.followers
    megabytes = taken * fleet.archive / 1e6
    return [
        Line("looking every quarter of an hour, one listing each", lists=fleet.boxes * DAY // fleet.every),
        Line("or waiting at a queue each, long polls", sqs=fleet.boxes * DAY // fleet.poll),
        Line("taking releases: LIST, HEAD, GET at the cache", lists=taken, gets=2 * taken, megabytes=megabytes),
        Line("hearing of them by a queue: receive, delete", sqs=2 * taken),
        Line("publishing: 2 PUT, 2 GET", lists=2 * fleet.releases, gets=2 * fleet.releases),
    ]


def table(prices: Prices, fleet: Fleet = Fleet()) -> str:  # noqa: B008 - a frozen value
    """The day of a fleet as Markdown."""
    head = "| a day | LIST, PUT | GET, HEAD | SQS | MB out | dollars |\n|---|---:|---:|---:|---:|---:|"
    rows = [
        f"| {one.what} | {one.lists:,} | {one.gets:,} | {one.sqs:,} "
        f"| {one.megabytes:,.0f} | {one.dollars(prices):,.2f} |"
        for one in lines(fleet)
    ]
    return "\n".join([head, *rows])


def longest_poll(prices: Prices, fleet: Fleet = Fleet()) -> float:  # noqa: B008 - a frozen value
    """Seconds between two listings at which looking costs what waiting at a queue does."""
    return fleet.poll * prices.put_or_list / prices.sqs_request


def main(path: Path) -> None:
    """Print the day of the assumed fleet at the prices of a file."""
    prices = Prices.read(path)
    print(f"{table(prices)}\n\na queue of its own costs what a listing every {longest_poll(prices):.0f} s does")
    print(prices.source)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else PRICES)
