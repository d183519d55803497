"""The strict reader: what it takes, what it refuses and under which name, and what it costs at most.

The ids of hostile archives that begin with A and a number are those of the project's catalogue of attacks.
"""

import bz2
import gzip
import io
import lzma
import subprocess
import sys
import tarfile
import tracemalloc
import unicodedata
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from micropkgd.errors import ArchiveError
from micropkgd.sdist.headers import walk
from micropkgd.sdist.inflate import Inflater
from micropkgd.sdist.limits import DEFAULT_LIMITS, MIB
from micropkgd.sdist.reader import Member, ReadLimits, Sdist, read_sdist
from tests.kit import archives as a
from tests.kit.places import DATA

R = a.ROOT
X = b"x = 1\n"
SAMPLES = sorted((DATA / "sdists").glob("*/*.tar.gz"))
GOOD = a.sdist(a.folder(f"{R}/demo/sub"), a.file(f"{R}/demo/sub/nodes.py"), a.file(f"{R}/demo/ü.py"))


def refusal(data: bytes, limits: ReadLimits = DEFAULT_LIMITS) -> ArchiveError:
    """The error that reading these bytes gives."""
    with pytest.raises(ArchiveError) as caught:
        read_sdist(data, limits=limits)
    return caught.value


def paths(data: bytes) -> list[str]:
    """The paths of the files read."""
    return [member.path for member in read_sdist(data).members]


def pax(*records: bytes) -> bytes:
    """An archive whose last member has these extended records."""
    return a.raw_sdist(a.extended(*records), a.member(f"{R}/x.py".encode(), X))


def pax_raw(data: bytes) -> bytes:
    """An archive whose last member has this extended header."""
    return a.raw_sdist(a.raw_extended(data), a.member(f"{R}/x.py".encode()))


def named(name: str | bytes) -> bytes:
    """An archive with one more member, whose name stands in an extended header."""
    raw = name.encode() if isinstance(name, str) else name
    return a.raw_sdist(a.extended(b"path=" + raw), a.member(f"{R}/x.py".encode()))


def signed(block: bytes) -> bytes:
    """The header block with the checksum that the tars of old wrote, of signed bytes."""
    total = sum(byte - 256 * (byte > 127) for byte in block[:148] + b" " * 8 + block[156:])
    return block[:148] + b"%06o\0 " % total + block[156:]


ACCEPTED = [
    pytest.param(a.sdist(a.file(f"{R}/demo/nodes.py")), "demo/nodes.py", id="A00-control"),
    pytest.param(a.sdist(a.file(f"{R}/demo/run", mode=0o6755)), "demo/run", id="A15-setuid"),
    pytest.param(a.sdist(a.file(f"{R}/setup.py", b"open('/x', 'w')")), "setup.py", id="A54-setup-py"),
    pytest.param(a.sdist(a.file(f"{R}/a" * 30 + ".py"), form=tarfile.GNU_FORMAT), "a", id="gnu-long-name"),
    pytest.param(a.sdist(a.file(f"{R}/{'a' * 90}/{'b' * 90}"), form=tarfile.USTAR_FORMAT), "a", id="ustar-prefix"),
    pytest.param(a.sdist(a.file(f"{R}/{'a' * 90}/{'b' * 90}")), "a", id="pax-path"),
    pytest.param(a.sdist(a.file(f"{R}/x.py", mtime=1.5)), "x.py", id="pax-mtime"),
    pytest.param(pax(b"path=demo-1.0/y.py", b"size=%d" % len(X)), "y.py", id="pax-size-repeated"),
    pytest.param(a.sdist(a.file(f"{R}/x.py", uid=1 << 40), form=tarfile.GNU_FORMAT), "x.py", id="gnu-large-uid"),
    pytest.param(a.sdist(a.file(f"{R}/x.py"), pax={"comment": "0" * 40}), "x.py", id="git-archive-comment"),
    pytest.param(a.sdist(a.folder(R), a.folder(f"{R}/d"), a.file(f"{R}/d/x.py")), "d/x.py", id="folders-listed"),
    pytest.param(a.sdist(a.file(f"{R}/d/x.py"), a.folder(f"{R}/d"), a.folder(f"{R}/d")), "d/x.py", id="folder-later"),
    pytest.param(a.raw_sdist(a.member(b"demo-1.0/x", magic=bytes(8), kind=b"\0")), "x", id="v7"),
    pytest.param(
        a.raw_sdist(a.header(b"demo-1.0/d/", 0, b"\0", bytes(8)), a.member(b"demo-1.0/x")), "x", id="v7-folder"
    ),
    pytest.param(
        a.raw_sdist(a.member(b"demo-1.0/x", mode=b"   644 \0", uid=bytes(8), major=bytes(8))), "x", id="blanks"
    ),
    pytest.param(a.raw_sdist(a.member(b"demo-1.0/x"), end=bytes(10240)), "x", id="tape-record"),
    pytest.param(a.gz(a.tar(a.folder("."), a.folder(f"./{R}"), a.file(f"./{R}/x.py"))), "x.py", id="dot-slash"),
    pytest.param(a.gz_framed(a.tar(*a.basis()), 8, b"demo.tar\0"), "PKG-INFO", id="gzip-name"),
    pytest.param(a.gz_framed(a.tar(*a.basis()), 4 | 8 | 16, b"\2\0abn\0c\0"), "PKG-INFO", id="gzip-all-fields"),
    pytest.param(named("demo-1.0/日本.py"), "日本.py", id="not-ascii"),
    pytest.param(a.raw_sdist(signed(a.header("demo-1.0/ü/é".encode()))), "ü/é", id="sum-of-signed-bytes"),
    pytest.param(a.sdist(a.file(f"{R}/vendor/x/.git", b"gitdir: y")), "vendor/x/.git", id="pointer-of-a-submodule"),
    pytest.param(named(unicodedata.normalize("NFD", "demo-1.0/ü.py")), "ü.py", id="made-nfc"),
]

