"""Errors planted in code, and what is found to notice them."""

import ast
import random

import errors
import nbformat
import pages
import plant_errors
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        ("flipped kernel", "Y = K.flip(0, 1)", "Y = (K)"),
        ("flipped kernel", "torch.flip(K, (0, 1))", "(K)"),
        ("flipped kernel", "corr2d(X, K)", "(corr2d(X, K.flip(-1)))"),
        ("factor", "n = h * w", "n = (h)"),
        ("factor", "n = h * w", "n = (w)"),
        ("factor", "n = h * w", "n = (2 * (h * w))"),
        ("factor", "n = h // 2", "n = (h)"),
        ("swapped axis", "X.sum(dim=1)", "(X.sum(dim=0))"),
        ("swapped axis", "X.sum(dim=-1)", "(X.sum(dim=-2))"),
        ("swapped axis", "Y = X.T @ X", "Y = (X) @ X"),
        ("swapped axis", "X.permute(0, 2, 1)", "(X.permute(0, 1, 2))"),
        ("padding or stride", "f(X, padding=1)", "(f(X, padding=2))"),
        ("padding or stride", "pad(X, 'reflect')", "pad(X, ('symmetric'))"),
        ("off by one", "x = X[0]", "x = (X[1])"),
        ("off by one", "x = X[-1]", "x = (X[0])"),
        ("off by one", "x = X[1:]", "x = X[2:]"),
        ("off by one", "x = X[: h + 1]", "x = X[:h + 1 - 1]"),
        ("off by one", "range(n)", "(range(n - 1))"),
        ("off by one", "o = h - k + 1", "o = (h - k)"),
        ("maximum or mean", "x = X.max()", "x = (X.min)()"),
        ("maximum or mean", "pool2d(X, 2, 'max')", "pool2d(X, 2, ('avg'))"),
        ("sign", "y = a + b", "y = (a - b)"),
        ("sign", "y = -b", "y = (b)"),
        ("bias", "Conv2d(1, 2, bias=False)", "(Conv2d(1, 2, bias=True))"),
        ("wrong class", "net = nn.ReLU()", "net = (nn.Sigmoid)()"),
        ("condition", "y = 1 if a < b else 2", "y = 1 if (a <= b) else 2"),
        ("condition", "y = not x", "y = (x)"),
    ],
)
def test_an_error_of_each_kind(kind, right, wrong):
    found = [(error.kind, error.source) for error in errors.errors(right)]
    assert (kind, wrong) in found


@pytest.mark.parametrize(
    "code",
    [
        "assert a + 1 < b * c",
        "raise ValueError('max' if a < b else -c)",
        "print(a + 1, X[0])",
        "plots.heatmaps(X[0] * 2)",
        "name = f'{a + 1}'",
        "def f(x: a[0]) -> b[1]: pass",
        "'max'",
    ],
)
def test_nothing_is_planted_in_what_checks_or_shows(code):
    assert errors.errors(code) == []


def test_all_other_code_stays_as_it_is():
    source = "# äöü\nx = 'é' + y  # kept\nz = X[0]\n"
    (plus, index) = errors.errors(source)
    assert plus.source == "# äöü\nx = ('é' - y)  # kept\nz = X[0]\n"
    assert index.source == "# äöü\nx = 'é' + y  # kept\nz = (X[1])\n"
    assert (plus.line, plus.old, plus.new) == (2, "'é' + y", "'é' - y")


@pytest.mark.parametrize("path", pages.notebooks(), ids=lambda p: p.stem)
def test_errors_of_the_book_can_be_run_and_change_it(path):
    for cell in pages.read(path).cells:
        if cell.cell_type == "code" and "%pip" not in cell.source:
            plain = ast.unparse(ast.parse(cell.source))
            for error in errors.errors(cell.source):
                assert ast.unparse(ast.parse(error.source)) != plain


def test_rare_kinds_are_chosen_first():
    found = [
        (0, error)
        for error in errors.errors("a = x * y * z * w\nb = p + q")
    ]
    chosen = plant_errors.choose(found, 2, random.Random(0))
    assert [error.kind for _, error in chosen] == ["factor", "sign"]
    every = plant_errors.choose(found, 99, random.Random(0))
    assert sorted(every, key=str) == sorted(found, key=str)


@pytest.fixture
def page(tmp_path):
    """A page whose check notices one of two planted errors."""
    notebook = new_notebook(
        cells=[
            new_code_cell("least = 0"),
            new_markdown_cell("#### Answer to 7.2.1"),
            new_code_cell("seen = 1 + least", id="seen"),
            new_code_cell("unseen = 1 + least", id="unseen"),
            new_code_cell("assert seen == 6", id="checks"),
            new_markdown_cell("## Summary"),
            new_code_cell("after = 1 + least"),
        ]
    )
    notebook.cells[0].metadata["nbmake"] = {"mock": {"least": 5}}
    notebook.cells[4].metadata["tags"] = ["check"]
    path = tmp_path / "page.ipynb"
    nbformat.write(notebook, path)
    return path


def test_a_page_notices_what_its_checks_compute(page):
    found, _ = plant_errors.in_a_process(
        plant_errors.plant_in_page, page, 9, random.Random(0)
    )
    ends = [(error["place"], error["end"], error["by"]) for error in found]
    assert ends == [
        ("7.2.1, cell seen", "caught", "checks"),
        ("7.2.1, cell unseen", "survived", ""),
    ]


def test_a_page_that_fails_by_itself_is_no_measure(page):
    notebook = pages.read(page)
    notebook.cells[0].metadata = {}  # now the check fails
    nbformat.write(notebook, page)
    with pytest.raises(RuntimeError, match="cell checks fails"):
        plant_errors.in_a_process(
            plant_errors.plant_in_page, page, 9, random.Random(0)
        )


@pytest.mark.parametrize(
    ("failing", "noticed", "runs"),
    [({}, "", 2), ({"b": "b::x"}, "b::x", 2), ({"a": "a::y"}, "a::y", 1)],
)
def test_slow_suites_run_if_the_quick_one_passes(
    monkeypatch, tmp_path, failing, noticed, runs
):
    seen = []

    def failing_test(root, tests):
        seen.append(tests)
        return failing.get(tests[0], "")

    monkeypatch.setattr(plant_errors, "failing_test", failing_test)
    found = plant_errors.first_failure(
        tmp_path, [["a"], ["b", "-m", "slow"]]
    )
    assert found == noticed
    assert len(seen) == runs


@pytest.mark.parametrize("module", plant_errors.TOGETHER)
def test_there_are_slow_tests_with_several_processes(module):
    *_, words = plant_errors.TOGETHER[module]
    (name,) = plant_errors.TESTS[module]
    code = (pages.ROOT / "tests" / f"test_{name}.py").read_text("utf-8")
    slow = [
        node.name
        for node in ast.parse(code).body
        if isinstance(node, ast.FunctionDef)
        and any("slow" in ast.unparse(d) for d in node.decorator_list)
    ]
    for word in words.split(" or "):
        assert any(word in name for name in slow)


def test_an_answer_ends_at_the_next_heading():
    notebook = new_notebook(
        cells=[
            new_markdown_cell("# Title"),
            new_markdown_cell("#### Answer to 7.2.1"),
            new_markdown_cell("##### A common mistake: all"),
            new_code_cell("x = 1"),
            new_markdown_cell("### Exercise 2: More"),
        ]
    )
    found = [answer for answer, _ in pages.by_answer(notebook)]
    assert found == ["", "7.2.1", "7.2.1", "7.2.1", ""]
