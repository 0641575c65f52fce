"""Run the quick tests with the oldest and with the newest packages.

    python scripts/try_versions.py                 # both
    python scripts/try_versions.py newest --python 3.14

Each set gets an environment of its own, which uv makes in a temporary
folder and fills with the packages that pyproject.toml allows: the lowest
versions of those that it names, or the highest of all. Of the tools in
requirements.txt, each comes in a version that goes with them. Then
`pytest --nbmake` runs tests and notebooks there, without the real data.
A set that passed is written to `book/versions.json`, which the README and
the page on trust show after `scripts/sync_pages.py`.

Only uv is needed, and whatever Python runs this.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REPORT = ROOT / "book" / "versions.json"
SETS = {  # the Python to try it with, and how uv chooses versions
    "oldest": ("3.10", "lowest-direct"),
    "newest": ("3.13", "highest"),
}
VERSIONS = """
import json
from importlib.metadata import version
names = ["torch", "torchvision"]
print(json.dumps({name: version(name).split("+")[0] for name in names}))
"""


def main() -> int:
    """Try the chosen sets; 1 if a test fails with one of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "packages", nargs="*", metavar="SET", help="oldest, newest, or both"
    )
    parser.add_argument("--python", help="another version of Python")
    arguments = parser.parse_args()
    chosen = arguments.packages or list(SETS)
    for name in chosen:
        if name not in SETS:
            parser.error(f"no set is called {name}: {', '.join(SETS)}")
    # All of them, also after one that fails; and the report only then, for
    # the tests ask that the pages show what it says.
    found = {name: attempt(name, arguments.python) for name in chosen}
    keep({name: row for name, row in found.items() if row})
    return int(not all(found.values()))


def attempt(
    packages: str, python: str | None = None
) -> dict[str, str] | None:
    """Install a set and run the tests with it; None if one fails."""
    usual, resolution = SETS[packages]
    python = python or usual
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder, "bin", "python")
        run("uv", "venv", "--quiet", "--python", python, folder)
        install = ["uv", "pip", "install", "--quiet", "--python", str(own)]
        run(*install, "--resolution", resolution, "-e", str(ROOT))
        text = (ROOT / "requirements.txt").read_text("utf-8")
        run(*install, *tools(text))
        found = json.loads(run(str(own), "-c", VERSIONS))
        tests = [str(own), "-m", "pytest", "--nbmake", "-q"]
        output = run(*tests, "-p", "no:cacheprovider", check=False)
    passed = number_passed(output)
    set_of = f"{packages} packages, Python {python}, {found}"
    if passed is None:
        print(f"{output[-5000:]}\n{set_of}: FAILED", flush=True)
        return None
    print(f"{set_of}: {passed} passed", flush=True)
    tried = f"{passed:,} quick tests, all notebooks among them"
    return {"python": python, **found, "tried": tried}


def run(*command: str, check: bool = True) -> str:
    """Run a command in the project, without real data; what it printed."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if k != "BOOK_DATA"},
        stdout=subprocess.PIPE,
        text=True,
        check=check,
    )
    return done.stdout


def tools(requirements: str) -> list[str]:
    """What builds and tests the book, in versions that pip may choose.

    That is all of requirements.txt but the packages that the helpers need,
    which come first there, and the helpers themselves.
    """
    lines = requirements.partition("\n# the book\n")[2].splitlines()
    names = [
        line.partition("==")[0]
        for line in lines
        if line and not line.startswith(("#", "-e"))
    ]
    return [n + "<2" if n == "jupyter-book" else n for n in names]


def number_passed(output: str) -> int | None:
    """How many tests pytest says passed; None if one did not."""
    last = output.strip().splitlines()[-1]
    found = re.search(r"(\d+) passed", last)
    if found is None or re.search("failed|error", last):
        return None
    return int(found[1])


def keep(found: dict[str, dict[str, str]]) -> None:
    """Write what was tried with some sets; the others stay."""
    report = json.loads(REPORT.read_text("utf-8")) | found
    text = json.dumps(report, indent=1, sort_keys=True) + "\n"
    REPORT.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    sys.exit(main())
