"""The table in CONTRIBUTING.md: which pages a module of helpers touches."""

import re
from pathlib import Path

import pages
from nbformat import NotebookNode
from pages import ROOT

from helpers.records import module_sources, modules_used


def modules_of(notebook: NotebookNode) -> list[str]:
    """The modules of helpers that count in a notebook's fingerprint.

    The checks of `helpers.practice` do not: they change no output.
    """
    cells = [
        pages.as_python(cell.source)
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]
    return [m for m in modules_used(*cells) if module_sources([m])]


def name_of(path: Path) -> str:
    """The number of a section, such as "7.2", or a guide's file name."""
    number = re.match(r"(\d+)-(\d+)-", path.name)
    return f"{number[1]}.{number[2]}" if number else path.stem


def modules(root: Path = ROOT) -> str:
    """A row for each module that a page uses, with links to the pages."""
    touched: dict[str, list[str]] = {}
    for path in pages.notebooks(root):
        link = f"[{name_of(path)}]({path.relative_to(root).as_posix()})"
        for module in modules_of(pages.read(path)):
            touched.setdefault(module, []).append(link)
    rows = ["| Module | Pages to refresh |", "| :--- | :--- |"]
    rows += [
        f"| `{module}` | {', '.join(links)} |"
        for module, links in sorted(touched.items())
    ]
    return "\n".join(rows)
