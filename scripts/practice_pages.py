"""Derive the practice pages from the sections' notebooks.

A practice page has the exercises of a section without their answers: each
statement as the section has it, under each part that `helpers.practice` can
check a stub and the check, under the others the points of a full answer, to
tick off by hand, and at the end a link to the answer. `root` is the
project's folder in all functions.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pages
import yaml
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from pages import ROOT

from helpers.practice import TASKS

EXERCISE = re.compile(r"### Exercise (\d+): ")
LINK = re.compile(r"\]\((?!https?:|mailto:|\.\./)([^)]+)\)")

TITLE = """\
# Practice {section}: {title}

The exercises of [section {section}](../book/{notebook}) without their \
answers; "this section" in them means that one, which has the text and \
the code that they speak of. Open this page in Colab or JupyterLab and run \
the first two cells. Then fill in the unfinished ones, and run each of \
them and the check below it. The check says at \
once whether an answer is right; a mistake that is known is named. Where \
reasons are asked for, a folded list has what a full answer contains. \
Nothing is sent anywhere."""
IMPORTS = """\
import torch
from torch import nn
from torch.nn import functional as F

from helpers import practice"""
PROGRESS = """\
## Your progress

The parts with a check that were right when you last ran it, since the \
notebook was started:"""


def expected(root: Path = ROOT) -> dict[Path, str]:
    """All practice pages, with the text that each file should hold."""
    points = all_points(root)
    files = {}
    for section in pages.sections(root):
        source = root / "book" / section["notebook"]
        found = statements(pages.read(source)) if source.exists() else {}
        if found:
            path = root / "practice" / section["notebook"]
            notebook = derive(section, found, points, path, root)
            files[path] = pages.text_of(notebook)
    return files


def all_points(root: Path = ROOT) -> dict[str, list[str]]:
    """What full answers contain, by part of an exercise."""
    path = root / "practice" / "points.yml"
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def statements(notebook: NotebookNode) -> dict[int, str]:
    """The statements of a section's exercises, by number."""
    found: dict[int, str] = {}
    number = None
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        if match := EXERCISE.match(cell.source):
            number = int(match[1])
            found[number] = cell.source
        elif pages.ANSWER.match(cell.source):
            number = None
        elif number:
            found[number] += "\n\n" + cell.source
    return found


def derive(
    section: dict[str, Any],
    found: dict[int, str],
    points: dict[str, list[str]],
    path: Path,
    root: Path = ROOT,
) -> NotebookNode:
    """The practice page of a section, to be written to path.

    Args:
        section: as in exercises.yml.
        found: the exercises' statements, by number.
        points: what full answers contain, by part.
        path: of the page.
        root: the project's folder.
    """
    set_up = new_code_cell(
        pages.set_up_source(*pages.address(root)), id="set-up"
    )
    set_up.metadata.tags = ["hide-input"]
    cells = [
        new_markdown_cell(TITLE.format(**section), id="title"),
        new_markdown_cell(
            pages.badge(path, root) + "\n\n" + pages.original(section),
            id="front",
        ),
        set_up,
        new_code_cell(IMPORTS, id="imports"),
    ]
    for exercise in section["exercises"]:
        if exercise["number"] in found:
            statement = found[exercise["number"]]
            cells += exercise_cells(section, exercise, statement, points)
    number = section["section"]
    if any(part.startswith(f"{number}.") for part in TASKS):
        cells += [
            new_markdown_cell(PROGRESS, id="progress-text"),
            new_code_cell(
                f'print(practice.progress("{number}"))', id="progress"
            ),
        ]
    return new_notebook(cells=cells, metadata=pages.kernel_metadata())


def exercise_cells(
    section: dict[str, Any],
    exercise: dict[str, Any],
    statement: str,
    points: dict[str, list[str]],
) -> Iterator[NotebookNode]:
    """The cells of an exercise: statement, parts, link to the answer."""
    number = pages.number(section, exercise)
    beginning, parts = split(moved(statement, section["notebook"]))
    # The page's title is followed by exercises: one level less.
    yield new_markdown_cell(
        beginning.removeprefix("#"), id=cell_id("exercise", number)
    )
    for letter, text in parts.items():
        part = number + letter
        yield new_markdown_cell(text, id=cell_id("part", part))
        yield from cells_to_try(part, points)
    yield from cells_to_try(number, points)
    answer = f"{section['notebook']}#{pages.slug(section, exercise)}"
    yield new_markdown_cell(
        f"[The answer to {number}](../book/{answer})",
        id=cell_id("answer", number),
    )


def cells_to_try(
    part: str, points: dict[str, list[str]]
) -> Iterator[NotebookNode]:
    """A part's stub and its check, or the points of a full answer."""
    if part in TASKS:
        stub = TASKS[part].stub.strip()
        yield new_code_cell(stub, id=cell_id("stub", part))
        check = new_code_cell(
            f'practice.check("{part}", {name_in(stub)})',
            id=cell_id("check", part),
        )
        check.metadata.tags = ["check"]
        yield check
    if part in points:
        yield new_markdown_cell(
            points_source(part, points[part]), id=cell_id("points", part)
        )


def split(statement: str) -> tuple[str, dict[str, str]]:
    """How a statement begins, and the text of each of its parts."""
    beginning, *parts = re.split("^(?=[a-z]\\. )", statement, flags=re.M)
    return beginning.strip(), {part[0]: part.strip() for part in parts}


def moved(text: str, notebook: str) -> str:
    """Markdown of a notebook of the book, its links as from `practice/`."""

    def target(match: re.Match[str]) -> str:
        inside = notebook if match[1].startswith("#") else ""
        return f"](../book/{inside}{match[1]})"

    return LINK.sub(target, text)


def name_in(stub: str) -> str:
    """The name that the last statement of a stub defines."""
    last = ast.parse(stub).body[-1]
    return last.targets[0].id if isinstance(last, ast.Assign) else last.name


def points_source(part: str, points: list[str]) -> str:
    """The points of a full answer, folded, each with a box to tick."""
    rows = [
        f'- <label><input type="checkbox"> {point}</label>'
        for point in points
    ]
    return "\n".join(
        [
            '<details class="points">',
            f"<summary>What a full answer to {part} contains</summary>",
            "",
            *rows,
            "",
            "</details>",
        ]
    )


def cell_id(kind: str, part: str) -> str:
    """For example "stub-741a"; ids of cells have no points."""
    return f"{kind}-{part.replace('.', '')}"
