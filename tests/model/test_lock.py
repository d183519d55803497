"""The lock: what is written is what is read, and what is not ours is refused."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micropkgd.documents import read_toml
from micropkgd.errors import DocumentError
from micropkgd.model.entry_key import MOST_ENTRIES
from micropkgd.model.layout import Layout
from micropkgd.model.lock import RENDERER, Block, Lock, Version, foreign_paths, stray_paths
from micropkgd.model.parameters import is_parameters
from micropkgd.model.tree import Digest, RelPath, digest_of
from micropkgd.workspace.project import lock_text
from micropkgd.workspace.reading import LOCK

ONE, TWO = digest_of(b"1"), digest_of(b"2")
LAYOUT = Layout("shop", "src", "tests", "conf", "base", RelPath("requirements.in"), RelPath("requirements.txt"))


def block(ref: str = "ds.tar.gz", target: str = "src/shop/ds", **fields: Any) -> Block:
    """A block of an entry with one file."""
    usual: dict[str, Any] = {
        "name": "ds", "version": "1.0", "url": ref, "size": 7, "archive": ONE, "requested": TWO, "renderer": 1,
        "requirements": ("pandas>=2",), "files": {RelPath(f"{target}/__init__.py"): ONE},
    }  # fmt: skip
    return Block(ref=ref, target=RelPath(target), **{**usual, **fields})


def lock(*blocks: Block) -> Lock:
    """A lock with these blocks."""
    return Lock.of({found.key: found for found in blocks})


def test_the_text_of_a_lock() -> None:
    """Heading, key order, and the words of PEP 751 where it has them."""
    digest = ONE.partition(":")[2]

    assert lock_text(lock(block())).decode() == (
        "# micropkg.lock - written by micropkgd, commit it, do not edit.\n"
        'lock-version = "1.1"\ncreated-by = "micropkgd"\n\n'
        f'[[packages]]\nname = "ds"\nversion = "1.0"\n\n'
        f'[packages.archive]\nurl = "ds.tar.gz"\nsize = 7\n\n'
        f'[packages.archive.hashes]\nsha256 = "{digest}"\n\n'
        f'[packages.tool.micropkgd]\nref = "ds.tar.gz"\nrequested = "{TWO}"\ntarget = "src/shop/ds"\nrenderer = 1\n'
        f'requirements = [\n    "pandas>=2",\n]\n\n'
        f'[packages.tool.micropkgd.files]\n"src/shop/ds/__init__.py" = "{ONE}"\n'
    )


@pytest.mark.parametrize(
    "too_large",
    [
        pytest.param(lambda: lock(block("x" * LOCK)), id="bytes"),
        pytest.param(lambda: lock(*(block(f"{number}.tar.gz") for number in range(MOST_ENTRIES + 1))), id="blocks"),
    ],
)
def test_no_lock_is_written_that_would_not_be_read(too_large: Callable[[], Lock]) -> None:
    """Else a pass would leave a project that no pass can work in."""
    with pytest.raises(DocumentError, match=r"(are read|more than the 20,000)"):
        lock_text(too_large())


names = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"], exclude_characters="\\/"), min_size=1)


@given(st.dictionaries(names, st.tuples(names, st.lists(names), st.integers(0, 2**53))))
def test_what_is_written_is_read_again(rows: dict[str, tuple[str, list[str], int]]) -> None:
    """Any names and texts survive, in an order that does not depend on how they came in."""
    blocks = [
        block(ref, version=version, requirements=tuple(lines), size=size)
        for ref, (version, lines, size) in rows.items()
    ]  # fmt: skip
    text = lock_text(lock(*blocks))

    assert Lock.from_mapping(read_toml(text)) == lock(*blocks)
    assert lock_text(lock(*reversed(blocks))) == text


def _without(*path: str) -> Callable[[dict[str, Any]], None]:
    def spoil(document: dict[str, Any]) -> None:
        table = document["packages"][0]
        for key in path[:-1]:
            table = table[key]
        del table[path[-1]]

    return spoil


@pytest.mark.parametrize(
    "spoil",
    [
        _without("name"),
        _without("archive"),
        _without("archive", "hashes"),
        _without("tool", "micropkgd"),
        _without("tool", "micropkgd", "files"),
        _without("tool", "micropkgd", "target"),
        lambda document: document.update({"lock-version": "2.0"}),
        lambda document: document.update({"lock-version": 1}),
        lambda document: document.update({"created-by": "poetry"}),
        lambda document: document.update({"packages": {}}),
        lambda document: document["packages"].append(document["packages"][0]),
        lambda document: document["packages"].append(3),
        lambda document: document["packages"][0]["tool"]["micropkgd"].update(target="../x"),
        lambda document: document["packages"][0]["tool"]["micropkgd"]["files"].update({"/etc/x": ONE}),
        lambda document: document["packages"][0]["tool"]["micropkgd"]["files"].update({"src/x": "md5:0"}),
    ],
)
def test_a_lock_that_is_not_whole_is_refused(spoil: Callable[[dict[str, Any]], None]) -> None:
    """`DocumentError`, never a `KeyError`: each missing or wrong part is named."""
    document = read_toml(lock_text(lock(block())))
    spoil(document)

    with pytest.raises(DocumentError):
        Lock.from_mapping(document)


def test_accepted_edits_are_written_where_there_are_any() -> None:
    """In a table beside `files`, with the version that can say so, which an older micropkgd refuses."""
    path = RelPath("src/shop/ds/__init__.py")
    edited = lock(block(edited={path: TWO}))
    text = lock_text(edited).decode()

    assert f'[packages.tool.micropkgd.edited]\n"{path}" = "{TWO}"\n' in text
    assert 'lock-version = "1.2"' in text
    assert Lock.from_mapping(read_toml(text.encode())) == edited
    for wrong in ({"../x": TWO}, {path: "md5:0"}, [path]):
        document: dict[str, Any] = read_toml(text.encode())
        document["packages"][0]["tool"]["micropkgd"]["edited"] = wrong
        with pytest.raises(DocumentError):
            Lock.from_mapping(document)


def test_an_older_lock_is_readable() -> None:
    """A lock of version 1.0 says the same without the keys that came later."""
    document = read_toml(lock_text(lock(block())))
    document["lock-version"] = "1.0"

    assert Lock.from_mapping(document) == lock(block())


@pytest.mark.parametrize(
    "newer",
    [
        lambda document: document.update({"lock-version": "1.7"}),
        lambda document: document.update({"lock-version": "1.x"}),
        lambda document: document["packages"][0]["tool"]["micropkgd"].update(renderer=RENDERER + 1),
    ],
)
def test_a_newer_lock_is_refused(newer: Callable[[dict[str, Any]], None]) -> None:
    """What a newer micropkgd wrote is never turned back by what an older one understands of it."""
    document = read_toml(lock_text(lock(block())))
    newer(document)

    with pytest.raises(DocumentError, match="written by a newer micropkgd"):
        Lock.from_mapping(document)


def test_a_superseded_version_is_kept() -> None:
    """The lock gives back what it says the tree still has, and its paths must be the entry's own, too."""
    files = {RelPath("src/shop/ds/old.py"): Digest(ONE)}
    old = Version("0.9", "ds-0.9.tar.gz", 5, Digest(TWO), ("pandas",), files, RelPath("src/shop/ds"))
    moved = block()._replace(superseded=old)

    assert Lock.from_mapping(read_toml(lock_text(lock(moved)))) == lock(moved)
    assert foreign_paths(moved, LAYOUT) == ()
    stray = old._replace(files={RelPath("src/shop/other.py"): Digest(ONE)})
    assert foreign_paths(block()._replace(superseded=stray), LAYOUT) == ("src/shop/other.py",)


