"""What is read as one piece stays on one line, and stays as written."""

import keep_together
import pytest
from docutils.core import publish_doctree

BOXED = {
    "about 87.0 ± 0.3 % of all": ["87.0 ± 0.3 %"],
    "a 3 × 3 kernel": ["3 × 3"],
    "images of 3 × 224 × 224, scaled": ["3 × 224 × 224,"],
    "ResNet-18 and VGG-11 have 5 %.": ["ResNet-18", "VGG-11", "5 %"],
    "10.56 s in all, 1,735 MB and 2.1 ± 0.3 ms": [
        "10.56 s",
        "1,735 MB",
        "2.1 ± 0.3 ms",
    ],
    "the pre-activated form of 2016": [],
    "takes 3 samples": [],
    "a tone of 3,600 Hz, on a 2-D axis": ["3,600 Hz", "2-D"],
    "rows (1, 0, −1), (v₂, −v₂) and (row, column)": [
        "(1, 0, −1)",
        "(v₂, −v₂)",
    ],
    "f * g equals g * f for d + 1 taps": ["f * g", "g * f", "d + 1"],
    "for Δ = 0, but so + forth": ["Δ = 0"],
    "since 440 + 440 + 219.3 is not": ["440 + 440"],
    "in ``100 % 3`` and *4 × 5*": ["4 × 5"],
    "a title of max-pooling\n======================\n\nmax-pooling": [
        "max-pooling"
    ],
    "====  =\nin-a  b\n====  =\nin-a  c\n====  =": ["in-a"],
    ":math:`3 × 3`, and *so* (:math:`x`).": ["3 × 3,", "(x)."],
}


@pytest.mark.parametrize(("text", "boxes"), BOXED.items())
def test_pieces_get_boxes_and_stay_the_same(text, boxes):
    page = publish_doctree(text)
    before = page.astext()
    keep_together.keep_together(None, page, "")
    assert page.astext() == before
    found = [
        node.astext()
        for node in page.findall(keep_together.nodes.inline)
        if "nobreak" in node["classes"]
    ]
    assert found == boxes


def test_code_breaks_only_inside_words_that_are_long():
    long = "``net.features.receptive_field``"
    page = publish_doctree(f"``--cpus-per-task`` and {long}, ``a + b``")
    keep_together.keep_together(None, page, "")
    codes = page.findall(keep_together.nodes.literal)
    assert [code["classes"] for code in codes] == [[], ["long"], []]


def test_bars_are_signs_too():
    """They are markup in reStructuredText, not in Markdown."""
    assert keep_together.PIECE.findall("if |a| > Δ so") == ["|a| > Δ"]
