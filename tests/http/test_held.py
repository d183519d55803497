"""A held entry over HTTP: seen, decided file by file, by several people at once, and never against a newer edit."""

import subprocess
from pathlib import Path

import pytest

from micropkgd.workspace import process_lock
from tests.kit.daemon import Daemon
from tests.kit.held import BLOB, CODE, DATA, GONE, OURS, Held, hold, in_service, installed, ready
from tests.kit.site import listening
from tests.kit.world import ROW

MERGED = ".micropkgd/conflicts/ds/merged"


@pytest.fixture
def held(daemon: Daemon, tmp_path: Path) -> Held:
    """A project of its own for each test, with four files that wait."""
    world = in_service(daemon, tmp_path.name)
    hold(daemon, world)
    return Held(world, listening(daemon, "http.listen"))


def test_what_waits_is_shown_with_all_its_texts(held: Held) -> None:
    """Three texts, the merge with its markers, both diffs, and what can be chosen of each kind of file."""
    entry = held.sight()["entry"]
    assert (entry["version"], entry["waiting"], entry["held"]) == ("1.0", "2.0", True)
    rows = {file["path"]: (file["there"], file["upstream"], file["choices"]) for file in entry["files"]}
    assert rows == {
        CODE: ("file", True, ["keep", "take", "merged"]),
        DATA: ("file", True, ["keep", "take", "merged"]),
        GONE: ("nothing", True, ["keep", "take"]),
        BLOB: ("file", True, ["keep", "take"]),
    }
    texts = held.sight(CODE)["texts"]
    sides = {name: side["text"] for name, side in texts["sides"].items()}
    assert (sides["base"], sides["ours"], sides["theirs"]) == ("X = 1\n", "X = 'mine'\n", "X = 2\n")
    assert "<<<<<<< yours\nX = 'mine'\n" in sides["merged"]
    assert texts["edits"][-2:] == ["-X = 1", "+X = 'mine'"]
    assert texts["upstream"][-2:] == ["-X = 1", "+X = 2"]
    assert texts["editable"]
    assert "markers" in texts["problem"]
    blob = held.sight(BLOB)["texts"]
    assert {side["why"] for side in blob["sides"].values() if side["size"]} == {"binary"}


def test_each_file_is_decided_and_the_last_one_applies_all(held: Held, daemon: Daemon) -> None:
    """One transaction: nothing of the entry moves before, and nobody's marker comes into the tree."""
    assert held.decide("keep", CODE).status == 200
    assert held.decide("take", BLOB).status == 200
    assert held.decide("keep", GONE).status == 200
    assert held.world.read(CODE) == OURS[CODE]
    assert (held.world.root / BLOB).read_bytes() == OURS[BLOB]
    choices = {file["path"]: file["choice"] for file in held.sight()["entry"]["files"]}
    assert choices == {CODE: "keep", BLOB: "take", GONE: "keep", DATA: None}
    assert held.decide("merged", DATA, text="rate: 7\nother: 0\n").status == 200

    daemon.ready(held.world.root)
    assert held.world.read(CODE) == OURS[CODE]
    assert held.world.read(DATA) == "rate: 7\nother: 0\n"
    assert (held.world.root / BLOB).read_bytes() == b"\0two"
    assert not held.world.has(GONE)
    assert f'keep-deleted = ["{GONE}"]' in held.world.read("pyproject.toml")
    assert daemon.command("verify", cwd=held.world.root).returncode == 0


@pytest.mark.parametrize("choice", ["keep", "take"])
def test_a_whole_entry_is_decided_at_once(held: Held, daemon: Daemon, choice: str) -> None:
    """Every file of it that was seen."""
    assert held.decide(choice).status == 200
    daemon.ready(held.world.root)
    assert held.world.read(CODE) == (OURS[CODE] if choice == "keep" else "X = 2\n")
    assert held.world.has(GONE) == (choice == "take")


def test_a_file_that_was_edited_since_is_not_decided(held: Held) -> None:
    """Of it, and of the entry as a whole; what was not touched can be."""
    one, other, whole = held.seen(CODE), held.seen(BLOB), held.seen()
    held.world.write(CODE, "X = 'newer'\n")

    for seen, paths in ((one, [CODE]), (whole, [])):
        answer = held.decide("take", *paths, seen=seen)
        assert answer.status == 409
        assert "is not what you saw any more" in answer.json()["error"]["problem"]
    assert held.world.read(CODE) == "X = 'newer'\n"
    assert held.decide("take", BLOB, seen=other).status == 200
    assert held.decide("take", CODE).status == 200


