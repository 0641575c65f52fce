"""Judge an answer to an exercise: right, a known mistake, or wrong.

A `Task` holds the right answer and the wrong ones that people give. An
answer is a value (a number, a shape, a tensor, a network) or a function.
A function is called with the arguments of each of the task's cases, and
what it returns is compared with what the right function returns. Cases go
from small to large, so the first one that differs is the smallest.
"""

import _thread
import copy
import inspect
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

__all__ = ["Mistake", "Reply", "Task", "close", "judge", "random_numbers"]

SECONDS = 20.0  # for one call; right ones take less on a busy machine
SHOWN = 12  # numbers of a tensor that a reply spells out

Verdict = Literal["right", "wrong", "mistake", "unusable", "unanswered"]
Compare = Callable[[Any, Any], str | None]


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that people give.

    Args:
        says: what this answer is and what is wrong with it, in a few words
            that end a sentence.
        answer: the wrong answer, of the same sort as the right one.
        box: the title of the box of the book that refutes it, without
            ``A common mistake:``; empty if there is none.
    """

    says: str
    answer: Any
    box: str = ""


@dataclass(frozen=True)
class Task:
    """What one part of an exercise asks for.

    Args:
        stub: the code with which a reader starts. Its last statement
            defines the name that the answer has.
        right: the right answer: a value, or a function of each case.
        cases: makes the arguments of each call, from small to large; None
            if the answer is a value.
        compare: says what is wrong with a value that was found, given the
            one that was expected, or None. ``close`` if not given.
        accepts: given what was found and the case's arguments, says what
            is wrong with it, or None; for answers of which more than one
            is right. Known mistakes are still told by ``compare``.
        mistakes: wrong answers that people give.
    """

    stub: str
    right: Any
    cases: Callable[[], Sequence[tuple]] | None = None
    compare: Compare | None = None
    accepts: Callable[..., str | None] | None = None
    mistakes: tuple[Mistake, ...] = ()


@dataclass(frozen=True)
class Reply:
    """What is said about an answer: a verdict and one line of text.

    Args:
        verdict: "right", "wrong", "mistake", "unusable" or "unanswered".
        text: the line.
        mistake: the known mistake that the answer is.
        markdown: the line with a link to the mistake's box; None if there
            is nothing to link.
    """

    verdict: Verdict
    text: str
    mistake: Mistake | None = None
    markdown: str | None = None

    @property
    def right(self) -> bool:
        """Whether the answer is right."""
        return self.verdict == "right"

    def __repr__(self) -> str:
        """Return the line, which a notebook then shows."""
        return self.text

    def _repr_markdown_(self) -> str | None:
        """Return the line with a link, which notebooks prefer."""
        return self.markdown


class Overtime(BaseException):
    """A call took too long; no `except Exception` of a reader stops it."""


def judge(task: Task, answer: Any) -> Reply:
    """Try an answer and say what is known about it.

    Args:
        task: what is asked for.
        answer: a reader's answer; None and `...` mean that there is none.

    Returns:
        The verdict. A function that raises, unless in the way of a known
        mistake, or does not end is "unusable", and so is a value where a
        function is asked for, and the other way round.
    """
    if answer is None or answer is ...:
        return Reply("unanswered", "not answered yet")
    if task.cases is None:
        return _judge_value(task, answer)
    numbers_only = not any(isinstance(x, Tensor) for x in task.cases()[0])
    network = isinstance(answer, nn.Module)  # callable, but on tensors
    if not callable(answer) or (network and numbers_only):
        return Reply(
            "unusable",
            f"this part asks for a function, not for {_kind(answer)}",
        )
    for case in task.cases():
        try:
            found = _call(answer, case)
            if found is None or found is ...:
                return Reply(
                    "unanswered", "not answered yet: it returns None"
                )
            expected = None if task.accepts else _call(task.right, case)
            with _limited(SECONDS):  # a network runs when it is compared
                complaint = _complaint(task, found, expected, case)
        except (Exception, Overtime) as error:
            known = isinstance(error, Exception) and _known(task, answer)
            return known or Reply(
                "unusable", f"{_failure(error)} for {_named(task, case)}"
            )
        if complaint:
            return _known(task, answer) or Reply(
                "wrong", f"wrong for {_named(task, case)}: {complaint}"
            )
    return Reply("right", "right")


def close(found: Any, expected: Any, tolerance: float = 1e-4) -> str | None:
    """Compare numbers, shapes, words or tensors.

    Whole numbers must agree exactly; others may differ by the tolerance
    times the largest number expected, or times 1 if that is larger. A
    tensor may be an array or nested lists, of any type of numbers.

    Args:
        found: a reader's value.
        expected: the right one.
        tolerance: the relative difference that is allowed.

    Returns:
        None if they agree, else what both are.
    """
    if isinstance(expected, str):
        same = str(found).strip().casefold() == expected.casefold()
        return None if same else f"{found!r} is not {expected!r}"
    numbers = _numbers(found)
    if numbers is None:
        return f"it is {_kind(found)}, not {_kind(expected)}"
    wanted = _numbers(expected)
    both = f"it gives {_shown(found)}, right is {_shown(expected)}"
    if numbers.shape != wanted.shape:
        if numbers.numel() != wanted.numel() or wanted.ndim:
            return (
                f"its shape is {tuple(numbers.shape)}, right is "
                f"{tuple(wanted.shape)}"
            )
        numbers = numbers.reshape(())
    if not wanted.numel():
        return None
    allowed = tolerance * max(1.0, wanted.abs().max().item())
    if _is_whole(expected):
        allowed = 0.0
    gap = (numbers - wanted).abs()
    if bool((gap <= allowed).all()):  # not so for nan
        return None
    if wanted.numel() <= SHOWN:
        return both
    place = tuple((~(gap <= allowed)).nonzero()[0].tolist())
    return (
        f"at {list(place)} it gives {numbers[place].item():.4g}, right is "
        f"{wanted[place].item():.4g}"
    )


def random_numbers(seed: int, *shape: int) -> Tensor:
    """Random float32 numbers, always the same ones for a seed.

    PyTorch's own random numbers go on as if none had been drawn.

    Args:
        seed: from 0 on.
        shape: sizes of the tensor's axes.
    """
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator)


def _judge_value(task: Task, answer: Any) -> Reply:
    if inspect.isroutine(answer) or inspect.isclass(answer):
        return Reply(
            "unusable", "this part asks for a value: call your function"
        )
    complaint = _complaint(task, answer, task.right, ())
    if complaint is None:
        return Reply("right", "right")
    known = _known(task, answer)
    if known:
        return known
    if _numbers(answer) is None and _numbers(task.right) is not None:
        return Reply("unusable", complaint)
    return Reply("wrong", f"{_shown(answer)} is wrong")


def _complaint(
    task: Task, found: Any, expected: Any, case: tuple
) -> str | None:
    """What is wrong with a value that was found; None if nothing is."""
    try:
        if task.accepts:
            return task.accepts(found, *case)
        return (task.compare or close)(found, expected)
    except Exception as error:  # a value that cannot even be compared
        return f"{_kind(found)} is of no use here ({error})"


def _known(task: Task, answer: Any) -> Reply | None:
    """The mistake that gives the same in all cases, if any does."""
    found = list(_outcomes(task, answer))
    for mistake in task.mistakes:
        others = _outcomes(task, mistake.answer)
        if all(
            _alike(task, *pair) for pair in zip(found, others, strict=True)
        ):
            return Reply("mistake", mistake.says, mistake)
    return None


def _outcomes(task: Task, answer: Any) -> Iterator[Any]:
    """What an answer gives in each case; a value gives itself."""
    if task.cases is None:
        yield answer
    else:
        for case in task.cases():
            yield _outcome(answer, case)


def _alike(task: Task, found: Any, other: Any) -> bool:
    """Whether two answers give the same value, or the same error."""
    if isinstance(found, type) or isinstance(other, type):
        return found is other
    try:
        return (task.compare or close)(found, other) is None
    except Exception:  # what cannot be compared is not the same
        return False


def _outcome(function: Callable[..., Any], case: tuple) -> Any:
    """What a call returns, or the class of the error that it raises."""
    try:
        return _call(function, case)
    except (Exception, Overtime) as error:
        return type(error)


def _call(function: Callable[..., Any], case: tuple) -> Any:
    """Call a function on copies of the arguments, for a limited time."""
    with _limited(SECONDS):
        return function(*copy.deepcopy(case))


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Raise `Overtime` in what takes longer than some seconds.

    Only the main thread can be interrupted, so others have no limit.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: Any) -> None:
        raise Overtime

    before = signal.signal(signal.SIGINT, stop)
    timer = threading.Timer(seconds, _thread.interrupt_main)
    timer.start()
    try:
        try:
            yield
        finally:
            timer.cancel()
            timer.join()
    finally:
        signal.signal(signal.SIGINT, before)


def _failure(error: BaseException) -> str:
    if isinstance(error, Overtime):
        return (
            f"it did not end within {SECONDS:.0f} seconds, or was stopped,"
        )
    first = (str(error).splitlines() or [""])[0]
    return f"it raises {type(error).__name__} ({first})"


def _named(task: Task, case: tuple) -> str:
    """A case's arguments with the names that the right function has."""
    names = inspect.signature(task.right).parameters
    return ", ".join(
        f"{name} = {_shown(value)}"
        for name, value in zip(names, case, strict=False)
    )


