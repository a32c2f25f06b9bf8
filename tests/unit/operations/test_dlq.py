"""Dead letters can be counted, looked at and sent again, and nothing of what is in them is told unasked."""

import argparse
import json
import stat
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from proofwatch.bus.dead_letters.letter import dead_letter
from proofwatch.bus.errors import Fenced, UnknownTopic
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.local.log import PartitionLog
from proofwatch.bus.records import Outgoing, Record, Rejection, TopicPartition
from proofwatch.events.codec import REDRIVE
from proofwatch.events.enumerations import DeadLetterReason
from proofwatch.events.rejected import Rejected
from proofwatch.events.topics import LABELS, REDRIVES, TRANSACTIONS, dead_letter_topic
from proofwatch.runtime.clock import SimulatedClock
from services import cli
from services.operations import dlq, dlq_redrive, dlq_show
from services.operations.dlq_read import Letter
from services.operations.dlq_redrive import Order, redrive
from tests.support.on_record import leave_open

DEAD = dead_letter_topic(TRANSACTIONS)
SECRET = b'{"subject_ref": "s-secret"}'
KEY = b"t/s-secret"
CLOCK = SimulatedClock(1_800_000_000_000)
COUNTS = {TRANSACTIONS: 2, DEAD: 2, LABELS: 1, dead_letter_topic(LABELS): 1, REDRIVES: 1}


@pytest.fixture(autouse=True)
def _let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    leave_open(monkeypatch)


def refused(
    offset: int, reason: DeadLetterReason = "malformed", partition: int = 0, headers: tuple[tuple[str, bytes], ...] = ()
) -> Outgoing:
    record = Record(offset, 1_700_000_000_000 + offset, KEY, SECRET, headers)
    return dead_letter(Rejection(record, reason, "$: is not JSON"), TopicPartition(TRANSACTIONS, partition), "scorer")


async def bus_with(*letters: Outgoing) -> LocalBus:
    bus = LocalBus(COUNTS, CLOCK)
    await bus.publish(letters)
    return bus


async def all_of(bus: LocalBus, topic: str, partition: int = 0) -> list[Record]:
    return [record async for record in bus.read(TopicPartition(topic, partition))]


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    dlq.add_arguments(parser)
    return parser.parse_args(words)


async def write(bus: LocalBus, args: argparse.Namespace) -> int:
    """Write what nobody's restriction closes."""

    async def usable(_: Letter) -> None: ...

    return await dlq.write(bus, args, usable)


def order(**changes: Any) -> Order:
    return Order(**{"topic": DEAD, "operator": "r.mehta", "note": "version 2 is deployed", **changes})


def quiet(passed: int, total: int) -> None:
    """Show no progress."""


async def test_list_groups_by_topic_reason_and_partition(capsys: pytest.CaptureFixture[str]) -> None:
    """Counts, first and last time and an example; a record of somebody else is listed as such."""
    bus = await bus_with(refused(1), refused(2), refused(3, "time_ahead"), refused(4, partition=1))
    await bus.publish([Outgoing(dead_letter_topic(LABELS), b"k", b"v", 0, 1_700_000_000_000)])
    assert await dlq.list_groups(bus, arguments("list", "--json")) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["topic"], row["reason"], row["partition"], row["count"]) for row in rows] == [
        (dead_letter_topic(LABELS), "(not a dead letter of Proofwatch)", 0, 1),
        (DEAD, "malformed", 0, 2),
        (DEAD, "malformed", 1, 1),
        (DEAD, "time_ahead", 0, 1),
    ]
    assert rows[1] == {
        "topic": DEAD,
        "stage": "scorer",
        "reason": "malformed",
        "partition": 0,
        "count": 2,
        "redriven": 0,
        "first": "2023-11-14T22:13:20.001Z",
        "last": "2023-11-14T22:13:20.002Z",
        "example": f"{DEAD}/0/1",
    }