def test_two_people_and_a_command(held: Held, daemon: Daemon) -> None:
    """Who comes second sees that somebody was there before."""
    first, second, third = held.seen(CODE), held.seen(CODE), held.seen(DATA)
    assert held.decide("keep", CODE, seen=first).status == 200
    assert held.decide("take", CODE, seen=second).status == 409
    assert daemon.command("resolve", "ds", DATA, "--keep", cwd=held.world.root).returncode == 4
    assert held.decide("take", DATA, seen=third).status == 409
    whole = held.seen()
    assert daemon.command("resolve", "ds", "--keep", cwd=held.world.root).returncode == 0
    assert held.decide("take", seen=whole).status == 409
    assert held.world.read(CODE) == OURS[CODE]


def test_a_merge_with_markers_is_kept_beside_and_not_taken(held: Held) -> None:
    """Nor one that does not parse; what was typed is not lost, and the tree has none of it."""
    for text, word in (("<<<<<<< yours\nX = 1\n", "markers are left"), ("X = (\n", "cannot be parsed")):
        answer = held.decide("merged", CODE, text=text)
        assert answer.status == 409
        assert word in answer.json()["error"]["problem"]
        assert held.world.read(f"{MERGED}/{CODE}") == text
        assert held.sight(CODE)["texts"]["sides"]["merged"]["text"] == text
    assert held.world.read(CODE) == OURS[CODE]


def test_what_another_typed_is_not_written_over(held: Held) -> None:
    """In an editor, beside; the page has to look again."""
    seen = held.seen(CODE)
    held.world.write(f"{MERGED}/{CODE}", "X = 'typed elsewhere'\n")
    assert held.decide("merged", CODE, seen=seen, text="X = 3\n").status == 409
    assert held.world.read(f"{MERGED}/{CODE}") == "X = 'typed elsewhere'\n"
    assert held.decide("merged", CODE).status == 200


def test_a_newer_version_is_not_what_was_seen(held: Held, daemon: Daemon) -> None:
    """It came between the look and the press."""
    seen, whole = held.seen(CODE), held.seen()
    hold(daemon, held.world, {}, {"nodes.py": "X = 3\n", "catalog.yml": "rate: 3\n"}, version="3.0")
    assert held.decide("take", CODE, seen=seen).status == 409
    assert held.decide("take", seen=whole).status == 409
    assert held.sight(CODE)["texts"]["sides"]["theirs"]["text"] == "X = 3\n"


def test_a_checkout_between_look_and_press(held: Held, daemon: Daemon) -> None:
    """The other branch has taken the new version: what was held is no question there, and it comes back."""
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", held.root]
    for words in (["init", "-q"], ["add", "-A", "."], ["commit", "-qm", "one"], ["checkout", "-qb", "other"]):
        subprocess.run([*git, *words], check=True)
    one, whole = held.seen(CODE), held.seen()
    assert daemon.command("resolve", "ds", "--take", cwd=held.world.root).returncode == 0
    for words in (["add", "-A", "."], ["commit", "-qm", "two"]):
        subprocess.run([*git, *words], check=True)

    for choice in ("keep", "take"):
        assert held.decide(choice, CODE, seen=one).status == 409
        assert held.decide(choice, seen=whole).status == 409
    assert held.world.read(CODE) == "X = 2\n"
    with daemon.asleep():  # a pass of the checkout itself, which follows nothing, would bring the deleted file back
        subprocess.run([*git, "checkout", "-q", "-"], check=True)
        assert held.world.read(CODE) == OURS[CODE]
        asked = held.site.begin("/v1/reconcile", {"projects": [held.root]})
    assert asked.getresponse().status == 200
    asked.close()
    assert held.decide("keep", seen=whole).status == 200
    assert held.world.read(CODE) == OURS[CODE]


def test_a_restart_forgets_nothing(held: Held, daemon: Daemon) -> None:
    """What was decided and typed is beside the entry, and the same sight is good afterwards."""
    assert held.decide("keep", CODE).status == 200
    seen = held.seen(DATA)
    daemon.end()
    daemon.start()
    again = Held(held.world, listening(daemon, "http.listen"))
    daemon.until_status(held.world.root, lambda status: status["standing"]["state"] == "Held")
    assert {file["path"]: file["choice"] for file in again.sight()["entry"]["files"]}[CODE] == "keep"
    assert again.decide("keep", DATA, seen=seen).status == 200
    assert again.decide("take").status == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"choice": "burn"}, 400), ({"paths": ["../../etc/passwd"]}, 400), ({"paths": "x"}, 400), ({"seen": 1}, 400),
        ({"paths": ["README.md"]}, 409), ({"entry": "nothing"}, 400), ({"project": "/"}, 404), ({"text": "x"}, 400),
        ({"choice": "merged", "paths": [CODE], "text": "\ud800"}, 400), ({"choice": "merged", "text": "X = 1\n"}, 400),
        ({"choice": "merged", "paths": [CODE], "text": "x" * 300_000}, 400),
        ({"choice": "merged", "paths": [CODE], "text": "x" * 1_100_000}, 413), ({"more": 1}, 400), ({"seen": ""}, 409),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(daemon: Daemon, body: dict[str, object], code: int) -> None:
    """In words, and nothing is touched."""
    root = daemon.folder / "src" / "still"
    if not root.exists():
        world = installed(root)
        ready(daemon, world)
        hold(daemon, world)
    site = listening(daemon, "http.listen")
    usual = {"project": str(root), "entry": ROW, "choice": "keep", "paths": [], "seen": "0" * 32}
    answer = site.post("/v1/resolve", {**usual, **body})
    assert answer.status == code, answer
    assert answer.json()["error"]["problem"]