NAMES = [
    pytest.param(a.sdist(a.file(f"{R}/../../evil.py")), "name-path", id="A01-dotdot"),
    pytest.param(a.sdist(a.file("/abs/evil.py")), "name-path", id="A02-absolute"),
    pytest.param(a.sdist(a.file(f"{R}/x.py", pax_headers={"path": "/abs/evil"})), "name-path", id="A28-pax-path"),
    pytest.param(named(f"{R}/a.py\0.txt"), "name-control", id="A33-nul"),
    pytest.param(a.raw_sdist(a.long_name(b"demo-1.0/a\0b"), a.member(b"x")), "name-control", id="nul-in-gnu-name"),
    pytest.param(named("/" + "a/" * 400), "name-path", id="absolute-and-long"),
    pytest.param(named(f"{R}/../{R}/x.py"), "name-path", id="leaves-and-returns"),
    pytest.param(named(f"{R}/./x.py"), "name-path", id="dot-inside"),
    pytest.param(named(f"././{R}/x.py"), "name-path", id="dot-twice"),
    pytest.param(named(f".//{R}/x.py"), "name-path", id="dot-then-absolute"),
    pytest.param(named(f"{R}//x.py"), "name-path", id="empty-part"),
    pytest.param(named(f"{R}/x.py/"), "name-path", id="file-with-slash"),
    pytest.param(a.sdist(a.folder(f"{R}/d//")), "name-path", id="folder-with-two-slashes"),
    pytest.param(a.raw_sdist(a.member(b"")), "name-path", id="no-name"),
    pytest.param(named(f"{R}\\..\\x.py"), "name-path", id="backslash"),
    pytest.param(named(f"{R}/a\x1b[2J.py"), "name-control", id="escape"),
    pytest.param(named(f"{R}/a\n.py"), "name-control", id="newline"),
    pytest.param(named(f"{R}/a\u202egnp.py"), "name-control", id="right-to-left"),
    pytest.param(named(f"{R}/a\u200b.py"), "name-control", id="zero-width"),
    pytest.param(named(f"{R}/a\u2028.py"), "name-control", id="line-separator"),
    pytest.param(named(f"{R}/ä.py".encode("latin-1")), "name-encoding", id="latin-1"),
    pytest.param(named(f"{R}/".encode() + b"\xed\xa0\x80.py"), "name-encoding", id="surrogate"),
    pytest.param(named(R + "/a" * 32), "name-depth", id="too-deep"),
    pytest.param(named(f"{R}/{'ü' * 101}"), "name-length", id="too-long"),
    pytest.param(named(f"{R}/.GIT/config"), "name-unportable", id="git-folder"),
    pytest.param(a.sdist(a.folder(f"{R}/x/.git")), "name-unportable", id="listed-git-folder"),
    pytest.param(named(f"{R}/x/.Git"), "name-unportable", id="git-in-another-case"),
    pytest.param(named(f"{R}/C:evil.py"), "name-unportable", id="drive"),
    pytest.param(named(f"{R}/NUL.txt"), "name-unportable", id="device"),
    pytest.param(named(f"{R}/x /y"), "name-unportable", id="space-at-the-end"),
    pytest.param(named(f"{R}/x."), "name-unportable", id="dot-at-the-end"),
    pytest.param(a.sdist(a.file("other-1.0/x.py")), "root", id="A38-two-roots"),
    pytest.param(a.sdist(a.file("PKG-INFO")), "root", id="A39-bare"),
    pytest.param(a.gz(a.tar(a.file("PKG-INFO"))), "root", id="A39-only-bare"),
    pytest.param(a.sdist(a.file("Demo-1.0/x.py")), "root", id="root-in-other-case"),
    pytest.param(a.sdist(a.folder("other-1.0")), "root", id="second-root-folder"),
]

