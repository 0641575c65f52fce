"""Links inside the project: in the sources, and in the built book.

Links to other sites are checked by the weekly workflow.
"""

import functools
import sys
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from bs4 import BeautifulSoup
from built_site import build
from markdown_it import MarkdownIt
from mdit_py_plugins.anchors.index import slugify, unique_slug
from pages import ROOT

PARSER = MarkdownIt("commonmark").enable("table")
PLACES = "[id], a[name]"  # what a link can lead to
SOURCES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "book").glob("*.md")),
    *sorted((ROOT / "book").glob("*.ipynb")),
    *sorted((ROOT / "practice").glob("*.ipynb")),
    *sorted((ROOT / "templates").glob("*.ipynb")),
]


# The sources


def markdown(path):
    """The Markdown of a file: of a notebook, that of all its cells."""
    if path.suffix != ".ipynb":
        return path.read_text(encoding="utf-8")
    cells = nbformat.read(path, as_version=4).cells
    return "\n\n".join(c.source for c in cells if c.cell_type == "markdown")


@functools.cache
def anchors(path):
    """The anchors that MyST and GitHub give the headings of a file."""
    found = set()
    tokens = PARSER.parse(markdown(path))
    for i, token in enumerate(tokens):
        if token.type == "heading_open":
            words = "".join(
                child.content
                for child in tokens[i + 1].children
                if child.type in ("text", "code_inline")
            )
            unique_slug(slugify(words), found)
    return found


def links(text):
    """Where links and pictures lead, those in HTML as well."""
    page = BeautifulSoup(PARSER.render(text), "html.parser")
    return [
        tag.get("href") or tag.get("src")
        for tag in page.select("a[href], img[src]")
    ]


def broken_links(path):
    """The links of a file that lead nowhere in the repository."""
    broken = []
    for link in links(markdown(path)):
        parts = urlsplit(link)
        if parts.scheme:
            continue
        target = path
        if parts.path:
            target = (path.parent / unquote(parts.path)).resolve()
        inside = target.is_relative_to(ROOT) and target.exists()
        if not inside or (
            parts.fragment
            and unquote(parts.fragment) not in anchors(target)
        ):
            broken.append(link)
    return broken


@pytest.mark.parametrize(
    "path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_links_of_a_file(path):
    assert broken_links(path) == []


BAD = """# A title, *twice*

# A title, twice

[good](#a-title-twice) [good](#a-title-twice-1) [code](#a-12)
[good](../README.md#use-it) <a href="../book/coverage.md">good</a>
[other](https://example.org/x) [mail](mailto:ada@example.org)

## `a` 1.2

[a](#a-title-twice-2) [b](missing.md) ![c](missing.png)
[d](../README.md#missing) <img src="missing.svg" alt="e">
[f](../../outside.md)

| a table |
| --- |
| [g](missing-too.md) |
"""


def test_a_link_that_leads_nowhere_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "coverage.md").touch()
    (tmp_path / "README.md").write_text("# Title\n\n## Use it\n")
    (tmp_path.parent / "outside.md").touch()
    page = tmp_path / "book" / "page.md"
    page.write_text(BAD)
    assert broken_links(page) == [
        "#a-title-twice-2",
        "missing.md",
        "missing.png",
        "../README.md#missing",
        "missing.svg",
        "../../outside.md",
        "missing-too.md",
    ]


# The built book


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    """The folder of the built book."""
    return build(tmp_path_factory.mktemp("links"))


def dead_ends(folder):
    """The addresses in a folder of pages that lead nowhere inside it."""
    pages = {
        path: BeautifulSoup(path.read_text("utf-8"), "html.parser")
        for path in folder.rglob("*.html")
        if "_static" not in path.parts  # there lies a template of a theme
    }
    places = {
        path: {tag.get("id") or tag["name"] for tag in page.select(PLACES)}
        for path, page in pages.items()
    }
    dead = []
    for path, page in pages.items():
        for tag in page.select("[href], [src]"):
            link = tag.get("href") or tag.get("src") or ""
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = path
            if parts.path:
                target = (path.parent / unquote(parts.path)).resolve()
            there = {"", *places.get(target, ())}
            if not target.is_file() or unquote(parts.fragment) not in there:
                dead.append(f"{path.relative_to(folder)}: {link}")
    return dead


@pytest.mark.slow
def test_links_of_the_built_book(html):
    assert len([*html.glob("book/*.html")]) > 10
    assert dead_ends(html) == []


def test_a_dead_end_is_found(tmp_path):
    (tmp_path / "a.html").write_text(
        "<h1 id='top'></h1><a name='old'></a><link href='style.css'>"
        "<a href='#top'></a><a href='b.html#here'></a><a href='#'></a>"
        "<a href='b.html?q=1'></a><a href='https://example.org'></a>"
        "<a href='#none'></a><a href='c.html'></a><img src='d.png'>"
        "<a href='b.html#none'></a><script src='e.js'></script>"
    )
    (tmp_path / "b.html").write_text("<p id='here'><a href='a.html#old'>")
    (tmp_path / "style.css").touch()
    assert dead_ends(tmp_path) == [
        "a.html: #none",
        "a.html: c.html",
        "a.html: d.png",
        "a.html: b.html#none",
        "a.html: e.js",
    ]
