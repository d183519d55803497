"""Archives with something changed: what our reader takes, GNU tar unpacks to the same files with the same bytes.

Valid archives of several writers are changed byte by byte and field by field, in the tar and in the gzip frame around
it. `MICROPKGD_TEST_EXAMPLES=20000 pytest -n 2 tests/sdist/test_fuzz.py` tries that many of each kind.
"""

import gzip
import itertools
import os
import subprocess
import tracemalloc
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from micropkgd.errors import ArchiveError
from micropkgd.sdist.headers import walk
from micropkgd.sdist.inflate import Inflater
from micropkgd.sdist.limits import MIB, ReadLimits
from micropkgd.sdist.reader import Sdist, read_sdist
from tests.kit import archives as a
from tests.kit.gnu_tar import unpacked
from tests.kit.world import ROW, SAMPLES, World

pytestmark = pytest.mark.no_cover

EXAMPLES = int(os.environ.get("MICROPKGD_TEST_EXAMPLES", "0"))
FUZZ = settings(max_examples=EXAMPLES or 150, deadline=None, suppress_health_check=list(HealthCheck))
FEW = settings(FUZZ, max_examples=max(EXAMPLES // 20, 40))

# Where each field of a header stands, and what a hostile or careless writer may put there.
FIELDS = {
    "name": (0, 100), "mode": (100, 108), "uid": (108, 116), "gid": (116, 124), "size": (124, 136),
    "mtime": (136, 148), "checksum": (148, 156), "kind": (156, 157), "link": (157, 257), "magic": (257, 265),
    "uname": (265, 297), "gname": (297, 329), "major": (329, 337), "minor": (337, 345), "prefix": (345, 500),
    "rest": (500, 512),
}  # fmt: skip
NUMBERS = [b"", b"0", b"7", b"-1", b"0000644\0", b"00000000001\0", b"77777777777", b"777777777777", b"     12 ",
           b"1 2", b"8", b"0x10", b"1\0002", b"\x80" + bytes(10) + b"\1", b"\x80" + b"\xff" * 11, b"\xff" * 12,
           b"\xff" * 11 + b"\x00", b"\x81" + bytes(11), b"00000001000\0", b"00000002000\0"]  # fmt: skip
TEXTS = [b"", b"x", b"/", b"/abs", b"..", b"../up", b"a/../b", b"demo-1.0/demo/../../../../up.py",
         b"demo-1.0/demo/x.pth", b"./", b"./x", b"demo-1.0", b"demo-1.0/", b"demo-1.0/a", b"demo-1.0/demo",
         b"demo-1.0/demo/", b"demo-1.0/demo/__init__.py", b"demo-1.0/DEMO/x", b"demo-1.0//x", b"demo-1.0/x\\y",
         b"demo-1.0/\xc3\xbc", b"demo-1.0/u\xcc\x88", b"demo-1.0/\xff", b"demo-1.0/x\0y", b"a" * 100, b"a" * 155,
         b"demo-1.0/" + b"d/" * 40, b"\n", b"ustar\x0000", b"ustar  \0", b"ustar\0  "]  # fmt: skip
KINDS = [bytes([kind]) for kind in b"\x00012345678gxLKSDMNVXA"]
RECORDS = [b"path=demo-1.0/p", b"path=../p", b"path=/p", b"path=", b"path=demo-1.0/p/", b"linkpath=x", b"size=3",
           b"size=6", b"size=0", b"size=99999999999", b"size=-1", b"mtime=1.5", b"mtime=soon", b"mtime=1e9",
           b"mtime=-1", b"atime=99999999999999999999", b"uid=x", b"uid=99999999999999999999", b"gid=-1", b"uname=",
           b"comment=a\nb", b"GNU.sparse.major=1", b"GNU.sparse.name=x", b"GNU.sparse.map=0,1", b"GNU.sparse.size=9",
           b"hdrcharset=BINARY", b"charset=x", b"SCHILY.xattr.user.x=1", b"SCHILY.dev=1",
           b"LIBARCHIVE.creationtime=1", b"RHT.security.selinux=x", b"path=demo-1.0/a\0b", b"=x", b"x"]  # fmt: skip


def by_gnu_tar(folder: Path) -> list[bytes]:
    """The tars that GNU tar writes of one small tree, one for each of its formats."""
    long = f"{'long' * 15}/{'name' * 15}.py"
    for path in ("PKG-INFO", "demo/__init__.py", "demo/ü.py", f"demo/{long}"):
        whole = folder / a.ROOT / path
        whole.parent.mkdir(parents=True, exist_ok=True)
        whole.write_bytes(a.PKG_INFO if path == "PKG-INFO" else f"# {path}\n".encode())
    command = ["tar", "--create", "--file", "-", "--sort=name"]
    made = []
    for form in ("gnu", "oldgnu", "pax", "ustar"):
        made.append(
            subprocess.run([*command, f"--format={form}", a.ROOT], cwd=folder, capture_output=True, check=True).stdout
        )
    return made


class Judge:
    """Compares our reader with GNU tar, in a folder of which nothing but a place to unpack in may change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seeds = by_gnu_tar(folder)
        self.seeds += [gzip.decompress(path.read_bytes()) for path in sorted(SAMPLES.glob("*/*.tar.gz"))[:3]]
        self.seeds += [a.tar(*a.basis(), a.file(f"{a.ROOT}/demo/{'x' * 120}.py"), a.folder(f"{a.ROOT}/d"))]
        self.taken = 0
        self._numbers = itertools.count()

    def agrees(self, data: bytes) -> Sdist | None:
        """Read an archive; where it is taken, GNU tar must unpack the same, and complain of nothing that matters."""
        try:
            sdist = read_sdist(data)
        except ArchiveError:
            return None
        theirs, complaints = unpacked(data, self.folder / f"staging-{next(self._numbers)}")
        assert (theirs, complaints) == (sdist, [])
        self.taken += 1
        return sdist


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    """One for all."""
    return Judge(tmp_path_factory.mktemp("judge"))


def set_field(tar: bytes, block: int, field: str, value: bytes, *, mend: bool) -> bytes:
    """The tar with one field of one block overwritten, and its checksum made right again or not."""
    start, end = FIELDS[field]
    at = block % (len(tar) // 512) * 512
    old = tar[at : at + 512]
    new = old[:start] + value[: end - start].ljust(end - start, b"\0") + old[end:]
    return tar[:at] + (a.fixed(new) if mend and field != "checksum" else new) + tar[at + 512 :]


def set_bytes(data: bytes, at: int, drop: int, new: bytes) -> bytes:
    """The data with some bytes replaced by others, perhaps fewer or more."""
    at %= len(data) + 1
    return data[:at] + new + data[at + drop :]


def move_blocks(tar: bytes, at: int, count: int, to: int, *, copy: bool) -> bytes:
    """The tar with some of its blocks copied or moved elsewhere."""
    blocks = [tar[start : start + 512] for start in range(0, len(tar), 512)]
    at, to = at % len(blocks), to % (len(blocks) + 1)
    taken = blocks[at : at + count]
    left = blocks if copy else blocks[:at] + blocks[at + count :]
    return b"".join(left[:to] + taken + left[to:])


def headers_of(tar: bytes) -> list[int]:
    """Which blocks are headers, as far as the tar is sound."""
    found, at = [], 0
    while any(tar[at : at + 512]):
        found.append(at // 512)
        size = int(tar[at + 124 : at + 135] or b"0", 8)
        at += 512 + -(-size // 512) * 512
    return found


OF_TEXT = ("name", "link", "magic", "uname", "gname", "prefix", "rest")


def values(field: str) -> st.SearchStrategy[bytes]:
    """What may be put into a field: mostly what belongs to its kind, sometimes anything."""
    usual = KINDS if field == "kind" else TEXTS if field in OF_TEXT else NUMBERS
    return st.one_of(st.sampled_from(usual), st.sampled_from(usual), st.binary(max_size=12))


EDIT = st.sampled_from(sorted(FIELDS)).flatmap(
    lambda field: st.tuples(st.integers(0, 400), st.just(field), values(field), st.integers(0, 9).map(lambda n: n == 0))
)
SEED = st.integers(0, 7)


@FUZZ
@given(SEED, st.lists(EDIT, min_size=1, max_size=3))
def test_fields_of_headers(judge: Judge, seed: int, edits: list[tuple[int, str, bytes, bool]]) -> None:
    """Numbers, names, kinds and formats in any header, with right checksums and wrong ones."""
    tar = judge.seeds[seed]
    headers = headers_of(tar)
    for number, field, value, wrong in edits:
        tar = set_field(tar, headers[number % len(headers)], field, value, mend=not wrong)
    judge.agrees(a.gz(tar))


@FUZZ
@given(
    SEED,
    st.lists(st.one_of(st.sampled_from(RECORDS), st.binary(max_size=20)), min_size=1, max_size=4),
    st.sampled_from([b"x", b"g", b"L", b"K"]),
    st.integers(0, 9),
    st.booleans(),
    st.integers(-3, 3),
)
def test_extended_headers(
    judge: Judge, seed: int, records: list[bytes], kind: bytes, place: int, raw: bool, stretch: int
) -> None:
    """Records right and wrong, before any member, alone or beside the ones that are there."""
    tar = judge.seeds[seed]
    headers = headers_of(tar)
    body = b"\n".join(records) if raw else b"".join(map(a.record, records))
    said = a.raw_extended(body, kind)
    said = set_field(said, 0, "size", b"%011o\0" % max(len(body) + stretch, 0), mend=True) if stretch else said
    at = headers[place % len(headers)] * 512
    judge.agrees(a.gz(tar[:at] + said + tar[at:]))


@FUZZ
@given(SEED, st.integers(0, 400), st.integers(1, 4), st.integers(0, 400), st.booleans())
def test_blocks_in_another_order(judge: Judge, seed: int, at: int, count: int, to: int, copy: bool) -> None:
    """Members twice, headers without data, data without headers, ends in the middle."""
    judge.agrees(a.gz(move_blocks(judge.seeds[seed], at, count, to, copy=copy)))


@FUZZ
@given(SEED, st.lists(st.tuples(st.integers(0, 40_000), st.integers(0, 600), st.binary(max_size=40)), max_size=3))
def test_bytes_of_the_tar(judge: Judge, seed: int, edits: list[tuple[int, int, bytes]]) -> None:
    """Bytes lost, added and changed anywhere."""
    tar = judge.seeds[seed]
    for at, drop, new in edits:
        tar = set_bytes(tar, at, drop, new)
    judge.agrees(a.gz(tar))


def reframed(tar: bytes, flags: int, fields: bytes, level: int, strategy: int, parts: int) -> bytes:
    """The tar in a gzip frame of one's choice, in several flushed parts."""
    packer = zlib.compressobj(level, zlib.DEFLATED, -15, 8, strategy)
    size = max(len(tar) // max(parts, 1), 1)
    body = b"".join(
        packer.compress(tar[start : start + size]) + packer.flush(zlib.Z_FULL_FLUSH)
        for start in range(0, len(tar), size)
    )
    trailer = zlib.crc32(tar).to_bytes(4, "little") + (len(tar) & 0xFFFFFFFF).to_bytes(4, "little")
    return b"\x1f\x8b\x08" + bytes([flags]) + bytes(6) + fields + body + packer.flush() + trailer


@FUZZ
@given(
    SEED,
    st.integers(0, 255),
    st.one_of(st.binary(max_size=12), st.sampled_from([b"name\0", b"\2\0ab", b"\2\0abname\0comment\0", b"\xff\xff"])),
    st.integers(0, 9),
    st.integers(0, 4),
    st.integers(1, 5),
)
@example(0, 4 | 8 | 16, b"\2\0abname\0comment\0", 6, 0, 1)
@example(2, 0, b"", 0, 0, 3)
def test_gzip_frames(judge: Judge, seed: int, flags: int, fields: bytes, level: int, strategy: int, parts: int) -> None:
    """Flags and optional fields that fit or do not; stored, fixed and flushed parts of the packed data."""
    judge.agrees(reframed(judge.seeds[seed], flags, fields, level, strategy, parts))


@FUZZ
@given(
    SEED,
    st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 12), st.binary(max_size=8)), max_size=2),
    st.one_of(st.binary(max_size=20), st.sampled_from([bytes(8), bytes(512), a.gz(b""), a.gz(a.END), a.sdist()])),
    st.one_of(st.none(), st.integers(-12, -1)),
)
def test_bytes_of_the_gzip(
    judge: Judge, seed: int, edits: list[tuple[int, int, bytes]], after: bytes, cut: int | None
) -> None:
    """Bytes lost, added and changed, things put after the end, and the end cut off."""
    data = a.gz(judge.seeds[seed])
    for at, drop, new in edits:
        data = set_bytes(data, at, drop, new)
    judge.agrees((data + after)[:cut])


