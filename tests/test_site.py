"""The built book in a browser: answers, links, print, width, requests."""

import base64
import gzip
import http.server
import io
import re
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pages
import practice_pages
import pytest
from bs4 import BeautifulSoup
from built_site import open_answers, open_page, page_names
from pages import ROOT
from PIL import Image

pytest_plugins = ["site_fixtures"]
pytestmark = [pytest.mark.slow, pytest.mark.browser]

FRONT = page_names()[0]
PAGE = "book/7-2-cross-correlation"
ANSWER = "#answer-to-7-2-2"
PRACTICE = "practice/7-2-cross-correlation"
WIDTHS = (360, 768, 1280, 1920)
# The theme cuts off a formula in the text that is wider than its column.
CUT_FORMULAS = """
  [...document.querySelectorAll("span.math")].filter(box => {
    const right = element => element.getBoundingClientRect().right;
    return right(box.querySelector("mjx-math")) > right(box) + 1;
  }).map(box => box.textContent)"""


def is_open(page, selector):
    page.wait_for_selector(selector, state="attached")
    return page.eval_on_selector(
        selector, "element => element.closest('details.answer').open"
    )


def how_many_open(page):
    return page.locator("details.answer[open]").count()


def test_answers_are_folded_under_their_headings(page, site):
    page.goto(f"{site}/{PAGE}.html")
    headings = page.locator("details.answer > summary > h4")
    assert headings.count() == 4
    assert headings.first.inner_text().startswith("Answer to 7.2.1")
    assert how_many_open(page) == 0
    assert not page.locator(f"{ANSWER} > p").first.is_visible()
    headings.nth(1).click(position={"x": 5, "y": 5})
    assert page.locator(f"{ANSWER} > p").first.is_visible()


def test_one_button_opens_and_folds_all_answers(page, site):
    page.goto(f"{site}/{PAGE}.html")
    button = page.locator("#exercises > h2 + button")
    assert page.locator(".open-answers").count() == 1

    def says(text, expanded):
        page.get_by_role(
            "button", name=text, exact=True, expanded=expanded
        ).wait_for()

    says("Open all 4 answers", expanded=False)
    button.focus()
    page.keyboard.press("Enter")
    says("Fold all 4 answers", expanded=True)
    assert how_many_open(page) == 4
    page.keyboard.press("Space")
    says("Open all 4 answers", expanded=False)
    assert how_many_open(page) == 0


def test_the_button_notices_what_is_opened_by_hand(page, site):
    page.goto(f"{site}/{PAGE}.html")
    button = page.locator(".open-answers")
    summaries = page.locator("details.answer > summary")
    for number in range(4):
        assert button.inner_text() == "Open all 4 answers"
        summaries.nth(number).focus()
        page.keyboard.press("Enter")
        assert how_many_open(page) == number + 1
    page.get_by_role("button", name="Fold all 4 answers").wait_for()


def test_without_scripts_answers_fold_and_there_is_no_button(browser, site):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}/{PAGE}.html")
    assert page.locator(".open-answers").count() == 0
    first = page.locator("#answer-to-7-2-1 > p").first
    assert not first.is_visible()
    page.locator("details.answer > summary").first.click()
    assert first.is_visible()
    page.goto(f"{site}/{PAGE}.html{ANSWER}")
    assert page.locator(f"{ANSWER} > p").first.is_visible()
    page.emulate_media(media="print")
    assert page.locator("#answer-to-7-2-3 > p").first.is_visible()
    context.close()


def test_a_link_to_an_answer_opens_it(page, site):
    page.goto(f"{site}/{PAGE}.html{ANSWER}")
    assert is_open(page, ANSWER)
    assert not is_open(page, "#answer-to-7-2-1")


def test_a_link_to_a_mistake_inside_opens_the_answer(page, site):
    page.goto(f"{site}/{PAGE}.html")
    inner = page.locator(f"{ANSWER} section").first.get_attribute("id")
    assert inner.startswith("a-common-mistake")
    page.goto(f"{site}/{FRONT}.html")
    page.goto(f"{site}/{PAGE}.html#{inner}")
    assert is_open(page, ANSWER)


def test_the_contents_at_the_side_open_an_answer(page, site):
    open_page(page, f"{site}/{PAGE}.html")
    contents = page.locator("#pst-page-toc-nav")
    for target in ("#exercises", "#exercise-7-2-2", ANSWER):
        contents.locator(f"a[href='{target}']").click()
    assert is_open(page, ANSWER)
    assert not is_open(page, "#answer-to-7-2-1")


