"""The README's picture, drawn from what the program prints. After a change: `python -m tests.cli.test_picture`."""

import re
import sys
import tempfile
from html import escape
from pathlib import Path

from tests.kit.places import REPOSITORY
from tests.kit.story import EXAMPLES, shell, story

PICTURE = REPOSITORY / "docs" / "picture.svg"
SCENES = (
    ("micropkgd add forecast --index ../share/ -d pipelines", ""),
    ("micropkgd outdated", f"cp {EXAMPLES}/served/2/forecast.tar.gz ../share/forecast-0.2.tar.gz"),
    ("micropkgd reconcile --once",
     "sed -i 's/without a figure/without sales/' src/shop/pipelines/forecast/nodes.py"),
    ("micropkgd status", ""),
)  # fmt: skip
REMARKS = {
    "micropkgd outdated": "# a colleague releases 0.2",
    "micropkgd reconcile --once": "# you edit nodes.py",
    "micropkgd status": "# your edit and the new version are both in it",
}
COLOURS = {"31": "#ff7b72", "32": "#7ee787", "33": "#e3b341", "36": "#79c0ff"}
MARK = re.compile(r"\x1b\[(\d+)m(.*?)\x1b\[0m")
LINE, LEFT, WIDTH = 20, 16, 128


def lines() -> list[str]:
    """What a person would see, colours and all; notes left out."""
    shown = []
    with tempfile.TemporaryDirectory() as folder:
        shop = story(Path(folder).resolve())
        shell(shop, "micropkgd init --yes")
        for command, before in SCENES:
            if before:
                shell(shop, before)
            if command in REMARKS:
                shown += ["", f"\x1b[36m{REMARKS[command]}\x1b[0m"]
            said = shell(shop, f"FORCE_COLOR=1 {command}").splitlines()
            shown += [f"$ {command}", *(line for line in said if "note:" not in line)]
    return shown


def picture() -> str:
    """A terminal as SVG, wide enough for its lines; nothing in it is from outside."""
    rows = lines()
    height = len(rows) * LINE + 2 * LEFT
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH * 8} {height}" role="img">',
        "<title>micropkgd in a terminal</title>",
        f'<rect width="{WIDTH * 8}" height="{height}" rx="8" fill="#161b22"/>',
        '<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,monospace" font-size="13" fill="#e6edf3">',
        *(f'<text x="{LEFT}" y="{LEFT + LINE * number + 14}" xml:space="preserve">{marked(row)}</text>'
          for number, row in enumerate(rows) if row),
        "</g>", "</svg>", "",
    ])  # fmt: skip


def marked(row: str) -> str:
    """A row with its colours."""
    parts, at = [], 0
    for mark in MARK.finditer(row):
        parts += [escape(row[at : mark.start()]), f'<tspan fill="{COLOURS[mark[1]]}">{escape(mark[2])}</tspan>']
        at = mark.end()
    return "".join([*parts, escape(row[at:])])


def test_the_picture_is_what_the_program_prints() -> None:
    """Line for line, as it was drawn."""
    assert PICTURE.read_text() == picture()


if __name__ == "__main__":
    sys.exit(0 if PICTURE.write_text(picture()) else 1)