def _numbers(value: Any) -> Tensor | None:
    """A value as a tensor of float64; None if it holds no numbers."""
    if isinstance(value, (list, tuple)):
        parts = [_numbers(part) for part in value]
        if any(part is None for part in parts):
            return None
        if len({part.shape for part in parts}) > 1:
            return None
        empty = torch.zeros(0, dtype=torch.float64)
        return torch.stack(parts) if parts else empty
    if isinstance(value, (str, nn.Module)):
        return None
    if isinstance(value, Tensor):
        return value.detach().cpu().double()
    try:
        return torch.as_tensor(value, dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError):
        return None


def _is_whole(value: Any) -> bool:
    """Whether a value consists of Python's whole numbers."""
    if isinstance(value, (list, tuple)):
        return all(_is_whole(part) for part in value)
    return isinstance(value, int)


def _shown(value: Any) -> str:
    """A value in a few words."""
    numbers = None if isinstance(value, str) else _numbers(value)
    if isinstance(value, Tensor) or hasattr(value, "__array__"):
        if numbers.numel() <= SHOWN:
            rounded = [round(x, 4) for x in numbers.flatten().tolist()]
            nested = torch.tensor(rounded, dtype=torch.float64)
            return str(nested.reshape(numbers.shape).tolist())
        return f"numbers of the shape {tuple(numbers.shape)}"
    if isinstance(value, float):
        return f"{value:.6g}"
    return repr(value)


def _kind(value: Any) -> str:
    """What a value is: "a Tensor (2, 3)", "an int", "a function"."""
    name = type(value).__name__
    article = "an" if name[0] in "aeiouAEIOU" else "a"
    shape = getattr(value, "shape", None)
    return f"{article} {name}" + (f" {tuple(shape)}" if shape else "")
