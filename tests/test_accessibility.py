"""The built book for keyboards, screen readers, and in both modes."""

from pathlib import Path

import axe_playwright_python
import pytest
from built_site import open_answers, open_page, page_names

pytest_plugins = ["site_fixtures"]
pytestmark = [pytest.mark.slow, pytest.mark.browser]

FRONT = page_names()[0]
PAGE = "book/7-2-cross-correlation"
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


def stops(page, most=1000):
    """Everything that the Tab key leads to, in order."""
    page.evaluate("document.activeElement.blur()")
    for _ in range(most):
        page.keyboard.press("Tab")
        element = page.evaluate_handle(
            "document.activeElement"
        ).as_element()
        if element.evaluate("e => e === document.body"):
            return
        yield element
    raise AssertionError(f"more than {most} stops")


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("name", [FRONT, PAGE, "search"])
def test_what_has_the_focus_can_be_seen(browser, site, name, mode):
    page = browser.new_page(color_scheme=mode)
    open_page(page, f"{site}/{name}.html")
    open_answers(page)
    seen = 0
    for element in stops(page):
        page.wait_for_timeout(20)
        focused = element.evaluate(LOOK)
        element.evaluate("element => element.blur()")
        assert focused != element.evaluate(LOOK), element.evaluate(
            "e => e.outerHTML"
        )
        seen += 1
    page.close()
    assert seen > 20
