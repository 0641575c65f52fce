"""The page on trust: planted errors, and the numbers in the prose."""

import json
from decimal import Decimal

import list_numbers
import pages
import pytest
import trust
import yaml
from list_numbers import REASON
from nbformat.v4 import (
    new_code_cell,
    new_markdown_cell,
    new_notebook,
    new_output,
)

REPORT, REASONS = trust.read(pages.ROOT)
FATES = [
    trust.fate(error, REASONS)
    for entry in REPORT.values()
    for error in entry["errors"]
]


def test_enough_errors_were_planted_and_caught():
    assert len(FATES) >= 300
    errors = [fate for fate in FATES if fate != trust.SAME]
    assert errors.count(trust.CAUGHT) >= 0.95 * len(errors)


def test_every_survivor_is_explained():
    assert trust.unexplained() == []


def test_no_explanation_is_left_over():
    assert trust.unneeded() == []


@pytest.fixture
def project(tmp_path):
    """A report on a page of one answer, with a reason for a survivor."""
    folder = tmp_path / "book"
    folder.mkdir()
    errors = [
        {"place": "7.2.1, cell a", "old": old, "new": new, "end": end}
        for old, new, end in [
            ("a", "b", trust.CAUGHT),
            ("c", "d", trust.SURVIVED),
            ("e", "f", trust.SURVIVED),
        ]
    ]
    entry = {"file": "code.py", "code": "?", "errors": errors}
    (folder / "planted.json").write_text(json.dumps({"code.py": entry}))
    reasons = {
        "same": {"7.2.1": {"c -> d": "of no effect"}},
        "missed": {"7.2.9": {"x -> y": "left over"}},
    }
    (folder / "survivors.yml").write_text(yaml.safe_dump(reasons))
    (tmp_path / "code.py").write_text("a = c + e")
    return tmp_path


def test_survivors_and_their_reasons_are_matched(project):
    assert trust.unexplained(project) == [("7.2.1", "e -> f")]
    assert trust.unneeded(project) == [("7.2.9", "x -> y")]
    text = trust.planted(project)
    assert "| `code` (changed since) | 3 | 1 | 1 | 1 |" in text
    assert "1 were caught, 50.0 %" in text


# Numbers


@pytest.fixture(scope="module")
def places():
    """All numbers of the answers' prose, and what shows each."""
    return list_numbers.all_places()


def test_every_number_of_an_answer_is_shown_somewhere(places):
    assert [place for place in places if not place.cell] == []


def test_no_reason_for_a_number_is_left_over(places):
    used = {(p.answer, p.number) for p in places if p.cell == REASON}
    reasons = yaml.safe_load(list_numbers.REASONS.read_text("utf-8"))
    given = {(a, number) for a, row in reasons.items() for number in row}
    assert given == used


@pytest.mark.parametrize(
    ("prose", "found"),
    [
        ("It has 1,234 weights.", ["1,234"]),
        ("$12{,}345$ and $1\\,000$", ["12{,}345", "1\\,000"]),
        ("92.07 ± 0.10 %", ["92.07", "0.10 %"]),
        (
            "119.6 million or 7.55 billion",
            ["119.6 million", "7.55 billion"],
        ),
        ("three of 9 cells, or 10", ["10"]),
        ("section 7.4, exercise 7.4.1, in 2015, ResNet-18, `x[12]`", []),
        ("[Kim (2014)](https://arxiv.org/abs/1408.5882)", []),
        ("turned by 180 degrees", []),
    ],
)
def test_numbers_of_a_text(prose, found):
    assert [number for number, _ in list_numbers.numbers(prose)] == found


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("1,234", "1234"),
        ("0.25", "0.2503"),
        ("12 %", "0.123"),
        ("7.5 million", "7547232"),
        ("7.5", "7547232"),
    ],
)
def test_a_number_is_found_rounded_or_scaled(number, shown):
    assert list_numbers.is_in(number, {list_numbers.plain(shown)})
    assert not list_numbers.is_in(number, {list_numbers.plain("9999")})


def test_numbers_in_code_are_the_same_in_all_versions_of_python():
    code = '%matplotlib inline\nprint(f"{2.78 * x:.2f} of 99", True)'
    assert list_numbers.in_code(code) == {Decimal("2.78")}


def test_the_cell_that_shows_a_number():
    output = new_output("stream", text="37.25 seconds")
    page = new_notebook(
        cells=[
            new_code_cell("elsewhere = 41", id="elsewhere"),
            new_markdown_cell("#### Answer to 7.2.1"),
            new_markdown_cell(
                "37.3, 21, 41 and 55.\n\n"
                "[The paper](https://example.org/) has 66."
            ),
            new_code_cell("x = 20 + 1\nassert x == 21", id="code"),
            new_code_cell("print(x)", id="prints", outputs=[output]),
        ]
    )
    found = {p.number: p.cell for p in list_numbers.places(page)}
    assert found == {
        "37.3": "prints",
        "21": "code",
        "41": "elsewhere",
        "55": "",
        "66": list_numbers.LINK,
    }