async def test_list_narrows_by_topic_reason_and_time(capsys: pytest.CaptureFixture[str]) -> None:
    """The topic may be named without its ending; times are those of the refusals."""
    bus = await bus_with(refused(1), refused(2, "time_ahead"), refused(3, "time_ahead"))
    since = datetime.fromtimestamp(1_700_000_000.003, UTC).isoformat()
    for words in (["--topic", TRANSACTIONS, "--since", since], ["--topic", DEAD, "--reason", "time_ahead"]):
        await dlq.list_groups(bus, arguments("list", *words))
        said = capsys.readouterr().out
        assert "time_ahead" in said
        assert "malformed" not in said
    await dlq.list_groups(bus, arguments("list", "--topic", LABELS))
    assert capsys.readouterr().out == "no dead letters\n"
    with pytest.raises(UnknownTopic):
        await dlq.list_groups(bus, arguments("list", "--topic", "nothing.like.it"))


async def test_show_says_where_and_why_and_nothing_of_what_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Sizes instead of value, key and the values of the headers it came with."""
    bus = await bus_with(refused(7, "time_ahead", 1, (("ce_subject", b"s-secret"),)))
    assert await write(bus, arguments("show", f"{DEAD}/1/0")) == 0
    said = capsys.readouterr().out
    for part in ("scorer", "time_ahead", "$: is not JSON", f"{TRANSACTIONS}/1/7", "27 bytes", "ce_subject (8 bytes)"):
        assert part in said
    assert "__connect.errors.task.id: 1" in said
    assert "s-secret" not in said


async def test_show_hands_the_bytes_to_a_new_file_of_its_owner_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On demand, byte for byte; never over another file."""
    bus, file = await bus_with(refused(7)), tmp_path / "record"
    await write(bus, arguments("show", f"{DEAD}/0/0", "--bytes", str(file)))
    assert file.read_bytes() == SECRET
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "s-secret" not in capsys.readouterr().out
    with pytest.raises(dlq_show.NotShown, match="name a new file"):
        await write(bus, arguments("show", f"{DEAD}/0/0", "--bytes", str(file)))