def test_the_script_opens_what_an_older_browser_leaves_folded(page, site):
    page.goto(f"{site}/{PAGE}.html")
    inner = page.locator(f"{ANSWER} section").first.get_attribute("id")
    # unlike a link, this alone makes no browser open anything
    page.evaluate("id => history.replaceState(null, '', '#' + id)", inner)
    assert not is_open(page, ANSWER)
    page.evaluate("dispatchEvent(new HashChangeEvent('hashchange'))")
    assert is_open(page, ANSWER)
    assert page.locator(f"#{inner} > h5").is_visible()
    assert 0 <= page.locator(f"#{inner} > h5").bounding_box()["y"] < 900


@pytest.mark.parametrize("name", ["book/coverage", PAGE])
def test_tables_of_exercises_lead_into_an_answer(page, site, name):
    page.goto(f"{site}/{name}.html")
    page.get_by_role("link", name="7.2.2 Kernels by hand").click()
    assert page.url.endswith(f"7-2-cross-correlation.html{ANSWER}")
    assert is_open(page, ANSWER)


def test_a_practice_page_is_two_clicks_from_an_open_answer(page, site):
    page.goto(f"{site}/{FRONT}.html")
    row = page.get_by_role("row", name="7.2 Convolutions for images")
    row.get_by_role("link", name="Try it").click()
    assert page.url.endswith(f"/{PRACTICE}.html")
    page.get_by_role("link", name="The answer to 7.2.2").click()
    assert page.url.endswith(f"/{PAGE}.html{ANSWER}")
    assert is_open(page, ANSWER)
    page.get_by_role(
        "link", name="the exercises without their answers"
    ).click()
    assert page.url.endswith(f"/{PRACTICE}.html")


def test_points_of_an_answer_are_folded_and_can_be_ticked(page, site):
    part = next(iter(practice_pages.all_points()))
    [section] = [s for s in pages.sections() if part[:3] == s["section"]]
    name = section["notebook"].removesuffix(".ipynb")
    page.goto(f"{site}/practice/{name}.html")
    summary = page.get_by_text(f"What a full answer to {part} contains")
    points = page.locator("details.points").filter(has=summary)
    box = points.get_by_role("checkbox").first
    assert not box.is_visible()
    page.emulate_media(media="print")
    assert points.locator("label").first.is_visible()
    page.emulate_media(media="screen")
    summary.click()
    assert not box.is_checked()
    points.locator("label").first.click()
    assert box.is_checked()


@pytest.mark.parametrize("path", pages.practice(), ids=lambda p: p.stem)
def test_a_practice_page_shows_stubs_and_no_outputs(site_folder, path):
    html = site_folder / "practice" / f"{path.stem}.html"
    soup = BeautifulSoup(html.read_text(encoding="utf-8"), "html.parser")
    article = soup.article
    stubs = [
        cell.source
        for cell in pages.read(path).cells
        if cell.id.startswith("stub-")
    ]
    code = [pre.get_text().strip() for pre in article.select("pre")]
    assert stubs
    assert set(stubs) <= set(code)
    assert len(article.select(".tag_check")) == len(stubs)
    assert article.select(".cell_output") == []
    assert article.select("details.answer") == []


def test_the_search_finds_words_in_answers(page, site):
    page.goto(f"{site}/{FRONT}.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("Vandermonde")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html*")
    result = page.locator("#search-results a").first
    result.wait_for()
    assert "7-2-cross-correlation.html" in result.get_attribute("href")


def test_find_in_page_reaches_folded_answers(page, site):
    """A link to a piece of text searches the page as Ctrl+F does."""
    page.goto(f"{site}/{PAGE}.html")
    everything = page.locator("article").text_content()
    folded = page.locator(f"{ANSWER} > p").nth(3).text_content()
    five_words = re.findall(r"(?:[A-Za-z]+ ){4}[a-z]+", folded)
    text = next(w for w in five_words if everything.count(w) == 1)
    page.goto(f"{site}/{FRONT}.html")
    page.goto(f"{site}/{PAGE}.html#:~:text={quote(text)}")
    page.wait_for_selector("details.answer[open]")
    assert is_open(page, ANSWER)
    assert how_many_open(page) == 1


def test_folded_answers_are_printed_open(page, site):
    page.goto(f"{site}/{PAGE}.html")

    def height():
        box = page.locator("details.answer").first.bounding_box()
        return box["height"]

    folded = height()
    page.emulate_media(media="print")
    assert height() > 10 * folded
    assert not page.locator(".answer-links").first.is_visible()


