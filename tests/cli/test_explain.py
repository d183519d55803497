"""Codes of errors: each kind has one, no two share one, each is explained, and each is provoked by a test."""

import ast
import importlib
import json
import pkgutil
import re
from collections.abc import Callable, Iterator

import pytest

import micropkgd
from micropkgd.cli.explanations import EXPLANATIONS
from micropkgd.errors import MicropkgError
from micropkgd.model.condition import Distrust
from micropkgd.model.failure_codes import CODES
from micropkgd.model.outcome import StepBack
from micropkgd.sources.source import FailureKind
from tests.docs.mentions import MODULES, TESTS, read
from tests.kit.world import World

_REASON = re.compile(r'(?:Failure\(\s*\d+,\s*|reason=|REASON(?:: Final)? = |_REASON = )"([A-Z][A-Za-z]+)"')


def reasons() -> Iterator[str]:
    """Every word that the code gives as the reason of a failure."""
    for module in pkgutil.walk_packages(micropkgd.__path__, "micropkgd."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    yield from (kind.__name__.removesuffix("Error") for kind in _below(MicropkgError))
    yield from (kind.value.capitalize() for kind in FailureKind)
    yield from (step.reason for step in StepBack)
    yield from (why.value for why in Distrust)
    for path in MODULES:
        yield from _REASON.findall(read(path))
        for node in ast.walk(ast.parse(read(path))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Failure" and len(node.args) > 1:
                second = node.args[1]
                if isinstance(second, ast.Constant) and isinstance(second.value, str):
                    yield second.value


def _below(kind: type[MicropkgError]) -> Iterator[type[MicropkgError]]:
    for inner in kind.__subclasses__():
        if inner.__module__.startswith("micropkgd."):
            yield inner
            yield from _below(inner)


def test_each_kind_has_a_code_of_its_own() -> None:
    """And none has one that nothing gives any more."""
    assert len(set(CODES.values())) == len(CODES)
    assert set(reasons()) - set(CODES) == set()
    assert set(CODES) == set(EXPLANATIONS)


def _pin(world: World) -> None:
    world.publish({"n.py": "A = 1\n"})
    world.asks_for(sha256="0" * 64)


def _no_archive(world: World) -> None:
    world.write("dist/ds.tar.gz", "no")
    world.asks_for()


def _overlap(world: World) -> None:
    world.publish({"n.py": "A = 1\n"})
    world.publish({"n.py": "A = 1\n"}, to="dist/other.tar.gz")
    world.manifest('"dist/ds.tar.gz" = {}\n"dist/other.tar.gz" = {alias = "ds"}')


def _in_the_way(world: World) -> None:
    world.publish({"n.py": "A = 1\n"})
    world.asks_for()
    world.write("src/shop/ds/n.py/inner", "a folder\n")


def _no_lock(world: World) -> None:
    world.publish({"n.py": "A = 1\n"})
    world.asks_for()


def _dangling(world: World) -> None:
    world.publish({"n.py": "import shop.elsewhere\nfrom .. import x\n"})
    world.asks_for(policy='on-dangling-import = "error"')


def _emptied(world: World) -> None:
    world.publish({"n.py": "A = 1\n"})
    world.asks_for()
    world.sync()
    world.publish({}, version="2.0")


def _older(world: World) -> None:
    world.publish({"n.py": "A = 2\n"}, version="2.0")
    world.asks_for()
    world.sync()
    world.publish({"n.py": "A = 1\n"}, version="1.0")


def _suspended(world: World) -> None:
    _no_lock(world)
    world.sync()
    assert world.run("suspend").code == 0


PROVOKED: dict[str, tuple[Callable[[World], object], str]] = {
    "Usage": (lambda world: None, "remove nothing"),
    "Document": (lambda world: world.write("micropkg.lock", "["), "reconcile --once"),
    "Manifest": (lambda world: world.manifest('"dist/ds.tar.gz" = {alais = "x"}'), "reconcile --once"),
    "Settings": (lambda world: world.write("config.toml", "no = 1\n"), "reconcile --once --config config.toml"),
    "OutOfStep": (_no_lock, "reconcile --once --locked"),
    "Overlap": (_overlap, "reconcile --once"),
    "Unreachable": (lambda world: world.asks_for("http://127.0.0.1:9/ds-1.tar.gz"), "reconcile --once"),
    "Gone": (lambda world: world.asks_for(), "reconcile --once"),
    "Refused": (lambda world: world.asks_for("unheard://x/ds-1.tar.gz"), "reconcile --once"),
    "Archive": (_no_archive, "reconcile --once"),
    "Corrupt": (_pin, "reconcile --once"),
    "Tree": (_in_the_way, "reconcile --once"),
    "DanglingImport": (_dangling, "reconcile --once"),
    "EmptyPackage": (_emptied, "reconcile --once"),
    "Downgrade": (_older, "reconcile --once"),
    "Suspended": (_suspended, "reconcile --once"),
}


@pytest.mark.parametrize("reason", PROVOKED)
def test_a_provoked_error_says_its_code(world: World, reason: str) -> None:
    """Behind its message, and in JSON."""
    provoke, words = PROVOKED[reason]
    provoke(world)

    document = json.loads(world.run(*words.split(), "--json").out)
    said = world.run(*words.split())

    assert CODES[reason] in {one["code"] for one in _failures(document) if one["reason"].startswith(reason)}
    if reason != "Suspended":  # it is somebody's wish, and no error
        assert f"[{CODES[reason]}]" in said.out + said.err


def _failures(document: object) -> Iterator[dict[str, str]]:
    if isinstance(document, dict):
        if isinstance(document.get("failure"), dict):
            yield document["failure"]
        for inner in document.values():
            yield from _failures(inner)
    elif isinstance(document, list):
        for inner in document:
            yield from _failures(inner)


ELSEWHERE = {  # a test, and the words by which it knows the failure
    "Unread": ("tests/reconcile/test_unread.py", "error: ds/old.py: line 2"),
    "StillHeld": ("tests/reconcile/test_resolve.py", "a symbolic link stands there in place of the merge"),
    "Unsettled": ("tests/package/test_writes.py", "keep changing"),
    "Raced": ("tests/promises/test_races.py", "raced"),
    "SparseCheckout": ("tests/reconcile/test_sparse_checkout.py", "MPK410"),
    "Verification": ("tests/reconcile/test_modes.py", "renders to other files than the lock lists"),
    "ForeignJournal": ("tests/actions/test_doctor.py", "the journal was not written by this user on this machine"),
}


def test_each_other_kind_is_provoked_elsewhere() -> None:
    """By a test that names its word, its class or its member of an enumeration, or knows it by its message."""
    texts = "\n".join(read(path) for path in TESTS if not path.endswith("test_explain.py"))
    members = {why.value: f"Distrust.{why.name}" for why in Distrust}
    members |= {kind.value.capitalize(): f"FailureKind.{kind.name}" for kind in FailureKind}
    named = {reason for reason in CODES if re.search(rf'"{reason}"|\b{reason}Error\b', texts)}
    named |= {reason for reason, member in members.items() if member in texts}

    assert set(CODES) - named - set(PROVOKED) - set(ELSEWHERE) == set()
    assert [reason for reason, (path, words) in ELSEWHERE.items() if words not in read(path)] == []


@pytest.mark.parametrize("asked", ["MPK104", "mpk104", "[MPK104]", "Settings", "settings"])
def test_explain_knows_codes_and_words(world: World, asked: str) -> None:
    """In any case."""
    said = world.run("explain", asked)

    assert said.code == 0
    assert said.out.startswith("MPK104 Settings\n\nThe machine's config")
    assert "What to do: `micropkgd config check`" in said.out


def test_explain_lists_all_and_refuses_what_is_unknown(world: World) -> None:
    """With the nearest."""
    lines = world.run("explain").out.splitlines()
    assert [line for line in lines if not line.startswith(" ")] == [f"{code}  {name}" for name, code in CODES.items()]
    said = world.run("explain", "Unreachabel")
    assert said.code == 2
    assert "did you mean `Unreachable`?" in said.err
