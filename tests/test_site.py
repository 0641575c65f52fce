"""The built book in a browser: folding, links, print, width, requests."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import CHROMIUM, ROOT
from playwright.sync_api import sync_playwright

pytestmark = [pytest.mark.slow, pytest.mark.browser]

PAGES = [
    "book/intro",
    "book/7-2-cross-correlation",
    "book/7-1-why-convolutions",
    "book/7-3-padding-and-stride",
    "book/7-4-channels",
    "book/7-5-pooling",
    "book/7-6-lenet",
    "book/8-2-vgg",
    "book/8-6-resnet",
    "book/training-beyond-one-machine",
    "book/coverage",
]
ANSWER = "#answer-to-7-2-2"
# The theme itself says these on every page; they do no harm.
THEME_NOISE = "THEBE_JS_URL|Got invalid theme mode"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The HTML book, built with warnings as errors."""
    out = tmp_path_factory.mktemp("site")
    build = [Path(sys.executable).with_name("jupyter-book"), "build", "."]
    strict = ["-W", "-n", "--keep-going", "--path-output", out]
    run = subprocess.run(
        build + strict, cwd=ROOT, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return (out / "_build" / "html").as_uri()


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--no-first-run"],
        )
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    yield page
    page.close()


def is_open(page, selector):
    page.wait_for_selector(selector, state="attached")
    return page.eval_on_selector(
        selector, "element => element.closest('details.answer').open"
    )


def test_answers_are_folded_under_their_headings(page, site):
    page.goto(f"{site}/{PAGES[1]}.html")
    headings = page.locator("details.answer > summary > h4")
    assert headings.count() == 4
    assert headings.first.inner_text().startswith("Answer to 7.2.1")
    assert page.locator("details.answer[open]").count() == 0
    assert not page.locator(f"{ANSWER} > p").first.is_visible()
    headings.nth(1).click(position={"x": 5, "y": 5})
    assert page.locator(f"{ANSWER} > p").first.is_visible()


def test_a_link_to_an_answer_opens_it(page, site):
    page.goto(f"{site}/{PAGES[1]}.html{ANSWER}")
    assert is_open(page, ANSWER)
    assert not is_open(page, "#answer-to-7-2-1")


def test_a_link_to_a_mistake_inside_opens_the_answer(page, site):
    page.goto(f"{site}/{PAGES[1]}.html")
    inner = page.locator(f"{ANSWER} section").first.get_attribute("id")
    assert inner.startswith("a-common-mistake")
    page.goto(f"{site}/{PAGES[0]}.html")
    page.goto(f"{site}/{PAGES[1]}.html#{inner}")
    assert is_open(page, ANSWER)


def test_the_coverage_page_leads_into_an_answer(page, site):
    page.goto(f"{site}/book/coverage.html")
    page.get_by_role("link", name="7.2.2 Kernels by hand").click()
    assert page.url.endswith(f"7-2-cross-correlation.html{ANSWER}")
    assert is_open(page, ANSWER)


def test_the_table_at_the_top_leads_into_an_answer(page, site):
    page.goto(f"{site}/{PAGES[1]}.html")
    page.get_by_role("link", name="7.2.2 Kernels by hand").click()
    assert is_open(page, ANSWER)


def test_folded_answers_are_printed_open(page, site):
    page.goto(f"{site}/{PAGES[1]}.html")

    def height():
        box = page.locator("details.answer").first.bounding_box()
        return box["height"]

    folded = height()
    page.emulate_media(media="print")
    assert height() > 10 * folded


def test_the_motion_is_shown_when_asked_for(page, site):
    page.goto(f"{site}/{PAGES[1]}.html")
    motion = page.locator("details.motion")
    assert motion.count() >= 1
    assert not motion.first.locator("img").is_visible()
    motion.first.locator("summary").click()
    assert motion.first.locator("img").is_visible()


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [360, 1280, 1920])
def test_a_page_fits_is_complete_and_asks_nobody(page, site, name, width):
    asked, errors = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console",
        lambda message: (
            errors.append(message.text) if message.type == "error" else None
        ),
    )
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{site}/{name}.html", wait_until="networkidle")
    page.eval_on_selector_all(
        "details.answer", "all => all.forEach(one => one.open = true)"
    )
    page.wait_for_timeout(500)

    foreign = [u for u in asked if not u.startswith(("file:", "data:"))]
    assert foreign == []
    assert [e for e in errors if not re.search(THEME_NOISE, e)] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("[data-mml-node=merror]").count() == 0
    without = page.locator("img:not([alt]), img[alt='']").count()
    assert without == 0
