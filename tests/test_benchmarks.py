"""The benchmarks: they run, and the page shows what they kept."""

import json
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import corr2d
import growth
import loader
import pages
import pytest
import results
import start
import torch
import trust

from helpers import data, ops

FOLDER = pages.ROOT / "benchmarks"
SCRIPTS = sorted(
    path.name for path in FOLDER.glob("*.py") if path.name != "results.py"
)
KEPT = json.loads((FOLDER / "results.json").read_text("utf-8"))
ROWS = [
    {"way": "ours", "an epoch": "2.00 s", "goal": "at most 3 s"},
    {"way": "theirs, slower", "an epoch": "4.00 s", "goal": ""},
]


def test_the_readme_describes_every_script_and_its_options():
    text = (FOLDER / "README.md").read_text("utf-8")
    chapters = text.split("\n## ")[1:]
    assert [chapter.split("`")[1] for chapter in chapters] == SCRIPTS
    for chapter, name in zip(chapters, SCRIPTS, strict=True):
        assert f"| `{name}` |" in text
        code = (FOLDER / name).read_text("utf-8")
        public = re.sub(r"add_argument\([^)]*SUPPRESS[^)]*\)", "", code)
        options = re.findall(r'add_argument\(\s*"(--[\w-]+)"', public)
        named = re.findall(r"^\| `(--[\w-]+)`", chapter, re.M)
        assert sorted(named) == sorted(options)


def test_what_was_kept_comes_from_these_scripts():
    assert {name.partition(",")[0] for name in KEPT} <= set(SCRIPTS)
    for result in KEPT.values():
        assert result["machine"]
        assert len({tuple(row) for row in result["rows"]}) == 1


def test_ratios_that_were_kept_are_those_of_the_times():
    found = 0
    for name, result in KEPT.items():
        if name.startswith("trainer.py"):
            for row in result["rows"]:
                ours, theirs = (
                    float(row[who].removesuffix(" s"))
                    for who in ("ours", "d2l")
                )
                ratio = float(row["times as fast"])
                assert ratio == pytest.approx(theirs / ours, abs=0.01)
                least = float(row["goal"].split()[2].strip(","))
                assert ("missed" in row["goal"]) == (ratio < least)
                found += 1
    assert found


def test_the_page_shows_what_was_kept():
    text = (pages.ROOT / "book" / "trust.md").read_text("utf-8")
    for result in KEPT.values():
        for row in result["rows"]:
            assert f"| {' | '.join(row.values())} |\n" in text


# The tables


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A folder of benchmarks of which one has been measured."""
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    for name in ("fast.py", "slow.py", "results.py"):
        (folder / name).touch()
    monkeypatch.setattr(results, "FILE", folder / "results.json")
    results.FILE.write_text("{}")
    results.show("fast.py, 9 images", "A race", ROWS, "an old computer")
    return results.FILE


def test_a_table_is_printed(capsys):
    results.show("fast.py", "A race", ROWS, None)
    assert capsys.readouterr().out.splitlines() == [
        "",
        "A race",
        "way             an epoch  goal",
        "ours            2.00 s    at most 3 s",
        "theirs, slower  4.00 s",
    ]


def test_a_table_is_kept_only_if_asked_for(kept):
    before = kept.read_bytes()
    results.show("slow.py", "Another", ROWS, None)
    assert kept.read_bytes() == before
    results.show("slow.py", "Another", ROWS, "a new computer")
    found = json.loads(kept.read_text())
    assert [*found] == ["fast.py, 9 images", "slow.py"]
    assert found["slow.py"]["rows"] == ROWS
    assert found["slow.py"]["torch"] == torch.__version__.split("+")[0]


def test_the_page_names_machine_day_and_what_is_left(kept):
    found = json.loads(kept.read_text())
    found["fast.py, 9 images"]["date"] = "2026-03-07"
    kept.write_text(json.dumps(found))
    text = trust.speed(kept.parents[1])
    assert "**A race:** an old computer, 7 March 2026, PyTorch" in text
    assert "| way | an epoch | goal |\n| :--- | ---: | :--- |\n" in text
    assert "| ours | 2.00 s | at most 3 s |" in text
    assert text.endswith("Not measured yet on a quiet machine: `slow.py`.")


def test_a_goal_that_is_missed_is_called_so():
    assert results.judged("at most 3 s", True) == "at most 3 s"
    assert start.row("x", 3.0, 3.0)["goal"] == "at most 3 s"
    assert start.row("x", 3.1, 3.0)["goal"] == "at most 3 s, missed"
    assert start.row("x", 3.1)["goal"] == ""


# What is timed


def test_the_loops_compute_what_they_are_compared_with():
    X, K = torch.randn(7, 9), torch.randn(3, 2)
    by_loops = corr2d.corr2d_loops(X, K)
    torch.testing.assert_close(by_loops, ops.corr2d(X, K))
    torch.testing.assert_close(by_loops, corr2d.library(X, K))


def test_the_bare_loop_has_as_many_images(monkeypatch):
    digits = data.load("digits")
    monkeypatch.setattr(
        loader,
        "our_loaders",
        lambda: (digits.batches("train"), digits.batches("test")),
    )
    train, test = loader.one_batch()
    assert sum(len(y) for _, y in train) == 1437
    assert sum(len(X) for X, _ in test) == 360
    assert train[0][0] is train[1][0]


def test_each_series_grows_in_one_thing():
    for series, count, side, channels in [
        ("images of a batch", 2, 1, 1),
        ("side in pixels", 1, 2, 1),
        ("channels of the first layer", 1, 1, 2),
    ]:
        low, high = growth.SERIES[series][:2]
        assert high == 2 * low
        small, *one = growth.point(series, low)
        large, *two = growth.point(series, high)
        assert [two[0] / one[0], two[1] / one[1]] == [count, side]
        widths = [
            next(m for m in net.modules() if isinstance(m, torch.nn.Conv2d))
            for net in (small, large)
        ]
        ratio = widths[1].out_channels / widths[0].out_channels
        assert ratio == channels


def test_memory_is_counted_in_megabytes():
    # Python with PyTorch has some hundreds of them.
    assert 100 < growth.megabytes() < 100_000


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "options"),
    [
        ("corr2d.py", ["--loops-to", "16", "--seconds", "0.001"]),
        ("growth.py", ["--points", "2", "--steps", "1"]),
        (
            "two_processes.py",
            ["--epochs", "2", "--network", "modern-lenet"],
        ),
    ],
)
def test_a_benchmark_runs(script, options):
    done = subprocess.run(
        [sys.executable, FOLDER / script, *options],
        env={**os.environ, "PYTHONPATH": str(pages.ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    *_, last = done.stdout.strip().splitlines()
    assert len(re.split("  +", last)) >= 5


def test_imports_are_timed_in_a_new_process(monkeypatch):
    commands = []

    def run(command):
        commands.append(command)
        return SimpleNamespace(stdout=f"{len(commands)}\n")

    monkeypatch.setattr(start, "run", run)
    assert start.import_seconds("helpers.ops", 3) == 2
    assert len(commands) == 3
    assert "import helpers.ops\n" in commands[0][-1]
