"""Checks for readers who try an exercise before they read its answer.

`check` says at once whether an answer is right; if it is wrong in a way
that is known, it names the mistake. `progress` sums up a section. Nothing
is kept beyond the running program, and nothing is sent anywhere.
"""

import json
import re
from importlib.metadata import PackageNotFoundError, distribution
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

__all__ = ["Mistake", "Reply", "Task", "check", "progress"]

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

# The notebooks of the sections, for links to the boxes of mistakes.
PAGES = {
    "7.1": "7-1-why-convolutions",
    "7.2": "7-2-cross-correlation",
    "7.3": "7-3-padding-and-stride",
    "7.4": "7-4-channels",
    "7.5": "7-5-pooling",
    "7.6": "7-6-lenet",
    "8.2": "8-2-vgg",
    "8.6": "8-6-resnet",
}
ARCHIVE = re.compile(
    r"https://github\.com/([^/]+/[^/]+)/archive/(?:refs/tags/)?(.+)\.zip"
)

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
    line = f"{part}: {reply.text}."
    if not (reply.mistake and reply.mistake.box):
        return Reply(reply.verdict, line, reply.mistake)
    section = part.rpartition(".")[0]
    title = f"A common mistake: {reply.mistake.box}"
    page = f"{_book()}/{PAGES[section]}.ipynb"
    plain = re.sub(r"([\\`*_$\[\]<>#])", r"\\\1", line)
    return Reply(
        reply.verdict,
        f"{line} See “{title}” in section {section}.",
        reply.mistake,
        f"{plain} See [“{title}”]({page}#{_anchor(title)}) in section "
        f"{section}.",
    )


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


def _book() -> str:
    """Where the notebooks of the sections are.

    That is the folder beside the practice pages, unless the helpers were
    installed from GitHub, as in Colab: then Colab opens them from there.
    """
    try:
        origin = distribution("convolutions-checked").read_text(
            "direct_url.json"
        )
    except PackageNotFoundError:
        origin = None
    match = ARCHIVE.fullmatch(json.loads(origin or "{}").get("url", ""))
    if match is None:
        return "../book"
    place = f"{match[1]}/blob/{match[2]}/book"
    return f"https://colab.research.google.com/github/{place}"


def _anchor(title: str) -> str:
    """The anchor that a heading has on the built page."""
    return re.sub(r"[^\w\- ]", "", title.lower().replace(" ", "-"))
