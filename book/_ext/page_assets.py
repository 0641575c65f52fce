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
    content = list(doctree.findall()) if doctree else []
    for kind in ("css_files", "script_files"):
        context[kind] = [f for f in context[kind] if needed(f, content)]
    if pagename != "search":  # its own scripts follow upon these
        scripts = context["script_files"]
        context["script_files"] = [deferred(script) for script in scripts]


def needed(file: Any, content: list[nodes.Node]) -> bool:
    """Whether a page needs a script or a style sheet of its head."""
    text = f"{file.filename} {file.attributes.get('body')}".lower()
    return all(
        any(isinstance(node, kinds) for node in content)
        for word, kinds in NEEDED_BY.items()
        if word in text
    )


def deferred(script: Any) -> Any:
    """The script, to be run when the page's text is there."""
    # what stands in the page itself reads the documentation's options
    if not script.filename or "options" in script.filename:
        return script
    attributes = {**script.attributes, "defer": "defer"}
    return type(script)(
        script.filename, priority=script.priority, **attributes
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