def test_large_and_odd_files_are_told_and_not_shown(daemon: Daemon) -> None:
    """50 MiB, another encoding, line ends of two kinds: each can be decided, none can be edited here."""
    root = daemon.folder / "src" / "odd"
    large, latin, mixed, hostile = (f"src/shop/ds/{name}.txt" for name in ("large", "latin", "mixed", "hostile"))
    world = installed(root, dict.fromkeys(("large.txt", "latin.txt", "mixed.txt", "hostile.txt"), "one\n"))
    ready(daemon, world)
    evil = "</textarea><script>document.title = 'had'</script>\u202e\x1b[31m\n"
    ours: dict[str, str | bytes] = {large: b"x" * (50 << 20), latin: b"gr\xfcn\n", mixed: b"a\r\nb\n", hostile: evil}
    hold(daemon, world, ours, dict.fromkeys(("large.txt", "latin.txt", "mixed.txt", "hostile.txt"), "two\n"))
    held = Held(world, listening(daemon, "http.listen"))
    answer = held.get("held", entry=ROW, path=large)
    assert len(answer.body) < 20_000
    assert "too large" in answer.json()["texts"]["sides"]["ours"]["why"]
    assert held.sight(latin)["texts"]["sides"]["ours"]["why"] == "not a text in UTF-8"
    assert not held.sight(mixed)["texts"]["editable"]
    assert held.sight(hostile)["texts"]["sides"]["ours"]["text"] == evil
    assert held.decide("take", large).status == 200
    assert held.decide("merged", mixed, text="c\n").status == 409
    assert held.decide("take").status == 200


def test_a_project_that_another_works_on_is_busy(held: Held) -> None:
    """The lock of the project is waited for, and not for ever."""
    with process_lock.hold(held.root, 5):
        answers = [held.decide("take", CODE), held.decide("merged", DATA, text="rate: 9\nother: 0\n")]
        assert [answer.status for answer in answers] == [503, 503]
        assert all("another process holds this project" in answer.json()["error"]["problem"] for answer in answers)
    assert held.world.read(CODE) == OURS[CODE]
    assert held.decide("take").status == 200


def test_what_somebody_puts_beside_is_no_merge(held: Held) -> None:
    """A file of theirs where no merge was laid: it can be seen and decided all the same."""
    held.world.write(f"{MERGED}/{BLOB}", b"\0put here")
    texts = held.sight(BLOB)["texts"]
    assert (texts["file"]["choices"], texts["editable"]) == (["keep", "take"], False)
    assert held.decide("merged", BLOB).status == 400
    assert held.decide("take", BLOB).status == 200


def test_a_large_merge_is_told_by_its_size(daemon: Daemon) -> None:
    """It is neither shown nor parsed for who only looks."""
    root = daemon.folder / "src" / "long"
    lines = "".join(f"x{number} = {number}\n" for number in range(30_000))
    world = installed(root, {"nodes.py": f"X = 1\n{lines}"})
    ready(daemon, world)
    hold(daemon, world, {CODE: f"X = 'mine'\n{lines}"}, {"nodes.py": f"X = 2\n{lines}"})
    held = Held(world, listening(daemon, "http.listen"))
    texts = held.sight(CODE)["texts"]
    assert "too large" in texts["sides"]["merged"]["why"]
    assert (texts["editable"], texts["problem"], texts["edits"]) == (False, "", [])
    assert "markers" in held.decide("merged", CODE).json()["error"]["problem"]
    assert held.decide("keep").status == 200


def test_crlf_stays_crlf(daemon: Daemon) -> None:
    """A browser's text field has LF alone; the file keeps its own line ends."""
    root = daemon.folder / "src" / "crlf"
    world = installed(root, {"nodes.py": "X = 1\n"})
    ready(daemon, world)
    hold(daemon, world, {CODE: "X = 'mine'\r\n"}, {"nodes.py": "X = 2\n"})
    held = Held(world, listening(daemon, "http.listen"))
    assert held.decide("merged", CODE, text="X = 3\n").status == 200
    assert (root / CODE).read_bytes() == b"X = 3\r\n"
