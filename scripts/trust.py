"""What the page on trust lists: errors, numbers, versions, speed."""

import json
import re
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import list_numbers
import pages
import yaml

from helpers.records import fingerprint

CAUGHT = "caught"  # how an error ended, in the report
SURVIVED = "survived"
SAME = "same"  # no error after all: what is computed stays as it was
MISSED = "missed"


def planted(root: Path = pages.ROOT) -> str:
    """A table of the planted errors, then those that nothing noticed."""
    report, reasons = read(root)
    rows = [
        "| Errors in | Planted | Changed nothing | Caught | Missed |",
        "| :--- | ---: | ---: | ---: | ---: |",
    ]
    total: Counter[str] = Counter()
    for file in sorted(report):
        counts = Counter(
            fate(error, reasons) for error in report[file]["errors"]
        )
        total += counts
        note = "" if is_fresh(root, report[file]) else " (changed since)"
        rows.append(row(short(file) + note, counts))
    rows.append(row("all", total))
    caught, missed = total[CAUGHT], total[MISSED]
    share = caught / max(caught + missed, 1)
    head = (
        f"{total.total()} errors were planted. {total[SAME]} of them "
        "changed nothing that the book states, and so were none. Of the "
        f"others {caught} were caught, {100 * share:.1f} %, and {missed} "
        "were not."
    )
    parts = [head, "\n".join(rows)]
    for kind, title in [
        (
            MISSED,
            "**Missed:** these errors change something that no check sees.",
        ),
        (
            SAME,
            "**No errors after all:** nothing that the book states depends "
            "on these.",
        ),
    ]:
        lines = [
            f"- {place}: {quoted(change)}: {why}"
            for place, changes in sorted(reasons[kind].items())
            for change, why in changes.items()
        ]
        parts.append("\n".join([title, "", *lines]))
    return "\n\n".join(parts)


def short(file: str) -> str:
    """A link to a section, such as 7.4, or the name of a module."""
    path = Path(file)
    if path.suffix != ".ipynb":
        return f"`{path.stem}`"
    return f"[{path.stem[:3].replace('-', '.')}]({path.name})"


def quoted(change: str) -> str:
    """What became what, as code."""
    old, _, new = change.partition(" -> ")
    return f"`{old}` became `{new}`"


