"""The built book and a browser, shared by the tests that look at pages."""

import pytest
from built_site import build, chromium


@pytest.fixture(scope="session")
def site_folder(tmp_path_factory):
    """The HTML book, built with warnings as errors."""
    return build(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="session")
def site(site_folder):
    """Address of the book's folder; there is no server."""
    return site_folder.as_uri()


@pytest.fixture(scope="session")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(120_000)  # for machines with other work to do
    yield page
    page.close()
