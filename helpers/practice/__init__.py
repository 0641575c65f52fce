"""Checks for readers who try an exercise before they read its answer.

`check` says at once whether an answer is right; if it is wrong in a way
that is known, it names the mistake. `progress` sums up a section. Nothing
is kept beyond the running program, and nothing is sent anywhere.
"""

from typing import Any

from helpers.practice import (
    section_7_1,
    section_7_2,
    section_7_3,
    section_7_4,
    section_7_5,
    section_7_6,
    section_8_2,
    section_8_6,
)
from helpers.practice.judging import Mistake, Reply, Task, judge

__all__ = ["TASKS", "Mistake", "Reply", "Task", "check", "progress"]

TASKS: dict[str, Task] = {
    **section_7_1.TASKS,
    **section_7_2.TASKS,
    **section_7_3.TASKS,
    **section_7_4.TASKS,
    **section_7_5.TASKS,
    **section_7_6.TASKS,
    **section_8_2.TASKS,
    **section_8_6.TASKS,
}

_verdicts: dict[str, str] = {}


def check(part: str, answer: Any) -> Reply:
    """Say whether an answer to a part of an exercise is right.

    Args:
        part: number and letter, as "7.4.1b"; without a letter where the
            exercise has no parts.
        answer: what the practice page asks for: a value or a function.

    Returns:
        The verdict, which a notebook shows as one line.

    Raises:
        ValueError: there is no check for this part.
    """
    if part not in TASKS:
        section = part.rpartition(".")[0]
        names = [name for name in TASKS if name.startswith(section + ".")]
        raise ValueError(
            f"no check for {part!r}; there are {', '.join(names or TASKS)}"
        )
    reply = judge(TASKS[part], answer)
    _verdicts[part] = reply.verdict
    text = f"{part}: {reply.text}."
    if reply.mistake and reply.mistake.box:
        section = part.rpartition(".")[0]
        text += (
            f" See “A common mistake: {reply.mistake.box}” in section "
            f"{section}."
        )
    return Reply(reply.verdict, text, reply.mistake)


def progress(section: str) -> str:
    """Sum up which parts of a section have been answered.

    Args:
        section: as "7.4".

    Raises:
        ValueError: no part of this section has a check.
    """
    parts = [name for name in TASKS if name.startswith(section + ".")]
    if not parts:
        raise ValueError(f"section {section!r} has no checks")
    right = [part for part in parts if _verdicts.get(part) == "right"]
    text = f"{len(right)} of {len(parts)} parts of section {section} right"
    still = [part for part in parts if part not in right]
    return text + (f"; still open: {', '.join(still)}" if still else "")
