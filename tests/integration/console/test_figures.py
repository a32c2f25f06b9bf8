"""Figures over HTTP: the same numbers as the commands', for whom they are, on record, and nothing of other tenants."""

from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from proofwatch.access.roles import Role
from proofwatch.governance.policy import load_policy
from proofwatch.instants import ms_of
from services.aggregator.adapters.database_source import load_database
from services.aggregator.core.found import Query
from services.aggregator.core.handsets import handsets
from services.aggregator.core.span import Span, counted, truth
from services.aggregator.core.span_rates import span_rates
from tests.integration.aggregator.test_queries import DAY
from tests.integration.console.house import Console
from tests.integration.console.test_api import problem
from tests.integration.console.test_shift import clean, signed_in
from tests.support.axe import hindrances
from tests.support.devtools import Browser

SINCE = f"tenant=bank&since={quote(DAY.isoformat())}"


async def test_figures_are_those_of_the_windows_and_on_record(counting: Console) -> None:
    ada = counting.client("ada")
    assert (await ada.get("/v1/tenants")).json() == {"tenants": ["bank"]}
    found = await load_database(counting.pool, Query("bank", Span(ms_of(DAY)), ("os", "device_model")))
    total, known = counted(found.counted), truth(found.labelled)

    told = (await ada.get(f"/v1/rates?{SINCE}")).json()
    expected = span_rates(total, known, load_policy(), small_cell=10).rates
    assert [(r["source"], r["metric"], r["k"], r["n"], r["status"]) for r in told["rates"]] == [
        (each.source, each.figure.metric, each.figure.k, each.figure.n, each.figure.status) for each in expected
    ]
    assert {each["source"] for each in told["rates"]} == {"decisions", "labelled"}
    assert (told["tenant"], told["zone"], told["policy_hash"]) == ("bank", "UTC", load_policy().hash)

    by_os = (await ada.get(f"/v1/rates?{SINCE}&segment=os")).json()["rates"]
    assert {each["segment_value"] for each in by_os} == {"ios", "android"}
    one = (await ada.get(f"/v1/rates?{SINCE}&segment=os%3Dios")).json()["rates"]
    assert one == [each for each in by_os if each["segment_value"] == "ios"]

    rows = (await ada.get(f"/v1/handsets?{SINCE}")).json()["handsets"]
    expected_rows = handsets(total, names=("device_model", "os"), small_cell=10).rows
    assert [(r["segment_name"], r["segment_value"], r["failure"]["k"], r["excess_rejections"]) for r in rows] == [
        (*each.segment, each.failure.k, each.excess_rejections) for each in expected_rows
    ]

    what_if = (await ada.get(f"/v1/what-if?{SINCE}&liveness_threshold=0.5")).json()
    assert {each["metric"] for each in what_if["rates"]} >= {"apcer:mask", "bpcer", "liveness_fail_rate"}
    assert all(each["would_k_low"] <= each["would_k_high"] <= each["n"] for each in what_if["rates"])

    asked = [each for each in await counting.entries() if each.action == "data.asked"]
    assert [(each.objects[0].id, each.tenant, each.outcome) for each in asked] == [
        *[("rates", "bank", "granted")] * 3, ("handsets", "bank", "granted"), ("what-if", "bank", "granted"),
    ]  # fmt: skip
    assert {str(each.details["identity"]).split()[0] for each in asked} == {"session"}


async def test_of_other_tenants_nobody_learns_that_they_are_there(counting: Console) -> None:
    otto = counting.client("otto")
    assert (await otto.get("/v1/tenants")).json() == {"tenants": []}
    for path in ("rates", "handsets", "what-if?liveness_threshold=0.5"):
        where = f"/v1/{path}{'&' if '?' in path else '?'}"
        assert problem(await otto.get(f"{where}{SINCE}")) == (403, "tenant_not_yours")
        answer = await otto.get(f"{where}{SINCE.replace('bank', 'other')}")
        assert problem(answer) == (404, "nothing_found")
        assert "bank" not in answer.text
    refused = [each for each in await counting.entries() if each.action == "data.asked" and each.outcome == "denied"]
    assert [each.details["why"] for each in refused] == ["tenant_not_theirs"] * 3


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"{SINCE}&until=2026-01-01T00:00:00Z", (422, "malformed")),
        ("tenant=bank&since=2026-01-05T00:00:00", (422, "malformed")),
        ("tenant=bank&since=2024-01-05T00:00:00Z", (422, "span_too_long")),
        ("tenant=bank&since=9999-12-31T23:59:59-14:00", (422, "malformed")),
        ("tenant=bank&since=0001-01-01T00:00:00%2B14:00&until=2026-01-06T00:00:00Z", (422, "malformed")),
        ("tenant=bank&since=yesterday", (422, "malformed")),
        ("tenant=&since=2026-01-05T00:00:00Z", (422, "malformed")),
        (f"{SINCE}&segment=OS", (422, "malformed")),
        (f"{SINCE}&segment=sdk_version", (404, "nothing_found")),
        (f"{SINCE}&segment=os%3Dbeos", (404, "nothing_found")),
        (f"{SINCE}&until=2026-01-05T00:00:30Z", (404, "nothing_found")),
    ],
)
async def test_what_cannot_be_answered_is_told(counting: Console, query: str, expected: tuple[int, str]) -> None:
    assert problem(await counting.client("ada").get(f"/v1/rates?{query}")) == expected


