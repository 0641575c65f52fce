"""Fold every section whose heading begins with "Answer to ".

The section becomes a `<details>` element that works without any script. Its
heading is the summary line; the section's id sits inside, behind the
summary, so that following a link to the answer, or to anything in it, makes
the browser open it.
"""

from docutils import nodes
from sphinx.application import Sphinx


class folded_answer(nodes.section):  # noqa: N801 (docutils' own style)
    """A section that other builders than HTML treat like any section."""


def fold(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Turn each answer of a page into a folded one."""
    if app.builder.format != "html":
        return
    for section in list(doctree.findall(nodes.section)):
        title = section[0]
        if not title.astext().startswith("Answer to "):
            continue
        answer = folded_answer("", *section.children, **section.attributes)
        section.replace_self(answer)
        inner = f'</summary><section id="{answer["ids"][0]}">'
        answer.insert(1, nodes.raw("", inner, format="html"))
        answer.insert(0, nodes.raw("", "<summary>", format="html"))


def visit(translator, node: folded_answer) -> None:
    """Open the element; the heading inside keeps its level."""
    translator.section_level += 1
    translator.body.append('<details class="answer">\n')


def depart(translator, node: folded_answer) -> None:
    """Close what the visit and the inner section have opened."""
    translator.section_level -= 1
    translator.body.append("</section></details>\n")


def setup(app: Sphinx) -> dict:
    """Register the node and the folding with Sphinx."""
    app.add_node(folded_answer, html=(visit, depart))
    app.connect("doctree-resolved", fold)
    return {"version": "1", "parallel_read_safe": True}
