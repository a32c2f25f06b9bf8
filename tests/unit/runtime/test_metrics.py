"""What a process tells Prometheus is what it committed."""

import asyncio
import platform
from collections.abc import Sequence
from functools import partial
from importlib import metadata

import prometheus_client
import pytest
from prometheus_client.parser import text_string_to_metric_families

from proofwatch.bus.committed import Committed
from proofwatch.bus.dead_letters.limit import OVER
from proofwatch.bus.lanes.lane import LaneSettings
from proofwatch.bus.lanes.worker import Worker
from proofwatch.bus.lazy_outputs import LazyOutputs, parts_of
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.local.fence import LocalFence, LocalOwner
from proofwatch.bus.local.group import Group
from proofwatch.bus.newest import newest_header
from proofwatch.bus.records import Batch, Outgoing, Output, Record, Rejection, Topic, TopicPartition
from proofwatch.bus.stage import Owner, Stage
from proofwatch.bus.wrappers.observed import Observed, Sample
from proofwatch.events.mending import MENDED
from proofwatch.runtime.clock import SimulatedClock
from proofwatch.runtime.metric_catalogue import CATALOGUE, LATENCIES
from proofwatch.runtime.metrics import Metrics
from proofwatch.runtime.service import Service
from tests.unit.bus.stages import Recording

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Picky(Recording):
    """Refuses records whose value is `bad`."""

    async def step(self, batch: Batch, tx: object) -> Sequence[Output]:
        copies = await super().step(batch, tx)
        return [
            Rejection(record, "malformed", "$") if record.value == b"bad" else out
            for record, out in zip(batch.records, copies, strict=True)
        ]


class Drawing(Picky):
    """The same, but what it returns is drawn in parts."""

    async def step(self, batch: Batch, tx: object) -> LazyOutputs:  # type: ignore[override]
        return LazyOutputs(iter(parts_of(await super().step(batch, tx))))


class Scene:
    """A service of one worker on an in-process bus, observed."""

    def __init__(self, stage: Recording) -> None:
        self.clock = SimulatedClock(10_000)
        self.bus = LocalBus({"in": 2, "out": 2, "in.dlq": 2}, self.clock)
        settings = LaneSettings(max_records=3)
        worker = Worker(self.bus, ["in"], self.bus.fence("picky"), stage, settings, self.clock)
        self.service = Service("picky", [worker])
        self.metrics = Metrics(self.service.unready, "picky", self.clock)
        self.service.observe(self.metrics)

    async def publish(self, partition: int, *values: bytes) -> None:
        await self.bus.publish([Outgoing("in", b"acme/s-1", value, partition, 4_000) for value in values])

    async def look(self) -> None:
        """What the sampler does every ten seconds."""
        for part in self.service.samplers():
            self.metrics.sampled(type(part).__name__, await part.sample())

    def scrape(self) -> Samples:
        _, text = self.metrics.render()
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text.decode())
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float | None:
        return self.scrape().get((name, frozenset(labels.items())))


@pytest.mark.parametrize("stage", [Picky, Drawing])
async def test_records_outputs_and_dead_letters_are_counted_by_batch(stage: type[Picky]) -> None:
    """By partition, by topic, by reason; with the sizes of the batches."""
    scene = Scene(stage())
    await scene.publish(0, b"a", b"bad", b"c", b"bad")
    await scene.publish(1, b"a")
    await scene.service.start()
    while await scene.service.step():
        pass
    assert scene.value("proofwatch_records_total", group="picky", topic="in", partition="0") == 4
    assert scene.value("proofwatch_records_total", group="picky", topic="in", partition="1") == 1
    assert scene.value("proofwatch_outputs_total", group="picky", topic="out") == 3
    assert scene.value("proofwatch_outputs_total", group="picky", topic="in.dlq") == 2
    assert scene.value("proofwatch_dead_letters_total", group="picky", tenant="acme", reason="malformed") == 2
    assert scene.value("proofwatch_batch_records_count", group="picky") == 3
    assert scene.value("proofwatch_batch_records_bucket", group="picky", le="1.0") == 2
    assert scene.value("proofwatch_transaction_seconds_count", group="picky") == 3
    assert scene.value("proofwatch_position", group="picky", topic="in", partition="0") == 4
    assert scene.value("proofwatch_lag_seconds", group="picky", topic="in", partition="0") == 6
    await scene.service.stop()


async def test_a_batch_that_failed_counts_once_it_is_committed() -> None:
    """Counters are of what became durable, not of what was tried."""
    stage = Picky(fail=lambda batch: ValueError("no") if len(stage.batches) < 3 else None)
    scene = Scene(stage)
    await scene.publish(0, b"a", b"bad")
    await scene.service.start()
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            await scene.service.step()
    assert scene.value("proofwatch_records_total", group="picky", topic="in", partition="0") is None
    await scene.service.step()
    assert scene.value("proofwatch_records_total", group="picky", topic="in", partition="0") == 2
    await scene.service.stop()


