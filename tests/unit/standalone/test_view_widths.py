"""At 80, 100 and 120 columns every rate stays in sight while an attack makes numbers and intervals wide."""

import io
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from proofwatch.bus.records import Record
from proofwatch.events import topics
from proofwatch.runtime.terminal import Terminal
from services.standalone.core.overview import LABELLED, RATES, Overview
from services.standalone.fitting import Newest, cut, cut_before
from services.standalone.view.screen import View
from tests.unit.standalone.test_report_timeline import anomaly

ROOT = Path(__file__).parents[3]
TENANTS = ("harbour-bank", "kestrel-telecom", "ekyc-vendor")
EXAMPLE: dict[str, Any] = json.loads((ROOT / "schemas/examples/incident/full.json").read_text())
PERCENT = re.compile(r"\d+(?:\.\d+)?%")


def window(tenant: str, kind: str, rates: dict[str, tuple[int, int]]) -> dict[str, Any]:
    figures = [{"metric": name, "k": k, "n": n} for name, (k, n) in rates.items()]
    head = {"kind": kind, "tenant": tenant, "segment_name": None, "revision": 1, "start": "2026-01-15T02:00:00Z"}
    return head | {"length_s": 300 if kind == "decisions" else 86_400, "figures": figures}


def note(overview: Overview, topic: str, *values: dict[str, Any]) -> None:
    overview.note(topic, [Record(n, 0, b"", json.dumps(each).encode(), ()) for n, each in enumerate(values)])


def incident(name: str, value: str, **changes: Any) -> dict[str, Any]:
    root = [{"segment_name": name, "segment_value": value}]
    numbers = {"metric": "liveness_fail_rate", "k": 1234, "n": 5678, "rejected": 1120.4, "accepted": 3.0}
    head = {"tenant": "kestrel-telecom", "state": "firing", "evidence": "strong", "root": root}
    return EXAMPLE | head | numbers | changes


def attacked(tenants: tuple[str, ...] = TENANTS) -> Overview:
    """Few trials and many failures: rates of two digits, intervals of two digits on either side."""
    overview = Overview()
    for n, tenant in enumerate(tenants):
        rates = dict.fromkeys(RATES, (11 + n, 23 + n))
        labelled = dict.fromkeys(LABELLED, (1234 + n, 12345 + n))
        note(overview, topics.WINDOWS, window(tenant, "decisions", rates), window(tenant, "labelled", labelled))
    note(overview, topics.INCIDENTS, incident("device_model", "Some Long Model 12 Pro Max 5G"))
    note(
        overview,
        topics.ANOMALIES,
        anomaly(
            0, tenant="kestrel-telecom", segment_name="device_model", segment_value="Some Long Model 12 Pro Max 5G",
            metric="liveness_fail_rate", severity="high", ratio=123.4, k=1234, n=5678, rate=1234 / 5678,
        ),
    )  # fmt: skip
    return overview


def screen(overview: Overview, width: int, height: int = 40) -> list[str]:
    out = io.StringIO()
    Terminal(out, width=width).print(View("demo", 10).render(overview, 1, 0), height=height)
    return out.getvalue().splitlines()


@pytest.mark.parametrize("width", [10, 3])
def test_of_a_curve_the_newest_is_shown_on_one_line(width: int) -> None:
    out = io.StringIO()
    Terminal(out, width=width).print(Newest("▁▂▃▄▅▆▇█", ""))
    assert out.getvalue().splitlines() == ["▁▂▃▄▅▆▇█"[-width:]]


@pytest.mark.parametrize("width", [80, 100, 120, 200])
@pytest.mark.parametrize("height", [24, 40])
def test_every_rate_of_every_tenant_is_in_sight(width: int, height: int) -> None:
    """Each on a row of its own, with a whole number in percent for each tenant."""
    lines = screen(attacked(), width, height)
    assert len(lines) == height
    for name in RATES:
        (row,) = [line for line in lines if line.startswith(f"│  {name.replace('_', ' ')} ")]
        assert len(PERCENT.findall(row)) >= len(TENANTS), row
        assert "47." in row
    for name in LABELLED:
        (row,) = [line for line in lines if re.search(rf"\b{name.upper()}\b", line)]
        assert "10.0" in row[row.index(name.upper()) :]


@pytest.mark.parametrize("width", [80, 100, 120])
def test_intervals_are_shown_as_far_as_there_is_room(width: int) -> None:
    """A number that someone may act on carries its interval: shortened, before it is left out."""
    (row,) = [line for line in screen(attacked(), width) if line.startswith("│  fta rate ")]
    assert len(re.findall(r"\(\d+(?:\.\d%)?–\d+(?:\.\d%)?\)", row)) == len(TENANTS)


