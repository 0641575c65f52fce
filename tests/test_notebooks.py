"""The notebooks as files: every rule, on all of them and on bad samples."""

import copy
from inspect import getsource

import overview
import page_rules
import pages
import pytest
from nbformat.v4 import (
    new_code_cell,
    new_markdown_cell,
    new_notebook,
    new_output,
)

from helpers import ops
from helpers.records import stale

NOTEBOOKS = pages.notebooks()
SECTION = {
    "section": "7.9",
    "title": "A sample",
    "notebook": "7-9-sample.ipynb",
    "original": "https://d2l.ai/sample.html",
    "exercises": [
        {"number": 1, "title": "Odd", "parts": "ab", "kind": ["proof"]},
        {"number": 2, "title": "Even", "parts": "", "kind": ["code"]},
    ],
}
STATEMENT = "### Exercise 1: Odd\n\nOn numbers.\n\na. One.\n\nb. Two."
ALT = "A curve that rises from zero to one."
PROSE = r"""Then

$$
x = 1. \begin{aligned} y &= 2 \end{aligned}
$$

Use `f'{x}'` and $x$.

```python
# a comment
print("$$")
```
"""


def test_there_are_notebooks():
    assert any(path.parent.name == "book" for path in NOTEBOOKS)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_notebook(path):
    notebook = pages.read(path)
    section = pages.section_of(path)
    if path.parent.name != "book":
        section = page_rules.section_from(notebook)
    found = page_rules.faults(notebook, section)
    assert not found, "\n".join(found)
    assert section is None or section["exercises"]
    assert path.stat().st_size < 2_000_000


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_outputs_come_from_this_code(path):
    assert not pages.is_stale(pages.read(path)), "run refresh_outputs.py"


def test_notebooks_of_the_book_are_sections_or_guides():
    # A section under a wrong name would pass as a guide, without exercises.
    written = {p.name for p in NOTEBOOKS if p.parent.name == "book"}
    guides = written - {s["notebook"] for s in pages.sections()}
    assert guides == {"training-beyond-one-machine.ipynb"}


def test_generated_parts_are_in_step():
    assert [*overview.out_of_step()] == [], "run sync_pages.py"


def test_no_record_is_stale():
    runs = pages.ROOT / "book" / "runs"
    found = {p.name: stale(p) for p in runs.glob("*.json")}
    assert not any(found.values()), found


# Each rule lets a good page pass and finds the fault in a bad one.


def good_page():
    def text(source, **more):
        return new_markdown_cell(source, **more)

    def code(source, output=None, **more):
        outputs = [output] if output else []
        return new_code_cell(source, outputs=outputs, **more)

    figure = new_output("display_data", {"image/png": "iVBORw0KGgo="})
    shown = f"```python\n{getsource(ops.pool2d).rstrip()}\n```"
    movie = "<img src='data:image/gif;base64,A+/tmp/' alt='A wave'>"
    page = new_notebook(
        cells=[
            text("# 7.9 A sample\n\nWhat it shows.", id="title"),
            text("front", id="front"),
            code("import helpers", id="set-up"),
            text("table", id="exercise-table"),
            text("## The section's own chapter", id="chapter"),
            text(PROSE, id="prose"),
            code("# why\nsteps = [1, -2]\nname = 'a'", id="settings"),
            code(
                "print(1)",
                new_output("stream", name="stdout", text="1\n"),
                id="print",
            ),
            text("## Exercises", id="exercises"),
            text(STATEMENT, id="statement"),
            text("#### Answer to 7.9.1", id="answer"),
            text("**In short.** It is.", id="short"),
            code("draw()", figure, id="figure"),
            text("##### A common mistake: it is not", id="mistake"),
            code("assert steps", id="check"),
            text("### Exercise 2: Even\n\nIs it?", id="statement2"),
            text("#### Answer to 7.9.2", id="answer2"),
            text("**In short.** No.", id="short2"),
            code("assert_close(x, y)", id="check2"),
            code(
                "show()",
                new_output("display_data", {"text/html": movie}),
                id="movie",
            ),
            code(
                "plots.show_source(ops.pool2d)",
                new_output("display_data", {"text/markdown": shown}),
                id="source",
            ),
            text("## Questions that students asked", id="questions"),
            text("## Summary\n\n- a\n- b\n- c\n- d\n- e", id="summary"),
            text("## Read next\n\nThe next one.", id="next"),
        ]
    )
    cells = {cell.id: cell for cell in page.cells}
    cells["settings"].metadata["nbmake"] = {"mock": {"steps": [1]}}
    cells["figure"].metadata["mystnb"] = {"image": {"alt": ALT}}
    for name in ("check", "check2"):
        cells[name].metadata["tags"] = ["check"]
    for count, cell in enumerate(page_rules.code_cells(page), start=1):
        cell.execution_count = count
    return page


