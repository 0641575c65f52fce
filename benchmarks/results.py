"""Tables of what the benchmarks measured: printed, and kept if asked for.

`results.json` holds the latest results of each benchmark, as the page
book/trust.md shows them.
"""

import argparse
import json
from datetime import date
from importlib.metadata import version
from pathlib import Path

FILE = Path(__file__).with_name("results.json")

Row = dict[str, str]  # what stands in each column


def add_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that keeps the results."""
    parser.add_argument(
        "--save",
        metavar="MACHINE",
        help="write the table to results.json too, with these words for "
        'the machine, such as "two cores of an AMD EPYC"',
    )


def judged(goal: str, met: bool) -> str:
    """A goal as the table has it: a word is added if it is missed."""
    return goal if met else f"{goal}, missed"


def show(
    name: str, what: str, rows: list[Row], machine: str | None
) -> None:
    """Print a table; with a machine's name, put it in place of the last.

    Args:
        name: of the script that measured, and of what it was told, such
            as "trainer.py, 768 images".
        what: the table's title.
        rows: with the same columns each.
        machine: in words; None keeps nothing.

    """
    head = list(rows[0])
    widths = [
        max(len(column), *(len(row[column]) for row in rows))
        for column in head
    ]
    print(f"\n{what}")
    for line in [head, *(row.values() for row in rows)]:
        padded = zip(line, widths, strict=True)
        print("  ".join(f"{text:<{n}}" for text, n in padded).rstrip())
    if machine:
        kept = json.loads(FILE.read_text("utf-8"))
        kept[name] = {
            "what": what,
            "machine": machine,
            "date": date.today().isoformat(),
            "torch": version("torch").split("+")[0],
            "rows": rows,
        }
        text = json.dumps(dict(sorted(kept.items())), indent=1)
        FILE.write_text(text + "\n", encoding="utf-8", newline="\n")
