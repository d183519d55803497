"""Words of strangers cost time in proportion to their length, whatever they are: no text freezes the service.

Each row is one place where a pattern, a regular expression or a parser meets text of a project, an archive or a server,
with the text that costs most there. Four times the text may cost about four times the CPU; what backtracks costs
sixteen times and more, and holds the interpreter meanwhile.
"""

import ast
import math
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import pytest

from micropkgd import documents
from micropkgd.machine.hook_check import runs_the_project
from micropkgd.model.index import index_kind, names_file
from micropkgd.model.manifest import Manifest
from micropkgd.model.patterns import matches
from micropkgd.model.place_names import check_name
from micropkgd.model.ref import Ref, parse_mirror
from micropkgd.reconcile.package.git_rules import GitRules
from micropkgd.reconcile.package.metadata import normal_version, read_requirements
from micropkgd.reconcile.package.static_text import bindings_of
from micropkgd.relocate import Move, Relocation, relocate
from micropkgd.relocate.mentions import mentions
from micropkgd.sdist.fields import read_fields
from micropkgd.sdist.requirements import canonical_requirements, direct_address
from micropkgd.service.hooks.command import shown
from micropkgd.sources.index.simple_api import parse_page
from micropkgd.sources.redaction import redacted_text

LARGE, SMALL = 16_000, 4_000
TRIES = 5
SHORT = 0.06  # seconds of CPU for the large text: too little for a ratio to mean anything
RELOCATION = Relocation((Move("shop.ds", "ds"),), frozenset({"shop.ds", "shop.ds.a"}), frozenset({"shop"}))


class Case(NamedTuple):
    """Something done with a text, and the text of a size."""

    do: Callable[[str], object]
    text: Callable[[int], str]


def moved(text: str) -> object:
    """Code whose imports are rewritten."""
    return relocate(text.encode(), module="shop.ds.x", is_package=False, relocation=RELOCATION)


def mentioned(text: str) -> object:
    """A text that may name a module."""
    return mentions(text.encode(), name="a.toml", relocation=RELOCATION)


def ignored(text: str) -> object:
    """The rules of a `.gitignore`, and one long name."""
    rules = GitRules(text.encode())
    return rules.verdict(rules.start, "a" * 254 + "b", is_folder=False)


def stated(text: str) -> object:
    """What a source says its version is."""
    return bindings_of("__version__", ast.parse(text))


def page(text: str) -> object:
    """A page of an index."""
    return parse_page(text.encode(), "text/html", "https://host/simple/x/")


def cycles(text: str) -> object:
    """A manifest that pulls and publishes as much as it can, nothing of it from where the other row puts it."""
    rows = range(text.count("\n"))
    pulls = {f"s3://team/{number}-1.tar.gz": dict[str, object]() for number in rows}
    packages = {f"x.p{number}": {"publish": "s3://team/"} for number in rows}
    own = {"project": {"package": "shop"}, "pull": pulls, "package": packages}
    return Manifest.from_mapping({"tool": {"micropkgd": own}})


