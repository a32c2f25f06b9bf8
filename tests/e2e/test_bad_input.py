"""Bad records on the real broker: the stream goes on, and each of them can be read in the dead letters, as it was."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from proofwatch import resources
from proofwatch.bus.partitioner import partition_of
from proofwatch.bus.records import Outgoing
from proofwatch.events import topics
from tests.e2e.log import Entry
from tests.e2e.world import World, world
from tests.support.processes import ProcessFailed, command

PARTITION: Final = 2
TENANT: Final = "harbour-bank"
_DEAD: Final = topics.dead_letter_topic(topics.TRANSACTIONS)
_SCORE: Final = 0.123456789
"""In every bad record that can hold one: no dead letter's headers may repeat it."""

HEADERS: Final = (
    ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ("route", b"first"),
    ("route", b"second \xff"),
)


class Bad(NamedTuple):
    """A record that must be refused: why, and what its explanation must name."""

    reason: str
    names: str
    value: bytes
    key: bytes | None


def good(number: int, **changes: Any) -> dict[str, Any]:
    """Return a valid transaction of now."""
    return {
        "schema_version": 1,
        "tenant": TENANT,
        "transaction_id": f"t-{number}",
        "subject_ref": SUBJECT,
        "occurred_at": datetime.now(UTC).isoformat(),
        "match_score": 0.97,
        "liveness_score": 0.999,
    } | changes


SUBJECT, ANOTHER = [
    name for name in map("s-{}".format, range(1_000)) if partition_of(f"{TENANT}/{name}".encode(), 6) == PARTITION
][:2]
"""Both of `PARTITION`: a record elsewhere than its key belongs is refused before anybody looks at what it says."""
KEY: Final = f"{TENANT}/{SUBJECT}".encode()


def bad_records() -> dict[str, Bad]:
    """Return one record of every kind of bad input."""

    def encoded(**changes: Any) -> bytes:
        return json.dumps(good(9_000, match_score=_SCORE) | changes).encode()

    ahead = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    return {
        "malformed JSON": Bad("malformed", "JSON", encoded()[:-1], KEY),
        "wrong type": Bad("schema_mismatch", "$.liveness_score", encoded(liveness_score="high"), KEY),
        "NaN": Bad("malformed", "JSON", encoded(liveness_score=float("nan")), KEY),
        "score above 1": Bad("schema_mismatch", "$.match_score", encoded(match_score=1.0 + _SCORE), KEY),
        "score below 0": Bad("schema_mismatch", "$.match_score", encoded(match_score=-_SCORE), KEY),
        "unknown schema version": Bad("unknown_schema_version", "schema_version", encoded(schema_version=9), KEY),
        "time far ahead of the log": Bad("time_ahead", "$.occurred_at", encoded(occurred_at=ahead), KEY),
        "a record of 10 MB": Bad("schema_mismatch", "$.transaction_id", encoded(transaction_id="x" * 10_000_000), KEY),
        "missing key": Bad("missing_key", "key", encoded(), None),
        "another subject's key": Bad("key_mismatch", "key", encoded(), f"{TENANT}/{ANOTHER}".encode()),
    }


class Outcome(NamedTuple):
    """What was sent, and what the scorer left behind."""

    bad: dict[str, Bad]
    good: list[str]
    world: World
    dead: dict[str, Entry]


@pytest.fixture(scope="module")
def outcome(
    new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory, announce: Callable[[str], None]
) -> Iterator[Outcome]:
    """A scorer that has seen every kind of bad record, each between good ones, in one partition."""
    bad, sent = bad_records(), []
    records = []
    for number, each in enumerate(bad.values()):
        records.append(_record(KEY, json.dumps(good(number)).encode()))
        records.append(_record(each.key, each.value))
        sent.append(f"t-{number}")
    records.append(_record(KEY, json.dumps(good(len(bad))).encode()))
    sent.append(f"t-{len(bad)}")
    directory = tmp_path_factory.mktemp("processes")
    # the topics as they are declared: the log's time is the broker's, and occurred_at is held against it
    with world(directory, new_database(), announce, timestamps="declared") as running:
        running.start(["scorer"])
        running.log.publish(records)
        running.await_quiet(deadline_s=60, names=["scorer"])
        dead = dict(zip(bad, running.log.entries[_DEAD, PARTITION], strict=False))
        yield Outcome(bad, sent, running, dead)
        running.stop(["scorer"])


def _record(key: bytes | None, value: bytes) -> Outgoing:
    return Outgoing(topics.TRANSACTIONS, key, value, PARTITION, headers=HEADERS)


def test_good_records_around_bad_ones_are_decided_in_order(outcome: Outcome) -> None:
    """Nothing stops the stream."""
    verdicts = [json.loads(entry.value or b"") for entry in outcome.world.log.of(topics.VERDICTS)]
    assert [verdict["transaction_id"] for verdict in verdicts] == outcome.good


def test_nothing_is_lost(outcome: Outcome) -> None:
    """Every record became a verdict or a dead letter, and the scorer is ready for more."""
    log = outcome.world.log
    assert len(log.of(topics.TRANSACTIONS)) == len(log.of(topics.VERDICTS)) + len(log.of(_DEAD))
    assert len(log.of(_DEAD)) == len(outcome.bad)
    outcome.world.processes["scorer"].await_ready(5)


@pytest.mark.parametrize("name", bad_records())
def test_a_bad_record_is_in_the_dead_letters_as_it_was(outcome: Outcome, name: str) -> None:
    """In the partition it came from, in the order in which they came: its key, its bytes and its headers."""
    sent, dead = outcome.bad[name], outcome.dead[name]
    assert dead.key == sent.key
    assert dead.value == sent.value
    assert tuple(dead.headers[: len(HEADERS)]) == HEADERS


@pytest.mark.parametrize("name", bad_records())
def test_a_dead_letter_says_readably_why_and_whence(outcome: Outcome, name: str) -> None:
    """Kafka Connect's header names tell where it was; the message names the place and no value."""
    sent, dead = outcome.bad[name], outcome.dead[name]
    said = {header: value.decode() for header, value in dead.headers[len(HEADERS) :]}
    assert said["proofwatch.reason"] == sent.reason
    message = said["__connect.errors.exception.message"]
    assert sent.names in message
    assert str(_SCORE) not in message
    assert len(message) < 400
    assert said["__connect.errors.topic"] == topics.TRANSACTIONS
    assert said["__connect.errors.partition"] == str(PARTITION)
    assert said["__connect.errors.offset"] == str(2 * list(outcome.bad).index(name) + 1)


def test_a_policy_that_cannot_be_used_stops_the_start(tmp_path: Path) -> None:
    """The process ends at once, naming the file, the key, the value and what would be right."""
    text = (resources.policies() / "default.yaml").read_text(encoding="utf-8")
    policy = text.replace("threshold: 0.995", "threshold: 1.995")
    file = tmp_path / "policy.yaml"
    file.write_text(policy, encoding="utf-8")
    with pytest.raises(ProcessFailed) as failure:
        command("run", "scorer", env={"PROOFWATCH_POLICY_FILE": str(file)})
    said = str(failure.value)
    assert all(part in said for part in (str(file), "liveness.threshold", "1.995", "less than or equal to 1"))
