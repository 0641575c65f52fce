"""How long a reader waits: imports, the build of the book, its notebooks.

- Importing `helpers` after torch, each time in a new process: the median
  of `--repeats`. The goal for the modules of operations, networks and
  counts together is half a second.
- `jupyter-book build .` into an empty folder. The goal is ten seconds.
- Every notebook, run quickly by `pytest --nbmake` as readers do: two at a
  time, in one go. The goal for all of them is three minutes.

The exit status is 1 if a goal is missed.

    python benchmarks/start.py
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import results

ROOT = Path(__file__).resolve().parents[1]
TOOLS = Path(sys.executable).parent
LIGHT = "helpers.models, helpers.ops, helpers.summary"
FOLDERS = ("book", "practice", "templates")
OTHERS = ("data", "plots", "records", "train", "training")
IMPORT = """
import time
import torch
start = time.perf_counter()
import {modules}
print(time.perf_counter() - start)
"""


def import_seconds(modules: str, repeats: int) -> float:
    """Return the median seconds of an import after that of torch."""
    command = [sys.executable, "-c", IMPORT.format(modules=modules)]
    return statistics.median(
        float(run(command).stdout) for _ in range(repeats)
    )


def build_seconds() -> float:
    """Return the seconds of a build into an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        command = [TOOLS / "jupyter-book", "build", "."]
        run([*command, "--path-output", folder])
        return time.perf_counter() - start


def notebook_seconds() -> tuple[dict[str, float], float]:
    """Return the seconds of each notebook's quick run, and of all."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        command = [sys.executable, "-m", "pytest", "--nbmake", "-q"]
        run([*command, f"--junit-xml={report}", *FOLDERS])
        suite = ET.parse(report).find("testsuite")  # noqa: S314 our own
        times = {}
        for case in suite.iter("testcase"):
            folder = case.get("classname").partition(".")[0]
            times[f"{folder}/{case.get('name')}"] = float(case.get("time"))
        return times, float(suite.get("time"))


def run(command: list[str | Path]) -> subprocess.CompletedProcess[str]:
    """Run a command in the project, without any folder of real data."""
    without = {k: v for k, v in os.environ.items() if k != "BOOK_DATA"}
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**without, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )


def row(
    what: str, seconds: float, most: float | None = None
) -> results.Row:
    """A row of the table, with a goal if there is one."""
    goal = "" if most is None else f"at most {most:g} s"
    return {
        "what": what,
        "time": f"{seconds:.2f} s",
        "goal": results.judged(goal, most is None or seconds <= most),
    }


def main() -> int:
    """Measure all, print the table; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    results.add_option(parser)
    options = parser.parse_args()

    rows = [
        row(f"import {LIGHT}", import_seconds(LIGHT, options.repeats), 0.5)
    ]
    for name in OTHERS:
        module = f"helpers.{name}"
        seconds = import_seconds(module, options.repeats)
        rows.append(row(f"import {module}", seconds))
    rows.append(row("build of the book", build_seconds(), 10))
    seconds, wall = notebook_seconds()
    rows += [row(name, taken) for name, taken in seconds.items()]
    rows.append(row("all notebooks, two at a time", wall, 180))
    results.show(
        Path(__file__).name,
        "Imports after that of torch, a build, the quick run of notebooks",
        rows,
        options.save,
    )
    return int(any("missed" in row["goal"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
