"""The reason why a pass is run. A trigger is a hint only: each pass reads everything again."""

from enum import StrEnum

from micropkgd.named_tuples import NamedTuple


class TriggerKind(StrEnum):
    """Who or what asked."""

    START = "start"  # the service came up, or the project came to it
    FILES = "files"  # the manifest, the lock, or a file that says how sources are reached was written
    EDIT = "edit"  # a module or a local archive was written: no remote source has to do with it
    SCHEDULE = "schedule"
    SCAN = "scan"  # the slow look behind the watch
    RETRY = "retry"  # a source could not be reached before
    NETWORK = "network"  # it can be reached again
    COMMAND = "command"  # a person, or a script
    SIGNAL = "signal"
    WEBHOOK = "webhook"
    QUEUE = "queue"
    CONFIG = "config"  # the machine's config was read again


class Trigger(NamedTuple):
    """One reason."""

    kind: TriggerKind
    detail: str = ""  # which file, which webhook: for people, without credentials

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}" if self.detail else str(self.kind)