def test_printing_opens_answers_and_folds_them_again(page, site):
    page.goto(f"{site}/{PAGE}.html{ANSWER}")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert how_many_open(page) == 4
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert how_many_open(page) == 1
    assert is_open(page, ANSWER)


@pytest.mark.parametrize(
    "section", pages.sections(), ids=lambda section: section["section"]
)
def test_every_exercise_has_a_permanent_link(page, site, section):
    name = "book/" + section["notebook"].removesuffix(".ipynb")
    page.goto(f"{site}/{name}.html")
    for exercise in section["exercises"]:
        number = pages.number(section, exercise)
        place = "exercise-" + number.replace(".", "-")
        heading = page.locator(f"section#{place} > h3")
        title = heading.inner_text().replace("’", "'")
        assert exercise["title"] in title
        assert heading.locator("a").get_attribute("href") == f"#{place}"
        answer = page.locator(f"section#{place} > details.answer")
        assert f"Answer to {number}" in answer.inner_text()
        by_title = page.locator(f"#{place} > span[id^=exercise]")
        assert by_title.count() == 1  # links by the title still work
        links = answer.locator(".answer-links a")
        targets = {
            a.text_content(): a.get_attribute("href") for a in links.all()
        }
        assert targets.pop("Permanent link") == f"#{place}"
        original = targets.pop(f"D2L’s section {section['section']}")
        assert original == section["original"]
        check_report(
            targets.pop("Report a mistake"), name, number, exercise
        )
        assert targets == {}


def check_report(address, name, number, exercise):
    """The form for mistakes has what the book knows, and nothing else."""
    url, tag = pages.address()
    assert address.startswith(f"{url}/issues/new?")
    issue = parse_qs(urlsplit(address).query)
    assert set(issue) == {"title", "body"}
    assert issue["title"] == [f"Mistake in {number} {exercise['title']}"]
    for known in (number, exercise["title"], name, tag):
        assert known in issue["body"][0]


@pytest.mark.parametrize("builder", ["html", "text", "latex"])
def test_only_web_pages_have_these_links(tmp_path, builder):
    """A small book of one answer, in three forms."""
    (tmp_path / "book").mkdir()
    exercises = ROOT / "book" / "exercises.yml"
    (tmp_path / "book" / exercises.name).write_text(exercises.read_text())
    (tmp_path / "index.md").write_text(
        "# Page\n\n### Exercise 1: Any\n\n#### Answer to 7.2.1\n\nA.\n"
    )
    options = {"repository_url": "https://x", "repository_branch": "v1"}
    (tmp_path / "conf.py").write_text(
        f"import sys; sys.path.insert(0, {str(ROOT / 'book' / '_ext')!r})\n"
        "extensions = ['myst_parser', 'answers']\n"
        f"html_theme_options = {options}\n"
    )
    out = tmp_path / "out"
    build = [sys.executable, "-m", "sphinx", "-b", builder, tmp_path, out]
    subprocess.run(build, check=True, capture_output=True)
    names = {"html": "index.html", "text": "index.txt"}
    made = next(out.glob(names.get(builder, "*.tex"))).read_text()
    assert "Answer to 7.2.1" in made
    assert ("Report a mistake" in made) == (builder == "html")
    assert ("<details" in made) == (builder == "html")


def test_a_link_in_an_answer_works(page, site):
    page.goto(f"{site}/{PAGE}.html{ANSWER}")
    page.get_by_role("link", name="Permanent link").click()
    assert page.url.endswith("#exercise-7-2-2")
    assert page.locator("#exercise-7-2-2 > h3").is_visible()


@pytest.fixture(params=page_names())
def opened(request, page, site):
    """Every page on a phone, all open, with requests and complaints."""
    page.asked, page.complaints = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda e: page.complaints.append(str(e)))
    page.on(
        "console",
        lambda message: (
            page.complaints.append(message.text)
            if message.type in ("error", "warning")
            else None
        ),
    )
    page.set_viewport_size({"width": WIDTHS[0], "height": 800})
    open_page(page, f"{site}/{request.param}.html")
    open_answers(page)
    return page


