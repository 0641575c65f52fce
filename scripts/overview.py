"""What several pages of the book list, made from the notebooks.

These are the exercises with their kinds of answer, the common mistakes, the
students' questions, the measured results beside those of students, and what
the page on trust shows. A page says where such a list belongs by two
comments, and what stands between them is replaced:

    <!-- begin mistakes -->
    <!-- end mistakes -->

`root` is the project's folder in all functions.
"""

import re
from collections.abc import Iterator
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import contributing
import pages
import practice_pages
import trust
import yaml
from markdown_it import MarkdownIt
from mdit_py_plugins.anchors.index import slugify, unique_slug
from nbformat import NotebookNode
from pages import ROOT

MISTAKE = "A common mistake: "
QUESTIONS = "Questions that students asked"
MARKERS = re.compile(
    r"(<!-- begin ([\w-]+) -->\n).*?(<!-- end \2 -->)", re.DOTALL
)


class Heading(NamedTuple):
    """A heading of a notebook, with the anchor that MyST gives it."""

    level: int
    text: str
    anchor: str


def headings(notebook: NotebookNode) -> Iterator[Heading]:
    """The headings of a notebook's Markdown cells, in their order."""
    markdown = MarkdownIt("commonmark")
    anchors: set[str] = set()
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        tokens = markdown.parse(cell.source)
        for start, inline in pairwise(tokens):
            if start.type == "heading_open":
                plain = "".join(c.content for c in inline.children)
                anchor = unique_slug(slugify(plain), anchors)
                anchors.add(anchor)
                yield Heading(int(start.tag[1]), inline.content, anchor)


def written(root: Path = ROOT) -> list[Path]:
    """The notebooks of the book: sections in order, then guides."""
    numbered = [root / "book" / s["notebook"] for s in pages.sections(root)]
    all_of_them = sorted((root / "book").glob("*.ipynb"))
    guides = [path for path in all_of_them if path not in numbered]
    return [path for path in numbered + guides if path.exists()]


def coverage(root: Path = ROOT) -> str:
    """Every exercise with its parts, and whether it is answered."""
    tables = []
    count = 0
    answers = 0
    for section in pages.sections(root):
        answered = pages.answers_in(root / "book" / section["notebook"])
        names = []
        for exercise in section["exercises"]:
            name = f"{pages.number(section, exercise)} {exercise['title']}"
            link = f"{section['notebook']}#{pages.slug(section, exercise)}"
            count += 1
            if pages.number(section, exercise) in answered:
                answers += 1
                name = f"[{name}]({link})"
            else:
                name += " (*not written yet*)"
            names.append(name)
        tables.append(
            f"## {section['section']} {section['title']}\n\n"
            f"[The original section]({section['original']})\n\n"
            + pages.table(section, names)
        )
    verb = "is" if answers == 1 else "are"
    head = f"{answers} of {count} answers {verb} written."
    return "\n\n".join([head, *tables])


def exercises(root: Path = ROOT) -> str:
    """A table with a row for each section: its exercises and answers."""
    rows = ["| Section | Exercises, and how they are answered |"]
    rows.append("| :--- | :--- |")
    for section in pages.sections(root):
        notebook = section["notebook"]
        links = [
            f"[{exercise['number']} {exercise['title']}]({notebook}"
            f"#{pages.slug(section, exercise)}): "
            + ", ".join(exercise["kind"])
            for exercise in section["exercises"]
        ]
        title = (
            f"{section['section']} {section['title']}<br>"
            f"[Read it]({notebook})<br>[Try it](../practice/{notebook})"
        )
        rows.append(f"| {title} | {'<br>'.join(links)} |")
    return "\n".join(rows)