async def test_show_writes_bytes_to_a_terminal_but_into_no_pipe(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pipe may end in a log."""
    bus = await bus_with(refused(7))
    with pytest.raises(dlq_show.NotShown, match="terminal only"):
        await write(bus, arguments("show", f"{DEAD}/0/0", "--bytes"))
    assert "s-secret" not in capsys.readouterr().out
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    await write(bus, arguments("show", f"{DEAD}/0/0", "--bytes"))
    assert SECRET.decode() in capsys.readouterr().out


@pytest.mark.parametrize("place", ["x", "a/b", "a/1", "a/1/x", "/1/1", "a/1/-1", f"{DEAD}/0/1"])
async def test_show_refuses_what_is_no_place_or_is_not_there(place: str) -> None:
    """With what would be right."""
    with pytest.raises(dlq_show.NotShown, match=r"write TOPIC/PARTITION/OFFSET|there is no record at"):
        await write(await bus_with(refused(7)), arguments("show", place))


async def test_show_takes_any_topic(capsys: pytest.CaptureFixture[str]) -> None:
    """What halted a service lies on its own topic still."""
    bus = await bus_with(Outgoing(TRANSACTIONS, KEY, SECRET, 0, 1))
    await write(bus, arguments("show", f"{TRANSACTIONS}/0/0"))
    assert "no headers of a dead letter" in capsys.readouterr().out


async def test_a_redrive_sends_the_original_and_its_record_together() -> None:
    """Key, bytes, partition, time and headers as they were, and one header that says it was sent again."""
    bus = await bus_with(refused(7, "time_ahead", 1, (("traceparent", b"00"),)))
    outcome = await redrive(bus, order(), CLOCK, quiet)
    assert outcome.sent == {(TRANSACTIONS, "time_ahead"): 1}
    (sent,), (on_record,) = await all_of(bus, TRANSACTIONS, 1), await all_of(bus, REDRIVES)
    event = REDRIVE.decode(on_record.value)
    assert (sent.key, sent.value, sent.timestamp_ms) == (KEY, SECRET, 1_700_000_000_007)
    assert sent.headers == (("traceparent", b"00"), ("proofwatch.redrive_id", event.redrive_id.encode()))
    assert on_record.key == f"{DEAD}/1/0".encode()
    assert (event.dead_letter_topic, event.partition, event.offset, event.target_topic) == (DEAD, 1, 0, TRANSACTIONS)
    assert (event.reason_code, event.operator, event.note) == ("time_ahead", "r.mehta", "version 2 is deployed")
    assert event.redriven_at == datetime.fromtimestamp(1_800_000_000, UTC)


async def test_what_was_redriven_is_refused_unless_again() -> None:
    """The id depends on the dead letter alone, so both redrives carry the same."""
    bus = await bus_with(refused(7), refused(8))
    await redrive(bus, order(partition=0, offset=0), CLOCK, quiet)
    outcome = await redrive(bus, order(), CLOCK, quiet)
    assert (outcome.sent.total(), outcome.done_before) == (1, 1)
    assert len(await all_of(bus, TRANSACTIONS)) == 2
    await redrive(bus, order(partition=0, offset=0, again=True), CLOCK, quiet)
    ids = [REDRIVE.decode(record.value).redrive_id for record in await all_of(bus, REDRIVES)]
    assert ids[0] == ids[2] != ids[1]


async def test_a_record_that_fails_again_shows_how_often_it_was_sent(capsys: pytest.CaptureFixture[str]) -> None:
    """A loop is visible on the record itself, and in what `show` and `list` say."""
    bus = await bus_with(refused(7))
    for offset in range(2):
        await redrive(bus, order(partition=0, offset=offset), CLOCK, quiet)
        again = (await all_of(bus, TRANSACTIONS))[offset]
        await bus.publish([dead_letter(Rejection(again, "malformed", "$"), TopicPartition(TRANSACTIONS, 0), "scorer")])
    await write(bus, arguments("show", f"{DEAD}/0/2"))
    assert "it had been redriven 2 times before this refusal" in capsys.readouterr().out
    await dlq.list_groups(bus, arguments("list", "--json"))
    assert json.loads(capsys.readouterr().out)[0]["redriven"] == 2


async def test_a_dry_run_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """It says what would be sent, and disturbs no redrive that runs."""
    bus = await bus_with(refused(7), refused(8, "time_ahead"))
    running = await bus.fence(dlq_redrive.GROUP).acquire(TopicPartition(REDRIVES, 0))
    words = ("redrive", TRANSACTIONS, "--operator", "o", "--note", "n", "--reason", "time_ahead", "--dry-run")
    assert await dlq.redrive(bus, arguments(*words)) == 0
    assert capsys.readouterr().out == f"1 time_ahead: would be sent to {TRANSACTIONS}\n"
    assert [await all_of(bus, topic) for topic in (TRANSACTIONS, REDRIVES)] == [[], []]
    chunk = dlq_redrive._Chunk(running, 0, CLOCK)
    await chunk.add((Outgoing(TRANSACTIONS, b"k", b"v", 0), Outgoing(REDRIVES, b"k", b"v", 0)))
    await chunk.commit()


async def test_a_redrive_is_bounded_and_goes_on_where_it_ended(capsys: pytest.CaptureFixture[str]) -> None:
    """Over many transactions, none twice."""
    bus = await bus_with(*(refused(n, partition=n % 2) for n in range(1_000)))
    words = ("redrive", TRANSACTIONS, "--operator", "o", "--note", "n", "--limit", "700")
    assert await dlq.redrive(bus, arguments(*words)) == 0
    assert "the limit is reached" in capsys.readouterr().out
    assert await dlq.redrive(bus, arguments(*words)) == 0
    assert "300 malformed: sent" in capsys.readouterr().out
    assert [len(await all_of(bus, TRANSACTIONS, partition)) for partition in range(2)] == [500, 500]
    assert len({record.key for record in await all_of(bus, REDRIVES)}) == 1_000


class Failing(LocalBus):
    """Appends nothing: a transaction that the broker does not take."""

    def append(self, placed: Any) -> None:
        records: list[tuple[PartitionLog, Outgoing]] = placed
        if any(outgoing.topic == REDRIVES for _, outgoing in records):
            raise ConnectionError("away")
        super().append(placed)


async def test_without_its_record_nothing_is_sent() -> None:
    """Both are in one transaction: when it fails, neither is there."""
    bus = Failing(COUNTS, CLOCK)
    await bus.publish([refused(7)])
    with pytest.raises(ConnectionError):
        await redrive(bus, order(), CLOCK, quiet)
    assert await all_of(bus, TRANSACTIONS) == []
    counts = {topic: count for topic, count in COUNTS.items() if topic != REDRIVES}
    with pytest.raises(UnknownTopic, match=REDRIVES):
        await redrive(LocalBus(counts, CLOCK), order(), CLOCK, quiet)


async def test_of_two_redrives_the_later_one_goes_on() -> None:
    """The earlier one is shut out before it could send what the later one does not know of."""
    bus = await bus_with(refused(7))

    def interrupt(passed: int, total: int) -> None:
        bus._groups[dlq_redrive.GROUP].bump_epoch(TopicPartition(REDRIVES, 0))

    with pytest.raises(Fenced):
        await redrive(bus, order(), CLOCK, interrupt)
    assert await all_of(bus, TRANSACTIONS) == []


async def test_letters_of_others_are_left_where_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """No headers of ours, or the headers of another topic: nobody is sent where a header wants."""
    elsewhere = refused(7)._replace(topic=dead_letter_topic(LABELS))
    bus = await bus_with(elsewhere, Outgoing(dead_letter_topic(LABELS), b"k", b"v", 0))
    assert await dlq.redrive(bus, arguments("redrive", LABELS, "--operator", "o", "--note", "n")) == 0
    said = capsys.readouterr().out
    assert "nothing sent" in said
    assert "2 left out" in said
    assert [await all_of(bus, topic) for topic in (TRANSACTIONS, LABELS)] == [[], []]


@pytest.mark.parametrize("changes", [{"operator": ""}, {"operator": "x" * 65}, {"note": ""}, {"note": "x" * 513}])
async def test_a_redrive_that_cannot_be_recorded_sends_nothing(changes: dict[str, str]) -> None:
    """The message says what would be right, and a dry run says so too."""
    bus = await bus_with(refused(7))
    for dry_run in (False, True):
        with pytest.raises(Rejected, match=rf"\$\.{next(iter(changes))}: must be text of 1 to"):
            await redrive(bus, order(**changes), CLOCK, quiet, dry_run=dry_run)
    assert await all_of(bus, TRANSACTIONS) == []


async def test_one_that_was_asked_for_and_not_sent_is_an_error() -> None:
    """A script sees by the exit code that nothing happened."""
    bus = await bus_with(refused(7))
    words = ("redrive", TRANSACTIONS, "--operator", "o", "--note", "n", "--partition", "0", "--offset")
    assert [await dlq.redrive(bus, arguments(*words, offset)) for offset in ("0", "0", "1")] == [0, 1, 1]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--offset", "3"], "--offset needs --partition"),
        (["--offset", "3", "--partition", "0", "--reason", "x"], "exclude each other"),
        (["--limit", "0"], "at least 1"),
    ],
)
def test_arguments_without_sense_are_refused(words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything connects."""
    assert cli.main(["dlq", "redrive", TRANSACTIONS, "--operator", "o", "--note", "n", *words]) == 2
    assert says in capsys.readouterr().err
