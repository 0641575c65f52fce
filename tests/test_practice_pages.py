"""The practice pages: derived, complete, without outputs, and they work."""

import ast
import re
from types import SimpleNamespace

import overview
import page_rules
import pages
import practice_pages
import pytest
from IPython.core.formatters import DisplayFormatter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from test_links import anchors

from helpers import practice
from helpers.practice import Mistake, Task

PATHS = pages.practice()
SECTIONS = pages.sections()
POINTS = practice_pages.all_points()
# An answer of the book that a check of the practice pages finds right.
CHECKED = re.compile(r"practice\.check\('(?P<part>[^']+)', .+\)\.right")


def by_name(path):
    return path.stem


def cells_of(path):
    """The cells of a practice page, by their ids."""
    return {cell.id: cell for cell in pages.read(path).cells}


# The pages of the book


def test_the_pages_are_derived_and_there_are_no_others():
    names = [section["notebook"] for section in SECTIONS]
    assert [path.name for path in PATHS] == sorted(names)
    found = {path: path.read_text(encoding="utf-8") for path in PATHS}
    assert found == practice_pages.expected(), "run sync_pages.py"


@pytest.mark.parametrize("path", PATHS, ids=by_name)
def test_a_page_keeps_the_rules_for_notebooks(path):
    notebook = pages.read(path)
    assert page_rules.markdown(notebook) == []
    assert page_rules.line_lengths(notebook) == []
    for cell in page_rules.code_cells(notebook):
        assert cell.outputs == []
        assert cell.execution_count is None
    assert set(notebook.metadata) == {"kernelspec", "language_info"}


def parts_of(section, exercise):
    """The parts of an exercise, such as "7.4.1a" and "7.4.1b"."""
    number = pages.number(section, exercise)
    return [number + letter for letter in exercise["parts"] or [""]]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda s: s["section"])
def test_every_part_has_a_check_or_points(section):
    missing = [
        part
        for exercise in section["exercises"]
        for part in parts_of(section, exercise)
        if part not in practice.TASKS
        and part not in POINTS
        and pages.number(section, exercise) not in POINTS
    ]
    assert missing == []


def asserted_right(path):
    """The parts whose checks the page asserts to find its answers right."""
    for cell in page_rules.code_cells(pages.read(path)):
        if "practice.check" not in cell.source:
            continue
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Assert):
                line = CHECKED.fullmatch(ast.unparse(node.test))
                yield from [line["part"]] if line else []


@pytest.mark.parametrize("section", SECTIONS, ids=lambda s: s["section"])
def test_a_section_puts_its_own_answers_through_every_check(section):
    own = section["section"] + "."
    parts = [part for part in practice.TASKS if part.startswith(own)]
    assert sorted(
        asserted_right(pages.ROOT / "book" / section["notebook"])
    ) == sorted(parts)


def test_points_belong_to_exercises_and_are_few():
    known = set()
    for section in SECTIONS:
        for exercise in section["exercises"]:
            known |= {pages.number(section, exercise)}
            known |= {*parts_of(section, exercise)}
    assert set(POINTS) <= known
    for part, points in POINTS.items():
        assert 3 <= len(points) <= 6, part
        assert len(set(points)) == len(points), part
        assert all("\n" not in point for point in points), part


@pytest.mark.parametrize("section", SECTIONS, ids=lambda s: s["section"])
def test_a_page_has_every_exercise_part_by_part(section):
    cells = cells_of(pages.ROOT / "practice" / section["notebook"])
    wanted = ["title", "front", "set-up", "imports"]
    for exercise in section["exercises"]:
        number = pages.number(section, exercise)
        wanted.append("exercise " + number)
        head = cells["exercise-" + number.replace(".", "")].source
        title = f"## Exercise {exercise['number']}: {exercise['title']}\n"
        assert head.startswith(title)
        for part in parts_of(section, exercise):
            if part != number:
                wanted.append("part " + part)
            if part in practice.TASKS:
                wanted += ["stub " + part, "check " + part]
            if part in POINTS and part != number:
                wanted.append("points " + part)
        if number in POINTS:
            wanted.append("points " + number)
        wanted.append("answer " + number)
    if any(n.startswith(section["section"]) for n in practice.TASKS):
        wanted += ["progress-text", "progress"]
    ids = [name.replace(".", "").replace(" ", "-") for name in wanted]
    assert [*cells] == ids


