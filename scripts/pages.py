"""What the scripts and the tests know about the book's pages.

Three cells of every notebook and some metadata are made here, from
`_config.yml`, `book/exercises.yml` and the notebooks themselves. `root` is
the project's folder in all functions.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import yaml
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from helpers.records import (
    digest,
    fingerprint,
    module_sources,
    modules_used,
)

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("book", "templates")
PLACEHOLDER = "https://github.com/OWNER/REPOSITORY"
ANSWER = re.compile(r"#### Answer to (\d+\.\d+\.\d+)")
GENERATED = ("front", "set-up", "exercise-table")
CELL_METADATA = ("tags", "mystnb", "nbmake")

# Its error is no ImportError: to those Colab adds a traceback and advice.
SET_UP = """\
# Finds the book's package `helpers`, or installs it (in Google Colab).
from importlib.util import find_spec


class SetUpError(Exception):
    def _render_traceback_(self):  # one line, for IPython
        return [str(self)]


{missing}
import helpers

if "Convolutions, Checked" not in str(helpers.__doc__):
    raise SetUpError(
        f"Another package is called helpers: {{helpers}}. Remove or rename "
        "it, restart the kernel and run this cell again."
    )"""
# A pip that fails does not stop a cell: hence the second look.
INSTALL = """\
if find_spec("helpers") is None:
    book = "{url}"
    %pip install -q --no-deps {{book}}/archive/{ref}.zip
if find_spec("helpers") is None:
    raise SetUpError(
        "The book's helpers were not installed; pip says above why. Check "
        "the network and run this cell again."
    )"""
NO_ADDRESS = """\
if find_spec("helpers") is None:
    raise SetUpError(
        "The book's helpers are missing: run `pip install -r requirements"
        ".txt` in its folder, or scripts/set_repository.py for Colab."
    )"""


def address(root: Path = ROOT) -> tuple[str, str]:
    """The repository's URL and the tag that notebooks install from."""
    text = (root / "_config.yml").read_text(encoding="utf-8")
    repository = yaml.safe_load(text)["repository"]
    return repository["url"], repository["branch"]


def sections(root: Path = ROOT) -> list[dict[str, Any]]:
    """The list of exercises, section by section, as in exercises.yml."""
    path = root / "book" / "exercises.yml"
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def section_of(path: Path, root: Path = ROOT) -> dict[str, Any] | None:
    """The section whose notebook path is; None for guides and templates.

    A guide is a notebook of the book that has no exercises.
    """
    for section in sections(root):
        if path == root / "book" / section["notebook"]:
            return section
    return None


def notebooks(root: Path = ROOT) -> list[Path]:
    """All notebooks with outputs: of the book and the templates.

    The practice pages are others: they are derived and have no outputs.
    """
    return [
        path
        for folder in FOLDERS
        for path in sorted((root / folder).glob("*.ipynb"))
    ]


def practice(root: Path = ROOT) -> list[Path]:
    """All practice pages."""
    return sorted((root / "practice").glob("*.ipynb"))


def read(path: Path) -> NotebookNode:
    """A notebook from its file."""
    return nbformat.read(path, as_version=4)


def text_of(notebook: NotebookNode) -> str:
    """A notebook as the text of its file."""
    return nbformat.writes(notebook) + "\n"


def write(path: Path, text: str) -> None:
    """Write a text file with the same line ends on every system."""
    path.write_text(text, encoding="utf-8", newline="\n")


def as_python(source: str) -> str:
    """A cell's source without IPython's own syntax, such as `%time`."""
    return TransformerManager().transform_cell(source)


def fingerprint_of(notebook: NotebookNode) -> str:
    """Fingerprint of the code cells and of the helpers that they use.

    The set-up cell does not count: another address makes nothing stale.
    """
    cells = [
        as_python(cell.source)
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.id != "set-up"
    ]
    return fingerprint(*cells, *module_sources(modules_used(*cells)))


def fingerprint_of_outputs(notebook: NotebookNode) -> str:
    """Fingerprint of all outputs, with the cells that they belong to."""
    outputs = [
        [cell.id, cell.outputs]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]
    return digest(json.dumps(outputs, sort_keys=True))


def fingerprints(notebook: NotebookNode) -> dict[str, str]:
    """What a full run records of the code and of what came of it."""
    return {
        "sources": fingerprint_of(notebook),
        "outputs": fingerprint_of_outputs(notebook),
    }


def is_stale(notebook: NotebookNode) -> bool:
    """Whether the outputs are not those of one run of today's code."""
    book = notebook.metadata.get("book", {})
    now = fingerprints(notebook)
    return any(book.get(name) != value for name, value in now.items())


