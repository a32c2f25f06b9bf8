"""The incident stage: closings are taken together, roots come from counts, old things are forgotten."""

import json
from typing import Any

from msgspec.structs import replace

from proofwatch import resources
from proofwatch.bus.records import Batch, Record, Rejection, TopicPartition
from proofwatch.detection.findings import WHOLE
from proofwatch.detection.incidents import LABELS_MS
from proofwatch.events import topics
from proofwatch.events.types import Anomaly, Slice
from services.aggregator.core.incident_groups import SETTLE_MS
from tests.unit.aggregator.incidents.a_log import GRACE_MS, HANDSET, HORIZON_MS, SLICES, Log, Run, add, at, window
from tests.unit.detection.anomalies import anomaly, within

_CLOSED = at(845) + GRACE_MS


def _log() -> Log:
    return {topics.ANOMALIES: [], topics.WINDOWS: []}


async def test_children_that_come_in_two_batches_make_no_two_revisions() -> None:
    """What a closing brings is told once, when all of it is there."""
    log = _log()
    for number, (where, share) in enumerate(SLICES.items()):
        add(log, anomaly(where, k=155 + round(5 * share), n=round(1000 * share)), _CLOSED + number * 2_000)
    run = Run(log)
    await run.idle(topics.WINDOWS, _CLOSED + 60_000)
    for _ in log[topics.ANOMALIES]:
        await run.take(topics.ANOMALIES, 1)
    assert not run.output
    await run.idle(topics.ANOMALIES, _CLOSED + 60_000)
    ((at_ms, event),) = run.told
    assert at_ms == _CLOSED + SETTLE_MS
    assert (event.revision, event.children_count) == (1, 3)


async def test_it_is_told_within_two_minutes_of_the_first_window() -> None:
    """Grace and settling, and not more."""
    log = _log()
    add(log, anomaly(WHOLE, k=500, n=1000), _CLOSED)
    run = Run(log)
    await run.rest()
    ((at_ms, _),) = run.told
    assert at_ms is not None
    assert at_ms - at(845) <= 120_000


async def test_counts_of_windows_name_the_root_of_what_only_the_tenant_fires_by() -> None:
    """The handset fires since earlier; its windows show that the tenant's excess is the handset's."""
    log = _log()
    for where, share in SLICES.items():
        n = round(1000 * share)
        k = round(0.02 * n) + (150 if where in (WHOLE, HANDSET) else round(150 * share))
        add(log, window(where, 840, k, n), _CLOSED)
    add(log, anomaly(HANDSET, k=60, n=250, minute=800), _CLOSED - 600_000)
    add(log, anomaly(WHOLE, k=170, n=1000, minute=840), _CLOSED)
    run = Run(log)
    await run.rest()
    named = {event.root for _, event in run.told}
    assert named == {(Slice(segment_name="device_model", segment_value="A-1801"),)}


async def test_a_span_of_several_windows_is_compared_by_their_sums() -> None:
    """k of n since a change point: the slices' windows over the same span."""
    log = _log()
    for minute in (840, 845, 850):
        closed = at(minute + 5) + GRACE_MS
        for where, share in SLICES.items():
            n = round(1000 * share)
            k = round(0.02 * n) + (50 if where in (WHOLE, HANDSET, ("os", "android")) else round(50 * share))
            add(log, window(where, minute, k, n), closed)
    closed = at(855) + GRACE_MS
    add(log, anomaly(HANDSET, k=165, n=750, rule="cusum", length_s=900), closed)
    add(log, anomaly(("os", "android"), k=124, n=1200, rule="cusum", length_s=600, minute=845), closed)
    add(log, anomaly(WHOLE, k=210, n=3000, rule="cusum", length_s=900), closed)
    run = Run(log)
    await run.rest()
    ((_, event),) = run.told
    assert [each.segment_value for each in event.root] == ["A-1801"]
    assert event.rules == ("cusum",)
    assert (event.rest_k, event.rest_n) == (45, 2250)


async def test_an_end_is_told_and_later_forgotten() -> None:
    """By the alert horizon findings and counts; the incident itself once labels can prove no more of it."""
    log = _log()
    fired = anomaly(WHOLE, k=500, n=1000)
    add(log, window(WHOLE, 840, 500, 1000), _CLOSED)
    add(log, fired, _CLOSED)
    add(log, within(fired, 900), at(905) + GRACE_MS)
    for after_ms, incidents in ((HORIZON_MS, 2), (HORIZON_MS + LABELS_MS, 1)):
        later, whole = after_ms // 60_000 + 2_000, {topic: list(records) for topic, records in log.items()}
        add(whole, anomaly(WHOLE, k=500, n=1000, minute=840 + later), at(845 + later) + GRACE_MS)
        add(whole, window(WHOLE, 840 + later, 500, 1000), at(845 + later) + GRACE_MS)
        run = Run(whole)
        await run.rest()
        assert [event.state for _, event in run.told] == ["firing", "ended", "firing"]
        known = run.store.tenants["bank"]
        assert (len(known.findings), len(known.incidents)) == (1, incidents)
        assert len(run.store.windows) == 1