COLLISIONS = [
    pytest.param(["a.py", "a.py"], id="A11-duplicate"),
    pytest.param(["Nodes.py", "nodes.py"], id="A12-case"),
    pytest.param(["ü.py", "u\u0308.py"], id="A13-normal-forms"),
    pytest.param(["a", "a/b.py"], id="A14-file-then-folder"),
    pytest.param(["a/b.py", "a"], id="folder-then-file"),
    pytest.param(["A", "a/b.py"], id="file-then-folder-in-other-case"),
    pytest.param(["Sub/a.py", "sub/b.py"], id="folders-in-two-cases"),
    pytest.param(["straße.py", "STRASSE.py"], id="folded-letters"),
    pytest.param(["ǰ.py", "J\u030c.py"], id="case-and-normal-form"),
    pytest.param(["ß\u0307.py", "sṡ.py"], id="composed-after-folding"),
    pytest.param(["\u1f80\u0323.py", "\u1f00\u0323\u03b9.py"], id="taken-apart-before-folding"),
    pytest.param(["k.py", "\u212a.py"], id="kelvin-sign"),
    pytest.param(["a/", "a"], id="listed-folder-then-file"),
    pytest.param(["a", "a/"], id="file-then-listed-folder"),
]

TYPES = [
    pytest.param(a.sdist(a.symlink(f"{R}/l", "/outside"), a.file(f"{R}/l/evil.py")), id="A04-link-then-write"),
    pytest.param(a.sdist(a.symlink(f"{R}/demo/l", "../../../../outside")), id="A05-relative-link"),
    pytest.param(a.sdist(a.special(f"{R}/h", tarfile.LNKTYPE, "/outside/victim")), id="A08-hard-link"),
    pytest.param(a.sdist(a.symlink("", "."), a.symlink("x", "/../../")), id="A10-links-without-name"),
    pytest.param(a.sdist(a.special(f"{R}/p", tarfile.FIFOTYPE)), id="A18-fifo"),
    pytest.param(a.sdist(a.special(f"{R}/p", tarfile.CHRTYPE)), id="character-device"),
    pytest.param(a.sdist(a.special(f"{R}/p", tarfile.BLKTYPE)), id="block-device"),
    pytest.param(a.sdist(a.symlink(f"{R}/l", "y" * 120), form=tarfile.GNU_FORMAT), id="link-with-long-target"),
    *(
        pytest.param(a.raw_sdist(a.header(b"demo-1.0/x", 0, bytes([kind]))), id=f"type-{kind:#x}")
        for kind in b"7ADMNSVX8\xff"
    ),
]

