"""The notebooks in Google Colab: alone, among the packages that it ships.

A machine is a fresh environment with the versions of `colab.txt`. A web
server of our own stands in for GitHub. Colab itself is not to be had here.
"""

import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import pages
import pytest
import set_repository
from nbformat.v4 import new_code_cell, new_notebook
from nbmake.nb_run import NotebookRun
from pages import ROOT

pytestmark = pytest.mark.slow

PACKAGES = ROOT / "tests" / "colab.txt"
TAG = "v0.1.0"
MISSING = (
    "The book's helpers were not installed; pip says above why. Check the "
    "network and run this cell again."
)


@pytest.fixture(scope="module")
def new_machine(tmp_path_factory):
    """A function that makes a machine like Colab's in a folder.

    uv copies nothing: all machines share the files of one cache.
    """
    cache = tmp_path_factory.mktemp("cache")
    uv = [sys.executable, "-m", "uv", "--cache-dir", cache, "--quiet"]

    def make(folder):
        python = folder / "bin" / "python"
        subprocess.run(
            [*uv, "venv", "--python", sys.executable, folder], check=True
        )
        subprocess.run(
            [*uv, "pip", "install", "--python", python, "-r", PACKAGES],
            check=True,
        )
        kernel = folder / "share/jupyter/kernels/colab/kernel.json"
        kernel.parent.mkdir(parents=True)
        command = [str(python), "-m", "ipykernel_launcher"]
        command += ["-f", "{connection_file}"]
        kernel.write_text(
            json.dumps({"argv": command, "display_name": "Colab"})
        )
        return folder

    yield make
    shutil.rmtree(cache)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Address of a server with the project's archive, as on GitHub."""
    web = tmp_path_factory.mktemp("web")
    archive = web / f"ada/lovelace/archive/refs/tags/{TAG}.zip"
    archive.parent.mkdir(parents=True)
    with zipfile.ZipFile(archive, "w") as file:
        for path in set_repository.repository_files():
            inside = path.relative_to(ROOT).as_posix()
            file.write(path, f"lovelace-0.1.0/{inside}")
    handler = functools.partial(
        http.server.SimpleHTTPRequestHandler, directory=web
    )
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), handler
    ) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}/ada/lovelace"
        server.shutdown()


def environment(machine):
    """Environment variables that make nbmake use a machine's kernel."""
    own = {
        "JUPYTER_PATH": str(machine / "share" / "jupyter"),
        "OMP_NUM_THREADS": "1",  # two notebooks run at a time
        "PIP_RETRIES": "0",
    }
    # IPython would add the packages of an active virtual environment.
    others = {"BOOK_DATA", "PYTHONPATH", "VIRTUAL_ENV"}
    return {k: v for k, v in os.environ.items() if k not in others} | own


def installed(machine):
    """Names and versions of what is installed, one string for each."""
    freeze = ["-m", "pip", "freeze", "--all"]
    run = subprocess.run(
        [machine / "bin" / "python", *freeze],
        capture_output=True,
        check=True,
        text=True,
    )
    return set(run.stdout.splitlines())


def quick_run(path, address, folder, new_machine):
    """Run a notebook on a new machine, where nothing else of the book is.

    Returns the finished process, and what was installed before and after.
    """
    machine = new_machine(folder / "machine")
    notebook = pages.read(path)
    set_up = next(cell for cell in notebook.cells if cell.id == "set-up")
    assert set_up.source == pages.set_up_source(*pages.address())
    set_up.source = pages.set_up_source(address, TAG)
    content = folder / "content"
    content.mkdir()
    pages.write(content / path.name, pages.text_of(notebook))

    before = installed(machine)
    options = ["--nbmake-kernel=colab", "--nbmake-timeout=600"]
    options += ["-p", "no:cacheprovider"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbmake", *options, path.name],
        cwd=content,
        env=environment(machine),
        capture_output=True,
        text=True,
    )
    after = installed(machine)
    shutil.rmtree(machine)
    return run, before, after


@pytest.fixture(scope="module")
def quick_runs(request, tmp_path_factory, server, new_machine):
    """The quick runs that tests ask for, two at a time, by their paths."""
    tests = [
        t for t in request.session.items if "quick_runs" in t.fixturenames
    ]
    with ThreadPoolExecutor(max_workers=2) as pool:
        yield {
            path: pool.submit(
                quick_run,
                path,
                server,
                tmp_path_factory.mktemp(path.stem),
                new_machine,
            )
            for path in [test.callspec.params["path"] for test in tests]
        }


