"""The pages on the package, on words, and on running the book.

What they say is compared with the code, so that it cannot drift: the names
of the package, the arguments of the command line, the messages.
"""

import importlib
import inspect
import posixpath
import re
import sys
import types
from unittest.mock import MagicMock

import pages
import pytest
import refresh_outputs
import test_notebooks
import torchvision
from IPython.core.inputtransformer2 import TransformerManager
from pages import ROOT
from sphinx.util.inventory import InventoryFile
from test_imports import MODULES

from helpers import data, models, train

pytest_plugins = ["site_fixtures"]

API = (ROOT / "book" / "api.md").read_text(encoding="utf-8")
GLOSSARY = (ROOT / "book" / "glossary.md").read_text(encoding="utf-8")
RUNNING = (ROOT / "book" / "running.md").read_text(encoding="utf-8")


# The package


def public_names() -> set[str]:
    """Full names of what the package offers.

    These are its modules, what they list in `__all__`, the classes of the
    package that those classes are made from, and the methods of all.
    """
    names = set(MODULES)
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        for name in module.__all__:
            names.add(f"{module_name}.{name}")
            value = getattr(module, name)
            if inspect.isclass(value):
                names |= names_of(value)
                # Sphinx also keeps the place where a class is defined.
                names.add(f"{value.__module__}.{value.__qualname__}")
    return names


def names_of(offered: type) -> set[str]:
    """Full names of a class, of its bases in the package and of methods."""
    bases = [b for b in offered.__mro__ if home(b) in MODULES]
    members = [
        value.fget if isinstance(value, property) else value
        for base in bases
        for name, value in vars(base).items()
        if not name.startswith("_")
    ]
    methods = [value for value in members if inspect.isfunction(value)]
    return {f"{home(v)}.{v.__qualname__}" for v in bases + methods}


def home(value: object) -> str:
    """The module that offers something: of `helpers.practice`, the whole.

    Its parts are no modules that readers import.
    """
    module = value.__module__
    return re.sub(r"^helpers\.practice\..*", "helpers.practice", module)


@pytest.fixture
def inventory(site_folder) -> dict:
    """What the built book offers for links, by kind and name."""
    with (site_folder / "objects.inv").open("rb") as file:
        return InventoryFile.load(file, "", posixpath.join)


@pytest.mark.slow
def test_the_package_is_documented_and_nothing_private(inventory):
    found = {
        name: place
        for kind, objects in inventory.items()
        if kind.startswith("py:")
        for name, (_, _, place, _) in objects.items()
    }
    assert set(found) == public_names()
    assert all(p.startswith("book/api.html#") for p in found.values())


@pytest.mark.parametrize("table", ["VGG_BLOCKS", "RESNETS"])
def test_all_variants_are_named(table):
    text = re.search(rf":: {table}$(.*?)(?:\n\S|\Z)", API, re.S | re.M)[1]
    assert re.findall('"(.+?)"', text) == list(getattr(models, table))


def test_the_table_of_arguments_is_that_of_the_program():
    rows = re.findall(
        r"^\| `(\S+)` \| (?:.*\(default `(\S+)`\))?", API, re.MULTILINE
    )
    expected = {}
    for argument in train._parser()._actions:
        name = (argument.option_strings or [argument.dest])[-1]
        default = argument.default or argument.default == 0.0
        if isinstance(argument.default, list):
            default = " ".join(argument.default)
        elif default and argument.default is not False:
            default = str(argument.default)
        else:
            default = ""
        if name != "--help":
            expected[name] = default
    assert dict(rows) == expected


# The glossary


def entries() -> list[tuple[list[str], str]]:
    """The terms and the definition of each entry."""
    body = GLOSSARY.split(":sorted:\n\n")[1].removesuffix("\n```\n")
    found = []
    for entry in body.split("\n\n"):
        *terms, definition = entry.splitlines()
        found.append((terms, definition))
    return found


@pytest.mark.parametrize("entry", entries(), ids=lambda e: e[0][0])
def test_a_word_is_explained_in_short_with_a_link(entry):
    terms, definition = entry
    assert all(term == term.strip() for term in terms)
    assert definition.startswith("  ")
    assert re.search(r"\]\([\w-]+\.\w+(#[\w-]+)?\)|\{py:func\}", definition)
    assert len(definition.split()) <= 70


def test_words_are_in_order_and_occur_once():
    terms = [term for names, _ in entries() for term in names]
    assert len(terms) == len({term.lower() for term in terms})
    first = [names[0].lower() for names, _ in entries()]
    assert first == sorted(first)


@pytest.mark.slow
def test_words_can_be_linked_and_searched(inventory):
    terms = {term for names, _ in entries() for term in names}
    assert terms == set(inventory["std:term"])


# Messages on the page on running the book

# Capital words on the page that stand for what differs.
VARIES = re.compile(
    r"\b(FOLDER|HOST|REASON|FILES?|SIZE|FOUND|EXPECTED|MODULE|NOTEBOOK"
    r"|SHAPE|EPOCH|BATCH|RATE)\b"
)
# Messages of other programs, as they were seen.
FOREIGN = {
    "ModuleNotFoundError: No module named 'helpers'",
    "RuntimeError: operator torchvision::nms does not exist",
    "ERROR: Could not open requirements file: [Errno 2] No such file or "
    "directory: 'requirements.txt'",
    "Couldn't find a Table of Contents file. To auto-generate one, run:",
    "pytest: error: unrecognized arguments: --nbmake",
    "A cell timed out while it was being executed, after 300 seconds.",
    "[IPKernelApp] WARNING | Kernel is running over TCP without "
    "encryption.",
}


