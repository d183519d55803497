"""Runs the formatter that the machine's config names: the text of a file in, the same text laid out otherwise.

A program that is not there, fails, or takes too long formats nothing, and that is all that happens. How it is run:
`unasked`.
"""

import tempfile
from collections.abc import Sequence

from micropkgd.annotations import Final
from micropkgd.machine.unasked import answer_unasked, program_beside
from micropkgd.model.text_form import LARGEST
from micropkgd.model.tree import RelPath
from micropkgd.named_tuples import NamedTuple

_PATIENCE: Final = 10.0  # seconds for one file
_PATH: Final = "{path}"  # stands for the whole path of the file


class Formatter(NamedTuple):
    """An argument list, for the files of one project."""

    argv: Sequence[str]
    root: str

    def formatted(self, path: RelPath, data: bytes) -> bytes | None:
        """The text as the formatter lays it out; None where it does not."""
        program = program_beside(self.argv[0], self.root)
        if program is None:
            return None
        words = [program, *(word.replace(_PATH, f"{self.root}/{path}") for word in self.argv[1:])]
        with tempfile.TemporaryFile() as asked:
            asked.write(data)
            asked.seek(0)
            return answer_unasked(words, self.root, asked, patience=_PATIENCE, largest=LARGEST)
