"""The archives that the writer makes: the same for all readers, and the same bytes at any time and place."""

import gzip
import io
import subprocess
import tarfile
import unicodedata
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micropkgd.errors import ArchiveError
from micropkgd.model.place_names import why_not_portable
from micropkgd.model.tree import digest_of
from micropkgd.sdist.limits import ReadLimits
from micropkgd.sdist.reader import Member, Sdist, read_sdist
from tests.kit.sdists import write_sdist

PLAIN = Sdist("ds-1.0", (Member("PKG-INFO", b"Name: ds\n", False), Member("ds/run.sh", b"#!/bin/sh\n", True)))

letters = st.characters(codec="utf-8", categories=["Lu", "Ll", "Lo", "Nd"], include_characters=" ._-@+~")
names = st.text(letters, min_size=1, max_size=45).filter(lambda name: not why_not_portable(name))
paths = st.lists(names, min_size=1, max_size=5).map("/".join)


@st.composite
def sdists(draw: st.DrawFn) -> Sdist:
    """Archives whose files can stand side by side on every file system."""
    found: dict[str, Member] = {}
    for number, path in enumerate(draw(st.lists(paths, min_size=1, max_size=6))):
        whole = unicodedata.normalize("NFC", f"{number}/{path}")
        found[whole] = Member(whole, draw(st.binary(max_size=1500)), draw(st.booleans()))
    return Sdist("ds-1.0", tuple(found.values()))


def in_order(sdist: Sdist) -> Sdist:
    """The same archive as the reader gives it."""
    return sdist._replace(members=tuple(sorted(sdist.members)))


def _member_of(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Member:
    stream = archive.extractfile(info)
    assert stream is not None
    return Member(info.name.removeprefix("ds-1.0/"), stream.read(), info.mode == 0o755)


class TestReadersAgree:
    """What was written is what every reader finds."""

    @given(sdists())
    def test_the_strict_reader(self, sdist: Sdist) -> None:
        """Names, bytes and the executable bit come back, and nothing else."""
        assert read_sdist(write_sdist(sdist).data) == in_order(sdist)

    @given(sdists())
    def test_tarfile(self, sdist: Sdist) -> None:
        """The standard library sees the same members, of nobody, in two modes and at one time."""
        with tarfile.open(fileobj=io.BytesIO(write_sdist(sdist).data), mode="r:gz") as archive:
            infos = archive.getmembers()
            members = tuple(_member_of(archive, info) for info in infos)

        assert Sdist("ds-1.0", members) == in_order(sdist)
        owners = {(info.uid, info.gid, info.uname, info.gname, info.mtime) for info in infos}
        assert owners == {(0, 0, "", "", 1_580_601_600)}
        assert {info.mode for info in infos} <= {0o644, 0o755}

    @pytest.mark.parametrize(
        "path", ["ds/a.py", f"ds/{'n' * 88}.py", f"ds/{'n' * 91}.py", "ds/é/ñ.py", f"ds/{'深' * 40}/x"]
    )
    def test_gnu_tar(self, path: str, tmp_path: Path) -> None:
        """GNU tar unpacks the same name and bytes, also where the name is long or not ASCII."""
        sdist = Sdist("ds-1.0", (Member(path, b"x = 1\n", False),))
        (tmp_path / "a.tar.gz").write_bytes(write_sdist(sdist).data)
        subprocess.run(["tar", "xzf", "a.tar.gz"], cwd=tmp_path, check=True)

        assert (tmp_path / "ds-1.0" / path).read_bytes() == b"x = 1\n"


class TestSameBytes:
    """The bytes follow from the files and from nothing else."""

    @given(sdists(), st.randoms())
    def test_the_order_in_which_files_are_given_does_not_matter(self, sdist: Sdist, random: Random) -> None:
        """Members are sorted."""
        shuffled = random.sample(sdist.members, len(sdist.members))

        assert write_sdist(sdist._replace(members=tuple(shuffled))) == write_sdist(sdist)

    def test_the_tar_inside_is_the_one_it_always_was(self) -> None:
        """Other bytes for the same files are a decision (`package.jobs.RULES`), not an accident."""
        content = "sha256:fc08f692f77c645d007d0a7891814de8b11fc4fffd442e595b99d40879268d49"

        assert write_sdist(PLAIN).content == content

    def test_the_content_digest_is_that_of_the_tar(self) -> None:
        """It is what `gunzip | sha256sum` says."""
        written = write_sdist(PLAIN)

        assert written.content == digest_of(gzip.decompress(written.data))

    def test_gzip_says_neither_name_nor_time_nor_system(self) -> None:
        """Ten bytes of header, as for a file of nobody from nowhere."""
        assert write_sdist(PLAIN).data[:10] == bytes.fromhex("1f8b08000000000000ff")


@pytest.mark.parametrize(
    ("paths", "reason"),
    [
        pytest.param(["../x"], "name-path", id="climbs-out"),
        pytest.param(["/x"], "name-path", id="absolute"),
        pytest.param(["ds/./x"], "name-path", id="not-shortest"),
        pytest.param(["ds/e\u0301.py"], "name-path", id="not-composed"),
        pytest.param(["ds/a\n.py"], "name-control", id="control"),
        pytest.param(["ds/A.py", "ds/a.py"], "collision", id="case-twins"),
        pytest.param(["ds/a", "ds/a/b"], "collision", id="file-and-folder"),
        pytest.param(["/".join("abcdefghij" * 4)], "name-depth", id="too-deep"),
        pytest.param(["n" * 201], "name-length", id="too-long"),
        pytest.param(["ds/aux.py"], "name-unportable", id="device"),
        pytest.param([f"{n}/{m}/x" for n in range(101) for m in range(100)], "too-many-members", id="too-many-folders"),
    ],
)
def test_names_that_no_reader_should_meet_are_refused(paths: list[str], reason: str) -> None:
    """What the reader would refuse is not written."""
    sdist = Sdist("ds-1.0", tuple(Member(path, b"", False) for path in paths))

    with pytest.raises(ArchiveError) as caught:
        write_sdist(sdist)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        pytest.param(ReadLimits(members=1), "too-many-members", id="members"),
        pytest.param(ReadLimits(unpacked=10_239), "too-big-unpacked", id="unpacked"),
        pytest.param(ReadLimits(packed=20), "too-big-unpacked", id="packed"),
        pytest.param(ReadLimits(ratio=2, ratio_from=1000), "ratio", id="ratio"),
    ],
)
def test_an_archive_beyond_the_caps_is_refused(limits: ReadLimits, reason: str) -> None:
    """The caps of the reader are those of the writer, and each refusal says its reason."""
    with pytest.raises(ArchiveError) as caught:
        write_sdist(PLAIN, limits=limits)
    assert caught.value.reason == reason
