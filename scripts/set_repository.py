"""Set the address and the tag that the book links to and installs from.

    python scripts/set_repository.py https://github.com/ada/book --tag v0.2

Writes `_config.yml`, the version in `pyproject.toml` and every text file of
the repository that names the old address, then the pages' generated parts.
Commit the result and give the commit that tag.

For pages that are only published, the full name of a commit does instead
of a tag: it exists on every fork. The version then stays what it is.
"""

import argparse
import re
import sys
from pathlib import Path

import overview
import pages
from packaging.version import InvalidVersion, Version

# Python files are left out: they hold no address but the placeholder's.
FOLDERS = (
    ".ci",
    ".github",
    "benchmarks",
    "binder",
    "book",
    "helpers",
    "practice",
    "scripts",
    "templates",
    "tests",
)
TEXT = {".cff", ".ipynb", ".md", ".toml", ".yaml", ".yml"}
COMMIT = re.compile("[0-9a-f]{40}")
URL = re.compile(r"https://github\.com/[A-Za-z0-9-]+/[A-Za-z0-9._-]+")


def main() -> int:
    """Check the arguments and change all files; 2 for bad arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url", help="https://github.com/owner/name")
    parser.add_argument(
        "--tag", required=True, help="such as v0.2.0, or a commit"
    )
    arguments = parser.parse_args()
    try:
        check(arguments.url, arguments.tag)
    except ValueError as error:
        parser.error(str(error))
    changed = new_texts(arguments.url, arguments.tag)
    for path, text in changed.items():
        pages.write(path, text)
    generated = overview.out_of_step()
    for path, text in generated.items():
        pages.write(path, text)
    for path in sorted({*changed, *generated}):
        print(f"{path.relative_to(pages.ROOT)} written")
    return 0


def check(url: str, tag: str) -> None:
    """Refuse an address or a tag that the notebooks could not use.

    Raises:
        ValueError: if the URL is not that of a repository on GitHub (Colab
            opens notebooks from there), or the tag neither "v" and a
            version nor a commit.

    """
    if not URL.fullmatch(url) or url.endswith(".git"):
        raise ValueError(
            f"{url!r} is not like https://github.com/owner/name "
            "(no slash and no .git at the end)"
        )
    if COMMIT.fullmatch(tag):
        return
    try:
        canonical = f"v{Version(tag.removeprefix('v'))}"
    except InvalidVersion:
        canonical = None
    if tag != canonical:
        raise ValueError(
            f"{tag!r} is not a v and a version, like v0.2.0, nor "
            "the full name of a commit"
        )


def new_texts(url: str, tag: str) -> dict[Path, str]:
    """All files to change, with their new texts."""
    old_url, old_tag = pages.address()
    old_place = old_url.removeprefix("https://github.com")
    new_place = url.removeprefix("https://github.com")
    place = re.compile(re.escape(old_place) + r"(?![\w-])")
    texts = {}
    for path in repository_files():
        if path.suffix not in TEXT:
            continue
        old = path.read_text(encoding="utf-8")
        lines = [
            place.sub(new_place, line).replace(old_tag, tag)
            if place.search(line)
            else line
            for line in old.splitlines(keepends=True)
        ]
        new = "".join(lines)
        if path == pages.ROOT / "_config.yml":
            new = replace_value(r"\bbranch: *", tag, new)
        if path == pages.ROOT / "pyproject.toml" and tag.startswith("v"):
            new = replace_value(r'^version = "', tag[1:], new)
        if new != old:
            texts[path] = new
    return texts


def replace_value(before: str, new: str, text: str) -> str:
    """Replace one value in a file of settings; the rest stays as it is."""
    pattern = re.compile(rf"({before})[\w.]+", re.MULTILINE)
    text, count = pattern.subn(rf"\g<1>{new}", text)
    if count != 1:
        raise SystemExit(f"found {count} times, not once: {before}")
    return text


def repository_files() -> list[Path]:
    """All files of the project; what lies beside them stays untouched."""
    top = [path for path in pages.ROOT.iterdir() if path.is_file()]
    inside = [p for f in FOLDERS for p in (pages.ROOT / f).rglob("*")]
    return [
        path
        for path in sorted(top + inside)
        if path.is_file() and "__pycache__" not in path.parts
    ]


if __name__ == "__main__":
    sys.exit(main())