@pytest.mark.parametrize(
    ("target", "path", "possible"),
    [
        ("lib/store/ds", "lib/store/ds/nodes.py", True),
        ("src/shop/ds", "src/tests/ds/test_a.py", True),
        ("src/shop/ds", "spec_tests/a/ds/test_a.py", True),
        ("src/shop/ds", "config/prod/parameters_ds.yml", True),
        ("src/shop/ds", "config/prod/parameters/ds.yml", True),
        ("src/shop/ds", "src/shop/other/ds/nodes.py", False),
        ("src/shop/ds", "src/shop/settings.py", False),
        ("src/shop/ds", "conf/local/credentials.yml", False),
        ("src/shop/ds", "conf/base/catalog.yml", False),
        ("src/shop/ds", "conf/base/catalog/parameters.yml", False),
        ("src/shop/ds", "src/shop/parameters.py", False),
        ("src/shop/ds", ".git/tests/ds/hooks", False),
        ("src/shop/ds", "tests/.hidden/ds/a.py", False),
        ("src", "src/shop/settings.py", False),
        (".git/hooks", ".git/hooks/pre-commit", False),
    ],
)
def test_what_no_layout_could_give_an_entry_is_refused(target: str, path: str, possible: bool) -> None:
    """A lock outlives a change of layout, and is taken at its word in no other place than one of an entry."""
    found = foreign_paths(block(target=target, files={RelPath(path): Digest(ONE)}), LAYOUT)

    assert (found == ()) == possible


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        ("src/shop/ds/nodes.py", True),
        ("tests/ds/test_a.py", True),
        ("conf/uat/parameters_ds.yml", True),
        ("conf/base/parameters/ds.yml", True),
        ("conf/base/credentials.yml", False),
        ("conf/base/catalog.yml", False),
        ("conf/base/catalog_parameters.yml", False),
        ("conf/base/parameters/globals.yml", False),
        ("conf/base/parameters/hook.py", False),
        ("conf/parameters/x.yml", False),
        ("conf/eu/uat/parameters_ds.yml", True),
        ("src/shop/dsx/nodes.py", False),
        ("src/shop/settings.py", False),
        ("tests/other/test_a.py", False),
        ("pyproject.toml", False),
        (".git/hooks/pre-commit", False),
        ("micropkg.lock", False),
    ],
)
def test_the_places_of_an_entry(path: str, inside: bool) -> None:
    """A block may list files of its own places and no others."""
    found = stray_paths(block(files={RelPath(path): Digest(ONE)}), LAYOUT)

    assert found == (() if inside else (path,))


