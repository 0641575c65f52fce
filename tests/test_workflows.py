"""The workflows of GitHub: safe, well formed, their steps tried here."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import set_repository
import try_versions
import yaml
from pages import ROOT

GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
TOOLS = Path(sys.executable).parent
COMMIT = "0123456789abcdef" * 2 + "01234567"


# What every workflow keeps to


def faults(text):
    """What is wrong with a workflow, beyond what zizmor finds."""
    found = []
    for used in re.findall(r"uses: *(.*)", text):
        if not re.fullmatch(r"\S+@[0-9a-f]{40} # v\d+\.\d+\.\d+", used):
            found.append(f"no commit with its version: {used}")
    workflow = yaml.safe_load(text)
    if workflow.get("permissions") != {}:
        found.append("rights for all jobs")
    for name, job in workflow["jobs"].items():
        if "permissions" not in job:
            found.append(f"rights of {name} not named")
        if "timeout-minutes" not in job:
            found.append(f"no limit of time for {name}")
        for step in job["steps"]:
            if "${{" in step.get("run", ""):
                found.append(f"GitHub writes into a script of {name}")
    return found


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflow(path):
    assert faults(path.read_text(encoding="utf-8")) == []


GOOD = f"""
permissions: {{}}
jobs:
  one:
    permissions: {{contents: read}}
    timeout-minutes: 5
    steps:
      - uses: actions/checkout@{COMMIT} # v7.0.1
      - run: echo "$NAME"
"""


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (" # v7.0.1", "", "no commit with its version"),
        (COMMIT, "v7.0.1", "no commit with its version"),
        (
            "permissions: {}",
            "permissions: {contents: read}",
            "for all jobs",
        ),
        ("permissions: {}", "", "for all jobs"),
        (
            "    permissions: {contents: read}",
            "",
            "rights of one not named",
        ),
        ("    timeout-minutes: 5", "", "no limit of time for one"),
        ("$NAME", "${{ github.ref_name }}", "writes into a script of one"),
    ],
)
def test_bad_workflow(old, new, fault):
    assert faults(GOOD) == []
    assert GOOD.count(old) == 1
    [found] = faults(GOOD.replace(old, new))
    assert fault in found


@pytest.mark.parametrize(
    "command",
    [
        "zizmor --offline --no-progress --pedantic --min-severity low "
        ".github",
        "check-jsonschema --builtin-schema vendor.github-workflows "
        + " ".join(str(path) for path in WORKFLOWS),
        "check-jsonschema --builtin-schema vendor.dependabot "
        ".github/dependabot.yml",
    ],
    ids=["zizmor", "workflows", "dependabot"],
)
def test_linters_find_nothing(command):
    result = run(command, ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


# Their steps


def run(script, folder, **environment):
    """Run a step's script as GitHub does, with this environment's tools."""
    path = f"{TOOLS}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": path, **environment},
        check=False,
        capture_output=True,
        encoding="utf-8",
    )


def step(workflow, job, name):
    """A step of a workflow by the beginning of its name or its action."""
    text = (GITHUB / "workflows" / workflow).read_text(encoding="utf-8")
    steps = yaml.safe_load(text)["jobs"][job]["steps"]
    [found] = [
        s for s in steps if s.get("name", s.get("uses")).startswith(name)
    ]
    return found


@pytest.mark.slow
def test_a_fork_publishes_under_its_own_address(tmp_path):
    for path in set_repository.repository_files():
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    for name in ("Set the address", "Build"):
        result = run(
            step("pages.yml", "build", name)["run"],
            tmp_path,
            GITHUB_REPOSITORY="ada/lovelace",
            GITHUB_SHA=COMMIT,
            PYTHONPATH=str(tmp_path),
        )
        assert result.returncode == 0, result.stdout + result.stderr
    html = (
        tmp_path
        / step("pages.yml", "build", "actions/upload")["with"]["path"]
    )
    name = "book/7-2-cross-correlation"
    page = (html / f"{name}.html").read_text(encoding="utf-8")
    place = f"github/ada/lovelace/blob/{COMMIT}/{name}.ipynb"
    assert f"https://colab.research.google.com/{place}" in page
    assert "https://github.com/ada/lovelace" in page
    assert "OWNER/REPOSITORY" not in page
    notebook = (html / "_sources" / f"{name}.ipynb").read_text("utf-8")
    assert 'book = \\"https://github.com/ada/lovelace\\"' in notebook
    assert f"{{book}}/archive/{COMMIT}.zip" in notebook
    assert (html / "index.html").exists()


FAKE_GH = """#!/bin/sh
echo "$1 $2 $3" >> calls
case "$2" in list) cat open;; esac
"""


@pytest.mark.parametrize(
    ("number", "call"),
    [("", "issue create --title"), ("17\n", "issue comment 17")],
)
def test_a_failing_week_opens_one_issue(tmp_path, number, call):
    gh = tmp_path / "gh"
    gh.write_text(FAKE_GH)
    gh.chmod(0o755)
    (tmp_path / "open").write_text(number)
    result = run(
        step("weekly.yml", "report", "Open")["run"],
        tmp_path,
        PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        TITLE="It fails",
        BODY="See there.",
    )
    assert result.returncode == 0, result.stderr
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls == ["issue list --limit", call]


def requirements():
    """The pinned packages."""
    text = (ROOT / "requirements.txt").read_text("utf-8")
    return re.findall(r"^\S+==\S+$", text, re.MULTILINE)


def test_the_weekly_run_tries_all_sets_of_packages():
    text = (GITHUB / "workflows" / "weekly.yml").read_text("utf-8")
    tests = yaml.safe_load(text)["jobs"]["tests"]
    sets = tests["strategy"]["matrix"]["packages"]
    assert sorted(sets) == sorted(try_versions.SETS)
    script = step("weekly.yml", "tests", "Test in")["run"]
    assert 'python scripts/try_versions.py "$PACKAGES"' in script
    assert re.search("uv==.*", script)[0] in requirements()


def test_the_audit_looks_at_every_pin(tmp_path):
    shutil.copy(ROOT / "requirements.txt", tmp_path)
    script = step("weekly.yml", "audit", "Look the pins up")["run"]
    choose, rest = script.split(" > pins.txt")
    result = run(choose, tmp_path)
    assert result.returncode == 0, result.stderr
    assert "--requirement pins.txt" in rest
    pinned = set(requirements())
    assert len(pinned) > 30
    lines = result.stdout.splitlines()
    assert {line for line in lines if line and line[0] != "#"} == pinned
