"""Pages of figures in a browser: every width and scheme, keys, and what is told where there is nothing."""

from pathlib import Path

import pytest

from proofwatch.access.roles import Role
from tests.integration.aggregator.test_queries import DAY
from tests.integration.console.house import Console
from tests.integration.console.test_shift import clean, signed_in, until
from tests.support.axe import hindrances
from tests.support.devtools import Browser

OF_BANK = f"tenant=bank&since={DAY.date()}"
PAGES = {"segments": f"/segments?{OF_BANK}", "segments-none": f"/segments?{OF_BANK}&segment=sdk_version",
         "handsets": f"/handsets?{OF_BANK}",
         "thresholds": f"/thresholds?{OF_BANK}&match=0.5&liveness=0.7"}  # fmt: skip
WIDE = """document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll('main *')].filter(
  (each) => each.getBoundingClientRect().right > innerWidth).map((each) => each.outerHTML.slice(0, 90)).slice(-3)"""
LOOSE = """[...document.querySelectorAll('main svg')].filter(
  (each) => !(each.closest('table') || each.nextElementSibling?.matches('table'))).length"""
SIZES = ((360, 740), (1440, 900), (3840, 2160))


def clean_but_for_404(browser: Browser, console: Console) -> None:
    browser.complaints = [each for each in browser.complaints if "404" not in each]
    browser.requests = [each for each in browser.requests if not each.startswith("data:")]  # of the browser's own
    clean(browser, console)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_pages_of_figures_fit(counting: Console, tmp_path: Path, scheme: str) -> None:
    """Nothing is wider than the window, nothing hinders, every chart stands in its table."""
    async with Browser() as browser:
        await signed_in(browser, counting, "ada")
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        await browser.ask("Emulation.setEmulatedMedia", features=features)
        for width, height in SIZES:
            size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
            await browser.ask("Emulation.setDeviceMetricsOverride", **size)
            for name, path in PAGES.items():
                await browser.open(f"{counting.origin}{path}")
                assert await browser.value(WIDE) == [], (name, width)
                assert await hindrances(browser) == [], name
                assert await browser.value(LOOSE) == 0, name
                await browser.screenshot(tmp_path / f"{name}-{width}-{scheme}.png")
        clean_but_for_404(browser, counting)


@pytest.mark.timeout(600)
async def test_each_page_of_figures_has_a_key(counting: Console) -> None:
    async with Browser() as browser:
        await signed_in(browser, counting, "ada")
        for key, path in (("S", "/segments"), ("H", "/handsets"), ("D", "/thresholds"), ("f", "/rates")):
            await browser.press(key)
            await until(browser, f"location.pathname === '{path}'")
        clean_but_for_404(browser, counting)  # nothing was counted in the last days


async def test_segments_stand_beside_the_tenant_and_species_by_themselves(counting: Console) -> None:
    """k, n and interval of each, what its status means, the way to all rates of it; small values are kept back."""
    page = (await counting.client("ada").get(PAGES["segments"])).text
    api = (await counting.client("ada").get(f"/v1/rates?tenant=bank&since={DAY.date()}T00:00:00Z&segment=os")).json()
    assert api["segment_names"][-2:] == ["matcher_version", "pad_version"]
    for each in api["rates"]:
        if each["n"] and ":" not in each["metric"]:
            assert f"{each['k']:,} of {each['n']:,}" in page, each
    assert "By os" in page
    assert "segment=os%3Dios" in page
    assert "mask" in page.partition('id="species"')[2].partition("By os")[0]
    assert "Attacks passed as bona fide" in page
    assert "Proven to be above its limit" in page
    asked = [each for each in await counting.entries() if each.action == "data.asked"]
    assert len(asked) == 3


async def test_a_segment_without_windows_is_told_where_its_plots_would_be(counting: Console) -> None:
    answer = await counting.client("ada").get(PAGES["segments-none"])
    assert (answer.status_code, "no windows of sdk_version" in answer.text) == (200, True)
    assert "Attack species" in answer.text


