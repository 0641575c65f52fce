"""What every notebook of the book must be like, as a file.

Each rule takes a notebook, some also its section as in exercises.yml, and
returns its faults, one line each. A notebook without a section is a guide:
a page of the book without exercises.
"""

import ast
import re
from pathlib import Path

from nbformat import NotebookNode

LAST = {
    "section": [
        "Exercises",
        "Questions that students asked",
        "Summary",
        "Read next",
    ],
    "guide": ["Summary", "Read next"],
}
MISTAKE = {"section": 5, "guide": 3}  # level of the headings
MACHINE_PATH = re.compile(
    r"(?<![\w.])(/(?:home|root|tmp|Users|work|workspace|content|mnt|opt|usr"
    r"|var|private|srv|builds)\b|[A-Z]:\\)|site-packages"
)
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
RAW_MYST = {
    "directive": re.compile(
        r"^\s*(?:>\s*|[-*]\s+)?(:{3,}|`{3,}\s*\{|~{3,}\s*\{)", re.MULTILINE
    ),
    "label": re.compile(r"^\([\w-]+\)=", re.MULTILINE),
    "GitHub note": re.compile(r"^> \[!", re.MULTILINE),
    "block break": re.compile(r"^\+\+\+", re.MULTILINE),
    "comment": re.compile(r"^% |<!--", re.MULTILINE),
    "substitution": re.compile(r"\{\{"),
    "picture without alternative text": re.compile(r"!\[\]\(|<img "),
}
# A role such as {math}`x`, or code between backticks.
ROLE_OR_CODE = re.compile(r"\{[\w:-]+\}`[^`]+`|`[^`]+`")
RAW_TEX = {
    r"\tag, \label or \ref": re.compile(r"\\(tag|label|ref|eqref)\b"),
    "a bare environment": re.compile(
        r"\\begin\{(align|equation|gather|multline|split)\*?\}"
    ),
}


# The skeleton


def headings(notebook: NotebookNode) -> list[tuple[int, str, int]]:
    """All headings in order: level, text and number of the cell."""
    found = []
    for place, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            text = FENCE.sub("", cell.source)
            for marks, title in re.findall(r"^(#+) (.*)$", text, re.M):
                found.append((len(marks), title, place))
    return found


def section_from(notebook: NotebookNode) -> dict:
    """A template's section, from its own headings and statements."""
    exercises = []
    for _, title, place in headings(notebook):
        match = re.fullmatch(r"Exercise (\d+): (.*)", title)
        if match:
            exercises.append(
                {
                    "number": len(exercises) + 1,
                    "title": match[2],
                    "parts": parts_in(notebook.cells[place].source),
                }
            )
    match = re.match(r"# (\d+\.\d+) ", notebook.cells[0].source)
    number = match[1] if match else "0.0"
    return {"section": number, "exercises": exercises}


def parts_in(statement: str) -> str:
    """The letters of an exercise's parts: a line "a. Show ..." is one."""
    return "".join(re.findall(r"^([a-z])\. ", statement, re.M))


def kind(section: dict | None) -> str:
    """What a notebook with this section is."""
    return "section" if section else "guide"


def title_and_front(
    notebook: NotebookNode, section: dict | None
) -> list[str]:
    """Title with a paragraph, then the generated cells.

    A section has its number in the title, a guide has none.
    """
    faults = []
    title = notebook.cells[0]
    start = (
        re.escape(section["section"]) + r" \S" if section else r"[^\W\d]"
    )
    pattern = rf"# {start}.*\n\n\S"
    if title.cell_type != "markdown" or not re.match(pattern, title.source):
        faults.append("the first cell is no title with a paragraph")
    wanted = ["front", "set-up"]
    if section and "notebook" in section:
        wanted.append("exercise-table")
    ids = [cell.id for cell in notebook.cells[1 : len(wanted) + 1]]
    if ids != wanted:
        faults.append(f"after the title stand {ids}, not {wanted}")
    return faults


def outline(notebook: NotebookNode, section: dict | None) -> list[str]:
    """Chapters of the page's own, then those that every page has."""
    faults = []
    found = headings(notebook)
    if [title for level, title, _ in found if level == 1] != [
        title for _, title, place in found if place == 0
    ]:
        faults.append("the title is not the only heading of level 1")
    chapters = [title for level, title, _ in found if level == 2]
    wanted = LAST[kind(section)]
    last = chapters[-len(wanted) :]
    if last != wanted:
        faults.append(f"the last chapters are {last}")
    if len(chapters) <= len(wanted):
        faults.append(f"there is no chapter before {wanted[0]}")
    for level, title, _ in found:
        if level > 5:
            faults.append(f"heading of level {level}: {title}")
    return faults


