"""Every source tells the same log alike: events, verdicts, a table of scores, a topic."""

import csv
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest

from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.records import Outgoing
from proofwatch.events import topics
from proofwatch.events.codec import LABEL, TRANSACTION, VERDICT
from proofwatch.events.types import Label, Transaction, Verdict
from proofwatch.runtime.clock import SimulatedClock
from proofwatch.tabular import TableError
from services.scorer.backtest.arrivals import Arrival, Period, Source, Truth, Truths
from services.scorer.backtest.files import TableFile, open_file, transaction_of
from services.scorer.backtest.play import play
from services.scorer.backtest.result import Result
from services.scorer.backtest.topic import TopicSource
from services.scorer.core.attempts import CLEAN
from services.scorer.core.compiled_policy import CompiledPolicy
from services.scorer.core.rules import judge
from services.scorer.core.verdicts import verdict
from tests.unit.scorer.backtests import NEW, OLD, START, lines, played, small_log


def figures(result: Result) -> dict[str, Any]:
    """All that a result says about transactions, without where it comes from."""
    found: dict[str, Any] = msgspec.to_builtins(result)
    for name in ("source", "read", "refused", "other_tenants"):
        del found[name]
    return found


def label_of(arrival: Arrival, **changes: Any) -> Label | None:
    truth = arrival.truth
    if truth is None:
        return None
    presentation, _, species = (truth.presentation or "").partition(":")
    given: dict[str, Any] = {
        "tenant": arrival.event.tenant,
        "transaction_id": arrival.event.transaction_id,
        "label_id": "l-1",
        "asserted_at": START,
        "authority": 50,
        "pair": truth.pair,
        "presentation": presentation or None,
        "pai_species": species or None,
    }
    return Label(schema_version=1, **(given | changes))


def labels(log: list[Arrival]) -> list[bytes]:
    return [LABEL.encode(label) for arrival in log if (label := label_of(arrival)) is not None]


async def result_of(source: Source) -> Result:
    return (await play(source, OLD, NEW)).result


async def test_a_file_of_transactions_and_one_of_labels(tmp_path: Path) -> None:
    """Blank lines are nothing; what no policy could judge is counted by reason and changes nothing else."""
    log = small_log()
    file = lines(tmp_path / "t.jsonl", [b"", *(a.value for a in log), b"{", b'{"schema_version":9}'])
    result = await result_of(open_file(file, OLD, NEW, labels=lines(tmp_path / "l.jsonl", labels(log))))
    assert figures(result) == figures((await played(log)).result)
    assert (result.read, result.refused) == (20, {"malformed": 1, "unknown_schema_version": 1})


@pytest.mark.parametrize("order", ["backwards", "shuffled"])
async def test_a_file_of_events_in_another_order_is_brought_into_that_of_its_times(tmp_path: Path, order: str) -> None:
    """As a table is: attempts count from the oldest on, whatever the file's order; lines of another clock are refused.

    The third failure of a subject is its last in time, not in the file.
    """
    log = small_log()
    values = [each.value for each in log]
    other = values[::-1] if order == "backwards" else random.Random(3).sample(values, len(values))
    odd = log[0].value.replace(b"2026-", b"2099-").replace(b"tx-1", b"tx-99")
    file = lines(tmp_path / "t.jsonl", [*other[:9], odd, b"{", *other[9:]])
    result = await result_of(open_file(file, OLD, NEW, labels=lines(tmp_path / "l.jsonl", labels(log))))
    assert figures(result) == figures((await played(log)).result)
    assert result.refused == {"malformed": 1, "time_ahead": 1}


async def test_a_dump_of_verdicts(tmp_path: Path) -> None:
    """The transactions are taken back from what the verdicts say about them."""
    log = small_log()
    compiled, none = CompiledPolicy.of(OLD), CLEAN.failures
    values = [VERDICT.encode(verdict(a.event, judge(a.event, compiled, none), compiled.basis(none))) for a in log]
    source = open_file(lines(tmp_path / "v.jsonl", values), OLD, NEW, labels=lines(tmp_path / "l.jsonl", labels(log)))
    assert figures(await result_of(source)) == figures((await played(log)).result)


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
async def test_a_table_of_scores_brings_its_labels(suffix: str, tmp_path: Path) -> None:
    """In the columns of `proofwatch replay`, one transaction a row; the tenant is given."""
    log, path = small_log(), tmp_path / f"scores.{suffix}"
    rows = []
    for arrival in log:
        event, truth = arrival.event, arrival.truth or Truth(None, None)
        presentation, _, species = (truth.presentation or "").partition(":")
        rows.append(
            {
                "transaction_id": event.transaction_id,
                "subject_ref": event.subject_ref,
                "occurred_at": event.occurred_at.isoformat(),
                "match_score": event.match_score,
                "pair": truth.pair,
                "liveness_score": event.liveness_score,
                "presentation": presentation or None,
                "pai_species": species or None,
            }
        )
    if suffix == "csv":
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    else:
        lines(path, [msgspec.json.encode(row) for row in rows])
    result = await result_of(open_file(path, OLD, NEW, tenant="acme"))
    assert figures(result) == figures((await played(log)).result)


