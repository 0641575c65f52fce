"""What CONTRIBUTING.md promises: its table and the checks of a commit."""

import os
import runpy
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import contributing
import pages
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_notebook
from pages import ROOT

TOOLS = Path(sys.executable).parent
CONFIG = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
HOOKS = [hook for repo in CONFIG["repos"] for hook in repo["hooks"]]


# The table of modules and pages. That the file holds today's table is
# tested with all generated parts.


def test_the_table_is_in_the_file():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert contributing.modules() in text


def test_the_table_lists_the_pages_of_each_module(tmp_path):
    for name, module in [
        ("7-9-one", "summary"),
        ("a-guide", "plots, ops, practice"),
    ]:
        page = tmp_path / "book" / f"{name}.ipynb"
        page.parent.mkdir(exist_ok=True)
        code = f"%matplotlib inline\nfrom helpers import {module}"
        pages.write(
            page, pages.text_of(new_notebook(cells=[new_code_cell(code)]))
        )
    rows = contributing.modules(tmp_path).splitlines()
    assert "| `summary` | [7.9](book/7-9-one.ipynb) |" in rows
    assert "| `ops` | [a-guide](book/a-guide.ipynb) |" in rows
    assert not any("plots" in row or "practice" in row for row in rows)


# Runs of pytest, of one folder too


@pytest.mark.parametrize(
    ("workers", "expected"),
    [
        (2, {"OMP_NUM_THREADS": "4"}),
        (9, {"OMP_NUM_THREADS": "1"}),
        (None, {}),
    ],
)
def test_workers_share_the_cores(monkeypatch, workers, expected):
    configure = runpy.run_path(ROOT / "conftest.py")["pytest_configure"]
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "environ", environment := {})
    config = SimpleNamespace()  # of a run in one process
    if workers:
        config.workerinput = {"workercount": workers}
    configure(config)
    assert environment == expected


# The checks of a commit


def test_nothing_is_downloaded_for_a_commit():
    assert [repo["repo"] for repo in CONFIG["repos"]] == ["local"]
    assert {hook["language"] for hook in HOOKS} == {"system"}


@pytest.mark.slow
@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_the_checks_of_a_commit_pass(hook, tmp_path):
    program, *arguments = shlex.split(hook["entry"])
    if hook.get("pass_filenames", True):
        copy = tmp_path / "copy.py"
        shutil.copyfile(ROOT / "scripts" / "pages.py", copy)
        arguments.append(copy)
    result = subprocess.run(
        [TOOLS / program, *arguments],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr
