"""Who is told what."""

from collections.abc import Mapping
from typing import Any

import pytest

from proofwatch.events.identity import derived_id
from proofwatch.events.types import Notification
from services.notifier.core.facts import Fact, of_escalation, of_incident, of_platform_alert
from services.notifier.core.routes import Match
from services.notifier.core.routing import matches, notifications
from services.notifier.routes_file import Routes, load_routes
from tests.unit.notifier.events import INCIDENT_ID, escalation, incident, platform_alert

WEBHOOK = {"kind": "webhook", "url": "https://soc.example.org/hook", "secret_env": "SOC_SECRET"}


def firing(**given: Any) -> Fact:
    fact = of_incident(incident(**given))
    assert fact
    return fact


def told(fact: Fact, *routes: Mapping[str, object]) -> list[tuple[str, str]]:
    parsed = Routes.model_validate({"channels": {"soc": WEBHOOK, "ops": WEBHOOK}, "routes": routes})
    return [(each.route, each.channel) for each in notifications(fact, parsed.routes)]


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


def test_every_matching_route_tells_and_a_channel_is_told_once() -> None:
    """Two routes to one channel make one notification, under the first route's name."""
    routes = (
        {"name": "first", "channels": ["soc"]},
        {"name": "second", "match": {"severity": "high"}, "channels": ["soc", "ops"]},
        {"name": "third", "match": {"severity": "critical"}, "channels": ["log"]},
    )
    assert told(firing(), *routes) == [("first", "soc"), ("second", "ops")]


def test_what_no_route_wants_goes_to_the_log() -> None:
    """Nothing is dropped unseen."""
    route = {"name": "only", "match": {"source": ["platform.alerts.v1"]}, "channels": ["soc"]}
    assert told(firing(), route) == [("unmatched", "log")]


CASES = [of_escalation(escalation()), of_escalation(escalation(subject_tag=None))]


@pytest.mark.parametrize("case", CASES)
def test_cases_are_told_only_where_a_route_names_them(case: Fact) -> None:
    """They are worked off a list; what no route wants of them does not fall back to the log."""
    assert list(notifications(case, load_routes().routes)) == []
    assert told(case, {"name": "all", "channels": ["soc"]}) == []
    assert told(case, {"name": "grave", "match": {"severity": "high"}, "channels": ["soc"]}) == []
    named = {"name": "cases", "match": {"source": ["soc.escalations.v1"]}, "channels": ["soc"]}
    assert told(case, named) == [("cases", "soc")]


@pytest.mark.parametrize("fact", [firing(), of_platform_alert(platform_alert())])
def test_by_default_everything_goes_to_the_log_by_a_named_route(fact: Fact) -> None:
    """Without a routes file the system tells its operators all the same."""
    (notification,) = notifications(fact, load_routes().routes)
    assert notification.channel == "log"
    assert notification.route != "unmatched"


def test_the_id_follows_from_source_revision_and_channel() -> None:
    """A repeat has the same id, in every process; a new revision or another channel has another."""

    def only(fact: Fact) -> Notification:
        return next(iter(notifications(fact, ())))

    expected = derived_id("notification", "metrics.incidents.v1", INCIDENT_ID, 1, "log")
    assert only(firing()).notification_id == only(firing(n=2000)).notification_id == expected
    assert only(firing(revision=2)).notification_id != expected