def test_untouched_archives_are_taken(judge: Judge) -> None:
    """Or else the tests above would pass with a reader that takes nothing."""
    before = judge.taken
    for seed in judge.seeds:
        assert judge.agrees(a.gz(seed)) is not None
    assert (len(judge.seeds), judge.taken - before) == (8, 8)


@FEW
@given(SEED, st.lists(EDIT, max_size=4), st.integers(0, 3000), st.binary(max_size=4))
def test_work_is_bounded(
    judge: Judge, seed: int, edits: list[tuple[int, str, bytes, bool]], at: int, new: bytes
) -> None:
    """Whatever sizes are claimed: no more is unpacked than the caps allow, and no more is kept than was unpacked."""
    tar = judge.seeds[seed].rstrip(b"\0")
    tar = a.padded(tar) + a.header(f"{a.ROOT}/zeros".encode(), 4 * MIB) + bytes(4 * MIB) + a.END
    for number, field, value, wrong in edits:
        tar = set_field(tar, number, field, value, mend=not wrong)
    limits = ReadLimits(packed=MIB, unpacked=MIB, members=50)
    source = None
    tracemalloc.start()
    try:
        source = Inflater(BytesIO(set_bytes(a.gz(tar), at, 0, new)), limits)
        for _ in walk(source, limits):
            pass
    except ArchiveError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert source is None or source.unpacked <= limits.unpacked + MIB
    assert peak <= 4 * MIB


@FEW
@given(SEED, st.lists(EDIT, max_size=2))
def test_pulls_change_nothing_beyond_the_project(
    judge: Judge, world: World, seed: int, edits: list[tuple[int, str, bytes, bool]]
) -> None:
    """A whole pass, beside a folder that nobody may touch."""
    tar = judge.seeds[seed]
    headers = headers_of(tar)
    for number, field, value, wrong in edits:
        tar = set_field(tar, headers[number % len(headers)], field, value, mend=not wrong)
    outside = world.root.parent / "outside"
    outside.mkdir(exist_ok=True)
    (outside / "keep").write_text("mine")
    before = {str(path) for path in world.root.parent.iterdir()} | {str(world.root.parent / "cache")}
    world.write(ROW, a.gz(tar))
    world.asks_for()
    said = world.reconcile()

    assert said.code in {0, 1, 4, 6}, said
    assert {str(path) for path in world.root.parent.iterdir()} <= before
    assert [path.read_text() for path in outside.iterdir()] == ["mine"]
    for path in world.root.rglob("*"):
        assert not path.is_symlink()
        if path.is_file() and ".micropkgd" not in path.parts:
            assert (path.stat().st_nlink, path.stat().st_mode & 0o7777 & ~0o755) == (1, 0)
