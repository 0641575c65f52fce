"""The list of exercises, and what must agree with it."""

import re
import string
from itertools import chain

import overview
import pages
import pytest
import yaml

SECTIONS = pages.sections()
TRY = "Try it yourself"  # the part of the book with the practice pages
COUNTS = {
    "7.1": 6,
    "7.2": 4,
    "7.3": 6,
    "7.4": 7,
    "7.5": 7,
    "7.6": 5,
    "8.2": 4,
    "8.6": 5,
}
KINDS = {
    "proof",
    "derivation",
    "code",
    "count",
    "measurement",
    "training",
    "explanation",
}
CHAPTERS = {
    "7": "convolutional-neural-networks",
    "8": "convolutional-modern",
}


def faults(section):
    """What is wrong with one section of the list."""
    found = []
    exercises = section["exercises"]
    count = COUNTS.get(section["section"])
    if [e["number"] for e in exercises] != [*range(1, (count or 0) + 1)]:
        found.append(f"not numbered from 1 to {count}")
    for exercise in exercises:
        parts, kinds = exercise["parts"], exercise["kind"]
        if not exercise["title"].strip():
            found.append("an empty title")
        if parts != string.ascii_lowercase[: len(parts)] or len(parts) == 1:
            found.append(f"the parts {parts!r}")
        if not kinds or not set(kinds) <= KINDS:
            found.append(f"the kinds {kinds}")
    chapter = CHAPTERS[section["section"][0]]
    page = section["original"].removeprefix(
        f"https://d2l.ai/chapter_{chapter}/"
    )
    if "/" in page or not page.endswith(".html"):
        found.append(f"the address {section['original']}")
    start = section["section"].replace(".", "-") + "-"
    name = section["notebook"]
    if not name.startswith(start) or not name.endswith(".ipynb"):
        found.append(f"the notebook {name}")
    return found


@pytest.mark.parametrize("section", SECTIONS, ids=lambda s: s["section"])
def test_section(section):
    assert faults(section) == []


def test_no_section_is_missing_or_twice():
    assert [s["section"] for s in SECTIONS] == [*COUNTS]
    for field in ("title", "notebook", "original"):
        assert len({s[field] for s in SECTIONS}) == len(COUNTS)


def test_there_are_44_exercises_with_44_titles():
    titles = [e["title"] for s in SECTIONS for e in s["exercises"]]
    assert len(titles) == sum(COUNTS.values()) == 44
    assert len(set(titles)) == 44


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"number": 2}, "not numbered"),
        ({"title": " "}, "an empty title"),
        ({"parts": "ac"}, "the parts 'ac'"),
        ({"parts": "a"}, "the parts 'a'"),
        ({"kind": []}, "the kinds []"),
        ({"kind": ["guess"]}, "the kinds ['guess']"),
        ({"original": "https://d2l.ai/x.html"}, "the address"),
        ({"notebook": "7-1-pooling.ipynb"}, "the notebook"),
    ],
)
def test_bad_section(change, fault):
    section = yaml.safe_load(yaml.safe_dump(SECTIONS[1]))
    assert faults(section) == []
    whole = "original" in change or "notebook" in change
    (section if whole else section["exercises"][0]).update(change)
    found = faults(section)
    assert len(found) == 1
    assert fault in found[0]


def test_contents_list_every_page():
    text = (pages.ROOT / "_toc.yml").read_text(encoding="utf-8")
    toc = yaml.safe_load(text)
    parts = {
        part["caption"]: [chapter["file"] for chapter in part["chapters"]]
        for part in toc["parts"]
    }
    for part, folder in [("Sections", "book"), (TRY, "practice")]:
        order = [f"{folder}/{s['notebook']}" for s in SECTIONS]
        names = [name.removesuffix(".ipynb") for name in order]
        assert parts[part] == names
        assert all((pages.ROOT / name).exists() for name in order)
    listed = [toc["root"], *chain.from_iterable(parts.values())]
    found = [
        f"{folder}/{path.stem}"
        for folder in ("book", "practice")
        for path in (pages.ROOT / folder).iterdir()
        if path.suffix in (".ipynb", ".md")
    ]
    assert sorted(listed) == sorted(found)


def test_the_readme_names_the_pinned_versions():
    pins = (pages.ROOT / "requirements.txt").read_text(encoding="utf-8")
    readme = (pages.ROOT / "README.md").read_text(encoding="utf-8")
    pairs = re.findall(r"^(torch|torchvision)==(\S+)", pins, re.M)
    assert len(pairs) == 2
    for package, version in pairs:
        assert f"{package}=={version}" in readme


def test_coverage_page_lists_every_exercise():
    path = pages.ROOT / "book" / "coverage.md"
    text = path.read_text(encoding="utf-8")
    assert overview.coverage() in text, "run sync_pages.py"
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    rows = [row for row in rows if not row.startswith(("| Ex", "| :"))]
    assert len(rows) == 44
    written = [row for row in rows if "](" in row]
    verb = "is" if len(written) == 1 else "are"
    assert f"\n{len(written)} of 44 answers {verb} written.\n" in text
    marked = [row for row in rows if "(*not written yet*)" in row]
    assert {*marked} == {*rows} - {*written}