@pytest.fixture(scope="module")
def machine(tmp_path_factory, new_machine):
    """A machine on which the set-up cell fails."""
    machine = new_machine(tmp_path_factory.mktemp("colab") / "machine")
    yield machine
    shutil.rmtree(machine)  # gigabytes


def set_up(machine, address, tag, folder):
    """Outputs of the set-up cell, run on a machine."""
    file = folder / "notebook.ipynb"
    cell = new_code_cell(pages.set_up_source(address, tag))
    pages.write(file, pages.text_of(new_notebook(cells=[cell])))
    with mock.patch.dict(os.environ, environment(machine), clear=True):
        result = NotebookRun(file, 120, kernel="colab").execute()
    return result.nb.cells[0].outputs


@pytest.mark.parametrize(
    ("port", "tag", "reason"),
    [
        (None, "v9.9.9", "404"),  # no such tag
        (9, TAG, "onnection"),  # nobody listens there
    ],
)
def test_a_failed_install_ends_with_one_line(
    machine, server, port, tag, reason, tmp_path
):
    address = server
    if port is not None:
        address = f"http://127.0.0.1:{port}/ada/lovelace"
    before = installed(machine)
    *printed, error = set_up(machine, address, tag, tmp_path)
    assert reason in "".join(output.text for output in printed)
    assert error.traceback == [MISSING]
    assert installed(machine) == before


def test_another_package_called_helpers_stays_and_is_named(
    machine, server, tmp_path
):
    [packages] = machine.glob("lib/*/site-packages")
    other = packages / "helpers.py"
    other.write_text("x = 1")
    before = installed(machine)
    [error] = set_up(machine, server, TAG, tmp_path)
    [line] = error.traceback
    assert line.startswith("Another package is called helpers: <module")
    assert str(other) in line
    assert installed(machine) == before
    other.unlink()


@pytest.mark.parametrize(
    "path",
    [*pages.notebooks(), *pages.practice()],
    ids=lambda path: f"{path.parent.name}-{path.stem}",
)
def test_quick_run_on_a_new_machine(quick_runs, path):
    run, before, after = quick_runs[path].result()
    assert run.returncode == 0, run.stdout
    assert before < after  # nothing was removed or replaced
    [new] = after - before
    assert new.startswith("convolutions-checked @ http://127.0.0.1:")


CHECK = re.compile(r'practice\.check\("(.*)", (\w+)\)')
MISTAKES = """\
for mistake in practice.TASKS["{part}"].mistakes:
    display(practice.check("{part}", mistake.answer))"""


def filled_in(path, address):
    """A practice page with right answers, the known mistakes before them.

    They are taken from the installed helpers.
    """
    notebook = pages.read(path)
    cells = {cell.id: cell for cell in notebook.cells}
    cells["set-up"].source = pages.set_up_source(address, TAG)
    for number, cell in list(cells.items()):
        if number.startswith("check-"):
            part, name = re.findall(r'check\("(.*)", (\w+)\)', cell.source)[
                0
            ]
            stub = cells[number.replace("check", "stub")]
            right = f'{name} = practice.TASKS["{part}"].right'
            stub.source = MISTAKES.format(part=part) + "\n" + right
    return notebook


@pytest.fixture(scope="module")
def fresh(tmp_path_factory, new_machine):
    """A machine for all practice pages; the first installs the helpers."""
    machine = new_machine(tmp_path_factory.mktemp("practice") / "machine")
    yield machine
    shutil.rmtree(machine)


@pytest.mark.parametrize("path", pages.practice(), ids=lambda p: p.stem)
def test_a_practice_page_can_be_worked_through(
    fresh, server, path, tmp_path
):
    file = tmp_path / path.name
    pages.write(file, pages.text_of(filled_in(path, server)))
    with mock.patch.dict(os.environ, environment(fresh), clear=True):
        result = NotebookRun(file, 300, kernel="colab").execute()
    assert result.error is None
    parts = right = 0
    for cell in result.nb.cells:
        if cell.id.startswith("check-"):
            parts += 1
            [output] = cell.outputs
            right += output.data["text/plain"].endswith(": right.")
        elif cell.id.startswith("stub-"):
            for reply in cell.outputs:
                plain, link = reply.data["text/plain"], "](../book/"
                assert not plain.endswith(": right.")
                box = "A common mistake" in plain
                assert box == (link in reply.data.get("text/markdown", ""))
        elif cell.id == "progress":
            [said] = cell.outputs
    assert right == parts > 0
    assert said.text.startswith(f"{parts} of {parts} parts of section ")