def mistakes(root: Path = ROOT) -> str:
    """All common mistakes by page and exercise, linked to their boxes."""
    blocks = []
    for path in written(root):
        title, *rest = headings(pages.read(path))
        blocks.append(f"### {title.text}")
        place, found = "In the text", []  # of each mistake, with its line
        for heading in rest:
            if heading.level < 4:
                exercise = heading.text.partition(": ")[2]
                place = "In the text"
            if heading.text.startswith("Answer to "):
                number = heading.text.removeprefix("Answer to ")
                place = f"{number} {exercise}"
            elif heading.text.startswith(MISTAKE):
                belief = heading.text.removeprefix(MISTAKE)
                line = f"- [{belief}]({path.name}#{heading.anchor})"
                found.append((place, line))
        for where, lines in groupby(found, itemgetter(0)):
            blocks.append(f"**{where}**")
            blocks.append("\n".join(line for _, line in lines))
    return "\n\n".join(blocks)


def questions(root: Path = ROOT) -> str:
    """All questions that students asked, section by section."""
    lists = []
    for path in written(root):
        title, *rest = headings(pages.read(path))
        lines, asked = [], False
        for heading in rest:
            if heading.level < 3:
                asked = heading.text == QUESTIONS
            elif asked:
                lines.append(
                    f"- [{heading.text}]({path.name}#{heading.anchor})"
                )
        if lines:
            lists.append(f"## {title.text}\n\n" + "\n".join(lines))
    return "\n\n".join(lists)


def printed(notebook: NotebookNode, cell_id: str) -> str:
    """All text that a cell has printed."""
    for cell in notebook.cells:
        if cell.id == cell_id:
            return "".join(
                output.get("text", "") for output in cell.outputs
            )
    raise ValueError(f"no cell has the id {cell_id}")


def results(root: Path = ROOT) -> str:
    """A table of results, ours read from the outputs of the notebooks.

    Raises:
        ValueError: a cell that is not there or printed something else.
    """
    path = root / "book" / "results.yml"
    rows = [
        "| What is measured | In students' write-ups | In this book |",
        "| :--- | :--- | :--- |",
    ]
    for row in yaml.safe_load(path.read_text(encoding="utf-8")):
        notebook = pages.read(root / "book" / row["notebook"])
        found = re.search(row["find"], printed(notebook, row["cell"]))
        if found is None:
            raise ValueError(
                f"{row['notebook']}, cell {row['cell']}, prints nothing "
                f"like {row['find']!r}"
            )
        ours = " ".join(row["ours"].format(*found.groups()).split())
        ours = re.sub(r" (?=[±%×])|(?<=[±×]) ", "\u00a0", ours)
        link = f"{row['notebook']}#{row['anchor']}"
        rows.append(
            f"| {row['what']} | {row['students']} | [{ours}]({link}) |"
        )
    return "\n".join(rows)


def figure(root: Path = ROOT) -> str:
    """The front page's picture: two kernels in one, right and wrong."""
    notebook = pages.read(root / "book" / "7-4-channels.ipynb")
    cell = next(c for c in notebook.cells if c.id == "f6b23b45")
    png = next(
        output.data["image/png"]
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    )
    alt = cell.metadata.mystnb.image.alt
    data = "".join(png.split())
    return f'<img src="data:image/png;base64,{data}" alt="{alt}">'


LISTS = {
    "coverage": coverage,
    "exercises": exercises,
    "figure": figure,
    "mistakes": mistakes,
    "modules": contributing.modules,
    "numbers": trust.numbers,
    "planted": trust.planted,
    "questions": questions,
    "results": results,
    "speed": trust.speed,
    "versions": trust.versions,
}


def fill(text: str, root: Path = ROOT) -> str:
    """Put today's lists between the markers of a page's text."""
    return MARKERS.sub(
        lambda match: f"{match[1]}\n{LISTS[match[2]](root)}\n\n{match[3]}",
        text,
    )


def expected_files(root: Path = ROOT) -> dict[Path, str]:
    """What every file with generated parts should hold."""
    files = {
        path: pages.text_of(pages.update(pages.read(path), path, root))
        for path in pages.notebooks(root)
    }
    files |= practice_pages.expected(root)
    for folder in (root, root / "book"):
        for path in sorted(folder.glob("*.md")):
            files[path] = fill(path.read_text(encoding="utf-8"), root)
    return files


def out_of_step(root: Path = ROOT) -> dict[Path, str]:
    """The files that differ, with what they should hold."""
    return {
        path: text
        for path, text in expected_files(root).items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    }
