"""helpers.practice: right answers, known mistakes, and what is wrong."""

import importlib
import inspect
import re
import time
from contextlib import suppress

import errors
import numpy as np
import pages
import pytest
import torch

from helpers import practice
from helpers.practice import judging

SECTIONS = ("7_1", "7_2", "7_3", "7_4", "7_5", "7_6", "8_2", "8_6")
HERE = [importlib.import_module(f"practice_{name}") for name in SECTIONS]
STYLES = {k: v for module in HERE for k, v in module.STYLES.items()}
EQUAL = {k: v for module in HERE for k, v in module.EQUAL.items()}
MISTAKES = [
    (part, mistake)
    for part, task in practice.TASKS.items()
    for mistake in task.mistakes
]


BOX = re.compile(r"^#+ A common mistake: (.*)$", re.MULTILINE)
# Mistakes of the answers that are opinions or reasons: no value shows them.
CLAIMS = {
    "calling `nn.Conv1d` and looking at the shape answers part b",
    "a spectrogram is an image, so it may be flipped and shifted like one",
    "the order of speech or video matters, so translation"
    " invariance does harm",
    "a 6 turned into a 9, or a tune played backwards, is an example",
    "convolutional layers are translation invariant",
    "f * g equals g * f because convolution is commutative",
    "so layers may be swapped as well",
    "one run that agrees confirms the formula",
    "a kernel that is a multiple of the stride has no checkerboard",
    "a loop that calls mean() is the answer",
    "the maximum is not linear, and that settles it",
    "max-pooling is not differentiable, average pooling is",
    "max-pooling ignores noise because it keeps the strongest",
    "max-pooling is preferable because it makes the network"
    " invariant to shifts",
    "pooled again and again, they give the maximum and the"
    " average of the image",
    "it is superfluous because pooling is nonlinear anyway",
    "more parameters, more accuracy",
    "describe the activations without looking at them",
    "filters do not respond to noise, so the activations are sparse",
    "the accuracy at 56 pixels is lower because the image"
    " has less information",
    "the paper's table must be wrong, it gives ResNet-50 3.8 billion",
    "both 1 × 1 convolutions lose information",
    "a network whose class contains the better one cannot do worse",
}


def changed_functions(function):
    """A function with one planted error, again and again."""
    source = inspect.cleandoc("\n" + inspect.getsource(function))
    for error in errors.errors(source):
        names = dict(vars(inspect.getmodule(function)))
        exec(error.source, names)
        yield (error.old, error.new), names[function.__name__]


def changed_values(value):
    """Numbers that are not the value, but could be taken for it."""
    numbers = np.asarray(value, dtype=float)
    yield "one more", numbers + 1
    yield "one less", numbers - 1
    yield "another sign", -numbers
    yield "twice", 2 * numbers
    yield "half", numbers / 2
    yield "from behind", np.flip(numbers)
    yield "transposed", numbers.T


def variants(part):
    """Changed answers of a part: what was changed, and the answer."""
    task = practice.TASKS[part]
    if task.cases is None:
        if judging._numbers(task.right) is None:
            return
        for name, value in changed_values(task.right):
            if not np.array_equal(value, task.right):
                yield name, value
        return
    for function in (task.right, *STYLES.get(part, [])):
        if inspect.isfunction(function):
            yield from changed_functions(function)


@pytest.mark.parametrize("part", practice.TASKS)
def test_the_right_answer_is_right_within_a_second(part):
    def seconds():
        start = time.perf_counter()
        reply = practice.check(part, practice.TASKS[part].right)
        assert reply.right, reply
        return time.perf_counter() - start

    # Three tries: a busy machine can slow down any one of them.
    assert any(seconds() < 1 for _ in range(3))


@pytest.mark.parametrize(
    ("part", "answer"),
    [(part, answer) for part, some in STYLES.items() for answer in some],
)
def test_a_right_answer_in_another_style_is_right(part, answer):
    reply = practice.check(part, answer)
    assert reply.right, reply


@pytest.mark.parametrize(("part", "mistake"), MISTAKES)
def test_a_known_mistake_is_named(part, mistake):
    reply = practice.check(part, mistake.answer)
    assert reply.mistake is mistake, reply
    assert mistake.says in str(reply)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # errors may divide by zero
@pytest.mark.parametrize("part", practice.TASKS)
def test_planted_errors_are_not_right(part, monkeypatch):
    monkeypatch.setattr(judging, "SECONDS", 2.0)
    passed = {
        change
        for change, answer in variants(part)
        if practice.check(part, answer).right
    }
    assert passed == set(EQUAL.get(part, {}))


def test_there_are_many_planted_errors():
    assert sum(len(list(variants(part))) for part in practice.TASKS) >= 500


def test_at_least_thirty_exercises_have_a_check():
    assert len({part.rstrip("abcde") for part in practice.TASKS}) >= 30


def test_checks_belong_to_exercises():
    known = {
        f"{section['section']}.{exercise['number']}{letter}"
        for section in pages.sections()
        for exercise in section["exercises"]
        for letter in exercise["parts"] or [""]
    }
    assert set(practice.TASKS) <= known


def test_every_mistake_of_an_answer_is_named_unless_it_is_a_claim():
    named = {mistake.box for _, mistake in MISTAKES} - {""}
    everywhere, in_answers = set(), set()
    for path in pages.notebooks():
        for answer, cell in pages.by_answer(pages.read(path)):
            titles = BOX.findall(cell.source)
            everywhere.update(titles)
            if answer and path.parent.name == "book":
                in_answers.update(titles)
    assert named <= everywhere
    assert in_answers - named == CLAIMS


@pytest.mark.parametrize("part", practice.TASKS)
@pytest.mark.parametrize("nothing", [None, ...])
def test_no_answer_is_no_mistake(part, nothing):
    assert practice.check(part, nothing).verdict == "unanswered"


@pytest.mark.parametrize("part", practice.TASKS)
def test_a_stub_is_not_answered_yet(part):
    names = {"torch": torch, "nn": torch.nn}
    exec(practice.TASKS[part].stub, names)
    answer = list(names.values())[-1]
    assert practice.check(part, answer).verdict == "unanswered"


def raises(*_):
    raise RuntimeError("on purpose\nin two lines")


NONSENSE = [
    "words",
    -3.25,
    float("nan"),
    torch.nn.Identity(),
    [1, "a"],
    {},
    object(),
    raises,
]


@pytest.mark.parametrize("part", practice.TASKS)
@pytest.mark.parametrize("answer", NONSENSE)
def test_nonsense_gets_one_line_and_no_traceback(part, answer):
    reply = practice.check(part, answer)
    assert not reply.right
    assert "\n" not in str(reply)


def test_a_function_that_never_ends_is_stopped(monkeypatch):
    def never(*_):
        while True:
            with suppress(Exception):  # does not catch Overtime
                time.sleep(0.01)

    monkeypatch.setattr(judging, "SECONDS", 0.3)
    reply = practice.check("7.4.1b", never)
    assert reply.verdict == "unusable"
    assert "did not end within" in str(reply)


class Endless(torch.nn.Module):
    """A network that never returns."""

    def forward(self, X):
        while True:
            time.sleep(0.01)


def test_a_network_that_never_ends_is_stopped(monkeypatch):
    monkeypatch.setattr(judging, "SECONDS", 2.0)
    reply = practice.check("7.6.1a", lambda num_classes: Endless())
    assert reply.verdict == "unusable"
    assert "did not end within" in str(reply)
