"""One simulated day through all eight stages on real components, once in peace and once under SIGKILL.

Whatever happens to the processes, the outcome must be the one that the input alone decides, and the one that
standalone mode comes to.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import orjson
import pytest

from proofwatch.events import topics
from services.standalone.database_results import read_cases
from tests.e2e.alone import NOTIFIED, Alone, decoded, run_alone
from tests.e2e.day import Day, Fate, day, fate
from tests.e2e.faults import publish_and_kill
from tests.e2e.log import At, Entry
from tests.e2e.world import world

pytestmark = pytest.mark.timeout(1_200)  # a starved machine takes as long as it takes
Announce = Callable[[str], None]
Report = Callable[[dict[str, Any]], None]


class Outcome(NamedTuple):
    """What a run on Kafka left behind."""

    entries: dict[At, list[Entry]]
    cases: list[dict[str, Any]]
    notifications: list[dict[str, Any]]

    def of(self, topic: str) -> list[Entry]:
        return [entry for at in sorted(self.entries) if at[0] == topic for entry in self.entries[at]]

    def partition(self, topic: str, number: int) -> list[Entry]:
        return self.entries[topic, number]

    def values(self, topic: str) -> list[bytes]:
        return [entry.value or b"" for entry in self.of(topic)]


@pytest.fixture(scope="module")
def sent() -> Day:
    """The input: 20,000 transactions and their labels, the canaries days later, and what is later still."""
    return day()


@pytest.fixture(scope="module")
def alone(
    sent: Day, new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory, report: Report
) -> Alone:
    """What standalone mode makes of the same input."""
    began = time.monotonic()
    outcome = asyncio.run(run_alone(sent, new_database(), tmp_path_factory.mktemp("alone")))
    report({"run": "standalone", "records": len(sent.all), "seconds": round(time.monotonic() - began, 1)})
    return outcome


@pytest.fixture(scope="module", params=["in_peace", "under_sigkill"])
def outcome(
    request: pytest.FixtureRequest,
    sent: Day,
    new_database: Callable[[], str],
    tmp_path_factory: pytest.TempPathFactory,
    announce: Announce,
    report: Report,
) -> Iterator[Outcome]:
    """What the eight stages make of the input; in the second run four of them are killed while it streams."""
    directory = tmp_path_factory.mktemp("processes")
    under_sigkill = request.param == "under_sigkill"
    # small batches: more commits to be killed in
    settings = {"batch_max_records": "100"} if under_sigkill else {}
    # a whole day comes at once: on a starved machine windows could not judge all of it within a transaction's limit
    own = {"windows": {"batch_max_records": 1}}
    with world(directory, new_database(), announce, settings, own=own) as running:
        measured: dict[str, Any] = {"run": request.param, "records": len(sent.all)}
        began = time.monotonic()
        running.start()
        measured["ready_s"] = round(time.monotonic() - began, 1)
        began = time.monotonic()
        if under_sigkill:
            measured["kills"] = publish_and_kill(running, sent.records)
        else:
            running.log.publish(sent.records)
        running.log.publish(sent.canaries)
        running.await_quiet()
        running.log.publish(sent.late)
        running.await_quiet()
        measured["seconds"] = round(time.monotonic() - began, 1)
        measured["stop_s"] = {name: round(seconds, 1) for name, seconds in running.stop().items()}
        report(measured)
        running.log.follow()
        yield Outcome(
            running.log.entries,
            running.call(read_cases),
            running.rows(NOTIFIED),
        )


def fates(outcome: Outcome) -> dict[int, Fate]:
    """Return what must become of the transactions of every partition."""
    return {
        number: fate((entry.key, entry.value) for entry in entries)
        for (topic, number), entries in outcome.entries.items()
        if topic == topics.TRANSACTIONS
    }


def ids(entries: Sequence[Entry]) -> list[tuple[bytes | None, tuple[str, str]]]:
    """Return key, tenant and transaction id of verdicts, in their order."""
    events = [(entry.key, orjson.loads(entry.value or b"")) for entry in entries]
    return [(key, (event["tenant"], event["transaction_id"])) for key, event in events]


def test_everything_that_was_sent_is_in_the_log(outcome: Outcome, sent: Day) -> None:
    """The test's own premise: every partition got its share of the day, and nothing else is there."""
    for topic in (topics.TRANSACTIONS, topics.LABELS):
        there = Counter((entry.key, entry.value) for entry in outcome.of(topic))
        assert there == Counter((record.key, record.value) for record in sent.all if record.topic == topic)
    each = fates(outcome).values()
    assert all(len(one.decided) > 2_000 for one in each)
    assert sum(one.repeated for one in each) > 400
    assert sum(one.refused.total() for one in each) > 20


