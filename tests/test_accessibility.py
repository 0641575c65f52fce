"""The built book for keyboards, screen readers, and in both modes."""

import re
from pathlib import Path

import axe_playwright_python
import pytest
from bs4 import BeautifulSoup
from built_site import open_answers, open_page, page_names

pytest_plugins = ["site_fixtures"]
pytestmark = [pytest.mark.slow, pytest.mark.browser]

FRONT = page_names()[0]
PAGE = "book/7-2-cross-correlation"
ANSWER = "Answer to 7.2.1"
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
# Ten thousand pieces of code are of some fifty kinds with colours of their
# own: one of each kind is looked at, the others become plain text.
ONE_OF_EACH = """() => {
  const seen = new Set();
  for (const piece of document.querySelectorAll("pre span[class]")) {
    const kind = [piece, piece.closest("div"), piece.closest(".cell")]
      .map((element) => element?.className).join("/");
    if (seen.has(kind)) piece.replaceWith(...piece.childNodes);
    seen.add(kind);
  }
}"""
# A shade at the edge of code keeps axe from judging the code's colours.
NO_SHADE = "pre { background-image: none !important; }"
LOOK = """element => {
  const style = getComputedStyle(element);
  return [style.outlineStyle, style.outlineWidth, style.boxShadow];
}"""


@pytest.mark.parametrize(
    ("mode", "width"), [("light", 360), ("dark", 1280)]
)
@pytest.mark.parametrize("name", page_names())
def test_axe_finds_nothing_serious(browser, site, name, mode, width):
    size = {"width": width, "height": 900}
    page = browser.new_page(color_scheme=mode, viewport=size)
    open_page(page, f"{site}/{name}.html")
    assert page.locator("html").get_attribute("data-theme") == mode
    open_answers(page)
    page.evaluate(ONE_OF_EACH)
    page.add_style_tag(content=NO_SHADE)
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run()")
    assert found["passes"] != []
    serious = [
        (rule["id"], node["html"], node["failureSummary"])
        for rule in found["violations"]
        for node in rule["nodes"]
        if rule["impact"] in ("serious", "critical")
    ]
    assert serious == []
    undecided = [
        (node["html"], node["any"][0]["message"])
        for rule in found["incomplete"]
        for node in rule["nodes"]
        if rule["id"] == "color-contrast"
        and page.locator(f"article {node['target'][0]}").count() > 0
    ]
    assert undecided == []
    page.close()


def stops(page):
    """Everything that the Tab key leads to, in order, each once."""
    page.evaluate("document.activeElement.blur()")
    while True:
        page.keyboard.press("Tab")
        handle = page.evaluate_handle("document.activeElement")
        element = handle.as_element()
        if element.evaluate("element => element === document.body"):
            return
        yield element


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("name", [FRONT, PAGE, "search"])
def test_what_has_the_focus_can_be_seen(browser, site, name, mode):
    page = browser.new_page(color_scheme=mode)
    open_page(page, f"{site}/{name}.html")
    open_answers(page)
    seen = set()
    for element in stops(page):
        page.wait_for_timeout(20)  # for a browser to draw it
        focused = element.evaluate(LOOK)
        element.evaluate("element => element.blur()")
        text = element.evaluate("element => element.outerHTML")
        assert focused != element.evaluate(LOOK), text
        seen.add(text)
    assert len(seen) > 20
    page.close()


@pytest.mark.parametrize(
    ("width", "kinds"),
    [
        (360, {"PRE"}),
        (280, {"PRE", "MJX-CONTAINER"}),
    ],  # formulas fit at 360
)
def test_the_keyboard_moves_what_scrolls_on_a_phone(
    page, site, width, kinds
):
    page.set_viewport_size({"width": width, "height": 800})
    open_page(page, f"{site}/book/7-5-pooling.html")
    page.locator(".open-answers").click()
    page.wait_for_timeout(500)  # the theme waits before it looks
    moved = set()
    for element in stops(page):
        kind = element.evaluate("element => element.tagName")
        if kind in ("PRE", "MJX-CONTAINER") and kind not in moved:
            page.keyboard.press("ArrowRight")
            page.wait_for_function("document.activeElement.scrollLeft > 0")
            moved.add(kind)
    assert moved == kinds


def test_a_screen_reader_finds_answers_and_formulas(page, site):
    open_page(page, f"{site}/{PAGE}.html")
    tools = page.context.new_cdp_session(page)
    nodes = tools.send("Accessibility.getFullAXTree")["nodes"]
    by_id = {node["nodeId"]: node for node in nodes}

    def role(node):
        return node["role"]["value"]

    def states(node):
        return {p["name"]: p["value"]["value"] for p in node["properties"]}

    (heading,) = (
        node
        for node in nodes
        if role(node) == "heading" and node["name"]["value"] == ANSWER
    )
    assert states(heading)["level"] == 4
    summary = by_id[heading["parentId"]]
    assert role(summary) == "DisclosureTriangle"
    assert states(summary)["expanded"] is False
    unfolded = page.locator(".math:visible").count()
    formulas = [node for node in nodes if role(node) == "MathMLMath"]
    assert len(formulas) == unfolded > 10


@pytest.mark.parametrize("name", page_names())
def test_every_figure_says_in_words_what_is_seen(site_folder, name):
    html = (site_folder / f"{name}.html").read_text(encoding="utf-8")
    article = BeautifulSoup(html, "html.parser").article
    for image in article.find_all("img"):
        words = re.findall(r"[A-Za-z]{2,}", image.get("alt", ""))
        assert len(words) >= 3, image
        assert Path(image["src"]).stem not in image["alt"]
