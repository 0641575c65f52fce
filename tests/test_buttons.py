"""The buttons of a page: Colab, Binder, download; what Binder installs."""

import re

import pages
import pytest
from built_site import page_names
from packaging.requirements import Requirement
from pages import ROOT

pytest_plugins = ["site_fixtures"]

NOTEBOOKS = [
    path.relative_to(ROOT).with_suffix("").as_posix()
    for path in [*pages.notebooks(), *pages.practice()]
    if path.parent.name != "templates"
]


def pins(path):
    """Versions by package, as a file of requirements pins them."""
    text = path.read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w-]+)==(\S+)$", text, re.MULTILINE))


def test_binder_installs_the_versions_of_the_book():
    binder = pins(ROOT / "binder" / "requirements.txt")
    assert binder.items() <= pins(ROOT / "requirements.txt").items()
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    needed = re.search(r"^dependencies = \[(.*?)\]", text, re.M | re.S)[1]
    names = {Requirement(n).name for n in re.findall('"(.*?)"', needed)}
    # Binder brings an IPython that suits its JupyterLab.
    assert names - {"ipython"} <= set(binder)


def test_binder_finds_the_helpers_and_the_tested_python():
    lines = (ROOT / "binder" / "requirements.txt").read_text().splitlines()
    assert "-e ." in lines
    python = (ROOT / "binder" / "runtime.txt").read_text().strip()
    workflow = ROOT / ".github" / "workflows" / "ci.yml"
    version = python.removeprefix("python-")
    assert f'python-version: "{version}"' in workflow.read_text()


def links(site_folder, name, pattern):
    """The addresses on a page that begin with a pattern."""
    text = (site_folder / f"{name}.html").read_text(encoding="utf-8")
    return set(re.findall(rf'href="({pattern}[^"]*)"', text))


@pytest.mark.slow
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_launch_buttons_open_the_notebook(site_folder, name):
    url, tag = pages.address()
    place = url.removeprefix("https://github.com/")
    assert links(site_folder, name, "https://colab") == {
        "https://colab.research.google.com/github/"
        f"{place}/blob/{tag}/{name}.ipynb"
    }
    assert links(site_folder, name, "https://mybinder") == {
        f"https://mybinder.org/v2/gh/{place}/{tag}"
        f"?urlpath=lab/tree/{name}.ipynb"
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", page_names())
def test_the_download_is_the_committed_file(site_folder, name):
    [link] = links(site_folder, name, "[./]*_sources/")
    file = (site_folder / name).parent / link
    suffix = ".ipynb" if name in NOTEBOOKS else ".md"
    committed = (ROOT / name).with_suffix(suffix)
    assert file.suffix == suffix
    assert file.read_bytes() == committed.read_bytes()