@pytest.mark.parametrize("given", ["", "liveness_threshold=1.5", "match_threshold=nan", "liveness_threshold=-0.1"])
async def test_thresholds_are_scores(counting: Console, given: str) -> None:
    answer = await counting.client("ada").get(f"/v1/what-if?{SINCE}&{given}")
    assert problem(answer) == (422, "malformed" if given else "threshold_missing")


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("width", "height"), [(360, 740), (1440, 900)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_page_of_rates_fits(counting: Console, tmp_path: Path, width: int, height: int, scheme: str) -> None:
    """Of a tenant and by a segment: every rate with its interval drawn, nothing wider than the window."""
    async with Browser(width, height) as browser:
        await browser.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        await browser.ask("Emulation.setEmulatedMedia", features=features)
        await signed_in(browser, counting, "ada")
        for name, query in (("whole", ""), ("by-os", "&segment=os"), ("wrong", "&segment=OS")):
            await browser.open(f"{counting.origin}/rates?tenant=bank&since={DAY.date()}{query}")
            assert await browser.value("document.documentElement.scrollWidth <= innerWidth"), name
            assert await hindrances(browser) == [], name
            drawn = await browser.value("document.querySelectorAll('.rates svg .interval').length")
            assert drawn == await browser.value("document.querySelectorAll('.rates tbody tr').length"), name
            assert bool(drawn) == (name != "wrong")
            await browser.screenshot(tmp_path / f"rates-{name}-{width}-{scheme}.png")
        browser.complaints = [each for each in browser.complaints if "422" not in each]
        browser.requests = [each for each in browser.requests if not each.startswith("data:")]  # of the browser's own
        clean(browser, counting)


async def test_rates_are_for_those_who_may_see_figures(counting: Console) -> None:
    await counting.person("pia", Role.PRIVACY)
    ada, pia = [await counting.client(name).get(f"/rates?since={DAY.date()}") for name in ("ada", "pia")]
    assert (ada.status_code, pia.status_code) == (200, 403)
    assert "Figures are for analysts" in pia.text
    assert 'href="/rates"' in (await counting.client("ada").get("/queue")).text


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("since=2026-01-05&until=", ""),
        ("since=2026-13-05", "is no day; right is 2026-01-15"),
        ("since=2026-01-05&until=2026-01-04", "lies before that of From"),
        ("since=2026-01-05&segment=OS", "is no segment; right is os"),
        ("since=2026-01-05&segment=os%3Dbeos", "no windows of os=beos"),
    ],
)
async def test_the_form_says_what_would_be_right(counting: Console, query: str, told: str) -> None:
    """What was typed is still there."""
    answer = await counting.client("ada").get(f"/rates?tenant=bank&{query}")
    assert (answer.status_code == 200) == (not told), answer.text
    if told:
        assert told in answer.text.replace("&#39;", "'")
        assert 'name="since"' in answer.text


async def test_every_rate_is_the_sum_of_the_windows_that_it_leads_to(counting: Console) -> None:
    """By decisions and by labels, of the tenant and of a value: k and n of the rows sum up to those of the rate."""
    ada = counting.client("ada")
    for segment in ("", "os"):
        of = f"tenant=bank&since={DAY.date()}&segment={segment}"
        api = f"/v1/rates?tenant=bank&since={DAY.date()}T00:00:00Z" + (f"&segment={segment}" if segment else "")
        page = (await ada.get(f"/rates?{of}")).text
        rates = [each for each in (await ada.get(api)).json()["rates"] if each["n"]]
        assert len(rates) > 3
        for each in rates:
            place = f"{each['segment_name']}={each['segment_value']}" if each["segment_name"] else ""
            metric = (
                f"{each['metric']}:{each['species']}"
                if each["species"] and ":" not in each["metric"]
                else each["metric"]
            )
            query = urlencode(
                {"tenant": "bank", "since": str(DAY.date()), "until": "", "segment": place, "metric": metric}
            )
            assert f'/windows?{query.replace("&", "&amp;")}"' in page, (metric, place)
            windows = (await ada.get(f"/windows?{query}")).text
            assert f"<strong>{each['k']:,} of {each['n']:,}</strong>" in windows, (metric, place)