async def test_only_the_tenant_that_was_asked_for(tmp_path: Path) -> None:
    """The others are counted, and nothing more."""
    file = lines(tmp_path / "t.jsonl", [a.value for a in small_log()])
    result = await result_of(open_file(file, OLD, NEW, tenant="birch"))
    assert (result.read, result.other_tenants, result.total.n, result.cohorts) == (18, 18, 0, [])


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.xlsx", b"x", "must end in .csv, .tsv"),
        ("a.jsonl", b'{"other": "1"}\n', "neither match_score nor liveness_score"),
        ("b.jsonl", None, "cannot be read"),
    ],
)
def test_a_file_of_another_kind_is_refused(name: str, content: bytes | None, said: str, tmp_path: Path) -> None:
    """With what would be right."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(TableError, match=said):
        open_file(tmp_path / name, OLD, NEW)


def test_a_label_that_no_schema_accepts_is_refused_with_its_line(tmp_path: Path) -> None:
    """Labels decide what the figures are: none is left out silently."""
    file = lines(tmp_path / "t.jsonl", [small_log()[0].value])
    bad = lines(tmp_path / "l.jsonl", [*labels(small_log())[:2], b'{"schema_version":1}'])
    with pytest.raises(TableError, match=r"l\.jsonl, line 3"):
        open_file(file, OLD, NEW, labels=bad)


def test_of_several_labels_the_greater_authority_counts_whatever_the_order() -> None:
    """Then the later one, then the greater label_id; each aspect for itself."""
    arrival = small_log()[0]
    low = label_of(arrival, pair="impostor", presentation=None)
    high = label_of(arrival, authority=90, presentation=None)
    attack = label_of(arrival, pair=None, presentation="attack", pai_species="mask", label_id="l-2")
    given = [label for label in (low, high, attack) if label]
    for order in (given, given[::-1]):
        truths = Truths()
        for label in order:
            truths.add(label)
        assert truths.of("acme", "tx-1") == Truth("genuine", "attack:mask")
        assert truths.of("acme", "tx-2") is None


def bus_of(log: list[Arrival], partitions: int = 3) -> tuple[LocalBus, list[Outgoing]]:
    bus = LocalBus({topics.TRANSACTIONS: partitions, topics.LABELS: 2}, SimulatedClock(0))
    records = [
        Outgoing(topics.TRANSACTIONS, a.key.encode(), TRANSACTION.encode(a.event), timestamp_ms=a.timestamp_ms)
        for a in log
    ]
    told = [
        Outgoing(topics.LABELS, f"{label.tenant}/{label.transaction_id}".encode(), LABEL.encode(label))
        for a in log
        if (label := label_of(a))
    ]
    return bus, records + told


async def test_a_topic_with_its_labels_up_to_where_it_ended() -> None:
    """Subjects keep to a partition, so that nothing depends on how many there are; what comes later is not read."""
    log = small_log()
    for partitions in (1, 3):
        bus, records = bus_of(log, partitions)
        await bus.publish(records)
        source = TopicSource(bus, (OLD, NEW))
        batches = source.batches()
        first = await anext(batches)
        await bus.publish(records[:5])
        rest = [batch async for batch in batches]
        assert sum(len(arrivals) for _, arrivals in (first, *rest)) == len(log)
        bus, records = bus_of(log, partitions)
        await bus.publish(records)
        assert figures(await result_of(TopicSource(bus, (OLD, NEW)))) == figures((await played(log)).result)


async def test_records_that_no_policy_could_judge_are_counted() -> None:
    """Not JSON, under another key, without a key."""
    bus, _ = bus_of([])
    value = small_log()[0].value
    await bus.publish(
        [
            Outgoing(topics.TRANSACTIONS, key, v)
            for key, v in ((b"acme/s-1", b"{"), (b"acme/other", value), (None, value))
        ]
    )
    result = await result_of(TopicSource(bus, (OLD, NEW)))
    assert result.refused == {"key_mismatch": 1, "malformed": 1, "missing_key": 1}


async def test_whose_processing_is_restricted_is_judged_by_no_policy_and_counted() -> None:
    """Art. 18: the rest is judged as if they had never been."""
    log = small_log()
    whose = log[0].event.subject_ref
    bus, records = bus_of(log)
    await bus.publish(records)
    source = TopicSource(bus, (OLD, NEW), restricted=lambda subject_ref: subject_ref == whose)
    result = await result_of(source)
    others = [each for each in log if each.event.subject_ref != whose]
    assert result.refused == {"processing_restricted": len(log) - len(others)}
    assert result.total == (await played(others)).result.total


async def test_a_period_reads_back_as_far_as_attempts_reach() -> None:
    """The third failure within the period is a referral, as over the whole log."""
    log = small_log()
    bus, records = bus_of(log)
    await bus.publish(records)
    period = Period(since=log[-1].event.occurred_at)
    source = TopicSource(bus, (OLD, NEW), period=period)
    result = (await play(source, OLD, NEW, period=period)).result
    expected = (await played(log, period=period)).result
    assert figures(result) == figures(expected)
    assert [move.new_decision for move in result.total.moves] == ["deduplicated", "refer"][::-1]


async def test_a_broken_row_of_a_table_is_counted_and_not_judged(tmp_path: Path) -> None:
    """It has no scores; that is no failure to acquire, even where the policy demands both checks."""
    path = tmp_path / "scores.csv"
    path.write_text("transaction_id,match_score,liveness_score\nt1,0.99,0.999\nt2,0.9\nt3,0.99,0.999\n")
    strict = OLD.model_copy(update={"required_checks": ("match", "liveness")})
    source = open_file(path, strict, strict)
    arrivals = [arrival async for _, batch in source.batches() for arrival in batch]
    assert [arrival.event.transaction_id for arrival in arrivals] == ["t1", "t3"]
    assert source.accounts.refused == {"schema_mismatch": 1}


def session_log(path: Path) -> list[str]:
    """Write a log in which one subject fails five times under one session id; return its rows."""
    rows = [f"t{n},s{n},2026-03-04T06:00:{n:02}Z,0.99,genuine" for n in range(20)]
    rows += [f"session,one,2026-03-04T07:0{n}:00Z,0.{4 + n},genuine" for n in range(5)]
    saved_table(path, rows)
    return rows


def saved_table(path: Path, rows: list[str]) -> None:
    path.write_text("\n".join(["transaction_id,subject_ref,occurred_at,match_score,pair", *rows]) + "\n")


async def test_the_order_of_a_tables_rows_makes_no_difference(tmp_path: Path) -> None:
    """Newest first, as many tools export: the third failure is the third in time."""
    rows = session_log(tmp_path / "a.csv")
    saved_table(tmp_path / "b.csv", rows[::-1])
    found = [figures(await result_of(open_file(tmp_path / name, OLD, NEW))) for name in ("a.csv", "b.csv")]
    assert found[0] == found[1]
    judged = [arrival async for _, batch in open_file(tmp_path / "b.csv", OLD, NEW).batches() for arrival in batch]
    times = [arrival.event.occurred_at for arrival in judged]
    assert times == sorted(times)
    assert [arrival.offset for arrival in judged] == sorted({arrival.offset for arrival in judged})


async def test_a_label_that_cannot_be_read_takes_no_transaction_with_it(tmp_path: Path) -> None:
    """Nor does a clock that was years off move time; both are told with a line."""
    path = tmp_path / "scores.csv"
    rows = session_log(path)
    rows[3] = rows[3].replace("genuine", "secret")
    rows[4] = rows[4].replace("2026", "2099")
    saved_table(path, rows)
    source = open_file(path, OLD, NEW, cap=0.01)
    assert isinstance(source, TableFile)
    arrivals = [arrival async for _, batch in source.batches() for arrival in batch]
    said = source.outcome.sentence() or ""
    assert len(arrivals) == 24
    assert source.accounts.refused == {"time_ahead": 1}
    assert (
        "1 of 25 rows were refused: occurred_at lies far after the end of the rest of the log (1 row, such as line 6)"
        in said
    )
    assert "1 of 25 labels were refused: pair is no spelling that is known (1 row, such as line 5)" in said
    assert "secret" not in said
    assert source.outcome.too_much


def test_a_transaction_of_a_verdict_has_every_field_that_both_have() -> None:
    """Or what a backtest over verdicts plays would not be what was decided."""
    values: dict[str, Any] = {name: f"value of {name}" for name in Verdict.__struct_fields__}
    made = transaction_of(Verdict(**values))
    shared = set(Transaction.__struct_fields__) & set(Verdict.__struct_fields__) - {"schema_version"}
    assert {name: getattr(made, name) for name in shared} == {name: values[name] for name in shared}