HEADERS = [
    pytest.param(pax(b"size=8589934592"), "pax-key", id="A25-pax-size"),
    pytest.param(
        a.raw_sdist(a.header(b"demo-1.0/x", b"\x80\0\0\0\0\0\0\2\0\0\0\0")), "too-big-unpacked", id="A25-gnu-size"
    ),
    pytest.param(a.raw_sdist(a.header(b"demo-1.0/x", MIB)), "size-beyond-end", id="A25-smaller-lie"),
    pytest.param(a.raw_sdist(a.header(b"demo-1.0/x", b"\xff" * 11 + b"\0")), "negative-size", id="A26-negative"),
    pytest.param(a.raw_sdist(a.header(b"demo-1.0/x", b"-0000001000\0")), "negative-size", id="A26-octal-negative"),
    pytest.param(
        a.raw_sdist(a.member(b"demo-1.0/x", magic=b"ustar  \0", prefix=b"y")), "bad-header", id="gnu-and-prefix"
    ),
    pytest.param(a.raw_sdist(a.member(b"demo-1.0/x", magic=b"ustar\x0001")), "bad-header", id="unknown-version"),
    pytest.param(a.raw_sdist(a.header(b"demo-1.0/x", b"0000001_000\0")), "bad-header", id="underscore-in-number"),
    pytest.param(a.raw_sdist(a.member(b"demo-1.0/x", uid=b"1 2\0\0\0\0\0")), "bad-header", id="two-numbers-in-one"),
    pytest.param(a.raw_sdist(a.member(b"demo-1.0/x", major=b"zero\0\0\0\0")), "bad-header", id="device-number"),
    pytest.param(a.raw_sdist(a.member(b"demo-1.0/x", mode=b"-000644\0")), "bad-header", id="mode-negative"),
    pytest.param(a.raw_sdist(a.member(b"demo-1.0/x", uid=b"\x81" + bytes(7))), "bad-header", id="odd-large-number"),
    pytest.param(a.gz(a.header(b"demo-1.0/x")[:-1] + b"\1" + a.END), "bad-checksum", id="checksum-of-first"),
    pytest.param(a.raw_sdist(a.member(b"demo-1.0/x", kind=b"5")), "bad-header", id="folder-with-data"),
    pytest.param(a.raw_sdist(a.header(b"demo-1.0/x")[:-1] + b"\1"), "bad-checksum", id="checksum"),
    pytest.param(
        a.raw_sdist(signed(a.header("demo-1.0/ü".encode()))[:-1] + b"\1"), "bad-checksum", id="signed-checksum"
    ),
    pytest.param(pax(b"size=%d" % (len(X) - 1)), "pax-key", id="pax-size-less"),
    pytest.param(pax(b"size=0%d" % len(X)), "pax-key", id="pax-size-not-as-written"),
    pytest.param(pax(b"size="), "pax-key", id="pax-empty-size"),
    pytest.param(pax(b"size=%d" % len(X), b"size=%d" % len(X)), "pax-key", id="pax-two-sizes"),
    pytest.param(a.sdist(pax={"size": "0"}), "pax-key", id="pax-size-for-all"),
    pytest.param(pax(b"linkpath=/etc/passwd"), "pax-key", id="pax-linkpath"),
    pytest.param(pax(b"hdrcharset=BINARY"), "pax-key", id="pax-charset"),
    pytest.param(pax(b"GNU.sparse.major=1"), "pax-key", id="pax-sparse"),
    pytest.param(pax(b"path="), "pax-key", id="pax-empty-path"),
    pytest.param(pax(b"path=demo-1.0/a", b"path=demo-1.0/b"), "pax-key", id="pax-two-paths"),
    pytest.param(pax(b"mtime=1", b"mtime=1"), "pax-key", id="pax-key-twice"),
    pytest.param(a.sdist(pax={"path": f"{R}/a"}), "pax-key", id="pax-path-for-all"),
    pytest.param(
        a.raw_sdist(a.extended(b"mtime=1"), a.extended(b"mtime=1"), a.member(b"demo-1.0/x")),
        "bad-header",
        id="pax-twice",
    ),
    pytest.param(
        a.raw_sdist(a.extended(b"mtime=1"), a.long_name(b"demo-1.0/x"), a.member(b"y")), "bad-header", id="pax-and-gnu"
    ),
    pytest.param(
        a.raw_sdist(a.extended(b"mtime=1"), a.extended(kind=b"g"), a.member(b"demo-1.0/x")),
        "bad-header",
        id="pax-then-global",
    ),
    pytest.param(
        a.raw_sdist(a.long_name(b"demo-1.0/x"), a.member(b"y", kind=b"\0")), "bad-header", id="v7-with-long-name"
    ),
    pytest.param(a.raw_sdist(a.extended(b"mtime=1")), "bad-header", id="pax-of-nothing"),
    pytest.param(a.raw_sdist(a.long_name(b""), a.member(b"demo-1.0/x")), "bad-header", id="gnu-name-empty"),
    pytest.param(a.raw_sdist(a.extended(kind=b"g")), "bad-header", id="global-not-first"),
    pytest.param(pax_raw(b"10 mtime=19 uid=10\n"), "bad-header", id="pax-no-line-end"),
    pytest.param(pax_raw(b"0 a=b\n"), "bad-header", id="pax-length-zero"),
    pytest.param(pax_raw(b"99 mtime=1\n"), "bad-header", id="pax-length-beyond"),
    pytest.param(pax_raw(b"9 mtime=1\n"), "bad-header", id="pax-length-short"),
    pytest.param(pax_raw(b"-9 mtime=1\n"), "bad-header", id="pax-length-negative"),
    pytest.param(pax_raw(b"8 mtime\n"), "bad-header", id="pax-no-equals"),
    pytest.param(pax_raw(b"11 mtime=1\n" + bytes(20)), "bad-header", id="pax-then-zeros"),
    pytest.param(pax(b"comment=" + b"a" * 70_000), "bad-header", id="pax-too-large"),
]

