"""Who is told what."""

from collections.abc import Mapping
from typing import Any

import pytest

from services.notifier.core.facts import Fact, of_escalation, of_incident, of_platform_alert
from services.notifier.core.routes import ALONE, Match, Plan, Route, nodes, planned
from services.notifier.core.routing import matches, target, targets
from tests.unit.notifier.events import CASE_ID, escalation, incident, platform_alert


def firing(**given: Any) -> Fact:
    fact = of_incident(incident(**given))
    assert fact
    return fact


def told(fact: Fact, *children: Mapping[str, object], **root: object) -> list[tuple[str, str]]:
    tree = Route.model_validate({"name": "root", "channels": ["log"], "routes": children, **root})
    plans = {plan.path: plan for _, plan in nodes(tree, {})}
    return [("/".join(each.plan.path), each.channel) for each in targets(fact, plans, tree)]


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ({}, True),
        ({"source": ["metrics.incidents.v1"]}, True),
        ({"source": ["soc.escalations.v1", "platform.alerts.v1"]}, False),
        ({"severity": "medium"}, True),
        ({"severity": "high"}, True),
        ({"severity": "critical"}, False),
        ({"tenant": ["bank", "acme"]}, True),
        ({"tenant": ["bank"]}, False),
        ({"state": ["firing"]}, True),
        ({"state": ["resolved", "raised"]}, False),
        ({"severity": "low", "tenant": ["bank"]}, False),
    ],
)
def test_a_route_matches_when_all_its_conditions_hold(match: dict[str, object], expected: bool) -> None:
    """Source, least severity, tenant and state; what is not given matches everything."""
    assert matches(firing(), Match.model_validate(match)) == expected


def test_a_platform_alert_belongs_to_no_tenant() -> None:
    """A route for a tenant does not get the platform's troubles."""
    assert not matches(of_platform_alert(platform_alert()), Match(tenant=("acme",)))


def test_the_gravest_reach_those_who_asked_for_critical_ones() -> None:
    """People or attacks are wrongly accepted."""
    assert matches(firing(severity="critical"), Match(severity="critical"))
    assert not matches(firing(severity="high"), Match(severity="critical"))


def test_the_first_child_that_wants_it_tells_and_the_root_what_none_wants() -> None:
    """In their order, as Alertmanager does."""
    acme = {"name": "acme", "match": {"tenant": ["acme"]}, "channels": ["soc"]}
    grave = {"name": "grave", "match": {"severity": "high"}, "channels": ["ops"]}
    assert told(firing(), acme, grave) == [("root/acme", "soc")]
    assert told(firing(), grave, acme) == [("root/grave", "ops")]
    assert told(firing(tenant="bank", severity="low"), acme, grave) == [("root", "log")]


def test_with_continue_further_children_are_asked_and_a_channel_is_told_once() -> None:
    """By the first node that names it."""
    children = (
        {"name": "first", "channels": ["soc"], "continue": True},
        {"name": "second", "match": {"severity": "high"}, "channels": ["soc", "ops"]},
        {"name": "third", "channels": ["log"]},
    )
    assert told(firing(), *children) == [("root/first", "soc"), ("root/second", "ops")]


def test_the_deepest_that_want_it_tell() -> None:
    """A node speaks for what none of its children wants; these have from it what they do not say."""
    deep = {"name": "critical", "match": {"severity": "critical"}, "channels": ["pager"]}
    silent = {"name": "labelled", "match": {"labels": ["kind=~r.*"]}}
    acme = {"name": "acme", "match": {"tenant": ["acme"]}, "channels": ["soc"], "routes": [deep, silent]}
    assert told(firing(severity="critical"), acme) == [("root/acme/critical", "pager")]
    assert told(firing(rule="rejection_rate"), acme) == [("root/acme/labelled", "soc")]
    assert told(firing(rule="no_traffic"), acme) == [("root/acme", "soc")]


def test_what_reaches_no_channel_goes_to_the_log() -> None:
    """Nothing is dropped unseen."""
    assert told(firing(), channels=()) == [("unmatched", "log")]


CASES = [of_escalation(escalation()), of_escalation(escalation(subject_tag=None))]
NAMED = {"name": "cases", "match": {"source": ["soc.escalations.v1"]}, "channels": ["soc"]}


@pytest.mark.parametrize("case", CASES)
def test_cases_are_told_only_where_a_node_names_them(case: Fact) -> None:
    """They are worked off a list; what no node wants of them does not fall back to the log."""
    assert told(case) == []
    assert told(case, {"name": "all", "channels": ["soc"]}) == []
    assert told(case, {"name": "grave", "match": {"severity": "high"}, "channels": ["soc"]}) == []
    assert told(case, NAMED) == [("root/cases", "soc")]
    assert told(case, {"name": "all", "channels": ["ops"]}, NAMED) == [("root/cases", "soc")], "it takes none"


@pytest.mark.parametrize("case", CASES)
def test_cases_are_named_by_a_node_above_or_below(case: Fact) -> None:
    """Below one that names them everything is of them; one that does not lets them through to a child that does."""
    grave = {"name": "grave", "match": {"severity": "high"}}
    assert told(case, {**NAMED, "routes": [grave]}) == [("root/cases/grave", "soc")]
    acme = {"name": "acme", "match": {"tenant": ["acme"]}, "channels": ["ops"], "routes": [NAMED]}
    assert told(case, acme) == [("root/acme/cases", "soc")]
    assert told(case, {**acme, "match": {"tenant": ["bank"]}}) == []


def test_a_group_is_of_one_node_channel_and_of_what_it_groups_by() -> None:
    """The same in every process; another node, channel or label makes another."""
    plan = Plan(("root", "soc"), group_by=("source", "tenant"))
    first = target(firing(), plan, "soc")
    assert first == target(firing(rule="no_traffic", revision=9), plan, "soc")
    assert first.labels == {"source": "incident", "tenant": "acme"}
    others = [
        target(firing(tenant="bank"), plan, "soc"),
        target(firing(), plan, "ops"),
        target(firing(), plan._replace(path=("root", "other")), "soc"),
        target(firing(), plan, "soc", kind="escalation"),
        target(firing(), plan._replace(group_by=()), "soc"),
        target(firing(), plan._replace(group_by=(ALONE,)), "soc"),
    ]
    assert len({each.group_id for each in (first, *others)}) == 7


def test_grouped_by_itself_each_fact_is_told_alone() -> None:
    """From its beginning to its end."""
    plan = Plan(("root",), group_by=(ALONE,))
    one, end, other = firing(), firing(revision=2, state="ended", change="ended"), firing(incident_id=CASE_ID)
    assert target(one, plan, "soc").group_id == target(end, plan, "soc").group_id
    assert target(one, plan, "soc").group_id != target(other, plan, "soc").group_id


def test_what_a_node_does_not_say_it_has_from_above() -> None:
    """And nought is something that it says."""
    above = planned(
        Route.model_validate({"name": "root", "channels": ["soc"], "group_wait": "1m", "repeat_interval": "1d"}),
        None,
        {},
    )
    below = planned(Route.model_validate({"name": "low", "repeat_interval": "0s", "group_by": []}), above, {})
    assert below == above._replace(path=("root", "low"), repeat_ms=0, group_by=())
    assert (above.wait_ms, above.interval_ms, below.name) == (60_000, 300_000, "low")
