"""A truth comes to the log when it came: between later transactions, in any order of the file."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from proofwatch.bus.dead_letters.letter import read_headers
from proofwatch.bus.records import Outgoing
from proofwatch.events import topics
from proofwatch.intake import Columns, Intake
from proofwatch.scorefile.mapping import Mapping
from proofwatch.scorefile.reader import Reader
from proofwatch.tabular import open_table
from services.standalone.feed import Feed

START = datetime(2026, 1, 5, tzinfo=UTC)
DEAD = topics.dead_letter_topic(topics.LABELS)


def at(hours: float) -> str:
    return (START + timedelta(hours=hours)).isoformat()


def feed(path: Path, rows: list[str], head: str = "transaction_id,occurred_at,match_score,pair,labelled_at",
         *, when_known: bool = True, **mapping: str) -> tuple[Feed, list[str]]:  # fmt: skip
    file = path / "log.csv"
    file.write_text("\n".join([head, *rows]) + "\n")
    table, said = open_table(file), list[str]()
    reader = Reader(Columns.of(table.columns, {}, {}), Mapping.model_validate(mapping), {})
    intake = Intake(reader, "replay", "abc", START, timedelta(hours=1), frozenset())
    return Feed(table, intake, said.append, when_known=when_known), said


def told(made: Feed, size: int = 7) -> list[tuple[str, str, int]]:
    """Return what comes: the kind, the transaction, the hour from the start."""
    return [(kind_of(record), orjson.loads(record.value or b"")["transaction_id"], hour_of(record))
            for chunk in made.chunks(size) for record in chunk]  # fmt: skip


def kind_of(record: Outgoing) -> str:
    return {topics.TRANSACTIONS: "was", topics.LABELS: "known"}.get(record.topic, "dead")


def hour_of(record: Outgoing) -> int:
    return ((record.timestamp_ms or 0) - round(START.timestamp() * 1000)) // 3_600_000


ROWS = [
    f"a,{at(0)},0.9,genuine,{at(30)}",
    f"b,{at(1)},0.9,genuine,",
    f"c,{at(2)},0.9,genuine,{at(2)}",
    f"d,{at(40)},0.9,,{at(41)}",
    f"e,{at(41)},0.1,impostor,{at(50)}",
]
WANTED = [
    ("was", "a", 0), ("was", "b", 1), ("known", "b", 1), ("was", "c", 2), ("known", "c", 2), ("known", "a", 30),
    ("was", "d", 40), ("was", "e", 41), ("known", "e", 50),
]  # fmt: skip


@pytest.mark.parametrize("size", [1, 2, 100])
def test_labels_come_between_later_transactions(tmp_path: Path, size: int) -> None:
    """At their own time, after the transaction where the time is the same; pieces of any size."""
    assert told(feed(tmp_path, ROWS)[0], size) == WANTED


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_the_file_is_nothing(tmp_path: Path, seed: int) -> None:
    """Labels are in an order of their own, whatever that of the rows."""
    rows = random.Random(seed).sample(ROWS, len(ROWS))
    assert told(feed(tmp_path, rows)[0]) == WANTED


def test_the_event_says_when_its_truth_was_asserted(tmp_path: Path) -> None:
    """Of two labels of one transaction the later one counts, in the ledger too."""
    made, _ = feed(tmp_path, ROWS[:1])
    (label,) = (record for chunk in made.chunks() for record in chunk if record.topic == topics.LABELS)
    assert datetime.fromisoformat(orjson.loads(label.value or b"")["asserted_at"]) == START + timedelta(hours=30)


def test_a_mapping_delays_those_that_do_not_say(tmp_path: Path) -> None:
    """With or without the column; a label that says when it came is not delayed."""
    assert told(feed(tmp_path, ROWS[:2], label_delay="12h")[0]) == [
        ("was", "a", 0), ("was", "b", 1), ("known", "b", 13), ("known", "a", 30),
    ]  # fmt: skip
    plain = [row.rpartition(",")[0] for row in ROWS[:2]]
    assert told(feed(tmp_path, plain, "transaction_id,occurred_at,match_score,pair", label_delay="12h")[0]) == [
        ("was", "a", 0), ("was", "b", 1), ("known", "a", 12), ("known", "b", 13),
    ]  # fmt: skip


def test_a_file_without_times_can_be_delayed_but_says_no_moment(tmp_path: Path) -> None:
    """Its rows get times of their own, to which no date belongs."""
    rows = ["a,0.9,genuine,2019-01-01", "b,0.9,genuine,2019-01-01"]
    made, said = feed(tmp_path, rows, "transaction_id,match_score,pair,labelled_at", label_delay="12h")
    assert told(made) == [("was", "a", 0), ("was", "b", 1), ("known", "a", 12), ("known", "b", 13)]
    assert any("labelled_at says nothing" in line for line in said)


@pytest.mark.parametrize("written", [at(-1), "never"])
def test_a_label_at_a_time_that_cannot_be_is_a_dead_letter(tmp_path: Path, written: str) -> None:
    """At its transaction's time, which is judged as any other; the letter names the line."""
    made, _ = feed(tmp_path, [ROWS[2], f"x,{at(3)},0.9,genuine,{written}"])
    records = [record for chunk in made.chunks() for record in chunk]
    assert [record.topic for record in records][-2:] == [topics.TRANSACTIONS, DEAD]
    assert [hour_of(record) for record in records] == [2, 2, 3, 3]
    letter = read_headers(records[-1].headers)
    assert letter is not None
    assert "line 3" in letter.message


def test_labels_of_an_hour_come_together_and_by_themselves(tmp_path: Path) -> None:
    """At its end: what is fed with them ends there, so that a day is restated once for them all."""
    rows = [f"t{n},{at(n / 100)},0.9,genuine,{at(24 + n / 100)}" for n in range(120)] + [f"z,{at(60)},0.9,,"]
    made, _ = feed(tmp_path, rows)
    pieces = [[(kind_of(record), hour_of(record)) for record in chunk] for chunk in made.chunks(1_000)]
    assert [len(piece) for piece in pieces] == [120 + 1, 100, 19, 1]
    assert pieces[1] == [("known", 25)] * 100
    assert pieces[0][-1] == ("known", 24), "an hour that ends with the label itself"


def test_what_is_sent_to_a_live_system_has_its_labels_at_once(tmp_path: Path) -> None:
    """`publish` has a pace of its own."""
    found = told(feed(tmp_path, ROWS[:2], when_known=False)[0])
    assert [each[:2] for each in found] == [("was", "a"), ("known", "a"), ("was", "b"), ("known", "b")]
