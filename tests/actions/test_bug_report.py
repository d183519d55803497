"""`doctor --bundle`: a report for the makers, in which nobody's name stands."""

import json
import platform
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micropkgd.actions.bug_report import Scrubber
from tests.kit.world import KEDRO, World

MINE = {"HOME": "/home/ana", "USER": "ana", "LOGNAME": "ana"}


def files_of(path: Path) -> dict[str, str]:
    """What is in a report."""
    with tarfile.open(path) as tar:
        return {member.name: tar.extractfile(member).read().decode() for member in tar}  # type: ignore[union-attr]


def test_it_says_what_is_needed_and_no_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables, lock, passes, standing; no code, no other table, no name."""
    monkeypatch.setenv("HOME", str(world.root.parent))
    monkeypatch.setenv("USER", "anastasia")
    world.publish({"nodes.py": "SECRET_OF_THE_CODE = 1\n"})
    world.asks_for(alias="forecast")
    world.sync()
    row = '"https://files.corp.internal/anastasia/x-1.tar.gz" = {}\n'
    other = '[tool.other]\npassword = "hunter2"  # of anastasia\n'
    world.write(
        "pyproject.toml", f'{KEDRO}\n[tool.micropkgd.pull]\n"dist/ds.tar.gz" = {{alias = "forecast"}}\n{row}{other}'
    )

    said = world.run("doctor", "--bundle", "report.tar.gz")

    assert said.code == 0, said
    files = files_of(world.root / "report.tar.gz")
    assert [name.partition("/")[2] for name in files] == [
        "doctor.json", "manifest.toml", "micropkg.lock", "passes.json", "status.json"]  # fmt: skip
    together = "\n".join(files.values())
    assert "forecast" in together
    for name in ("SECRET_OF_THE_CODE", "hunter2", "anastasia", "corp.internal", str(world.root.parent)):
        assert name not in together
    assert '"https://host1.example/user/x-1.tar.gz"' in files["micropkgd-report/manifest.toml"]


def test_a_broken_project_is_reported_too(world: World) -> None:
    """As far as it can be read; and what stands there is not overwritten."""
    world.write("pyproject.toml", "broken [")

    assert world.run("doctor", "--bundle", "report.tar.gz", "--json").code == 0
    findings = json.loads(files_of(world.root / "report.tar.gz")["micropkgd-report/doctor.json"])["findings"]
    assert any("invalid TOML" in finding["text"] for finding in findings)
    again = world.run("doctor", "--bundle", "report.tar.gz")
    assert again.code == 1
    assert "name a file that is not there yet" in again.err


@given(
    st.lists(
        st.sampled_from(
            ["/home/ana/src", "ana", "s3://secret-bucket/a", "https://ana:pw@git.corp/x?sig=zzz", "ana.b@corp.example",
             "banana", "https://pypi.org/simple/", platform.node(), "\n", "x = 1"]
        )
    ),
)  # fmt: skip
def test_no_name_is_left(parts: list[str]) -> None:
    """Wherever they stand; words that only hold a name are left, and so are public places."""
    text = " ".join(parts)
    scrubbed = Scrubber(MINE)(text)

    for name in ("/home/ana", "secret-bucket", "git.corp", "pw@", "zzz", "corp.example", " ana "):
        assert name not in f" {scrubbed} "
    assert scrubbed.count("banana") == text.count("banana")
    assert scrubbed.count("pypi.org") == text.count("pypi.org")
    assert Scrubber(MINE)(text) == scrubbed
