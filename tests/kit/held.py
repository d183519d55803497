"""A project of a running service that waits for a person: files of each kind that collide, and ways to ask of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from tests.kit.daemon import Daemon, rests
from tests.kit.site import Answer, Site
from tests.kit.world import ROW, World

CODE, DATA, GONE, BLOB = (f"src/shop/ds/{name}" for name in ("nodes.py", "catalog.yml", "gone.py", "blob.bin"))
BASE: Mapping[str, str | bytes] = {
    "nodes.py": "X = 1\n",
    "catalog.yml": "rate: 1\nother: 0\n",
    "gone.py": "A = 1\n",
    "blob.bin": b"\0one",
}
OURS: Mapping[str, str | bytes] = {CODE: "X = 'mine'\n", DATA: "rate: 5\nother: 0\n", BLOB: b"\0mine"}
THEIRS: Mapping[str, str | bytes] = {
    "nodes.py": "X = 2\n",
    "catalog.yml": "rate: 2\nother: 0\n",
    "gone.py": "A = 2\n",
    "blob.bin": b"\0two",
}


class Held(NamedTuple):
    """One entry, asked for over TCP as a page does."""

    world: World
    site: Site

    @property
    def root(self) -> str:
        """The project."""
        return str(self.world.root)

    def get(self, what: str, **asked: str) -> Answer:
        """Ask for something of it."""
        return self.site.get(f"/v1/{what}?{urlencode({'project': self.root, **asked})}")

    def sight(self, path: str = "") -> Mapping[str, Any]:
        """The entry as it is shown, with the texts of a file."""
        answer = self.get("held", entry=ROW, **({"path": path} if path else {}))
        assert answer.status == 200, answer
        document: Mapping[str, Any] = answer.json()
        return document

    def seen(self, path: str = "") -> str:
        """What somebody sees now, of a file or of all."""
        entry = self.sight()["entry"]
        return str(next((file["seen"] for file in entry["files"] if file["path"] == path), entry["seen"]))

    def decide(self, choice: str, *paths: str, seen: str | None = None, text: str | None = None) -> Answer:
        """Press a button."""
        known = seen if seen is not None else self.seen(*paths[:1])
        body = {"project": self.root, "entry": ROW, "choice": choice, "paths": list(paths), "seen": known, "text": text}
        return self.site.post("/v1/resolve", body)


def ready(daemon: Daemon, world: World, version: str = "1.0") -> None:
    """Wait until a version is installed and nothing is under way."""
    daemon.until_status(
        world.root, lambda status: bool(status["entries"]) and status["entries"][0]["version"] == version
    )
    daemon.ready(world.root)


def in_service(daemon: Daemon, name: str) -> World:
    """A project of that name, with one entry that the service has installed."""
    world = installed(daemon.folder / "src" / name)
    ready(daemon, world)
    return world


def installed(folder: Path, files: Mapping[str, str | bytes] = BASE) -> World:
    """A project with one entry, for a service to find."""
    world = World(folder)
    world.publish(files)
    world.manifest(f'"{ROW}" = {{}}')
    return world


def hold(
    daemon: Daemon,
    world: World,
    ours: Mapping[str, str | bytes] = OURS,
    theirs: Mapping[str, str | bytes] = THEIRS,
    version: str = "2.0",
) -> None:
    """Edit its files, let upstream change the same ones, and wait until a pass has held it."""
    with daemon.asleep():  # a pass in between would bring back what was deleted
        for path, data in ours.items():
            world.write(path, data)
        if theirs is THEIRS:
            (world.root / GONE).unlink()
        world.publish(theirs, version=version)
    held = f"{version} "
    daemon.until_status(
        world.root,
        lambda status: (
            status["entries"][0]["standing"]["state"] == "Held"
            and f"{status['entries'][0]['waiting']} ".startswith(held)
            and rests(status)
        ),
    )
