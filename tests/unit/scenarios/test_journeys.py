"""Planting a cause in the records of a simulated day."""

from dataclasses import replace
from typing import Any

import msgspec

from proofwatch.bus.records import Outgoing
from proofwatch.events import topics
from proofwatch.simulation.scenario import Scenario
from proofwatch.simulation.traffic import HOUR_MS, simulate
from tests.scenarios.journeys import Journey, changed
from tests.scenarios.scripted import JOURNEYS

DAY = replace(Scenario(events=3_000, seed=3), waves=())
START_MS = round(DAY.start.timestamp() * 1000)
BY_NAME = {each.name: each for each in JOURNEYS}


def planted(journey: Journey) -> list[Outgoing]:
    return list(changed(journey, simulate(DAY), START_MS))


def transactions(journey: Journey, records: list[Outgoing], *, within: bool) -> list[dict[str, Any]]:
    found = []
    for record in records:
        hour = ((record.timestamp_ms or 0) - START_MS) / HOUR_MS
        if record.topic == topics.TRANSACTIONS and record.value and within == (journey.from_h <= hour < journey.to_h):
            try:
                found.append(msgspec.json.decode(record.value))
            except msgspec.DecodeError:
                continue
    return [each for each in found if each["tenant"] == journey.tenant and "transaction_id" in each]


def test_fail_open_is_a_score_of_one_for_everybody_and_nobody_comes_again() -> None:
    journey = BY_NAME["day_fail_open"]
    within = transactions(journey, planted(journey), within=True)
    assert {each["liveness_score"] for each in within} == {1.0}
    assert len({each["subject_ref"] for each in within}) == len(within) > 50
    assert (
        min(each.get("liveness_score") or 0.0 for each in transactions(journey, planted(journey), within=False)) < 0.995
    )


def test_an_outage_is_of_its_tenant_and_of_its_hours() -> None:
    journey = BY_NAME["day_outage"]
    records = planted(journey)
    assert transactions(journey, records, within=True) == []
    assert len(transactions(journey, records, within=False)) > 500
    assert len(transactions(journey._replace(tenant="lumen-telco"), records, within=True)) > 20


def test_a_release_fails_its_own_users_and_a_new_matcher_says_so() -> None:
    journey = BY_NAME["day_release"]
    within = transactions(journey, planted(journey), within=True)
    failed = {each["device"]["sdk_version"] for each in within if each.get("liveness_score") == 0.98}
    assert failed == {"11.1.4"}
    journey = BY_NAME["day_version"]
    records = planted(journey)
    assert {each["matcher_version"] for each in transactions(journey, records, within=False)} == {"matcher-7"}
    assert {each["matcher_version"] for each in transactions(journey, records, within=True)} == {"matcher-8"}
