"""Take pictures of the book's pages, light and dark, with answers open.

    python scripts/screenshots.py FOLDER [--pages 7-4-channels ...]

Builds the book and writes, for every page of `_toc.yml` and three widths,
sheets such as `7-4-channels-360-dark-2.png`; a practice page's are called
`practice-7-4-channels-...`. A sheet is a part of the page cut into columns,
to be read from left to right. With the page of section 7.2 comes
`page.png`, the picture in the README.
"""

import argparse
import io
import tempfile
from pathlib import Path

from built_site import build, chromium, open_answers, open_page, page_names
from PIL import Image
from playwright.sync_api import Page

COLUMNS = {360: 5, 768: 3, 1280: 2}  # of a sheet, for each width
HEIGHT = 2000  # of a column, in pixels
HEADER = 60  # of the page; it covers the top of every column
EXAMPLE = "7-2-cross-correlation", "exercise-7-2-1"  # for the README


def main() -> None:
    """Build the book and write all sheets."""
    names = {
        name.removeprefix("book/").replace("/", "-"): name
        for name in page_names()
    }
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where to write them")
    parser.add_argument(
        "--pages", nargs="+", metavar="NAME", choices=names, default=names
    )
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        site = build(Path(folder))
        for stem in arguments.pages:
            for mode in ("light", "dark"):
                page = browser.new_page(color_scheme=mode)
                open_page(page, f"{site.as_uri()}/{names[stem]}.html")
                if stem == EXAMPLE[0] and mode == "light":
                    example(page).save(arguments.folder / "page.png")
                for width, count in COLUMNS.items():
                    start = f"{stem}-{width}-{mode}"
                    columns = take(page, width)
                    write(columns, count, arguments.folder, start)
                page.close()
            print(stem)


def example(page: Page) -> Image.Image:
    """The first exercise of a page, with its answer opened."""
    page.set_viewport_size({"width": 1280, "height": 900})
    exercise = page.locator(f"#{EXAMPLE[1]}")
    exercise.locator("details").first.evaluate("one => one.open = true")
    box = exercise.bounding_box()
    margin = 16  # an answer's border stands out by that
    clip = {"x": box["x"] - margin, "y": box["y"], "height": 622}
    clip["width"] = box["width"] + 2 * margin
    picture = page.screenshot(full_page=True, clip=clip)
    return Image.open(io.BytesIO(picture)).quantize(64)


def take(page: Page, width: int) -> list[Image.Image]:
    """A page, as wide as that, in pictures of HEIGHT pixels."""
    page.set_viewport_size({"width": width, "height": HEIGHT})
    open_answers(page)
    pictures = []
    bottom = page.evaluate("document.documentElement.scrollHeight")
    for top in range(0, bottom, HEIGHT - HEADER):
        page.evaluate("top => scrollTo(0, top)", top)
        page.wait_for_timeout(200)  # boxes that scroll are painted later
        pictures.append(Image.open(io.BytesIO(page.screenshot())))
    return pictures


def write(
    columns: list[Image.Image], count: int, folder: Path, start: str
) -> None:
    """Lay columns side by side, so many to a sheet, and save the sheets."""
    for first in range(0, len(columns), count):
        part = columns[first : first + count]
        gap = 20
        width = part[0].width + gap
        size = (width * len(part) - gap, part[0].height)
        sheet = Image.new("RGB", size, "orange")
        for place, column in enumerate(part):
            sheet.paste(column, (place * width, 0))
        sheet.save(folder / f"{start}-{first // count + 1}.png")


if __name__ == "__main__":
    main()
