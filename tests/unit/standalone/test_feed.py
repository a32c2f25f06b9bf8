"""A file's rows as a live system would have met them."""

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

START = datetime(2025, 3, 4, 6, tzinfo=UTC)
ARGUMENT = datetime(2026, 1, 1, tzinfo=UTC)
DEAD = topics.dead_letter_topic(topics.TRANSACTIONS)


def feed(path: Path, times: list[str]) -> tuple[Feed, list[str]]:
    file = path / "log.csv"
    lines = [f"t{n},{at},0.9" for n, at in enumerate(times)]
    file.write_text("transaction_id,occurred_at,match_score\n" + "\n".join(lines) + "\n")
    table, said = open_table(file), list[str]()
    columns = Columns.of(table.columns, {}, {})
    made = Intake(Reader(columns, Mapping(), {}), "replay", "abc", ARGUMENT, timedelta(seconds=1), frozenset())
    return Feed(table, made, said.append), said


def at(number: int) -> str:
    return (START + timedelta(seconds=number)).isoformat()


def flat(made: Feed, size: int = 7) -> list[Outgoing]:
    return [record for chunk in made.chunks(size) for record in chunk]


def test_any_order_of_the_rows_gives_the_same_records(tmp_path: Path) -> None:
    """Sorted, newest first or shuffled; and it is said that the file had to be sorted."""
    times = [at(number) for number in range(40)]
    shuffled = times[:]
    random.Random(1).shuffle(shuffled)
    wanted = [
        (record.timestamp_ms, orjson.loads(record.value or b"")["occurred_at"])
        for record in flat(feed(tmp_path, times)[0])
    ]
    for order, word in ((times[::-1], "newest first"), (shuffled, "not in the order of its times")):
        made, said = feed(tmp_path, order)
        found = [(record.timestamp_ms, orjson.loads(record.value or b"")["occurred_at"]) for record in flat(made)]
        assert found == wanted
        assert [word in line and "40 rows are sorted by time first, in memory" in line for line in said] == [True]


def test_time_begins_with_the_log_whatever_start_says(tmp_path: Path) -> None:
    """`--start` is for files without times: a log of last year is not behind it."""
    made, said = feed(tmp_path, [at(0), at(1)])
    assert made.start_ms is not None
    assert made.start_ms <= round(START.timestamp() * 1000)
    assert said == []
    assert feed(tmp_path, ["", ""])[0].start_ms is None


@pytest.mark.parametrize(
    ("odd", "reason", "side"),
    [
        ("2099-12-31T00:00:00Z", "time_ahead", "after the end"),
        ("1970-01-01", "schema_mismatch", "before the beginning"),
    ],
)
def test_a_row_of_another_clock_becomes_a_dead_letter_and_moves_no_time(
    tmp_path: Path, odd: str, reason: str, side: str
) -> None:
    """It says which line; every record's time lies within the log."""
    times = [at(number) for number in range(30)]
    times[12] = odd
    made, said = feed(tmp_path, times)
    records = flat(made)
    (dead,) = [record for record in records if record.topic == DEAD]
    told = read_headers(dead.headers)
    assert told
    assert (told.reason, told.stage, told.offset) == (reason, "replay", 12)
    assert f"line 14 lies far {side} of the rest of the log" in told.message
    assert "1 rows have a time far outside of 2025-03-04 to 2025-03-04" in said[0]
    stamps = [record.timestamp_ms or 0 for record in records]
    assert stamps == sorted(stamps)
    assert max(stamps) - min(stamps) < 24 * 3_600_000
    assert len([record for record in records if record.topic == topics.TRANSACTIONS]) == 29


@pytest.mark.parametrize("odd", ["", "yesterday", "0001-01-01T00:00:00"])
def test_a_row_without_a_time_is_put_nowhere_where_others_have_one(tmp_path: Path, odd: str) -> None:
    """The scorer refuses it, beside its neighbours; it is not taken to lie at `--start`."""
    made, said = feed(tmp_path, [at(0), at(1), odd, at(3)])
    records = flat(made)
    assert {datetime.fromtimestamp((record.timestamp_ms or 0) / 1000, UTC).date() for record in records} == {
        START.date()
    }
    refused = orjson.loads(records[2].value or b"")["occurred_at"]
    assert refused.startswith(odd[:4])
    assert "1 of 4 rows have no time that can be read, and are refused" in said[0]


def test_without_times_the_rows_are_as_far_apart_as_said(tmp_path: Path) -> None:
    """From `--start` on, and nothing is remarked upon."""
    made, said = feed(tmp_path, ["", "", ""])
    assert [orjson.loads(record.value or b"")["occurred_at"] for record in flat(made)] == [
        (ARGUMENT + timedelta(seconds=number)).isoformat() for number in range(3)
    ]
    assert said == []


@pytest.mark.parametrize("timed", [True, False])
def test_a_broken_row_becomes_a_dead_letter_that_names_its_line(tmp_path: Path, timed: bool) -> None:
    """It is no transaction without scores; every other row is there."""
    made, said = feed(tmp_path, [at(0) if timed else "", f"{at(1) if timed else ''},0.4,x", at(2) if timed else ""])
    records = flat(made)
    messages = [told.message for record in records if (told := read_headers(record.headers))]
    assert [record.topic == DEAD for record in records] == [False, True, False]
    assert [message.startswith("$: line 3 has more cells") for message in messages] == [True]
    assert made.broken == 1
    assert not any("no time" in line for line in said)