def run(path, fill_in):
    """Run a page's code; returns what it defines and its replies.

    Args:
        path: of the page.
        fill_in: is given a part and returns what stands for its stub.
    """
    names, replies = {}, {}
    for cell in page_rules.code_cells(pages.read(path)):
        kind = cell.id.partition("-")[0]
        if kind == "stub":
            exec(cell.source, names)
        elif kind == "check":
            part, name = re.fullmatch(
                r'practice\.check\("(.*)", (\w+)\)', cell.source
            ).groups()
            assert name in names  # the stub above has defined it
            names[name] = fill_in(part, names[name])
            replies[part] = practice.check(part, names[name])
        elif cell.id != "set-up":
            exec(cell.source, names)
    return names, replies


@pytest.mark.parametrize("path", PATHS, ids=by_name)
def test_a_page_that_is_not_filled_in_says_so_and_passes(path, capsys):
    practice._verdicts.clear()
    _, replies = run(path, lambda part, stub: stub)
    assert len(replies) > 0
    for part, reply in replies.items():
        assert str(reply).startswith(f"{part}: not answered yet")
    said = capsys.readouterr().out
    assert said.startswith(f"0 of {len(replies)} parts of section ")


@pytest.mark.parametrize("path", PATHS, ids=by_name)
def test_a_page_that_is_filled_in_has_all_parts_right(path, capsys):
    practice._verdicts.clear()
    _, replies = run(path, lambda part, stub: practice.TASKS[part].right)
    for part, reply in replies.items():
        assert str(reply) == f"{part}: right."
    count = len(replies)
    section = path.stem[:3].replace("-", ".")
    said = capsys.readouterr().out
    assert said == f"{count} of {count} parts of section {section} right\n"


@pytest.mark.parametrize("path", PATHS, ids=by_name)
def test_each_stub_of_a_page_defines_a_name_of_its_own(path):
    names = [
        practice_pages.name_in(cell.source)
        for name, cell in cells_of(path).items()
        if name.startswith("stub-")
    ]
    assert len(set(names)) == len(names)
    assert not {"torch", "nn", "F", "practice"} & set(names)


# A page of a sample section

SECTION = {
    "section": "7.9",
    "title": "A sample",
    "notebook": "7-9-sample.ipynb",
    "original": "https://d2l.ai/x.html",
    "exercises": [
        {"number": 1, "title": "Odd", "parts": "ab", "kind": ["proof"]},
        {"number": 2, "title": "Even", "parts": "", "kind": ["count"]},
        {"number": 3, "title": "Later", "parts": "", "kind": ["count"]},
    ],
}
PAGE = new_notebook(
    cells=[
        new_markdown_cell("# 7.9 A sample\n\n### Exercise 1: no\n", id="t"),
        new_markdown_cell(
            "### Exercise 1: Odd\n\nSee [above](#text) and [7.2](7-2.ipynb)"
            ", [this](https://d2l.ai) and [that](../LICENSE).\n\n"
            "a. Show $x$.\n\nIt is short.\n\nb. Count.",
            id="a",
        ),
        new_markdown_cell("#### Answer to 7.9.1", id="b"),
        new_markdown_cell("**In short.** Yes.", id="c"),
        new_markdown_cell("### Exercise 2: Even\n\nIs it?", id="d"),
        new_code_cell("1 + 1", id="e"),
        new_markdown_cell("Why?", id="f"),
        new_markdown_cell("#### Answer to 7.9.2", id="g"),
        new_markdown_cell("No.", id="h"),
    ]
)
TASKS = {
    "7.9.1b": Task(stub="# all\n\ncount = None  # of all\n", right=3),
    "7.9.2": Task(
        stub='def is_odd(n):\n    """Whether."""\n',
        right=lambda n: n % 2 == 1,
        cases=lambda: [(1,)],
    ),
}
LISTS = {"7.9.1a": ["It *is*.", "So."], "7.9.2": ["Yes."]}


