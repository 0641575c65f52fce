"""The records of a page's long trainings, and what its text says of them.

The quick run trains small networks on small digits. A claim that only the
real data show is tested on the records of the real runs.
"""

import json

import pages

BOOK = pages.ROOT / "book"


class Page:
    """Records and text of one page."""

    def __init__(self, section: str, notebook: str):
        """Read `runs/<section>.json` and the page's text."""
        path = BOOK / "runs" / f"{section}.json"
        self.records = json.loads(path.read_text("utf-8")).values()
        self.text = "\n".join(
            cell.source
            for cell in pages.read(BOOK / notebook).cells
            if cell.cell_type == "markdown"
        )

    def runs(self, *words, images, train, seeds=3, counts=None, **settings):
        """Records of the networks with these words, by their seeds.

        `counts` says how often a word stands in the printed structure.
        """
        counts = counts or {}
        found = [
            record
            for record in self.records
            if all(word in record["model"] for word in words)
            and all(
                record["model"].count(w) == n for w, n in counts.items()
            )
            and record["settings"]["images"]["name"] == images
            and record["settings"]["images"]["train"] == train
            and all(record["settings"][k] == v for k, v in settings.items())
        ]
        found.sort(key=lambda record: record["settings"]["seed"])
        assert [r["settings"]["seed"] for r in found] == list(range(seeds))
        return found

    def said(self, value, digits=1):
        """Whether the page's text names this number."""
        return f"{value:.{digits}f}" in self.text