def update(
    notebook: NotebookNode, path: Path, root: Path = ROOT
) -> NotebookNode:
    """Put the generated cells and metadata into the notebook at path."""
    section = section_of(path, root)
    cells = [c for c in notebook.cells if c.id not in GENERATED]
    old = {c.id: c for c in notebook.cells}

    set_up = old.get("set-up", new_code_cell(id="set-up"))
    set_up.source = set_up_source(*address(root))
    set_up.metadata.tags = ["hide-input"]
    generated = [
        new_markdown_cell(
            front_source(notebook, path, section, root), id="front"
        ),
        set_up,
    ]
    if section:
        generated.append(
            new_markdown_cell(table_source(section), id="exercise-table")
        )
    notebook.cells = cells[:1] + generated + cells[1:]

    answers = []
    for cell in notebook.cells:
        for key in set(cell.metadata) - set(CELL_METADATA):
            del cell.metadata[key]
        if cell.cell_type == "markdown" and ANSWER.match(cell.source):
            cell.metadata["jp-MarkdownHeadingCollapsed"] = True
            cell.metadata["id"] = cell.id
            answers.append(cell.id)
    metadata = kernel_metadata()
    if answers:
        metadata["colab"] = {"collapsed_sections": answers}
    if section and section.get("gpu"):  # what Colab starts with
        metadata["accelerator"] = "GPU"
        metadata.setdefault("colab", {})["gpuType"] = "T4"
    if "book" in notebook.metadata:
        metadata["book"] = notebook.metadata.book
    notebook.metadata = nbformat.from_dict(metadata)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def kernel_metadata() -> dict[str, Any]:
    """The metadata that every notebook has."""
    return {
        "kernelspec": {
            "display_name": "Python 3",
            "language": "python",
            "name": "python3",
        },
        "language_info": {"name": "python"},
    }


def front_source(
    notebook: NotebookNode,
    path: Path,
    section: dict[str, Any] | None,
    root: Path = ROOT,
) -> str:
    """Colab badge, measured run time, links of the section."""
    lines = [
        badge(path, root),
        f"Measured run time: {run_time(notebook.metadata.get('book'))}.",
    ]
    if section:
        lines += [
            "Try first: [the exercises without their answers]"
            f"(../practice/{section['notebook']}), with checks that know "
            "the common mistakes.",
            original(section),
        ]
    return "\n\n".join(lines)


def badge(path: Path, root: Path = ROOT) -> str:
    """The button that opens the notebook at path in Colab."""
    url, tag = address(root)
    place = path.relative_to(root).as_posix()
    static = "_static" if path.parent.name == "book" else "../book/_static"
    colab = url.replace(
        "https://github.com/", "https://colab.research.google.com/github/"
    )
    return (
        f"[![Open in Colab]({static}/open-in-colab.svg)]"
        f"({colab}/blob/{tag}/{place})"
    )


def original(section: dict[str, Any]) -> str:
    """A link to the original section."""
    return (
        "Original: [Dive into Deep Learning, section "
        f"{section['section']}]({section['original']})."
    )


def run_time(book: dict[str, Any] | None) -> str:
    """For example "0.2 minutes (CPU, 2 threads)"."""
    if book is None:
        return "not measured yet"
    minutes = book["minutes"] or "less than 0.1"
    return f"{minutes} minutes ({book['device']})"


def set_up_source(url: str, tag: str) -> str:
    """The set-up cell's code, the same in all notebooks."""
    missing = NO_ADDRESS
    if url != PLACEHOLDER:
        # A commit, where there is no tag, has its archive elsewhere.
        ref = f"refs/tags/{tag}" if tag.startswith("v") else tag
        missing = INSTALL.format(url=url, ref=ref)
    return SET_UP.format(missing=missing)


def table_source(section: dict[str, Any]) -> str:
    """The table of a section's exercises, linked to their answers."""
    return table(
        section,
        [
            f"[{number(section, exercise)} {exercise['title']}]"
            f"(#{slug(section, exercise)})"
            for exercise in section["exercises"]
        ],
    )


def table(section: dict[str, Any], names: list[str]) -> str:
    """A table of a section's exercises under these names.

    A section in which no exercise has parts has no column for them.
    """
    exercises = section["exercises"]
    columns = {
        "Exercise": names,
        "Parts": [",\u00a0".join(e["parts"]) for e in exercises],
        "Answered by": [", ".join(e["kind"]) for e in exercises],
    }
    if not any(columns["Parts"]):
        del columns["Parts"]
    head = [tuple(columns), (":---",) * len(columns)]
    rows = head + list(zip(*columns.values(), strict=True))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def number(section: dict[str, Any], exercise: dict[str, Any]) -> str:
    """An exercise's full number, such as "7.2.1"."""
    return f"{section['section']}.{exercise['number']}"


def slug(section: dict[str, Any], exercise: dict[str, Any]) -> str:
    """The anchor of an exercise's answer, such as "answer-to-721"."""
    return "answer-to-" + number(section, exercise).replace(".", "")


def by_answer(notebook: NotebookNode) -> Iterator[tuple[str, NotebookNode]]:
    """All cells, each with the answer that it is in, such as "7.2.1".

    An answer goes on to the next heading of its level or above; cells
    outside of answers come with "".
    """
    answer = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            if match := ANSWER.match(cell.source):
                answer = match[1]
            elif re.match("#{1,4} ", cell.source):
                answer = ""
        yield answer, cell


def answers_in(path: Path) -> set[str]:
    """Numbers of the exercises that a notebook answers, such as "7.2.1"."""
    if not path.exists():
        return set()
    matches = [ANSWER.match(cell.source) for cell in read(path).cells]
    return {match[1] for match in matches if match}
