"""The hook of box B: writes a line for each change that it was told of. `python -I note.py FILE`."""

import os
import sys

with open(sys.argv[1], "a", encoding="utf-8") as told:
    entries = os.environ["MICROPKGD_ENTRIES"].replace("\n", ", ")
    told.write(f"{os.environ['MICROPKGD_HOOK']}: {entries}, because of {os.environ['MICROPKGD_TRIGGER']}\n")
