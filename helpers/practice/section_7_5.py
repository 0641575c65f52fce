"""Section 7.5: what its exercises ask for, and known wrong answers."""

from helpers.practice.judging import Task

__all__ = ["TASKS"]

TASKS: dict[str, Task] = {}
