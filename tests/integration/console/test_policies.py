"""Policies in the console: for whom which is in force, by whose signatures; nothing is signed in a browser."""

from pathlib import Path

import pytest
import yaml

from proofwatch.access.roles import Role
from proofwatch.bus.records import Outgoing
from proofwatch.governance.policy import load_policy
from tests.integration.console.house import Console
from tests.integration.console.test_api import problem
from tests.integration.console.test_figure_pages import SIZES
from tests.integration.console.test_shift import clean, signed_in, until
from tests.integration.triage.conftest import LOG_MS
from tests.support.axe import hindrances
from tests.support.devtools import Browser
from tests.unit.governance.scene import ADA, BOB, CLEO, Log, activation, policy

STRICT, LAX, OTHERS, NEW = policy(0.999), policy(0.99), policy(0.98), policy(0.9991)
DAY_MS = 86_400_000


@pytest.fixture
async def governed(console: Console, tmp_path: Path) -> Console:
    """A console whose policies are governed: one for everybody, one to come for acme, one of another tenant."""
    for name, role in (("ada", Role.ANALYST), ("amy", Role.APPROVER), ("pia", Role.PRIVACY)):
        await console.person(name, role)
    await console.person("otto", Role.ANALYST, tenants=("acme",))
    await console.end()
    keyring = tmp_path / "keyring.yaml"
    people = [{"person": who, "key_id": key.key_id, "public_key": key.entry(who).public_key}
              for who, key in (("ada", ADA), ("bob", BOB), ("cleo", CLEO))]  # fmt: skip
    keyring.write_text(yaml.safe_dump({"people": people}), encoding="utf-8")
    log, now_ms = Log(), console.now_ms()
    for content, scope, from_ms in ((LAX, "*", LOG_MS + DAY_MS), (STRICT, "acme", now_ms + DAY_MS),
                                    (OTHERS, "other", LOG_MS + DAY_MS)):  # fmt: skip
        log.put(activation(log.approved(content, LOG_MS), scope, from_ms), LOG_MS)
    log.propose(NEW, LOG_MS, ADA)
    bus = console.triage.bus
    await bus.publish([Outgoing(topic, each.key, each.value, timestamp_ms=LOG_MS) for topic, each in log.records])
    console.settings = console.settings.model_copy(update={"keyring_file": keyring})
    await console.begin()
    return console


async def test_which_policy_is_in_force_for_whom_and_who_signed_it(governed: Console) -> None:
    found = (await governed.client("ada").get("/v1/policies")).json()
    assert found["governed"]
    told = {each["scope"]: (each["policy_hash"], each["state"], each["signed_by"], each["activated_by"])
            for each in found["activations"]}  # fmt: skip
    assert told == {
        "*": (LAX.hash, "in force", ["ada", "bob"], "ada"), "acme": (STRICT.hash, "coming", ["ada", "bob"], "ada"),
        "other": (OTHERS.hash, "in force", ["ada", "bob"], "ada"),
    }  # fmt: skip
    assert found["proposals"] == [
        {"policy_hash": NEW.hash, "name": "default", "signed_by": ["ada"], "needs": 1}
    ]  # fmt: skip
    one = (await governed.client("ada").get(f"/v1/policies/{STRICT.hash}?scope=acme")).json()
    assert (one["against_hash"], [each["person"] for each in one["signatures"]]) == (LAX.hash, ["ada", "bob"])
    assert one["changes"] == [{"key": "liveness.threshold", "old": 0.99, "new": 0.999, "direction": "stricter"}]
    back = (await governed.client("ada").get(f"/v1/policies/{LAX.hash}?against={STRICT.hash}")).json()
    assert [each["direction"] for each in back["changes"]] == ["laxer"]
    proposed = (await governed.client("ada").get(f"/v1/policies/{NEW.hash}")).json()
    assert (proposed["usable_since"], [each["person"] for each in proposed["signatures"]]) == (None, ["ada"])
    assert (proposed["may_sign"], one["may_sign"]) == (["bob", "cleo"], []), "and of one that is signed, nobody need"