def test_good_page():
    assert page_rules.faults(good_page(), SECTION) == []


def good_guide():
    """The good page without exercises and what belongs to them."""
    page = good_page()
    cells = {cell.id: cell for cell in page.cells}
    for name in (
        *("exercise-table", "exercises", "statement", "answer", "short"),
        *("statement2", "answer2", "short2", "questions"),
    ):
        del cells[name]
    source("title", "# 7.9 A sample", "# A sample")(cells)
    source("mistake", "#####", "###")(cells)
    page.cells = list(cells.values())
    return page


def test_good_guide():
    assert page_rules.faults(good_guide(), None) == []


def test_section_of_a_template():
    derived = page_rules.section_from(good_page())
    assert derived["section"] == "7.9"
    found = [
        (e["number"], e["title"], e["parts"]) for e in derived["exercises"]
    ]
    assert found == [(1, "Odd", "ab"), (2, "Even", "")]


def source(cell, old, new):
    """A change of a cell's source."""

    def change(cells):
        assert old in cells[cell].source
        cells[cell].source = cells[cell].source.replace(old, new)

    return change


def printed(text, name="stdout"):
    """A change of what a cell prints."""

    def change(cells):
        output = new_output("stream", name=name, text=text)
        cells["print"].outputs = [output]

    return change


def shown(mime, data):
    """A change of what a cell shows."""

    def change(cells):
        output = new_output("display_data", {mime: data})
        cells["movie"].outputs = [output]

    return change


def metadata(cell, **changes):
    """A change of a cell's metadata."""

    def change(cells):
        cells[cell].metadata.update(copy.deepcopy(changes))

    return change


def without(cell):
    """A page that lacks a cell."""
    return lambda cells: cells.pop(cell)


def swapped(one, other):
    """A page with two cells in each other's place."""

    def change(cells):
        order = list(cells)
        i, j = order.index(one), order.index(other)
        order[i], order[j] = order[j], order[i]
        new = {name: cells[name] for name in order}
        cells.clear()
        cells.update(new)

    return change


def failed(cells):
    cells["print"].outputs = [
        new_output("error", ename="E", evalue="", traceback=[])
    ]


def unchecked(cells):
    for name in ("check", "check2"):
        cells[name].metadata["tags"] = []


def not_run(cells):
    cells["print"].execution_count = None


def cut_short(cells):
    for name in ("questions", "summary", "next"):
        del cells[name]


