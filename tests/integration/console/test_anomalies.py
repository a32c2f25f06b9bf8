"""What fires, and closed windows: in the API by pages, for whom they are, on record; in a browser with what is next."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from proofwatch.access.roles import Role
from proofwatch.access.scopes import Scope
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.records import Outgoing, TopicPartition
from proofwatch.detection.incidents import Incidents
from proofwatch.events import topics
from proofwatch.runtime.clock import SimulatedClock
from services.aggregator.adapters.incident_store import save
from services.aggregator.adapters.incidents_told import incidents_of
from services.aggregator.app import Settings, build_incidents
from tests.integration.aggregator.test_incidents import chunks_of, whole
from tests.integration.aggregator.test_queries import DAY
from tests.integration.console.house import Console
from tests.integration.console.test_api import problem
from tests.integration.console.test_figure_pages import SIZES, WIDE, clean_but_for_404
from tests.integration.console.test_shift import signed_in, until
from tests.integration.console.test_tokens import asked, token
from tests.support.axe import hindrances
from tests.support.devtools import Browser
from tests.unit.aggregator.incidents.a_log import START_MS

HOUR = timedelta(hours=1)
ENDED: dict[str, Any] = {"state": "ended", "ended_by": "within", "until": DAY, "until_known": DAY}
SINCE = f"tenant=bank&since={DAY.date()}T00:00:00Z"


@pytest.fixture
async def firing(console: Console) -> Console:
    """Incidents, some of which ended; triage has read one. Otto may see another tenant."""
    clock = SimulatedClock(START_MS)
    bus = LocalBus({spec.name: spec.partitions for spec in topics.kafka_specs()}, clock)
    service = build_incidents(Settings(), bus, console.pool, clock)
    await service.start()
    for chunk in chunks_of(whole(2), 1_000):
        await bus.publish(chunk)
        clock.advance_to(max(each.timestamp_ms or 0 for each in chunk))
        while await service.step():
            pass
    clock.advance_to(clock.now_ms() + 60_000)
    while await service.step(idle=True):
        pass
    await service.stop()
    async with console.pool.acquire() as connection, connection.transaction():
        [one] = await incidents_of(connection, "bank")
        later = {str(n): one._replace(incident_id=f"{n:08x}{one.incident_id[8:]}", known_at=one.known_at + n * HOUR,
                                      **(ENDED if n % 2 else {}), evidence="weak" if n == 3 else "strong")
                 for n in (1, 2, 3, 4)}  # fmt: skip
        told = {each.incident_id: each for each in later.values()}
        await save(connection, "bank", Incidents(), Incidents(incidents=told))
    for at in range(4):
        for each in bus.log(TopicPartition(topics.INCIDENTS, at)).slice(0, 1_000_000):
            await console.triage.bus.publish([Outgoing(topics.INCIDENTS, each.key, each.value)])
    await console.triage.settle()
    await console.person("ada", Role.ANALYST)
    await console.person("otto", Role.ANALYST, tenants=("other",))
    await console.person("pia", Role.PRIVACY)
    return console


async def every(console: Console, path: str, items: str, who: str = "ada") -> list[dict[str, Any]]:
    """Return what all pages have, each no longer than was asked for."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        answer = await console.client(who).get(f"{path}&cursor={cursor}")
        assert answer.status_code == 200, answer.text
        found += answer.json()[items]
        if not (cursor := answer.json()["next"]):
            return found


async def test_incidents_are_told_page_by_page_those_known_last_first(firing: Console) -> None:
    """Nothing twice, nothing left out, of one tenant, as the table has them; on record each time."""
    rows = await firing.pool.fetch("select incident_id, state from incidents.incidents where tenant = 'bank'")
    there = {row["incident_id"]: row["state"] for row in rows}
    assert len(there) > 2
    for limit in (1, 2, 200):
        found = await every(firing, f"/v1/anomalies?tenant=bank&evidence=any&limit={limit}", "anomalies")
        assert len(found) == len(there)
        assert {each["incident_id"]: each["state"] for each in found} == there
        known = [each["known_at"] for each in found]
        assert known == sorted(known, reverse=True)
    one = found[0]
    assert one["tenant"] == "bank"
    assert 0 <= one["low"] <= one["rate"] <= one["high"] <= 1
    assert one["rate"] == one["k"] / one["n"]
    assert all(one[each] for each in ("title", "sure", "next_step", "rules", "metric"))
    acts = [each for each in await firing.entries() if each.action == "data.asked"]
    assert {(each.objects[0].id, each.tenant, each.outcome) for each in acts} == {("anomalies", "bank", "granted")}
    assert len(acts) > len(there)


async def test_incidents_are_filtered(firing: Console) -> None:
    found = await every(firing, "/v1/anomalies?tenant=bank&evidence=any", "anomalies")
    rule, since = found[0]["rules"][0], found[0]["known_at"]
    for query, holds in (
        ("state=firing", lambda each: each["state"] == "firing"),
        ("state=ended", lambda each: each["state"] == "ended"),
        ("evidence=strong", lambda each: each["evidence"] == "strong"),
        ("evidence=weak", lambda each: each["evidence"] == "weak"),
        (f"kind={rule}", lambda each: rule in each["rules"]),
        ("kind=silence", lambda each: "silence" in each["rules"]),
        (f"since={since}", lambda each: each["known_at"] >= since),
    ):
        path = f"/v1/anomalies?tenant=bank&{'' if 'evidence' in query else 'evidence=any&'}{query}"
        told = await every(firing, path, "anomalies")
        assert [each["incident_id"] for each in told] == [each["incident_id"] for each in found if holds(each)], query
    assert (await every(firing, "/v1/anomalies?tenant=nobody", "anomalies")) == []
    for wrong in (
        "state=open",
        "kind=guess",
        "since=2026-01-01T00:00:00",
        "cursor=x",
        "limit=0",
        "limit=201",
        "evidence=x",
    ):
        assert (await firing.client("ada").get(f"/v1/anomalies?tenant=bank&{wrong}")).status_code == 422, wrong


