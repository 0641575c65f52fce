"""List the numbers in the answers' prose, with the cell that shows each.

    python scripts/list_numbers.py        # those that nothing shows
    python scripts/list_numbers.py --all book/7-4-channels.ipynb

A cell shows a number if its code has it or its output prints it, rounded or
as a percentage too. Cells of the same answer come first, then those of the
page, then the tests that hold the text to the records, then a link in the
same paragraph, to the paper that the number is taken from, and last the
reasons in `book/numbers.yml`. Numbers that name something (an exercise, a
year, an address) do not count, nor do whole numbers below ten, which stand
in almost every cell.
"""

import argparse
import ast
import re
import sys
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pages
import yaml
from nbformat import NotebookNode

# What names something and measures nothing.
NAMES = re.compile(
    r"""
    \]\([^)]*\)                        # the address of a link
    | `[^`]*`                          # code
    | https?://\S+
    | \b\d+\.\d+\.\d+\b                # exercise 7.4.1
    | \b(?:[Ss]ections?|[Cc]hapter|[Ee]xercises?|[Ff]igure|[Tt]able)
      \s\d+(?:\.\d+)*(?:(?:,|\sand|\sor|\sto)\s\d+(?:\.\d+)*)*
    | \b(?:19|20)\d\d\b(?=[\])a-z;,.]) # a year
    | \bof\s(?:19|20)\d\d\b
    | \b\d+\sdegrees
    | [A-Za-z]+-?\d[\w-]*              # ResNet-18, conv2d, K1
    """,
    re.VERBOSE,
)
NUMBER = re.compile(
    r"(?<![\w.,])\d{1,3}(?:(?:,|\{,\}|\\,)\d{3})+(?:\.\d+)?(?![\d])"
    r"|(?<![\w.])\d+(?:\.\d+)?(?![\d])"
)


REASONS = pages.ROOT / "book" / "numbers.yml"
LINK = "a link"
REASON = "numbers.yml"
UNITS = {"million": 6, "billion": 9}  # zeros
RECORDS = {  # tests on what was trained for long
    "7.6": "test_lenet_records.py",
    "8.2": "test_vgg_records.py",
    "8.6": "test_resnet_records.py",
}


class Place(NamedTuple):
    """A number in the prose, and the cell that shows it, if one does."""

    answer: str
    number: str
    around: str
    cell: str


def main() -> int:
    """List numbers; 1 if one of them is shown by no cell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "notebook", nargs="*", type=Path, help="all if none is given"
    )
    parser.add_argument(
        "--all", action="store_true", help="those that a cell shows, too"
    )
    arguments = parser.parse_args()
    paths = arguments.notebook
    found = places_in(paths) if paths else all_places()
    missing = [place for place in found if not place.cell]
    for place in found if arguments.all else missing:
        shown = place.cell or "no cell"
        print(f"{place.answer} {place.number} ({shown}): {place.around}")
    print(f"{len(found)} numbers, {len(missing)} without a cell")
    return 1 if missing else 0


def all_places(root: Path = pages.ROOT) -> list[Place]:
    """The numbers of all sections' answers."""
    book = root / "book"
    return places_in(book / s["notebook"] for s in pages.sections(root))


def places_in(paths: Iterable[Path]) -> list[Place]:
    """The numbers of some notebooks' answers."""
    return [place for path in paths for place in places(pages.read(path))]


def places(notebook: NotebookNode) -> list[Place]:
    """The numbers of a notebook's answers."""
    parts: dict[str, list[NotebookNode]] = {"": []}
    for answer, cell in pages.by_answer(notebook):
        parts.setdefault(answer, []).append(cell)
    everywhere = [cell for cells in parts.values() for cell in cells]
    shown = {cell.id: numbers_shown(cell) for cell in everywhere}
    reasons = yaml.safe_load(REASONS.read_text("utf-8"))
    found = []
    for answer, cells in parts.items():
        if not answer:
            continue
        order = [cell.id for cell in [*cells, *everywhere]]
        if test := RECORDS.get(answer[:3]):
            code = (pages.ROOT / "tests" / test).read_text("utf-8")
            shown[test] = {plain(n) for n in NUMBER.findall(code)}
            order.append(test)
        prose = [c.source for c in cells if c.cell_type == "markdown"]
        for paragraph in "\n\n".join(prose).split("\n\n"):
            linked = "](https://" in paragraph
            for number, around in numbers(paragraph):
                cell = next(
                    (name for name in order if is_in(number, shown[name])),
                    LINK if linked else "",
                )
                if not cell and number in reasons.get(answer, {}):
                    cell = REASON
                found.append(Place(answer, number, around, cell))
    return found


def numbers(prose: str) -> Iterator[tuple[str, str]]:
    """The numbers of a text, and the words around each."""
    text = NAMES.sub(lambda match: " " * len(match[0]), prose)
    for match in NUMBER.finditer(text):
        value = plain(match[0])
        if value == int(value) and value < 10:
            continue
        start, end = max(match.start() - 40, 0), match.end() + 30
        unit = re.match(r"\s(%|million|billion)", text[match.end() :])
        number = match[0] + (unit[0] if unit else "")
        yield number, " ".join(prose[start:end].split())


def plain(number: str) -> Decimal:
    """A number as written, without its unit and what parts thousands."""
    return Decimal(re.sub(r",|\{,\}|\\,", "", number.partition(" ")[0]))


def numbers_shown(cell: NotebookNode) -> set[Decimal]:
    """The numbers in a cell's code and in what it prints."""
    if cell.cell_type != "code":
        return set()
    found = in_code(cell.source)
    for output in cell.outputs:
        texts = [output.get("text", "")]
        texts += output.get("data", {}).get("text/plain", [])
        for match in re.finditer(
            r"\d[\d,]*\.?\d*(?:e[+-]?\d+)?", "".join(texts)
        ):
            found.add(Decimal(match[0].replace(",", "").rstrip(".")))
    return found


def in_code(source: str) -> set[Decimal]:
    """The numbers that a piece of code writes out, in f-strings too.

    The syntax tree has them in all versions of Python. To `tokenize` an
    f-string is a single token up to 3.11.
    """
    tree = ast.parse(pages.as_python(source))
    return {
        Decimal(str(node.value))
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and type(node.value) in (int, float)
    }


def is_in(number: str, shown: set[Decimal]) -> bool:
    """Whether a number is shown, exactly, rounded or as a percentage."""
    value = plain(number)
    step = Decimal(1).scaleb(value.as_tuple().exponent)
    scales = [Decimal(1)]
    if "%" in number or "." in number:
        scales.append(Decimal(100))
    if "." in number or "illion" in number:
        scales += [Decimal(1).scaleb(-n) for n in UNITS.values()]
    return any(
        abs(candidate * scale - value) <= step / 2
        for candidate in shown
        for scale in scales
    )


if __name__ == "__main__":
    sys.exit(main())
