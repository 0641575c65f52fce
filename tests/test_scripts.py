"""The maintainers' scripts, run on copies of the project."""

import json
import os
import re
import shutil
import subprocess
import sys

import overview
import pages
import pytest
import set_repository
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ADDRESS = "https://github.com/ada/lovelace"
COMMIT = "0123456789abcdef" * 2 + "01234567"
NAME = "7-2-cross-correlation.ipynb"


def copy_of(files, folder):
    """A copy of some of the project's files."""
    for path in files:
        target = folder / path.relative_to(pages.ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return folder


@pytest.fixture
def project(tmp_path):
    """A copy of the whole project."""
    return copy_of(set_repository.repository_files(), tmp_path)


def run(root, script, *arguments, **environment):
    """Run a script of a copy with the copy's helpers."""
    environment = {**os.environ, "PYTHONPATH": str(root), **environment}
    return subprocess.run(
        [sys.executable, root / "scripts" / script, *arguments],
        cwd=root,
        env=environment,
        check=False,
        capture_output=True,
        encoding="utf-8",
    )


def contents(root):
    """All files of a copy."""
    return {
        path: path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not {".git", "__pycache__"} & {*path.parts}
    }


def notebook(*sources):
    """A small page of section 7.2 with these code cells."""
    return new_notebook(
        cells=[
            new_markdown_cell("# 7.2 A page\n\nText.", id="title"),
            *(new_code_cell(s, id=f"c{i}") for i, s in enumerate(sources)),
            new_markdown_cell("#### Answer to 7.2.1", id="answer"),
        ]
    )


# Generated parts


@pytest.fixture
def small(tmp_path):
    """The least copy that the scripts work on, with one page."""
    names = ("_config.yml", "book/exercises.yml", "practice/points.yml")
    files = [pages.ROOT / name for name in names]
    files += [*(pages.ROOT / "scripts").glob("*.py")]
    files += [*(pages.ROOT / "helpers").rglob("*.py")]
    copy_of(files, tmp_path)
    text = pages.text_of(notebook("from helpers import ops\nk = 3"))
    pages.write(tmp_path / "book" / NAME, text)
    return tmp_path


def test_sync_writes_and_leaves_alone(small):
    result = run(small, "sync_pages.py")
    assert result.returncode == 0
    assert result.stdout == f"book/{NAME} written\n"
    before = contents(small)
    for option in ([], ["--check"]):
        result = run(small, "sync_pages.py", *option)
        assert (result.returncode, result.stdout) == (0, "")
    assert contents(small) == before


def test_generated_cells(small):
    path = small / "book" / NAME
    page = pages.update(pages.read(path), path, small)
    cells = {cell.id: cell for cell in page.cells}
    assert [*cells] == [
        "title",
        "front",
        "set-up",
        "exercise-table",
        "c0",
        "answer",
    ]
    url, tag = pages.address()
    place = url.removeprefix("https://github.com/")
    front = cells["front"].source.split("\n\n")
    assert front == [
        "[![Open in Colab](_static/open-in-colab.svg)](https://colab."
        f"research.google.com/github/{place}/blob/{tag}/book/{NAME})",
        "Measured run time: not measured yet.",
        "Try first: [the exercises without their answers](../practice/"
        f"{NAME}), with checks that know the common mistakes.",
        "Original: [Dive into Deep Learning, section 7.2](https://d2l.ai/"
        "chapter_convolutional-neural-networks/conv-layer.html).",
    ]
    assert cells["set-up"].metadata == {"tags": ["hide-input"]}
    rows = cells["exercise-table"].source.splitlines()
    assert len(rows) == 2 + 4
    assert rows[2] == (
        "| [7.2.1 A diagonal edge](#answer-to-721) | a,\u00a0b,\u00a0c "
        "| code, proof |"
    )
    assert cells["answer"].metadata == {
        "id": "answer",
        "jp-MarkdownHeadingCollapsed": True,
    }
    assert page.metadata == {
        "colab": {"collapsed_sections": ["answer"]},
        "kernelspec": {
            "display_name": "Python 3",
            "language": "python",
            "name": "python3",
        },
        "language_info": {"name": "python"},
    }


@pytest.mark.parametrize("section", pages.sections())
def test_colab_starts_with_a_gpu_where_trainings_are_long(section):
    path = pages.ROOT / "book" / section["notebook"]
    record = pages.ROOT / "book" / "runs" / f"{section['section']}.json"
    metadata = pages.read(path).metadata
    gpu = {metadata.get("accelerator"), metadata.colab.get("gpuType")}
    assert gpu == ({"GPU", "T4"} if record.exists() else {None})


def test_template_has_no_table_and_its_own_paths(small):
    path = small / "templates" / "page.ipynb"
    page = pages.update(notebook("k = 3"), path, small)
    ids = [cell.id for cell in page.cells]
    assert ids == ["title", "front", "set-up", "c0", "answer"]
    front = page.cells[1].source
    assert front.startswith(
        "[![Open in Colab](../book/_static/open-in-colab.svg)]("
    )
    assert "/templates/page.ipynb)" in front
    assert "Original" not in front


def test_a_guide_has_no_table_and_no_original(small):
    path = small / "book" / "a-guide.ipynb"
    pages.write(path, pages.text_of(notebook("k = 3")))
    coverage = overview.coverage(small)
    page = pages.update(pages.read(path), path, small)
    ids = [cell.id for cell in page.cells]
    assert ids == ["title", "front", "set-up", "c0", "answer"]
    front = page.cells[1].source
    assert "](_static/open-in-colab.svg)" in front
    assert "/book/a-guide.ipynb)" in front
    assert "Original" not in front
    path.unlink()
    assert overview.coverage(small) == coverage


@pytest.mark.parametrize(
    ("book", "text"),
    [
        (None, "not measured yet"),
        ({"minutes": 0.2, "device": "CPU, 2 threads"}, "0.2 minutes (CPU"),
        ({"minutes": 0.0, "device": "CPU"}, "less than 0.1 minutes (CPU)"),
    ],
)
def test_run_time(book, text):
    assert pages.run_time(book).startswith(text)


def test_sync_mends_what_was_changed_by_hand(small):
    run(small, "sync_pages.py")
    path = small / "book" / NAME
    good = path.read_text()
    page = json.loads(good)
    cells = {cell["id"]: cell for cell in page["cells"]}
    for cell in cells.values():
        cell["metadata"] = {"execution": {"iopub.execute_input": "now"}}
    cells["set-up"]["source"] = ["import helpers"]
    cells["front"]["source"] = ["mine"]
    page["cells"].remove(cells["exercise-table"])
    page["metadata"] = {"widgets": {}, "language_info": {"version": "3"}}
    path.write_text(json.dumps(page))
    broken = path.read_text()

    result = run(small, "sync_pages.py", "--check")
    assert result.returncode == 1
    assert result.stdout == f"book/{NAME} is out of step\n"
    assert path.read_text() == broken
    assert run(small, "sync_pages.py").returncode == 0
    assert path.read_text() == good


def test_coverage_counts_answers_not_notebooks(small):
    text = overview.coverage(small)
    assert text.startswith("1 of 44 answers is written.\n")
    assert f"| [7.2.1 A diagonal edge]({NAME}#answer-to-721) |" in text
    assert "| 7.2.2 Kernels by hand (*not written yet*) |" in text
    (small / "book" / NAME).unlink()
    text = overview.coverage(small)
    assert text.startswith("0 of 44 answers are written.\n")


# The set-up cell


def execute(source, folder):
    """Run code in a Python of its own, in another folder."""
    return subprocess.run(
        [sys.executable, "-c", source],
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1"},
        check=False,
        capture_output=True,
        encoding="utf-8",
    )


IN_A_NOTEBOOK = """
import sys
from IPython.core.interactiveshell import InteractiveShell

{before}
error = InteractiveShell.instance().run_cell({source!r}).error_in_exec
assert error is not None
assert not isinstance(error, ImportError)
"""


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (
            "sys.modules['helpers'] = None  # it cannot be found",
            ["The book's helpers are missing", "set_repository.py"],
        ),
        ("", ["Another package is called helpers", "helpers.py"]),
    ],
)
def test_set_up_stops_with_one_line(tmp_path, before, words):
    (tmp_path / "helpers.py").write_text("x = 1")
    source = pages.set_up_source(pages.PLACEHOLDER, "v0.1.0")
    source = IN_A_NOTEBOOK.format(before=before, source=source)
    result = execute(source, tmp_path)
    assert result.returncode == 0
    [line] = (result.stdout + result.stderr).splitlines()
    assert all(word in line for word in words)


