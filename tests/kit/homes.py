"""Two projects and a shelf between them: one has a module in a git repository, the other pulls it and edits it."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tests.kit.git import commit_all, git
from tests.kit.packages import CODE, module
from tests.kit.world import World

HERE = "src/shop/lib/fcst"
ROW = '"../shelf/ds-1.0.tar.gz" = {destination = "lib", alias = "fcst"}'
FILES = {
    "nodes.py": "from ..ds import helpers\n\n\ndef run():\n    return helpers.A\n",
    "helpers.py": "A = 1\n\n\ndef help():\n    return A\n",
    "data.csv": "a,b\n1,2\n",
    "/tests/pipelines/ds/test_nodes.py": "from shop.pipelines.ds.nodes import run\n\n\ndef test():\n    assert run()\n",
    "/conf/base/parameters_ds.yml": "a: 1\n",
}


class Homes(NamedTuple):
    """The project that has the module, and the one that pulled it."""

    there: World
    here: World

    def release(self, files: Mapping[str, str | bytes] = FILES, row: str = ROW) -> None:
        """Package the module, commit it, and pull it."""
        module(self.there, files)
        self.there.write(".gitignore", ".micropkgd/\ndist/\n")
        git(self.there.root, "init", "-q")
        commit_all(self.there.root)
        self.package()
        self.here.manifest(row)
        self.here.sync()

    def package(self) -> None:
        """Put an archive of what is there now on the shelf."""
        said = self.there.run("package", "pipelines.ds", "-d", str(self.shelf), "--project", str(self.there.root))
        assert said.code == 0, said

    @property
    def shelf(self) -> Path:
        """Where the archive is."""
        return self.there.root.parent / "shelf"

    def patch(self, *options: str) -> bytes:
        """What `micropkgd patch` prints, which must work."""
        ended = self.here.spawn_bytes("patch", *options)
        assert ended.returncode == 0, ended.stderr.decode()
        return ended.stdout

    def carry(self, *options: str) -> None:
        """Apply the patch there, as a person does."""
        self.apply(self.patch(*options))

    def apply(self, patch: bytes, *options: str) -> None:
        """Let git apply a patch there."""
        path = self.there.root.parent / "edits.patch"
        path.write_bytes(patch)
        git(self.there.root, "apply", "-3", *options, str(path))

    def edited(self) -> dict[str, bytes]:
        """All that was pulled, as it stands here now."""
        return {path: data for path, data in self.here.tree().items() if path in self.here.pulled()}


def homes(tmp_path: Path, here: World) -> Homes:
    """Two projects, nothing in them yet."""
    (tmp_path / "shelf").mkdir()
    return Homes(World(tmp_path / "there"), here)


__all__ = ["CODE", "FILES", "HERE", "ROW", "Homes", "homes"]
