"""The page of an evaluated file: one file of any kind, of a size that can be sent, with the numbers of the JSON."""

import csv
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

import orjson
import pytest

from proofwatch.report.numbers import percent
from services.cli import main
from tests.support.html import assert_inert, parsed, text_of

Rows = list[dict[str, Any]]
HOSTILE = """<script>a()</script>"'&\x1b[31m=1+1"""


class Evaluated(NamedTuple):
    """The page and the JSON of one call."""

    page: Element
    figures: dict[str, Any]
    text: str
    size: int


@pytest.fixture
def evaluate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Evaluated]:
    def made(rows: Rows, name: str = "scores.csv") -> Evaluated:
        file, page = tmp_path / name, tmp_path / "page.html"
        with file.open("w", newline="", encoding="utf-8") as out:
            writer = csv.DictWriter(out, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        assert main(["evaluate", str(file), "--html", str(page), "--match-threshold", "0.5"]) == 0
        html = page.read_text(encoding="utf-8")
        document = parsed(html)
        assert_inert(document)
        return Evaluated(document, orjson.loads(capsys.readouterr().out), plain(document.find("body")), len(html))

    return made


def plain(element: Element | None) -> str:
    return " ".join(text_of(element).split())


def trials(count: int, *, groups: int = 2, attacks: float = 0.3, name: str = "model") -> Rows:
    random = Random(4)
    rows = []
    for number in range(count):
        attack = random.random() < attacks
        rows.append({
            "match_score": f"{random.betavariate(6, 2):.4f}", "pair": "genuine",
            "liveness_score": f"{random.betavariate(2, 5) if attack else random.betavariate(9, 1):.4f}",
            "presentation": "attack" if attack else "bona_fide", "pai_species": "mask" if attack else "",
            "device_model": f"{name} {number % groups}",
        })  # fmt: skip
    return rows


def test_the_page_opens_with_what_is_wrong_in_the_numbers_of_the_json(evaluate: Callable[..., Evaluated]) -> None:
    """Each broken limit with its counts; the limits that cannot be judged say what is missing."""
    made = evaluate(trials(4_000))
    fnmr, figures = made.figures["match"]["fnmr"], made.figures["liveness"]
    assert "The limit is proven broken: genuine people not matched (FNMR)" in made.text
    assert f"{fnmr['k']:,} / {fnmr['n']:,} = {plain_percent(fnmr['value'])}" in made.text
    assert f"{figures['bpcer']['k']:,} / {figures['bpcer']['n']:,}" in made.text
    assert "FMR ≤ 0.1 % ? INSUFFICIENT: no labelled impostor" in made.text
    assert "4,000 transactions, 4,000 of them with a label" in made.text


def plain_percent(value: float) -> str:
    return " ".join(percent(value).split())


@pytest.mark.parametrize(
    "rows",
    [trials(1), trials(60, attacks=1.0), trials(60, attacks=0.0), trials(400, groups=5, name=HOSTILE)],
    ids=["one row", "only attacks", "only bona fide", "hostile names"],
)
def test_any_file_has_a_page(evaluate: Callable[..., Evaluated], rows: Rows) -> None:
    """Nothing in it runs, and nothing is missing without a word."""
    made = evaluate(rows)
    assert "How to read this" in made.text
    assert ("could not be judged" in made.text.lower()) or ("INSUFFICIENT" in made.text)


def test_two_hundred_groups_fit_into_one_megabyte(evaluate: Callable[..., Evaluated]) -> None:
    """Of many values those with the most trials are shown, and how many are not."""
    made = evaluate(trials(12_000, groups=200))
    assert made.size < 1_000_000
    assert "100 more, those with the fewest trials, are left out here" in made.text


def test_small_groups_are_kept_back(evaluate: Callable[..., Evaluated]) -> None:
    """They show single people."""
    rows = trials(3_000) + [trials(1)[0] | {"device_model": f"rare {n}"} for n in range(4)]
    made = evaluate(rows)
    captions = [each for each in made.page.iter("table") if plain(each.find("caption")) == "FNMR by device_model"]
    names = [plain(row[0]) for row in captions[0].iterfind("tbody/tr")]
    assert names == ["model 0", "model 1"] or names == ["model 1", "model 0"] or len(names) == 1
    assert "are kept back: so few show single people" in made.text
    assert "rare" not in made.text, "nor by its name, among the reasons of a status"


def test_the_setting_says_which_groups_are_small(
    evaluate: Callable[..., Evaluated], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same setting as for windows and questions."""
    rows = trials(200, attacks=0.0)
    assert "model 1" in evaluate(rows).text
    monkeypatch.setenv("PROOFWATCH_SMALL_CELL", "101")
    assert "model 1" not in evaluate(rows).text


def test_a_page_that_cannot_be_written_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, exit code 2."""
    (tmp_path / "s.csv").write_text("match_score,pair\n0.9,genuine\n")
    assert main(["evaluate", str(tmp_path / "s.csv"), "--html", str(tmp_path / "no" / "page.html")]) == 2
    assert "page.html: cannot be written (No such file or directory)" in capsys.readouterr().err