@pytest.mark.parametrize("path", ["/segments", "/handsets", "/thresholds"])
async def test_pages_of_figures_are_for_those_who_may_see_figures(counting: Console, path: str) -> None:
    await counting.person("pia", Role.PRIVACY)
    assert (await counting.client("pia").get(path)).status_code == 403
    otto = await counting.client("otto").get(f"{path}?{OF_BANK}")
    assert otto.status_code == 403
    stranger = await counting.client().get(path)
    assert (stranger.status_code, stranger.headers["location"].partition("?")[0]) == (303, "/sign-in")
    for wrong in ("since=yesterday", "until=2026-13-01", "segment=OS", "since=9999-12-31", "until=9999-12-31",
                  "tenant=%00", "segment=os%3D%00", "tenant=" + "x" * 5_000):  # fmt: skip
        answer = await counting.client("ada").get(f"{path}?tenant=bank&since={DAY.date()}&{wrong}")
        assert answer.status_code in (200, 403, 404, 414, 422), (wrong, answer.text)


async def test_handsets_stand_beside_the_rest_of_their_tenant(counting: Console) -> None:
    page = (await counting.client("ada").get(PAGES["handsets"])).text
    api = (await counting.client("ada").get(f"/v1/handsets?tenant=bank&since={DAY.date()}T00:00:00Z")).json()
    assert {each["segment_name"] for each in api["handsets"]} == {"device_model", "os"}
    for each in api["handsets"]:
        assert f"{each['failure']['k']:,} of {each['failure']['n']:,} checks" in page, each
        assert f"segment={each['segment_name']}%3D{each['segment_value']}" in page
    assert "Device models" in page
    assert "Operating systems" in page
    assert "than at that rate" in page
    answer = await counting.client("ada").get(f"{PAGES['handsets']}&segment=country")
    assert (answer.status_code, "no windows of country" in answer.text) == (404, True)


async def test_thresholds_are_tried_on_the_same_scores(counting: Console) -> None:
    """Curves with the threshold in force, exact counts of what is tried; what is no threshold is told."""
    ada = counting.client("ada")
    api = (await ada.get(f"/v1/det?tenant=bank&since={DAY.date()}T00:00:00Z&check=liveness")).json()
    (curve,) = api["curves"]
    assert (curve["accepts"], curve["rejects"], api["threshold"]) == ("apcer:mask", "bpcer", 0.995)
    assert curve["in_force"] is None, "these days were judged by 0.5"
    rates = (await ada.get(f"/v1/rates?tenant=bank&since={DAY.date()}T00:00:00Z")).json()["rates"]
    now = {each["metric"]: each for each in rates if each["source"] == "labelled"}
    then = [each for each in curve["points"] if each["threshold"] <= 0.5][-1]
    assert (then["accepted"], then["rejected"]) == (now["apcer:mask"]["k"], now["bpcer"]["k"])
    assert [each["accepted"] for each in curve["points"]] == sorted((each["accepted"] for each in curve["points"]),
                                                                    reverse=True)  # fmt: skip
    page = (await ada.get(PAGES["thresholds"])).text
    assert f"{now['bpcer']['k']} of {now['bpcer']['n']}" in page
    assert "What would have been" in page
    assert "In force is not on this curve" in page
    for wrong in ("match=2", "liveness=nan", "match=x", "liveness=-0.1"):
        answer = await ada.get(f"/thresholds?{OF_BANK}&{wrong}")
        assert (answer.status_code, "is no threshold" in answer.text) == (422, True), wrong
    for wrong in ("check=none", "check=match&segment=os", "check=match&segment=OS"):
        assert (await ada.get(f"/v1/det?tenant=bank&since={DAY.date()}T00:00:00Z&{wrong}")).status_code == 422
    of_ios = await ada.get(f"/v1/det?tenant=bank&since={DAY.date()}T00:00:00Z&check=liveness&segment=os%3Dios")
    assert of_ios.json()["curves"][0]["rejects_n"] < curve["rejects_n"]