@pytest.mark.parametrize("width", [80, 100, 120])
def test_a_line_of_the_feed_keeps_its_numbers(width: int) -> None:
    """Whose it is may be cut; how much it is may not."""
    said = "\n".join(screen(attacked(), width))
    assert "1,234/5,678, ~1,123 people" in said
    assert "incident kestrel-telecom" in said
    assert re.search(r"kest.* 21\.7% \(1234/5678\) +123\.4 ", said), "nor what is firing"


def test_with_more_tenants_than_fit_it_is_said_how_many_more() -> None:
    """No row is lost, and no number is cut."""
    lines = screen(attacked(tuple(f"tenant-number-{n}" for n in range(20))), 80)
    (heading,) = [line for line in lines if re.search(r"\brate\b.*\+\d+", line)]
    assert "+" in heading
    for name in RATES:
        (row,) = [line for line in lines if line.startswith(f"│  {name.replace('_', ' ')} ")]
        assert len(PERCENT.findall(row)) >= 5
        assert "…" not in row


def test_equal_lines_are_counted() -> None:
    """The same said twice is one line."""
    overview = attacked()
    same = [incident("os", "ios", incident_id=f"{n}", k=3, n=9, rejected=0.0, accepted=0.0) for n in range(3)]
    note(overview, topics.INCIDENTS, *same)
    assert [line.times for line in overview.feed] == [1, 3]
    assert "3/9 (× 3)" in "\n".join(screen(overview, 80))


def test_an_incident_is_told_when_it_begins_and_when_it_ends() -> None:
    """Once each; not while its evidence is weak, nor of one that turned out to be another's. Anomalies are not told."""
    overview = Overview()
    begun, ended = incident("os", "ios"), incident("os", "ios", state="ended", until="2026-03-02T15:00:00Z")
    note(overview, topics.INCIDENTS, begun | {"evidence": "weak"}, begun, begun | {"revision": 3}, ended)
    note(overview, topics.INCIDENTS, incident("os", "x", incident_id="another", state="merged"))
    note(overview, topics.INCIDENTS, incident("os", "y", incident_id="chance", evidence="weak"))
    note(overview, topics.ANOMALIES, anomaly(0, severity="high"))
    assert [(line.kind, line.what.partition(":")[0]) for line in overview.feed] == [
        ("incident", "failed liveness checks"), ("incident", "ended"),
    ]  # fmt: skip
    assert overview.feed[1].at == "15:00"


@pytest.mark.parametrize("width", [80, 100, 120])
def test_the_state_of_labels_is_said_at_every_time_of_day(width: int) -> None:
    """How many came, since when none, and how many trials are in the rates: before a day closes and after."""
    overview, noon = Overview(), round(datetime(2026, 1, 15, 12, tzinfo=UTC).timestamp() * 1000)
    hour = 3_600_000
    assert "none came yet; no day closed yet" in said_at(overview, width, noon)
    overview.note_labels(2_757, noon - hour // 2)
    assert "2,757 labels for 0 verdicts" in said_at(overview, width, noon)
    assert "last 11:30; no day closed yet" in said_at(overview, width, noon)
    assert "none since 11:30; no day closed yet" in said_at(overview, width, noon + hour)
    day = window("bank", "labelled", dict.fromkeys(LABELLED, (1, 100)))
    counts = {"genuine.passed": 90, "attack:mask.failed": 10, "match.requested": 100, "system:attack:mask.passed": 1}
    note(overview, topics.WINDOWS, day | {"counts": counts})
    assert "1 day, 100 trials" in said_at(overview, width, noon)
    assert "none since 15 Jan 11:30" in said_at(overview, width, noon + 20 * hour)


def said_at(overview: Overview, width: int, now_ms: int) -> str:
    out = io.StringIO()
    Terminal(out, width=width).print(View("demo", 10).render(overview, 1, now_ms), height=40)
    return out.getvalue()


def test_what_is_cut_is_the_text() -> None:
    """Never the numbers; wide letters count twice."""
    assert cut("abcdef", 4) == "abc…"
    assert cut("漢字漢字", 5) == "漢字…"
    assert cut_before("liveness fail rate", "3/9", 10) == "liven… 3/9"
    assert cut_before("liveness fail rate", "1234/5678", 10) == "1234/5678"
