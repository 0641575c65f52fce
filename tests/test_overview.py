"""The lists that several pages show, and how they get into them."""

import re

import overview
import pages
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbformat.v4 import new_output as output

PAGE = new_notebook(
    cells=[
        new_markdown_cell("# 7.9 A sample", id="title"),
        new_markdown_cell(
            "## Text\n\n### A common mistake: it's `a` × b\n\nNo.", id="a"
        ),
        new_markdown_cell("```python\n# not a heading\n```", id="b"),
        new_markdown_cell("### Exercise 1: Odd\n\nIs it?", id="c"),
        new_markdown_cell("#### Answer to 7.9.1", id="d"),
        new_markdown_cell("##### A common mistake: it is\n\nNo.", id="e"),
        new_markdown_cell("##### A common mistake: it is\n\nNo.", id="f"),
        new_markdown_cell("## Questions that students asked", id="g"),
        new_markdown_cell("### Why?\n\nSo.", id="h"),
        new_markdown_cell(
            "## Summary\n\n### A common mistake: all", id="i"
        ),
        new_code_cell(
            "print()",
            id="j",
            outputs=[
                output("stream", name="stdout", text="loss 0.5\n"),
                output("stream", name="stdout", text="mean  7 ± 1\n"),
            ],
        ),
    ]
)
RESULT = """\
- what: "Loss"
  students: "not measured"
  notebook: 7-9-sample.ipynb
  anchor: text
  cell: j
  find: 'loss (.*)\\nmean +(.*)'
  ours: "{} and {}"
"""


@pytest.fixture
def book(tmp_path):
    """A project of one section and one page with lists."""
    folder = tmp_path / "book"
    folder.mkdir()
    pages.write(folder / "7-9-sample.ipynb", pages.text_of(PAGE))
    pages.write(
        folder / "exercises.yml",
        "- section: '7.9'\n"
        "  title: A sample\n"
        "  notebook: 7-9-sample.ipynb\n"
        "  original: https://d2l.ai/x.html\n"
        "  exercises:\n"
        "    - {number: 1, title: Odd, parts: ab, kind: [proof, code]}\n"
        "    - {number: 2, title: Even, parts: '', kind: [count]}\n",
    )
    pages.write(folder / "results.yml", RESULT)
    return tmp_path


def test_headings_have_the_anchors_of_the_built_page():
    found = [h.anchor for h in overview.headings(PAGE)]
    assert found[:6] == [
        "79-a-sample",
        "text",
        "a-common-mistake-its-a--b",
        "exercise-1-odd",
        "answer-to-791",
        "a-common-mistake-it-is",
    ]
    assert found[6] == "a-common-mistake-it-is-1"
    assert not any("not-a-heading" in anchor for anchor in found)


def test_mistakes_name_their_exercise(book):
    link = "7-9-sample.ipynb#a-common-mistake-"
    assert overview.mistakes(book).splitlines() == [
        "### 7.9 A sample",
        "",
        "**In the text**",
        "",
        f"- [it's `a` × b]({link}its-a--b)",
        "",
        "**7.9.1 Odd**",
        "",
        f"- [it is]({link}it-is)",
        f"- [it is]({link}it-is-1)",
        "",
        "**In the text**",
        "",
        f"- [all]({link}all)",
    ]


def test_questions_end_with_their_chapter(book):
    assert overview.questions(book).splitlines() == [
        "## 7.9 A sample",
        "",
        "- [Why?](7-9-sample.ipynb#why)",
    ]


def test_a_table_has_parts_if_an_exercise_has_any(book):
    (section,) = pages.sections(book)
    assert pages.table(section, ["odd", "even"]).splitlines() == [
        "| Exercise | Parts | Answered by |",
        "| :--- | :--- | :--- |",
        "| odd | a,\u00a0b | proof, code |",
        "| even |  | count |",
    ]
    section["exercises"] = section["exercises"][1:]
    assert pages.table(section, ["even"]).splitlines() == [
        "| Exercise | Answered by |",
        "| :--- | :--- |",
        "| even | count |",
    ]


def test_exercises_have_their_kinds(book):
    row = overview.exercises(book).splitlines()[2]
    assert row == (
        "| 7.9 A sample<br>[Read it](7-9-sample.ipynb)<br>"
        "[Try it](../practice/7-9-sample.ipynb) | "
        "[1 Odd](7-9-sample.ipynb#answer-to-791): proof, code<br>"
        "[2 Even](7-9-sample.ipynb#answer-to-792): count |"
    )


def test_results_are_read_from_the_outputs(book):
    row = overview.results(book).splitlines()[2]
    assert row == (
        "| Loss | not measured | "
        "[0.5 and 7\u00a0±\u00a01](7-9-sample.ipynb#text) |"
    )


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("find: 'loss", "find: 'gain", "prints nothing like 'gain"),
        ("cell: j", "cell: k", "no cell has the id k"),
    ],
)
def test_a_result_that_is_gone_is_a_fault(book, old, new, fault):
    pages.write(book / "book" / "results.yml", RESULT.replace(old, new))
    with pytest.raises(ValueError, match=fault):
        overview.results(book)


def test_fill_replaces_what_stands_between_the_markers(book):
    text = (
        "# A\n\n<!-- begin questions -->\nold\n<!-- end questions -->\n\n"
        "between\n\n<!-- begin exercises -->\n<!-- end exercises -->\n"
    )
    filled = overview.fill(text, book)
    assert "old" not in filled
    assert filled.index("[Why?]") < filled.index("between")
    assert filled.index("between") < filled.index("[1 Odd]")
    assert overview.fill(filled, book) == filled
    with pytest.raises(KeyError):
        overview.fill("<!-- begin x -->\n<!-- end x -->", book)


def test_every_mistake_and_question_of_the_book_is_listed():
    sources = [
        cell.source
        for path in overview.written()
        for cell in pages.read(path).cells
        if cell.cell_type == "markdown"
    ]
    text = "\n".join(sources)
    beliefs = re.findall(r"^#+ A common mistake: (.*)$", text, re.M)
    assert len(beliefs) > 100
    listed = re.findall(r"^- \[(.*)\]\(", overview.mistakes(), re.M)
    assert listed == beliefs
    assert len(re.findall(r"^- \[", overview.questions(), re.M)) > 15


def test_the_front_page_leads_to_the_combined_kernel_in_two_clicks():
    book = pages.ROOT / "book"
    front = (book / "intro.md").read_text(encoding="utf-8")
    assert "[Why is my combined kernel wrong?](corrections.md)" in front
    lines = (book / "corrections.md").read_text(encoding="utf-8")
    first = lines.split("| :--- | :--- |\n")[1].splitlines()[0]
    assert first.startswith("| My combined kernel gives other numbers")
    assert "#a-common-mistake-the-combined-kernel-is-one-kernel" in first
