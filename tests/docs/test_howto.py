"""The how-tos are run. After a change: `python -m tests.docs.test_howto` writes their answers anew."""

from pathlib import Path

from tests.kit.places import REPOSITORY
from tests.kit.servers import moto, venvs
from tests.kit.story import BLOCK, as_run

PAGE = REPOSITORY / "docs" / "howto.md"


def test_every_command_is_true(moto_program: Path) -> None:
    """One story, from top to bottom."""
    text = PAGE.read_text()

    assert len(BLOCK.findall(text)) >= 6
    assert as_run(text, moto_program.parent) == text, (
        "after a change of what is printed: python -m tests.docs.test_howto"
    )


if __name__ == "__main__":
    servers = REPOSITORY / ".pytest_cache" / "d" / "servers"
    servers.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(as_run(PAGE.read_text(), venvs.environment(servers, moto.REQUIREMENT) / "bin"))