def test_a_page_is_complete_fits_and_asks_nobody(opened, site_folder):
    """One visit to a page shows all of this; opening it takes longest."""
    page = opened
    foreign = [
        address
        for address in page.asked
        if not address.startswith(("file:", "data:"))
    ]
    assert foreign == []
    assert page.complaints == []
    assert page.locator("[data-mml-node=merror]").count() == 0

    formulas = page.locator(".math").count()
    assert page.locator("mjx-container").count() >= formulas
    assert any("mathjax" in a for a in page.asked) == (formulas > 0)

    asked = {
        Path(unquote(urlsplit(a).path)) for a in page.asked if a[0] == "f"
    }
    own = {p for p in asked if site_folder / "_static" not in p.parents}
    assert sum(path.stat().st_size for path in own) <= 2e6

    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        needed = page.evaluate("document.documentElement.scrollWidth")
        assert needed <= width
        assert page.evaluate(CUT_FORMULAS) == []


def test_a_phone_shows_at_which_edge_code_goes_on(page, site):
    page.set_viewport_size({"width": 360, "height": 800})
    open_page(page, f"{site}/{PAGE}.html")
    open_answers(page)
    wide = page.evaluate_handle(
        """[...document.querySelectorAll("article pre")].find(
          code => code.scrollWidth > code.clientWidth + 40)"""
    ).as_element()

    def shaded():
        """Whether the left and the right edge differ from the middle."""
        picture = Image.open(io.BytesIO(wide.screenshot())).convert("RGB")
        row = picture.height - 6  # under the text
        left, middle, right = (
            picture.getpixel((x, row))
            for x in (2, picture.width // 2, picture.width - 3)
        )
        return left != middle, right != middle

    assert shaded() == (False, True)
    wide.evaluate("code => code.scrollLeft = 20")
    assert shaded() == (True, True)
    wide.evaluate("code => code.scrollLeft = code.scrollWidth")
    assert shaded() == (True, False)


@pytest.mark.parametrize("name", page_names())
def test_punctuation_stays_with_its_formula(site_folder, name):
    html = (site_folder / f"{name}.html").read_text(encoding="utf-8")
    soup = BeautifulSoup(html, "html.parser")
    for formula in soup.select("span.math"):
        box = formula.parent
        assert box["class"] == ["nobreak"]
        assert not re.match(r"[.,;:!?)]", str(box.next_sibling or ""))
        assert not re.search(r"[(“]$", str(box.previous_sibling or ""))


def test_motion_is_small_and_shown_when_asked_for(opened):
    """Before it stands a still picture, which is what gets printed."""
    for motion in opened.locator("details.motion").all():
        image = motion.locator("img")
        before = motion.locator("xpath=../preceding-sibling::img")
        assert before.count() >= 1
        kind, data = image.get_attribute("src").split(",")
        assert re.fullmatch("data:image/(gif|webp);base64", kind)
        assert len(base64.b64decode(data)) <= 300_000
        assert image.is_visible()
        motion.locator("summary").click()
        assert not image.is_visible()
    opened.emulate_media(media="print")
    for motion in opened.locator("details.motion").all():
        assert not motion.is_visible()


def test_motion_is_folded_at_first(page, site):
    page.goto(f"{site}/{PAGE}.html")
    assert page.locator("details.motion").count() >= 1
    assert page.locator("details.motion[open]").count() == 0


class Compressing(http.server.SimpleHTTPRequestHandler):
    """A web server that sends texts compressed, as hosts of pages do."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            return self.send_error(404)
        content = path.read_bytes()
        self.send_response(200)
        if path.suffix in (".html", ".css", ".js", ".svg"):
            content = gzip.compress(content)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        return self.wfile.write(content)

    def log_message(self, *arguments):
        """Stay silent."""


@pytest.fixture
def served(site_folder):
    handler = partial(Compressing, directory=site_folder)
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), handler
    ) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def first_text(browser, address):
    """Milliseconds to a page's first text, on a phone's 4G connection.

    The line is WebPageTest's 4G: 9 Mbit/s, 170 ms for a round trip.
    """
    context = browser.new_context(viewport={"width": 360, "height": 740})
    page = context.new_page()
    speed = 9e6 / 8  # bytes a second
    line = {"latency": 170, "offline": False}
    line |= {"downloadThroughput": speed, "uploadThroughput": speed}
    tools = context.new_cdp_session(page)
    tools.send("Network.enable")
    tools.send("Network.emulateNetworkConditions", line)
    page.goto(address)
    page.wait_for_function(
        "performance.getEntriesByName('first-contentful-paint').length"
    )
    time = page.evaluate(
        "performance.getEntriesByName('first-contentful-paint')[0].startTime"
    )
    context.close()
    return time


def test_a_phone_shows_the_front_page_within_a_second(browser, served):
    """The best of three visits: this machine may have other work to do."""
    address = f"{served}/{FRONT}.html"
    times = [first_text(browser, address) for _ in range(3)]
    assert 340 < min(times) < 1000  # two round trips are the least
