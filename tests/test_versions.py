"""Trying the book with other versions, and the table that says so."""

import json
import sys

import pages
import pytest
import trust
import try_versions

OUTPUT = "..s\n=== 1542 passed, 23 deselected in 280.12s (0:04:40) ===\n"


@pytest.mark.parametrize(
    ("output", "passed"),
    [
        (OUTPUT, 1542),
        (OUTPUT.replace("1542 passed", "1 failed, 1541 passed"), None),
        (OUTPUT.replace("1542 passed", "1541 passed, 2 errors"), None),
        ("=== no tests ran in 0.01s ===", None),
    ],
)
def test_only_a_whole_pass_counts(output, passed):
    assert try_versions.number_passed(output) == passed


def test_the_tools_have_no_versions_and_no_packages_of_the_helpers():
    text = (pages.ROOT / "requirements.txt").read_text("utf-8")
    tools = try_versions.tools(text)
    assert {"jupyter-book<2", "pytest", "nbmake", "ruff"} < {*tools}
    assert not any("==" in tool or "#" in tool for tool in tools)
    assert not {"torch", "torchvision", "numpy", "-e ."} & {*tools}
    pins = text.count("==")
    assert len(tools) == pins - text.partition("# the book")[0].count("==")


@pytest.fixture
def attempts(tmp_path, monkeypatch):
    """Commands that are noted and not run, and what pytest answers."""
    commands = []
    said = {"pytest": OUTPUT}

    def run(*command, check=True):
        commands.append(command)
        if "pytest" in command:
            return said["pytest"]
        return json.dumps({"torch": "9.1.0", "torchvision": "0.99.0"})

    report = tmp_path / "versions.json"
    report.write_text('{"oldest": {"torch": "1.0"}}')
    monkeypatch.setattr(try_versions, "run", run)
    monkeypatch.setattr(try_versions, "REPORT", report)
    return commands, said, report


def test_a_set_is_installed_and_tried(attempts):
    commands, *_ = attempts
    assert try_versions.attempt("newest") == {
        "python": "3.13",
        "torch": "9.1.0",
        "torchvision": "0.99.0",
        "tried": "1,542 quick tests, all notebooks among them",
    }
    venv, package, tools, _, test = commands
    assert venv[:2] == ("uv", "venv")
    assert "3.13" in venv
    assert package[-4:-1] == ("--resolution", "highest", "-e")
    assert "pytest" in tools
    assert "--nbmake" in test
    own = test[0]
    assert own.endswith("bin/python")
    assert own in package


def test_the_report_is_written_after_all_sets(attempts, monkeypatch):
    *_, report = attempts
    before = report.read_text()

    def attempt(name, python):
        assert report.read_text() == before
        return {"torch": f"{name} with {python}"}

    monkeypatch.setattr(try_versions, "attempt", attempt)
    monkeypatch.setattr(sys, "argv", ["", "--python", "3.12"])
    assert try_versions.main() == 0
    assert json.loads(report.read_text()) == {
        "oldest": {"torch": "oldest with 3.12"},
        "newest": {"torch": "newest with 3.12"},
    }


def test_a_set_that_fails_is_not_kept(attempts, capsys, monkeypatch):
    _, said, report = attempts
    before = json.loads(report.read_text())
    said["pytest"] = OUTPUT.replace("passed", "failed")
    monkeypatch.setattr(sys, "argv", ["", "oldest"])
    assert try_versions.main() == 1
    assert json.loads(report.read_text()) == before
    assert "1542 failed" in capsys.readouterr().out


def test_the_table_names_all_sets():
    report = json.loads(try_versions.REPORT.read_text("utf-8"))
    assert sorted(report) == sorted(try_versions.SETS)
    rows = trust.versions().splitlines()
    assert len(rows) == 2 + 2 + len(report)
    for name, (python, _) in try_versions.SETS.items():
        assert report[name]["python"] == python
        torch = report[name]["torch"]
        (row,) = [row for row in rows if f"{torch} (the {name})" in row]
        assert row.startswith(f"| {python} |")
        assert report[name]["tried"] in row
    lowest = (pages.ROOT / "pyproject.toml").read_text("utf-8")
    oldest = report["oldest"]["torch"].removesuffix(".0")
    assert f'"torch>={oldest}"' in lowest
