"""SQS queues to which S3, or SNS for it, says that objects changed: each message is a trigger and no more.

A message is deleted once its trigger is noted; what a crash loses then is made good by the pass that every start
begins with. One that cannot be read is deleted too, and said to be, or it would come again for days. The library comes
with the driver for `s3://` and is imported when a queue is configured.
"""

import asyncio
import json
import random
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from urllib.parse import unquote_plus

from micropkgd import __version__
from micropkgd.annotations import Any, Final
from micropkgd.errors import MicropkgError
from micropkgd.model.backoff import pause
from micropkgd.model.settings import Queue
from micropkgd.model.status import ProjectStatus
from micropkgd.named_tuples import NamedTuple
from micropkgd.service.conditions import News
from micropkgd.sources.redaction import origin

_WAIT: Final = 20  # seconds of a long poll: the most that SQS allows
_BATCH: Final = 10  # messages: the most that SQS gives
_CONNECT: Final = 10.0  # seconds
_REGION: Final = re.compile(r"https://(?:sqs\.([a-z0-9-]+)|([a-z0-9-]+)\.queue)\.amazonaws\.com")
_SHOWN: Final = 200  # characters of a key

Note = Callable[[Queue, str, str], Awaitable[None]]  # queue, bucket, and what changed, for people
Tell = Callable[[News], object]


class Changed(NamedTuple):
    """An object that a message names."""

    bucket: str
    key: str


_TO_DO: Final = {  # what botocore misses, and no address or header
    "NoRegionError": "its address names no region: set `region`",
    "NoCredentialsError": "there are no AWS credentials: set them in the environment, or name a `profile`",
    "ProfileNotFound": "there is no such AWS `profile`",
}


class Queues:
    """The queues that are read. Lives on one loop."""

    def __init__(self, note: Note, tell: Tell, rest: Callable[[int], float] | None = None) -> None:
        self._note = note
        self._tell = tell
        self._rest = rest or (lambda failures: pause(failures, random.random()))  # noqa: S311 - no secret
        self._reading: dict[Queue, asyncio.Task[None]] = {}

    def read(self, queues: Sequence[Queue]) -> None:
        """Read these queues from now on, and no others."""
        for gone in self._reading.keys() - set(queues):
            self._reading.pop(gone).cancel()
        for queue in queues:
            if queue not in self._reading:
                self._reading[queue] = asyncio.get_running_loop().create_task(self._follow(queue))

    async def close(self) -> None:
        """Read none."""
        tasks = list(self._reading.values())
        self.read(())
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self, queue: Queue) -> None:
        """Read a queue for ever, around its outages."""
        if find_spec("aiobotocore") is None:
            problem = "its driver is not installed; pip install s3fs"
            self._tell(News("QueueUnreachable", queue.name, problem))
            return
        from micropkgd.sources.s3.failures import TROUBLE

        failures = 0
        while True:
            try:
                async with _client(queue) as client:
                    while True:
                        await self._receive(client, queue)
                        if failures:
                            self._tell(News("QueueRecovered", queue.name, f"{origin(queue.url)} answers again"))
                            failures = 0
            except (*TROUBLE, MicropkgError) as error:
                news = News("QueueUnreachable", queue.name, f"{origin(queue.url)}: {_reason(error)}; it is asked again")
            except Exception as error:  # noqa: BLE001 - nobody would miss a queue that is read no more
                news = News("Bug", "", f"{type(error).__name__}: {error}")
            failures += 1
            if failures == 1:
                self._tell(news)
            await asyncio.sleep(self._rest(failures))

    async def _receive(self, client: Any, queue: Queue) -> None:
        """Wait for messages, note what they name, and then delete them."""
        answer = await client.receive_message(
            QueueUrl=queue.url, MaxNumberOfMessages=_BATCH, WaitTimeSeconds=_WAIT
        )  # fmt: skip
        messages = answer.get("Messages", ())
        changed: dict[str, list[str]] = {}
        for message in messages:
            try:
                for bucket, key in named_in(message.get("Body", "")):
                    changed.setdefault(bucket, []).append(key)
            except ValueError as error:
                self._tell(News("QueueMessageRefused", queue.name, f"a message was deleted unread: {error}"))
        for bucket, keys in changed.items():
            more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
            await self._note(queue, bucket, f"{queue.name}: s3://{bucket}/{_shown(keys[0])}{more}")
        if messages:
            receipts = [
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                for number, message in enumerate(messages)
            ]
            await client.delete_message_batch(QueueUrl=queue.url, Entries=receipts)


