"""Run notebooks in full and write their outputs.

    python scripts/refresh_outputs.py                     # all of them
    python scripts/refresh_outputs.py book/7-6-lenet.ipynb
    python scripts/refresh_outputs.py --check             # list stale ones

Each runs from top to bottom in a fresh kernel of this very Python, in its
own folder, with the settings that a reader sees. A notebook that fails is
left as it is, and so is one in which nothing changed but the run time.
"""

import argparse
import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

import nbformat
import overview
import pages
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode

from helpers.records import device_name, stale

PACKAGES = ("torch", "torchvision", "numpy", "matplotlib", "scikit-learn")


def main() -> int:
    """Refresh, or list what is stale; 1 if something failed or is stale."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "notebook", nargs="*", type=Path, help="all if none is given"
    )
    parser.add_argument(
        "--check", action="store_true", help="run nothing, list stale ones"
    )
    arguments = parser.parse_args()
    paths = [path.resolve() for path in arguments.notebook]
    for path in paths:
        if path not in pages.notebooks():
            parser.error(f"{path} is no notebook with outputs")
    if arguments.check:
        found = stale_outputs(paths or pages.notebooks())
        print("\n".join(found) or "all outputs and records are fresh")
        return 1 if found else 0

    failed = [p for p in paths or pages.notebooks() if not refresh(p)]
    for path, text in overview.out_of_step().items():
        if path not in failed:
            pages.write(path, text)
    return 1 if failed else 0


def stale_outputs(paths: list[Path]) -> list[str]:
    """One line for each notebook and each record made by older code."""
    found = [
        f"{path.relative_to(pages.ROOT)} has stale outputs"
        for path in paths
        if pages.is_stale(pages.read(path))
    ]
    for path in sorted((pages.ROOT / "book" / "runs").glob("*.json")):
        found += [f"{path.name} has the stale key {k}" for k in stale(path)]
    return found


def refresh(path: Path) -> bool:
    """Run a notebook and write it; False if it failed."""
    name = path.relative_to(pages.ROOT)
    notebook = pages.read(path)
    before = notebook.metadata.get("book", {})
    pages.update(notebook, path)
    start = time.perf_counter()
    try:
        execute(notebook, path.parent)
    except (CellExecutionError, DeadKernelError) as error:
        print(f"{name}: FAILED, left as it was\n{error}", file=sys.stderr)
        return False
    minutes = round((time.perf_counter() - start) / 60, 1)

    tidy_outputs(notebook)
    book = {
        **pages.fingerprints(notebook),
        "versions": versions(),
        "device": device_name(),
        "minutes": before.get("minutes", minutes),
    }
    notebook.metadata["book"] = nbformat.from_dict(book)
    if pages.text_of(pages.update(notebook, path)) == path.read_text(
        "utf-8"
    ):
        print(f"{name}: unchanged ({minutes} minutes)")
        return True
    notebook.metadata.book.minutes = minutes
    pages.write(path, pages.text_of(pages.update(notebook, path)))
    print(f"{name}: written ({minutes} minutes)")
    return True


def execute(notebook: NotebookNode, folder: Path) -> None:
    """Run all cells in a fresh kernel of the running interpreter.

    Without any folder of kernels to look at, jupyter_client offers the
    kernel of the running interpreter alone.
    """
    own_kernel = KernelSpecManager(kernel_dirs=[])
    client = NotebookClient(
        notebook,
        km=AsyncKernelManager(kernel_spec_manager=own_kernel),
        timeout=None,
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
        # Kernels warn about their transport on stderr.
        extra_arguments=["--log-level=ERROR"],
    )
    environment = {**os.environ, "BOOK_REFRESH": "1"}
    if "BOOK_DATA" in environment:  # the kernel runs in another folder
        environment["BOOK_DATA"] = os.path.abspath(environment["BOOK_DATA"])
    client.execute(cleanup_kc=True, env=environment)


def tidy_outputs(notebook: NotebookNode) -> None:
    """Join streams that follow each other, as if printed at once.

    nbclient could, but would also join what stands around a figure.
    """
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        outputs: list[NotebookNode] = []
        for output in cell.outputs:
            last = outputs[-1] if outputs else {}
            name = output.get("name")
            if name is not None and last.get("name") == name:
                last["text"] += output.text
            else:
                outputs.append(output)
        cell.outputs = outputs


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide the outputs."""
    python = ".".join(platform.python_version_tuple()[:2])
    packages = {name: version(name).split("+")[0] for name in PACKAGES}
    return {"python": python, **packages}


if __name__ == "__main__":
    sys.exit(main())
