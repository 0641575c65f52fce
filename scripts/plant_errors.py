"""Plant errors in answers and helpers, and see what notices them.

    python scripts/plant_errors.py                        # about an hour
    python scripts/plant_errors.py book/7-4-channels.ipynb --most 10

One error at a time (`errors.py` has their kinds). In an answer of a page,
what can notice it are the page's own cells, run with the settings of the
quick run; in a module of helpers, that module's tests, the quick ones and
those with several processes. An error is caught if one of them fails or
does not end. The report, `book/planted.json`, keeps
what was found for pages and modules that were not run again; survivors are
printed. Nothing is changed but the report.
"""

import argparse
import json
import multiprocessing
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import (
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    as_completed,
)
from pathlib import Path
from typing import Any

import pages
from errors import Error, errors
from nbformat import NotebookNode
from trust import CAUGHT, SURVIVED

from helpers.records import fingerprint

REPORT = pages.ROOT / "book" / "planted.json"
TESTS = {  # of a module, those that are quick enough
    "data": ["data", "download"],
    "models": ["models"],
    "ops": ["ops"],
    "plots": ["plots"],
    "records": ["records"],
    "summary": ["summary"],
    "train": ["train"],
    "training": ["training"],
}
# Slow tests with several processes, run after those if they all pass.
TOGETHER = {
    "train": ["-m", "slow", "-k", "process or machines"],
    "training": ["-m", "slow", "-k", "process"],
}