def pulls_from(status: ProjectStatus, bucket: str) -> bool:
    """Whether an entry of a project is an object of a bucket, or is looked up there."""
    prefix = f"s3://{bucket}/"
    places = (f"{entry.index_url}/" if entry.index_url else entry.ref for entry in status.entries)
    return any(place[: len(prefix)].lower() == prefix.lower() for place in places)


def named_in(body: str) -> list[Changed]:
    """The objects that a message names: S3's own form, EventBridge's, or either in an envelope of SNS.

    `ValueError` says why it is none of them; S3's message that only tries the way names nothing.
    """
    document = _document(body)
    if document.get("Type") == "Notification" and isinstance(document.get("Message"), str):
        document = _document(document["Message"])
    if document.get("Event") == "s3:TestEvent":
        return []
    found = list(_objects(document))
    if not found:
        raise ValueError("it names no object of S3")
    return found


def _document(text: str) -> Mapping[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError("it is not JSON") from error
    if not isinstance(document, dict):
        raise ValueError("it is not a table")  # noqa: TRY004 - one kind of error for what a stranger wrote
    return document


def _objects(document: Mapping[str, Any]) -> Iterator[Changed]:
    records = document.get("Records")
    for record in records if isinstance(records, list) else ():
        about = record.get("s3") if isinstance(record, dict) else None
        if (found := _object(about)) is not None:
            yield found._replace(key=unquote_plus(found.key))
    if (found := _object(document.get("detail"))) is not None:  # EventBridge does not quote keys
        yield found


def _object(about: object) -> Changed | None:
    if not isinstance(about, dict):
        return None
    bucket, one = about.get("bucket"), about.get("object")
    name, key = (
        part.get(field) if isinstance(part, dict) else None for part, field in ((bucket, "name"), (one, "key"))
    )
    return Changed(name, key) if isinstance(name, str) and name and isinstance(key, str) else None


def _client(queue: Queue) -> Any:
    from aiobotocore.config import AioConfig
    from aiobotocore.session import AioSession

    manners = AioConfig(
        connect_timeout=_CONNECT,
        read_timeout=_WAIT + _CONNECT,
        retries={"total_max_attempts": 1},
        user_agent_extra=f"micropkgd/{__version__}",
    )
    place = _REGION.match(queue.url)
    region = queue.region or (next(filter(None, place.groups()), None) if place else None)
    session = AioSession(profile=queue.profile)
    return session.create_client("sqs", region_name=region, endpoint_url=queue.endpoint_url, config=manners)


def _reason(error: Exception) -> str:
    """What went wrong, without the text of the library, which quotes addresses and headers."""
    if isinstance(error, MicropkgError):  # of this machine, where the projects are looked for
        return str(error)
    response = getattr(error, "response", None)
    code = response.get("Error", {}).get("Code") if isinstance(response, Mapping) else None
    if isinstance(code, str) and re.fullmatch(r"[A-Za-z0-9.]{1,80}", code):
        return f"it answers {code}"
    kind = type(error).__name__
    return _TO_DO.get(kind, kind)


def _shown(key: str) -> str:
    clean = "".join(character if character.isprintable() else "?" for character in key)
    return clean if len(clean) <= _SHOWN else f"{clean[:_SHOWN]}..."