FRAMES = [
    pytest.param(GOOD[: len(GOOD) // 2], "truncated-gzip", id="A41-half"),
    pytest.param(GOOD[:-8] + bytes([GOOD[-8] ^ 1]) + GOOD[-7:], "bad-crc", id="A42-crc"),
    pytest.param(GOOD[:-1] + bytes([GOOD[-1] ^ 1]), "bad-crc", id="length"),
    pytest.param(a.sdist(end=False), "no-end-of-archive", id="A44-no-end"),
    pytest.param(a.raw_sdist(end=bytes(512)), "no-end-of-archive", id="one-end-block"),
    pytest.param(a.raw_sdist(end=bytes(1023)), "no-end-of-archive", id="end-cut"),
    pytest.param(a.raw_sdist(end=b"x" * 100), "no-end-of-archive", id="header-cut"),
    pytest.param(a.gz(b""), "no-end-of-archive", id="nothing-packed"),
    pytest.param(a.gz(a.END), "empty", id="no-members"),
    pytest.param(a.gz(a.tar(a.folder(R))), "empty", id="only-folders"),
    pytest.param(a.raw_sdist(end=bytes(512) + b"x" * 512), "trailing-data", id="block-after-one-end-block"),
    pytest.param(
        a.raw_sdist(end=bytes(512) + a.member(b"demo-1.0/x") + a.END), "trailing-data", id="member-after-one-end-block"
    ),
    pytest.param(a.raw_sdist(end=a.END + a.member(b"demo-1.0/x") + a.END), "trailing-data", id="member-after-end"),
    pytest.param(a.raw_sdist(end=a.END + bytes(5_000_000) + b"x"), "trailing-data", id="byte-far-after-end"),
    pytest.param(a.sdist() + a.sdist(), "trailing-data", id="A46-two-gzip-members"),
    pytest.param(GOOD + b"x", "trailing-data", id="byte-after-gzip"),
    pytest.param(GOOD + bytes(512), "trailing-data", id="zeros-after-gzip"),
    pytest.param(lzma.compress(a.tar(*a.basis())), "not-gzip", id="A49-xz"),
    pytest.param(b"<!doctype html><title>Sign in</title>", "not-gzip", id="A51-html"),
    pytest.param(b"", "not-gzip", id="no-bytes"),
    pytest.param(GOOD[:2], "truncated-gzip", id="two-bytes"),
    pytest.param(b"\x1f\x8b\x07" + GOOD[3:], "not-gzip", id="unknown-method"),
    pytest.param(GOOD[:3] + b"\x20" + GOOD[4:], "corrupt-gzip", id="unknown-flag"),
    pytest.param(GOOD[:10] + b"\xff" + GOOD[11:], "corrupt-gzip", id="no-deflate"),
    pytest.param(a.gz_framed(b"", 2, b"\0\0"), "bad-crc", id="header-crc"),
    pytest.param(b"\x1f\x8b\x08\x08" + bytes(6) + b"name-without-end", "truncated-gzip", id="cut-in-name"),
    pytest.param(a.gz_framed(b"", 4, b"\xff\xff" + b"\1" * 65535), "truncated-gzip", id="extra-field-too-large"),
    pytest.param(b"\x1f\x8b\x08\x04" + bytes(6) + b"\xff\xffa", "truncated-gzip", id="cut-in-extra"),
    pytest.param(a.gz(b"no tar at all " * 100), "not-tar", id="text"),
    pytest.param(a.gz(GOOD + bytes(512)), "not-tar", id="packed-twice"),
]


@pytest.mark.parametrize(("data", "path"), ACCEPTED)
def test_unusual_but_sound_archive_is_read(data: bytes, path: str) -> None:
    """Whatever the usual programs write is read, and the member is found under its plain path."""
    found = paths(data)
    assert path in found or any(one.startswith(path) and len(one) > 80 for one in found)


@pytest.mark.parametrize(("data", "reason"), [*NAMES, *HEADERS, *FRAMES])
def test_hostile_archive_is_refused_for_its_reason(data: bytes, reason: str) -> None:
    """The reason is part of the contract, and the message can be shown to a terminal as it is."""
    error = refusal(data)
    assert error.reason == reason
    assert str(error).isprintable()
    assert len(str(error)) < 500


@pytest.mark.parametrize("data", TYPES)
def test_member_that_is_no_file_is_refused(data: bytes) -> None:
    """Links, devices and unknown types are refused wherever they point."""
    assert refusal(data).reason == "member-type"


@pytest.mark.parametrize("names", COLLISIONS)
def test_names_that_meet_on_some_file_system_are_refused(names: list[str]) -> None:
    """Two members that one file system takes for one are refused on all, with both names told."""
    entries = [a.folder(f"{R}/{name[:-1]}") if name.endswith("/") else a.file(f"{R}/{name}") for name in names]
    error = refusal(a.sdist(*entries))
    assert error.reason == "collision"
    assert all(unicodedata.normalize("NFC", name.split("/")[0]) in str(error) for name in names)


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        pytest.param(b"\xef\xbb\xbf \n<HTML>", "credentials and proxy", id="web-page"),
        pytest.param(lzma.compress(b""), "gzip", id="xz"),
        pytest.param(bz2.compress(b""), "gzip", id="bzip2"),
        pytest.param(b"PK\x03\x04", "source archives", id="wheel"),
        pytest.param(b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull", id="lfs-pointer"),
        pytest.param(b'{"error": "denied"}', "curl", id="json"),
        pytest.param(b"<?xml version='1.0'?><Error/>", "curl", id="xml"),
        pytest.param(a.tar(*a.basis()), "gzip", id="bare-tar"),
        pytest.param(a.gz(GOOD), "Content-Encoding", id="packed-twice"),
    ],
)
def test_hint_tells_what_the_file_is_instead(data: bytes, hint: str) -> None:
    """Someone who fetched a login page is told so, and not that a magic number is wrong."""
    assert hint in refusal(data).hint


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.parent.name)
def test_archive_of_the_old_tool_is_read_as_tarfile_reads_it(sample: Path) -> None:
    """Archives that Kedro made are read whole."""
    assert read_sdist(sample.read_bytes()) == as_tarfile_reads(sample.read_bytes())


