"""What the page of a run says is what the run's files say, number by number."""

from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

import orjson
import pytest

from proofwatch.detection.words import BECAME
from proofwatch.report.numbers import percent
from proofwatch.runtime.cell_settings import DEFAULT_SMALL_CELL
from tests.integration.standalone.a_day import ADay
from tests.support.html import assert_inert, parsed, text_of

RATES = ("fmr", "fnmr", "apcer", "bpcer", "iapar")


class Ran(NamedTuple):
    """A run's page, and what it wrote beside it."""

    page: Element
    summary: dict[str, Any]
    incidents: list[dict[str, Any]]
    windows: list[dict[str, Any]]


@pytest.fixture(scope="module")
def ran(day: ADay) -> Ran:
    out = day.out
    page = parsed((out / "report.html").read_text(encoding="utf-8"))
    assert_inert(page)
    return Ran(page, orjson.loads((out / "summary.json").read_bytes()), rows(out, "incidents"), rows(out, "windows"))


def rows(out: Path, name: str) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in (out / f"{name}.jsonl").read_bytes().splitlines()]


def plain(element: Element | None) -> str:
    return " ".join(text_of(element).split())


def table(page: Element, caption: str) -> dict[str, list[str]]:
    """Return the cells of the table with that caption by the name of the row."""
    (found,) = (each for each in page.iter("table") if plain(each.find("caption")).startswith(caption))
    return {plain(row[0]): [plain(cell) for cell in row[1:]] for row in found.iterfind("tbody/tr")}


def told(figure: dict[str, Any]) -> list[str]:
    """Return errors / trials and rate as a page has them."""
    counts = "–" if figure["n"] is None else f"{figure['k']:,} / {figure['n']:,}"
    return [" ".join(counts.split()), " ".join(percent(figure["value"]).split())]


def test_every_tenant_has_its_traffic_and_its_limits(ran: Ran) -> None:
    """By tenant: transactions, labels, and each rate that has a limit; together they are the run's."""
    tenants = ran.summary["tenants"]
    assert sum(each["transactions"] for each in tenants.values()) == ran.summary["conservation"]["decided"]
    assert sum(each["labelled"] for each in tenants.values()) == ran.summary["labels"]["joined"]
    articles = {plain(each.find("h2")).split()[0]: each for each in ran.page.iter("article")}
    quiet = {plain(each.find("strong")): each for each in ran.page.iterfind(".//ul[@class='quiet']/li")}
    assert set(articles) | set(quiet) == set(tenants)
    for name, article in articles.items():
        of = tenants[name]
        assert f"{of['transactions']:,} transactions, {of['labelled']:,} of them with a label" in plain(article)
        for line in article.iterfind("ul[@class='limits']/li"):
            figure = of["rates"][plain(line).split()[0].lower()]
            if figure and figure["n"]:
                assert " = ".join(told(figure)) in plain(line)
                assert figure["status"] in plain(line)


def test_every_incident_is_told_by_its_numbers(ran: Ran) -> None:
    """Those of strong evidence, under their tenant, in the order of the file; the weak ones are folded."""
    for article in ran.page.iter("article"):
        tenant = plain(article.find("h2")).split()[0]
        problems = [plain(each) for each in article.iterfind("ol/li")]
        strong = [each for each in ran.incidents if each["tenant"] == tenant and each["evidence"] == "strong"]
        assert len(problems) >= len(strong)
        for said, incident in zip(problems, strong, strict=False):
            lead = incident["lead"]
            assert said.startswith(incident["title"])
            assert f"{lead['k']:,} of {lead['n']:,}" in said or lead["rule"] != "twice_baseline"
            what = "attempts" if set(incident["metrics"]) <= BECAME.keys() else "rejected beyond"
            if proof := incident.get("proof"):
                assert f"{proof['accepted']:,} of {proof['attacks']:,}" in said
                continue  # of the rejected, those whom labels name are no longer said to be rejected wrongly
            people = incident.get("rejected_people")
            many = f"{incident['rejected']:,.0f} {what} " if people is None else f"{people:,.0f} people "
            if incident["rejected_people_by"]:  # other windows than those of the attempts
                many = f"the rejected were about {people:,.0f} by "
            assert many in said or incident["rejected"] < 1
            let_in = f"{incident['accepted']:,.0f} wrongly accepted"
            if incident["unchecked"]:
                let_in = f"{incident['unchecked']:,.0f} attempts passed unchecked"
            assert let_in in said or incident["accepted"] < 1
        folded = [plain(each) for each in article.iterfind("details/ol/li")]
        assert len(folded) == sum(each["tenant"] == tenant and each["evidence"] == "weak" for each in ran.incidents)


def test_the_rates_are_those_of_the_summary(ran: Ran) -> None:
    """Pooled, by tenant, by species and by segment value; those of few people are kept back and counted."""
    evaluation, tenants = ran.summary["evaluation"], ran.summary["tenants"]
    shown = table(ran.page, "Error rates at the thresholds in force")
    for name, figure in (("FMR: impostors matched", evaluation["match"]["fmr"]),
                         ("BPCER: bona fide presentations rejected", evaluation["liveness"]["bpcer"])):  # fmt: skip
        assert shown[name][:2] == told(figure)
    for metric in RATES[:4]:
        for tenant, cells in table(ran.page, f"{metric.upper()} by tenant").items():
            assert cells[:2] == told(tenants[tenant]["rates"][metric])
    for species, cells in table(ran.page, "APCER by species").items():
        assert cells[:2] == told(evaluation["liveness"]["apcer_by_species"][species])
    for name, values in evaluation["segments"].items():
        of = {value: each["match"]["fnmr"] for value, each in values.items() if each["match"]}
        cells_of = table(ran.page, f"FNMR by {name}")
        assert all(cells[:2] == told(of[value]) for value, cells in cells_of.items())
        assert all(of[value]["n"] >= DEFAULT_SMALL_CELL for value in cells_of)


def test_the_timeline_sums_to_the_windows(ran: Ran) -> None:
    """Every five-minute window of a whole tenant, its last revision, is in one row."""
    latest = {
        (each["tenant"], each["start"]): each["counts"]
        for each in sorted(ran.windows, key=lambda each: int(each["revision"]))
        if each["kind"] == "decisions" and each["segment_name"] is None and each["length_s"] == 300
    }
    summed = Counter[str]()
    for counts in latest.values():
        summed.update(counts)
    columns = [
        [int(cell.replace(",", "")) for cell in column]
        for column in zip(*table(ran.page, "Counts per").values(), strict=True)
    ]
    rejected = summed["decision.retry"] + summed["decision.refer"]
    assert [sum(column) for column in columns[:2]] == [summed["transactions"], rejected]
    assert sum(columns[3]) == summed["liveness.fail"]