async def test_backfill_is_silent_unless_labels_prove_a_limit_broken() -> None:
    """What is long ago is no real-time news; that a limit is broken is true all the same."""
    log = _log()
    add(log, anomaly(WHOLE, k=500, n=1000, backfill=True), _CLOSED)
    add(log, anomaly(WHOLE, "fmr", k=50, n=1000, backfill=True, rule="limit_breach"), _CLOSED)
    run = Run(log)
    await run.rest()
    assert [event.rules for _, event in run.told] == [("limit_breach",)]


async def test_where_time_moves_by_records_alone_anomalies_need_not_move_it() -> None:
    """They are rare: two looks that find none say that all have come of before the windows by then."""
    log = _log()
    add(log, anomaly(WHOLE, k=500, n=1000), _CLOSED)
    add(log, window(WHOLE, 840, 500, 1000), _CLOSED)
    add(log, window(WHOLE, 845, 20, 1000), _CLOSED + 300_000)
    run = Run(log)
    await run.take(topics.ANOMALIES, 1)
    await run.take(topics.WINDOWS, 2)
    await run.idle(topics.ANOMALIES, _CLOSED)
    assert not run.output
    await run.idle(topics.ANOMALIES, _CLOSED)
    assert len(run.told) == 1


async def test_what_cannot_be_kept_is_refused_and_the_rest_goes_on() -> None:
    """Bytes that are no event; an id that no database keeps; a time beyond the calendar."""
    log = _log()
    add(log, anomaly(WHOLE, k=500, n=1000, anomaly_id="a\0b"), _CLOSED)
    add(log, anomaly(WHOLE, k=2**63, n=2**63), _CLOSED)
    run = Run(log)
    records = [*log[topics.ANOMALIES], Record(2, _CLOSED, b"bank", b"{")]
    source = TopicPartition(topics.ANOMALIES, 0)
    output = list(await run.stage.step(Batch(source, records, 0, 3, _CLOSED, 0), None))
    assert [each.record.offset for each in output if isinstance(each, Rejection)] == [0, 1, 2]
    assert not run.store.waits


async def test_no_readable_anomaly_stops_the_stage() -> None:
    """Whatever a field holds: it is told of or refused, and so is every incident that comes of it readable."""
    document = json.loads((resources.schemas() / "examples/anomaly/full.json").read_text())
    odd: list[Any] = [
        "\0",
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00+14:00",
        -1,
        "x" * 200,
        [],
        2**70,
        0,
        1e308,
    ]
    log = _log()
    fields = dict.fromkeys(Anomaly.__struct_fields__) | document | {"state": "firing"}
    fields = {name: value for name, value in fields.items() if value is not None}
    for field in Anomaly.__struct_fields__:
        for number, value in enumerate(odd):
            changed = fields | {"anomaly_id": f"{field}-{number}", field: value}
            record = Record(len(log[topics.ANOMALIES]), _CLOSED, b"bank", json.dumps(changed).encode())
            log[topics.ANOMALIES].append(record)
    run = Run(log)
    await run.take(topics.ANOMALIES, 10_000)
    await run.idle(topics.WINDOWS, _CLOSED + 60_000)
    await run.idle(topics.ANOMALIES, _CLOSED + 60_000)
    assert run.told


async def test_a_cause_that_stands_for_a_week_is_of_the_slice_that_its_windows_named() -> None:
    """Its windows are forgotten after some days; a process that begins anew then tells nothing else of it."""
    log = _log()
    for where, k, n in ((WHOLE, 170, 1000), (HANDSET, 155, 250)):
        add(log, window(where, 840, k, n), _CLOSED)
    handset = anomaly(HANDSET, k=60, n=250, minute=800)
    add(log, handset, _CLOSED - 600_000)
    add(log, anomaly(WHOLE, k=170, n=1000, minute=840), _CLOSED)
    for hour in range(1, 24 * 7):
        add(log, window(WHOLE, 840 + 60 * hour, 20, 1000), _CLOSED + hour * 3_600_000)
    later = replace(handset, revision=2, k=61)
    add(log, later, _CLOSED + 7 * 86_400_000)
    run = Run(log)
    await run.take(topics.WINDOWS, 3)
    await run.take(topics.ANOMALIES, 2)
    while run.position[topics.WINDOWS] < len(log[topics.WINDOWS]):
        await run.take(topics.WINDOWS, 12)
        await run.idle(topics.ANOMALIES, log[topics.WINDOWS][run.position[topics.WINDOWS] - 1].timestamp_ms)
    assert not [place for _, place in run.store.windows if place.start_ms == at(840)]
    await run.stage.opened(TopicPartition(topics.ANOMALIES, 0), run.position[topics.ANOMALIES], None)  # type: ignore[arg-type]
    await run.rest()
    (known,) = run.store.tenants["bank"].incidents.values()
    assert (known.root.where, len(known.children), known.state) == (HANDSET, 1, "firing")
    assert {event.incident_id for _, event in run.told} == {known.incident_id}