def test_a_project_whose_config_stands_beside_its_manifest() -> None:
    """There the environments are folders of the project itself."""
    layout = LAYOUT._replace(conf_dir=".")
    assert stray_paths(block(files={RelPath("base/parameters_ds.yml"): Digest(ONE)}), layout) == ()
    assert stray_paths(block(files={RelPath("base/catalog.yml"): Digest(ONE)}), layout) == ("base/catalog.yml",)


parts = st.sampled_from(["parameters", "catalog_parameters", "ds", "credentials", "x_parameters", "globals"])


@given(st.lists(parts, max_size=2), parts, st.sampled_from([".yml", ".py", ""]))
def test_a_lock_may_list_what_an_archive_may_bring(folders: list[str], stem: str, suffix: str) -> None:
    """One rule decides both: what is rendered as parameters is never stray, and nothing else is let in."""
    config = "/".join((*folders, stem + suffix))
    listed = block(files={RelPath(f"conf/base/{config}"): Digest(ONE)})
    assert (stray_paths(listed, LAYOUT) == ()) == is_parameters(config)


def test_a_target_outside_the_package_is_stray() -> None:
    """A block whose code is not below the project's package is refused as a whole."""
    assert stray_paths(block(target="elsewhere/ds"), LAYOUT) == ("elsewhere/ds",)
