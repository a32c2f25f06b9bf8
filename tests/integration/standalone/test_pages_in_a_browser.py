"""The pages as a reader sees them: on a telephone, in the dark, with tables that can be sorted."""

import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from services.cli import main
from tests.integration.standalone.a_day import ADay
from tests.support.browser import seen

WIDE = """(page) => ({
  width: page.documentElement.scrollWidth,
  out: [...page.querySelectorAll("body *")].filter((each) => !each.closest(".wide") &&
    each.getBoundingClientRect().right > 361).map((each) => each.outerHTML.slice(0, 80)) })"""
SORTED = """(page) => {
  const table = [...page.querySelectorAll("table")].find((each) => each.caption.textContent.startsWith("Error rates"));
  const heading = table.tHead.rows[0].cells[2];
  const column = () => [...table.tBodies[0].rows].map((row) => parseFloat(row.cells[2].textContent));
  const pressed = () => {
    heading.querySelector("button").click();
    return [heading.getAttribute("aria-sort"), column()];
  };
  return { down: pressed(), up: pressed() };
}"""
COLOURS = r"""(page, window) => {
  const paper = window.getComputedStyle(page.body).backgroundColor;
  const words = [...page.querySelectorAll("p, td, th, dt, dd, li, h1, h2, figcaption, .status, svg text")];
  const over = (each) => { const found = window.getComputedStyle(each).backgroundColor;
    return found === "rgba(0, 0, 0, 0)" ? each.parentElement ? over(each.parentElement) : paper : found; };
  const light = (colour) => { const part = colour.match(/[\d.]+/g).slice(0, 3).map((each) => each / 255)
    .map((each) => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2]; };
  const contrast = words.filter((each) => each.textContent.trim()).map((each) => {
    const style = window.getComputedStyle(each), ink = each.namespaceURI.endsWith("svg") ? style.fill : style.color;
    const [low, high] = [light(ink), light(over(each))].sort((one, other) => one - other);
    return [(high + 0.05) / (low + 0.05), each.outerHTML.slice(0, 100)]; });
  return { paper, worst: contrast.sort((one, other) => one[0] - other[0])[0] };
}"""
HEARD = """(page) => ({
  levels: [...page.querySelectorAll("h1, h2, h3")].map((each) => Number(each.tagName[1])),
  captions: [...page.querySelectorAll("table")].every((each) => each.caption && each.caption.textContent.trim()),
  drawings: [...page.querySelectorAll("svg")].every((each) => each.getAttribute("aria-hidden") === "true" ||
    (each.getAttribute("role") === "img" && each.querySelector("title").textContent.trim())),
  links: [...page.querySelectorAll("a")].every((each) => page.getElementById(each.getAttribute("href").slice(1))) })"""


CUT = """(page) => [...page.querySelectorAll("table")].filter((each) => each.getClientRects().length).map((each) => ({
  caption: each.caption.textContent, over: each.closest(".wide").scrollWidth - each.closest(".wide").clientWidth,
  unnamed: [...each.tBodies[0].rows].some((row) => [...row.cells].some((cell) => !cell.dataset.head)) }))
  .filter((each) => each.over > 0 || each.unnamed)"""


@pytest.fixture(scope="module")
def pages(day: ADay, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page of a run, and that of an evaluated file with groups of long names."""
    out = tmp_path_factory.mktemp("pages")
    shutil.copy(day.out / "report.html", out)
    rows = [
        f"{0.3 + 0.7 * (n % 97) / 97:.3f},{'genuine' if n % 3 else 'impostor'},{'x' * 50} {n % 4}" for n in range(400)
    ]
    (out / "scores.csv").write_text("match_score,pair,device_model\n" + "\n".join(rows) + "\n")
    assert main(["evaluate", str(out / "scores.csv"), "--html", str(out / "evaluation.html")]) == 0
    return {"run": out / "report.html", "evaluation": out / "evaluation.html"}


@pytest.mark.parametrize("name", ["run", "evaluation"])
def test_a_page_fits_a_telephone(pages: dict[str, Path], name: str) -> None:
    """At 360 px nothing but tables and drawings has to be scrolled, and these scroll by themselves."""
    found = seen(pages[name], WIDE, width=360)
    assert found["out"] == []
    assert found["width"] <= 360


@pytest.mark.parametrize("name", ["run", "evaluation"])
def test_no_table_is_cut_on_a_telephone(pages: dict[str, Path], name: str) -> None:
    """At 360 px a row is a card; each value stands by the name of its column, and nothing is beyond the edge."""
    assert seen(pages[name], CUT, width=360) == []


def test_a_table_is_sorted_by_the_column_that_is_pressed(pages: dict[str, Path]) -> None:
    """By its numbers, downwards first; it is said to who cannot see it."""
    found = seen(pages["run"], SORTED)
    (down, high_first), (up, low_first) = found["down"], found["up"]
    assert (down, up) == ("descending", "ascending")
    assert high_first == sorted(high_first, reverse=True)
    assert low_first == sorted(low_first)
    assert len(set(low_first)) > 3


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", ["run", "evaluation"])
def test_every_word_can_be_read_by_day_and_by_night(pages: dict[str, Path], name: str, *, dark: bool) -> None:
    """On dark paper where a reader wants it; words stand out as WCAG 2.2 AA asks (4.5 to 1), in drawings too."""
    found = seen(pages[name], COLOURS, dark=dark)
    assert (found["paper"] == "rgb(255, 255, 255)") != dark
    assert found["worst"][0] >= 4.5, found["worst"]


@pytest.mark.parametrize("name", ["run", "evaluation"])
def test_a_page_can_be_heard(pages: dict[str, Path], name: str) -> None:
    """Headings leave out no level, every table and every drawing says what it is, links lead somewhere."""
    found = seen(pages[name], HEARD)
    levels = found["levels"]
    assert levels[0] == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))
    assert (found["captions"], found["drawings"], found["links"]) == (True, True, True)
