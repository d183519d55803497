"""What `before-commit` is told, what it comes to, and how often the same is offered to it."""

from pathlib import Path
from typing import NamedTuple

import pytest

from micropkgd.model.settings import Hooks
from micropkgd.model.tree import digest_of
from micropkgd.reconcile.commit.preview import Staging
from micropkgd.service.hooks.command import CommandResult
from micropkgd.service.hooks.gate import Gate, Why, alone

AUTO = Why("p1", "files: pyproject.toml")
ASKED = Why("p2", "command", insists=True)


class Asked(NamedTuple):
    """A gate, its clock, and what was told of its hook."""

    gate: Gate
    now: list[float]
    told: list[tuple[str, str, CommandResult]]
    folder: Path

    def ask(self, offer: str = "one", why: Why = AUTO) -> str | None:
        """Offer a commit."""
        staging = Staging("/srv/shop", str(self.folder), ("a.tar.gz", "b>=1"), digest_of(offer.encode()))
        check = self.gate.check_for(why)
        assert check is not None
        return check(staging)

    @property
    def runs(self) -> int:
        """How often the hook was run."""
        return len(self.told)


def gate(folder: Path, *argv: str, seconds: float = 30.0) -> Asked:
    """A gate with a hook."""
    now: list[float] = [1000.0]
    told: list[tuple[str, str, CommandResult]] = []
    hooks = Hooks(before_commit=argv, timeout=seconds)
    made = Gate(hooks, alone, lambda *news: told.append(news), clock=lambda: now[0])
    return Asked(made, now, told, folder)


def test_without_a_hook_there_is_no_check() -> None:
    """The pass is not even given one."""
    made = Gate(Hooks(after_commit=("true",)), lambda _: CommandResult("", ""), lambda *_: None)
    assert made.check_for(AUTO) is None


def test_the_hook_is_told_of_the_pass_and_runs_in_the_tree(tmp_path: Path) -> None:
    """By variables; where it stands is the staged folder."""
    asked = gate(tmp_path, "sh", "-c", 'pwd; env | grep "^MICROPKGD\\|^b" | sort; exit 3')
    problem = asked.ask()
    assert problem is not None
    for part in (
        "the hook `before-commit` ended with 3",
        "MICROPKGD_PASS=p1",
        "MICROPKGD_PROJECT=/srv/shop",
        "MICROPKGD_TRIGGER=files: pyproject.toml",
        f"MICROPKGD_STAGED={tmp_path}",
    ):
        assert part in problem
    assert asked.told[0][:2] == ("/srv/shop", "p1")


def test_entries_and_folder_reach_the_hook(tmp_path: Path) -> None:
    """One ref a line."""
    asked = gate(tmp_path, "sh", "-c", 'printf "%s" "$MICROPKGD_ENTRIES" > entries; pwd -P > where')
    assert asked.ask() is None
    assert (tmp_path / "entries").read_text() == "a.tar.gz\nb>=1"
    assert (tmp_path / "where").read_text().strip() == str(tmp_path.resolve())


@pytest.mark.parametrize(
    ("argv", "seconds", "what"),
    [
        pytest.param(("false",), 30.0, "ended with 1", id="code"),
        pytest.param(("sleep", "60"), 0.2, "took longer than 0.2 s", id="time"),
        pytest.param(("no-such-program",), 30.0, "cannot be run", id="missing"),
    ],
)
def test_whatever_is_no_consent_is_a_veto(tmp_path: Path, argv: tuple[str, ...], seconds: float, what: str) -> None:
    """Also a hook that cannot say anything."""
    problem = gate(tmp_path, *argv, seconds=seconds).ask()
    assert problem is not None
    assert what in problem


def test_the_same_offer_is_not_made_again_and_again(tmp_path: Path) -> None:
    """The pauses grow with each refusal: 5 s, 10 s, 20 s; meanwhile the answer is the one that was given."""
    asked = gate(tmp_path, "false")
    first = asked.ask()
    runs = []
    for seconds in (4.9, 0.2, 9.7, 0.4, 19.5, 0.6):
        asked.now[0] += seconds
        assert asked.ask() == first
        runs.append(asked.runs)
    assert runs == [1, 2, 2, 3, 3, 4]


def test_another_offer_is_made_at_once(tmp_path: Path) -> None:
    """Another content may be better; what was refused before it starts from the beginning."""
    asked = gate(tmp_path, "false")
    for offer in ("one", "two", "one", "one"):
        asked.ask(offer)
    assert asked.runs == 3


def test_a_person_who_asks_is_not_put_off(tmp_path: Path) -> None:
    """The hook may think otherwise once somebody mended what it complained of."""
    asked = gate(tmp_path, "sh", "-c", "test -e mended")
    assert asked.ask() is not None
    (tmp_path / "mended").touch()
    assert asked.ask() is not None
    assert asked.ask(why=ASKED) is None
    (tmp_path / "mended").unlink()
    assert asked.ask() is not None, "consent was kept"
    assert asked.runs == 3


def test_a_pass_asks_the_hook_that_it_began_with(tmp_path: Path) -> None:
    """A config without any is read while it is under way."""
    asked = gate(tmp_path, "false")
    check = asked.gate.check_for(AUTO)
    assert check is not None
    asked.gate.reload(Hooks())
    problem = check(Staging("/srv/shop", str(tmp_path), (), digest_of(b"")))
    assert problem is not None
    assert "ended with 1" in problem


def test_another_config_forgets_what_was_refused(tmp_path: Path) -> None:
    """The hook may be another one."""
    asked = gate(tmp_path, "false")
    assert asked.ask() is not None
    asked.gate.reload(Hooks(before_commit=("true",)))
    assert asked.ask() is None
