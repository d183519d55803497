"""A stand-in for Git LFS: the two filters that git runs, over a folder of contents by their digests."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

LINES: Final = "version https://git-lfs.github.com/spec/v1"
_CLEAN: Final = f"""\
#!/bin/sh
file=$(mktemp "$1/XXXXXX"); cat > "$file"
if head -c 42 "$file" | grep -q '^{LINES}'; then cat "$file"; rm "$file"; exit; fi
oid=$(sha256sum "$file" | cut -c1-64); size=$(($(wc -c < "$file")))
mv "$file" "$1/$oid"; printf '{LINES}\\noid sha256:%s\\nsize %s\\n' "$oid" "$size"
"""
_SMUDGE: Final = """\
#!/bin/sh
pointer=$(cat; printf .); pointer=${pointer%.}
oid=$(printf %s "$pointer" | sed -n 's/^oid sha256://p')
if [ -n "$oid" ] && [ -f "$1/$oid" ]; then cat "$1/$oid"; else printf %s "$pointer"; fi
"""


class LargeFiles:
    """Where contents are kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "large"
        self.folder.mkdir()
        for name, text in (("clean", _CLEAN), ("smudge", _SMUDGE)):
            script = folder / f"{name}.sh"
            script.write_text(text)
            script.chmod(0o755)

    def config(self, *, fetches: bool) -> Mapping[str, str]:
        """What git is told; who does not fetch has pointers in the tree."""
        clean, smudge = (f"sh {self.folder.parent}/{name}.sh {self.folder}" for name in ("clean", "smudge"))
        return {"filter.lfs.clean": clean, "filter.lfs.smudge": smudge if fetches else "cat"}

    def content(self, data: bytes) -> bytes:
        """What a pointer stands for; else the bytes themselves."""
        if not data.startswith(LINES.encode()):
            return data
        kept = self.folder / data.partition(b"oid sha256:")[2][:64].decode()
        return kept.read_bytes() if kept.is_file() else data
