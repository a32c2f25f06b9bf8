"""Attacks that labels prove are of the slice that sent them, also where nobody attacked from anywhere else."""

from datetime import timedelta
from itertools import permutations
from typing import Final

import pytest

from proofwatch.detection.findings import PROTECTED, WHOLE, Panel, Slice, panel_of, traffic_of
from proofwatch.detection.incident import Incident
from proofwatch.detection.incidents import Incidents, observe, regrouped, remembering, take
from proofwatch.detection.revisions import finding_of
from proofwatch.detection.root_slice import Counts
from proofwatch.detection.senders import sender
from proofwatch.detection.sentences import incident_sentence
from proofwatch.events.types import Anomaly
from tests.unit.detection.anomalies import MIDNIGHT, anomaly

_DAY: Final = 86_400
RO: Final[Slice] = ("country", "RO")
IOS: Final[Slice] = ("os", "ios")
HANDSET: Final[Slice] = ("device_model", "iphone-15")
RELEASE: Final[Slice] = ("sdk_version", "7.3.0")
TRAFFIC: Final = {
    WHOLE: (900, 40_000), RO: (110, 4_000), ("country", "DE"): (700, 36_000), IOS: (340, 15_200), HANDSET: (180, 8_000),
    RELEASE: (900, 40_000),
}  # fmt: skip
MASKS: Final = {WHOLE: (35, 42), RO: (35, 42), IOS: (35, 42), HANDSET: (31, 37), RELEASE: (35, 42)}


def proven(
    where: Slice,
    k: int,
    n: int,
    *,
    day: int = 0,
    rule: str = "limit_breach",
    species: tuple[str, ...] | None = ("mask",),
) -> Anomaly:
    """Return what labels prove of the 28 days up to a day, known five days later."""
    return anomaly(
        where, "apcer", rule=rule, k=k, n=n, baseline=0.005, length_s=28 * _DAY, minute=(day - 27) * 1440,
        direction="up", cadence="at_once", affected=k - 0.005 * n, species=("mask",), action="step_up_mfa",
        known_at=MIDNIGHT + timedelta(days=day + 6),
    )  # fmt: skip


def tables_of(
    found: Anomaly, attacks: dict[Slice, tuple[int, int]], traffic: dict[Slice, tuple[int, int]] = TRAFFIC
) -> dict[Panel, dict[Slice, tuple[int, int]]]:
    """Return what windows count of the days of a finding."""
    panel = panel_of(finding_of(found))
    among = traffic_of(panel)
    assert among is not None
    return {panel: attacks, among: traffic}


def incidents(found: list[Anomaly], tables: dict[Panel, dict[Slice, tuple[int, int]]]) -> list[Incident]:
    """Return the incidents that come of findings, one after another."""
    state = Incidents(tables=tables)
    for each in found:
        state, _ = regrouped(take(state, [each]))
    return [each for each in state.incidents.values() if each.state != "merged"]


def test_masks_of_one_country_are_its_incident_though_only_the_tenant_is_sure() -> None:
    """All 42 came from Romania and from iOS, which has four times as many transactions; people are told of Romania."""
    tenant = proven(WHOLE, 35, 42, rule="sequential_limit")
    (found,) = incidents([tenant], tables_of(tenant, MASKS))
    assert found.root.where == RO
    assert round(found.accepted) == 35
    said = incident_sentence(found)
    assert "at country RO of bank" in said
    assert "35 of 42" in said
    assert (
        "Next: hold the accounts of those that labels name and were accepted (listed by: proofwatch accepted-attacks "
        "--tenant bank --since 2026-02-03 --by NAME --reason WHY, of a replay with --run FOLDER in place of name and "
        "reason); ask flagged users"
    ) in said


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_findings_of_other_days_are_of_the_same_attacks(order: tuple[int, ...]) -> None:
    """The tenant was sure by six masks of one day, all by one handset; its slices by more, of later days: one cause."""
    first = proven(WHOLE, 6, 7, day=-3, rule="sequential_limit")
    found = [first, proven(RO, 27, 32), proven(IOS, 27, 32), proven(HANDSET, 24, 28)]
    tables = tables_of(first, {WHOLE: (6, 7), RO: (6, 7), IOS: (6, 7), HANDSET: (6, 7)})
    tables |= tables_of(found[1], {WHOLE: (27, 32), RO: (27, 32), IOS: (27, 32), HANDSET: (24, 28)})
    (one,) = incidents([found[each] for each in order], tables)
    assert one.root.where == RO
    assert set(one.described) == {IOS, HANDSET}
    assert (one.root.counts.k, one.root.counts.n) == (27, 32)


def test_attacks_of_a_campaign_that_were_stopped_change_nothing() -> None:
    """Prints and replays from everywhere are other species, and are counted by themselves."""
    tenant = proven(WHOLE, 35, 42)
    panel = panel_of(finding_of(tenant))
    tables = tables_of(tenant, MASKS) | {panel._replace(metric="apcer"): {WHOLE: (35, 342), RO: (35, 72)}}
    (found,) = incidents([tenant], tables)
    assert (found.root.where, found.root.counts.k, found.root.counts.n) == (RO, 35, 42)


def test_attacks_from_everywhere_are_the_tenants() -> None:
    """Each slice sent as many as its share of transactions is; the handset somewhat more."""
    tenant = proven(WHOLE, 30, 60)
    attacks = {WHOLE: (30, 60), RO: (3, 6), ("country", "DE"): (27, 54), IOS: (13, 25), HANDSET: (9, 15)}
    (found,) = incidents([tenant], tables_of(tenant, attacks))
    assert found.root.where == WHOLE


def test_an_attribute_of_people_is_not_named_where_a_handset_says_as_much() -> None:
    """A handset as rare as the country sent all of them, too."""
    table = {where: Counts(35, 42, 0.005) for where in (WHOLE, RO, HANDSET)}
    found = sender(table, {WHOLE: (0, 40_000), RO: (0, 4_000), HANDSET: (0, 4_100)})
    assert found is not None
    assert (found.where, found.confounded) == (HANDSET, (RO,))
    assert RO[0] in PROTECTED


def test_who_sent_them_is_remembered_when_windows_are_gone() -> None:
    """A finding stands for weeks, and days are kept for two months."""
    tenant = proven(WHOLE, 35, 42)
    state = remembering(observe(Incidents(tables=tables_of(tenant, MASKS)), [tenant]).state)
    later, _ = regrouped(remembering(state._replace(tables={})))
    (found,) = later.incidents.values()
    assert found.root.where == RO
