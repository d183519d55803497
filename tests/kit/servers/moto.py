"""moto: a server that speaks for SQS and S3, and tells the one what happens in the other. It checks no secrets."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import botocore.session

from tests.kit.servers.ports import free_ports
from tests.kit.servers.starting import await_server, end, is_well

REQUIREMENT = "moto[s3,server,sqs]==5.2.5"
LOGIN = {"AWS_ACCESS_KEY_ID": "AKIDMOTO", "AWS_SECRET_ACCESS_KEY": "moto-secret"}
REGION = "eu-central-1"


class Moto(NamedTuple):
    """A running server."""

    port: int

    @property
    def url(self) -> str:
        """The address of every service."""
        return f"http://127.0.0.1:{self.port}"

    def client(self, service: str) -> Any:
        """A client that has nothing to do with the code under test."""
        return botocore.session.Session().create_client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id=LOGIN["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=LOGIN["AWS_SECRET_ACCESS_KEY"],
        )

    def queue(self, name: str) -> str:
        """Make a queue: its address."""
        return str(self.client("sqs").create_queue(QueueName=name)["QueueUrl"])

    def send(self, queue: str, *bodies: str) -> None:
        """Put messages into a queue."""
        for body in bodies:
            self.client("sqs").send_message(QueueUrl=queue, MessageBody=body)

    def left_in(self, queue: str) -> int:
        """How many messages a queue has, those included that somebody has read and not deleted."""
        asked = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=asked)["Attributes"]
        return sum(int(found[name]) for name in asked)

    def notifying_bucket(self, name: str, queue: str) -> None:
        """Make a bucket that tells a queue of every object that is put into it."""
        arn = self.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
        s3 = self.client("s3")
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        told = {"QueueArn": arn["QueueArn"], "Events": ["s3:ObjectCreated:*"]}
        s3.put_bucket_notification_configuration(
            Bucket=name, NotificationConfiguration={"QueueConfigurations": [told]}
        )  # fmt: skip


@contextmanager
def running(program: Path, folder: Path, port: int | None = None) -> Iterator[Moto]:
    """Run a server until the end of the `with`."""
    port = port or free_ports(1)[0]
    command = [str(program), "-H", "127.0.0.1", "-p", str(port)]
    with open(folder / "log", "ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        await_server(process, lambda: is_well(f"http://127.0.0.1:{port}/moto-api/"), folder / "log")
        yield Moto(port)
    finally:
        end(process)
