"""All eight stages live: log-append time closes windows, and an attack reaches the people who must know."""

import base64
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec
import pytest

from proofwatch.bus.records import Outgoing
from proofwatch.events import topics
from proofwatch.events.types import Transaction
from services.standalone.database_results import read_cases
from tests.e2e.alone import decoded
from tests.e2e.log import Log
from tests.e2e.world import World, world
from tests.integration.notifier.receiver import Receiver, receiving

TENANT: Final = "harbour-bank"
_KEY: Final = bytes(range(32))
_BONA_FIDE: Final = 300
_ATTACKS: Final = 100
_TRIES: Final = 3  # the policy's limit: the third failure of one subject refers to a person and raises a suspicion
_DEADLINE_S: Final = 180.0
_TRANSACTIONS: Final = _BONA_FIDE + _ATTACKS + _TRIES
_FAILED: Final = _ATTACKS + _TRIES


class Outcome(NamedTuple):
    """What is seen from outside once people were told."""

    minute: datetime
    log: Log
    cases: list[dict[str, Any]]
    receiver: Receiver


@pytest.fixture(scope="module")
def outcome(
    new_database: Callable[[], str],
    tmp_path_factory: pytest.TempPathFactory,
    announce: Callable[[str], None],
    report: Callable[[dict[str, Any]], None],
) -> Iterator[Outcome]:
    """One minute of ten minutes ago, a quarter of it attacks, which has come when all start; then silence.

    Nobody sends canaries. Its windows are long due: of what came while all run, they would close with the first part.
    """
    directory = tmp_path_factory.mktemp("processes")
    (directory / "secret").write_text("whsec_" + base64.b64encode(_KEY).decode(), encoding="utf-8")
    (directory / "secret").chmod(0o600)
    now = datetime.now(UTC)
    minute = now.replace(second=0, microsecond=0) - timedelta(minutes=10)
    with receiving(_KEY) as receiver:
        (directory / "routes.yaml").write_text(
            f"""
channels:
  soc: {{kind: webhook, url: "{receiver.url}", private: true, secret_file: "{directory}/secret"}}
route:
  name: all
  channels: [soc]
  group_by: ["..."]
  group_wait: 1s
  group_interval: 1s
  routes: [{{name: cases, match: {{source: [soc.escalations.v1]}}}}]
""",
            encoding="utf-8",
        )
        live = {"live_progress": "true", "routes_file": str(directory / "routes.yaml")}
        with world(directory, new_database(), announce, live, timestamps="declared") as running:
            running.log.publish(traffic(minute))
            running.start()
            began = time.monotonic()
            await_told(running, receiver)
            report({"run": "live", "records": _TRANSACTIONS, "told_after_s": round(time.monotonic() - began, 1)})
            running.stop()
            running.log.follow()
            yield Outcome(minute, running.log, running.call(read_cases), receiver)


def traffic(minute: datetime) -> Iterator[Outgoing]:
    """Yield the transactions of one minute: bona fide ones, attacks, and one subject that fails again and again."""
    for number in range(_TRANSACTIONS):
        attack = number >= _BONA_FIDE
        subject = f"s-{min(number, _BONA_FIDE + _ATTACKS)}"
        event = Transaction(
            schema_version=1,
            tenant=TENANT,
            transaction_id=f"t-{number}",
            subject_ref=subject,
            occurred_at=minute + timedelta(milliseconds=100 * number),
            match_score=0.97,
            liveness_score=0.4 if attack else 0.999,
        )
        yield Outgoing(topics.TRANSACTIONS, f"{TENANT}/{subject}".encode(), msgspec.json.encode(event))


def await_told(running: World, receiver: Receiver) -> None:
    """Wait until the webhook has heard of the incident and of the case, and nobody has more to say."""
    give_up = time.monotonic() + _DEADLINE_S
    while True:
        running.check()
        running.log.follow(at_most_s=0.5)
        told = {body["type"] for body in receiver.accepted.values()}
        behind = running.behind(["triage", "notifier"])
        if {"incident.firing", "escalation.raised"} <= told and not behind:
            return
        assert time.monotonic() < give_up, f"after {_DEADLINE_S:.0f} s only {told or 'silence'}; {behind}"


def test_windows_close_by_themselves_and_count_everything(outcome: Outcome) -> None:
    """A quiet partition does not hold them open: idle lanes move time on with the broker's clock."""
    windows = decoded([entry.value or b"" for entry in outcome.log.of(topics.WINDOWS)])
    last = max(
        (each for each in windows if each["length_s"] == 60 and each["segment_name"] is None),
        key=lambda each: each["revision"],
    )
    assert datetime.fromisoformat(last["start"]) == outcome.minute
    assert last["counts"]["transactions"] == _TRANSACTIONS
    assert last["counts"]["liveness.fail"] == _FAILED
    assert not last["backfill"]


def test_the_attack_becomes_a_case_of_its_incident_and_the_persistent_one_a_case_of_its_subject(
    outcome: Outcome,
) -> None:
    """Neither names a subject_ref."""
    found = {(case["kind"], case["metric"]) for case in outcome.cases}
    assert {("incident", "liveness_fail_rate"), ("subject", None)} <= found
    (subject,) = [case for case in outcome.cases if case["kind"] == "subject"]
    assert [reason["transaction_id"] for reason in subject["reasons"]] == [f"t-{_TRANSACTIONS - 1}"]
    assert f"s-{_BONA_FIDE + _ATTACKS}" not in str(outcome.cases)


def test_people_are_told_by_signed_webhooks(outcome: Outcome) -> None:
    """Every published notification arrives, signed, under its own id."""
    assert outcome.receiver.forged == 0
    published = decoded([entry.value or b"" for entry in outcome.log.of(topics.NOTIFICATIONS)])
    assert {each["notification_id"] for each in published} == outcome.receiver.accepted.keys()