def test_set_up_passes_in_silence_where_helpers_are_installed(tmp_path):
    source = pages.set_up_source(pages.PLACEHOLDER, "v0.1.0")
    result = execute(source, tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize("url", [pages.PLACEHOLDER, ADDRESS])
def test_set_up_is_short_and_replaces_nothing(url):
    source = pages.set_up_source(url, "v0.1.0")
    lines = source.splitlines()
    assert len(lines) <= 25
    assert max(map(len, lines)) <= 76
    assert ("%pip install -q --no-deps " in source) == (url == ADDRESS)


# The repository's address


def test_tag_is_the_version_of_the_package():
    text = (pages.ROOT / "pyproject.toml").read_text(encoding="utf-8")
    version = re.search('^version = "(.*)"$', text, re.MULTILINE)[1]
    assert pages.address()[1] == f"v{version}"


def test_set_repository_twice(project):
    url, tag = pages.address()
    link = "See {}/blob/{}/README.md, and ({}).\n"
    sample = project / "SAMPLE.md"
    rest = f"v0.0.9 is older.\n{url}-slides is another one.\n"
    sample.write_text(link.format(url, tag, url) + rest)
    config = (project / "_config.yml").read_text()
    for new_url, new_tag in [
        (ADDRESS, COMMIT),
        ("https://github.com/ada/lovelace-2", "v2.0rc1"),
    ]:
        result = run(
            project, "set_repository.py", new_url, "--tag", new_tag
        )
        assert result.returncode == 0, result.stderr
        assert pages.address(project) == (new_url, new_tag)
        config = config.replace(url, new_url).replace(tag, new_tag)
        assert (project / "_config.yml").read_text() == config
        assert sample.read_text() == (
            link.format(new_url, new_tag, new_url) + rest
        )
        version = tag[1:] if new_tag == COMMIT else new_tag[1:]
        text = (project / "pyproject.toml").read_text()
        assert f'\nversion = "{version}"\n' in text
        result = run(project, "sync_pages.py", "--check")
        assert (result.returncode, result.stdout) == (0, "")
        old = re.compile(re.escape(url[18:]) + r"(?![\w-])")
        for path, text in contents(project).items():
            if path.suffix in set_repository.TEXT:
                assert not old.search(text.decode()), path
        url, tag = new_url, new_tag


def test_set_repository_refuses_and_changes_nothing(small):
    before = contents(small)
    result = run(small, "set_repository.py", ADDRESS + "/", "--tag", "v1.0")
    assert result.returncode == 2
    assert "lovelace/' is not like https://github.com/" in result.stderr
    assert contents(small) == before


@pytest.mark.parametrize(
    "url",
    [
        "http://github.com/ada/lovelace",
        "https://gitlab.com/ada/lovelace",
        "https://github.com/ada",
        "https://github.com/ada/lovelace/",
        "https://github.com/ada/lovelace.git",
        "https://github.com/ada/lovelace/tree/main",
        "https://github.com/ada/love lace",
        "git@github.com:ada/lovelace",
        "",
    ],
)
def test_bad_address(url):
    with pytest.raises(ValueError, match="is not like https"):
        set_repository.check(url, "v1.0")


@pytest.mark.parametrize(
    "tag", ["1.0", "v", "main", "v1.0-x", "vv1.0", COMMIT[:7], ""]
)
def test_bad_tag(tag):
    with pytest.raises(ValueError, match="is not a v and a version"):
        set_repository.check(ADDRESS, tag)


@pytest.mark.parametrize("tag", ["v1.0", "v2.0rc1", "v1.0.post1", COMMIT])
def test_good_tag(tag):
    set_repository.check(ADDRESS, tag)


# Outputs


CELLS = [
    "import os, sys\nfrom helpers import records\nk = 3",
    "print(k)\nprint(2, flush=True)\nprint('last')",
    "[os.environ[n] for n in ('BOOK_REFRESH', 'BOOK_DATA')]",
    "sys.executable",
]


def outputs(path):
    """Outputs of the code cells after the set-up cell."""
    cells = [c for c in pages.read(path).cells if c.cell_type == "code"]
    return [cell.outputs for cell in cells[1:]]


def test_refresh(small):
    # A kernel of that name for another interpreter must not be used.
    kernels = small / "share" / "kernels" / "python3"
    kernels.mkdir(parents=True)
    (kernels / "kernel.json").write_text(
        json.dumps({"argv": ["false"], "display_name": "x"})
    )
    # The kernel runs in the notebook's folder, not here.
    environment = {
        "JUPYTER_PATH": str(small / "share"),
        "BOOK_DATA": "data",
    }
    good = small / "book" / NAME
    page = notebook(*CELLS)
    page.cells[1].metadata["nbmake"] = {"mock": {"k": 1}}
    pages.write(good, pages.text_of(page))
    bad = small / "templates" / "page.ipynb"
    bad.parent.mkdir()
    pages.write(bad, pages.text_of(notebook("print(1)", "1 / 0")))
    before = bad.read_bytes()

    result = run(small, "refresh_outputs.py", **environment)
    assert result.returncode == 1
    assert f"book/{NAME}: written" in result.stdout
    assert "templates/page.ipynb: FAILED" in result.stderr
    assert "ZeroDivisionError" in result.stderr
    assert "TCP" not in result.stderr + good.read_text()
    assert bad.read_bytes() == before

    one, two, three, four = outputs(good)
    assert one == []
    assert [o.text for o in two] == ["3\n2\nlast\n"]
    assert three[0].data["text/plain"] == str(["1", str(small / "data")])
    assert four[0].data["text/plain"] == repr(sys.executable)
    page = pages.read(good)
    counts = [c.execution_count for c in page.cells if c.source in CELLS]
    assert counts == [2, 3, 4, 5]
    book = page.metadata.book
    assert f"written ({book.minutes} minutes)" in result.stdout
    assert [*book] == [
        "device",
        "minutes",
        "outputs",
        "sources",
        "versions",
    ]
    assert book.versions.python == "{}.{}".format(*sys.version_info)
    assert re.fullmatch(r"\d+\.\d+\.\d+", book.versions.torch)
    assert pages.run_time(book) in page.cells[1].source
    assert all("execution" not in cell.metadata for cell in page.cells)

    # Nothing but the time changes: not a byte is written.
    page.metadata.book.minutes = 7.5
    pages.write(good, pages.text_of(page))
    run(small, "sync_pages.py")
    text = good.read_text()
    assert "run time: 7.5 minutes" in text
    result = run(small, "refresh_outputs.py", good, **environment)
    # A kernel that ends may print a line of ZeroMQ's own; rare, harmless.
    zeromq = r"Assertion failed: pfd\.revents & POLLIN .*\n"
    assert result.returncode == 0
    assert re.sub(zeromq, "", result.stderr) == ""
    assert result.stdout.startswith(f"book/{NAME}: unchanged")
    assert good.read_text() == text
    assert not pages.is_stale(pages.read(good))


@pytest.mark.parametrize(
    ("old", "new", "fresh"),
    [
        ("k = 3", "k  =  (3) # three", True),
        ("k = 3", "k = 4", False),
        ("k = 3", "k = 3\n%matplotlib inline", False),
        ("k = 3", "k = 3\nfrom helpers import data", False),
        ("k = 3", "k = 3\nfrom helpers import plots", False),
    ],
)
def test_hash_of_a_notebook(old, new, fresh):
    source = "from helpers import ops\nk = 3"
    page = notebook("set-up", source)
    page.cells[1].id = "set-up"
    page.metadata["book"] = pages.fingerprints(page)
    assert not pages.is_stale(page)
    page.cells[1].source = "another address"
    page.cells[0].source = "# Another text"
    assert not pages.is_stale(page)
    page.cells[2].source = source.replace(old, new)
    assert pages.is_stale(page) is not fresh


def test_hash_of_helpers(small):
    path = small / "book" / NAME
    ops = small / "helpers" / "ops.py"
    # The original's helpers are the copy's, still unchanged.
    page = pages.read(path)
    page.metadata["book"] = pages.fingerprints(page)
    pages.write(path, pages.text_of(page))

    def check():
        return run(small, "refresh_outputs.py", "--check")

    assert check().returncode == 0
    (small / "helpers" / "data.py").write_text("new = 1")
    ops.write_text(ops.read_text() + "\n# a comment\n")
    assert check().returncode == 0
    ops.write_text(ops.read_text() + "\nnew = 1\n")
    result = check()
    assert result.returncode == 1
    assert result.stdout == f"book/{NAME} has stale outputs\n"


def test_check_lists_stale_records(small):
    runs = small / "book" / "runs"
    runs.mkdir()
    (runs / "7.6.json").write_text(
        json.dumps({"abc": {"settings": {"seed": 0}, "model": "m"}})
    )
    result = run(small, "refresh_outputs.py", "--check")
    assert result.returncode == 1
    assert "7.6.json has the stale key abc\n" in result.stdout
