"""Lines do not break inside what is read as one piece.

A browser may break a line between a formula and the full stop behind it,
between a number and its unit, at the hyphen of a name, and inside what a
heading says in signs. So these pieces are put into boxes that stay on one
line. The text itself does not change: it is found, copied and read aloud as
it was written. Words of code do not break either, unless they are so long
that they might not fit.
"""

import re

from docutils import nodes
from sphinx.application import Sphinx

OPENING = re.compile(r"[(\[“‘]+$")
CLOSING = re.compile(r"^[.,;:!?)\]”’]+")
NUMBER = r"\d[\d.,]*"
UNIT = r" (?:s|ms|Hz|MB|GB)\b"
PIECE = re.compile(
    rf"{NUMBER}(?: [±×%](?: {NUMBER})?)+(?:{UNIT})?"  # "87.0 ± 0.3 %"
    rf"|{NUMBER}{UNIT}"  # "0.33 ms"
    r"|\b(?:[A-Z]\w*-\d+|\d-D)\b"  # "ResNet-18", "2-D"
    r"|\([−\w]{1,3}(?:, [−\w]{1,3})+\)"  # "(1, 0, −1)"
    r"|(?<!\S)[|\w]{1,3}(?: [*+=<>] [|\w]{1,3})+(?!\.?\w)"  # "|a| > Δ"
)
# In headings and heads of tables also "max-pooling": their lines are short.
IN_HEADING = re.compile(PIECE.pattern + r"|\b\w+(?:-\w+)+\b")
HEADINGS = (nodes.title, nodes.thead)
LONG = 24  # characters of code: more may not fit into a list on a phone
AS_IT_IS = (nodes.literal, nodes.FixedTextElement, nodes.math, nodes.raw)


def keep_together(app: Sphinx, doctree: nodes.document, _: str) -> None:
    """Put formulas, numbers and names of a page into boxes."""
    for code in doctree.findall(nodes.literal):
        if max(map(len, code.astext().split()), default=0) > LONG:
            code["classes"].append("long")
    for formula in list(doctree.findall(nodes.math)):
        box_formula(formula)
    for text in list(doctree.findall(nodes.Text)):
        if not isinstance(text.parent, (*AS_IT_IS, nodes.math_block)):
            box_pieces(text)


def box_formula(formula: nodes.math) -> None:
    """Put a formula into a box, with the punctuation that touches it."""
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


def box_pieces(text: nodes.Text) -> None:
    """Put what PIECE finds in a text into boxes."""
    parts, end = [], 0
    piece = IN_HEADING if in_heading(text) else PIECE
    for match in piece.finditer(text):
        parts.append(nodes.Text(text[end : match.start()]))
        parts.append(nodes.inline("", match[0], classes=["nobreak"]))
        end = match.end()
    if parts:
        text.parent.replace(text, [*parts, nodes.Text(text[end:])])


def in_heading(node: nodes.Node) -> bool:
    """Whether it stands in a heading or in the head of a table."""
    while node := node.parent:
        if isinstance(node, HEADINGS):
            return True
    return False


def setup(app: Sphinx) -> dict:
    """Register with Sphinx."""
    app.connect("doctree-resolved", keep_together)
    return {"version": "3", "parallel_read_safe": True}
