"""Bring the generated parts of the pages up to date.

python scripts/sync_pages.py           # write them
python scripts/sync_pages.py --check   # only list what differs
"""

import argparse
import sys

import overview
import pages


def main() -> int:
    """Write the generated parts, or list the files that need it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="write nothing, list files"
    )
    check = parser.parse_args().check
    different = overview.out_of_step()
    for path, text in different.items():
        name = path.relative_to(pages.ROOT)
        if check:
            print(f"{name} is out of step")
        else:
            pages.write(path, text)
            print(f"{name} written")
    return 1 if check and different else 0


if __name__ == "__main__":
    sys.exit(main())