async def test_a_batch_that_was_durable_already_is_not_counted() -> None:
    """An owner on a database leaves out what it has stored; the stage never sees it."""

    class Stored(LocalOwner):
        async def commit(self, batch: Batch, stage: Stage[None]) -> None:
            """Have it all."""

    class Storing(LocalFence):
        async def acquire(self, source: TopicPartition) -> Owner[None]:
            return Stored(self, self._bus, self._state, source, self._state.bump_epoch(source), Topic(2))

    scene = Scene(Picky())
    at, group = TopicPartition("in", 0), Group({"in": 2})
    owner = await Observed(Storing(scene.bus, "picky", group), scene.metrics).acquire(at)
    await owner.commit(Batch(at, [Record(0, 1, b"k", b"v")], 0, 1, 1, 1), Picky())
    assert scene.value("proofwatch_batch_records_count", group="picky") is None


async def test_lag_is_known_from_the_assignment_on_and_grows_until_something_succeeds() -> None:
    """An outage that begins before the first batch shows as well; an idle batch says that there was nothing."""
    scene = Scene(Picky())
    await scene.publish(0, b"a")
    await scene.service.start()
    lag = partial(scene.value, "proofwatch_lag_seconds", group="picky", topic="in", partition="0")
    assert lag() == 0
    scene.clock.advance_to(70_000)
    assert lag() == 60
    await scene.service.step()
    assert lag() == 66
    scene.clock.advance_to(500_000)
    assert lag() == 496
    await scene.service.step(idle=True)
    assert lag() == 1
    assert scene.value("proofwatch_batch_records_count", group="picky") == 1
    await scene.service.stop()


async def test_a_lane_that_fails_stays_visible_and_is_counted_by_reason() -> None:
    """In an outage position and lag are there, and the lag grows; the failures say why."""
    stage = Picky(fail=lambda batch: ConnectionResetError("gone") if len(stage.batches) > 1 else None)
    scene = Scene(stage)
    await scene.publish(0, b"a")
    await scene.service.start()
    await scene.service.step()
    await scene.publish(0, b"b")
    running = asyncio.create_task(scene.service.run())
    count = partial(scene.value, "proofwatch_lane_failures_total", group="picky", topic="in")
    async with asyncio.timeout(60):
        while not count(reason="ConnectionResetError"):  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.01)
    scene.clock.advance_to(300_000)
    assert scene.value("proofwatch_position", group="picky", topic="in", partition="0") == 1
    assert scene.value("proofwatch_lag_seconds", group="picky", topic="in", partition="0") == 296
    await scene.service.stop()
    await running


async def test_a_partition_that_moves_away_is_not_reported_any_more() -> None:
    """Position and lag belong to the owner; what was counted stays counted."""
    scene = Scene(Picky())
    await scene.publish(0, b"a")
    await scene.service.start()
    await scene.service.step()
    await scene.look()
    assert scene.value("proofwatch_rebalances_total", group="picky") == 1
    await scene.service.stop()
    for name in ("proofwatch_position", "proofwatch_lag_seconds", "proofwatch_lag_records"):
        assert scene.value(name, group="picky", topic="in", partition="0") is None
    assert scene.value("proofwatch_records_total", group="picky", topic="in", partition="0") == 1


async def test_lag_in_records_is_up_to_the_end_of_the_log() -> None:
    """Looked up, so that records which nobody takes are seen; how old the look is shows too."""
    scene = Scene(Picky())
    await scene.publish(0, *[b"a"] * 8)
    await scene.service.start()
    await scene.service.step()
    await scene.look()
    assert scene.value("proofwatch_lag_records", group="picky", topic="in", partition="0") == 5
    assert scene.value("proofwatch_lag_records", group="picky", topic="in", partition="1") == 0
    assert scene.value("proofwatch_look_age_seconds", part="Worker") == 0
    scene.clock.advance_to(100_000)
    assert scene.value("proofwatch_look_age_seconds", part="Worker") == 90
    assert scene.value("proofwatch_lag_seconds", group="picky", topic="in", partition="1") == 90
    await scene.look()
    assert scene.value("proofwatch_lag_seconds", group="picky", topic="in", partition="0") == 96
    assert scene.value("proofwatch_lag_seconds", group="picky", topic="in", partition="1") == 0, "nothing waits there"
    await scene.service.stop()


def test_latency_is_from_the_log_to_the_commit_of_every_record() -> None:
    """As if each were observed by itself, in any order of times."""
    metrics = Metrics(list, "picky", SimulatedClock(10_000))
    reference = prometheus_client.Histogram("r", "", buckets=LATENCIES, registry=None)
    times = [9_990, 9_000, 9_999, 4_000, 9_000, 0, 10_000, 9_500]
    batch = Batch(
        TopicPartition("in", 0), [Record(n, t, b"k", b"v") for n, t in enumerate(times)], 0, 8, 10_000, 10_000
    )
    metrics.committed("picky", batch, Committed("in"), 0.5)
    for at in times:
        reference.observe((10_500 - at) / 1000)
    (expected,) = reference.collect()
    families = [each for each in metrics.registry.collect() if each.name == "proofwatch_event_latency_seconds"]
    assert len(families[0].samples) == len(expected.samples)
    for made, as_if in zip(families[0].samples, expected.samples, strict=True):
        assert made.labels.get("le") == as_if.labels.get("le")
        assert made.value == pytest.approx(as_if.value)