def one_line(text: str) -> str:
    """A message without its line breaks, which the page sets anew."""
    return " ".join(text.split())


def quoted() -> list[str]:
    """The messages that the page quotes."""
    text = RUNNING.split("## When something goes wrong")[1]
    blocks = re.findall(r"^```text\n(.*?)^```$", text, re.DOTALL | re.M)
    return [one_line(block) for block in blocks]


def pattern(message: str) -> re.Pattern:
    """What the quoted message stands for."""
    return re.compile(VARIES.sub(".+", re.escape(message)))


def refusal(name: str) -> str:
    """What Python prints in the end when the data cannot be had."""
    with pytest.raises(data.DataError) as caught:
        data.load(name)
    kind = type(caught.value)
    return f"{kind.__module__}.{kind.__qualname__}: {caught.value}"


def missing(monkeypatch, tmp_path, capsys) -> str:
    """No data and no network."""
    monkeypatch.setenv("BOOK_DATA", str(tmp_path))
    mirrors = ["file://nowhere/"]
    monkeypatch.setattr(
        torchvision.datasets.FashionMNIST, "mirrors", mirrors
    )
    return refusal("fashion-mnist")


def damaged(monkeypatch, tmp_path, capsys) -> str:
    """A file that was cut off."""
    monkeypatch.setenv("BOOK_DATA", str(tmp_path))
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / data.TRAIN_IMAGES).write_bytes(b"\0\0\x08\x03")
    return refusal("mnist")


def barred(monkeypatch, tmp_path, capsys) -> str:
    """A folder that cannot be made, since a file is in its place."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BOOK_DATA", str(tmp_path / "file" / "data"))
    return refusal("mnist")


def set_up(url: str) -> str:
    """What the set-up cell says in the end; its pip does nothing."""
    source = pages.set_up_source(url, "v0.1.0")
    code = TransformerManager().transform_cell(source)
    with pytest.raises(Exception, match="elpers") as caught:
        exec(code, {"get_ipython": MagicMock()})
    return str(caught.value)


def not_installed(monkeypatch, tmp_path, capsys) -> str:
    """No helpers, and no address to install them from."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    return set_up(pages.PLACEHOLDER)


def pip_failed(monkeypatch, tmp_path, capsys) -> str:
    """An installation after which the helpers are still missing."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    return set_up("https://github.com/ada/book")


def another_package(monkeypatch, tmp_path, capsys) -> str:
    """A module of the same name."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    other = types.ModuleType("helpers")
    monkeypatch.setitem(sys.modules, "helpers", other)
    return set_up(pages.PLACEHOLDER)


def stale(monkeypatch, tmp_path, capsys) -> str:
    """A notebook that was changed after its full run."""
    monkeypatch.setattr(pages, "is_stale", lambda notebook: True)
    return refresh_outputs.stale_outputs(pages.notebooks()[:1])[0]


def trained(capsys, *arguments: object) -> str:
    """What the command line says when it refuses to train on digits."""
    with pytest.raises(SystemExit):
        train.main(
            ["modern-lenet", "--data", "digits", *map(str, arguments)]
        )
    return capsys.readouterr().err


def used_folder(monkeypatch, tmp_path, capsys) -> str:
    """A second run in the folder of a first."""
    (tmp_path / "settings.json").write_text("{}")
    return trained(capsys, "--out", tmp_path)


def small_images(monkeypatch, tmp_path, capsys) -> str:
    """The digits in their own size."""
    return trained(capsys, "--out", tmp_path / "run")


def diverged(monkeypatch, tmp_path, capsys) -> str:
    """A learning rate beyond all measure."""
    rate = ["--learning-rate", 1e30, "--epochs", 1, "--size", 16]
    return trained(capsys, "--out", tmp_path / "run", *rate)


OURS = [
    missing,
    damaged,
    barred,
    not_installed,
    pip_failed,
    another_package,
    stale,
    used_folder,
    small_images,
    diverged,
]


@pytest.mark.parametrize("provoke", OURS, ids=lambda f: f.__name__)
def test_our_message_is_quoted(provoke, monkeypatch, tmp_path, capsys):
    message = one_line(provoke(monkeypatch, tmp_path, capsys))
    matching = [q for q in quoted() if pattern(q).fullmatch(message)]
    assert len(matching) == 1, message


def test_no_other_message_is_quoted():
    assert set(quoted()) > FOREIGN
    assert len(quoted()) == len(OURS) + len(FOREIGN)


def test_tests_and_files_that_the_page_names_exist():
    for name in re.findall(r"`(test_\w+)`", RUNNING):
        assert hasattr(test_notebooks, name)
    for path in re.findall(r"(?:book|scripts)/[\w-]+\.\w+", RUNNING):
        assert (ROOT / path).exists(), path
    for file in data.SOURCES["mnist"].sha256:
        assert file in RUNNING