async def test_what_is_of_another_tenant_is_not_there(governed: Console) -> None:
    """Neither its lines, nor its policy, nor what nobody activated yet."""
    otto = governed.client("otto")
    found = (await otto.get("/v1/policies")).json()
    assert ({each["scope"] for each in found["activations"]}, found["proposals"]) == ({"*", "acme"}, [])
    for hidden in (OTHERS, NEW):
        assert problem(await otto.get(f"/v1/policies/{hidden.hash}")) == (404, "no_such_policy")
        assert problem(await otto.get(f"/v1/policies/{LAX.hash}?against={hidden.hash}")) == (404, "no_such_policy")
        assert hidden.hash not in (await otto.get(f"/policies/{LAX.hash}")).text
    assert (await otto.get(f"/v1/policies/{LAX.hash}")).status_code == 200
    assert problem(await otto.get("/v1/policies?scope=other")) == (403, "tenant_not_yours")
    assert problem(await governed.client("pia").get("/v1/policies")) == (403, "role_missing")
    assert problem(await governed.client("pia").get(f"/v1/policies/{LAX.hash}")) == (403, "role_missing")
    for wrong in ("scope=A%20B", "scope=%00", "scope=acme/os"):
        assert problem(await otto.get(f"/v1/policies?{wrong}"))[0] == 422, wrong
        assert (await otto.get(f"/policies?{wrong}")).status_code == 422, wrong
    for nonsense in ("x", "%00", "0" * 32, "A" * 32):
        assert problem(await otto.get(f"/v1/policies/{nonsense}")) == (404, "no_such_policy"), nonsense
        assert (await otto.get(f"/policies/{nonsense}")).status_code == 404


async def test_where_nobody_signs_one_file_judges_everybody(console: Console) -> None:
    await console.person("ada", Role.ANALYST)
    found = (await console.client("ada").get("/v1/policies")).json()
    assert (found["governed"], found["file_hash"], found["activations"]) == (False, load_policy().hash, [])
    assert "Nobody signs policies here" in (await console.client("ada").get("/policies")).text
    page = await console.client("ada").get(f"/policies/{found['file_hash']}")
    assert (page.status_code, "the two are the same" in page.text) == (200, True)
    assert "To approve it" not in page.text, "nobody can sign it"


@pytest.mark.timeout(900)
async def test_pages_of_policies_fit_and_say_where_one_signs(governed: Console, tmp_path: Path) -> None:
    async with Browser() as browser:
        await signed_in(browser, governed, "amy", "/policies")
        await browser.press("G")
        await until(browser, "location.pathname === '/policies'")
        for scheme in ("light", "dark"):
            features = [{"name": "prefers-color-scheme", "value": scheme}]
            await browser.ask("Emulation.setEmulatedMedia", features=features)
            for width, height in SIZES:
                size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
                await browser.ask("Emulation.setDeviceMetricsOverride", **size)
                for name, path in (("policies", "/policies"), ("proposed", f"/policies/{NEW.hash}")):
                    await browser.open(f"{governed.origin}{path}")
                    assert await browser.value("document.documentElement.scrollWidth <= innerWidth"), (name, width)
                    assert await hindrances(browser) == [], name
                    await browser.screenshot(tmp_path / f"{name}-{width}-{scheme}.png")
        told = await browser.value("document.querySelector('main').textContent")
        assert f"proofwatch policy approve {NEW.hash} --key KEYFILE" in told
        assert "Who may still sign it: bob, cleo." in told
        assert f"proofwatch backtest --policy {NEW.hash} --over topic --tenant TENANT" in told
        assert await browser.value("document.querySelectorAll('main form[method=post]').length") == 0
        browser.requests = [each for each in browser.requests if not each.startswith("data:")]
        browser.complaints = [each for each in browser.complaints if "403" not in each]  # the queue is for analysts
        clean(browser, governed)
