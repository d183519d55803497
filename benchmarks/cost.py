"""What a fleet asks for in a day, and what that costs at list prices: `python -m benchmarks.cost`.

Nothing is measured here: the requests of one box are those that `benchmarks.boxes` counted, the rest is multiplication.
Put other numbers into `Fleet` and `Prices` for another fleet. The table is that of docs/scale.md, which a test holds to
this program.
"""

from typing import Final, NamedTuple

DAY: Final = 86_400  # seconds


class Prices(NamedTuple):
    """US dollars, as AWS listed them for us-east-1 in 2025, without free tiers and discounts: look them up again."""

    put_or_list: float = 0.005 / 1000  # S3: PUT, LIST
    get_or_head: float = 0.0004 / 1000  # S3: GET, HEAD
    sqs_request: float = 0.40 / 1_000_000  # SQS: receive, delete; standard queue
    gigabyte_out: float = 0.09  # to the internet; within the region nothing


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


def table(fleet: Fleet = Fleet(), prices: Prices = Prices()) -> str:  # noqa: B008 - frozen values
    """The day of a fleet as Markdown."""
    head = "| a day | LIST, PUT | GET, HEAD | SQS | MB out | dollars |\n|---|---:|---:|---:|---:|---:|"
    rows = [
        f"| {one.what} | {one.lists:,} | {one.gets:,} | {one.sqs:,} "
        f"| {one.megabytes:,.0f} | {one.dollars(prices):,.2f} |"
        for one in lines(fleet)
    ]
    return "\n".join([head, *rows])


def longest_poll(prices: Prices = Prices(), fleet: Fleet = Fleet()) -> float:  # noqa: B008 - frozen values
    """Seconds between two listings at which looking costs what waiting at a queue does."""
    return fleet.poll * prices.put_or_list / prices.sqs_request


if __name__ == "__main__":
    print(table())
    print(f"\na queue of its own costs what a listing every {longest_poll():.0f} s does")
