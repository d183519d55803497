"""Hooks of mkdocs: what the pages of `docs/` name beside them is part of the site, too.

The pages are written to be read in the repository, where a link leads to any file of it. Here pages at its top
(`README.md`) become pages of the site, other files become files below `repository/`, and links are written anew. A link
that leads nowhere is left as it is, so that the strict build names it.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
DOCS = "docs"
PAGES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
RAW = "repository"
STYLE = "site.css"
TOLD_FIRST = ("begin", "ci", "deploy", "git", "home", "howto", "kedro", "on-call", "release")  # what a search is for
_LINK = re.compile(r"(?<=\]\()([^)#\s:]+)(?=[)#])")
_CODE = re.compile(r"^(```.*?^```$|~~~.*?^~~~$)", re.MULTILINE | re.DOTALL)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """List the decisions by their headings."""
    decisions = [f"decisions/{path.name}" for path in sorted((ROOT / DOCS / "decisions").glob("*.md"))]
    for section in config.nav or []:
        for pages in section.values():
            for page in pages if isinstance(pages, list) else []:
                if isinstance(page, dict) and page.get("Decisions") == "decisions/":
                    page["Decisions"] = decisions
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages at the top of the repository, and the files that any page names."""
    files.append(File.generated(config, STYLE, content=(Path(__file__).parent / STYLE).read_text(encoding="utf-8")))
    for name in PAGES:
        files.append(File.generated(config, name, content=(ROOT / name).read_text(encoding="utf-8")))
    for path in sorted({path for page in _sources() for _, path in _links(page) if _is_beside(path)}):
        files.append(File.generated(config, f"{RAW}/{path}", content=(ROOT / path).read_bytes()))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Write the links of a page for where it is read, and let a search find what to do before what it is."""
    name = page.file.src_uri.removesuffix(".md")
    page.meta["search"] = {"boost": 4 if name in TOLD_FIRST else 0.5 if name.startswith("decisions/") else 1}
    source = _source_of(page.file.src_uri)
    parts = _CODE.split(markdown)
    return "".join(part if number % 2 else _rewritten(part, source) for number, part in enumerate(parts))


def _rewritten(text: str, source: str) -> str:
    own = os.path.dirname(_uri(source) or source)

    def anew(match: re.Match[str]) -> str:
        uri = _uri(os.path.normpath(os.path.join(os.path.dirname(source), match[1])))
        return match[1] if uri is None else os.path.relpath(uri, own or ".")

    return _LINK.sub(anew, text)


def _sources() -> Iterator[str]:
    """All pages, by their path in the repository."""
    yield from PAGES
    yield from (str(path.relative_to(ROOT)) for path in sorted((ROOT / DOCS).rglob("*.md")))


def _links(source: str) -> Iterator[tuple[str, str]]:
    """The links of a page as they are written, and as paths in the repository."""
    text = _CODE.sub("", (ROOT / source).read_text(encoding="utf-8"))
    for link in _LINK.findall(text):
        yield link, os.path.normpath(os.path.join(os.path.dirname(source), link))


def _source_of(uri: str) -> str:
    return uri if uri in PAGES else f"{DOCS}/{uri}"


def _uri(path: str) -> str | None:
    """Where a file of the repository is in the site; None where it is not."""
    if path == f"{DOCS}/decisions":
        return "decisions/README.md"
    if path in PAGES:
        return path
    if path.startswith(f"{DOCS}/"):
        return path.removeprefix(f"{DOCS}/")
    return f"{RAW}/{path}" if _is_beside(path) else None


def _is_beside(path: str) -> bool:
    """Whether a path names a file of the repository outside of `docs/` that is not a page."""
    inside = not path.startswith(("..", "/", f"{DOCS}/"))
    return inside and path not in PAGES and (ROOT / path).is_file()