def test_event_to_window_is_from_the_newest_transaction_of_a_tally_to_its_commit() -> None:
    """Each tally that counts something is one observation; other topics have none, whatever their headers say."""
    metrics = Metrics(list, "windows", SimulatedClock(10_000))
    records = [Record(0, 9_000, b"k", b"v", newest_header(7_000)), Record(1, 9_000, b"k", b"v")]
    records += [Record(2, 9_000, b"k", b"v", (("proofwatch.newest_ms", b"rubbish"),)), *records[:1]]
    for topic in ("metrics.tallies.v1", "in"):
        metrics.committed(
            "windows", Batch(TopicPartition(topic, 0), records, 0, 4, 9_000, 10_000), Committed(topic), 0.5
        )
    value = metrics.registry.get_sample_value
    assert value("proofwatch_event_to_window_seconds_count") == 2
    assert value("proofwatch_event_to_window_seconds_sum") == 7.0
    assert value("proofwatch_event_to_window_seconds_bucket", {"le": "2.5"}) == 0
    assert value("proofwatch_event_to_window_seconds_bucket", {"le": "5.0"}) == 2


def test_tenants_are_few_however_many_send_rubbish() -> None:
    """Whoever writes keys could otherwise make as many series as he likes."""
    metrics = Metrics(list, "picky", SimulatedClock())
    refused = Committed("in")
    at = TopicPartition("in", 0)
    keys = [f"t-{n}/s".encode() for n in range(150)] + [b"Not A Tenant/s", b"", None]
    for key in keys:
        refused.reject(Rejection(Record(1, 1, key, b"v"), "malformed", "$"))
    metrics.committed("picky", Batch(at, [], 0, 0, None, 0), refused, 0.1)
    (family,) = [each for each in metrics.registry.collect() if each.name == "proofwatch_dead_letters"]
    said = {sample.labels["tenant"]: sample.value for sample in family.samples}
    assert len(said) == 102
    assert (said["t-0"], said["other"], said["unknown"]) == (1, 50, 3)


def test_rows_removed_are_what_the_database_says_by_few_tenants() -> None:
    """A counter that is looked up: a second look counts nothing twice, and tenants are few here too."""
    metrics = Metrics(list, "ledger", SimulatedClock())
    samples = [Sample("proofwatch_removed_rows_total", (f"t-{n:03}", "ledger.transactions"), n) for n in range(102)]
    for _ in range(2):
        metrics.sampled("removed", samples)
    metrics.sampled("windows", [Sample("proofwatch_removed_rows_total", ("t-001", "windows.buckets"), 5)])
    (family,) = [each for each in metrics.registry.collect() if each.name == "proofwatch_removed_rows"]
    said = {(sample.labels["tenant"], sample.labels["table"]): sample.value for sample in family.samples}
    assert len(said) == 102
    assert said["t-007", "ledger.transactions"] == 7
    assert said["other", "ledger.transactions"] == 100 + 101
    assert said["t-001", "windows.buckets"] == 5


def test_build_and_service_are_named() -> None:
    """What runs here, for a dashboard that compares releases."""
    text = Metrics(list, "windows").render()[1].decode()
    assert f'proofwatch_build_info{{python="{platform.python_version()}",service="windows"' in text
    assert metadata.version("proofwatch") in text


async def test_readiness_is_asked_at_every_scrape() -> None:
    """0 before the start, 1 while every lane owns its partition."""
    scene = Scene(Picky())
    assert scene.value("proofwatch_ready") == 0
    await scene.service.start()
    await scene.service.step()
    assert scene.value("proofwatch_ready") == 1
    await scene.service.stop()


async def test_no_label_says_anything_of_a_person() -> None:
    """Labels are those of the catalogue and the bounds of buckets; each name has the house's prefix."""
    scene = Scene(Picky())
    await scene.publish(0, b"a", b"bad")
    await scene.service.start()
    await scene.service.step()
    samples = {name: {label for label, _ in labels} for name, labels in scene.scrape()}
    assert set().union(*samples.values()) <= {label for each in CATALOGUE for label in each.labels} | {"le"}
    assert all(name.startswith(("proofwatch_", "process_")) for name in samples)
    await scene.service.stop()


async def test_values_that_were_put_right_are_counted_by_event_and_field(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounding noise and descriptions that were cut are seen before anybody misses them."""
    monkeypatch.setitem(MENDED, ("transaction", "match_score"), 3)
    scene = Scene(Recording())
    assert scene.value("proofwatch_values_mended_total", event="transaction", field="match_score") == 3


async def test_tenants_beyond_the_cap_are_counted_by_place_and_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gauge to alarm on; who it is says the log."""
    monkeypatch.setitem(OVER, ("scorer", "in", 3), 2)
    scene = Scene(Recording())
    found = scene.value("proofwatch_tenants_beyond_dead_letter_cap", group="scorer", topic="in", partition="3")
    assert found == 2
