"""HTML as a browser understands it: html5lib builds the tree that the HTML standard prescribes."""

from base64 import b64encode
from collections.abc import Collection
from hashlib import sha256
from typing import Final
from xml.etree.ElementTree import Element

import html5lib

DRAWN: Final = frozenset({"svg", "title", "defs", "style", "g", "path", "text", "use", "clipPath", "rect"})
WRITTEN: Final = frozenset({
    "html", "head", "meta", "title", "style", "body", "main", "header", "h1", "h2", "h3", "p", "strong", "nav", "a",
    "section", "article", "figure", "figcaption", "details", "summary", "div", "span", "br", "dl", "dt", "dd", "ol",
    "ul", "li", "table", "caption", "thead", "tbody", "tr", "th", "td", "script",
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


def policy_of(document: Element) -> str:
    """Return the page's Content-Security-Policy, of which it has one."""
    (policy,) = (
        each.get("content", "") for each in document.iter("meta") if each.get("http-equiv") == "Content-Security-Policy"
    )
    return policy


def hash_of(script: str) -> str:
    """Return how a Content-Security-Policy names a script."""
    return f"sha256-{b64encode(sha256(script.encode()).digest()).decode()}"


def assert_inert(document: Element, known: Collection[str] = WRITTEN | DRAWN) -> None:
    """Hold a document against what ours are made of: known elements, no handlers, references within the page only.

    The one script that may be there is the one that the page's policy lets run.
    """
    tags = {str(element.tag) for element in document.iter()}
    assert tags <= set(known), tags - set(known)
    for script in document.iter("script"):
        assert not script.attrib
        assert policy_of(document).endswith(f"script-src '{hash_of(text_of(script))}'")
    for element in document.iter():
        for name, value in element.attrib.items():
            assert not name.startswith("on"), name
            if name.rpartition("}")[2] in ("href", "src", "action", "formaction", "data", "poster"):
                assert value.startswith("#"), value