def test_members_are_sorted_and_below_the_root() -> None:
    """The order in the archive does not show, nor does the root folder."""
    sdist = read_sdist(GOOD)
    assert sdist.root == R
    assert [member.path for member in sdist.members] == [
        "PKG-INFO",
        "demo/__init__.py",
        "demo/sub/nodes.py",
        "demo/ü.py",
    ]
    assert sdist.file("demo/sub/nodes.py") == b"x = 1\n"
    assert sdist.file("demo/sub") is None


@pytest.mark.parametrize(
    ("mode", "executable"),
    [(0o644, False), (0o6644, False), (0o100, True), (0o010, True), (0o001, True), (0o6755, True)],
    ids=["plain", "setuid-only", "owner", "group", "others", "setuid-and-x"],
)
def test_of_the_mode_only_executable_is_kept(mode: int, executable: bool) -> None:
    """Any x bit makes a file executable; setuid, setgid and sticky bits do not exist for us."""
    members = read_sdist(a.sdist(a.file(f"{R}/z", mode=mode))).members
    assert members[-1] == ("z", b"x = 1\n", executable)


def test_stream_is_read_from_where_it_stands() -> None:
    """A file object does as well as bytes."""
    stream = io.BytesIO(b"skipped" + GOOD)
    stream.seek(7)
    assert read_sdist(stream) == read_sdist(GOOD)


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, MIB - 1, MIB, MIB + 1, 3 * MIB + 7])
def test_member_of_any_size_is_read_whole(size: int) -> None:
    """Borders of blocks and of inflated pieces do not show in the data."""
    data = (b"0123456789abcdef!" * (size // 17 + 1))[:size]
    archive = a.sdist(a.file(f"{R}/data.bin", data), a.file(f"{R}/after"))
    sdist = read_sdist(archive)
    assert sdist.file("data.bin") == data
    assert sdist.file("after") == b"x = 1\n"


class TestCaps:
    """What passes a cap is refused before the work is done."""

    @pytest.mark.parametrize(
        ("limits", "reason"),
        [
            pytest.param(ReadLimits(packed=len(GOOD) - 1), "too-big-packed", id="packed"),
            pytest.param(ReadLimits(unpacked=4000), "too-big-unpacked", id="unpacked"),
            pytest.param(ReadLimits(members=4), "too-many-members", id="members"),
            pytest.param(ReadLimits(depth=3), "name-depth", id="depth"),
            pytest.param(ReadLimits(component=7), "name-length", id="component"),
            pytest.param(ReadLimits(ratio=2, ratio_from=0), "too-big-unpacked", id="ratio"),
        ],
    )
    def test_cap_is_kept(self, limits: ReadLimits, reason: str) -> None:
        """Each cap has its reason; with the defaults the same archive is read."""
        assert read_sdist(GOOD).members
        assert refusal(GOOD, limits).reason == reason

    def test_cap_itself_is_allowed(self) -> None:
        """The caps are the largest values that pass: PAX headers are no members, and the tar has 10,240 bytes."""
        exact = ReadLimits(packed=len(GOOD), unpacked=10_240, members=5, depth=4, component=11)
        assert read_sdist(GOOD, limits=exact) == read_sdist(GOOD)

    def test_a22_sixty_thousand_members(self) -> None:
        """Empty members cost nothing to send and much to write."""
        assert refusal(a.gz(a.member(b"demo-1.0/x", b"") * 60_000)).reason in {"collision", "too-many-members"}
        names = (a.header(b"demo-1.0/%d" % number) for number in range(60_000))
        assert refusal(a.gz(b"".join(names) + a.END)).reason == "too-many-members"

    def test_sixty_thousand_folders(self) -> None:
        """Whether they are listed, or made by the names of a few files."""
        listed = (a.header(b"demo-1.0/%d/" % number, 0, b"5") for number in range(60_000))
        assert refusal(a.gz(b"".join(listed) + a.END)).reason == "too-many-members"
        deep = b"/".join(b"%d" % part for part in range(20))
        implied = (a.member(b"demo-1.0/%d/%s" % (number, deep)) for number in range(3_000))
        error = refusal(a.gz(b"".join(implied) + a.END))
        assert (error.reason, error.problem) == ("too-many-members", "its files stand in more than 10000 folders")

    def test_headers_for_all_members_are_counted(self) -> None:
        """A header that belongs to no member cannot be repeated for ever."""
        data = a.gz(a.extended(b"comment=x", kind=b"g") * 50 + a.tar(*a.basis()))
        assert read_sdist(data).members
        assert refusal(data, ReadLimits(members=40)).reason == "too-many-members"

    def test_a21_claimed_size_is_refused_before_it_is_inflated(self) -> None:
        """A gigabyte of zeros in one member stops at its header."""
        source = Inflater(io.BytesIO(a.bomb(1024 * MIB)), DEFAULT_LIMITS)
        with pytest.raises(ArchiveError, match="claims 1073741824 bytes"):
            drain(source)
        assert source.unpacked <= 2 * MIB

    def test_ratio_stops_a_bomb_below_the_size_cap(self) -> None:
        """Zeros that would fit the caps are still no source code."""
        source = Inflater(io.BytesIO(a.bomb(200 * MIB)), DEFAULT_LIMITS)
        with pytest.raises(ArchiveError, match="200 times its own size"):
            drain(source)
        assert source.unpacked <= DEFAULT_LIMITS.ratio_from + 2 * MIB

    def test_zeros_after_the_end_are_counted_too(self) -> None:
        """The end of the tar is no hiding place for a bomb."""
        data = a.gz(a.tar(*a.basis()) + bytes(64 * MIB))
        assert refusal(data).reason == "too-big-unpacked"

    def test_memory_of_a_bomb_is_bounded(self) -> None:
        """Refusing a bomb takes little more memory than the size from which the ratio counts."""
        data = a.bomb(200 * MIB)
        tracemalloc.start()
        try:
            refusal(data)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < DEFAULT_LIMITS.ratio_from + 4 * MIB


def drain(source: Inflater) -> None:
    """Walk all members and keep none."""
    for _ in walk(source, DEFAULT_LIMITS):
        pass


class TestDamage:
    """No damage gives a different archive: it is refused, or it does not matter."""

    def test_every_cut_is_refused(self) -> None:
        """An archive that was cut anywhere is never taken for a smaller one."""
        reasons = {refusal(GOOD[:length]).reason for length in range(1, len(GOOD))}
        assert reasons == {"truncated-gzip"}

    def test_every_cut_of_the_tar_is_refused(self) -> None:
        """A tar that was cut before it was packed is refused up to its second end block."""
        whole = a.tar(*a.basis())
        end = len(a.tar(*a.basis(), end=False)) + 1024
        for length in range(0, end, 37):
            refusal(a.gz(whole[:length]))
        assert paths(a.gz(whole[:end])) == paths(a.gz(whole))

    def test_every_flipped_byte_is_refused_or_harmless(self) -> None:
        """Only the time, the system and the hints in the gzip header may change unseen."""
        harmless = set()
        for at in range(len(GOOD)):
            try:
                sdist = read_sdist(GOOD[:at] + bytes([GOOD[at] ^ 0x41]) + GOOD[at + 1 :])
            except ArchiveError:
                continue
            assert sdist == read_sdist(GOOD)
            harmless.add(at)
        assert harmless <= set(range(3, 10))


def as_tarfile_reads(data: bytes) -> Sdist:
    """The archive as Python's own reader understands it, in the form of ours."""
    root, members = "", []
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        for info in archive:
            file = archive.extractfile(info)
            assert (file is not None) == info.isreg() == (not info.isdir())
            if file is not None:
                name = unicodedata.normalize("NFC", info.name.removeprefix("./"))
                root, _, path = name.partition("/")
                members.append(Member(path, file.read(), bool(info.mode & 0o111)))
    return Sdist(root, tuple(sorted(members)))


SEEDS = [
    a.tar(*a.basis(), a.folder(f"{R}/demo/sub"), a.file(f"{R}/demo/{'x' * 80}/ü.py"), form=form)
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT)
]
EDITS = st.tuples(st.integers(0, 8), st.integers(0, 511), st.binary(min_size=1, max_size=12))


def edited(tar: bytes, edits: list[tuple[int, int, bytes]], repair: bool) -> bytes:
    """The tar with some bytes overwritten, the checksums of the blocks they stand in made right again or not."""
    for block, at, new in edits:
        start = block * 512
        old = tar[start : start + 512]
        new_block = (old[:at] + new + old[at + len(new) :])[:512]
        tar = tar[:start] + (a.fixed(new_block) if repair else new_block) + tar[start + 512 :]
    return tar


NAMES_BUILT = st.sampled_from(
    [f"{R}/{name}".encode() for name in ("a", "b", "a/b", "d/", "d/e", "ü", "A", "./a", "..", "a\\b")]
)
RECORDS = st.one_of(
    NAMES_BUILT.map(lambda name: b"path=" + name),
    st.sampled_from(
        [b"mtime=1.5", b"mtime=soon", b"uid=x", b"comment=a\nb", b"size=3", b"path=", b"linkpath=x", b"path=x\0y"]
    ),
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "kind": st.sampled_from([bytes([kind]) for kind in b"0\x00521xgLKS7"]),
        "magic": st.sampled_from([b"ustar\x0000", b"ustar  \0", bytes(8), b"ustar\0  "]),
        "prefix": st.sampled_from([b"", R.encode(), b"/", b"a" * 155]),
        "mode": st.sampled_from(
            [b"0000755\0", b"755 \0\0\0\0", b"\x80\0\0\0\0\0\1\xed", b"-000755\0", b"abc\0\0\0\0\0"]
        ),
        "uid": st.sampled_from([bytes(8), b" " * 8, b"\xff" * 8, b"\x81\0\0\0\0\0\0\1", b"\0001\0\0\0\0\0\0"]),
        "mtime": st.sampled_from([bytes(12), b"-0000000001\0", b"1 2\0\0\0\0\0\0\0\0\0"]),
        "major": st.sampled_from([bytes(8), b"x" * 8]),
    },
)
BLOCKS = st.one_of(
    st.builds(lambda name, data, fields: a.member(name, data, **fields), NAMES_BUILT, st.binary(max_size=3), FIELDS),
    st.lists(RECORDS, max_size=2).map(lambda records: a.extended(*records)),
    st.lists(RECORDS, max_size=1).map(lambda records: a.extended(*records, kind=b"g")),
    NAMES_BUILT.map(a.long_name),
    st.just(bytes(512)),
)


