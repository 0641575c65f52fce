"""The book as a web site, and a browser to look at it."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from sphinx_external_toc.parsing import parse_toc_yaml

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = (
    shutil.which("chromium")
    or shutil.which("chromium-browser")
    or shutil.which("google-chrome")
)


def page_names() -> list[str]:
    """All pages of the book, such as "book/7-4-channels"."""
    return list(parse_toc_yaml(ROOT / "_toc.yml"))


def build(folder: Path) -> Path:
    """Build the book, warnings as errors; returns the site's folder.

    Raises:
        RuntimeError: if the book does not build; with all that was printed.

    """
    return run_builder(folder, "html", "-W", "-n", "--keep-going")


def run_builder(folder: Path, builder: str, *options: str) -> Path:
    """Build the book as that builder does; returns the result's folder.

    Raises:
        RuntimeError: if the book does not build; with all that was printed.

    """
    command = Path(sys.executable).with_name("jupyter-book")
    place = ["--builder", builder, "--path-output", folder]
    run = subprocess.run(
        [command, "build", ".", *place, *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if run.returncode != 0:
        raise RuntimeError(run.stdout + run.stderr)
    return folder / "_build" / builder


@contextmanager
def chromium() -> Iterator[Browser]:
    """Chromium or Chrome without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--no-first-run"],
        )
        yield browser
        browser.close()


def open_page(page: Page, address: str) -> None:
    """Load a page and wait until its formulas are typeset."""
    page.goto(address, timeout=120_000)  # some machines have much to do
    page.evaluate("window.MathJax && MathJax.startup.promise")


def open_answers(page: Page) -> None:
    """Open everything that is folded on a page."""
    page.eval_on_selector_all(
        "details", "all => all.forEach(one => one.open = true)"
    )
    page.wait_for_timeout(500)  # what listens to it has its turn