def test_every_transaction_of_every_partition_is_accounted_for(outcome: Outcome) -> None:
    """Consumed = verdicts + dead letters + deduplicated, where exactly the resends are deduplicated."""
    for number, must in fates(outcome).items():
        consumed = len(outcome.partition(topics.TRANSACTIONS, number))
        verdicts = len(outcome.partition(topics.VERDICTS, number))
        dead = len(outcome.partition(topics.dead_letter_topic(topics.TRANSACTIONS), number))
        assert consumed == verdicts + dead + must.repeated, f"partition {number}"
        assert dead == must.refused.total(), f"partition {number}"


def test_every_transaction_has_exactly_one_verdict(outcome: Outcome) -> None:
    """None is lost and none decided twice, and each verdict lies where its transaction lies."""
    for number, must in fates(outcome).items():
        found = Counter(who for _, who in ids(outcome.partition(topics.VERDICTS, number)))
        assert found == Counter(must.decided), f"partition {number}"


def test_verdicts_on_one_subject_keep_the_order_of_its_transactions(outcome: Outcome) -> None:
    """Per key, the verdicts come as the transactions came."""
    for number, must in fates(outcome).items():
        by_key: dict[bytes | None, list[tuple[str, str]]] = {}
        for key, who in ids(outcome.partition(topics.VERDICTS, number)):
            by_key.setdefault(key, []).append(who)
        assert by_key == must.by_key, f"partition {number}"


def test_what_no_schema_accepts_is_in_the_dead_letters_as_it_was(outcome: Outcome) -> None:
    """Each broken record once, with its bytes; and nothing else was refused by anybody."""
    for number, must in fates(outcome).items():
        dead = outcome.partition(topics.dead_letter_topic(topics.TRANSACTIONS), number)
        assert Counter(entry.value for entry in dead) == must.refused, f"partition {number}"
    refused = {
        topic: n for (topic, _), entries in outcome.entries.items() if topic.endswith(".dlq") and (n := len(entries))
    }
    assert refused.keys() == {topics.dead_letter_topic(topics.TRANSACTIONS)}


def test_standalone_accounts_for_the_same_transactions(outcome: Outcome, alone: Alone) -> None:
    """Standalone's own conservation identity holds, with the same numbers."""
    each = fates(outcome).values()
    assert alone.conservation == {
        "consumed": len(outcome.of(topics.TRANSACTIONS)),
        "decided": sum(len(one.decided) for one in each),
        "deduplicated": sum(one.repeated for one in each),
        "dead_lettered": sum(one.refused.total() for one in each),
        "holds": True,
    }


def test_verdicts_are_those_of_standalone_byte_by_byte(outcome: Outcome, alone: Alone) -> None:
    """A verdict is a function of the log and the policy: not of processes, batches, clocks or crashes."""
    assert sorted(outcome.values(topics.VERDICTS), key=_who) == sorted(alone.verdicts, key=_who)


