"""A report for whoever mends micropkgd: what it sees here, without the names of people, machines and hosts.

In it are the findings of `doctor`, how the entries stand, the project's own tables, its lock and its last passes; no
code, no contents of files, no value of a variable. The same name becomes the same word everywhere in one report.
"""

import json
import os
import platform
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice

from micropkgd import documents
from micropkgd.actions.doctor import examine
from micropkgd.actions.status import project_status
from micropkgd.annotations import Final
from micropkgd.errors import MicropkgError
from micropkgd.model.fields import table_at
from micropkgd.model.lock import LOCK_NAME
from micropkgd.sources.redaction import redacted_text
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory.pass_log import pages
from micropkgd.workspace.project import read_document
from micropkgd.workspace.root import MANIFEST_NAME, find_root

_PASSES: Final = 20
_TABLES: Final = (("tool", "micropkgd"), ("tool", "kedro"))
_HOST: Final = re.compile(r"(?<=://)[A-Za-z0-9._-]+")
_MAIL: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PUBLIC: Final = frozenset(("127.0.0.1", "localhost", "pypi.org", "files.pythonhosted.org"))
_SHORTEST: Final = 3  # letters of a name that can be told from any other text


def bug_report(start: str, environ: Mapping[str, str]) -> dict[str, bytes]:
    """The files of a report on the project around a folder, as far as they can be had."""
    texts = {"doctor.json": _json(examine(start, environ).document())}
    with suppress(MicropkgError, OSError):
        texts |= dict(_of_project(find_root(start)))
    scrubbed = Scrubber(environ)
    return {name: scrubbed(text).encode() for name, text in sorted(texts.items())}


def _of_project(root: str) -> Iterator[tuple[str, str]]:
    """One after the other, each as far as it can be read."""
    with suppress(MicropkgError, OSError):
        yield "status.json", _json(project_status(root).document())
    with suppress(MicropkgError, OSError):
        yield "manifest.toml", _manifest(root)
    with suppress(MicropkgError, OSError):
        yield LOCK_NAME, documents.decode(read_document(root, LOCK_NAME))
    with suppress(MicropkgError, OSError), FsOps(root) as fs:
        yield "passes.json", _json([page._asdict() for page in islice(pages(fs), _PASSES)])


def _manifest(root: str) -> str:
    """The tables that are ours and Kedro's; what else a manifest holds is nobody's business."""
    document = documents.read_toml(read_document(root, MANIFEST_NAME))
    tables = {path[-1]: table_at(document, path) for path in _TABLES}
    return documents.write_toml({"tool": {name: table for name, table in tables.items() if table is not None}})


def _json(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"


class Scrubber:
    """Takes names out of texts: of the home folder, the user, the machine, hosts, mail, and secrets in addresses."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        names = {environ.get("USER", ""): "user", environ.get("LOGNAME", ""): "user", platform.node(): "machine"}
        self._names = {name: word for name, word in names.items() if len(name) >= _SHORTEST and name != "root"}
        self._home = environ.get("HOME", "").rstrip("/") or os.path.expanduser("~")
        self._hosts: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        """The text without them."""
        text = _MAIL.sub("somebody@example.com", redacted_text(text))
        text = _HOST.sub(self._host, text)
        if len(self._home) > 1:
            text = text.replace(self._home, "~")
        for name, word in self._names.items():
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", word, text)
        return text

    def _host(self, match: re.Match[str]) -> str:
        host = match[0]
        return host if host in _PUBLIC else self._hosts.setdefault(host, f"host{len(self._hosts) + 1}.example")