@pytest.fixture
def sample(monkeypatch, tmp_path):
    """The sample's practice page, as source by the cells' ids."""
    monkeypatch.setattr(practice_pages, "TASKS", TASKS)
    found = practice_pages.statements(PAGE)
    path = pages.ROOT / "practice" / "7-9-sample.ipynb"
    page = practice_pages.derive(SECTION, found, LISTS, path)
    return {cell.id: cell.source for cell in page.cells}


def test_a_statement_comes_part_by_part_with_its_links_moved(sample):
    assert [*sample] == [
        *("title", "front", "set-up", "imports", "exercise-791"),
        *("part-791a", "points-791a", "part-791b", "stub-791b"),
        *("check-791b", "answer-791", "exercise-792", "stub-792"),
        *("check-792", "points-792", "answer-792"),
        *("progress-text", "progress"),
    ]
    assert sample["exercise-791"] == (
        "## Exercise 1: Odd\n\nSee [above](../book/7-9-sample.ipynb#text) "
        "and [7.2](../book/7-2.ipynb), [this](https://d2l.ai) and "
        "[that](../LICENSE)."
    )
    assert sample["part-791a"] == "a. Show $x$.\n\nIt is short."
    assert sample["part-791b"] == "b. Count."
    assert sample["exercise-792"] == "## Exercise 2: Even\n\nIs it?\n\nWhy?"


def test_a_stub_is_checked_under_its_name(sample):
    assert sample["stub-791b"] == "# all\n\ncount = None  # of all"
    assert sample["check-791b"] == 'practice.check("7.9.1b", count)'
    assert sample["check-792"] == 'practice.check("7.9.2", is_odd)'
    assert sample["progress"] == 'print(practice.progress("7.9"))'


def test_the_answer_is_linked_and_not_shown(sample):
    assert sample["answer-791"] == (
        "[The answer to 7.9.1](../book/7-9-sample.ipynb#answer-to-791)"
    )
    assert "In short" not in "".join(sample.values())
    assert "1 + 1" not in "".join(sample.values())


def test_points_are_folded_with_a_box_for_each(sample):
    assert sample["points-791a"] == (
        '<details class="points">\n'
        "<summary>What a full answer to 7.9.1a contains</summary>\n\n"
        '- <label><input type="checkbox"> It *is*.</label>\n'
        '- <label><input type="checkbox"> So.</label>\n\n'
        "</details>"
    )


def test_a_section_without_checks_shows_no_progress(monkeypatch):
    monkeypatch.setattr(practice_pages, "TASKS", {})
    path = pages.ROOT / "practice" / "7-9-sample.ipynb"
    found = practice_pages.statements(PAGE)
    page = practice_pages.derive(SECTION, found, {}, path)
    ids = [cell.id for cell in page.cells]
    assert ids[-1] == "answer-792"
    assert not any("stub" in name or "points" in name for name in ids)


# That sync_pages.py writes them


@pytest.fixture
def project(tmp_path):
    """A project of one section, whose practice page was derived."""
    for name in ("_config.yml", "book/exercises.yml"):
        target = tmp_path / name
        target.parent.mkdir(exist_ok=True)
        target.write_text((pages.ROOT / name).read_text("utf-8"), "utf-8")
    page = new_notebook(
        cells=[
            new_markdown_cell("### Exercise 1: A diagonal edge\n\nYes?"),
            new_markdown_cell("#### Answer to 7.2.1"),
        ]
    )
    name = "7-2-cross-correlation.ipynb"
    path = tmp_path / "practice" / name
    path.parent.mkdir()
    pages.write(tmp_path / "book" / name, pages.text_of(page))
    pages.write(path.with_name("points.yml"), "7.2.1: [One, Two, Three]\n")
    (text,) = practice_pages.expected(tmp_path).values()
    pages.write(path, text)
    return SimpleNamespace(root=tmp_path, path=path, text=text)


def different(project):
    """What sync_pages.py would write in place of the practice page."""
    return overview.out_of_step(project.root).get(project.path)