async def test_of_another_tenant_nothing_fires(firing: Console) -> None:
    """Neither in the API, nor on the pages, nor among the numbers on Now; a machine sees what a person of it would."""
    otto = firing.client("otto")
    assert problem(await otto.get("/v1/anomalies?tenant=bank")) == (403, "tenant_not_yours")
    assert problem(await otto.get(f"/v1/windows?{SINCE}")) == (403, "tenant_not_yours")
    for path in ("/", "/anomalies", "/anomalies?state=any"):
        page = await otto.get(path)
        assert (page.status_code, "bank" in page.text, "telco" in page.text) == (200, False, False), path
    assert (await otto.get("/anomalies?tenant=bank")).status_code == 403
    assert problem(await firing.client("pia").get("/v1/anomalies?tenant=bank")) == (403, "role_missing")
    assert (await firing.client("pia").get("/anomalies")).status_code == 403
    given = await token(firing, Scope.FIGURES, tenants=("telco",))
    assert (await asked(firing, given, "/v1/anomalies?tenant=telco")).status_code == 200
    assert problem(await asked(firing, given, "/v1/anomalies?tenant=bank")) == (403, "tenant_not_yours")
    other = await token(firing, Scope.CASES)
    assert (await asked(firing, other, "/v1/anomalies?tenant=bank")).status_code == 403


async def test_closed_windows_are_told_page_by_page(counting: Console) -> None:
    """As the table has them, the oldest first; of a segment its values, small ones kept back and counted."""
    rows = await counting.pool.fetch(
        "select start_ms from windows.buckets where tenant = 'bank' and length_s = 300 and closed order by start_ms"
    )
    assert len(rows) > 20
    for limit in (1, 7, 200):
        found = await every(counting, f"/v1/windows?{SINCE}&limit={limit}", "windows")
        assert len(found) == len(rows)
        starts = [each["start"] for each in found]
        assert starts == sorted(set(starts))
    rates = {each["metric"]: each for each in found[0]["rates"]}
    assert rates["rejection_rate"]["n"] > 0
    assert rates["rejection_rate"]["value"] == rates["rejection_rate"]["k"] / rates["rejection_rate"]["n"]
    days = await every(counting, f"/v1/windows?{SINCE}&length=1d", "windows")
    assert sum(each["transactions"] for each in days) == sum(each["transactions"] for each in found)
    by_os = await every(counting, f"/v1/windows?{SINCE}&length=1d&segment=os&limit=1", "windows")
    assert {each["segment_value"] for each in by_os} == {"ios", "android"}
    assert sum(each["transactions"] for each in by_os) == sum(each["transactions"] for each in days)
    small = (await counting.client("ada").get(f"/v1/windows?{SINCE}&segment=os")).json()
    assert all(each["transactions"] >= small["small_cell"] for each in small["windows"])
    assert small["small_values"] > 0
    for wrong in (
        "limit=0",
        "limit=201",
        "length=2m",
        "cursor=x",
        "cursor=LTE",
        "until=2025-01-01T00:00:00Z",
        "segment=OS",
    ):
        assert (await counting.client("ada").get(f"/v1/windows?{SINCE}&{wrong}")).status_code == 422, wrong
    assert {each.objects[0].id for each in await counting.entries() if each.action == "data.asked"} == {"windows"}


async def test_the_page_leads_to_the_case_and_to_what_was_counted(firing: Console) -> None:
    found = await every(firing, "/v1/anomalies?tenant=bank", "anomalies")
    page = (await firing.client("ada").get("/anomalies?tenant=bank&state=any")).text
    reasons = "triage.case_reasons join triage.cases using (case_id)"
    rows = await firing.pool.fetch(f"select source_id, case_id from {reasons} where kind = 'incident'")  # noqa: S608
    of = {row["source_id"]: row["case_id"] for row in rows}
    assert any(each["incident_id"] in of for each in found)
    for each in found:
        assert each["incident_id"] in page
        assert each["incident_id"] not in of or f"/cases/{of[each['incident_id']]}" in page
        assert f"{each['k']:,} of {each['n']:,}" in page
    for wrong in ("state=open", "kind=guess", "evidence=x", "since=yesterday", "tenant=%00"):
        assert (await firing.client("ada").get(f"/anomalies?{wrong}")).status_code == 422, wrong


@pytest.mark.timeout(900)
async def test_what_fires_is_reached_by_a_key_and_fits(firing: Console, tmp_path: Path) -> None:
    async with Browser() as browser:
        await signed_in(browser, firing, "ada", "/")
        assert "/anomalies?tenant=" in await browser.value("document.querySelector('main').innerHTML")
        await browser.press("W")
        await until(browser, "location.pathname === '/anomalies'")
        for scheme in ("light", "dark"):
            features = [{"name": "prefers-color-scheme", "value": scheme}]
            await browser.ask("Emulation.setEmulatedMedia", features=features)
            for width, height in SIZES:
                size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
                await browser.ask("Emulation.setDeviceMetricsOverride", **size)
                for name, path in (
                    ("now", "/"),
                    ("any", "/anomalies?tenant=bank&state=any"),
                    ("none", "/anomalies?tenant=bank&kind=silence"),
                ):
                    await browser.open(f"{firing.origin}{path}")
                    assert await browser.value(WIDE) == [], (name, width)
                    assert await hindrances(browser) == [], name
                    await browser.screenshot(tmp_path / f"{name}-{width}-{scheme}.png")
        clean_but_for_404(browser, firing)