@pytest.mark.parametrize("kind", ["decisions", "labelled"])
def test_final_windows_are_those_of_standalone(outcome: Outcome, alone: Alone, kind: str) -> None:
    """The last revision of every window has the same counts, sums, sketches and figures.

    Left out is only the number of that revision: how often a window was restated on the way depends on how far the
    partitions ran ahead of each other.
    """
    here, there = _final(outcome.values(topics.WINDOWS), kind), _final(alone.windows, kind)
    assert here.keys() == there.keys()
    assert len(here) > 20
    assert any(window["revision"] > 1 for window in decoded(outcome.values(topics.WINDOWS)) if window["kind"] == kind)
    for window_id, window in here.items():
        assert window == there[window_id]


def test_no_revision_of_a_window_or_an_anomaly_is_published_twice(outcome: Outcome) -> None:
    """Outboxes are relayed exactly once."""
    windows = Counter((each["window_id"], each["revision"]) for each in decoded(outcome.values(topics.WINDOWS)))
    anomalies = Counter((each["anomaly_id"], each["revision"]) for each in decoded(outcome.values(topics.ANOMALIES)))
    escalations = Counter(each["escalation_id"] for each in decoded(outcome.values(topics.ESCALATIONS)))
    for counted in (windows, anomalies, escalations):
        assert counted
        assert set(counted.values()) == {1}


def test_anomalies_are_those_of_standalone(outcome: Outcome, alone: Alone) -> None:
    """Every beginning, change and end, with the numbers that caused it."""
    here, there = decoded(outcome.values(topics.ANOMALIES)), decoded(alone.anomalies)
    assert sorted(here, key=_revision) == sorted(there, key=_revision)


def test_cases_are_those_of_standalone(outcome: Outcome, alone: Alone) -> None:
    """The same cases of subjects in the same state, for the same reasons; those of incidents as far as time came.

    Left out are opened_at and changed_at: log time. Here time moves by records alone, and a day that is published at
    once closes within a second of it: what is found then is told when ten seconds more have come on its partition.
    Standalone takes the day in pieces, so its incidents are further on, and so are the clusters of people whom one
    joins; those of a handset or a picture are the same. That all are told is `test_live`'s.
    """
    here, there = _cases(outcome.cases), _cases(alone.cases)
    assert _subjects(here) == _subjects(there)
    assert here.keys() <= there.keys()


def test_the_same_people_are_told_the_same_once(outcome: Outcome, alone: Alone) -> None:
    """Notifications are those of standalone, nobody is told twice, and all are sent.

    Of incidents as far as their partition's time came, which may be not at all; that all are told is `test_live`'s.
    A person's case is a list, and no notice (ADR 0052).
    """
    here, there = [[_told(note) for note in each.notifications] for each in (outcome, alone)]
    subjects = _subjects(_cases(alone.cases))
    assert there
    assert not [each for each in (*here, *there) if each[2] in subjects]
    assert len(here) == len(set(here))
    assert {each[:3] for each in here} <= {each[:3] for each in there}
    assert {each["status"] for each in outcome.notifications} <= {"sent"}


def _who(verdict: bytes) -> tuple[str, str]:
    event = orjson.loads(verdict)
    return event["tenant"], event["transaction_id"]


def _final(values: Sequence[bytes], kind: str) -> dict[str, dict[str, Any]]:
    last: dict[str, dict[str, Any]] = {}
    for window in decoded(values):
        known = last.get(window["window_id"])
        if window["kind"] == kind and (known is None or window["revision"] > known["revision"]):
            last[window["window_id"]] = window
    return {window_id: window | {"revision": None} for window_id, window in last.items()}


def _revision(anomaly: dict[str, Any]) -> tuple[str, int]:
    return anomaly["anomaly_id"], anomaly["revision"]


def _cases(cases: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {
        case["case_id"]: case
        | {"opened_at": None, "changed_at": None, "revision": None}
        | ({"part_of": None, "part_because": None} if case["part_because"] == "cohort" else {})
        for case in cases
    }


def _subjects(cases: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {case_id: case for case_id, case in cases.items() if case["kind"] == "subject"}


def _told(notification: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(notification[name] for name in ("channel", "source_topic", "source_id", "source_revision"))