def read(root: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The report of planted errors, and why some were not noticed."""
    report = (root / "book" / "planted.json").read_text("utf-8")
    reasons = (root / "book" / "survivors.yml").read_text("utf-8")
    return json.loads(report), yaml.safe_load(reasons)


def key(error: dict[str, str]) -> tuple[str, str]:
    """Where an error is and what it changes, as survivors.yml has it."""
    place = error["place"].partition(", ")[0]
    return place, f"{error['old']} -> {error['new']}"


def fate(error: dict[str, str], reasons: dict[str, Any]) -> str:
    """Whether an error was caught, missed, or none after all."""
    if error["end"] == CAUGHT:
        return CAUGHT
    place, change = key(error)
    is_same = change in reasons[SAME].get(place, {})
    return SAME if is_same else MISSED


def unexplained(root: Path = pages.ROOT) -> list[tuple[str, str]]:
    """Errors that survived and have no reason in survivors.yml."""
    report, reasons = read(root)
    given = given_reasons(reasons)
    return [place for place in survivors(report) if place not in given]


def unneeded(root: Path = pages.ROOT) -> list[tuple[str, str]]:
    """Reasons for errors that are caught, or were never planted."""
    report, reasons = read(root)
    found = survivors(report)
    return [place for place in given_reasons(reasons) if place not in found]


def given_reasons(reasons: dict[str, Any]) -> list[tuple[str, str]]:
    """Places and changes for which survivors.yml has a reason."""
    return [
        (place, change)
        for kind in (MISSED, SAME)
        for place, changes in sorted(reasons[kind].items())
        for change in changes
    ]


def survivors(report: dict[str, Any]) -> list[tuple[str, str]]:
    """Places and changes of the errors that nothing noticed."""
    return [
        key(error)
        for entry in report.values()
        for error in entry["errors"]
        if error["end"] == SURVIVED
    ]


def is_fresh(root: Path, entry: dict[str, Any]) -> bool:
    """Whether a file's code is that in which the errors were planted."""
    path = root / entry["file"]
    if path.suffix == ".ipynb":
        return entry["code"] == pages.fingerprint_of(pages.read(path))
    return entry["code"] == fingerprint(path.read_text("utf-8"))


def row(name: str, counts: Counter[str]) -> str:
    """A row of the table of planted errors."""
    numbers = [
        counts.total(),
        counts[SAME],
        counts[CAUGHT],
        counts[MISSED],
    ]
    return f"| {name} | " + " | ".join(map(str, numbers)) + " |"


def numbers(root: Path = pages.ROOT) -> str:
    """How many numbers the answers' prose has, and what shows them."""
    found = list_numbers.all_places(root)
    counts = Counter(source(place.cell) for place in found)
    rows = ["| Numbers in the answers' prose | |", "| :--- | ---: |"]
    rows += [
        f"| {what} | {count} |" for what, count in counts.most_common()
    ]
    return "\n".join([*rows, f"| all | {len(found)} |"])


def source(cell: str) -> str:
    """What shows a number, in words."""
    others = {
        "": "nothing",
        list_numbers.LINK: "the source is linked in the same paragraph",
        list_numbers.REASON: "follows from such numbers in one step",
    }
    if cell in list_numbers.RECORDS.values():
        return "a test on the records of long trainings has it"
    return others.get(
        cell, "a cell of the page prints it or has it in its code"
    )


def versions(root: Path = pages.ROOT) -> str:
    """A table of the versions with which the book was tried."""
    report = (root / "book" / "versions.json").read_text("utf-8")
    rows = ["| Python | PyTorch | Tried |", "| :--- | :--- | :--- |"]
    for file, which, tried in [
        ("requirements.txt", "the pinned set", "everything"),
        ("tests/colab.txt", "as in Google Colab in 2026", "all notebooks"),
    ]:
        text = (root / file).read_text("utf-8")
        torch = re.search(r"^torch==([\d.]+)$", text, re.MULTILINE)[1]
        rows.append(
            f"| 3.11 | {torch} ({which}) | {tried}, with each change |"
        )
    for which, found in sorted(json.loads(report).items(), reverse=True):
        rows.append(
            f"| {found['python']} | {found['torch']} (the {which}) | "
            f"{found['tried']}, once |"
        )
    return "\n".join(rows)


def speed(root: Path = pages.ROOT) -> str:
    """The latest results of the benchmarks, and which have none yet."""
    folder = root / "benchmarks"
    kept = json.loads((folder / "results.json").read_text("utf-8"))
    parts = [table(result) for _, result in sorted(kept.items())]
    measured = {name.partition(",")[0] for name in kept}
    scripts = {path.name for path in folder.glob("*.py")} - {"results.py"}
    if left := sorted(scripts - measured):
        names = ", ".join(f"`{name}`" for name in left)
        parts.append(f"Not measured yet on a quiet machine: {names}.")
    return "\n\n".join(parts)


def table(result: dict[str, Any]) -> str:
    """One benchmark's results, below a line of what, where and when."""
    day = date.fromisoformat(result["date"])
    head = list(result["rows"][0])
    columns = zip(*(row.values() for row in result["rows"]), strict=True)
    _, *others = columns  # the first names the rows
    lines = [
        f"**{result['what']}:** {result['machine']}, {day.day} "
        f"{day:%B %Y}, PyTorch {result['torch']}.",
        "",
        f"| {' | '.join(head)} |",
        "| :--- |" + "".join(map(alignment, others)),
    ]
    lines += [f"| {' | '.join(r.values())} |" for r in result["rows"]]
    return "\n".join(lines)


def alignment(column: tuple[str, ...]) -> str:
    """Numbers stand to the right, sentences to the left."""
    words = max(len(cell.split()) for cell in column)
    return " :--- |" if words > 2 else " ---: |"