class TestAgreement:
    """What is accepted is what Python's own reader sees; what is refused is refused with an `ArchiveError`."""

    @settings(max_examples=200, deadline=None)
    @given(st.sampled_from(SEEDS), st.lists(EDITS, max_size=3), st.booleans())
    @example(SEEDS[0], [(0, 108, b"garbage\0")], True)
    @example(SEEDS[2], [(0, 156, b"\0")], True)
    def test_edited_headers(self, tar: bytes, edits: list[tuple[int, int, bytes]], repair: bool) -> None:
        """Headers with foreign bytes, with right checksums and wrong ones."""
        data = a.gz(edited(tar, edits, repair))
        try:
            sdist = read_sdist(data)
        except ArchiveError:
            return
        assert sdist == as_tarfile_reads(data)

    @settings(max_examples=200, deadline=None)
    @given(st.lists(BLOCKS, max_size=4))
    def test_built_headers(self, blocks: list[bytes]) -> None:
        """Headers of all formats and kinds, in any order."""
        data = a.raw_sdist(*blocks)
        try:
            sdist = read_sdist(data)
        except ArchiveError:
            return
        assert sdist == as_tarfile_reads(data)

    @settings(max_examples=200, deadline=None)
    @given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.binary(max_size=4)), max_size=3))
    def test_edited_gzip(self, edits: list[tuple[int, bytes]]) -> None:
        """Bytes put into the packed data: the checksum of the whole lets none of them through."""
        data = GOOD
        for at, new in edits:
            data = data[:at] + new + data[at + len(new) // 2 :]
        try:
            sdist = read_sdist(data)
        except ArchiveError:
            return
        assert sdist == read_sdist(GOOD)

    @settings(max_examples=100, deadline=None)
    @given(st.binary(max_size=2000), st.sampled_from([bytes, a.gz, lambda b: a.gz(a.padded(b) + a.END)]))
    def test_any_bytes(self, data: bytes, frame: Callable[[bytes], bytes]) -> None:
        """Noise is refused in order."""
        refusal(frame(data))


def test_reading_loads_no_heavy_module() -> None:
    """A read of a plain archive imports neither `tarfile` nor `gzip`, `email`, `packaging` or `tomllib`."""
    code = (
        "import sys; from micropkgd.sdist.reader import read_sdist; read_sdist(sys.stdin.buffer);"
        "print(sorted({'tarfile', 'gzip', 'email', 'packaging', 'tomllib', 'unicodedata'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], input=a.sdist(), capture_output=True, check=True)
    assert run.stdout.strip() == b"[]"


def test_gzip_module_would_not_have_noticed() -> None:
    """The reason for reading the frame ourselves: `tarfile` reads an archive with a wrong checksum in silence."""
    wrong = GOOD[:-8] + bytes(4) + GOOD[-4:]
    with tarfile.open(fileobj=io.BytesIO(wrong), mode="r:gz") as archive:
        assert len(archive.getnames()) == 5
    with pytest.raises(gzip.BadGzipFile):
        gzip.decompress(wrong)
    assert zlib.decompress(GOOD, 31)
    assert refusal(wrong).reason == "bad-crc"
