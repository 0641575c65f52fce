"""The book as one PDF: complete, numbered, with its answers open."""

import re
import subprocess
import sys
import unicodedata

import pages
import pytest
from pages import ROOT
from pypdf import PdfReader

pytestmark = [pytest.mark.slow, pytest.mark.browser]

ANSWERS = [
    f"Answer to {pages.number(section, exercise)}"
    for section in pages.sections()
    for exercise in section["exercises"]
]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """The PDF, made with the command."""
    file = tmp_path_factory.mktemp("pdf") / "book.pdf"
    script = ROOT / "scripts" / "make_pdf.py"
    run = subprocess.run(
        [sys.executable, script, file], capture_output=True, text=True
    )
    assert (run.returncode, run.stderr) == (0, "")
    count = len(PdfReader(file).pages)
    assert run.stdout == f"{file}: {count} pages\n"
    return file


@pytest.fixture(scope="module")
def book(file):
    return PdfReader(file)


@pytest.fixture(scope="module")
def texts(book):
    """The text of every page."""
    return [page.extract_text() for page in book.pages]


def outline(entries, book):
    """Title and page of every entry of an outline, in order."""
    for entry in entries:
        if isinstance(entry, list):
            yield from outline(entry, book)
        else:
            yield entry.title, book.get_destination_page_number(entry)


def tight(text):
    """A text without white space: on paper that is not the same."""
    return "".join(text.split())


def cells():
    """All cells of the book's notebooks but the folded set-up."""
    for path in [*pages.notebooks(), *pages.practice()]:
        if path.parent.name != "templates":
            for cell in pages.read(path).cells:
                if cell.id != "set-up":
                    yield cell


def test_it_is_of_a_sensible_size(file, book):
    assert 250 <= len(book.pages) <= 600
    assert file.stat().st_size < 40e6
    for page in book.pages:  # A4 in points
        assert page.mediabox.width == pytest.approx(595, abs=1)
        assert page.mediabox.height == pytest.approx(842, abs=1)


def test_every_page_shows_its_number(texts):
    last_lines = [text.splitlines()[-1].strip() for text in texts]
    assert last_lines == [str(n + 1) for n in range(len(texts))]


def test_the_outline_leads_to_every_answer(book, texts):
    places = list(outline(book.outline, book))
    answers = [p for p in places if p[0].startswith("Answer to ")]
    assert [title for title, _ in answers] == ANSWERS
    for title, number in answers:
        assert title in texts[number]
    # Chromium alone repeats or joins the words of long headings.
    titles = [title for title, _ in places]
    for cell in cells():
        for line in cell.source.splitlines():
            if line.startswith("#### ") and cell.cell_type == "markdown":
                assert re.sub("[`*]", "", line[5:]) in titles


def test_all_answers_are_open_and_no_code_is_cut_off(texts):
    whole = tight("".join(texts))
    for cell in cells():
        if cell.cell_type == "code":
            assert tight(cell.source) in whole


@pytest.mark.parametrize("answer", [ANSWERS[0], ANSWERS[-1]])
def test_an_answer_can_be_read(book, texts, answer):
    number = dict(outline(book.outline, book))[answer]
    first = re.sub(r"\d+\s*$", "", texts[number])  # without its number
    both = first + texts[number + 1]  # it may begin at a page's foot
    page = unicodedata.normalize("NFKC", both)  # no ligatures
    markdown = [c.source for c in cells() if c.cell_type == "markdown"]
    start = markdown.index(f"#### {answer}") + 1
    plain = re.split(r"[$*`()\[\]]", markdown[start])
    assert tight(max(plain, key=len)) in tight(page)


def test_formulas_are_typeset(texts):
    assert not re.search(r"\\(frac|sum|times|cdot)", "".join(texts))


def test_figures_are_there_and_motion_is_not(book, texts):
    pictures = 0
    for page in book.pages:
        objects = page["/Resources"].get("/XObject", {}).values()
        kinds = [one.get_object()["/Subtype"] for one in objects]
        pictures += kinds.count("/Image")
    drawn = sum(
        "image/png" in output.get("data", {})
        for cell in cells()
        for output in cell.get("outputs", [])
    )
    assert pictures >= drawn > 80
    assert "Show the motion" not in "".join(texts)


def test_no_link_leads_to_a_file_of_this_machine(book):
    notes = [
        note.get_object()
        for page in book.pages
        for note in page.get("/Annots", [])
    ]
    targets = [note["/A"]["/URI"] for note in notes if "/A" in note]
    inside = [note for note in notes if "/Dest" in note]
    assert len(inside) > 300
    assert targets
    assert [t for t in targets if not t.startswith("https://")] == []
