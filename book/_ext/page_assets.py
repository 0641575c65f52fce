"""What every page loads and says to screen readers: less, and more.

Jupyter Book and the theme put a dozen scripts into every page. Each holds
its text up; one is made for code from a content network. The pages of this
book keep the scripts that they use, and these wait until the text is there.
"""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

CODE = (nodes.literal_block,)
# files that a page needs if it has a node of one of these kinds
NEEDED_BY = {
    "mathjax": (nodes.math, nodes.math_block),
    "mystnb": CODE,
    "pygments": CODE,
    "copybutton": CODE,
    "clipboard": CODE,
    # no page has these: live code, toggle buttons, tabs
    "thebe": (),
    "toggle": (),
    "design": (),
}


def lighten(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    """Keep the scripts and styles that a page needs, and defer scripts."""
    if doctree is None:  # the search page runs its scripts in a row
        return
    for kind in ("css_files", "script_files"):
        context[kind] = [f for f in context[kind] if needed(f, doctree)]
    for script in context["script_files"]:
        # scripts inside the page read the documentation's options at once
        if script.filename and "options" not in script.filename:
            script.attributes["defer"] = "defer"


def needed(file: Any, doctree: nodes.document) -> bool:
    """Whether a page needs a script or a style sheet of its head."""
    text = f"{file.filename} {file.attributes.get('body')}".lower()
    return all(
        any(isinstance(node, kinds) for node in doctree.findall())
        for word, kinds in NEEDED_BY.items()
        if word in text
    )


def visit_citation(
    translator: HTML5Translator, node: nodes.citation
) -> None:
    """Write an entry of the bibliography as what it stands in, a list."""
    HTML5Translator.visit_citation(translator, node)
    translator.body[-1] = translator.body[-1].replace(
        "doc-biblioentry", "listitem"
    )


def setup(app: Sphinx) -> dict:
    """Change the pages' heads last, when the other extensions are done."""
    app.connect("html-page-context", lighten, priority=900)
    app.add_node(
        nodes.citation,
        override=True,
        html=(visit_citation, HTML5Translator.depart_citation),
    )
    return {"version": "1", "parallel_read_safe": True}
