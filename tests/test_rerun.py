"""A notebook that is run again in the same kernel says the same again.

Readers do that: they change a setting and run all cells once more. What an
earlier run left behind (names, random numbers, patches) must do no harm.
"""

import ast
import os
import re

import pages
import plant_errors
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from IPython.utils.capture import capture_output
from nbformat.v4 import new_code_cell, new_notebook

# Whatever reads a clock, and what `fit` and the records call it.
CLOCKS = {"time", "timeit", "perf_counter", "seconds", "minutes"}
TAKEN = re.compile(r"\d+\.\d+ (?:minutes|seconds|ms|s)\b|0x[0-9a-f]+")


def timed_cells(notebook):
    """Ids of the cells whose text depends on a clock.

    That are those that name one, and those that read what such a cell made.
    """
    timed, tainted = set(), set()
    for cell in code_cells(notebook):
        source = TransformerManager().transform_cell(cell.source)
        stored, words, read = set(), set(), set()
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Name):
                is_read = isinstance(node.ctx, ast.Load)
                (read if is_read else stored).add(node.id)
            elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                stored.add(node.name)
            elif isinstance(node, ast.Attribute):
                words.add(node.attr)
            elif isinstance(node, ast.Constant):
                words.add(node.value)
        if (words | read | stored) & CLOCKS or (read - stored) & tainted:
            timed.add(cell.id)
            tainted |= stored
        else:
            tainted -= stored
    return timed


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def run_twice(path):
    """What each code cell prints in two runs of a page, by its id."""
    os.chdir(path.parent)
    shell = plant_errors.quiet_shell()
    texts = {}
    for run in ("first", "second"):
        for cell in code_cells(pages.read(path)):
            with capture_output() as captured:
                passed = plant_errors.run_cell(shell, cell, cell.source)
            if not passed:
                raise RuntimeError(
                    f"{path.name}, {run} run, cell {cell.id}: "
                    f"{captured.stdout[-2000:]}"
                )
            text = TAKEN.sub("...", captured.stdout)
            texts.setdefault(cell.id, []).append(text)
    return texts


def differences(path):
    """Cells that say something else in the second run, and how many speak.

    Cells that depend on a clock are left out.
    """
    timed = timed_cells(pages.read(path))
    texts = plant_errors.in_a_process(run_twice, path)
    compared = {
        cell: two
        for cell, two in texts.items()
        if cell not in timed and any(two)
    }
    return {c: two for c, two in compared.items() if two[0] != two[1]}, len(
        compared
    )


@pytest.mark.slow
@pytest.mark.parametrize("path", pages.notebooks(), ids=lambda p: p.stem)
def test_a_second_run_says_the_same(path, monkeypatch):
    monkeypatch.delenv("BOOK_DATA", raising=False)  # as in the quick run
    found, compared = differences(path)
    assert found == {}
    assert compared >= 1


# The test notices what it is for.


def page(folder, *sources):
    """A page of these cells."""
    cells = [new_code_cell(s, id=f"c{i}") for i, s in enumerate(sources)]
    path = folder / "page.ipynb"
    pages.write(path, pages.text_of(new_notebook(cells=cells)))
    return path


def test_random_numbers_that_go_on_are_noticed(tmp_path):
    path = page(
        tmp_path,
        "import torch\nprint(torch.rand(3))",
        "torch.manual_seed(0)\nprint(torch.rand(3))",
        "print(2.5, 'seconds')",
    )
    found, compared = differences(path)
    assert [*found] == ["c0"]
    assert compared == 2


def test_a_name_that_hides_a_builtin_is_noticed(tmp_path):
    path = page(tmp_path, "print(sum([1, 2]))", "sum = 3")
    with pytest.raises(RuntimeError, match="second run, cell c0"):
        differences(path)


def test_what_depends_on_a_clock():
    cells = [
        "import time\nfrom statistics import mean",
        "start = time.perf_counter()",
        "taken = mean([start, 1.0])",
        "print(taken)",
        "start = 5\nprint(start)",
        "history = fit()\nprint(history['seconds'])",
    ]
    notebook = new_notebook(
        cells=[new_code_cell(s, id=f"c{i}") for i, s in enumerate(cells)]
    )
    assert timed_cells(notebook) == {"c1", "c2", "c3", "c5"}