def exercises(notebook: NotebookNode, section: dict) -> list[str]:
    """Every exercise in order, each with its parts and its answer."""
    faults = []
    wanted = []
    for exercise in section["exercises"]:
        wanted.append(f"Exercise {exercise['number']}: {exercise['title']}")
        wanted.append(
            f"Answer to {section['section']}.{exercise['number']}"
        )
    inside = False
    found = []
    for level, title, place in headings(notebook):
        if level == 2:
            inside = title == "Exercises"
        elif inside and level in (3, 4):
            found.append((level, title, place))
    titles = [title for _, title, _ in found]
    if titles != wanted or [level for level, _, _ in found] != (
        [3, 4] * len(section["exercises"])
    ):
        return [f"the exercises are {titles}, not {wanted}"]

    ends = [place for level, _, place in headings(notebook) if level <= 3]
    for i, exercise in enumerate(section["exercises"]):
        start, answer = found[2 * i][2], found[2 * i + 1][2]
        end = min((e for e in ends if e > answer), default=None)
        statement = "\n".join(
            cell.source for cell in notebook.cells[start:answer]
        )
        if parts_in(statement) != exercise["parts"]:
            faults.append(
                f"exercise {exercise['number']} has the parts "
                f"{parts_in(statement)!r}, not {exercise['parts']!r}"
            )
        faults += answer_faults(notebook.cells[answer:end])
    return faults


def no_exercises(notebook: NotebookNode) -> list[str]:
    """A guide has none of what belongs to exercises."""
    return [
        f"a heading of exercises in a guide: {title}"
        for _, title, _ in headings(notebook)
        if re.match(r"Exercise|Answer to|Questions that", title)
    ]


def answer_faults(cells: list[NotebookNode]) -> list[str]:
    """An answer: heading alone, short answer, a check that can fail."""
    faults = []
    heading, *rest = cells[0].source.strip().splitlines()
    if rest:
        faults.append(f"more than a heading in the cell of {heading}")
    if len(cells) < 2 or not cells[1].source.startswith("**In short.**"):
        faults.append(f"no short answer after {heading}")
    if not any(is_check(cell) and asserts(cell) for cell in cells):
        faults.append(f"no check with an assertion in {heading}")
    return faults


def is_check(cell: NotebookNode) -> bool:
    """Whether a cell is tagged as a check."""
    tags = cell.metadata.get("tags", [])
    return cell.cell_type == "code" and "check" in tags


def asserts(cell: NotebookNode) -> bool:
    """Whether code asserts: the statement, or a call like assert_close."""
    for node in ast.walk(ast.parse(cell.source)):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).split(".")[-1]
            if name.startswith("assert"):
                return True
    return False


def checks(notebook: NotebookNode) -> list[str]:
    """There are checks, and every cell tagged as one asserts something."""
    found = [cell for cell in notebook.cells if is_check(cell)]
    faults = [
        f"the check in cell {cell.id} asserts nothing"
        for cell in found
        if not asserts(cell)
    ]
    return faults if found else ["no cell is tagged as a check"]


def mistakes(notebook: NotebookNode, section: dict | None) -> list[str]:
    """At least one common mistake."""
    wanted = MISTAKE[kind(section)]
    for level, title, _ in headings(notebook):
        if level == wanted and re.match(r"A common mistake: \S", title):
            return []
    return ["no common mistake"]


def summary(notebook: NotebookNode) -> list[str]:
    """A summary of five points."""
    text = "\n".join(
        cell.source
        for cell in notebook.cells
        if cell.cell_type == "markdown"
    )
    match = re.search(r"^## Summary$(.*?)(^#|\Z)", text, re.M | re.S)
    points = re.findall(r"^(?:[-*]|\d\.) ", match[1], re.M) if match else []
    if len(points) == 5:
        return []
    return [f"{len(points)} points in the summary, not 5"]


# Outputs


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """The code cells."""
    return [c for c in notebook.cells if c.cell_type == "code"]


def executed(notebook: NotebookNode) -> list[str]:
    """Every code cell was run, from top to bottom in a fresh kernel."""
    counts = [cell.execution_count for cell in code_cells(notebook)]
    if counts == list(range(1, len(counts) + 1)):
        return []
    return [f"execution counts are {counts}"]


def clean_outputs(notebook: NotebookNode) -> list[str]:
    """No errors, warnings, widgets or paths of a machine."""
    faults = []
    for cell in code_cells(notebook):
        for output in cell.outputs:
            if output.output_type == "error":
                faults.append(f"cell {cell.id} failed")
                continue
            if output.get("name") == "stderr":
                faults.append(f"cell {cell.id} wrote to stderr")
            texts = {"text/stream": output.get("text", "")}
            texts |= output.get("data", {})
            for mime, text in texts.items():
                if "widget" in mime:
                    faults.append(f"cell {cell.id} shows a widget")
                if not isinstance(text, str) or mime == "image/png":
                    continue
                text = re.sub(r"base64,[\w+/=]+", "", text)
                path = MACHINE_PATH.search(text)
                if path:
                    faults.append(f"cell {cell.id} shows {path[0]}")
                if output.output_type == "stream" and "Warning" in text:
                    faults.append(f"cell {cell.id} shows a warning")
                if output.output_type == "stream" and "\r" in text:
                    faults.append(f"cell {cell.id} shows a progress bar")
    if "widgets" in notebook.metadata:
        faults.append("the state of widgets was saved")
    return faults


