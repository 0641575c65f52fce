"""No line begins with the full stop behind a formula.

A browser may break a line between a formula and the next character. So a
formula and the punctuation that touches it are put into a box that stays
on one line.
"""

import re

from docutils import nodes
from sphinx.application import Sphinx

OPENING = re.compile(r"[(\[“‘]+$")
CLOSING = re.compile(r"^[.,;:!?)\]”’]+")


def keep_together(app: Sphinx, doctree: nodes.document, _: str) -> None:
    """Put each formula in a text into a box with its punctuation."""
    for formula in list(doctree.findall(nodes.math)):
        parent = formula.parent
        box = nodes.inline(classes=["nobreak"])
        formula.replace_self(box)
        place = parent.index(box)
        before = take(parent, place - 1, OPENING)
        after = take(parent, place + 1, CLOSING)
        box += [nodes.Text(before), formula, nodes.Text(after)]


def take(parent: nodes.Element, place: int, what: re.Pattern) -> str:
    """Cut off the end or the beginning of a text that stands there."""
    if not 0 <= place < len(parent):
        return ""
    text = parent[place]
    match = isinstance(text, nodes.Text) and what.search(text)
    if not match:
        return ""
    parent[place] = nodes.Text(what.sub("", text))
    return match[0]


def setup(app: Sphinx) -> dict:
    """Register with Sphinx."""
    app.connect("doctree-resolved", keep_together)
    return {"version": "1", "parallel_read_safe": True}
