"""What a template shows is text, whatever it holds; what it does not know stops it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError
from markupsafe import Markup
from matplotlib.figure import Figure as Canvas

from proofwatch.plain import one_line
from proofwatch.report.page import render
from proofwatch.report.parts import Plot, Table
from proofwatch.report.svg import render as drawn
from tests.support.html import DRAWN, assert_inert, parsed, text_of
from tests.unit.test_plain import ANYTHING

PAGE = """\
{% extends "base.html" %}
{% from "parts.html" import plot, section, table %}
{% block sections %}
{% call section("one", value) %}
<p title="{{ value }}">{{ value }}</p>
{{ table(Table(value, [value], [(value, value)])) }}
{{ plot(Plot(drawing, value, Table("", [], []))) }}
{% endcall %}
{% endblock %}
"""
MARKUP = st.sampled_from([
    "<script>alert(1)</script>", "</style><b>", "</title><b>", "</svg><b>", "--><b>", "]]><b>", "&lt;b&gt;", "'\"><b>",
    "javascript:alert(1)", "{{ 7 * 7 }}", "{% raw %}",
])  # fmt: skip
DRAWING = Markup("<svg></svg>")


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("templates")
    (folder / "page.html").write_text(PAGE)
    return folder


@pytest.fixture(scope="module")
def elements(templates: Path) -> list[str]:
    """The elements of the page of a harmless value."""
    return [str(element.tag) for element in parsed(page(templates, "harmless")).iter()]


def page(templates: Path, value: str) -> str:
    content = {"title": value, "contents": {"one": value}, "value": value, "drawing": DRAWING}
    return render(templates, "page.html", **content, Table=Table, Plot=Plot)


@given(value=st.lists(MARKUP | ANYTHING, max_size=3).map("".join))
def test_a_value_is_text_wherever_it_stands(templates: Path, elements: list[str], value: str) -> None:
    """In title, headings, cells, captions and attributes: one sees it, and the elements are the same."""
    document = parsed(page(templates, value))
    assert [str(element.tag) for element in document.iter()] == elements
    shown = one_line(value)
    paragraph = document.find(".//p")
    assert paragraph is not None
    assert paragraph.get("title") == shown
    assert [text_of(document.find(f".//{tag}")) for tag in ("p", "h2", "caption", "td", "figcaption")] == [shown] * 5


def test_a_name_that_is_not_there_is_an_error(templates: Path) -> None:
    """Never an empty place on a page that somebody decides by."""
    with pytest.raises(UndefinedError, match="drawing"):
        render(templates, "page.html", title="", contents={}, value="", Table=Table, Plot=Plot)


@pytest.mark.parametrize(
    "value", ["</text><script>a()</script>", "</svg><b>", "]]>--><b>", "$x$ & \x1b \u202e '\"", ""]
)
def test_a_drawing_shows_a_value_as_text(value: str) -> None:
    """In labels, legends, titles and the description."""

    def draw(canvas: Canvas) -> None:
        axes = canvas.subplots()
        axes.plot([0, 1], [0, 1], label=value or "none")
        axes.set_title(value)
        axes.set_yticks([0, 1], [value, "b"])
        axes.legend()

    document = parsed(f"<!DOCTYPE html><title>x</title>{drawn('plot', value, (3, 2), draw)}")
    assert_inert(document, DRAWN | {"html", "head", "title", "body"})
    svg = document.find(".//svg")
    assert svg is not None
    assert text_of(svg.find("title")) == one_line(value)
    texts = [text_of(element) for element in document.iter("text")]
    assert texts.count(one_line(value)) >= 3 or not value