def shown_sources(notebook: NotebookNode) -> list[str]:
    """A function's source is shown as it stands in helpers today."""
    helpers = Path(__file__).parents[1] / "helpers"
    sources = [f.read_text("utf-8") for f in helpers.glob("*.py")]
    faults = []
    for cell in code_cells(notebook):
        for output in cell.outputs:
            text = output.get("data", {}).get("text/markdown", "")
            shown = re.fullmatch(r"```python\n(.*)\n```", text, re.S)
            if shown and not any(shown[1] in source for source in sources):
                faults.append(f"cell {cell.id} shows an old source")
    return faults


def alternative_texts(notebook: NotebookNode) -> list[str]:
    """Every picture says in words what is seen, each in its own words."""
    faults = []
    seen = set()
    for cell in code_cells(notebook):
        kinds = [kind for o in cell.outputs for kind in o.get("data", {})]
        image = cell.metadata.get("mystnb", {}).get("image", {})
        alt = image.get("alt", "")
        if any(k.startswith("image/") for k in kinds) and len(alt) < 20:
            faults.append(f"the figure of cell {cell.id} lacks a text")
        if alt and alt in seen:
            faults.append(f"cell {cell.id} repeats a figure's text")
        seen.add(alt)
        for output in cell.outputs:
            html = output.get("data", {}).get("text/html", "")
            for tag in re.findall(r"<img\b[^>]*>", html):
                if not re.search(r"""\balt=["'][^"']""", tag):
                    faults.append(f"an <img> of cell {cell.id} lacks alt")
    return faults


# Sources


def markdown(notebook: NotebookNode) -> list[str]:
    """Nothing that Colab, JupyterLab or GitHub would show raw."""
    faults = []
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        text = FENCE.sub("", cell.source)
        for name, pattern in RAW_MYST.items():
            whole = cell.source if name == "directive" else text
            if pattern.search(whole):
                faults.append(f"a {name} in cell {cell.id}")
        if any(m.startswith("{") for m in ROLE_OR_CODE.findall(text)):
            faults.append(f"a role in cell {cell.id}")
        for name, pattern in RAW_TEX.items():
            if pattern.search(text):
                faults.append(f"{name} in cell {cell.id}")
        for block in re.split(r"\n\s*\n", text):
            block = block.strip()
            if "$$" in block and not re.fullmatch(
                r"\$\$((?!\$\$).)+\$\$", block, re.S
            ):
                faults.append(f"$$ not alone in cell {cell.id}: {block}")
    return faults


def line_lengths(notebook: NotebookNode) -> list[str]:
    """Lines of code fit the book's column."""
    return [
        f"{len(line)} characters in cell {cell.id}: {line}"
        for cell in code_cells(notebook)
        for line in cell.source.splitlines()
        if len(line) > 76
    ]


def mocks(notebook: NotebookNode) -> list[str]:
    """Quick settings replace what their own cell assigns, nothing else."""
    faults = []
    for cell in code_cells(notebook):
        mock = cell.metadata.get("nbmake", {}).get("mock", {})
        if not mock:
            continue
        names = set()
        for node in ast.parse(cell.source).body:
            if is_plain_assignment(node):
                names.add(node.targets[0].id)
            else:
                faults.append(
                    f"cell {cell.id} has more than plain assignments: "
                    + ast.unparse(node)
                )
        for name in sorted(set(mock) - names):
            faults.append(f"cell {cell.id} does not assign {name}")
    return faults


def is_plain_assignment(node: ast.stmt) -> bool:
    """Whether a statement gives one name a literal value."""
    if not isinstance(node, ast.Assign) or len(node.targets) != 1:
        return False
    try:
        ast.literal_eval(node.value)
    except ValueError:
        return False
    return isinstance(node.targets[0], ast.Name)


def faults(notebook: NotebookNode, section: dict | None) -> list[str]:
    """All faults of a notebook as a file; a guide has no section."""
    found = title_and_front(notebook, section)
    found += outline(notebook, section)
    found += mistakes(notebook, section)
    if section:
        found += exercises(notebook, section)
    else:
        found += no_exercises(notebook)
    for rule in (
        checks,
        summary,
        executed,
        clean_outputs,
        shown_sources,
        alternative_texts,
        markdown,
        line_lengths,
        mocks,
    ):
        found += rule(notebook)
    return found
