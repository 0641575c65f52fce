"""Answers on web pages: they fold, and each exercise can be linked to.

Every section with a heading like "Answer to 7.4.4" becomes a `<details>`
element that works without any script. Its heading is the summary line; the
section's id sits inside, behind the summary, so that following a link to
the answer, or to anything in it, makes the browser open it.

The section around it, the exercise, gets the id "exercise-7-4-4", which
stays the same when its title changes. The answer ends with a line of links:
to the exercise, to the original section, and to a form for mistakes.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

import yaml
from docutils import nodes
from sphinx.application import Sphinx

HEADING = re.compile(r"Answer to (\d+\.\d+)\.(\d+)")


class folded_answer(nodes.section):  # noqa: N801 (docutils' own style)
    """A section that other builders than HTML treat like any section."""


def answers(doctree: nodes.document) -> Iterator[tuple]:
    """Every answer: its node and its number, such as ("7.4", "4")."""
    for section in list(doctree.findall(nodes.section)):
        if number := HEADING.match(section[0].astext()):
            yield section, number.groups()


def name_exercises(app: Sphinx, doctree: nodes.document) -> None:
    """Give each exercise its permanent id, the first of its ids."""
    for answer, number in answers(doctree):
        answer.parent["ids"].insert(0, exercise_id(number))


def exercise_id(number: tuple[str, str]) -> str:
    """For example "exercise-7-4-4"."""
    return "-".join(["exercise", *number]).replace(".", "-")


def fold(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Turn each answer of a page into a folded one, with its links."""
    if app.builder.format != "html":
        return
    for section, number in answers(doctree):
        answer = folded_answer("", *section.children, **section.attributes)
        section.replace_self(answer)
        inner = f'</summary><section id="{answer["ids"][0]}">'
        answer.insert(1, nodes.raw("", inner, format="html"))
        answer.insert(0, nodes.raw("", "<summary>", format="html"))
        answer.append(links(app, docname, number))


def links(
    app: Sphinx, docname: str, number: tuple[str, str]
) -> nodes.paragraph:
    """The line of links at the end of an answer."""
    section = number[0]
    original, title = exercise(app, number)
    targets = {
        "Permanent link": "#" + exercise_id(number),
        f"D2L’s section {section}": original,
        "Report a mistake": report(app, docname, number, title),
    }
    line = nodes.paragraph(classes=["answer-links"])
    for text, target in targets.items():
        link = nodes.reference("", text, refuri=target)
        link["internal"] = target.startswith("#")
        line += [link, nodes.Text(" ")]
    return line


@cache
def sections(file: Path) -> list[dict]:
    """What a file of exercises says; read once."""
    return yaml.safe_load(file.read_text("utf-8"))


def exercise(app: Sphinx, number: tuple[str, str]) -> tuple[str, str]:
    """The original section's address and the exercise's title."""
    for section in sections(app.srcdir / "book" / "exercises.yml"):
        for entry in section["exercises"]:
            if (section["section"], str(entry["number"])) == number:
                return section["original"], entry["title"]
    raise LookupError(f"exercises.yml has no exercise {'.'.join(number)}")


def report(
    app: Sphinx, docname: str, number: tuple[str, str], title: str
) -> str:
    """Address of a new issue, filled in as far as the book knows."""
    repository = app.config.html_theme_options
    issue = {
        "title": f"Mistake in {'.'.join(number)} {title}",
        "body": f"Exercise: {'.'.join(number)} {title}\n"
        f"Page: {docname}\n"
        f"Version: {repository['repository_branch']}\n\n"
        "What is wrong, and what should stand there?\n",
    }
    return f"{repository['repository_url']}/issues/new?{urlencode(issue)}"


def visit(translator, node: folded_answer) -> None:
    """Open the element; the heading inside keeps its level."""
    translator.section_level += 1
    translator.body.append('<details class="answer">\n')


def depart(translator, node: folded_answer) -> None:
    """Close what the visit and the inner section have opened."""
    translator.section_level -= 1
    translator.body.append("</section></details>\n")


def setup(app: Sphinx) -> dict:
    """Register the node and both steps with Sphinx."""
    app.add_node(folded_answer, html=(visit, depart))
    # before 500, when Sphinx makes the page's contents from the ids
    app.connect("doctree-read", name_exercises, priority=400)
    app.connect("doctree-resolved", fold)
    return {"version": "2", "parallel_read_safe": True}
