"""What `backup check` says of a database beside Kafka, from numbers."""

from typing import Any

from proofwatch.bus.kafka.topic_plan import Present
from proofwatch.events.topics import kafka_specs, load_manifests
from services.operations.backup_table import HEADS, Row, judged, lines
from services.operations.database_positions import DatabasePositions, Held, Stored

VERDICTS, DAY_MS = "biometrics.verdicts.v1", 86_400_000
MANIFESTS = load_manifests()
PRESENT = {spec.name: Present(spec.partitions, spec.config, {}) for spec in kafka_specs(MANIFESTS)}
HELD = {(VERDICTS, n): Held(100 * n, 1_000, "a") for n in range(3)}


def rows(*stored: Stored, relayed: int = 0, **changed: Present | None) -> dict[str, Row]:
    present = {name.replace("_", "."): each for name, each in changed.items()}
    there = {name: each for name, each in {**PRESENT, **present}.items() if each is not None}
    standing = DatabasePositions(list(stored), HELD, {("ledger", VERDICTS, 0): relayed})
    return {row.cells[0]: row for row in judged(standing, MANIFESTS, there)}


def stored(partition: int, position: int | None, progress_ms: int | None = 0, **more: Any) -> Stored:
    return Stored("ledger", VERDICTS, partition, position, 5, progress_ms, **more)


def test_every_schema_and_every_topic_that_is_the_truth_has_a_row() -> None:
    """What expires and is counted in PostgreSQL is told beside the schema that reads it."""
    found = rows(stored(0, 900, 3 * DAY_MS), stored(1, 700, 2 * DAY_MS))
    assert found[f"ledger of {VERDICTS}"].cells[1:] == ("PostgreSQL", "2", "400", "600", "1970-01-10T00:00Z", "yes")
    assert found["windows: nothing read yet"].cells[-1] == "yes"
    kafka = {name for name, row in found.items() if row.cells[1] == "Kafka"}
    assert {"governance.tenants.v1", "onboarding.subjects.v1", "platform.positions.v1"} <= kafka
    assert not {VERDICTS, "metrics.tallies.v1", "onboarding.transactions.v1"} & kafka
    assert not [row for row in found.values() if row.wrong or row.notes]
    table = list(lines(HEADS, [row.cells for row in found.values()]))
    assert len(table) == 1 + len(found)
    assert {line.index(" Kafka ") for line in table if " Kafka " in line} == {table[0].index(" TRUTH ")}


def test_a_gap_that_cannot_be_replayed_and_a_topic_that_is_another_one_are_told() -> None:
    """One partition of several is enough."""
    found = rows(stored(0, 900), stored(2, 150))[f"ledger of {VERDICTS}"]
    assert found.cells[4] == "-50"
    assert found.cells[-1] == "no"
    (said,) = found.wrong
    assert "was read up to 150, but the topic begins at 200: 50 offsets" in said
    assert "made anew" in rows(stored(0, 900, topic_id="b"))[f"ledger of {VERDICTS}"].wrong[0]
    assert "no such partition" in rows(stored(7, 900))[f"ledger of {VERDICTS}"].wrong[0]


def test_an_older_copy_can_be_restored_with_the_command_that_is_named() -> None:
    """The usual case of a backup: it is no error."""
    found = rows(stored(0, 900), relayed=8)[f"ledger of {VERDICTS}"]
    assert found.cells[-1] == "yes, with restore relay"
    assert not found.wrong
    assert "3 outputs are published that this database does not know" in found.notes[0]
    assert "`proofwatch restore relay --schema ledger" in found.notes[0]


def test_a_topic_that_does_not_keep_the_truth_is_told() -> None:
    """Missing; deleted by time where it should be compacted; kept for a week where it should be kept for ever."""
    tenants = PRESENT["governance.tenants.v1"]
    week = Present(1, {**tenants.config, "retention.ms": str(7 * DAY_MS)}, {})
    assert "retention.ms is 604800000" in rows(governance_tenants_v1=week)["governance.tenants.v1"].wrong[0]
    always = Present(1, {**tenants.config, "retention.ms": "-1"}, {})
    assert not rows(governance_tenants_v1=always)["governance.tenants.v1"].wrong
    positions = PRESENT["platform.positions.v1"]
    deleted = Present(8, {**positions.config, "cleanup.policy": "delete"}, {})
    assert "its cleanup.policy is delete" in rows(platform_positions_v1=deleted)["platform.positions.v1"].wrong[0]
    gone = rows(platform_positions_v1=None)["platform.positions.v1"]
    assert gone.cells[2:] == ("-", "-", "-", "-", "no")
    assert "there is no such topic" in gone.wrong[0]


def test_nothing_known_is_a_dash_and_a_topic_kept_for_ever_says_so() -> None:
    """A lane that has not read yet, and a topic of an old log."""
    assert rows(stored(0, None, None))[f"ledger of {VERDICTS}"].cells[3:6] == ("1000", "-", "-")
    always = Present(6, {**PRESENT[VERDICTS].config, "retention.ms": "-1"}, {})
    assert rows(stored(0, 1), biometrics_verdicts_v1=always)[f"ledger of {VERDICTS}"].cells[5] == "for ever"