BAD = [
    (source("title", "7.9", "7.8"), "no title"),
    (source("title", "\n\nWhat it shows.", ""), "no title"),
    (source("title", "# 7.9 A", "7.9 A"), "no title"),
    (without("front"), "after the title"),
    (without("exercise-table"), "after the title"),
    (swapped("front", "set-up"), "after the title"),
    (source("prose", "Then", "# Then"), "only heading of level 1"),
    (source("prose", "Then", "###### Then"), "heading of level 6"),
    (without("chapter"), "no chapter before"),
    (without("questions"), "last chapters"),
    (without("next"), "last chapters"),
    (cut_short, "last chapters"),
    (swapped("summary", "next"), "last chapters"),
    (source("exercises", "Exercises", "Tasks"), "the exercises are"),
    (without("statement2"), "the exercises are"),
    (swapped("statement", "statement2"), "the exercises are"),
    (source("statement", "1: Odd", "1: Even"), "the exercises are"),
    (source("statement2", "2", "3"), "the exercises are"),
    (source("answer2", "7.9.2", "7.9.1"), "the exercises are"),
    (source("answer", "####", "###"), "the exercises are"),
    (source("short", "It", "\n#### It"), "the exercises are"),
    (source("statement", "\n\nb. Two.", ""), "parts 'a', not 'ab'"),
    (source("statement", "b.", "c."), "parts 'ac', not 'ab'"),
    (source("statement2", "Is", "a. Is"), "parts 'a', not ''"),
    (source("answer", "7.9.1", "7.9.1\n\nYes."), "more than a heading"),
    (without("short"), "no short answer after #### Answer to 7.9.1"),
    (source("short2", "**In short.** ", ""), "Answer to 7.9.2"),
    (
        without("check"),
        "no check with an assertion in #### Answer to 7.9.1",
    ),
    (metadata("check2", tags=[]), "no check with an assertion in"),
    (source("check", "assert steps", "steps"), "no check with"),
    (metadata("print", tags=["check"]), "in cell print asserts nothing"),
    (without("mistake"), "no common mistake"),
    (source("mistake", "#####", "####"), "no common mistake"),
    (source("mistake", "it is not", ""), "no common mistake"),
    (source("summary", "- a\n", ""), "4 points"),
    (source("summary", "- a\n", "- a\n- f\n"), "6 points"),
    (not_run, "execution counts are"),
    (swapped("settings", "print"), "execution counts are"),
    (failed, "cell print failed"),
    (printed("hm", name="stderr"), "wrote to stderr"),
    (printed("UserWarning: hm"), "shows a warning"),
    (printed("in /tmp/x.py"), "shows /tmp"),
    (printed("'/home/ada'"), "shows /home"),
    (printed("C:\\data"), "shows C:\\"),
    (printed("/root\n"), "shows /root"),
    (printed("PosixPath('/tmp')"), "shows /tmp"),
    (printed("/opt/conda/bin"), "shows /opt"),
    (printed("lib/site-packages/x.py"), "shows site-packages"),
    (shown("image/svg+xml", "<svg>/home/ada</svg>"), "shows /home"),
    (printed("\r 10%|#   |"), "shows a progress bar"),
    (shown("image/svg+xml", "<svg/>"), "figure of cell movie lacks"),
    (shown("image/jpeg", "AAAA"), "figure of cell movie lacks"),
    (shown("text/plain", "Path('/Users/ada')"), "shows /Users"),
    (shown("text/html", "<p>/mnt/x"), "shows /mnt"),
    (shown("application/vnd.jupyter.widget-view+json", {}), "a widget"),
    (shown("text/markdown", "```python\nx = 1\n```"), "an old source"),
    (metadata("figure", mystnb={}), "figure of cell figure lacks a text"),
    (
        metadata("figure", mystnb={"image": {"alt": "A curve."}}),
        "figure of cell figure lacks a text",
    ),
    (metadata("movie", mystnb={"image": {"alt": ALT}}), "repeats"),
    (shown("text/html", "<img src='a.gif'>"), "<img> of cell movie"),
    (shown("text/html", "<img alt='' src='a'>"), "<img> of cell movie"),
    (source("prose", "Then", ":::{note}\nThen"), "a directive"),
    (source("prose", "Then", "```{note}\nThen\n```"), "a directive"),
    (source("prose", "Then", "~~~{note}\nThen\n~~~"), "a directive"),
    (source("prose", "Then", "```` {note}\nThen\n````"), "a directive"),
    (source("prose", "Then", "> :::{note}\n> Then"), "a directive"),
    (source("prose", "Then", "+++\nThen"), "a block break"),
    (source("prose", "Then", "% Then"), "a comment"),
    (source("prose", "Then", "<!-- Then -->"), "a comment"),
    (source("prose", "Then", "{{ then }}"), "a substitution"),
    (source("prose", "Then", "![](x.png)"), "picture without"),
    (source("prose", "x = 1.", r"x = 1. \label{x}"), r"\label or"),
    (source("prose", "Then", r"\begin{split}x\end{split}"), "environment"),
    (source("prose", "Then", "See {ref}`x`."), "a role"),
    (source("prose", "Then", "(here)=\nThen"), "a label"),
    (source("prose", "Then", "> [!NOTE]\n> Then"), "a GitHub note"),
    (source("prose", "x = 1.", r"x = 1. \tag{1}"), r"\tag, \label or"),
    (source("prose", "Then", r"\begin{align}x\end{align}"), "environment"),
    (source("prose", "{aligned} y", "{align*} y"), "environment"),
    (source("prose", "Then\n\n", "Then\n"), "$$ not alone"),
    (source("prose", "$$\n\nUse", "$$\nUse"), "$$ not alone"),
    (source("prose", "Then", "Then $$x$$ follows"), "$$ not alone"),
    (source("prose", "x = 1.", "x = 1\n\n."), "$$ not alone"),
    (source("prose", "x = 1.", "x$$ and $$y"), "$$ not alone"),
    (source("print", "1", "1" * 70), "77 characters in cell print"),
    (metadata("settings", nbmake={"mock": {"size": 1}}), "assign size"),
    (metadata("settings", nbmake={"mock": {"n": 1}}), "assign n"),
    (source("settings", "[1, -2]", "list(2)"), "plain assignments"),
    (source("settings", "name", "print(1)\nname"), "plain assignments"),
    (source("settings", "name =", "steps[0] ="), "plain assignments"),
]
# What is different in a guide, and one fault for each of the other rules.
BAD_GUIDE = [
    (source("title", "A sample", "7.9 A sample"), "no title"),
    (source("title", "A sample", ""), "no title"),
    (source("title", "\n\nWhat it shows.", ""), "no title"),
    (without("front"), "after the title"),
    (swapped("front", "set-up"), "after the title"),
    (without("summary"), "last chapters"),
    (without("next"), "last chapters"),
    (swapped("summary", "next"), "last chapters"),
    (without("chapter"), "no chapter before Summary"),
    (source("prose", "Then", "# Then"), "only heading of level 1"),
    (source("prose", "Then", "## Exercises"), "a heading of exercises"),
    (source("prose", "Then", "### Exercise 1: Odd"), "of exercises"),
    (source("prose", "Then", "#### Answer to 7.9.1"), "of exercises"),
    (
        source("prose", "Then", "## Questions that students asked"),
        "a heading of exercises",
    ),
    (without("mistake"), "no common mistake"),
    (source("mistake", "###", "#####"), "no common mistake"),
    (source("mistake", "it is not", ""), "no common mistake"),
    (source("check", "assert steps", "steps"), "in cell check asserts"),
    (unchecked, "no cell is tagged as a check"),
    (source("summary", "- a\n", ""), "4 points"),
    (not_run, "execution counts are"),
    (printed("in /tmp/x.py"), "shows /tmp"),
    (shown("text/markdown", "```python\nx = 1\n```"), "an old source"),
    (metadata("figure", mystnb={}), "figure of cell figure lacks a text"),
    (source("prose", "Then", "See {ref}`x`."), "a role"),
    (source("print", "1", "1" * 70), "77 characters in cell print"),
    (metadata("settings", nbmake={"mock": {"n": 1}}), "assign n"),
]


