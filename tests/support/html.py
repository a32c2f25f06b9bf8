"""HTML as a browser understands it: html5lib builds the tree that the HTML standard prescribes."""

from collections.abc import Collection
from typing import Final
from xml.etree.ElementTree import Element

import html5lib

DRAWN: Final = frozenset({"svg", "defs", "style", "g", "path", "text", "use", "clipPath", "rect"})
WRITTEN: Final = frozenset({
    "html", "head", "meta", "title", "style", "body", "main", "header", "h1", "h2", "h3", "p", "strong", "nav", "a",
    "section", "figure", "figcaption", "details", "summary", "div", "span", "br", "dl", "dt", "dd", "ol", "li",
    "table", "caption", "thead", "tbody", "tr", "th", "td",
})  # fmt: skip
"""Every element that our templates and plots have."""


def parsed(html: str) -> Element:
    """Return the document without name spaces; raise where the HTML standard sees an error."""
    document: Element = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(html)
    for element in document.iter():
        element.tag = str(element.tag).rpartition("}")[2]
    return document


def text_of(element: Element | None) -> str:
    """Return all text within an element."""
    assert element is not None
    return "".join(element.itertext())


def assert_inert(document: Element, known: Collection[str] = WRITTEN | DRAWN) -> None:
    """Hold a document against what ours are made of: known elements, no handlers, references within the page only."""
    tags = {str(element.tag) for element in document.iter()}
    assert tags <= set(known), tags - set(known)
    for element in document.iter():
        for name, value in element.attrib.items():
            assert not name.startswith("on"), name
            if name.rpartition("}")[2] in ("href", "src", "action", "formaction", "data", "poster"):
                assert value.startswith("#"), value
