"""Write the whole book as one PDF.

    python scripts/make_pdf.py             # writes _build/book.pdf
    python scripts/make_pdf.py FILE.pdf

Sphinx joins all pages into one and Chromium prints it: answers open,
formulas typeset, motion and buttons left out, pages numbered, headings as
the file's outline. Links between pages lead to their places in the file;
if several pages have a heading of that name, to the first.
"""

import argparse
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import yaml
from built_site import ROOT, chromium, page_names, run_builder
from playwright.sync_api import Page
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DictionaryObject, NameObject, TextStringObject

STYLE = Path(__file__).with_name("pdf.css")
MARGINS = {"top": "16mm", "bottom": "18mm", "left": "16mm", "right": "16mm"}
FOOTER = """\
<div style="font: 8pt sans-serif; text-align: center; width: 100%">
  <span class="pageNumber"></span>
</div>"""
# What the outline shows, from the first heading to the last.
HEADINGS = """\
() => [...document.querySelectorAll(
    "h1, h2, h3, h4, h5, h6, [role=heading]")]
  .filter(heading => heading.checkVisibility())
  .map(heading => heading.innerText.trim())"""
# Links to files of the build, such as figures, lead nowhere in a PDF.
UNLINK = """\
all => all
  .filter(link => link.protocol === "file:")
  .filter(link => link.pathname !== location.pathname)
  .forEach(link => link.removeAttribute("href"))"""

# pypdf minds that Chromium's count of a file's objects is too small.
logging.getLogger("pypdf").setLevel(logging.ERROR)


def main() -> None:
    """Make the PDF and say where it is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "file", nargs="?", type=Path, default=ROOT / "_build" / "book.pdf"
    )
    file = parser.parse_args().file
    file.parent.mkdir(parents=True, exist_ok=True)
    make(file)
    print(f"{file}: {len(PdfReader(file).pages)} pages")


def make(file: Path) -> None:
    """Write the book to a PDF file."""
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        book = join_pages(Path(folder))
        page = browser.new_page(color_scheme="light")
        page.set_default_timeout(0)  # a slow machine needs minutes
        page.goto(book.as_uri())
        headings = prepare(page)
        page.pdf(
            path=file,
            format="A4",
            scale=0.8,  # a line has room for 76 characters of code
            margin=MARGINS,
            display_header_footer=True,
            header_template="<span></span>",
            footer_template=FOOTER,
            outline=True,
            tagged=True,
        )
    name_outline(file, headings)


def join_pages(folder: Path) -> Path:
    """Build all pages as a single one; returns its file.

    Raises:
        RuntimeError: if the book does not build; with all that was printed.

    """
    # Sphinx names the page after the first one, in that one's folder, and
    # writes its links as if it stood at the top.
    site = run_builder(folder, "singlehtml")
    first = f"{page_names()[0]}.html"
    text = (site / first).read_text(encoding="utf-8")
    book = site / "book.html"
    book.write_text(text.replace(f'href="{first}#', 'href="#'), "utf-8")
    return book


def prepare(page: Page) -> list[str]:
    """Make the joined page ready for paper; returns its headings."""
    page.evaluate("MathJax.startup.promise")
    page.emulate_media(media="print", color_scheme="light")
    page.add_style_tag(path=STYLE)
    page.eval_on_selector(
        "#jb-print-docs-body h1",
        "(h1, text) => h1.insertAdjacentHTML('afterend', text)",
        imprint(),
    )
    page.eval_on_selector_all("a[href]", UNLINK)
    page.eval_on_selector_all(
        "details.answer, details.points",
        "all => all.forEach(one => one.open = true)",
    )
    page.eval_on_selector_all(
        "img", "all => Promise.all(all.map(one => one.decode()))"
    )
    return page.evaluate(HEADINGS)


def imprint() -> str:
    """Who made the book, which version it is, its home and its licence."""
    text = (ROOT / "_config.yml").read_text(encoding="utf-8")
    config = yaml.safe_load(text)
    home, version = config["repository"].values()
    return (
        f"<p>{config['author']}, {version}</p>"
        f'<p><a href="{home}">{home}</a></p>'
        f"{config['html']['extra_footer']}"
    )


def name_outline(file: Path, headings: list[str]) -> None:
    """Give the entries of a PDF's outline the headings' own texts.

    Of a heading that takes two lines, Chromium repeats the text or joins
    the words at the line's end.

    Raises:
        ValueError: if there are not as many entries as headings.

    """
    writer = PdfWriter(file, incremental=True)
    entries = outline_entries(writer.root_object["/Outlines"])
    for entry, heading in zip(entries, headings, strict=True):
        entry[NameObject("/Title")] = TextStringObject(heading)
    writer.write(file)


def outline_entries(parent: DictionaryObject) -> Iterator[DictionaryObject]:
    """All entries of a PDF's outline, from the first to the last."""
    entry = parent.get("/First")
    while entry is not None:
        entry = entry.get_object()
        yield entry
        yield from outline_entries(entry)
        entry = entry.get("/Next")


if __name__ == "__main__":
    main()