def faults_after(change, page, section):
    """What the rules find in a page after a change."""
    cells = {cell.id: cell for cell in page.cells}
    change(cells)
    page.cells = list(cells.values())
    return page_rules.faults(page, section)


@pytest.mark.parametrize(("change", "fault"), BAD)
def test_bad_page(change, fault):
    found = faults_after(change, good_page(), SECTION)
    assert any(fault in line for line in found), found


@pytest.mark.parametrize(("change", "fault"), BAD_GUIDE)
def test_bad_guide(change, fault):
    found = faults_after(change, good_guide(), None)
    assert any(fault in line for line in found), found


def test_a_section_is_no_guide_and_a_guide_no_section():
    assert page_rules.faults(good_page(), None)
    assert page_rules.faults(good_guide(), SECTION)


def refreshed_page():
    """A good page with the fingerprints of its code and outputs."""
    page = good_page()
    page.metadata["book"] = pages.fingerprints(page)
    return page


def test_a_refreshed_page_is_fresh():
    assert not pages.is_stale(refreshed_page())


@pytest.mark.parametrize(
    "change",
    [
        lambda cells: cells["print"].outputs.clear(),
        lambda cells: cells["figure"].outputs.clear(),
        printed("2\n"),
        source("settings", "[1, -2]", "[1, 2]"),
        lambda cells: [cell.outputs.clear() for cell in cells.values()],
    ],
)
def test_changed_or_missing_outputs_are_stale(change):
    page = refreshed_page()
    change({cell.id: cell for cell in page_rules.code_cells(page)})
    assert pages.is_stale(page)


def test_saved_widgets():
    page = good_page()
    page.metadata["widgets"] = {}
    assert page_rules.clean_outputs(page) == [
        "the state of widgets was saved"
    ]