CASES = {
    "manifest: cycles": Case(cycles, lambda n: "\n" * (n // 8)),
    "ref: spaces": Case(Ref.parse, lambda n: "a" + " " * n + "!"),
    "ref: direct": Case(Ref.parse, lambda n: "a" + " " * n + "@" + " " * n + "!"),
    "ref: clauses": Case(Ref.parse, lambda n: "a" + ">=1," * n + "!"),
    "ref: numbers": Case(Ref.parse, lambda n: "a>=1" + "-1.1" * n),
    "ref: brackets": Case(Ref.parse, lambda n: "a[" * n + "!"),
    "ref: query": Case(Ref.parse, lambda n: "https://host/?" + "a-" * n),
    "mirror": Case(parse_mirror, lambda n: "a" + " " * n + "{sha256}"),
    "name": Case(lambda text: check_name(text, "x"), lambda n: "a-" * n),
    "index: suffixes": Case(lambda text: names_file(text), lambda n: ".tar.a" * n + "/" * n + "!"),
    "index: pages": Case(lambda text: index_kind(text), lambda n: "/simple///" * n + "!"),
    "keep-deleted": Case(lambda text: matches("a" * 1000 + "b", text), lambda n: "*a" * (n // 4) + "c"),
    "keep-deleted: name": Case(lambda text: matches(text, "*a" * 200 + "c"), lambda n: "a" * n),
    "ignore: lines": Case(ignored, lambda n: "*a\n" * n),
    "ignore: stars": Case(ignored, lambda n: "*a" * n + "c"),
    "ignore: deep": Case(ignored, lambda n: "**/" * n + "c"),
    "ignore: deep and wide": Case(ignored, lambda n: "**/a/**/*" * (n // 3) + "/c"),
    "ignore: sets": Case(ignored, lambda n: "[!b]*" * n + "c"),
    "ignore: open sets": Case(ignored, lambda n: "[a\n" * n + "[[:" * n),
    "redaction: letters": Case(redacted_text, lambda n: "a" * n),
    "redaction: schemes": Case(redacted_text, lambda n: "a://" * n),
    "redaction: query": Case(redacted_text, lambda n: "http://h/?" + "a&" * n),
    "variables: open": Case(lambda text: documents.interpolate(text, {}), lambda n: "${a," * n),
    "variables: names": Case(documents.variables_of, lambda n: "${a," * n),
    "toml: keys": Case(lambda text: documents.read_toml(text.encode()), lambda n: "a." * n + "b = 1"),
    "toml: quoted keys": Case(lambda text: documents.read_toml(text.encode()), lambda n: "\"a\".'b' . " * n + "b = 1"),
    "toml: arrays": Case(lambda text: documents.read_toml(text.encode()), lambda n: "a = " + "[" * n),
    "toml: tables": Case(lambda text: documents.read_toml(text.encode()), lambda n: "[[a.b]]\n" * n),
    "yaml: lists": Case(lambda text: documents.check_yaml(text.encode()), lambda n: "a: [" * n),
    "yaml: mappings": Case(lambda text: documents.check_yaml(text.encode()), lambda n: "{a: " * n),
    "yaml: values": Case(lambda text: [*documents.values_in(text)], lambda n: "a: b\n" * n),
    "yaml: keys": Case(lambda text: documents.check_yaml(text.encode()), lambda n: "? " * n),
    "requirement: spaces": Case(lambda text: canonical_requirements([text], where=""), lambda n: "a" + " " * n + "!"),
    "requirement: bounds": Case(lambda text: canonical_requirements([text], where=""), lambda n: "a" + ">=1," * n),
    "requirement: extras": Case(lambda text: canonical_requirements([text], where=""), lambda n: "a[" + "b," * n),
    "requirement: marker": Case(lambda text: canonical_requirements([text], where=""), lambda n: "a; " + "(" * n),
    "requirement: release": Case(lambda text: canonical_requirements([text], where=""), lambda n: "a==" + "1." * n),
    "requirement: address": Case(direct_address, lambda n: "a-" * n + " @"),
    "requirements.txt": Case(lambda text: read_requirements(text.encode(), ""), lambda n: "a #\n" * n + "-" * n),
    "version": Case(lambda text: normal_version(text, ""), lambda n: "1+" + "a." * n + "!"),
    "version: stated": Case(stated, lambda n: "__version__ = '1'\n" * n),
    "version: chained": Case(stated, lambda n: "".join(f"a{i} = a{i + 1}\n" for i in range(n)) + "__version__ = a0"),
    "version: doubled": Case(
        stated, lambda n: "".join(f"a{i} = a{i + 1} + a{i + 1}\n" for i in range(n)) + "__version__ = a0"
    ),
    "version: path": Case(stated, lambda n: f"__version__ = open('a'{' / 1' * (n // 40)}).read()"),
    "metadata": Case(lambda text: read_fields(text.encode()), lambda n: "Requires-Dist: " + " " * n + "\n a" * n),
    "page: tags": Case(page, lambda n: "<a " * n),
    "page: quotes": Case(page, lambda n: "<a " + "a=\"b='" * n),
    "page: spaces": Case(page, lambda n: "<a" + " a  " * n),
    "page: comments": Case(page, lambda n: "<!-- --> <!-" * n),
    "page: hashes": Case(page, lambda n: "<a href='x#sha3_" + "1" * n + "'>"),
    "page: dots": Case(page, lambda n: "<a href='" + "../" * n + "'>"),
    "code: imports": Case(moved, lambda n: "import shop.ds as a" + ", shop.ds as b" * n + "\n"),
    "code: relative": Case(moved, lambda n: "from . import y\n" * n),
    "code: spaces": Case(moved, lambda n: "import shop.ds\nx = " + "shop . ds + " * (n // 40) + "1" + " " * n + "\n"),
    "code: names": Case(moved, lambda n: "import shop.ds\n" + "shop.ds\n" * n),
    "code: one line": Case(moved, lambda n: "import shop.ds\nx = [" + "shop.ds.a, " * n + "]\n"),
    "code: one string": Case(moved, lambda n: "import shop.ds\nx = '" + "shop.ds " * n + "'\n"),
    "code: long name": Case(moved, lambda n: "import shop.ds\nx = '" + "shop." * n + "'\n"),
    "code: f-string": Case(moved, lambda n: "import shop.ds\nx = f'" + "{shop.ds}" * (n // 20) + "'\n"),
    "code: type comments": Case(moved, lambda n: "import shop.ds\n" + "x = 1 # type: shop.ds\n" * n),
    "text: names": Case(mentioned, lambda n: "shop.ds " * n),
    "text: long name": Case(mentioned, lambda n: "shop" + ".a" * n),
    "text: spaces": Case(mentioned, lambda n: ("from" + " " * 100) * (n // 100) + "shop.ds"),
    "hook: words": Case(lambda text: runs_the_project(["sh", "-c", text]), lambda n: "a=b; (" * n),
    "hook: output": Case(lambda text: shown(text.encode()), lambda n: "\x1b\n" * n),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_time_grows_as_the_text_does(case: Case) -> None:
    """Measured as CPU of this thread, the least of some tries: what else runs takes the caches."""
    large, small = (case.text(size) for size in (LARGE, SMALL))
    seconds = base = math.inf
    for _ in range(TRIES):
        seconds, base = min(seconds, once(case, large)), min(base, once(case, small))
        if seconds < SHORT or seconds < 9 * base:
            return
    raise AssertionError(f"{seconds:.2f} s, and {base:.3f} s for a quarter of it")


def once(case: Case, text: str) -> float:
    """The CPU of one go, whether it ends well or not."""
    start = time.thread_time()
    with suppress(Exception):
        case.do(text)
    return time.thread_time() - start