def main() -> int:
    """Plant errors, write the report; 1 if one survived."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "file", nargs="*", type=Path, help="pages and modules; all if none"
    )
    parser.add_argument(
        "--most", type=int, default=40, help="errors for each file"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the choice")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    files = [path.resolve() for path in arguments.file] or all_files()

    survivors = []
    with ThreadPoolExecutor(arguments.jobs) as pool:
        jobs = [
            pool.submit(
                in_a_process, plant, path, arguments.most, arguments.seed
            )
            for path in files
        ]
        for job in as_completed(jobs):
            entry = job.result()
            add_to_report(entry)
            found = [e for e in entry["errors"] if e["end"] == SURVIVED]
            print(
                f"{entry['file']}: {len(entry['errors'])} errors, "
                f"{len(found)} survived, {entry['minutes']} minutes",
                flush=True,
            )
            survivors += found
    for error in survivors:
        print(f"{error['place']}, {error['kind']}:")
        print(f"    {error['old']}\n -> {error['new']}")
    return 1 if survivors else 0


def add_to_report(entry: dict[str, Any]) -> None:
    """Write what was found in one file; the other entries stay."""
    report = {}
    if REPORT.exists():
        report = json.loads(REPORT.read_text("utf-8"))
    report[entry["file"]] = entry
    text = json.dumps(report, indent=1, sort_keys=True) + "\n"
    pages.write(REPORT, text)


def in_a_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a fresh process of its own."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        return pool.submit(function, *arguments).result()


def all_files() -> list[Path]:
    """All sections of the book, and all modules that have tests."""
    sections = pages.sections()
    notebooks = [pages.ROOT / "book" / s["notebook"] for s in sections]
    modules = [pages.ROOT / "helpers" / f"{name}.py" for name in TESTS]
    return notebooks + modules


def plant(path: Path, most: int, seed: int) -> dict[str, Any]:
    """Plant errors in one file; returns what the report says of it.

    Raises:
        RuntimeError: if something fails without any error planted.

    """
    start = time.perf_counter()
    run = plant_in_page if path.suffix == ".ipynb" else plant_in_module
    found, code = run(path, most, random.Random(seed))
    return {
        "file": path.relative_to(pages.ROOT).as_posix(),
        "code": code,
        "errors": found,
        "minutes": round((time.perf_counter() - start) / 60, 1),
    }


def choose(
    found: list[tuple[Any, Error]], most: int, chance: random.Random
) -> list[tuple[Any, Error]]:
    """So many errors, with rare kinds as often as frequent ones.

    Each comes with the place where it is, by which the choice is sorted.
    """
    by_kind: dict[str, list[tuple[Any, Error]]] = {}
    for place, error in found:
        by_kind.setdefault(error.kind, []).append((place, error))
    for kind in by_kind.values():
        chance.shuffle(kind)
    chosen: list[tuple[Any, Error]] = []
    while len(chosen) < min(most, len(found)):
        for kind in by_kind.values():
            if kind and len(chosen) < most:
                chosen.append(kind.pop())
    return sorted(chosen, key=lambda one: (one[0], one[1].line))


def line_of_report(place: str, error: Error, end: str, by: str) -> dict:
    """An error and what became of it, as the report has it."""
    return {
        "place": place,
        "kind": error.kind,
        "old": error.old,
        "new": error.new,
        "end": end,
        "by": by,
    }


# Pages


def plant_in_page(
    path: Path, most: int, chance: random.Random
) -> tuple[list[dict], str]:
    """Run a page once; at each error a copy of the process goes astray."""
    notebook = pages.read(path)
    answers = answer_cells(notebook)
    chosen = choose(
        [
            (place, error)
            for place in answers
            for error in errors(notebook.cells[place].source)
        ],
        most,
        chance,
    )
    os.chdir(path.parent)
    shell = quiet_shell()
    found = []
    for place, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        for _, error in [one for one in chosen if one[0] == place]:
            end, by = in_a_copy(shell, notebook, place, error)
            where = f"{answers[place]}, cell {cell.id}"
            found.append(line_of_report(where, error, end, by))
        if not run_cell(shell, cell, cell.source):
            raise RuntimeError(f"{path.name}: cell {cell.id} fails")
    return found, pages.fingerprint_of(notebook)


def answer_cells(notebook: NotebookNode) -> dict[int, str]:
    """Places of the code cells of answers, with the exercise's number.

    Cells tagged "check" are left out, they are what ought to notice, and so
    are settings, which the quick run replaces.
    """
    return {
        place: answer
        for place, (answer, cell) in enumerate(pages.by_answer(notebook))
        if answer
        and cell.cell_type == "code"
        and not is_check_or_settings(cell)
    }


def is_check_or_settings(cell: NotebookNode) -> bool:
    """Whether no error is put into a cell."""
    metadata = cell.metadata
    return "check" in metadata.get("tags", []) or "nbmake" in metadata


def quiet_shell() -> Any:
    """An IPython without history that draws in memory and says nothing."""
    import matplotlib as mpl
    import torch
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    mpl.use("Agg")
    torch.set_num_threads(1)  # a copied process has no other threads
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    config = Config()
    config.HistoryManager.enabled = False
    return InteractiveShell.instance(config=config)


def run_cell(shell: Any, cell: NotebookNode, source: str) -> bool:
    """Run a cell as the quick run does; False if it fails."""
    import matplotlib.pyplot as plt

    if not shell.run_cell(source).success:
        return False
    plt.close("all")
    shell.user_ns.update(cell.metadata.get("nbmake", {}).get("mock", {}))
    return True


def in_a_copy(
    shell: Any, notebook: NotebookNode, place: int, error: Error
) -> tuple[str, str]:
    """How the page goes on with an error, and the cell that noticed it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        # No page computes so long; a busy machine alone ends nothing.
        signal.setitimer(signal.ITIMER_PROF, 120)
        signal.alarm(7200)
        source = error.source
        for cell in notebook.cells[place:]:
            if cell.cell_type == "code":
                if not run_cell(shell, cell, source or cell.source):
                    os.write(writing, cell.id.encode())
                    break
                source = None
        else:
            os.write(writing, SURVIVED.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    if said == SURVIVED:
        return SURVIVED, ""
    return CAUGHT, said or "did not end"


# Modules


def plant_in_module(
    path: Path, most: int, chance: random.Random
) -> tuple[list[dict], str]:
    """Run a module's tests on a copy of the project with each error."""
    source = path.read_text("utf-8")
    chosen = choose([(0, error) for error in errors(source)], most, chance)
    tests = [f"tests/test_{name}.py" for name in TESTS[path.stem]]
    suites = [tests]
    if path.stem in TOGETHER:
        suites.append([*tests, *TOGETHER[path.stem]])
    found = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "book")
        left_out = shutil.ignore_patterns(".git", "_build", "runs")
        shutil.copytree(pages.ROOT, root, ignore=left_out)
        copy = root / "helpers" / path.name
        if by := first_failure(root, suites):
            raise RuntimeError(f"without any error: {by}")
        for _, error in chosen:
            pages.write(copy, error.source)
            by = first_failure(root, suites)
            place = f"helpers.{path.stem}, line {error.line}"
            end = CAUGHT if by else SURVIVED
            found.append(line_of_report(place, error, end, by))
    return found, fingerprint(source)


def first_failure(root: Path, suites: list[list[str]]) -> str:
    """The first test of these suites that fails, or an empty string."""
    for tests in suites:
        if by := failing_test(root, tests):
            return by
    return ""


def failing_test(root: Path, tests: list[str]) -> str:
    """The first of these tests that fails, or an empty string.

    Args:
        root: the project's folder.
        tests: files, and options that choose among their tests.

    """
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-n",
        "0",
        "-x",
        "-q",
        *tests,
    ]
    process = subprocess.Popen(
        [*command, "-p", "no:cacheprovider", "--tb=no"],
        cwd=root,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=600)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return "did not end"
    if process.returncode == 0:
        return ""
    match = re.search(r"^(?:FAILED|ERROR) (\S+)", output, re.MULTILINE)
    return match[1] if match else output[-200:]


if __name__ == "__main__":
    sys.exit(main())
