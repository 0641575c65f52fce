"""Settings and fixtures that all tests share.

Some tests need what not every machine has: the complete data sets (looked
for in BOOK_DATA, else in `../shared/data` beside the project) or a Chromium
browser. Where it is missing these tests are deselected, and the summary
names them and says what they need: nothing is left out silently.
"""

import os
import shutil
import signal
from collections import Counter
from pathlib import Path

import matplotlib as mpl
import pytest
import torch
from hypothesis import settings

ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("BOOK_DATA", ROOT.parent / "shared" / "data"))
CHROMIUM = (
    shutil.which("chromium")
    or shutil.which("chromium-browser")
    or shutil.which("google-chrome")
)
NEEDS = {
    "real_data": (
        all((DATA / name).is_dir() for name in ("MNIST", "FashionMNIST")),
        "BOOK_DATA, a folder with the complete MNIST and FashionMNIST",
    ),
    "browser": (CHROMIUM is not None, "Chromium or Chrome on the PATH"),
}
SLOW = Counter()  # slow tests that were deselected, by file
LEFT_OUT = pytest.StashKey[dict[str, list[str]]]()

mpl.use("Agg")
torch.set_num_threads(1)  # tiny tensors: threads only cost time
settings.register_profile("book", derandomize=True, deadline=None)
settings.load_profile("book")


def pytest_collection_modifyitems(config, items):
    left_out = {}
    for marker, (available, _) in NEEDS.items():
        if not available:
            gone = [i for i in items if i.get_closest_marker(marker)]
            items[:] = [item for item in items if item not in gone]
            config.hook.pytest_deselected(items=gone)
            left_out[marker] = [item.nodeid for item in gone]
    config.stash[LEFT_OUT] = left_out


def pytest_deselected(items):
    for item in items:
        if item.get_closest_marker("slow"):
            SLOW[item.location[0]] += 1


def pytest_sessionfinish(session):
    """With workers, they collect the tests and their parent reports."""
    config = session.config
    if hasattr(config, "workeroutput"):
        left_out = dict(SLOW), config.stash.get(LEFT_OUT, {})
        config.workeroutput["left_out"] = left_out


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """Take over what a worker left out: each leaves out the same."""
    output = getattr(node, "workeroutput", {})  # none if it crashed
    if "left_out" in output:
        slow, node.config.stash[LEFT_OUT] = output["left_out"]
        SLOW.clear()
        SLOW.update(slow)


def pytest_terminal_summary(terminalreporter, config):
    if SLOW:
        terminalreporter.section("slow tests left out, run: pytest -m slow")
        for file, count in SLOW.items():
            terminalreporter.line(f"  {file}: {count}")
    for marker, names in config.stash.get(LEFT_OUT, {}).items():
        if names:
            terminalreporter.section(f"could not run here: {marker}")
            terminalreporter.line(f"They need {NEEDS[marker][1]}.")
            for name in names:
                terminalreporter.line(f"  {name}")


@pytest.fixture
def real_data(monkeypatch):
    """The folder with the complete data sets, set as BOOK_DATA."""
    monkeypatch.setenv("BOOK_DATA", str(DATA))
    return DATA


@pytest.fixture
def heed_interrupts():
    """Ctrl-C interrupts this process and those that it starts.

    A shell's background jobs start without that.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