def test_points_are_read_from_their_file(project):
    cell = cells_of(project.path)["points-721"].source
    assert re.findall("> (.*)</label>", cell) == ["One", "Two", "Three"]


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.unlink(),
        lambda path: path.write_text(path.read_text() + "\n"),
        lambda path: path.write_text(path.read_text().replace("Yes?", "N")),
        lambda path: path.with_name("points.yml").write_text("7.2.1: [A]"),
    ],
)
def test_what_is_missing_or_changed_by_hand_is_derived_anew(
    project, change
):
    assert different(project) is None
    change(project.path)
    assert different(project) is not None


def test_a_section_that_states_no_exercise_has_no_page(project):
    book = project.root / "book" / project.path.name
    pages.write(book, pages.text_of(new_notebook()))
    assert practice_pages.expected(project.root) == {}


# Links in replies


def test_the_checks_know_the_notebooks():
    assert {n: f"{page}.ipynb" for n, page in practice.PAGES.items()} == {
        section["section"]: section["notebook"] for section in SECTIONS
    }


@pytest.fixture
def origin(monkeypatch):
    """A function that sets from where the helpers were installed."""

    def set_origin(text):
        def distribution(name):
            if text is None:
                raise practice.PackageNotFoundError(name)
            return SimpleNamespace(read_text=lambda name: text)

        monkeypatch.setattr(practice, "distribution", distribution)

    return set_origin


BOXES = [
    (part, mistake)
    for part, task in practice.TASKS.items()
    for mistake in task.mistakes
    if mistake.box
]


@pytest.mark.parametrize(("part", "mistake"), BOXES)
def test_a_reply_leads_to_the_box_that_it_names(part, mistake, origin):
    origin(None)
    reply = practice.check(part, mistake.answer)
    [(text, link)] = re.findall(r"\[“(.*)”\]\((.*)\)", reply.markdown)
    assert text == f"A common mistake: {mistake.box}"
    name, _, anchor = link.partition("#")
    path = (pages.ROOT / "practice" / name).resolve()
    assert anchor in anchors(path)


@pytest.fixture
def boxed(monkeypatch):
    """The reply to a mistake with a box, given where helpers come from."""
    mistake = Mistake("this is $k_1$ * 2 [sic]", 2, box="it is `k`")
    task = Task(stub="k = None", right=3, mistakes=(mistake,))
    monkeypatch.setitem(practice.TASKS, "7.4.9", task)
    return lambda: practice.check("7.4.9", 2)


LOCAL = "../book/7-4-channels.ipynb#a-common-mistake-it-is-k"
COLAB = (
    "https://colab.research.google.com/github/ada/lovelace/blob/{}/book/"
    "7-4-channels.ipynb#a-common-mistake-it-is-k"
)
GITHUB = '{{"url": "https://github.com/ada/lovelace/archive/{}.zip"}}'


@pytest.mark.parametrize(
    ("where", "link"),
    [
        (None, LOCAL),
        ("", LOCAL),
        ('{"url": "file:///home/ada", "dir_info": {}}', LOCAL),
        ('{"url": "http://127.0.0.1/archive/v1.0.zip"}', LOCAL),
        (GITHUB.format("refs/tags/v1.0"), COLAB.format("v1.0")),
        (GITHUB.format("0123abc"), COLAB.format("0123abc")),
    ],
)
def test_a_link_leads_beside_the_page_or_to_colab(
    origin, boxed, where, link
):
    origin(where)
    assert boxed().markdown == (
        r"7.4.9: this is \$k\_1\$ \* 2 \[sic\]. See [“A common mistake: "
        f"it is `k`”]({link}) in section 7.4."
    )


def test_a_reply_is_one_line_and_a_link_where_notebooks_show_it(boxed):
    shown, _ = DisplayFormatter().format(boxed())
    assert shown["text/plain"] == (
        "7.4.9: this is $k_1$ * 2 [sic]. See “A common mistake: it is `k`” "
        "in section 7.4."
    )
    assert shown["text/markdown"].startswith(r"7.4.9: this is \$k\_1\$")
    shown, _ = DisplayFormatter().format(practice.check("7.4.9", 3))
    assert shown == {"text/plain": "7.4.9: right."}
